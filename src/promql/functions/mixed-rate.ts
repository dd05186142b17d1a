// rate, increase, delta, irate and idelta over native histograms, with Prometheus' annotations.
import {
  type NativeHistogram,
  addHistograms,
  compact,
  detectReset,
  divide,
  multiply,
  newHistogram,
  subtractHistograms,
  toSchema,
  usesCustomBounds,
  withHint,
} from '../../model/index.ts';
import { Remarks } from '../annotations.ts';
import { extrapolation } from './extrapolation.ts';
import { type MixedContext, type MixedSamples, type MixedValue, type MixedWindow, isReset } from './mixed-window.ts';
import { isStartReset, overlaps, pairAt, zeroPoint } from './start-time.ts';

/** a + b; null (with a remark) where they cannot be added. */
export function addWithRemarks(a: NativeHistogram, b: NativeHistogram, context: MixedContext): NativeHistogram | null {
  const sum = addHistograms(a, b);
  if (sum === null) context.remarks.add('mixedExponentialCustom', context.metricName);
  if (sum?.reconciled) context.remarks.add('boundsReconciled', 'addition');
  return sum?.histogram ?? null;
}

/** a - b, likewise. */
export function subtractWithRemarks(
  a: NativeHistogram,
  b: NativeHistogram,
  context: MixedContext,
): NativeHistogram | null {
  const difference = subtractHistograms(a, b);
  if (difference === null) context.remarks.add('mixedExponentialCustom', context.metricName);
  if (difference?.reconciled) context.remarks.add('boundsReconciled', 'subtraction');
  return difference?.histogram ?? null;
}

/** How far histograms [from, to) rose, counter resets made up for. null: they do not go together. */
function histogramIncrease(
  samples: MixedSamples,
  from: number,
  to: number,
  isCounter: boolean,
  { remarks, metricName }: MixedContext,
): NativeHistogram | null {
  const own = new Remarks();
  const out = increaseOf(samples, from, to, isCounter, { remarks: own, metricName });
  // As Prometheus: kinds of buckets that do not go together are all that is said of such a window.
  const mixed = own.list().filter(([kind]) => kind === 'mixedExponentialCustom');
  const { hs } = samples;
  const mixesAtEnds = usesCustomBounds(hs[from]) !== usesCustomBounds(hs[to - 1]);
  remarks.addAll(out === null && mixed.length > 0 && !mixesAtEnds ? mixed : own.list());
  return out;
}

/** Tells of gauges among the histograms, and whether all have the same kind of buckets. */
function checkCounters(
  hs: readonly NativeHistogram[],
  from: number,
  to: number,
  isCustom: boolean,
  { remarks, metricName }: MixedContext,
): boolean {
  for (let i = from; i < to; i++) {
    if (hs[i].resetHint === 'gauge') remarks.add('notCounter', metricName);
    if (usesCustomBounds(hs[i]) === isCustom) continue;
    remarks.add('mixedExponentialCustom', metricName);
    return false;
  }
  return true;
}

/** Whether a histogram of [from, to) claims time that the one before it counted, too. */
function overlapsWithin({ hts, starts }: MixedSamples, from: number, to: number): boolean {
  if (starts === null) return false;
  for (let i = from + 1; i < to; i++) if (overlaps(pairAt(hts, starts.histograms, i))) return true;
  return false;
}

function increaseOf(
  samples: MixedSamples,
  from: number,
  to: number,
  isCounter: boolean,
  context: MixedContext,
): NativeHistogram | null {
  const { remarks, metricName } = context;
  const { hs } = samples;
  const last = hs[to - 1];
  let first = hs[from];
  if (isCounter && (first.resetHint === 'gauge' || last.resetHint === 'gauge')) remarks.add('notCounter', metricName);
  // Where the second sample follows a reset, the first one counts for nothing, whatever its buckets.
  const startsAnew = isCounter && isReset(samples, from + 1);
  if (startsAnew) first = newHistogram({ schema: hs[from + 1].schema, customBounds: hs[from + 1].customBounds });
  const isCustom = usesCustomBounds(first);
  if (usesCustomBounds(last) !== isCustom) {
    remarks.add('mixedExponentialCustom', metricName);
    return null;
  }
  if (isCounter && !checkCounters(hs, from + 1, to - 1, isCustom, context)) return null;
  let schema = Math.min(first.schema, last.schema);
  for (let i = from + 1; isCounter && i < to - 1; i++) schema = Math.min(schema, hs[i].schema);
  let out = subtractWithRemarks(toSchema(last, schema), first, context);
  if (isCounter && out !== null && overlapsWithin(samples, from, to)) remarks.add('startOverlap', metricName);
  for (let i = from + 1; isCounter && out !== null && i < to; i++) {
    if (i === from + 1 && startsAnew) continue;
    if (isReset(samples, i)) out = addWithRemarks(out, hs[i - 1], context);
  }
  if (!isCounter && (hs[from].resetHint !== 'gauge' || last.resetHint !== 'gauge')) {
    remarks.add('notGauge', metricName);
  }
  return out === null ? null : compact(withHint(out, 'gauge'));
}

const seconds = (ms: number): number => ms / 1000;

/** rate, increase, delta: the increase between the samples, extrapolated to the range. */
export function mixedRate(w: MixedWindow, isCounter: boolean, isRate: boolean, context: MixedContext): MixedValue {
  if (w.f1 > w.f0) {
    context.remarks.add('mixedFloatsHistograms', context.metricName);
    return null;
  }
  const { hts, hs, starts } = w.samples;
  const [from, last] = [w.h0, w.h1 - 1];
  const zeroMs = isCounter && starts !== null ? zeroPoint(starts.histograms[from], hts[from], w.startMs) : 0;
  if (last === from && zeroMs === 0) return null;
  let increase = last === from ? hs[from] : histogramIncrease(w.samples, from, w.h1, isCounter, context);
  if (increase !== null && zeroMs !== 0 && last > from) increase = addWithRemarks(increase, hs[from], context);
  if (increase === null) return null;
  const level = isCounter ? { first: hs[from].count, increase: increase.count } : null;
  const of = { window: w, firstMs: hts[from], lastMs: hts[last], intervals: last - from, zeroMs, level };
  return multiply(increase, extrapolation(of, isRate));
}

interface Point {
  readonly timeMs: number;
  /** 0: none. */
  readonly start: number;
  readonly value: number | NativeHistogram;
}

/** The last samples of a window, floats and histograms, in time order. */
function lastTwo({ samples, f0, f1, h0, h1 }: MixedWindow): Point[] {
  const points: Point[] = [];
  for (let i = Math.max(f0, f1 - 2); i < f1; i++) {
    points.push({ timeMs: samples.ts[i], start: samples.starts?.floats[i] ?? 0, value: samples.vs[i] });
  }
  for (let i = Math.max(h0, h1 - 2); i < h1; i++) {
    points.push({ timeMs: samples.hts[i], start: samples.starts?.histograms[i] ?? 0, value: samples.hs[i] });
  }
  return points.sort((a, b) => a.timeMs - b.timeMs).slice(-2);
}

/** irate, idelta. */
export function mixedInstantDelta(w: MixedWindow, isRate: boolean, context: MixedContext): MixedValue {
  const [before, after] = lastTwo(w);
  if (after === undefined) return null;
  const [a, b] = [before.value, after.value];
  const intervalSeconds = seconds(after.timeMs - before.timeMs);
  const pair = { beforeMs: before.timeMs, beforeStart: before.start, nowMs: after.timeMs, nowStart: after.start };
  const startsAnew = isRate && isStartReset(pair);
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = startsAnew || (isRate && b < a) ? b : b - a;
    return isRate ? difference / intervalSeconds : difference;
  }
  if (typeof a === 'number' || typeof b === 'number') {
    context.remarks.add('mixedFloatsHistograms', context.metricName);
    return null;
  }
  const areGauges = [a, b].map(({ resetHint }) => resetHint === 'gauge');
  if (isRate && areGauges.includes(true)) context.remarks.add('notCounter', context.metricName);
  if (!isRate && areGauges.includes(false)) context.remarks.add('notGauge', context.metricName);
  const out = startsAnew || (isRate && detectReset(b, a)) ? b : subtractWithRemarks(b, a, context);
  if (out === null) return null;
  const compacted = compact(withHint(out, 'gauge'));
  return isRate ? divide(compacted, intervalSeconds) : compacted;
}

/** Every sample of a window from the given ones on, in time order. */
export function* inTimeOrder(
  { ts, vs, hts, hs }: Pick<MixedSamples, 'ts' | 'vs' | 'hts' | 'hs'>,
  f0: number,
  f1: number,
  h0: number,
  h1: number,
): Generator<number | NativeHistogram> {
  for (let f = f0, h = h0; f < f1 || h < h1; ) {
    if (h >= h1 || (f < f1 && ts[f] < hts[h])) yield vs[f++];
    else yield hs[h++];
  }
}
