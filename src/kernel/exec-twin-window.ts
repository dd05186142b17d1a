// The range functions, one window at a time: samples [from, to) of a column without stale markers. This is the
// specification the WebAssembly kernel is compared with, so it is written for reading: operation by operation what
// Prometheus 3.14 does (promql/functions.go) with the floats of one series.

import { RANGE_FUNCTIONS, type RangeFunction } from './exec-kernel.ts';
import { KahanSum, isInfinite } from './kahan.ts';

/** One window and what the functions need besides. A function sets `value` and says whether there is one. */
export interface Window {
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  from: number;
  to: number;
  /** The window is (endMs - rangeMs, endMs]. */
  endMs: number;
  readonly rangeMs: number;
  readonly parameter: number;
  readonly parameter2: number;
  /** For `changes` and `resets`: how many there are before sample i, counted from the column's start. */
  readonly marks: Uint32Array;
  /** Room for sorting one window. */
  readonly scratch: Float64Array;
  value: number;
}

type WindowFunction = (w: Window) => boolean;

/** Go's Duration.Seconds(): whole seconds plus the rest, which is not always ms / 1000. */
export function durationSeconds(ms: number): number {
  const rest = ms % 1000;
  return (ms - rest) / 1000 + (rest * 1e6) / 1e9;
}

const sumA = new KahanSum();
const sumB = new KahanSum();
const sumC = new KahanSum();
const sumD = new KahanSum();

function sum(w: Window): number {
  sumA.set(0, 0);
  for (let i = w.from; i < w.to; i++) sumA.add(w.vs[i]);
  return isInfinite(sumA.sum) ? sumA.sum : sumA.sum + sumA.c;
}

/** Sum divided by count, until the sum would overflow: from there on the incremental mean. */
function average(w: Window): number {
  sumA.set(w.vs[w.from], 0);
  let incremental = false;
  let count = 1;
  for (let i = w.from + 1; i < w.to; i++) {
    count++;
    const x = w.vs[i];
    if (!incremental) {
      const { sum: before, c } = sumA;
      sumA.add(x);
      if (!isInfinite(sumA.sum)) continue;
      incremental = true;
      sumA.set(before / (count - 1), c / (count - 1));
    }
    const q = (count - 1) / count;
    sumA.set(q * sumA.sum, q * sumA.c);
    sumA.add(x / count);
  }
  return incremental ? sumA.sum + sumA.c : sumA.sum / count + sumA.c / count;
}

function variance(w: Window): number {
  const mean = sumA;
  const aux = sumB;
  mean.set(0, 0);
  aux.set(0, 0);
  let count = 0;
  for (let i = w.from; i < w.to; i++) {
    const x = w.vs[i];
    count++;
    const delta = x - (mean.sum + mean.c);
    mean.add(delta / count);
    aux.add(delta * (x - (mean.sum + mean.c)));
  }
  return (aux.sum + aux.c) / count;
}

/** Index of the greatest sample; NaN gives way to anything. The first of equals, or with `latest` the last. */
function indexOfMax(w: Window, latest: boolean): number {
  let best = w.from;
  for (let i = w.from; i < w.to; i++) {
    const max = w.vs[best];
    if (w.vs[i] > max || (latest && w.vs[i] === max) || Number.isNaN(max)) best = i;
  }
  return best;
}

function indexOfMin(w: Window, latest: boolean): number {
  let best = w.from;
  for (let i = w.from; i < w.to; i++) {
    const min = w.vs[best];
    if (w.vs[i] < min || (latest && w.vs[i] === min) || Number.isNaN(min)) best = i;
  }
  return best;
}

/** The q-quantile of `values`, which it sorts: NaN is below everything, -0 below +0. */
export function quantile(q: number, values: Float64Array): number {
  const n = values.length;
  if (n === 0 || Number.isNaN(q)) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  values.sort();
  let nans = 0;
  while (nans < n && Number.isNaN(values[n - 1 - nans])) nans++;
  const at = (i: number): number => (i < nans ? NaN : values[i - nans]);
  const rank = q * (n - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(n - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return at(lower) * (1 - weight) + at(upper) * weight;
}

function windowQuantile(w: Window, q: number): number {
  const values = w.scratch.subarray(0, w.to - w.from);
  values.set(w.vs.subarray(w.from, w.to));
  return quantile(q, values);
}

function medianAbsoluteDeviation(w: Window): number {
  for (let i = w.from; i < w.to; i++) if (Number.isNaN(w.vs[i])) return Number.NaN;
  const median = windowQuantile(w, 0.5);
  const values = w.scratch.subarray(0, w.to - w.from);
  for (let i = w.from; i < w.to; i++) values[i - w.from] = Math.abs(w.vs[i] - median);
  return quantile(0.5, values);
}

/** rate, increase, delta: the difference over the window, extrapolated towards its edges where samples are near them. */
function extrapolated(w: Window, isCounter: boolean, isRate: boolean): boolean {
  const { ts, vs, from } = w;
  const last = w.to - 1;
  if (last - from < 1) return false;
  let result = vs[last] - vs[from];
  if (isCounter) for (let i = from + 1; i <= last; i++) if (vs[i] < vs[i - 1]) result += vs[i - 1];

  let durationToStart = (ts[from] - (w.endMs - w.rangeMs)) / 1000;
  let durationToEnd = (w.endMs - ts[last]) / 1000;
  const sampledInterval = (ts[last] - ts[from]) / 1000;
  const averageInterval = sampledInterval / (last - from);
  const threshold = averageInterval * 1.1;
  if (durationToStart >= threshold) durationToStart = averageInterval / 2;
  if (isCounter && result > 0 && vs[from] >= 0) {
    const durationToZero = sampledInterval * (vs[from] / result);
    if (durationToZero < durationToStart) durationToStart = durationToZero;
  }
  if (durationToEnd >= threshold) durationToEnd = averageInterval / 2;
  let factor = (sampledInterval + durationToStart + durationToEnd) / sampledInterval;
  if (isRate) factor /= durationSeconds(w.rangeMs);
  w.value = result * factor;
  return true;
}

/** irate, idelta: from the last two samples. */
function instantDelta(w: Window, isRate: boolean): boolean {
  const last = w.to - 1;
  if (last - w.from < 1) return false;
  const intervalMs = w.ts[last] - w.ts[last - 1];
  if (intervalMs === 0) return false;
  const reset = isRate && w.vs[last] < w.vs[last - 1];
  w.value = reset ? w.vs[last] : w.vs[last] - w.vs[last - 1];
  if (isRate) w.value /= intervalMs / 1000;
  return true;
}

let slope = 0;
let intercept = 0;

/** Least squares over the window into `slope` and `intercept` (the line's value at `atMs`). */
function linearRegression(w: Window, atMs: number): void {
  const sums = [sumA, sumB, sumC, sumD];
  for (const s of sums) s.set(0, 0);
  const firstY = w.vs[w.from];
  let constant = true;
  for (let i = w.from; i < w.to; i++) {
    const y = w.vs[i];
    if (i > w.from && y !== firstY) constant = false;
    const x = (w.ts[i] - atMs) / 1e3;
    sumA.add(x);
    sumB.add(y);
    sumC.add(x * y);
    sumD.add(x * x);
  }
  if (constant) {
    slope = isInfinite(firstY) ? NaN : 0;
    intercept = isInfinite(firstY) ? NaN : firstY;
    return;
  }
  const n = w.to - w.from;
  const [x, y, xy, x2] = sums.map((s) => s.sum + s.c);
  const covariance = xy - (x * y) / n;
  const varianceX = x2 - (x * x) / n;
  slope = covariance / varianceX;
  intercept = y / n - (slope * x) / n;
}

/** Holt's linear method: `parameter` smooths the level, `parameter2` the trend. */
function doubleExponentialSmoothing(w: Window): boolean {
  if (w.to - w.from < 2) return false;
  const { vs, from, parameter: sf, parameter2: tf } = w;
  let previous = 0;
  let smoothed = vs[from];
  let trend = vs[from + 1] - vs[from];
  for (let i = from + 1; i < w.to; i++) {
    const x = sf * vs[i];
    if (i > from + 1) trend = tf * (smoothed - previous) + (1 - tf) * trend;
    const y = (1 - sf) * (smoothed + trend);
    previous = smoothed;
    smoothed = x + y;
  }
  w.value = smoothed;
  return true;
}

function deriv(w: Window): boolean {
  if (w.to - w.from < 2) return false;
  linearRegression(w, w.ts[w.from]);
  w.value = slope;
  return true;
}

/** `parameter` seconds past the evaluation time, which is `parameter2` ms past the window's end (its offset). */
function predictLinear(w: Window): boolean {
  if (w.to - w.from < 2) return false;
  linearRegression(w, w.endMs + w.parameter2);
  w.value = slope * w.parameter + intercept;
  return true;
}

/** A function that has a value wherever the window has a sample. */
function always(f: (w: Window) => number): WindowFunction {
  return (w) => {
    w.value = f(w);
    return true;
  };
}

const marksWithin = (w: Window): number => w.marks[w.to - 1] - w.marks[w.from];

export const WINDOW_FUNCTIONS: Record<RangeFunction, WindowFunction> = {
  last_over_time: always((w) => w.vs[w.to - 1]),
  first_over_time: always((w) => w.vs[w.from]),
  sum_over_time: always(sum),
  avg_over_time: always(average),
  min_over_time: always((w) => w.vs[indexOfMin(w, false)]),
  max_over_time: always((w) => w.vs[indexOfMax(w, false)]),
  count_over_time: always((w) => w.to - w.from),
  present_over_time: always(() => 1),
  stddev_over_time: always((w) => Math.sqrt(variance(w))),
  stdvar_over_time: always(variance),
  quantile_over_time: always((w) => windowQuantile(w, w.parameter)),
  mad_over_time: always(medianAbsoluteDeviation),
  rate: (w) => extrapolated(w, true, true),
  increase: (w) => extrapolated(w, true, false),
  delta: (w) => extrapolated(w, false, false),
  irate: (w) => instantDelta(w, true),
  idelta: (w) => instantDelta(w, false),
  deriv,
  predict_linear: predictLinear,
  changes: always(marksWithin),
  resets: always(marksWithin),
  double_exponential_smoothing: doubleExponentialSmoothing,
  ts_of_first_over_time: always((w) => w.ts[w.from] / 1000),
  ts_of_last_over_time: always((w) => w.ts[w.to - 1] / 1000),
  ts_of_max_over_time: always((w) => w.ts[indexOfMax(w, true)] / 1000),
  ts_of_min_over_time: always((w) => w.ts[indexOfMin(w, true)] / 1000),
};

/** Whether the step from `before` to `after` is one that `changes` or `resets` counts; null for other functions. */
export function markRule(fn: RangeFunction): ((before: number, after: number) => boolean) | null {
  if (fn === 'resets') return (before, after) => after < before;
  if (fn === 'changes') {
    return (before, after) => after !== before && !(Number.isNaN(after) && Number.isNaN(before));
  }
  return null;
}

/** Whether the kernels evaluate a function of this name. */
export function isRangeFunction(name: string): name is RangeFunction {
  return (RANGE_FUNCTIONS as readonly string[]).includes(name);
}
