// sum, avg, stdvar and stddev over time. The windows of two steps run side by side in the lanes of a vector, each in its own
// order, so the bits are those of one window after the other. Columns of whole numbers whose sums stay below 2^53 add up
// without rounding in any order: there a window's sum is the difference of two running sums.

import { kept, keys, out, pair, present, vs, windows } from './column';
import { compensate, compensate2 } from './kahan';

const EXACT_MAX: f64 = 9007199254740992;

/** Results of a pair of windows. */
let result0: f64 = 0;
let result1: f64 = 0;

// @ts-ignore: decorator
@inline
function valueAt(i: i32): f64 {
  return load<f64>(vs + ((<usize>i) << 3));
}

/** Writes running sums into `keys` (keys[i] = sum of [0, i)) if all of them are exact. */
function sumsAreExact(): bool {
  let size = f64x2.splat(0.0);
  let i = 0;
  for (; i + 1 < kept; i += 2) {
    const v = v128.load(vs + ((<usize>i) << 3));
    if (!i64x2.all_true(f64x2.eq(f64x2.trunc(v), v))) return false;
    size = f64x2.add(size, f64x2.abs(v));
  }
  let total = f64x2.extract_lane(size, 0) + f64x2.extract_lane(size, 1);
  if (i < kept) {
    const v = valueAt(i);
    if (Math.trunc(v) !== v) return false;
    total += abs(v);
  }
  if (!(total < EXACT_MAX)) return false;
  let sum: f64 = 0;
  store<f64>(keys, 0.0);
  for (i = 0; i < kept; i++) {
    sum += valueAt(i);
    store<f64>(keys + ((<usize>i) << 3), sum, 8);
  }
  return true;
}

function exactSums(steps: i32, isAverage: bool): i32 {
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const from = load<i32>(windows + ((<usize>i) << 3));
    const to = load<i32>(windows + ((<usize>i) << 3), 4);
    const has = from < to;
    store<u8>(present + <usize>i, has);
    if (!has) continue;
    found++;
    const sum = load<f64>(keys + ((<usize>to) << 3)) - load<f64>(keys + ((<usize>from) << 3));
    store<f64>(out + ((<usize>i) << 3), isAverage ? sum / <f64>(to - from) : sum);
  }
  return found;
}

export function sums(steps: i32): i32 {
  return sumsAreExact() ? exactSums(steps, false) : moments(steps, 0);
}

export function averages(steps: i32): i32 {
  return sumsAreExact() ? exactSums(steps, true) : moments(steps, 1);
}

/** `squareRoot`: standard deviations instead of variances. */
export function variances(steps: i32, squareRoot: bool): i32 {
  return moments(steps, squareRoot ? 3 : 2);
}

// @ts-ignore: decorator
@inline
function moments(steps: i32, what: i32): i32 {
  let found = 0;
  for (let i = 0; i < steps; i += 2) {
    const window = windows + ((<usize>i) << 3);
    let a0 = load<i32>(window);
    let b0 = load<i32>(window, 4);
    let a1 = load<i32>(window, 8);
    let b1 = load<i32>(window, 12);
    const has0 = a0 < b0;
    const has1 = i + 1 < steps && a1 < b1;
    store<u8>(present + <usize>i, has0);
    if (i + 1 < steps) store<u8>(present + <usize>i, has1, 1);
    found += <i32>has0 + <i32>has1;
    if (!(has0 || has1)) continue;
    if (!has0) {
      a0 = a1;
      b0 = b1;
    }
    if (!has1) {
      a1 = a0;
      b1 = b0;
    }
    if (what === 0) sumPair(a0, b0, a1, b1);
    else if (what === 1) averagePair(a0, b0, a1, b1);
    else variancePair(a0, b0, a1, b1);
    if (what === 3) {
      result0 = sqrt(result0);
      result1 = sqrt(result1);
    }
    store<f64>(out + ((<usize>i) << 3), result0);
    store<f64>(out + ((<usize>i) << 3), result1, 8);
  }
  return found;
}

function sumPair(a0: i32, b0: i32, a1: i32, b1: i32): void {
  const common = min(b0 - a0, b1 - a1);
  let sum = f64x2.splat(0.0);
  let c = f64x2.splat(0.0);
  for (let k = 0; k < common; k++) {
    const x = pair(vs, a0 + k, a1 + k);
    const t = f64x2.add(sum, x);
    c = compensate2(sum, x, t, c);
    sum = t;
  }
  result0 = sumRest(a0 + common, b0, f64x2.extract_lane(sum, 0), f64x2.extract_lane(c, 0));
  result1 = sumRest(a1 + common, b1, f64x2.extract_lane(sum, 1), f64x2.extract_lane(c, 1));
}

function sumRest(from: i32, to: i32, sum: f64, c: f64): f64 {
  for (let i = from; i < to; i++) {
    const x = valueAt(i);
    const t = sum + x;
    c = compensate(sum, x, t, c);
    sum = t;
  }
  return abs(sum) === Infinity ? sum : sum + c;
}

function averagePair(a0: i32, b0: i32, a1: i32, b1: i32): void {
  const common = min(b0 - a0, b1 - a1);
  let sum = pair(vs, a0, a1);
  let c = f64x2.splat(0.0);
  let overflow = f64x2.splat(0.0);
  const infinity = f64x2.splat(Infinity);
  for (let k = 1; k < common; k++) {
    const x = pair(vs, a0 + k, a1 + k);
    const t = f64x2.add(sum, x);
    c = compensate2(sum, x, t, c);
    overflow = v128.or(overflow, f64x2.eq(f64x2.abs(t), infinity));
    sum = t;
  }
  if (v128.any_true(overflow)) {
    result0 = averageRest(a0, a0 + 1, b0, valueAt(a0), 0.0);
    result1 = averageRest(a1, a1 + 1, b1, valueAt(a1), 0.0);
    return;
  }
  result0 = averageRest(a0, a0 + common, b0, f64x2.extract_lane(sum, 0), f64x2.extract_lane(c, 0));
  result1 = averageRest(a1, a1 + common, b1, f64x2.extract_lane(sum, 1), f64x2.extract_lane(c, 1));
}

/** Goes on at `i` with the sum of [from, i): a sum until it would overflow, from there on an incremental mean. */
function averageRest(from: i32, i: i32, to: i32, sum: f64, c: f64): f64 {
  for (; i < to; i++) {
    const x = valueAt(i);
    const t = sum + x;
    if (abs(t) === Infinity) return incrementalMean(from, i, to, sum, c);
    c = compensate(sum, x, t, c);
    sum = t;
  }
  const count = <f64>(to - from);
  return sum / count + c / count;
}

function incrementalMean(from: i32, i: i32, to: i32, sum: f64, c: f64): f64 {
  let count = <f64>(i - from);
  let mean = sum / count;
  c /= count;
  for (; i < to; i++) {
    count += 1.0;
    const q = (count - 1.0) / count;
    const x = valueAt(i) / count;
    const before = q * mean;
    mean = before + x;
    c = compensate(before, x, mean, q * c);
  }
  return mean + c;
}

function variancePair(a0: i32, b0: i32, a1: i32, b1: i32): void {
  const common = min(b0 - a0, b1 - a1);
  let count = f64x2.splat(0.0);
  let mean = f64x2.splat(0.0);
  let cMean = f64x2.splat(0.0);
  let squares = f64x2.splat(0.0);
  let cSquares = f64x2.splat(0.0);
  for (let k = 0; k < common; k++) {
    const x = pair(vs, a0 + k, a1 + k);
    count = f64x2.add(count, f64x2.splat(1.0));
    const delta = f64x2.sub(x, f64x2.add(mean, cMean));
    const move = f64x2.div(delta, count);
    const t = f64x2.add(mean, move);
    cMean = compensate2(mean, move, t, cMean);
    mean = t;
    const square = f64x2.mul(delta, f64x2.sub(x, f64x2.add(mean, cMean)));
    const u = f64x2.add(squares, square);
    cSquares = compensate2(squares, square, u, cSquares);
    squares = u;
  }
  result0 = varianceRest(a0, a0 + common, b0, mean, cMean, squares, cSquares, 0);
  result1 = varianceRest(a1, a1 + common, b1, mean, cMean, squares, cSquares, 1);
}

// @ts-ignore: decorator
@inline
function lane(v: v128, i: i32): f64 {
  return i === 0 ? f64x2.extract_lane(v, 0) : f64x2.extract_lane(v, 1);
}

function varianceRest(from: i32, i: i32, to: i32, means: v128, cMeans: v128, sq: v128, cSq: v128, at: i32): f64 {
  let mean = lane(means, at);
  let cMean = lane(cMeans, at);
  let squares = lane(sq, at);
  let cSquares = lane(cSq, at);
  let count = <f64>(i - from);
  for (; i < to; i++) {
    const x = valueAt(i);
    count += 1.0;
    const delta = x - (mean + cMean);
    const move = delta / count;
    const t = mean + move;
    cMean = compensate(mean, move, t, cMean);
    mean = t;
    const square = delta * (x - (mean + cMean));
    const u = squares + square;
    cSquares = compensate(squares, square, u, cSquares);
    squares = u;
  }
  return (squares + cSquares) / count;
}
