// A column of a block: the times or the values of one series, in vectors of 1,024; the last has what is left, up to 2,047.
//
//   ┌───────────────┬────────┐
//   │ count, varint │ vector │                                        up to 2,047 samples; one value or a line for any number
//   ├───────────────┼────────┼─────────────────────────────────┬─────────┐
//   │ count, varint │ 0xff   │ u16: bytes of each but the last │ vectors │
//   └───────────────┴────────┴─────────────────────────────────┴─────────┘
import { INTEGER_MAX, getVarint, putVarint, varint } from './bits';
import { firstInteger, firstOfLine, readFirst, stepOfLine } from './integers';
import { VECTOR_SAMPLES, VECTOR_SAMPLES_MAX } from './memory';
import { fill } from './spread';
import { getVector, isLine, isSame, putSame, putTimes, putVector, readSame, sameBits, timesAt } from './vector';

const VECTORS: u8 = 0xff;
const CORRUPT: i32 = -1;
const COUNT_MAX: u64 = 0x7fffffff;

/** Vectors of a column of `count` samples. */
function vectorsOf(count: u32): u32 {
  return max<u32>(count / VECTOR_SAMPLES, 1);
}

/** Whether times have one difference throughout. */
function isRegular(times: usize, count: u32): bool {
  const step = load<f64>(times, 8) - load<f64>(times);
  for (let i: usize = 16, end = usize(count) << 3; i < end; i += 8) {
    if (load<f64>(times + i) - load<f64>(times + i - 8) != step) return false;
  }
  return true;
}

function putVectors(out: usize, samples: usize, count: u32, areTimes: bool): usize {
  const vectors = vectorsOf(count);
  store<u8>(out, VECTORS);
  const lengths = out + 1;
  let at = lengths + (usize(vectors - 1) << 1);
  for (let i: u32 = 0; i < vectors; i++) {
    const isLast = i == vectors - 1;
    const from = samples + (usize(i * VECTOR_SAMPLES) << 3);
    const length = isLast ? count - i * VECTOR_SAMPLES : VECTOR_SAMPLES;
    const after = areTimes ? putTimes(at, from, length) : putVector(at, from, length);
    if (!isLast) store<u16>(lengths + (usize(i) << 1), u16(after - at));
    at = after;
  }
  return at;
}

/** Encodes `count` raw values, or times, at `samples`; returns the bytes written to `out`. */
export function putColumn(out: usize, samples: usize, count: u32, areTimes: bool): u32 {
  const at = putVarint(out, count);
  if (!count) return u32(at - out);
  let after: usize;
  if (areTimes && (count <= VECTOR_SAMPLES_MAX || isRegular(samples, count))) after = putTimesVector(at, samples, count);
  else if (!areTimes && isSame(samples, count)) after = putSame(at, load<u64>(samples));
  else if (count <= VECTOR_SAMPLES_MAX) after = putVector(at, samples, count);
  else after = putVectors(at, samples, count, areTimes);
  return u32(after - out);
}

/** One vector of times. A line is known by its first three: it may be longer than a vector. */
function putTimesVector(at: usize, times: usize, count: u32): usize {
  return putTimes(at, times, count <= VECTOR_SAMPLES_MAX ? count : 3);
}

/** A vector of the column, as findVector left it. */
let vectorAt: usize = 0;
let vectorEnd: usize = 0;

/** Samples of a column and where its first byte behind the count is; CORRUPT if there is none. */
function readCount(at: usize, end: usize): i32 {
  body = getVarint(at, end);
  if (!body || varint > COUNT_MAX) return CORRUPT;
  if (varint ? body >= end : body != end) return CORRUPT;
  return i32(varint);
}
let body: usize = 0;

/** Samples of the column; negative if it is malformed. */
export function countOf(at: usize, end: usize): i32 {
  const count = readCount(at, end);
  if (count <= i32(VECTOR_SAMPLES_MAX)) return count > 0 && load<u8>(body) == VECTORS ? CORRUPT : count;
  if (load<u8>(body) == VECTORS) {
    return body + 1 + (usize(vectorsOf(count) - 1) << 1) < end ? count : CORRUPT;
  }
  return readSame(body, end) || isLine(body, end) ? count : CORRUPT;
}

/** Begins at the first vector of a column with `count` samples in more than one. */
function startVectors(count: u32): void {
  vectorAt = vectorEnd = body + 1 + (usize(vectorsOf(count) - 1) << 1);
}

/** Goes on to vector `index`, which follows the one before; false if it is out of bounds. */
function nextVector(index: u32, count: u32, end: usize): bool {
  vectorAt = vectorEnd;
  vectorEnd = index + 1 < vectorsOf(count) ? vectorAt + load<u16>(body + 1 + (usize(index) << 1)) : end;
  return vectorAt < vectorEnd && vectorEnd <= end;
}

function samplesOf(index: u32, count: u32): u32 {
  return index + 1 < vectorsOf(count) ? VECTOR_SAMPLES : count - index * VECTOR_SAMPLES;
}

/** A column of any length in one vector: one value or a line. */
function getUniform(end: usize, from: u32, to: u32, out: usize): bool {
  if (readSame(body, end)) {
    fill(out, to - from, sameBits);
    return true;
  }
  if (!isLine(body, end)) return false;
  let k = firstOfLine + stepOfLine * i64(from);
  for (let i = from; i < to; i++, out += 8, k += stepOfLine) store<f64>(out, f64(k));
  return true;
}

/** Decodes samples [from, to) to `out` as raw values; 0, or negative if the column is malformed or has no such samples. */
export function getColumn(at: usize, end: usize, from: u32, to: u32, out: usize): i32 {
  const count = countOf(at, end);
  if (count < 0 || from > to || to > u32(count)) return CORRUPT;
  if (from == to) return 0;
  if (count <= i32(VECTOR_SAMPLES_MAX)) return getVector(body, end, count, from, to, out) ? 0 : CORRUPT;
  if (load<u8>(body) != VECTORS) return getUniform(end, from, to, out) ? 0 : CORRUPT;
  startVectors(count);
  for (let i: u32 = 0, vectors = vectorsOf(count); i < vectors; i++) {
    const first = i * VECTOR_SAMPLES;
    const samples = samplesOf(i, count);
    if (first >= to) break;
    if (!nextVector(i, count, end)) return CORRUPT;
    if (first + samples <= from) continue;
    const low = max<u32>(from, first) - first;
    const high = min<u32>(to, first + samples) - first;
    if (!getVector(vectorAt, vectorEnd, samples, low, high, out)) return CORRUPT;
    out += usize(high - low) << 3;
  }
  return 0;
}

/** Whether decoded times ascend and are exact. */
export function areTimes(at: usize, count: u32): bool {
  if (!count) return true;
  const end = at + (usize(count) << 3);
  if (!(abs<f64>(load<f64>(at)) < INTEGER_MAX && abs<f64>(load<f64>(end - 8)) < INTEGER_MAX)) return false;
  let areLater = i64x2.splat(-1);
  let i = at + 8;
  for (; i + 16 <= end; i += 16) areLater = v128.and(areLater, f64x2.ge(v128.load(i), v128.load(i - 8)));
  return i64x2.all_true(areLater) && (i == end || load<f64>(i) >= load<f64>(i - 8));
}

function searchLine(count: u32, ms: f64): u32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (f64(firstOfLine + stepOfLine * i64(middle)) >= ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

function search(times: usize, count: u32, ms: f64): u32 {
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<f64>(times + (usize(middle) << 3)) >= ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Index of the first time at or after `ms`; negative if the column is malformed. Decodes one vector, to `scratch` (2,047 values). */
export function lowerBoundOf(at: usize, end: usize, ms: f64, scratch: usize): i32 {
  const count = countOf(at, end);
  if (count <= 0) return count;
  if (load<u8>(body) != VECTORS) {
    if (isLine(body, end)) return searchLine(count, ms);
    if (count > i32(VECTOR_SAMPLES_MAX) || !timesAt(body, end)) return CORRUPT;
    return getVector(body, end, count, 0, count, scratch) ? search(scratch, count, ms) : CORRUPT;
  }
  let found = u32.MAX_VALUE;
  let foundAt: usize = 0;
  let foundEnd: usize = 0;
  startVectors(count);
  for (let i: u32 = 0, vectors = vectorsOf(count); i < vectors; i++) {
    if (!nextVector(i, count, end)) return CORRUPT;
    const integers = timesAt(vectorAt, vectorEnd);
    if (!integers || (i && !readFirst(integers, vectorEnd))) return CORRUPT;
    if (i && f64(firstInteger) >= ms) break;
    found = i;
    foundAt = vectorAt;
    foundEnd = vectorEnd;
  }
  const samples = samplesOf(found, count);
  if (!getVector(foundAt, foundEnd, samples, 0, samples, scratch)) return CORRUPT;
  return found * VECTOR_SAMPLES + search(scratch, samples, ms);
}
