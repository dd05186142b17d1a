// Functions that pick samples or count them, and instant selection.

import { firstAfter, kept, marks, out, present, ts, tsInput, vs, vsInput, windows } from './column';

const STALE: i64 = 0x7ff0000000000002;

/** Window functions of this file. */
export const LAST: i32 = 0;
export const FIRST: i32 = 1;
export const COUNT: i32 = 2;
export const PRESENT: i32 = 3;
export const TS_FIRST: i32 = 4;
export const TS_LAST: i32 = 5;
export const MARKS: i32 = 6;

/** One value per window with a sample. */
// @ts-ignore: decorator
@inline
export function pick(steps: i32, what: i32): i32 {
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const at = windows + ((<usize>i) << 3);
    const from = load<i32>(at);
    const to = load<i32>(at, 4);
    const has = from < to;
    store<u8>(present + <usize>i, has);
    if (!has) continue;
    found++;
    const target = out + ((<usize>i) << 3);
    if (what === LAST) store<i64>(target, load<i64>(vs + ((<usize>(to - 1)) << 3)));
    else if (what === FIRST) store<i64>(target, load<i64>(vs + ((<usize>from) << 3)));
    else if (what === COUNT) store<f64>(target, <f64>(to - from));
    else if (what === PRESENT) store<f64>(target, 1.0);
    else if (what === TS_FIRST) store<f64>(target, load<f64>(ts + ((<usize>from) << 3)) / 1000.0);
    else if (what === TS_LAST) store<f64>(target, load<f64>(ts + ((<usize>(to - 1)) << 3)) / 1000.0);
    else store<f64>(target, <f64>(markAt(to - 1) - markAt(from)));
  }
  return found;
}

// @ts-ignore: decorator
@inline
function markAt(i: i32): i32 {
  return load<i32>(marks + ((<usize>i) << 2));
}

/** Running count of changes or resets up to each sample, so that a window's is a difference. */
export function countMarks(resetsOnly: bool): void {
  if (kept === 0) return;
  store<u32>(marks, 0);
  let marked = 0;
  let before = load<f64>(vs);
  for (let i = 1; i < kept; i++) {
    const after = load<f64>(vs + ((<usize>i) << 3));
    if (resetsOnly) marked += <i32>(after < before);
    else marked += <i32>(after !== before && (after === after || before === before));
    store<u32>(marks + ((<usize>i) << 2), marked);
    before = after;
  }
}

/** irate and idelta: from the window's last two samples. */
export function instantDelta(steps: i32, isRate: bool): i32 {
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const at = windows + ((<usize>i) << 3);
    const from = load<i32>(at);
    const to = load<i32>(at, 4);
    store<u8>(present + <usize>i, 0);
    if (to - from < 2) continue;
    const last = (<usize>(to - 1)) << 3;
    const intervalMs = load<f64>(ts + last) - load<f64>(ts + last - 8);
    if (intervalMs === 0.0) continue;
    const value = load<f64>(vs + last);
    const before = load<f64>(vs + last - 8);
    let result = isRate && value < before ? value : value - before;
    if (isRate) result /= intervalMs / 1000.0;
    store<u8>(present + <usize>i, 1);
    store<f64>(out + ((<usize>i) << 3), result);
    found++;
  }
  return found;
}

/** The newest sample in (t - lookbackMs, t] unless it is a stale marker. Reads the column as it was given. */
export function newest(n: i32, startMs: f64, stepMs: f64, steps: i32, lookbackMs: f64, timestamps: bool): i32 {
  let found = 0;
  let next = firstAfter(tsInput, n, startMs);
  let move = 0;
  for (let i = 0; i < steps; i++) {
    const t = startMs + <f64>i * stepMs;
    const before = next;
    next = min(next + move, n);
    if (next > before && load<f64>(tsInput + ((<usize>(next - 1)) << 3)) > t) next = before;
    while (next < n && load<f64>(tsInput + ((<usize>next) << 3)) <= t) next++;
    move = next - before;
    store<u8>(present + <usize>i, 0);
    if (next === 0) continue;
    const at = (<usize>(next - 1)) << 3;
    const sampleT = load<f64>(tsInput + at);
    const bits = load<i64>(vsInput + at);
    if (!(sampleT > t - lookbackMs) || bits === STALE) continue;
    if (timestamps) store<f64>(out + ((<usize>i) << 3), sampleT / 1000.0);
    else store<i64>(out + ((<usize>i) << 3), bits);
    store<u8>(present + <usize>i, 1);
    found++;
  }
  return found;
}
