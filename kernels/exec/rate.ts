// rate, increase and delta: the difference over a window, extrapolated to its edges. Two steps at a time: the divisions are
// what costs. Resets are rare, so their positions are listed once; a window adds those it contains, in order.

import { kept, marks, out, pair, present, ts, vs, windows } from './column';

let resets: i32 = 0;

/** Lists in `marks` the indexes of samples that are less than the one before. */
function listResets(): void {
  const n = kept;
  resets = 0;
  let i = 1;
  for (; i + 1 < n; i += 2) {
    const at = vs + ((<usize>i) << 3);
    const mask = i64x2.bitmask(f64x2.lt(v128.load(at), v128.load(at - 8)));
    if (mask === 0) continue;
    if (mask & 1) pushReset(i);
    if (mask & 2) pushReset(i + 1);
  }
  if (i < n) {
    const at = vs + ((<usize>i) << 3);
    if (load<f64>(at) < load<f64>(at - 8)) pushReset(i);
  }
}

function pushReset(index: i32): void {
  store<u32>(marks + ((<usize>resets) << 2), index);
  resets++;
}

// @ts-ignore: decorator
@inline
function resetAt(i: i32): i32 {
  return load<u32>(marks + ((<usize>i) << 2));
}

/** Adds what the resets of window [from, to) lost; `r` is the first reset after `from`. */
// @ts-ignore: decorator
@inline
function corrected(result: f64, r: i32, to: i32): f64 {
  for (; r < resets; r++) {
    const index = resetAt(r);
    if (index >= to) break;
    result += load<f64>(vs + ((<usize>(index - 1)) << 3));
  }
  return result;
}

export function extrapolated(startMs: f64, stepMs: f64, steps: i32, rangeMs: f64, isCounter: bool, isRate: bool): i32 {
  resets = 0;
  if (isCounter) listResets();
  const seconds = f64x2.splat(durationSeconds(rangeMs));
  const thousand = f64x2.splat(1000.0);
  const zero = f64x2.splat(0.0);
  const range = f64x2.splat(rangeMs);
  let found = 0;
  let r = 0;
  for (let i = 0; i < steps; i += 2) {
    const window = windows + ((<usize>i) << 3);
    let a0 = load<i32>(window);
    let b0 = load<i32>(window, 4);
    let a1 = load<i32>(window, 8);
    let b1 = load<i32>(window, 12);
    const has0 = b0 - a0 >= 2;
    const has1 = i + 1 < steps && b1 - a1 >= 2;
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
    const first = pair(vs, a0, a1);
    let result = f64x2.sub(pair(vs, b0 - 1, b1 - 1), first);
    if (resets > 0) {
      while (r < resets && resetAt(r) <= a0) r++;
      let r1 = r;
      while (r1 < resets && resetAt(r1) <= a1) r1++;
      const result0 = corrected(f64x2.extract_lane(result, 0), r, b0);
      const result1 = corrected(f64x2.extract_lane(result, 1), r1, b1);
      result = f64x2.replace_lane(f64x2.splat(result0), 1, result1);
    }
    const firstT = pair(ts, a0, a1);
    const lastT = pair(ts, b0 - 1, b1 - 1);
    const end0 = startMs + <f64>i * stepMs;
    const end1 = startMs + <f64>(i + 1) * stepMs;
    const end = f64x2.replace_lane(f64x2.splat(end0), 1, end1);
    const intervals = f64x2.replace_lane(f64x2.splat(<f64>(b0 - a0 - 1)), 1, <f64>(b1 - a1 - 1));

    let toStart = f64x2.div(f64x2.sub(firstT, f64x2.sub(end, range)), thousand);
    let toEnd = f64x2.div(f64x2.sub(end, lastT), thousand);
    const sampled = f64x2.div(f64x2.sub(lastT, firstT), thousand);
    const average = f64x2.div(sampled, intervals);
    const threshold = f64x2.mul(average, f64x2.splat(1.1));
    const half = f64x2.mul(average, f64x2.splat(0.5));
    toStart = v128.bitselect(half, toStart, f64x2.ge(toStart, threshold));
    if (isCounter) {
      const toZero = f64x2.mul(sampled, f64x2.div(first, result));
      const risesFromZero = v128.and(f64x2.gt(result, zero), f64x2.ge(first, zero));
      toStart = v128.bitselect(toZero, toStart, v128.and(risesFromZero, f64x2.lt(toZero, toStart)));
    }
    toEnd = v128.bitselect(half, toEnd, f64x2.ge(toEnd, threshold));
    let factor = f64x2.div(f64x2.add(f64x2.add(sampled, toStart), toEnd), sampled);
    if (isRate) factor = f64x2.div(factor, seconds);
    v128.store(out + ((<usize>i) << 3), f64x2.mul(result, factor));
  }
  return found;
}

/** Go's Duration.Seconds(). */
function durationSeconds(ms: f64): f64 {
  const whole = Math.trunc(ms / 1000.0);
  return whole + ((ms - whole * 1000.0) * 1000000.0) / 1000000000.0;
}
