// A vector: up to 2,047 values of a column.
//
//   ┌──────┬────────┬────────────────────────────┬──────────────┬──────────┬───────────────┐
//   │ head │ [more] │ [places of changed values] │ [exceptions] │ integers │ [corrections] │
//   └──────┴────────┴────────────────────────────┴──────────────┴──────────┴───────────────┘
//
// head  bits 0-4 exponent (0..22), or 30: the integers are raw bits
//       bits 5-6 what the integers stand for: 0 one value for all, 1 every value, 2 the values that differ from the one before, by a
//                bitmap, 3 the same, by gaps: a varint of their number and integers
//       bit 7    `more` follows: 1 exceptions, 2 corrections
// A value for all is a zigzag varint, or 8 raw bytes.
import { getVarint, putVarint, unzigzag, varint, zigzag } from './bits';
import { patchRuns, putRun, skipRuns } from './exceptions';
import { getIntegers, putIntegers, readLine } from './integers';
import {
  CORRECTIONS,
  DISTINCT,
  FULL,
  FULL_CORRECTIONS,
  FULL_INTEGERS,
  INTEGERS,
  POSITIONS,
  SPARSE,
  VECTOR_SAMPLES_MAX,
} from './memory';
import { getNumbers } from './numbers';
import { EXPONENT_MAX, RAW, correct, exceptions, isCorrected, isException, power10, toIntegers } from './scale';
import { fill, rankOf, spreadByBitmap, spreadByPlaces } from './spread';

const SAME: u32 = 0;
const EVERY: u32 = 1;
const BITMAP: u32 = 2;
const GAPS: u32 = 3;
const MORE: u32 = 128;
const HAS_EXCEPTIONS: u32 = 1;
const HAS_CORRECTIONS: u32 = 2;
/** With fewer changes than one in so many values only the changes are tried; with fewer repetitions, only all values. */
const SPARSE_RATIO: u32 = 8;

/** Collects the values that differ from the one before: bits in DISTINCT, places in POSITIONS. Returns their number. */
function collectChanges(values: usize, count: u32): u32 {
  let changes: u32 = 0;
  let before = ~load<u64>(values);
  for (let i: u32 = 0; i < count; i++) {
    const bits = load<u64>(values + (usize(i) << 3));
    // Written always, kept on change: no branch to mispredict.
    store<u64>(DISTINCT + (usize(changes) << 3), bits);
    store<i64>(POSITIONS + (usize(changes) << 3), i64(i));
    changes += u32(bits != before);
    before = bits;
  }
  return changes;
}

/** Whether all `count` values have the same bits. */
export function isSame(values: usize, count: u32): bool {
  const first = load<u64>(values);
  for (let i: usize = 8, end = usize(count) << 3; i < end; i += 8) if (load<u64>(values + i) != first) return false;
  return true;
}

/** Encodes one value that stands for any number of samples. */
export function putSame(out: usize, bits: u64): usize {
  store<u64>(DISTINCT, bits);
  const exponent = toIntegers(DISTINCT, 1);
  const after = putVarint(out + 1, zigzag(load<i64>(INTEGERS)));
  if (exponent != RAW && !exceptions && !isCorrected && after - out <= 8) {
    store<u8>(out, u8(exponent));
    return after;
  }
  store<u8>(out, u8(RAW));
  store<u64>(out, bits, 1);
  return out + 9;
}

function putBitmap(out: usize, count: u32, changes: u32): usize {
  const bytes = (count + 7) >> 3;
  memory.fill(out, 0, bytes);
  for (let i: u32 = 0; i < changes; i++) {
    const place = load<u32>(POSITIONS + (usize(i) << 3));
    const at = out + (place >> 3);
    store<u8>(at, load<u8>(at) | (u8(1) << u8(place & 7)));
  }
  return out + bytes;
}

/** Gaps between changes; the first change is the first value, which goes without saying. */
function putGaps(out: usize, changes: u32): usize {
  out = putVarint(out, changes);
  for (let i: u32 = 1; i < changes; i++) {
    const at = POSITIONS + (usize(i) << 3);
    store<i64>(FULL_INTEGERS + (usize(i - 1) << 3), load<i64>(at) - load<i64>(at - 8));
  }
  return putIntegers(out, FULL_INTEGERS, changes - 1);
}

/** Exceptions of the distinct values. */
function putSparseExceptions(out: usize, changes: u32, power: f64): usize {
  const runs = putVarint(out, exceptions);
  let at = runs;
  let after: u32 = 0;
  for (let i: u32 = 0; i < changes; i++) {
    const bits = load<u64>(DISTINCT + (usize(i) << 3));
    if (!isException(bits, usize(i) << 3, power)) continue;
    at = putRun(at, i - after, 1, bits);
    after = i + 1;
  }
  return at;
}

/** Exceptions of all values: a distinct value stands for all until the next one. */
function putFullExceptions(out: usize, count: u32, changes: u32, power: f64): usize {
  let at = putVarint(out, exceptions);
  let after: u32 = 0;
  for (let i: u32 = 0; i < changes; i++) {
    const bits = load<u64>(DISTINCT + (usize(i) << 3));
    if (!isException(bits, usize(i) << 3, power)) continue;
    const place = load<u32>(POSITIONS + (usize(i) << 3));
    const next = i + 1 < changes ? load<u32>(POSITIONS + (usize(i + 1) << 3)) : count;
    at = putRun(at, place - after, next - place, bits);
    after = next;
  }
  return at;
}

function putHead(out: usize, mode: u32, exponent: u32): usize {
  const more = (exceptions ? HAS_EXCEPTIONS : 0) | (isCorrected ? HAS_CORRECTIONS : 0);
  const head = exponent | (mode << 5);
  store<u8>(out, u8(more ? head | MORE : head));
  if (more) store<u8>(out, u8(more), 1);
  return more ? out + 2 : out + 1;
}

/** The vector by its changes: places as a bitmap or as gaps, whichever is smaller. */
function putSparse(out: usize, count: u32, changes: u32, exponent: u32): usize {
  let at = putHead(out, GAPS, exponent);
  const gaps = putGaps(at, changes);
  if (gaps - at <= usize((count + 7) >> 3)) {
    at = gaps;
  } else {
    putHead(out, BITMAP, exponent);
    at = putBitmap(at, count, changes);
  }
  if (exceptions) at = putSparseExceptions(at, changes, power10(exponent));
  at = putIntegers(at, INTEGERS, changes);
  return isCorrected ? putIntegers(at, CORRECTIONS, changes) : at;
}

/** Spreads `changes` integers over the `count` values that they stand for. */
function spread(from: usize, out: usize, count: u32, changes: u32): void {
  for (let i: u32 = 0; i < changes; i++) {
    const integer = load<i64>(from + (usize(i) << 3));
    const place = load<u32>(POSITIONS + (usize(i) << 3));
    const next = i + 1 < changes ? load<u32>(POSITIONS + (usize(i + 1) << 3)) : count;
    for (let j = place; j < next; j++) store<i64>(out + (usize(j) << 3), integer);
  }
}

function putEvery(out: usize, count: u32, changes: u32, exponent: u32): usize {
  let at = putHead(out, EVERY, exponent);
  if (exceptions) at = putFullExceptions(at, count, changes, power10(exponent));
  spread(INTEGERS, FULL_INTEGERS, count, changes);
  at = putIntegers(at, FULL_INTEGERS, count);
  if (!isCorrected) return at;
  spread(CORRECTIONS, FULL_CORRECTIONS, count, changes);
  return putIntegers(at, FULL_CORRECTIONS, count);
}

/** Encodes `count` (1..2047) raw values; returns the address after them. The smaller form; every value on a tie. */
export function putVector(out: usize, values: usize, count: u32): usize {
  const changes = collectChanges(values, count);
  if (changes == 1) return putSame(out, load<u64>(values));
  const exponent = toIntegers(DISTINCT, changes);
  const isSparse = (count - changes) * SPARSE_RATIO >= count;
  const isDense = changes * SPARSE_RATIO >= count;
  const sparse = isSparse ? u32(putSparse(SPARSE, count, changes, exponent) - SPARSE) : u32.MAX_VALUE;
  const full = isDense ? u32(putEvery(FULL, count, changes, exponent) - FULL) : u32.MAX_VALUE;
  const bytes = min<u32>(full, sparse);
  memory.copy(out, full <= sparse ? FULL : SPARSE, bytes);
  return out + bytes;
}

/** Encodes times: every value, exponent 0. */
export function putTimes(out: usize, times: usize, count: u32): usize {
  for (let i: usize = 0, end = usize(count) << 3; i < end; i += 8) store<i64>(INTEGERS + i, i64(load<f64>(times + i)));
  store<u8>(out, u8(EVERY << 5));
  return putIntegers(out + 1, INTEGERS, count);
}

function isExponent(exponent: u32): bool {
  return exponent <= EXPONENT_MAX || exponent == RAW;
}

/** The value that stands for all samples, at `at` behind the head; false unless it ends at `end`. Its bits are in sameBits. */
export function readSame(at: usize, end: usize): bool {
  if (at >= end) return false;
  const head = u32(load<u8>(at++));
  if (head >= 1 << 5 || !isExponent(head)) return false;
  if (head == RAW) {
    if (at + 8 != end) return false;
    sameBits = load<u64>(at);
    return true;
  }
  if (getVarint(at, end) != end) return false;
  sameBits = reinterpret<u64>(f64(unzigzag(varint)) / power10(head));
  return true;
}
export let sameBits: u64 = 0;

/** Whether the vector is a line: every value an arithmetic progression without exceptions, so any number of samples. */
export function isLine(at: usize, end: usize): bool {
  if (at >= end) return false;
  return load<u8>(at) == u8(EVERY << 5) && readLine(at + 1, end);
}

/** Where the integers of a vector of times begin, or 0 if it is none. */
export function timesAt(at: usize, end: usize): usize {
  return at < end && load<u8>(at) == u8(EVERY << 5) ? at + 1 : 0;
}

/** Changes that a bitmap of `count` bits has; 0 if they do not begin with the first value or lie behind the last. */
function countBitmap(at: usize, count: u32): u32 {
  const last = load<u8>(at + ((count - 1) >> 3));
  if (!(load<u8>(at) & 1) || (count & 7 && last >> u8(count & 7))) return 0;
  return rankOf(at, count);
}

/** Added to a number below it, it leaves that in the low bits. */
const LOW_BITS: f64 = 4503599627370496;

/** Turns `changes` - 1 gaps into places in POSITIONS. As none is less than 1, the last one being in range is enough. */
function placesOf(gaps: usize, changes: u32, count: u32): bool {
  let place: f64 = 0;
  let isAscending: bool = true;
  store<u32>(POSITIONS, 0);
  for (let i: usize = 8, end = usize(changes) << 3; i < end; i += 8) {
    const gap = load<f64>(gaps + i - 8);
    isAscending &= gap >= 1;
    place += gap;
    store<u32>(POSITIONS + i, u32(reinterpret<u64>(place + LOW_BITS)));
  }
  return isAscending && place < f64(count);
}

let changesRead: u32 = 0;

function getPlaces(at: usize, end: usize, mode: u32, count: u32): usize {
  changesRead = count;
  if (mode == EVERY) return at;
  if (mode == BITMAP) {
    const after = at + ((count + 7) >> 3);
    if (after > end) return 0;
    changesRead = countBitmap(at, count);
    return changesRead ? after : 0;
  }
  if (!(at = getVarint(at, end)) || varint < 2 || varint > u64(count)) return 0;
  changesRead = u32(varint);
  if (!(at = getNumbers(at, end, FULL_INTEGERS, changesRead - 1, 1))) return 0;
  return placesOf(FULL_INTEGERS, changesRead, count) ? at : 0;
}

/** Decodes `changes` values to `out`; false if they are malformed or do not end at `end`. */
function getDistinct(at: usize, end: usize, changes: u32, exponent: u32, more: u32, out: usize): bool {
  const runs = at;
  if (more & HAS_EXCEPTIONS && !(at = skipRuns(at, end, changes))) return false;
  at = exponent == RAW ? getIntegers(at, end, INTEGERS, changes) : getNumbers(at, end, out, changes, power10(exponent));
  if (!at) return false;
  if (exponent == RAW) memory.copy(out, INTEGERS, usize(changes) << 3);
  if (more & HAS_CORRECTIONS) {
    if (!(at = getIntegers(at, end, CORRECTIONS, changes))) return false;
    correct(out, CORRECTIONS, changes);
  }
  if (more & HAS_EXCEPTIONS) patchRuns(runs, end, out, changes);
  return at == end;
}

/** Decodes samples [from, to) of the `count` in the vector to `out` as raw values; false if it is malformed. */
export function getVector(at: usize, end: usize, count: u32, from: u32, to: u32, out: usize): bool {
  if (at >= end || count > VECTOR_SAMPLES_MAX) return false;
  const head = u32(load<u8>(at));
  const mode = (head >> 5) & 3;
  const exponent = head & 31;
  if (mode == SAME) {
    if (!readSame(at, end)) return false;
    fill(out, to - from, sameBits);
    return true;
  }
  let more: u32 = 0;
  at++;
  if (head & MORE) {
    if (at >= end) return false;
    more = load<u8>(at++);
  }
  if (more > 3 || !isExponent(exponent) || (exponent == RAW && more & HAS_CORRECTIONS)) return false;
  if (mode == EVERY && to - from == count) return getDistinct(at, end, count, exponent, more, out);
  const places = at;
  if (!(at = getPlaces(at, end, mode, count))) return false;
  if (!getDistinct(at, end, changesRead, exponent, more, DISTINCT)) return false;
  if (mode == EVERY) memory.copy(out, DISTINCT + (usize(from) << 3), usize(to - from) << 3);
  else if (mode == BITMAP) spreadByBitmap(places, from, to, out);
  else spreadByPlaces(changesRead, from, to, count, out);
  return true;
}
