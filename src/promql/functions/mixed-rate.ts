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
import { type MixedContext, type MixedSamples, type MixedValue, type MixedWindow, isReset } from './mixed-window.ts';

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
  const { hts, hs } = w.samples;
  const [from, last] = [w.h0, w.h1 - 1];
  if (last - from < 1) return null;
  const increase = histogramIncrease(w.samples, from, w.h1, isCounter, context);
  if (increase === null) return null;
  let toStart = seconds(hts[from] - w.startMs);
  let toEnd = seconds(w.endMs - hts[last]);
  const sampled = seconds(hts[last] - hts[from]);
  const average = sampled / (last - from);
  const threshold = average * 1.1;
  if (toStart >= threshold) toStart = average / 2;
  if (isCounter && increase.count > 0 && hs[from].count >= 0) {
    const toZero = sampled * (hs[from].count / increase.count);
    if (toZero < toStart) toStart = toZero;
  }
  if (toEnd >= threshold) toEnd = average / 2;
  let factor = (sampled + toStart + toEnd) / sampled;
  if (isRate) factor /= seconds(w.endMs - w.startMs);
  return multiply(increase, factor);
}

interface Point {
  readonly timeMs: number;
  readonly value: number | NativeHistogram;
}

/** The last samples of a window, floats and histograms, in time order. */
function lastTwo({ samples, f0, f1, h0, h1 }: MixedWindow): Point[] {
  const points: Point[] = [];
  for (let i = Math.max(f0, f1 - 2); i < f1; i++) points.push({ timeMs: samples.ts[i], value: samples.vs[i] });
  for (let i = Math.max(h0, h1 - 2); i < h1; i++) points.push({ timeMs: samples.hts[i], value: samples.hs[i] });
  return points.sort((a, b) => a.timeMs - b.timeMs).slice(-2);
}

/** irate, idelta. */
export function mixedInstantDelta(w: MixedWindow, isRate: boolean, context: MixedContext): MixedValue {
  const [before, after] = lastTwo(w);
  if (after === undefined) return null;
  const [a, b] = [before.value, after.value];
  const intervalSeconds = seconds(after.timeMs - before.timeMs);
  if (typeof a === 'number' && typeof b === 'number') {
    const difference = isRate && b < a ? b : b - a;
    return isRate ? difference / intervalSeconds : difference;
  }
  if (typeof a === 'number' || typeof b === 'number') {
    context.remarks.add('mixedFloatsHistograms', context.metricName);
    return null;
  }
  const areGauges = [a, b].map(({ resetHint }) => resetHint === 'gauge');
  if (isRate && areGauges.includes(true)) context.remarks.add('notCounter', context.metricName);
  if (!isRate && areGauges.includes(false)) context.remarks.add('notGauge', context.metricName);
  const out = isRate && detectReset(b, a) ? b : subtractWithRemarks(b, a, context);
  if (out === null) return null;
  const compacted = compact(withHint(out, 'gauge'));
  return isRate ? divide(compacted, intervalSeconds) : compacted;
}

/** Every sample of a window from the given ones on, in time order. */
export function* inTimeOrder(
  { ts, vs, hts, hs }: Omit<MixedSamples, 'resets'>,
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
