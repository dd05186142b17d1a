// The columns of immutable blocks. The caller writes samples or bytes to the addresses given here, and calls; results are lengths,
// counts or 0, and negative if bytes are malformed (-1) or the memory is full (-2).
import { areTimes, countOf, getColumn, lowerBoundOf, putColumn } from './column';
import { DISTINCT, bytesAddress, reserve as reserveRoom, reserveBytes as reserveBytesRoom, samplesRoom } from './memory';
import { tsAddress as ts, vsAddress as vs } from './memory';

const MEMORY_FULL: i32 = -2;

/** Room for `samples` in ts and vs and for their encoding; what they held is lost. */
export function reserve(samples: u32): i32 {
  return reserveRoom(samples) ? 0 : MEMORY_FULL;
}

/** Room for `length` bytes to decode. */
export function reserveBytes(length: u32): i32 {
  return reserveBytesRoom(length) ? 0 : MEMORY_FULL;
}

export function tsAddress(): usize {
  return ts();
}

export function vsAddress(): usize {
  return vs();
}

/** Where encoders leave bytes and decoders find them. */
export function bytesAt(): usize {
  return bytesAddress();
}

/** Encodes the first `count` times; the bytes written, or negative. */
export function encodeTimes(count: u32): i32 {
  return count > samplesRoom() ? MEMORY_FULL : putColumn(bytesAddress(), ts(), count, true);
}

/** Encodes the first `count` values; the bytes written, or negative. */
export function encodeValues(count: u32): i32 {
  return count > samplesRoom() ? MEMORY_FULL : putColumn(bytesAddress(), vs(), count, false);
}

/** Decodes times [from, to) of a column of `length` bytes. */
export function decodeTimes(length: u32, from: u32, to: u32): i32 {
  const at = bytesAddress();
  if (to - from > samplesRoom()) return MEMORY_FULL;
  const result = getColumn(at, at + length, from, to, ts());
  return result == 0 && !areTimes(ts(), to - from) ? -1 : result;
}

/** Decodes values [from, to) of a column of `length` bytes. */
export function decodeValues(length: u32, from: u32, to: u32): i32 {
  const at = bytesAddress();
  if (to - from > samplesRoom()) return MEMORY_FULL;
  return getColumn(at, at + length, from, to, vs());
}

/** Samples of a column of `length` bytes. */
export function countSamples(length: u32): i32 {
  const at = bytesAddress();
  return countOf(at, at + length);
}

/** Index of the first time at or after `ms` in a column of `length` bytes. */
export function lowerBound(length: u32, ms: f64): i32 {
  const at = bytesAddress();
  return lowerBoundOf(at, at + length, ms, DISTINCT);
}
