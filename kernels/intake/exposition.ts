// Exposition text to rows: one pass over a scraped body in memory. Specification: src/wire/exposition-text.ts and
// openmetrics-text.ts, which also find the reason when this says that a body is malformed.
//
//   sample row, 48 bytes
//   0  u32 start of the series text (name and labels as sent), an offset in the body
//   4  u32 its length
//   8  f64 value; if VALUE_PENDING: u32 offset, u32 length of a number the host has to read
//   16 f64 timestamp in ms; if TIME_PENDING: as above, seconds
//   24 u64, u64 hash of the series text
//   40 u32 flags, metric type << 8
//   44 u32 EXEMPLAR_PENDING: number of the exemplar record that the host has to complete; later the row's cache entry
//
//   metadata row, 24 bytes: u32 kind (0 type, 1 help, 2 unit), u32 name start, name end, text start, text end, u32 0
import { number, numberPending, readNumber } from './exposition-number';
import {
  NEWLINE, body, end, isBlank, isMetricStart, labels, lineEnd, named, scanBegin, setNamed, skipBlanks, skipName,
  skipString, strict,
} from './exposition-scan';
import { hashBytes, hashHigh, hashLow } from './hash';
import { Column, columnReserve } from './memory';
import { isUtf8 } from './utf8';

/** The body does not follow the format; the twin tells why. */
export const EXPOSITION_MALFORMED: i32 = -1;
/** Memory is out. */
export const EXPOSITION_MEMORY: i32 = -2;

const HAS_TIME: u32 = 1;
const VALUE_PENDING: u32 = 2;
const TIME_PENDING: u32 = 4;
const EXEMPLAR_PENDING: u32 = 8;
/** Flag of an exemplar record (scrape-exemplars.ts). */
export const EXEMPLAR_HAS_TIME: u32 = 1;

const ROW_BYTES: usize = 48;
const META_BYTES: usize = 24;
export const EXEMPLAR_BYTES: usize = 32;

const bodyColumn = changetype<Column>(memory.data(16, 16));
const rowColumn = changetype<Column>(memory.data(16, 16));
const metaColumn = changetype<Column>(memory.data(16, 16));
/** Exemplars in the order of their rows: layout in scrape-exemplars.ts. */
export const exemplarRecords = changetype<Column>(memory.data(16, 16));
// Type words, 16 bytes each: length, then the characters. Order is METRIC_TYPES', then `untyped`.
// biome-ignore format: one word per line
const typeWords: usize = memory.data<u8>([
  7, 117, 110, 107, 110, 111, 119, 110, 0, 0, 0, 0, 0, 0, 0, 0,
  7, 99, 111, 117, 110, 116, 101, 114, 0, 0, 0, 0, 0, 0, 0, 0,
  5, 103, 97, 117, 103, 101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  9, 104, 105, 115, 116, 111, 103, 114, 97, 109, 0, 0, 0, 0, 0, 0,
  7, 115, 117, 109, 109, 97, 114, 121, 0, 0, 0, 0, 0, 0, 0, 0,
  14, 103, 97, 117, 103, 101, 104, 105, 115, 116, 111, 103, 114, 97, 109, 0,
  4, 105, 110, 102, 111, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  8, 115, 116, 97, 116, 101, 115, 101, 116, 0, 0, 0, 0, 0, 0, 0,
  7, 117, 110, 116, 121, 112, 101, 100, 0, 0, 0, 0, 0, 0, 0, 0,
]);

let metricType: u32 = 0;
let metaHash: u64 = 0;
let pending: u32 = 0;

/** A block for a body of `length` bytes; 0: memory is out. Valid until the next call. */
export function expositionBody(length: u32): usize {
  bodyColumn.length = 0;
  return columnReserve(bodyColumn, <usize>length + 64);
}

export function expositionRows(): usize {
  return <usize>rowColumn.address;
}
export function expositionRowCount(): u32 {
  return rowColumn.length / <u32>ROW_BYTES;
}
export function expositionMetas(): usize {
  return <usize>metaColumn.address;
}
export function expositionMetaCount(): u32 {
  return metaColumn.length / <u32>META_BYTES;
}
/** A hash over all metadata lines: equal to the last scrape's, nothing of them has to be looked at. */
export function expositionMetaHash(): u64 {
  return metaHash;
}
/** Records of exemplars (scrape-exemplars.ts), and how many. */
export function expositionExemplars(): usize {
  return <usize>exemplarRecords.address;
}
export function expositionExemplarCount(): u32 {
  return exemplarRecords.length / <u32>EXEMPLAR_BYTES;
}
/** How many rows have something pending. */
export function expositionPending(): u32 {
  return pending;
}

/** Parses the first `length` bytes of the body block. Returns the number of sample rows, or a negative code. */
export function expositionParse(length: u32, openMetrics: u32): i32 {
  const address = <usize>bodyColumn.address;
  if (address == 0 || <usize>length + 64 > <usize>1 << bodyColumn.sizeClass) return EXPOSITION_MEMORY;
  scanBegin(address, length, openMetrics != 0);
  rowColumn.length = 0;
  metaColumn.length = 0;
  exemplarRecords.length = 0;
  metricType = 0;
  metaHash = 0;
  pending = 0;
  const code = strict ? openMetricsLines() : textLines();
  return code < 0 ? code : <i32>expositionRowCount();
}

/** A new sample row, hashed; 0: memory is out. */
function addRow(start: usize, last: usize): usize {
  const row = columnReserve(rowColumn, ROW_BYTES);
  if (row == 0) return 0;
  rowColumn.length += <u32>ROW_BYTES;
  store<u32>(row, <u32>(start - body));
  store<u32>(row, <u32>(last - start), 4);
  hashBytes(start, <u32>(last - start), 0, 0);
  store<u64>(row, hashLow, 24);
  store<u64>(row, hashHigh, 32);
  store<f64>(row, 0, 16);
  store<u32>(row, 0, 44);
  return row;
}

function addMeta(kind: u32, nameStart: usize, nameEnd: usize, textStart: usize, textEnd: usize): bool {
  const meta = columnReserve(metaColumn, META_BYTES);
  if (meta == 0) return false;
  metaColumn.length += <u32>META_BYTES;
  store<u32>(meta, kind);
  store<u32>(meta, <u32>(nameStart - body), 4);
  store<u32>(meta, <u32>(nameEnd - body), 8);
  store<u32>(meta, <u32>(textStart - body), 12);
  store<u32>(meta, <u32>(textEnd - body), 16);
  store<u32>(meta, 0, 20);
  hashBytes(nameStart, <u32>(textEnd - nameStart), <u64>kind, metaHash);
  metaHash = hashHigh;
  return true;
}

/** The code of the type word [start, last), or 255. */
function typeCode(start: usize, last: usize): u32 {
  const length = last - start;
  if (length > 14) return 255;
  const from: u32 = strict ? 0 : 1;
  const to: u32 = strict ? 8 : 9;
  for (let i = from; i < to; i++) {
    const word = typeWords + (<usize>i << 4);
    if (<usize>load<u8>(word) == length && memory.compare(word + 1, start, length) == 0) {
      if (!strict && i >= 5 && i < 8) return 255;
      return i == 8 ? 0 : i;
    }
  }
  return 255;
}

/** Name and text of a metadata line; `p` is at the name. Returns the address of the line's newline, or 0. */
function metaLine(kind: u32, from: usize): usize {
  let p = from;
  if (p >= end) return 0;
  const c = <u32>load<u8>(p);
  let nameStart = p;
  let nameEnd: usize;
  if (c == 34) {
    p = skipString(p, true);
    if (p == 0) return 0;
    nameStart++;
    nameEnd = p - 1;
  } else {
    if (!isMetricStart(c)) return 0;
    p = skipName(p, 11);
    nameEnd = p;
  }
  if (p >= end) return 0;
  const textEnd = lineEnd(p);
  if (textEnd == end) return 0; // The text format's own newline is before `end`.
  let textStart = p + 1;
  if (strict) {
    if (load<u8>(p) != 32) return 0;
  } else {
    if (textStart > textEnd) textStart = textEnd;
    if (skipBlanks(p) >= textEnd) textStart = textEnd;
  }
  if (kind == 0) {
    metricType = typeCode(textStart, textEnd);
    if (metricType == 255) return 0;
  } else if (kind == 1) {
    if (!isUtf8(textStart, <u32>(textEnd - textStart))) return 0;
  } else {
    const unit = textEnd - textStart;
    const name = nameEnd - nameStart;
    if (unit > 0) {
      if (name < unit + 1 || load<u8>(nameEnd - unit - 1) != 95) return 0;
      if (memory.compare(nameEnd - unit, textStart, unit) != 0) return 0;
    }
  }
  return addMeta(kind, nameStart, nameEnd, textStart, textEnd) ? textEnd : MEMORY_OUT;
}

/** No address of a body: tells that memory is out where an address is expected. */
const MEMORY_OUT: usize = 1;

// -- Prometheus text --

const HELP: u32 = 0x504c4548;
const TYPE: u32 = 0x45505954;
const UNIT: u32 = 0x54494e55;

/** A line that begins with `#`: returns its newline, or 0. */
function textComment(from: usize): usize {
  const p = skipBlanks(from + 1);
  if (p > from + 1 && p + 5 <= end) {
    const word = load<u32>(p);
    if ((word == HELP || word == TYPE) && isBlank(load<u8>(p + 4))) {
      return metaLine(word == HELP ? 1 : 0, skipBlanks(p + 5));
    }
  }
  return lineEnd(from);
}

function textLines(): i32 {
  let p = body;
  while (p < end) {
    const c = <u32>load<u8>(p);
    if (c == NEWLINE || isBlank(c)) {
      p++;
      continue;
    }
    if (c == 35) {
      p = textComment(p);
    } else {
      p = textSample(p, c);
    }
    if (p <= MEMORY_OUT) return p == 0 ? EXPOSITION_MALFORMED : EXPOSITION_MEMORY;
    p++;
  }
  return 0;
}

/** Returns the newline behind the sample; 0: malformed; MEMORY_OUT. */
function textSample(start: usize, c: u32): usize {
  let p: usize;
  let last: usize;
  if (c == 123) {
    setNamed(false);
    p = last = labels(start + 1);
    if (p == 0 || !named) return 0;
  } else {
    if (!isMetricStart(c)) return 0;
    setNamed(true);
    last = skipName(start, 11);
    p = skipBlanks(last);
    if (load<u8>(p) == 123) {
      p = last = labels(p + 1);
      if (p == 0) return 0;
    }
  }
  p = readNumber(skipBlanks(p));
  if (p == 0) return 0;
  const row = addRow(start, last);
  if (row == 0) return MEMORY_OUT;
  store<u64>(row, number, 8);
  let flags = numberPending ? VALUE_PENDING : 0;
  p = skipBlanks(p);
  if (load<u8>(p) != NEWLINE) {
    p = textTime(row, p);
    if (p == 0) return 0;
    flags |= HAS_TIME;
    p = skipBlanks(p);
    if (load<u8>(p) != NEWLINE) return 0;
  }
  pending += <u32>(flags > HAS_TIME);
  store<u32>(row, flags | (metricType << 8), 40);
  return p;
}

/** An int64 in milliseconds. */
function textTime(row: usize, from: usize): usize {
  let p = from;
  const negative = load<u8>(p) == 45;
  if (negative) p++;
  const first = p;
  const limit: u64 = negative ? 0x8000000000000000 : 0x7fffffffffffffff;
  let value: u64 = 0;
  let d = <u32>load<u8>(p) - 48;
  while (d < 10) {
    if (value > (limit - d) / 10) return 0;
    value = value * 10 + d;
    d = <u32>load<u8>(++p) - 48;
  }
  if (p == first) return 0;
  const time = <f64>value;
  store<f64>(row, negative ? 0 - time : time, 16);
  return p;
}

// -- OpenMetrics --

function openMetricsLines(): i32 {
  let p = body;
  while (p < end) {
    const c = <u32>load<u8>(p);
    if (c == 35) {
      if (p + 5 > end || load<u8>(p + 1) != 32) return EXPOSITION_MALFORMED;
      const word = load<u32>(p + 2);
      if ((word & 0xffffff) == 0x464f45) {
        p += 5; // "# EOF"
        if (p < end && load<u8>(p) == NEWLINE) p++;
        return p == end ? 0 : EXPOSITION_MALFORMED;
      }
      const kind: u32 = word == HELP ? 1 : word == TYPE ? 0 : word == UNIT ? 2 : 3;
      if (kind == 3 || p + 7 > end || load<u8>(p + 6) != 32) return EXPOSITION_MALFORMED;
      p = metaLine(kind, p + 7);
    } else {
      p = openMetricsSample(p, c);
    }
    if (p <= MEMORY_OUT) return p == 0 ? EXPOSITION_MALFORMED : EXPOSITION_MEMORY;
    p++;
  }
  return EXPOSITION_MALFORMED; // No # EOF.
}

/** Returns the newline behind the sample; 0: malformed; MEMORY_OUT. */
function openMetricsSample(start: usize, c: u32): usize {
  let p: usize;
  if (c == 123) {
    setNamed(false);
    p = labels(start + 1);
    if (p == 0 || !named) return 0;
  } else {
    if (!isMetricStart(c)) return 0;
    setNamed(true);
    p = skipName(start, 11);
    if (load<u8>(p) == 123) {
      p = labels(p + 1);
      if (p == 0) return 0;
    }
  }
  const last = p;
  p = spacedNumber(p);
  if (p == 0) return 0;
  const row = addRow(start, last);
  if (row == 0) return MEMORY_OUT;
  store<u64>(row, number, 8);
  let flags = numberPending ? VALUE_PENDING : 0;
  if (p < end && load<u8>(p) != NEWLINE && !isExemplar(p)) {
    p = spacedNumber(p);
    if (p == 0) return 0;
    flags |= HAS_TIME;
    if (numberPending) {
      flags |= TIME_PENDING;
      store<u64>(row, number, 16);
    } else if (!storeSeconds(row)) {
      return 0;
    }
  }
  if (p < end && load<u8>(p) != NEWLINE) {
    if (!isExemplar(p)) return 0;
    p = exemplar(p + 4);
    if (p <= MEMORY_OUT) return p;
    if (exemplarPending) {
      flags |= EXEMPLAR_PENDING;
      store<u32>(row, expositionExemplarCount() - 1, 44);
    }
  }
  if (p >= end) return 0; // The line has no newline, so no # EOF follows.
  pending += <u32>(flags > HAS_TIME);
  store<u32>(row, flags | (metricType << 8), 40);
  return p;
}

/** A space and a number; returns its end, or 0. */
@inline
function spacedNumber(p: usize): usize {
  return p < end && load<u8>(p) == 32 ? readNumber(p + 1) : 0;
}

/** ` # {` */
@inline
function isExemplar(p: usize): bool {
  return p + 4 <= end && load<u32>(p) == 0x7b202320;
}

/** Seconds in `number` to whole milliseconds, rounded towards zero. */
function storeSeconds(row: usize): bool {
  const seconds = reinterpret<f64>(number);
  if (!isFinite(seconds)) return false;
  store<f64>(row, trunc(seconds * 1000) + 0, 16);
  return true;
}

/** Whether the host has to read a number of the exemplar read last. */
let exemplarPending: bool = false;

/** Reads an exemplar of the row added last, from behind its opening brace. Returns its end, 0, or MEMORY_OUT. */
function exemplar(from: usize): usize {
  setNamed(true); // A quoted name alone is no label.
  let p = labels(from);
  if (p == 0) return 0;
  const record = columnReserve(exemplarRecords, EXEMPLAR_BYTES);
  if (record == 0) return MEMORY_OUT;
  exemplarRecords.length += <u32>EXEMPLAR_BYTES;
  store<u32>(record, expositionRowCount() - 1);
  store<u32>(record, <u32>(from - body), 4);
  store<u32>(record, <u32>(p + 1 - body), 8);
  store<u32>(record, 0, 12);
  p = spacedNumber(p);
  if (p == 0) return 0;
  exemplarPending = numberPending;
  store<u64>(record, number, 16);
  if (p < end && load<u8>(p) != NEWLINE) {
    p = spacedNumber(p);
    if (p == 0) return 0;
    store<u32>(record, EXEMPLAR_HAS_TIME, 12);
    const seconds = reinterpret<f64>(number);
    if (numberPending) exemplarPending = true;
    else if (!isFinite(seconds)) return 0;
    store<f64>(record, trunc(seconds * 1000) + 0, 24);
  }
  return p;
}
