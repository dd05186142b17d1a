// Remote write 2.0: io.prometheus.write.v2.Request (prompb/io/prometheus/write/v2/types.proto of Prometheus).
//
//   Request { repeated string symbols = 4; repeated TimeSeries timeseries = 5 }
//   TimeSeries { repeated uint32 labels_refs = 1 [packed]; Sample samples = 2; Histogram histograms = 3;
//                Exemplar exemplars = 4; Metadata metadata = 5; reserved 6 }
//   Exemplar { repeated uint32 labels_refs = 1 [packed]; double value = 2; int64 timestamp = 3 }
//   Sample { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3 }     Metadata { type = 1; uint32 help_ref = 3; uint32 unit_ref =
// 4 }
//
// Each symbol is hashed once per request. A series is recognised by a combination of its symbols' hashes, an alias of
// its id, so the label text of known series is not touched. Two accumulators take, per label with the hashes N and V
// (hash.ts has the operations):
//
//   A = permute(A) + V + lower(N * V)      B = permute(B) + N + upper(N * V)

import { BYTES, FIXED64, VARINT, fieldAt, fieldBytes, fieldNext, fieldTag, fieldValue, tagOf } from './protobuf';
import { aliasFind, aliasHigh, aliasLow } from './aliases';
import { exemplarAdd, exemplarRefused, exemplarsMax } from './exemplars';
import { foldHigh, foldLow, hashBytes, hashHigh, hashLow, hashPair } from './hash';
import { labelRowCount, labelsAdd, labelsBudget, labelsClear } from './labels';
import { allocate, classOf, reallocate } from './memory';
import { readHistogram } from './histogram';
import { metadataAdd } from './metadata';
import {
  BAD_SYMBOL_REF, MALFORMED, NO_SAMPLES, ODD_LABEL_REFS, OUT_OF_MEMORY, SAMPLES, TOO_EXPENSIVE,
  TOO_MANY_LABELS, count, refuseSeries, setBody, tenantHigh, tenantLow,
} from './request';
import { seriesById, seriesHigh, seriesLow, seriesRef, seriesHistogram, seriesResolve, seriesStarted } from './series';
import {
  isUsualStart, isUsualTime, readSample, sampleBits, sampleStart, sampleTime, setSample, setStart, usualTime,
} from './sample';
import { readVarint, varint } from './varint';

/** A request with more symbols than this is refused. */
const SYMBOLS_MAX: u32 = 1 << 21;
const REFS_MAX: u32 = 8192;
/** Tweaks that keep symbol hashes and their combinations apart from ids. */
const SYMBOL_TWEAK: u64 = 0x73796d626f6c3272;
const ALIAS_TWEAK: u64 = 0x616c6961732d7632;
const METRIC_NAME_BYTES: u64 = 0x5f5f656d616e5f5f; // "__name__" in memory order
const SAMPLE_SHAPE: u32 = 0x091012;
const SAMPLE_BYTES: usize = 18;
const STARTED_SHAPE: u32 = 0x091712;
const STARTED_BYTES: usize = 25;
const NO_SYMBOL: u32 = 0xffffffff;

/** Symbols of the request: {u32 address, u32 bytes, u64 0, u64 hashLow, u64 hashHigh}. */
let symbols: usize = 0;
let symbolsClass: u32 = 0;
let symbolCount: u32 = 0;
let metricNameSymbol: u32 = NO_SYMBOL;
let allMetadata: bool = false;

/** Of the series at hand: symbol numbers. */
let refs: usize = 0;
let refCount: u32 = 0;
let refsReason: u32 = 0;
/** Refs before the first that leads nowhere. */
let refsGood: u32 = 0;

let sampleCount: u32 = 0;
let histogramCount: u32 = 0;
let exemplarCount: u32 = 0;
let metadataAt: usize = 0;
let metadataBytes: u32 = 0;

/** Makes the blocks. False when memory is out. */
export function remoteWriteV2Init(): bool {
  refs = allocate(classOf(<usize>REFS_MAX * 4));
  return refs != 0;
}

/** Takes a decoded body at [start, end). `metadata`: report it of known series too. 0 or a negative code. */
export function remoteWriteV2(start: usize, end: usize, metadata: bool): i32 {
  setBody(start);
  labelsBudget();
  allMetadata = metadata;
  const code = readSymbols(start, end);
  if (code < 0) return code;
  let index: u32 = 0;
  let stored: u32 = 0;
  for (let at = start; at < end; ) {
    at = fieldNext(at, end);
    if (fieldTag != tagOf(5, BYTES)) continue;
    const taken = walkSeries(fieldAt, at, index);
    if (taken < 0) return taken;
    stored += <u32>taken;
    index++;
  }
  count(SAMPLES, stored);
  return 0;
}

/** First pass over the request: its symbols, and whether its top level is well-formed. */
function readSymbols(start: usize, end: usize): i32 {
  symbolCount = 0;
  metricNameSymbol = NO_SYMBOL;
  for (let at = start; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return MALFORMED;
    const field = fieldTag >> 3;
    if (field != 4 && field != 5) continue;
    if ((fieldTag & 7) != BYTES) return MALFORMED;
    if (field == 5) continue;
    if (symbolCount == SYMBOLS_MAX) return TOO_EXPENSIVE;
    if (symbols == 0 || <usize>(symbolCount + 1) << 5 > <usize>1 << symbolsClass) {
      const next = symbols == 0 ? 16 : symbolsClass + 1;
      const bigger = reallocate(symbols, symbolsClass, next, <usize>symbolCount << 5);
      if (bigger == 0) return OUT_OF_MEMORY;
      symbols = bigger;
      symbolsClass = next;
    }
    const row = symbols + (<usize>symbolCount << 5);
    store<u32>(row, <u32>fieldAt);
    store<u32>(row, fieldBytes, 4);
    hashBytes(fieldAt, fieldBytes, SYMBOL_TWEAK, 0);
    store<u64>(row, hashLow, 16);
    store<u64>(row, hashHigh, 24);
    if (fieldBytes == 8 && metricNameSymbol == NO_SYMBOL && load<u64>(fieldAt) == METRIC_NAME_BYTES) {
      metricNameSymbol = symbolCount;
    }
    symbolCount++;
  }
  return 0;
}

/** Takes one series. Returns how many samples were stored, or a negative code. */
function walkSeries(message: usize, end: usize, index: u32): i32 {
  const scanned = scanSeries(message, end);
  if (scanned < 0) return scanned;
  const samples = sampleCount + histogramCount;
  let reason = <i32>refsReason;
  if (reason == 0 && (refCount & 1) != 0) reason = ODD_LABEL_REFS;
  if (reason == 0) reason = findSeries();
  // Prometheus' own sender has exemplars in messages of their own.
  if (reason == 0 && (samples | exemplarCount) == 0) reason = NO_SAMPLES;
  if (reason < 0) return reason;
  if (reason > 0) {
    refuseSeries(<u32>reason, samples, index, message, <u32>(end - message));
    return 0;
  }
  if (metadataAt != 0 && (allMetadata || seriesRef < 0)) reportMetadata();
  if ((histogramCount | exemplarCount) != 0) return appendAll(message, end, index);
  if (samples == 1) return seriesStarted(sampleTime, sampleStart, sampleBits, index, message, <u32>(end - message));
  return appendSamples(message, end, index);
}

/** Finds the series of the refs. 0, a reason, or a negative code. */
function findSeries(): i32 {
  combineRefs();
  const low = hashLow;
  const high = hashHigh;
  if (aliasFind(low, high) && seriesById(aliasLow, aliasHigh)) return 0;
  fillLabels();
  return seriesResolve(true, false, low, high, false);
}

/** Fills the label rows of a series that was refused, as far as its refs lead to symbols; how many they are. */
export function labelsOfV2(message: usize, end: usize): u32 {
  refsGood = REFS_MAX;
  scanSeries(message, end);
  refCount = min<u32>(refCount, refsGood);
  fillLabels();
  return labelRowCount();
}

/** Label rows from pairs of refs. */
function fillLabels(): void {
  labelsClear();
  for (let i: u32 = 0; i + 1 < refCount; i += 2) {
    const name = symbols + (<usize>load<u32>(refs + (<usize>i << 2)) << 5);
    const value = symbols + (<usize>load<u32>(refs + (<usize>i << 2), 4) << 5);
    labelsAdd(load<u32>(name), load<u32>(name, 4), load<u32>(value), load<u32>(value, 4));
  }
}

@inline
function symbolHash(place: u32): v128 {
  return v128.load(symbols + (<usize>load<u32>(refs + (<usize>place << 2)) << 5), 16);
}

/** Leaves the combination of the refs' hashes in hashLow and hashHigh. */
function combineRefs(): void {
  let a = i64x2.splat(<i64>refCount);
  let b = i64x2.splat(0);
  for (let i: u32 = 0; i < refCount; i += 2) {
    const name = symbolHash(i);
    const value = symbolHash(i + 1);
    a = foldLow(a, value, name, value);
    b = foldHigh(b, name, name, value);
  }
  hashPair(a, b, tenantLow ^ ALIAS_TWEAK, tenantHigh);
}

/** Reads what a TimeSeries has. 0, or a negative code. */
function scanSeries(message: usize, end: usize): i32 {
  refCount = 0;
  refsReason = 0;
  sampleCount = 0;
  histogramCount = 0;
  exemplarCount = 0;
  metadataAt = 0;
  setStart(0);
  for (let at = message; at < end; ) {
    const short = shortField(at, end);
    if (short != 0) {
      at = short;
      continue;
    }
    at = fieldNext(at, end);
    if (at == 0) return MALFORMED;
    if (fieldTag == tagOf(1, BYTES)) {
      if (!readRefs(fieldAt, at)) return MALFORMED;
      continue;
    }
    if (fieldTag == tagOf(1, VARINT)) {
      addRef(fieldValue);
      continue;
    }
    const field = fieldTag >> 3;
    if (field > 5) continue;
    if ((fieldTag & 7) != BYTES) return MALFORMED;
    if (field == 2) {
      sampleCount++;
      if (!readSample(fieldAt, at, true)) return MALFORMED;
    } else if (field == 3) {
      histogramCount++;
      const code = readHistogram(fieldAt, at, true);
      if (code < 0) return code;
    } else if (field == 4) {
      exemplarCount++;
      if (!readExemplar(fieldAt, at)) return MALFORMED;
    } else {
      metadataAt = fieldAt;
      metadataBytes = fieldBytes;
    }
  }
  return metadataAt == 0 || readMetadata(metadataAt, metadataAt + metadataBytes) ? 0 : MALFORMED;
}

/** Reads the usual fields the short way: refs of less than 128 bytes, and a sample, with a start time or without. 0: it is neither. */
@inline
function shortField(at: usize, end: usize): usize {
  const head = load<u32>(at);
  if ((head & 0x80ff) == 0x000a) {
    const begin = at + 2;
    const next = begin + ((head >> 8) & 127);
    return next <= end && readShortRefs(begin, next) ? next : 0;
  }
  if ((head & 0xffffff) != SAMPLE_SHAPE) return (head & 0xffffff) == STARTED_SHAPE ? shortStarted(at, end) : 0;
  if (at + SAMPLE_BYTES > end) return 0;
  const word = load<u64>(at, SAMPLE_BYTES - 8);
  if (!isUsualTime(word)) return 0;
  setSample(usualTime(word), load<u64>(at, 3));
  sampleCount++;
  return at + SAMPLE_BYTES;
}

/** A sample with a start time, both times of six bytes. 0: it is another one. */
function shortStarted(at: usize, end: usize): usize {
  if (at + STARTED_BYTES > end) return 0;
  const time = load<u64>(at, SAMPLE_BYTES - 8);
  const start = load<u64>(at, STARTED_BYTES - 8);
  if (!isUsualTime(time) || !isUsualStart(start)) return 0;
  setSample(usualTime(time), load<u64>(at, 3));
  setStart(usualTime(start));
  sampleCount++;
  return at + STARTED_BYTES;
}

/** Reads refs of one or two bytes each; false, and nothing read, if one is longer or no symbol. */
@inline
function readShortRefs(begin: usize, end: usize): bool {
  let place = refs + (<usize>refCount << 2);
  if (refCount > REFS_MAX - 128) return false;
  for (let at = begin; at < end; place += 4) {
    const word = <u32>load<u16>(at);
    let ref = word & 127;
    at++;
    if (word & 128) {
      ref |= (word >> 1) & 0x3f80;
      at++;
      if ((word & 0x8000) != 0 || at > end) return false;
    }
    if (ref >= symbolCount) return false;
    store<u32>(place, ref);
  }
  refCount = <u32>(place - refs) >> 2;
  return true;
}

@inline
function addRef(ref: u64): void {
  if (ref >= <u64>symbolCount) {
    if (refsReason == 0) refsReason = BAD_SYMBOL_REF;
    refsGood = min<u32>(refsGood, refCount);
  } else if (refCount >= REFS_MAX) {
    if (refsReason == 0) refsReason = TOO_MANY_LABELS;
  } else {
    store<u32>(refs + (<usize>refCount << 2), <u32>ref);
    refCount++;
  }
}

function readRefs(begin: usize, end: usize): bool {
  for (let at = begin; at < end; ) {
    at = readVarint(at, end);
    if (at == 0) return false;
    addRef(varint);
  }
  return true;
}

function appendSamples(message: usize, end: usize, index: u32): i32 {
  let stored: i32 = 0;
  for (let at = message; at < end; ) {
    at = fieldNext(at, end);
    if (fieldTag != tagOf(2, BYTES)) continue;
    readSample(fieldAt, fieldAt + fieldBytes, true);
    const code = seriesStarted(sampleTime, sampleStart, sampleBits, index, message, <u32>(end - message));
    if (code < 0) return code;
    stored += code;
  }
  return stored;
}

/** Appends the samples, then the histograms, then the exemplars. Returns how many samples were stored, or a negative code. */
function appendAll(message: usize, end: usize, index: u32): i32 {
  const stored = appendSamples(message, end, index);
  if (stored < 0) return stored;
  for (let at = message; at < end; ) {
    at = fieldNext(at, end);
    if (fieldTag != tagOf(3, BYTES)) continue;
    readHistogram(fieldAt, at, true);
    const code = seriesHistogram(index, message, <u32>(end - message));
    if (code < 0) return code;
  }
  // A series whose samples were all refused may not be there.
  const mayExist = seriesRef >= 0 || sampleCount + histogramCount == 0;
  if (exemplarCount == 0 || exemplarsMax == 0 || !mayExist) return stored;
  const code = appendExemplars(message, end);
  return code < 0 ? code : stored;
}

let exemplarTime: i64 = 0;
let exemplarBits: u64 = 0;
/** Its refs lead to symbols, two by two; else it is refused. */
let exemplarIsWhole: bool = false;
/** The name of a label whose value comes next, or 0. */
let exemplarName: usize = 0;

function addExemplarRef(ref: u64): void {
  if (ref >= <u64>symbolCount) {
    exemplarIsWhole = false;
    return;
  }
  const symbol = symbolRow(ref);
  if (exemplarName == 0) {
    exemplarName = symbol;
    return;
  }
  labelsAdd(load<u32>(exemplarName), load<u32>(exemplarName, 4), load<u32>(symbol), load<u32>(symbol, 4));
  exemplarName = 0;
}

/** Reads an Exemplar, its labels into the label rows; false if it is malformed. */
function readExemplar(begin: usize, end: usize): bool {
  labelsClear();
  exemplarTime = 0;
  exemplarBits = 0;
  exemplarIsWhole = true;
  exemplarName = 0;
  for (let at = begin; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return false;
    const field = fieldTag >> 3;
    const type = fieldTag & 7;
    if (field == 1 && type == VARINT) addExemplarRef(fieldValue);
    else if (field == 1) {
      if (type != BYTES) return false;
      for (let ref = fieldAt; ref < at; ) {
        ref = readVarint(ref, at);
        if (ref == 0) return false;
        addExemplarRef(varint);
      }
    } else if (field == 2) {
      if (type != FIXED64) return false;
      exemplarBits = load<u64>(fieldAt);
    } else if (field == 3) {
      if (type != VARINT) return false;
      exemplarTime = <i64>fieldValue;
    }
  }
  exemplarIsWhole = exemplarIsWhole && exemplarName == 0;
  return true;
}

/** Appends the exemplars of the series at hand. Their labels take the place of the series' in the rows. */
function appendExemplars(message: usize, end: usize): i32 {
  for (let at = message; at < end; ) {
    at = fieldNext(at, end);
    if (fieldTag != tagOf(4, BYTES)) continue;
    readExemplar(fieldAt, at);
    if (!exemplarIsWhole) {
      exemplarRefused();
      continue;
    }
    const code = exemplarAdd(seriesLow, seriesHigh, exemplarTime, exemplarTime != 0, exemplarBits);
    if (code < 0) return code;
  }
  return 0;
}

let metadataType: u32 = 0;
let metadataHelp: u64 = 0;
let metadataUnit: u64 = 0;

/** Reads a Metadata; false if it is malformed. */
function readMetadata(begin: usize, end: usize): bool {
  metadataType = 0;
  metadataHelp = 0;
  metadataUnit = 0;
  for (let at = begin; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return false;
    const field = fieldTag >> 3;
    if (field != 1 && field != 3 && field != 4) continue;
    if ((fieldTag & 7) != VARINT) return false;
    if (field == 1) metadataType = <u32>fieldValue;
    else if (field == 3) metadataHelp = fieldValue;
    else metadataUnit = fieldValue;
  }
  return true;
}

/** The value of the metric name label of the refs, as a symbol. */
function metricNameValue(): u32 {
  for (let i: u32 = 0; i < refCount; i += 2) {
    if (load<u32>(refs + (<usize>i << 2)) == metricNameSymbol) return load<u32>(refs + (<usize>i << 2), 4);
  }
  return NO_SYMBOL;
}

@inline
function symbolRow(ref: u64): usize {
  return symbols + (<usize>(ref < <u64>symbolCount ? ref : 0) << 5);
}

function reportMetadata(): void {
  const name = metricNameValue();
  if (name == NO_SYMBOL || (metadataType == 0 && metadataHelp == 0 && metadataUnit == 0)) return;
  const text = symbolRow(name);
  const help = symbolRow(metadataHelp);
  const unit = symbolRow(metadataUnit);
  metadataAdd(
    metadataType, load<u32>(text), load<u32>(text, 4), load<u32>(help), load<u32>(help, 4), load<u32>(unit),
    load<u32>(unit, 4),
  );
}
