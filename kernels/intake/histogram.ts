// Native histograms as both versions of remote write encode them, read and checked as Prometheus checks them.
//
//   Histogram { uint64 count_int = 1; double count_float = 2; double sum = 3; sint32 schema = 4; double zero_threshold = 5;
//               uint64 zero_count_int = 6; double zero_count_float = 7;
//               BucketSpan negative_spans = 8; sint64 negative_deltas = 9; double negative_counts = 10;
//               BucketSpan positive_spans = 11; sint64 positive_deltas = 12; double positive_counts = 13;
//               ResetHint reset_hint = 14; int64 timestamp = 15; double custom_values = 16;
//               int64 start_timestamp = 17, in version 2.0 }
//   BucketSpan { sint32 offset = 1; uint32 length = 2 }       lists of numbers are packed or not
//
// Which of the counts is there says whether buckets are differences of integers or plain doubles. A reader leaves the lists in
// columns of 8 bytes per entry; histogramProblem looks at them and spreads the buckets out, for histogram-encode.ts.

import { BYTES, FIXED64, VARINT, fieldAt, fieldBytes, fieldNext, fieldTag, fieldValue } from './protobuf';
import { Column, columnReserve } from './memory';
import {
  HISTOGRAM_BOUNDS, HISTOGRAM_BOUNDS_FEW, HISTOGRAM_COUNT_DIFFERS, HISTOGRAM_COUNT_SMALL, HISTOGRAM_CUSTOM,
  HISTOGRAM_EXPONENTIAL_BOUNDS, HISTOGRAM_NEGATIVE, HISTOGRAM_RANGE, HISTOGRAM_SCHEMA, HISTOGRAM_SPANS,
  HISTOGRAM_SPAN_OFFSET, MALFORMED, OUT_OF_MEMORY,
} from './request';
import { readVarint, varint } from './varint';

const STALE_BITS: u64 = 0x7ff0000000000002;
/** Entries of a list, and buckets of a sign. */
const LIST_MAX: u32 = 1 << 20;
const CUSTOM_SCHEMA: i32 = -53;
const SCHEMA_MIN: i32 = -4;
/** Greatest that is stored; those up to SCHEMA_REDUCED_MAX are brought down to it. */
const SCHEMA_MAX: i32 = 8;
const SCHEMA_REDUCED_MAX: i32 = 52;
/** The only hint that is kept: the others speak of a sample before, which need not be the one that comes before it here. */
const HINT_GAUGE: u64 = 3;

/** The histogram read last. */
export let histogramTime: i64 = 0;
/** 0: none. */
export let histogramStart: i64 = 0;
export let histogramHint: u32 = 0;
export let histogramSchema: i32 = 0;
export let histogramSum: f64 = 0;
export let histogramThreshold: f64 = 0;
export let histogramCount: f64 = 0;
export let histogramZeroCount: f64 = 0;
let isFloat: bool = false;
let countBits: u64 = 0;
let zeroIsFloat: bool = false;
let zeroBits: u64 = 0;
let sumBits: u64 = 0;
let tooLong: bool = false;

/** Lists as they came: spans {i32 offset, u32 length}, differences as i64, counts and bounds as f64. */
const negativeSpans = changetype<Column>(memory.data(16, 16));
const negativeDeltas = changetype<Column>(memory.data(16, 16));
const negativeCounts = changetype<Column>(memory.data(16, 16));
const positiveSpans = changetype<Column>(memory.data(16, 16));
const positiveDeltas = changetype<Column>(memory.data(16, 16));
const positiveCounts = changetype<Column>(memory.data(16, 16));
export const customBounds = changetype<Column>(memory.data(16, 16));
/** Buckets that histogramProblem spread out: {i64 index, f64 count}. */
export const positiveBuckets = changetype<Column>(memory.data(16, 16));
export const negativeBuckets = changetype<Column>(memory.data(16, 16));

@inline
function entries(column: Column): u32 {
  return column.length >> 3;
}

function clear(): void {
  histogramTime = 0;
  histogramStart = 0;
  histogramHint = 0;
  histogramSchema = 0;
  histogramThreshold = 0;
  isFloat = false;
  countBits = 0;
  zeroIsFloat = false;
  zeroBits = 0;
  sumBits = 0;
  tooLong = false;
  negativeSpans.length = 0;
  negativeDeltas.length = 0;
  negativeCounts.length = 0;
  positiveSpans.length = 0;
  positiveDeltas.length = 0;
  positiveCounts.length = 0;
  customBounds.length = 0;
}

/** Adds an entry; 0, or OUT_OF_MEMORY. What is too much is noted, and left out. */
function put(column: Column, value: u64): i32 {
  if (entries(column) >= LIST_MAX) {
    tooLong = true;
    return 0;
  }
  const at = columnReserve(column, 8);
  if (at == 0) return OUT_OF_MEMORY;
  store<u64>(at, value);
  column.length += 8;
  return 0;
}

@inline
function unzigzag(value: u64): u64 {
  return (value >> 1) ^ (0 - (value & 1));
}

/** Adds what the field has: one difference, or several. */
function readDeltas(column: Column): i32 {
  const type = fieldTag & 7;
  if (type == VARINT) return put(column, unzigzag(fieldValue));
  if (type != BYTES) return MALFORMED;
  const end = fieldAt + fieldBytes;
  for (let at = fieldAt; at < end; ) {
    at = readVarint(at, end);
    if (at == 0) return MALFORMED;
    const code = put(column, unzigzag(varint));
    if (code < 0) return code;
  }
  return 0;
}

function readDoubles(column: Column): i32 {
  const type = fieldTag & 7;
  if (type == FIXED64) return put(column, load<u64>(fieldAt));
  if (type != BYTES || (fieldBytes & 7) != 0) return MALFORMED;
  const end = fieldAt + fieldBytes;
  for (let at = fieldAt; at < end; at += 8) {
    const code = put(column, load<u64>(at));
    if (code < 0) return code;
  }
  return 0;
}

function readSpan(column: Column): i32 {
  if ((fieldTag & 7) != BYTES) return MALFORMED;
  let offset: u32 = 0;
  let length: u32 = 0;
  const end = fieldAt + fieldBytes;
  for (let at = fieldAt; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return MALFORMED;
    const field = fieldTag >> 3;
    if (field != 1 && field != 2) continue;
    if ((fieldTag & 7) != VARINT) return MALFORMED;
    if (field == 1) offset = <u32>unzigzag(<u64><u32>fieldValue);
    else length = <u32>fieldValue;
  }
  return put(column, (<u64>length << 32) | offset);
}

/** Reads the field at hand if it is a number. 0, or MALFORMED. */
function readNumber(field: u32): i32 {
  const isDouble = field == 2 || field == 3 || field == 5 || field == 7;
  if ((fieldTag & 7) != (isDouble ? FIXED64 : VARINT)) return MALFORMED;
  const bits = isDouble ? load<u64>(fieldAt) : fieldValue;
  if (field <= 2) {
    isFloat = isDouble;
    countBits = bits;
  } else if (field == 3) sumBits = bits;
  else if (field == 4) histogramSchema = <i32>unzigzag(<u64><u32>bits);
  else if (field == 5) histogramThreshold = reinterpret<f64>(bits);
  else if (field <= 7) {
    zeroIsFloat = isDouble;
    zeroBits = bits;
  } else if (field == 14) histogramHint = bits == HINT_GAUGE ? <u32>bits : 0;
  else histogramTime = <i64>bits;
  return 0;
}

function readField(field: u32): i32 {
  switch (field) {
    case 8: return readSpan(negativeSpans);
    case 9: return readDeltas(negativeDeltas);
    case 10: return readDoubles(negativeCounts);
    case 11: return readSpan(positiveSpans);
    case 12: return readDeltas(positiveDeltas);
    case 13: return readDoubles(positiveCounts);
    case 16: return readDoubles(customBounds);
    default: return readNumber(field);
  }
}

/** Reads a Histogram. 0, or a negative code. `hasStart`: its version has start times. */
export function readHistogram(begin: usize, end: usize, hasStart: bool = false): i32 {
  clear();
  for (let at = begin; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return MALFORMED;
    const field = fieldTag >> 3;
    if (field == 17 && hasStart) {
      if ((fieldTag & 7) != VARINT) return MALFORMED;
      histogramStart = <i64>fieldValue;
      continue;
    }
    if (field > 16) continue;
    const code = readField(field);
    if (code < 0) return code;
  }
  histogramSum = reinterpret<f64>(sumBits);
  return 0;
}

/** Whether the histogram says that its series has ended. */
export function histogramIsStale(): bool {
  return sumBits == STALE_BITS;
}

/** What is wrong with spans; `total` goes to spanTotal. */
let spanTotal: u64 = 0;
function spansProblem(spans: Column, buckets: u32, isCustom: bool): u32 {
  let length: u64 = 0;
  spanTotal = 0;
  for (let i: u32 = 0; i < spans.length; i += 8) {
    const offset = load<i32>(spans.address + i);
    if (offset < 0 && (isCustom || i > 0)) return HISTOGRAM_SPAN_OFFSET;
    const own = <u64>load<u32>(spans.address + i, 4);
    length += own;
    spanTotal += own + <u64>(<i64>offset);
  }
  return length == <u64>buckets ? 0 : HISTOGRAM_SPANS;
}

function boundsProblem(): u32 {
  let before: f64 = -Infinity;
  for (let i: u32 = 0; i < customBounds.length; i += 8) {
    const bound = load<f64>(customBounds.address + i);
    if (!(bound > before)) return HISTOGRAM_BOUNDS;
    before = bound;
  }
  return before == Infinity ? HISTOGRAM_BOUNDS : 0;
}

/** Count of integers in the side that was spread last. */
let sideCount: u64 = 0;

/** Adds a bucket, or what it has to the one before if that has the same index. */
function addBucket(out: Column, index: i64, amount: f64): i32 {
  if (out.length != 0) {
    const last = out.address + out.length - 16;
    if (load<i64>(last) == index) {
      store<f64>(last, load<f64>(last, 8) + amount, 8);
      return 0;
    }
  }
  const at = columnReserve(out, 16);
  if (at == 0) return OUT_OF_MEMORY;
  store<i64>(at, index);
  store<f64>(at, amount, 8);
  out.length += 16;
  return 0;
}

/** Spreads the buckets of one sign out, by `coarser` schemas down. 0, a reason, or a negative code. The spans fit the buckets. */
function spread(spans: Column, deltas: Column, counts: Column, out: Column, coarser: i64): i32 {
  out.length = 0;
  sideCount = 0;
  let index: i64 = 0;
  let bucket: u32 = 0;
  let sum: i64 = 0;
  let problem: i32 = 0;
  for (let i: u32 = 0; i < spans.length; i += 8) {
    index += <i64>load<i32>(spans.address + i);
    for (let left = load<u32>(spans.address + i, 4); left > 0; left--, index++, bucket += 8) {
      let amount: f64;
      if (isFloat) amount = load<f64>(counts.address + bucket);
      else {
        sum += load<i64>(deltas.address + bucket);
        sideCount += <u64>sum;
        amount = <f64>sum;
      }
      if (amount < 0) return HISTOGRAM_NEGATIVE;
      if (index < i32.MIN_VALUE || index > i32.MAX_VALUE) problem = HISTOGRAM_RANGE;
      const target = coarser ? ((index - 1) >> coarser) + 1 : index;
      if (addBucket(out, target, amount) < 0) return OUT_OF_MEMORY;
    }
  }
  return problem;
}

function customProblem(): u32 {
  const bounds = boundsProblem();
  if (bounds != 0) return bounds;
  const spans = spansProblem(positiveSpans, entries(isFloat ? positiveCounts : positiveDeltas), true);
  if (spans != 0) return spans;
  if (<u64>entries(customBounds) + 1 < spanTotal) return HISTOGRAM_BOUNDS_FEW;
  const negatives = entries(isFloat ? negativeCounts : negativeDeltas) + entries(negativeSpans);
  return histogramZeroCount != 0 || histogramThreshold != 0 || negatives != 0 ? HISTOGRAM_CUSTOM : 0;
}

function exponentialProblem(): u32 {
  if (histogramSchema < SCHEMA_MIN || histogramSchema > SCHEMA_REDUCED_MAX) return HISTOGRAM_SCHEMA;
  const positive = spansProblem(positiveSpans, entries(isFloat ? positiveCounts : positiveDeltas), false);
  if (positive != 0) return positive;
  const negative = spansProblem(negativeSpans, entries(isFloat ? negativeCounts : negativeDeltas), false);
  if (negative != 0) return negative;
  return customBounds.length == 0 ? 0 : HISTOGRAM_EXPONENTIAL_BOUNDS;
}

/** Whether the count is what buckets hold; observations of NaN are counted, but in no bucket. */
function countProblem(inBuckets: u64): u32 {
  if (isNaN(histogramSum)) return inBuckets > countBits ? HISTOGRAM_COUNT_SMALL : 0;
  return inBuckets == countBits ? 0 : HISTOGRAM_COUNT_DIFFERS;
}

/** Checks the histogram read last and spreads its buckets out. 0, a reason, or a negative code. */
export function histogramProblem(): i32 {
  if (tooLong) return HISTOGRAM_RANGE;
  histogramCount = isFloat ? reinterpret<f64>(countBits) : <f64>countBits;
  const zeros = isFloat == zeroIsFloat ? zeroBits : 0;
  histogramZeroCount = isFloat ? reinterpret<f64>(zeros) : <f64>zeros;
  const layout = histogramSchema == CUSTOM_SCHEMA ? customProblem() : exponentialProblem();
  if (layout != 0) return layout;
  const coarser = <i64>max<i32>(0, histogramSchema - SCHEMA_MAX);
  const negative = spread(negativeSpans, negativeDeltas, negativeCounts, negativeBuckets, coarser);
  if (negative != 0) return negative;
  const below = sideCount;
  const positive = spread(positiveSpans, positiveDeltas, positiveCounts, positiveBuckets, coarser);
  if (positive != 0) return positive;
  histogramSchema = min<i32>(histogramSchema, SCHEMA_MAX);
  if (!(histogramThreshold >= 0)) return HISTOGRAM_RANGE;
  if (histogramZeroCount < 0 || histogramCount < 0) return HISTOGRAM_NEGATIVE;
  return isFloat ? 0 : countProblem(below + sideCount + zeros);
}
