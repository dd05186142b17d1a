// The binary form of the histogram that histogram.ts has read and found good: docs/formats/histogram.md.

import {
  customBounds, histogramCount, histogramHint, histogramSchema, histogramSum, histogramThreshold, histogramZeroCount,
  negativeBuckets, positiveBuckets,
} from './histogram';
import { Column, columnReserve } from './memory';
import { storeVarint, zigzag } from './varint';

const INTEGERS: u32 = 4;
const ZERO: u32 = 8;
const POSITIVE: u32 = 16;
const NEGATIVE: u32 = 32;
const INTEGER_MAX: f64 = 2251799813685248; // 2^51
const NORMAL_NAN_BITS: u64 = 0x7ff8000000000001;
/** Bytes of all that is neither bucket nor bound; of a bucket, its span included. */
const HEAD_BYTES_MAX: usize = 96;
const BUCKET_BYTES_MAX: usize = 24;
const CUSTOM_SCHEMA: i32 = -53;

/** The histogram encoded last. */
export const histogramBytes = changetype<Column>(memory.data(16, 16));

let integers: bool = false;

@inline
function isPlainInteger(value: f64): bool {
  return value >= 0 && value <= INTEGER_MAX && reinterpret<i64>(value) >= 0 && floor<f64>(value) == value;
}

function arePlainIntegers(buckets: Column): bool {
  for (let i: u32 = 0; i < buckets.length; i += 16) {
    if (!isPlainInteger(load<f64>(buckets.address + i, 8))) return false;
  }
  return true;
}

/** Writes a double; every NaN becomes the one that arithmetic gives. */
function putFloat(at: usize, value: f64): usize {
  store<u64>(at, isNaN(value) ? NORMAL_NAN_BITS : reinterpret<u64>(value));
  return at + 8;
}

function putCount(at: usize, amount: f64): usize {
  return integers ? storeVarint(at, <u64>amount) : putFloat(at, amount);
}

/** The threshold as a power of two in one byte, 0 for zero; 255 and spelled out if it is none, or too far. */
function putThreshold(at: usize): usize {
  const bits = reinterpret<u64>(histogramThreshold);
  if (histogramThreshold == 0) {
    store<u8>(at, 0);
    return at + 1;
  }
  const code = <i32>(bits >> 52) - 1023 + 200;
  if ((bits & 0xfffffffffffff) == 0 && code >= 1 && code <= 254) {
    store<u8>(at, <u8>code);
    return at + 1;
  }
  store<u8>(at, 255);
  store<u64>(at, bits, 1);
  return at + 9;
}

@inline
function indexOf(buckets: Column, i: u32): i64 {
  return load<i64>(buckets.address + i);
}

/** Bytes up to the end of the span that begins at `from`. */
function spanEnd(buckets: Column, from: u32): u32 {
  let i = from + 16;
  while (i < buckets.length && indexOf(buckets, i) == indexOf(buckets, i - 16) + 1) i += 16;
  return i;
}

function putBuckets(at: usize, buckets: Column): usize {
  let spans: u64 = 0;
  for (let i: u32 = 0; i < buckets.length; i = spanEnd(buckets, i)) spans++;
  at = storeVarint(at, spans);
  for (let i: u32 = 0; i < buckets.length; ) {
    const end = spanEnd(buckets, i);
    if (i == 0) at = storeVarint(at, zigzag(indexOf(buckets, 0)));
    else at = storeVarint(at, <u64>(indexOf(buckets, i) - indexOf(buckets, i - 16) - 1));
    at = storeVarint(at, ((end - i) >> 4) - 1);
    i = end;
  }
  let before: i64 = 0;
  for (let i: u32 = 0; i < buckets.length; i += 16) {
    const amount = load<f64>(buckets.address + i, 8);
    if (!integers) at = putFloat(at, amount);
    else {
      const whole = <i64>amount;
      at = storeVarint(at, i == 0 ? <u64>whole : zigzag(whole - before));
      before = whole;
    }
  }
  return at;
}

/** Encodes it into histogramBytes. False: memory is out. */
export function encodeHistogram(): bool {
  const buckets = <usize>((positiveBuckets.length + negativeBuckets.length) >> 4);
  histogramBytes.length = 0;
  const begin = columnReserve(histogramBytes, HEAD_BYTES_MAX + customBounds.length + buckets * BUCKET_BYTES_MAX);
  if (begin == 0) return false;
  integers = isPlainInteger(histogramCount) && isPlainInteger(histogramZeroCount) &&
    arePlainIntegers(positiveBuckets) && arePlainIntegers(negativeBuckets);
  const hasZero = histogramThreshold != 0 || histogramZeroCount != 0;
  store<u8>(begin, <u8>(
    histogramHint | (integers ? INTEGERS : 0) | (hasZero ? ZERO : 0) |
    (positiveBuckets.length != 0 ? POSITIVE : 0) | (negativeBuckets.length != 0 ? NEGATIVE : 0)
  ));
  let at = putFloat(storeVarint(begin + 1, zigzag(histogramSchema)), histogramSum);
  at = putCount(at, histogramCount);
  if (hasZero) at = putCount(putThreshold(at), histogramZeroCount);
  if (histogramSchema == CUSTOM_SCHEMA) {
    at = storeVarint(at, customBounds.length >> 3);
    memory.copy(at, customBounds.address, customBounds.length);
    at += customBounds.length;
  }
  if (positiveBuckets.length != 0) at = putBuckets(at, positiveBuckets);
  if (negativeBuckets.length != 0) at = putBuckets(at, negativeBuckets);
  histogramBytes.length = <u32>(at - begin);
  return true;
}
