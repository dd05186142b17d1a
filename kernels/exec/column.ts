// The column a call works on, its windows, and the buffers for both. A call first narrows the column to the samples its
// windows can see, leaves out stale markers (copying only if there are any), and writes every step's window once:
// windows[i] = (from u32, to u32). Everything else reads that.

import { allocate, free } from './memory';

const STALE: i64 = 0x7ff0000000000002;

let samplesMax: i32 = 0;
let stepsMax: i32 = 0;

// Input and output, filled and read by the caller.
export let tsInput: usize = 0;
export let vsInput: usize = 0;
export let out: usize = 0;
export let present: usize = 0;

// The prepared column: [0, kept) of ts and vs.
export let ts: usize = 0;
export let vs: usize = 0;
export let kept: i32 = 0;
export let windows: usize = 0;

// Room of one word per sample for what functions derive from the column.
export let marks: usize = 0;
export let keys: usize = 0;
export let keysSpare: usize = 0;
let tsCopy: usize = 0;
let vsCopy: usize = 0;

/** 0, or -1 when there is no memory. What was in the column is lost when it grows; step vectors are kept. */
export function reserve(samples: i32, steps: i32): i32 {
  if (samples < 0 || steps < 0) return -1;
  if (samples > samplesMax && !growColumns(samples)) return -1;
  if (steps > stepsMax && !growSteps(steps)) return -1;
  return 0;
}

function growColumns(samples: i32): bool {
  const capacity = max<usize>(<usize>samples, max<usize>(1024, min<usize>(2 * <usize>samplesMax, <usize>samples + 65536)));
  if (capacity > 0x02000000) return false;
  free(tsInput);
  samplesMax = 0;
  // Two samples of slack at both ends, so that vectors may read past the last one.
  const words = (capacity + 4) * 8;
  const block = allocate(words * 6 + words / 2);
  tsInput = block;
  if (block === 0) return false;
  vsInput = block + words;
  tsCopy = block + 2 * words;
  vsCopy = block + 3 * words;
  keys = block + 4 * words;
  keysSpare = block + 5 * words;
  marks = block + 6 * words;
  samplesMax = <i32>capacity;
  return true;
}

function growSteps(steps: i32): bool {
  const capacity = max<usize>(<usize>steps, max<usize>(256, min<usize>(2 * <usize>stepsMax, <usize>steps + 65536)));
  if (capacity > 0x04000000) return false;
  const words = (capacity + 4) * 8;
  const block = allocate(words * 3);
  if (block === 0) return false;
  memory.copy(block, out, <usize>stepsMax * 8);
  memory.copy(block + 2 * words, present, <usize>stepsMax);
  free(out);
  out = block;
  windows = block + words;
  present = block + 2 * words;
  stepsMax = <i32>capacity;
  return true;
}

/** Elements i and j of an array of numbers. */
// @ts-ignore: decorator
@inline
export function pair(base: usize, i: i32, j: i32): v128 {
  return v128.load_lane<f64>(base + ((<usize>j) << 3), v128.load_zero<f64>(base + ((<usize>i) << 3)), 1);
}

/** Whether a call fits the reserved room. */
// @ts-ignore: decorator
@inline
export function fits(n: i32, steps: i32): bool {
  return n >= 0 && steps >= 0 && n <= samplesMax && steps <= stepsMax;
}

/** Prepares the column and all windows (end - rangeMs, end], end = startMs + i * stepMs. */
export function prepare(n: i32, startMs: f64, stepMs: f64, steps: i32, rangeMs: f64): void {
  const low = firstAfter(tsInput, n, startMs - rangeMs);
  const high = steps > 0 ? firstAfter(tsInput, n, startMs + <f64>(steps - 1) * stepMs) : low;
  ts = tsInput + ((<usize>low) << 3);
  vs = vsInput + ((<usize>low) << 3);
  kept = max(high - low, 0);
  if (hasStale()) dropStale();
  findWindows(startMs, stepMs, steps, rangeMs);
}

/** Index of the first timestamp greater than `bound`. */
export function firstAfter(base: usize, n: i32, bound: f64): i32 {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<f64>(base + ((<usize>middle) << 3)) <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function hasStale(): bool {
  const stale = i64x2.splat(STALE);
  let any = i64x2.splat(0);
  let at = vs;
  const end = vs + ((<usize>kept) << 3);
  for (; at + 32 <= end; at += 32) {
    any = v128.or(any, v128.or(i64x2.eq(v128.load(at), stale), i64x2.eq(v128.load(at, 16), stale)));
  }
  for (; at < end; at += 8) if (load<i64>(at) === STALE) return true;
  return v128.any_true(any);
}

function dropStale(): void {
  const n = kept;
  let j: usize = 0;
  for (let i = 0; i < n; i++) {
    const at = (<usize>i) << 3;
    const bits = load<i64>(vs + at);
    store<i64>(vsCopy + j, bits);
    store<i64>(tsCopy + j, load<i64>(ts + at));
    j += select<usize>(0, 8, bits === STALE);
  }
  ts = tsCopy;
  vs = vsCopy;
  kept = <i32>(j >> 3);
}

// The ends of windows usually move by the same count from step to step: that is tried before searching. Where the range is a
// whole number of steps, a window begins where an earlier one ended.
function findWindows(startMs: f64, stepMs: f64, steps: i32, rangeMs: f64): void {
  const n = kept;
  const base = ts;
  const target = windows;
  const behind = stepsBehind(startMs, stepMs, steps, rangeMs);
  let from = 0;
  let to = 0;
  let fromMove = 0;
  let toMove = 0;
  for (let i = 0; i < steps; i++) {
    const end = startMs + <f64>i * stepMs;
    const newTo = advance(base, n, to, toMove, end);
    toMove = newTo - to;
    to = newTo;
    const at = target + ((<usize>i) << 3);
    if (i >= behind) {
      from = load<i32>(at - ((<usize>behind) << 3), 4);
    } else {
      const newFrom = advance(base, n, from, fromMove, end - rangeMs);
      fromMove = newFrom - from;
      from = newFrom;
    }
    store<i64>(at, (<i64>to << 32) | <i64>from);
  }
}

/** How many steps a range is, if it is a whole number of them and all times are exact; else more than there are. */
function stepsBehind(startMs: f64, stepMs: f64, steps: i32, rangeMs: f64): i32 {
  if (!(stepMs >= 1.0) || trunc(stepMs) !== stepMs || trunc(startMs) !== startMs) return steps;
  const behind = rangeMs / stepMs;
  return behind >= 1.0 && trunc(behind) === behind && behind < <f64>steps ? <i32>behind : steps;
}

// @ts-ignore: decorator
@inline
function advance(base: usize, n: i32, at: i32, guess: i32, bound: f64): i32 {
  const there = at + guess;
  const address = base + ((<usize>there) << 3);
  if (
    there <= n &&
    (guess === 0 || load<f64>(address - 8) <= bound) &&
    (there === n || load<f64>(address) > bound)
  ) {
    return there;
  }
  return search(base, n, at, bound);
}

/** First index from `at` on whose timestamp is after `bound`: doubling steps, then halves. */
function search(base: usize, n: i32, at: i32, bound: f64): i32 {
  let step = 1;
  let low = at;
  while (low + step <= n && load<f64>(base + ((<usize>(low + step - 1)) << 3)) <= bound) {
    low += step;
    step <<= 1;
  }
  const high = min(low + step - 1, n);
  return low + firstAfter(base + ((<usize>low) << 3), high - low, bound);
}
