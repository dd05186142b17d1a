// min and max over time, and the time of either. NaN gives way to anything; of equal values the first one counts for the
// value (which shows only in the sign of a zero) and the last one for the time. Long windows are put together from the
// extremes of blocks of samples; results that vectors cannot be trusted with (zeros, nothing but NaN) are looked at again.

import { kept, keys, out, present, ts, vs, windows } from './column';

const BLOCK_BITS: i32 = 5;
const BLOCK: i32 = 32;

// @ts-ignore: decorator
@inline
function valueAt(i: i32): f64 {
  return load<f64>(vs + ((<usize>i) << 3));
}

// @ts-ignore: decorator
@inline
function isBetter(x: f64, than: f64, isMax: bool): bool {
  return isMax ? x > than : x < than;
}

// @ts-ignore: decorator
@inline
function better2(best: v128, x: v128, isMax: bool): v128 {
  return isMax ? f64x2.pmax(best, x) : f64x2.pmin(best, x);
}

/** The extreme of numbers at [from, to) of an array, NaN left out; -Inf or +Inf if there is none. */
// @ts-ignore: decorator
@inline
function extremeOf(base: usize, from: i32, to: i32, isMax: bool): f64 {
  const start: f64 = isMax ? -Infinity : Infinity;
  let best = f64x2.splat(start);
  let other = best;
  let at = base + ((<usize>from) << 3);
  const end = base + ((<usize>to) << 3);
  for (; at + 32 <= end; at += 32) {
    best = better2(best, v128.load(at), isMax);
    other = better2(other, v128.load(at, 16), isMax);
  }
  for (; at < end; at += 8) best = better2(best, v128.load_splat<f64>(at), isMax);
  best = better2(best, other, isMax);
  const a = f64x2.extract_lane(best, 0);
  const b = f64x2.extract_lane(best, 1);
  return isBetter(b, a, isMax) ? b : a;
}

// @ts-ignore: decorator
@inline
function inOrder(from: i32, to: i32, isMax: bool): f64 {
  let best = valueAt(from);
  for (let i = from + 1; i < to; i++) {
    const x = valueAt(i);
    if (isBetter(x, best, isMax) || best !== best) best = x;
  }
  return best;
}

// @ts-ignore: decorator
@inline
function extremeOfWindow(from: i32, to: i32, isMax: bool, withBlocks: bool): f64 {
  let best: f64;
  const firstBlock = (from + BLOCK - 1) >> BLOCK_BITS;
  const lastBlock = to >> BLOCK_BITS;
  if (withBlocks && firstBlock < lastBlock) {
    const head = extremeOf(vs, from, firstBlock << BLOCK_BITS, isMax);
    const tail = extremeOf(vs, lastBlock << BLOCK_BITS, to, isMax);
    best = extremeOf(keys, firstBlock, lastBlock, isMax);
    if (isBetter(head, best, isMax)) best = head;
    if (isBetter(tail, best, isMax)) best = tail;
  } else {
    best = extremeOf(vs, from, to, isMax);
  }
  if (best === 0.0) {
    let i = from;
    while (valueAt(i) !== 0.0) i++;
    return valueAt(i);
  }
  return best === (isMax ? -Infinity : Infinity) ? inOrder(from, to, isMax) : best;
}

/** Whether windows overlap so much that the extremes of blocks pay; if so they are in `keys`. */
// @ts-ignore: decorator
@inline
function prepareBlocks(steps: i32, isMax: bool): bool {
  let samples: i64 = 0;
  for (let i = 0; i < steps; i++) {
    const at = windows + ((<usize>i) << 3);
    samples += <i64>(load<i32>(at, 4) - load<i32>(at));
  }
  if (samples < <i64>BLOCK * 4 * steps || samples < 2 * <i64>kept) return false;
  for (let b = 0; b < kept >> BLOCK_BITS; b++) {
    store<f64>(keys + ((<usize>b) << 3), extremeOf(vs, b << BLOCK_BITS, (b + 1) << BLOCK_BITS, isMax));
  }
  return true;
}

// @ts-ignore: decorator
@inline
function extremes(steps: i32, isMax: bool): i32 {
  const withBlocks = prepareBlocks(steps, isMax);
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const at = windows + ((<usize>i) << 3);
    const from = load<i32>(at);
    const to = load<i32>(at, 4);
    const has = from < to;
    store<u8>(present + <usize>i, has);
    if (!has) continue;
    found++;
    store<f64>(out + ((<usize>i) << 3), extremeOfWindow(from, to, isMax, withBlocks));
  }
  return found;
}

export function maxima(steps: i32): i32 {
  return extremes(steps, true);
}

export function minima(steps: i32): i32 {
  return extremes(steps, false);
}

/** Seconds at which the extreme was last reached. */
export function extremeTimes(steps: i32, isMax: bool): i32 {
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const at = windows + ((<usize>i) << 3);
    const from = load<i32>(at);
    const to = load<i32>(at, 4);
    const has = from < to;
    store<u8>(present + <usize>i, has);
    if (!has) continue;
    found++;
    let best = from;
    let value = valueAt(from);
    for (let j = from + 1; j < to; j++) {
      const x = valueAt(j);
      if (!(isMax ? x >= value : x <= value) && value === value) continue;
      best = j;
      value = x;
    }
    store<f64>(out + ((<usize>i) << 3), load<f64>(ts + ((<usize>best) << 3)) / 1000.0);
  }
  return found;
}
