// The open chunk of a series, appended to byte-wise.
//
//   slot (series.ts)  first time, first value │ repetitions │ tail: the newest steps
//   open chunk        steps ... the tail is moved here when the next step does not fit it
//
// So a sample touches its series' slot, and only one in many the chunk, which is not in the cache.
//
// step 00nnnnnn            n+1 samples (1..64), each after the same difference of times and with the same value: one byte
//                          (the run at the end, which may go on, is only a number in the slot until another step follows)
//      01tvvvvv            one sample; t: a varint follows with the zigzag change of the time difference
//                          v 0: same value; v 1..7: zigzag difference of integers in v bytes; v 9: an XOR step (column.ts)
import { allocClass, classBytes, freeClass } from './root';
import { unzigzag, zigzag } from './bits';
import { getXor, xorHead, xorLength } from './column';
import {
  S_FIRST_BITS,
  S_FIRST_TIME,
  S_LAST_BITS,
  S_LAST_DIFFERENCE,
  S_LAST_TIME,
  S_OPEN,
  S_OPEN_CLASS,
  S_OPEN_COUNT,
  S_OPEN_USED,
  S_RUN,
  S_TAIL,
  S_TAIL_USED,
  SLOT_BYTES,
  TAIL_BYTES,
} from './series';

/** Holds a tail. */
const OPEN_CLASS_FIRST: u32 = 3;
/** Repetitions that one byte holds. */
const RUN_MAX: u32 = 64;
/** What a step's head says of an XOR step; 1..7 are the bytes of an integer difference. */
const KIND_XOR: u32 = 9;

// @ts-ignore: decorator
@inline
function exactInteger(value: f64): bool {
  return abs<f64>(value) < 9007199254740992 && reinterpret<u64>(f64(i64(value))) == reinterpret<u64>(value);
}

/** The difference of two values that are exact integers; i64.MIN_VALUE if they are not. */
function integerDifference(bits: u64, previous: u64): i64 {
  const value = reinterpret<f64>(bits);
  const before = reinterpret<f64>(previous);
  return exactInteger(value) && exactInteger(before) ? i64(value) - i64(before) : i64.MIN_VALUE;
}

/** Copies a tail to where `end` is the end of the block: whole words if there is room, which is cheaper than a call of memory.copy. */
// @ts-ignore: decorator
@inline
function copyTail(to: usize, from: usize, bytes: u32, end: usize): void {
  if (to + 48 > end) memory.copy(to, from, bytes);
  else {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    // The last word overlaps, so that it ends with the tail.
    v128.store(to, v128.load(from, 31), 31);
  }
}

/** Moves the tail into the open chunk. */
function flushTail(slot: usize): void {
  const bytes = u32(load<u8>(slot, S_TAIL_USED));
  const used = u32(load<u16>(slot, S_OPEN_USED));
  const sizeClass = u32(load<u8>(slot, S_OPEN_CLASS));
  let open = usize(load<u32>(slot, S_OPEN));
  if (!open || used + bytes > classBytes(sizeClass)) {
    // By doubling, into which a tail always fits: series that began together grow together, and what they leave is of use to none of them.
    const bigger = !open ? OPEN_CLASS_FIRST : sizeClass + 2;
    const chunk = allocClass(bigger);
    if (open) {
      memory.copy(chunk, open, used);
      freeClass(open, sizeClass);
    }
    open = chunk;
    store<u32>(slot, u32(open), S_OPEN);
    store<u8>(slot, u8(bigger), S_OPEN_CLASS);
  }
  copyTail(open + used, slot + S_TAIL, bytes, open + classBytes(load<u8>(slot, S_OPEN_CLASS)));
  store<u16>(slot, u16(used + bytes), S_OPEN_USED);
}

/** Begins a chunk with its first sample. */
export function openChunk(slot: usize, time: i64, bits: u64): void {
  store<i64>(slot, time, S_FIRST_TIME);
  store<u64>(slot, bits, S_FIRST_BITS);
  store<u8>(slot, 0, S_TAIL_USED);
  store<u16>(slot, 0, S_OPEN_USED);
  store<u16>(slot, 1, S_OPEN_COUNT);
  store<u16>(slot, 0, S_RUN);
  store<i64>(slot, 0, S_LAST_DIFFERENCE);
  store<i64>(slot, time, S_LAST_TIME);
  store<u64>(slot, bits, S_LAST_BITS);
}

/** Bytes of a zigzag number, at least one. */
// @ts-ignore: decorator
@inline
function byteLength(value: u64): u32 {
  return (71 - u32(clz<u64>(value | 1))) >> 3;
}

// @ts-ignore: decorator
@inline
function varintLength64(value: u64): u32 {
  return (70 - u32(clz<u64>(value | 1))) / 7;
}

/** Writes the lowest `count` bytes of a number; may write 8 bytes where they end before `end`. */
// @ts-ignore: decorator
@inline
function putBytes(at: usize, value: u64, count: u32, end: usize): void {
  if (at + 8 <= end) {
    store<u64>(at, value);
    return;
  }
  for (let i: u32 = 0; i < count; i++) {
    store<u8>(at + i, u8(value));
    value >>= 8;
  }
}

/** Writes a run of `run` repetitions; returns the address after it. */
function putRun(at: usize, run: u32): usize {
  for (; run > RUN_MAX; run -= RUN_MAX) store<u8>(at++, u8(RUN_MAX - 1));
  if (run) store<u8>(at++, u8(run - 1));
  return at;
}

/** Appends a step that is not a pure repetition, behind the run that it ends. */
export function appendStep(slot: usize, change: i64, bits: u64, previous: u64): void {
  const run = u32(load<u16>(slot, S_RUN));
  let kind: u32 = 0;
  let value: u64 = 0;
  let valueBytes: u32 = 0;
  let xorFirst: u32 = 0;
  if (bits != previous) {
    const difference = integerDifference(bits, previous);
    if (difference != i64.MIN_VALUE) {
      value = zigzag(difference);
      kind = valueBytes = byteLength(value);
    } else {
      kind = KIND_XOR;
      value = bits ^ previous;
      valueBytes = 1 + xorLength(value);
      xorFirst = xorHead(value);
      value >>= u64(ctz<u64>(value) & 56);
    }
  }
  let rest = zigzag(change);
  const timeBytes = change ? varintLength64(rest) : 0;
  const length = ((run + RUN_MAX - 1) >> 6) + 1 + timeBytes + valueBytes;
  let used = u32(load<u8>(slot, S_TAIL_USED));
  if (used + length > TAIL_BYTES) {
    flushTail(slot);
    used = 0;
  }
  let at = slot + S_TAIL + used;
  if (run) {
    at = putRun(at, run);
    store<u16>(slot, 0, S_RUN);
  }
  store<u8>(at++, u8(0x40 | (change ? 0x20 : 0) | kind));
  if (change) {
    for (; rest >= 128; rest >>= 7) store<u8>(at++, u8(rest | 128));
    store<u8>(at++, u8(rest));
  }
  if (kind == KIND_XOR) {
    store<u8>(at++, u8(xorFirst));
    valueBytes--;
  }
  putBytes(at, value, valueBytes, slot + SLOT_BYTES);
  store<u8>(slot, u8(used + length), S_TAIL_USED);
}

// @ts-ignore: decorator
@inline
function putSample<T>(times: usize, values: usize, place: u32, time: i64, bits: u64): void {
  if (isFloat<T>()) store<f64>(times + (usize(place) << 3), f64(time));
  else store<i64>(times + (usize(place) << 3), time);
  store<u64>(values + (usize(place) << 3), bits);
}

/** How many of the next `run` samples, `difference` apart after `time`, are before minTime. */
function skipped(time: i64, difference: i64, run: u32, minTime: i64): u32 {
  if (time + difference >= minTime) return 0;
  return u32(min<i64>(i64(run), (minTime - 1 - time) / difference));
}

/**
 * Decodes an open chunk: times as T (i64 or f64), values as raw bits. Samples before minTime are left out where that is cheap, in runs.
 * Returns the number of samples.
 */
export function decodeOpen<T>(slot: usize, times: usize, values: usize, minTime: i64): u32 {
  if (!load<u16>(slot, S_OPEN_COUNT)) return 0;
  let time = load<i64>(slot, S_FIRST_TIME);
  let bits = load<u64>(slot, S_FIRST_BITS);
  let difference: i64 = 0;
  let count: u32 = 1;
  putSample<T>(times, values, 0, time, bits);
  let at = usize(load<u32>(slot, S_OPEN));
  let end = at + load<u16>(slot, S_OPEN_USED);
  let isTail = false;
  while (true) {
    if (at >= end) {
      if (isTail) break;
      isTail = true;
      at = slot + S_TAIL;
      end = at + load<u8>(slot, S_TAIL_USED);
      continue;
    }
    const head = u32(load<u8>(at++));
    if (head < 0x40) {
      const skip = skipped(time, difference, head + 1, minTime);
      time += difference * i64(skip);
      for (const runEnd = count + head + 1 - skip; count < runEnd; count++) {
        putSample<T>(times, values, count, (time += difference), bits);
      }
      continue;
    }
    if (head & 0x20) {
      let rest: u64 = 0;
      let shift: u64 = 0;
      let byte: u64 = 0;
      do {
        byte = load<u8>(at++);
        rest |= (byte & 127) << shift;
        shift += 7;
      } while (byte >= 128);
      difference += unzigzag(rest);
    }
    time += difference;
    const kind = head & 31;
    if (kind == KIND_XOR) {
      bits ^= getXor(at);
      at += 1 + (load<u8>(at) & 15);
    } else if (kind) {
      // Differences of integers below 2^53 take 7 bytes at most.
      const packed = load<u64>(at) & ((u64(1) << (u64(kind) << 3)) - 1);
      at += kind;
      bits = reinterpret<u64>(f64(i64(reinterpret<f64>(bits)) + unzigzag(packed)));
    }
    putSample<T>(times, values, count++, time, bits);
  }
  const run = u32(load<u16>(slot, S_RUN));
  const skip = skipped(time, difference, run, minTime);
  time += difference * i64(skip);
  for (const runEnd = count + run - skip; count < runEnd; count++) {
    putSample<T>(times, values, count, (time += difference), bits);
  }
  return count;
}

/** Empties the chunk. */
export function clearOpen(slot: usize): void {
  if (load<u32>(slot, S_OPEN)) freeClass(load<u32>(slot, S_OPEN), load<u8>(slot, S_OPEN_CLASS));
  store<u32>(slot, 0, S_OPEN);
  store<u16>(slot, 0, S_OPEN_USED);
  store<u8>(slot, 0, S_TAIL_USED);
  store<u16>(slot, 0, S_OPEN_COUNT);
  store<u16>(slot, 0, S_RUN);
}
