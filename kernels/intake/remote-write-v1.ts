// Remote write 1.0: prometheus.WriteRequest (prompb/remote.proto, types.proto of Prometheus).
//
//   WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3 }
//   TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; Exemplar exemplars = 3;
//                Histogram histograms = 4 }        (histogram.ts)
//   Label { string name = 1; string value = 2 }     Sample { double value = 1; int64 timestamp = 2 }
//   MetricMetadata { type = 1; string metric_family_name = 2; string help = 4; string unit = 5 }
//
// Nearly every series has one sample, as the last thing of its message, in one of two shapes (t: 42 bits as six bytes):
//
//   0x12 0x10   0x09 value (8 bytes)   0x10 t         and with the value 0 left out   0x12 0x07   0x10 t
//
// So we guess that what lies before that shape is labels, and hash it. If the hash is known then these bytes are the
// labels of a known series, and the guess was right without a look at them. Else the message is walked field by field.

import { BYTES, FIXED64, VARINT, fieldAt, fieldBytes, fieldNext, fieldTag, fieldValue, tagOf } from './protobuf';
import { batchSample } from './batch';
import { exemplarAdd, exemplarsMax } from './exemplars';
import { hashBytes, hashHigh, hashLow } from './hash';
import { readHistogram } from './histogram';
import { labelRowCount, labelsAdd, labelsBudget, labelsClear } from './labels';
import { metadataAdd } from './metadata';
import {
  MALFORMED, OUT_OF_MEMORY, SAMPLES, count, refuseSample, refuseSeries, setBody,
  tenantHigh, tenantLow, timeAccepted,
} from './request';
import {
  seriesHigh, seriesKnown, seriesLow, seriesRef, seriesResolve, seriesHistogram, seriesSample, seriesShard,
} from './series';
import { isUsualTime, readSample, sampleBits, sampleTime, usualTime } from './sample';
import { isAscii } from './utf8';
import { varintBytes } from './varint';

const SAMPLE_BYTES: u32 = 18;
const ZERO_SAMPLE_BYTES: u32 = 9;
const SAMPLE_SHAPE: u32 = 0x091012;
const ZERO_SAMPLE_SHAPE: u16 = 0x0712;
const NOT_GUESSED: i32 = i32.MAX_VALUE;
/** What scanSeries found. */
let labelsEnd: usize = 0;
let labelsTogether: bool = false;
let sampleCount: u32 = 0;
let histogramCount: u32 = 0;
let exemplarCount: u32 = 0;

/** Takes a decoded body at [start, end). 0 or a negative code; the caller undoes a failed request. */
export function remoteWriteV1(start: usize, end: usize): i32 {
  setBody(start);
  labelsBudget();
  let at = start;
  let index: u32 = 0;
  let stored: u32 = 0;
  while (at < end) {
    // The usual head: field 1, length in two bytes. Reading past the end is harmless, `next` is checked.
    const head = load<u32>(at);
    let message: usize;
    let next: usize;
    if ((head & 0x8080ff) == 0x00800a) {
      message = at + 3;
      next = message + (((head >> 8) & 0x7f) | ((head >> 9) & 0x3f80));
      if (next > end) return MALFORMED;
    } else {
      next = fieldNext(at, end);
      if (next == 0) return MALFORMED;
      const code = otherField();
      if (code < 0) return code;
      if (code == 0) {
        at = next;
        continue;
      }
      message = fieldAt;
    }
    let code = guess(message, next, index);
    if (code == NOT_GUESSED) code = walkSeries(message, next, index);
    if (code < 0) return code;
    stored += <u32>code;
    index++;
    at = next;
  }
  count(SAMPLES, stored);
  return 0;
}

/** Handles the top-level field read last. 1: it is a series. 0: it is done. Negative: malformed. */
function otherField(): i32 {
  const field = fieldTag >> 3;
  if (field == 1) return fieldTag == tagOf(1, BYTES) ? 1 : MALFORMED;
  if (field != 3) return 0;
  return fieldTag == tagOf(3, BYTES) ? walkMetadata(fieldAt, fieldAt + fieldBytes) : MALFORMED;
}

/** The short way. How many samples were stored, NOT_GUESSED if the message must be walked, or a negative code. */
@inline
function guess(message: usize, next: usize, index: u32): i32 {
  const bytes = <u32>(next - message);
  if (bytes < SAMPLE_BYTES) return NOT_GUESSED;
  const word = load<u64>(next - 8);
  if (!isUsualTime(word)) return NOT_GUESSED;
  let labelBytes = bytes - SAMPLE_BYTES;
  let bits: u64 = 0;
  if ((load<u32>(next - SAMPLE_BYTES) & 0xffffff) == SAMPLE_SHAPE) bits = load<u64>(next - 15);
  else if (load<u16>(next - ZERO_SAMPLE_BYTES) == ZERO_SAMPLE_SHAPE) labelBytes = bytes - ZERO_SAMPLE_BYTES;
  else return NOT_GUESSED;
  hashBytes(message, labelBytes, tenantLow, tenantHigh);
  const timeMs = usualTime(word);
  if (!seriesKnown(hashLow, hashHigh)) return guessNew(message, next, message + labelBytes, timeMs, bits, index);
  if (!timeAccepted(timeMs)) {
    refuseSample(timeMs, index, message, bytes);
    return 0;
  }
  return batchSample(seriesShard, <u32>seriesRef, timeMs, bits) ? 1 : OUT_OF_MEMORY;
}

/**
 * Goes on when the guess's hash is not known: if what lies before the sample is labels indeed, all encoded canonically,
 * the series is new and can be taken without a walk.
 */
function guessNew(message: usize, next: usize, labelsEnd: usize, timeMs: i64, bits: u64, index: u32): i32 {
  if (!readCanonical(message, labelsEnd)) return NOT_GUESSED;
  const bytes = <u32>(next - message);
  const reason = seriesResolve(true, true, hashLow, hashHigh, isAscii(message, <u32>(labelsEnd - message)));
  if (reason < 0) return reason;
  if (reason == 0) return seriesSample(timeMs, bits, index, message, bytes);
  refuseSeries(<u32>reason, 1, index, message, bytes);
  return 0;
}

/** Fills the label rows if [begin, end) is labels of less than 128 bytes each, encoded canonically. */
function readCanonical(begin: usize, end: usize): bool {
  labelsClear();
  for (let at = begin; at < end; ) {
    const head = load<u32>(at); // 0x0a, bytes of the label, 0x0a, bytes of the name
    const bytes = (head >> 8) & 0xff;
    const nameBytes = head >> 24;
    const next = at + 2 + bytes;
    if ((head & 0xff80ff) != 0x0a000a || next > end || nameBytes + 4 > bytes) return false;
    const value = at + 4 + nameBytes;
    if (load<u8>(value) != 0x12 || <u32>load<u8>(value, 1) != bytes - nameBytes - 4) return false;
    labelsAdd(at + 4, nameBytes, value + 2, bytes - nameBytes - 4);
    at = next;
  }
  return true;
}

/** The long way: any order of fields, any number of samples. Returns how many were stored, or a negative code. */
function walkSeries(message: usize, end: usize, index: u32): i32 {
  const scanned = scanSeries(message, end);
  if (scanned < 0) return scanned;
  const samples = sampleCount + histogramCount;
  let known = false;
  let wireLow: u64 = 0;
  let wireHigh: u64 = 0;
  if (labelsTogether) {
    hashBytes(message, <u32>(labelsEnd - message), tenantLow, tenantHigh);
    wireLow = hashLow;
    wireHigh = hashHigh;
    known = seriesKnown(wireLow, wireHigh);
  }
  if (!known) {
    const together = labelsTogether;
    const canonical = readLabels(message, end);
    if (canonical < 0) return canonical;
    const reason = seriesResolve(together, canonical != 0, wireLow, wireHigh, false);
    if (reason < 0) return reason;
    if (reason > 0) {
      refuseSeries(<u32>reason, samples, index, message, <u32>(end - message));
      return 0;
    }
  }
  const stored = appendSamples(message, end, index);
  if (stored < 0 || (histogramCount | exemplarCount) == 0) return stored;
  let code = histogramCount == 0 ? 0 : appendHistograms(message, end, index);
  // A series whose samples were all refused may not be there.
  const mayExist = seriesRef >= 0 || samples == 0;
  if (code == 0 && exemplarCount != 0 && exemplarsMax != 0 && mayExist) code = appendExemplars(message, end);
  return code < 0 ? code : stored;
}

/** Counts the parts of a TimeSeries. 0, or a negative code. Labels are looked into later. */
function scanSeries(message: usize, end: usize): i32 {
  labelsEnd = message;
  labelsTogether = true;
  sampleCount = 0;
  histogramCount = 0;
  exemplarCount = 0;
  let other = false;
  for (let at = message; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return MALFORMED;
    const field = fieldTag >> 3;
    if (field >= 1 && field <= 4 && (fieldTag & 7) != BYTES) return MALFORMED;
    if (field == 1) {
      if (other) labelsTogether = false;
      labelsEnd = at;
      continue;
    }
    other = true;
    if (field == 2) {
      sampleCount++;
      if (!readSample(fieldAt, fieldAt + fieldBytes)) return MALFORMED;
    } else if (field == 3) {
      exemplarCount++;
      if (!readExemplar(fieldAt, fieldAt + fieldBytes)) return MALFORMED;
    } else if (field == 4) {
      histogramCount++;
      const code = readHistogram(fieldAt, fieldAt + fieldBytes);
      if (code < 0) return code;
    }
  }
  return 0;
}

/** Fills the label rows of a series that was refused; how many they are. */
export function labelsOfV1(message: usize, end: usize): u32 {
  readLabels(message, end);
  return labelRowCount();
}

/** Fills the label rows. 1: each label is encoded canonically. 0: not so. Negative: malformed. */
function readLabels(message: usize, end: usize): i32 {
  labelsClear();
  let canonical: i32 = 1;
  for (let at = message; at < end; ) {
    const begin = at;
    at = fieldNext(at, end);
    if (fieldTag != tagOf(1, BYTES)) continue;
    const bytes = fieldBytes;
    if (load<u8>(begin) != 0x0a || fieldAt - begin != 1 + varintBytes(bytes)) canonical = 0;
    const shape = readLabel(fieldAt, fieldAt + bytes);
    if (shape < 0) return shape;
    canonical &= shape;
  }
  return canonical;
}

/** Adds one Label. 1: encoded canonically. */
function readLabel(begin: usize, end: usize): i32 {
  let name: usize = begin;
  let nameBytes: u32 = 0;
  let value: usize = begin;
  let valueBytes: u32 = 0;
  for (let at = begin; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return MALFORMED;
    const field = fieldTag >> 3;
    if (field != 1 && field != 2) continue;
    if ((fieldTag & 7) != BYTES) return MALFORMED;
    if (field == 1) {
      name = fieldAt;
      nameBytes = fieldBytes;
    } else {
      value = fieldAt;
      valueBytes = fieldBytes;
    }
  }
  labelsAdd(name, nameBytes, value, valueBytes);
  // Canonical: the name first, the value behind it, and no byte besides theirs.
  const own = 2 + varintBytes(nameBytes) + nameBytes + varintBytes(valueBytes) + valueBytes;
  return name < value && name == begin + 1 + varintBytes(nameBytes) && <u32>(end - begin) == own ? 1 : 0;
}

/** Appends the samples of a scanned message to the series at hand. */
function appendSamples(message: usize, end: usize, index: u32): i32 {
  let stored: i32 = 0;
  for (let at = message; at < end; ) {
    at = fieldNext(at, end);
    if (fieldTag != tagOf(2, BYTES)) continue;
    readSample(fieldAt, fieldAt + fieldBytes);
    const code = seriesSample(sampleTime, sampleBits, index, message, <u32>(end - message));
    if (code < 0) return code;
    stored += code;
  }
  return stored;
}

/** The same of its histograms. 0, or a negative code. */
function appendHistograms(message: usize, end: usize, index: u32): i32 {
  for (let at = message; at < end; ) {
    at = fieldNext(at, end);
    if (fieldTag != tagOf(4, BYTES)) continue;
    readHistogram(fieldAt, fieldAt + fieldBytes);
    const code = seriesHistogram(index, message, <u32>(end - message));
    if (code < 0) return code;
  }
  return 0;
}

let exemplarTime: i64 = 0;
let exemplarBits: u64 = 0;

/** Reads an Exemplar { labels = 1, value = 2, timestamp = 3 }, its labels into the label rows; false if it is malformed. */
function readExemplar(begin: usize, end: usize): bool {
  labelsClear();
  exemplarTime = 0;
  exemplarBits = 0;
  for (let at = begin; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return false;
    const field = fieldTag >> 3;
    if (field == 1) {
      if ((fieldTag & 7) != BYTES || readLabel(fieldAt, fieldAt + fieldBytes) < 0) return false;
    } else if (field == 2) {
      if ((fieldTag & 7) != FIXED64) return false;
      exemplarBits = load<u64>(fieldAt);
    } else if (field == 3) {
      if ((fieldTag & 7) != VARINT) return false;
      exemplarTime = <i64>fieldValue;
    }
  }
  return true;
}

/** The same of its exemplars, of the series at hand. Their rows take the place of the series' labels. */
function appendExemplars(message: usize, end: usize): i32 {
  for (let at = message; at < end; ) {
    at = fieldNext(at, end);
    if (fieldTag != tagOf(3, BYTES)) continue;
    readExemplar(fieldAt, at);
    const code = exemplarAdd(seriesLow, seriesHigh, exemplarTime, exemplarTime != 0, exemplarBits);
    if (code < 0) return code;
  }
  return 0;
}

/** Reads a MetricMetadata into a row. */
function walkMetadata(begin: usize, end: usize): i32 {
  let type: u32 = 0;
  let name: usize = 0;
  let nameBytes: u32 = 0;
  let help: usize = 0;
  let helpBytes: u32 = 0;
  let unit: usize = 0;
  let unitBytes: u32 = 0;
  for (let at = begin; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return MALFORMED;
    const field = fieldTag >> 3;
    if (field == 1 && (fieldTag & 7) == VARINT) type = <u32>fieldValue;
    else if (field != 1 && field != 2 && field != 4 && field != 5) continue;
    else if (field == 1 || (fieldTag & 7) != BYTES) return MALFORMED;
    else if (field == 2) {
      name = fieldAt;
      nameBytes = fieldBytes;
    } else if (field == 4) {
      help = fieldAt;
      helpBytes = fieldBytes;
    } else {
      unit = fieldAt;
      unitBytes = fieldBytes;
    }
  }
  metadataAdd(type, name, nameBytes, help, helpBytes, unit, unitBytes);
  return 0;
}
