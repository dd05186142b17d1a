// A column: the samples of one series over a span of time, sealed. Position-independent bytes, so the head and block files share it.
//
//   0      2     3      4        5         6         7      8          16        20         24
//   ┌──────┬─────┬──────┬────────┬─────────┬─────────┬──────┬──────────┬─────────┬──────────┬────────┬────────┬───────┐
//   │count │times│values│time bits│value bits│exponent │flags │first time│time bytes│value bytes│ times  │ values │ slack │
//   │ u16  │ u8  │ u8   │ u8      │ u8       │ u8      │ u8   │ i64 ms   │ u32     │ u32      │        │        │ 8     │
//   └──────┴─────┴──────┴────────┴─────────┴─────────┴──────┴──────────┴─────────┴──────────┴────────┴────────┴───────┘
//
// times  0  constant difference: i64 ms (nothing if count is 1)
//        1  i64 least difference, then count-1 packed (difference - least)
// values 0  constant: raw bits
//        1  integers k = value * 10^exponent: i64 first k, i64 least difference, count-1 packed (difference - least)
//        2  integers: i64 least k, count packed (k - least)
//        3  XOR with the value before: raw bits of the first; then per value a byte (trailing zero bytes << 4 | bytes) and bytes
// The slack lets unpacking read whole words. The encoder takes the smallest by exact cost; decoding is exact to the bit.
import { bitWidth, packIntegers, packedBytes, unpackAt } from './bits';

export const COLUMN_HEADER: u32 = 24;
export const COLUMN_SLACK: u32 = 8;
const TIMES_CONSTANT: u8 = 0;
const TIMES_PACKED: u8 = 1;
const VALUES_CONSTANT: u8 = 0;
const VALUES_DELTA: u8 = 1;
const VALUES_PACKED: u8 = 2;
const VALUES_XOR: u8 = 3;
const EXPONENT_MAX: u32 = 9;
const INTEGER_MAX: f64 = 9007199254740992;
/** Widths that one read of a word unpacks, wherever in a byte a value begins. */
const UNPACK_WORD_BITS: u32 = 57;

// @ts-ignore: decorator
@inline
function unpackBit(base: usize, bit: usize, mask: u64): u64 {
  return (load<u64>(base + (bit >> 3)) >> u64(bit & 7)) & mask;
}

/** 10^exponent, exact. */
function power10(exponent: u32): f64 {
  let power: f64 = 1;
  for (let i: u32 = 0; i < exponent; i++) power *= 10;
  return power;
}

/** asIntegers for exponent 0, without rounding and division. */
function arePlainIntegers(values: usize, count: u32, ks: usize): bool {
  for (let i: usize = 0, end = usize(count) << 3; i < end; i += 8) {
    const value = load<f64>(values + i);
    if (!(abs<f64>(value) < INTEGER_MAX)) return false;
    const integer = i64(value);
    if (reinterpret<u64>(f64(integer)) != load<u64>(values + i)) return false;
    store<i64>(ks + i, integer);
  }
  return true;
}

/** Whether every value is k / 10^exponent exactly with |k| < 2^53; if so the k are written to `ks` as i64. */
function asIntegers(values: usize, count: u32, exponent: u32, ks: usize): bool {
  if (!exponent) return arePlainIntegers(values, count, ks);
  const scale = power10(exponent);
  for (let i: u32 = 0; i < count; i++) {
    const at = values + (usize(i) << 3);
    const k = nearest<f64>(load<f64>(at) * scale);
    if (!(abs<f64>(k) < INTEGER_MAX)) return false;
    const integer = i64(k);
    // Decoded as it will be, and compared by bits: -0 has no integer.
    if (reinterpret<u64>(f64(integer) / scale) != load<u64>(at)) return false;
    store<i64>(ks + (usize(i) << 3), integer);
  }
  return true;
}

/** Bytes of the XOR encoding. */
function xorBytes(values: usize, count: u32): u32 {
  let bytes: u32 = 8;
  let previous = load<u64>(values);
  for (let i: u32 = 1; i < count; i++) {
    const bits = load<u64>(values + (usize(i) << 3));
    bytes += 1 + xorLength(bits ^ previous);
    previous = bits;
  }
  return bytes;
}

/** Bytes between the first and the last that are not zero. */
// @ts-ignore: decorator
@inline
export function xorLength(x: u64): u32 {
  return x ? 8 - u32(ctz<u64>(x) >> 3) - u32(clz<u64>(x) >> 3) : 0;
}

/** Appends the XOR step from `previous` to `bits`; returns the address after it. Writes up to 8 bytes of garbage behind that. */
// @ts-ignore: decorator
@inline
function putXor(at: usize, previous: u64, bits: u64): usize {
  const x = bits ^ previous;
  store<u8>(at, u8(xorHead(x)));
  store<u64>(at + 1, x >> u64(ctz<u64>(x) & 56));
  return at + 1 + xorLength(x);
}

/** First byte of an XOR step: (trailing zero bytes << 4) | bytes. */
// @ts-ignore: decorator
@inline
export function xorHead(x: u64): u32 {
  return x ? (u32(ctz<u64>(x) >> 3) << 4) | xorLength(x) : 0;
}

/** Reads an XOR step: the XOR itself. Its length is in the low half of the first byte. */
// @ts-ignore: decorator
@inline
export function getXor(at: usize): u64 {
  const head = u32(load<u8>(at));
  const length = head & 15;
  if (!length) return 0;
  const word = load<u64>(at + 1);
  const masked = length == 8 ? word : word & ((u64(1) << (u64(length) << 3)) - 1);
  return masked << (u64(head >> 4) << 3);
}

/** Least and greatest difference of i64s, as (least, width) through `leastOut`; returns the width. */
function differenceWidth(ks: usize, count: u32, leastOut: usize): u32 {
  let least: i64 = i64.MAX_VALUE;
  let greatest: i64 = i64.MIN_VALUE;
  for (let i: u32 = 1; i < count; i++) {
    const difference = load<i64>(ks + (usize(i) << 3)) - load<i64>(ks + (usize(i - 1) << 3));
    least = min<i64>(least, difference);
    greatest = max<i64>(greatest, difference);
  }
  store<i64>(leastOut, least);
  return bitWidth(u64(greatest) - u64(least));
}

function encodeTimes(out: usize, times: usize, count: u32): u32 {
  const payload = out + COLUMN_HEADER;
  store<i64>(out, load<i64>(times), 8);
  if (count == 1) {
    store<u8>(out, TIMES_CONSTANT, 2);
    return 0;
  }
  const width = differenceWidth(times, count, payload);
  store<u8>(out, u8(width), 4);
  if (!width) {
    store<u8>(out, TIMES_CONSTANT, 2);
    return 8;
  }
  store<u8>(out, TIMES_PACKED, 2);
  const least = load<i64>(payload);
  const bytes = packedBytes(count - 1, width);
  packIntegers(payload + 8, times, 1, count, true, least, width);
  return 8 + bytes;
}

function isConstant(values: usize, count: u32): bool {
  const first = load<u64>(values);
  for (let i: u32 = 1; i < count; i++) if (load<u64>(values + (usize(i) << 3)) != first) return false;
  return true;
}

function encodeXor(payload: usize, values: usize, count: u32): u32 {
  let previous = load<u64>(values);
  store<u64>(payload, previous);
  let at = payload + 8;
  for (let i: u32 = 1; i < count; i++) {
    const bits = load<u64>(values + (usize(i) << 3));
    at = putXor(at, previous, bits);
    previous = bits;
  }
  return u32(at - payload);
}

/** Integer encodings over `ks`: differences, or plain offsets, whichever is smaller. Returns 0 if XOR is as small. */
function encodeIntegers(out: usize, payload: usize, values: usize, ks: usize, count: u32, exponent: u32, scratch: usize): u32 {
  let least: i64 = i64.MAX_VALUE;
  let greatest: i64 = i64.MIN_VALUE;
  for (let i: u32 = 0; i < count; i++) {
    const k = load<i64>(ks + (usize(i) << 3));
    least = min<i64>(least, k);
    greatest = max<i64>(greatest, k);
  }
  const plainWidth = bitWidth(u64(greatest) - u64(least));
  const plain = 8 + packedBytes(count, plainWidth);
  const deltaWidth = differenceWidth(ks, count, scratch);
  const leastDelta = load<i64>(scratch);
  const delta = 16 + packedBytes(count - 1, deltaWidth);
  const bytes = min<u32>(plain, delta);
  // XOR takes a byte per value at least: its exact cost is seldom needed.
  if (bytes >= 8 + (count - 1) && bytes >= xorBytes(values, count)) return 0;
  store<u8>(out, u8(exponent), 6);
  if (delta < plain) {
    store<u8>(out, VALUES_DELTA, 3);
    store<u8>(out, u8(deltaWidth), 5);
    store<i64>(payload, load<i64>(ks));
    store<i64>(payload, leastDelta, 8);
    packIntegers(payload + 16, ks, 1, count, true, leastDelta, deltaWidth);
  } else {
    store<u8>(out, VALUES_PACKED, 3);
    store<u8>(out, u8(plainWidth), 5);
    store<i64>(payload, least);
    packIntegers(payload + 8, ks, 0, count, false, least, plainWidth);
  }
  return bytes;
}

function encodeValues(out: usize, payload: usize, values: usize, count: u32, scratch: usize): u32 {
  if (isConstant(values, count)) {
    store<u8>(out, VALUES_CONSTANT, 3);
    store<u64>(payload, load<u64>(values));
    return 8;
  }
  for (let exponent: u32 = 0; exponent <= EXPONENT_MAX; exponent++) {
    if (!asIntegers(values, count, exponent, scratch + 8)) continue;
    const bytes = encodeIntegers(out, payload, values, scratch + 8, count, exponent, scratch);
    if (bytes) return bytes;
    break;
  }
  store<u8>(out, VALUES_XOR, 3);
  return encodeXor(payload, values, count);
}

/**
 * Encodes `count` (1..65535) samples: `times` i64 ms ascending, `values` raw bits. `scratch` has room for count+1 i64. Returns the
 * bytes written to `out`, which needs columnBytesMax(count).
 */
export function encodeColumn(out: usize, times: usize, values: usize, count: u32, scratch: usize): u32 {
  memory.fill(out, 0, COLUMN_HEADER);
  store<u16>(out, u16(count));
  const timeBytes = encodeTimes(out, times, count);
  const payload = out + COLUMN_HEADER + timeBytes;
  const valueBytes = encodeValues(out, payload, values, count, scratch);
  store<u32>(out, timeBytes, 16);
  store<u32>(out, valueBytes, 20);
  store<u64>(payload + valueBytes, 0);
  return COLUMN_HEADER + timeBytes + valueBytes + COLUMN_SLACK;
}

export function columnBytesMax(count: u32): u32 {
  return COLUMN_HEADER + 8 + count * 8 + 8 + count * 9 + 2 * COLUMN_SLACK;
}

/** Time of the last sample. */
export function columnLastTime(column: usize): i64 {
  const count = u32(load<u16>(column));
  const first = load<i64>(column, 8);
  if (count == 1) return first;
  const payload = column + COLUMN_HEADER;
  const least = load<i64>(payload);
  if (load<u8>(column, 2) == TIMES_CONSTANT) return first + least * i64(count - 1);
  const width = u32(load<u8>(column, 4));
  let time = first + least * i64(count - 1);
  for (let i: u32 = 0; i < count - 1; i++) time += i64(unpackAt(payload + 8, i, width));
  return time;
}

/** Decodes the times as f64 milliseconds. */
export function decodeTimes(column: usize, out: usize): void {
  const count = u32(load<u16>(column));
  const payload = column + COLUMN_HEADER;
  let time = load<i64>(column, 8);
  store<f64>(out, f64(time));
  if (count == 1) return;
  const least = load<i64>(payload);
  if (load<u8>(column, 2) == TIMES_CONSTANT) {
    for (let i: u32 = 1; i < count; i++) store<f64>(out + (usize(i) << 3), f64((time += least)));
    return;
  }
  const width = u32(load<u8>(column, 4));
  if (width > UNPACK_WORD_BITS) {
    for (let i: u32 = 1; i < count; i++) {
      time += least + i64(unpackAt(payload + 8, i - 1, width));
      store<f64>(out + (usize(i) << 3), f64(time));
    }
    return;
  }
  const mask = (u64(1) << width) - 1;
  const end = out + (usize(count) << 3);
  let bit: usize = 0;
  for (let at = out + 8; at < end; at += 8) {
    time += least + i64(unpackBit(payload + 8, bit, mask));
    store<f64>(at, f64(time));
    bit += width;
  }
}

/** Decodes the values as raw bits. */
export function decodeValues(column: usize, out: usize): void {
  const count = u32(load<u16>(column));
  const payload = column + COLUMN_HEADER + load<u32>(column, 16);
  const encoding = load<u8>(column, 3);
  const width = u32(load<u8>(column, 5));
  if (encoding == VALUES_CONSTANT) {
    const bits = load<u64>(payload);
    for (let i: u32 = 0; i < count; i++) store<u64>(out + (usize(i) << 3), bits);
  } else if (encoding == VALUES_XOR) {
    let bits = load<u64>(payload);
    let at = payload + 8;
    store<u64>(out, bits);
    for (let i: u32 = 1; i < count; i++) {
      bits ^= getXor(at);
      at += 1 + (load<u8>(at) & 15);
      store<u64>(out + (usize(i) << 3), bits);
    }
  } else {
    decodeIntegers(encoding, payload, out, count, width, power10(load<u8>(column, 6)));
  }
}

function decodeIntegers(encoding: u8, payload: usize, out: usize, count: u32, width: u32, scale: f64): void {
  const base = load<i64>(payload);
  const end = out + (usize(count) << 3);
  if (encoding == VALUES_PACKED) {
    if (width > UNPACK_WORD_BITS) {
      for (let i: u32 = 0; i < count; i++) store<f64>(out + (usize(i) << 3), f64(base + i64(unpackAt(payload + 8, i, width))));
    } else {
      const mask = (u64(1) << width) - 1;
      let bit: usize = 0;
      for (let at = out; at < end; at += 8) {
        store<f64>(at, f64(base + i64(unpackBit(payload + 8, bit, mask))));
        bit += width;
      }
    }
  } else {
    const least = load<i64>(payload, 8);
    let k = base;
    store<f64>(out, f64(k));
    if (width > UNPACK_WORD_BITS) {
      for (let i: u32 = 1; i < count; i++) {
        k += least + i64(unpackAt(payload + 16, i - 1, width));
        store<f64>(out + (usize(i) << 3), f64(k));
      }
    } else {
      const mask = (u64(1) << width) - 1;
      let bit: usize = 0;
      for (let at = out + 8; at < end; at += 8) {
        k += least + i64(unpackBit(payload + 16, bit, mask));
        store<f64>(at, f64(k));
        bit += width;
      }
    }
  }
  if (scale != 1) divide(out, count, scale);
}

/** Divides f64s in place, two at a time. */
function divide(at: usize, count: u32, scale: f64): void {
  const scales = f64x2.splat(scale);
  const end = at + ((usize(count) >> 1) << 4);
  for (; at < end; at += 16) v128.store(at, f64x2.div(v128.load(at), scales));
  if (count & 1) store<f64>(at, load<f64>(at) / scale);
}
