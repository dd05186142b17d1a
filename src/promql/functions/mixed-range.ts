// Range functions over windows that hold native histograms.
import type { RangeFunction } from '../../kernel/index.ts';
import {
  HistogramAccumulator,
  HistogramAverage,
  type NativeHistogram,
  detectReset,
  equalHistograms,
} from '../../model/index.ts';
import { inTimeOrder, mixedInstantDelta, mixedRate } from './mixed-rate.ts';
import { type MixedContext, type MixedValue, type MixedWindow, isReset } from './mixed-window.ts';
import { startedValue } from './started-range.ts';

type MixedFunction = (w: MixedWindow, context: MixedContext) => MixedValue;

/** Functions of floats: histograms beside them are ignored, with an info; histograms alone give nothing. */
function ignoring(floatsMin: number): MixedFunction {
  return (w, { remarks, metricName }) => {
    const floats = w.f1 - w.f0;
    if (floats > 0) remarks.add('ignoredInMixedRange', metricName);
    return floats < floatsMin ? null : undefined;
  };
}

const FLOATS_ONLY = ignoring(1);
const TWO_FLOATS = ignoring(2);

/** sum_over_time and avg_over_time: floats or histograms, not both. */
function summed(
  begin: (first: NativeHistogram) => { add: HistogramAccumulator['add']; total: () => NativeHistogram },
): MixedFunction {
  return (w, { remarks, metricName }) => {
    if (w.f1 > w.f0) {
      remarks.add('mixedFloatsHistograms', metricName);
      return null;
    }
    const { hs } = w.samples;
    const sum = begin(hs[w.h0]);
    const hints = new Set([hs[w.h0].resetHint]);
    let reconciled = false;
    for (let i = w.h0 + 1; i < w.h1; i++) {
      hints.add(hs[i].resetHint);
      const outcome = sum.add(hs[i]);
      if (outcome === null) {
        remarks.add('mixedExponentialCustom', metricName);
        return null;
      }
      reconciled ||= outcome.reconciled;
    }
    if (hints.has('reset') && hints.has('not_reset')) remarks.add('resetCollision', 'aggregation');
    if (reconciled) remarks.add('boundsReconciled', 'aggregation');
    return sum.total();
  };
}

/** changes() and resets() of the samples in time order. A change of kind counts as one. */
export function countSteps(sequence: Iterable<number | NativeHistogram>, isResets: boolean): number {
  let count = 0;
  let previous: number | NativeHistogram | null = null;
  for (const value of sequence) {
    if (previous !== null && isStep(previous, value, isResets)) count++;
    previous = value;
  }
  return count;
}

function isStep(before: number | NativeHistogram, now: number | NativeHistogram, isResets: boolean): boolean {
  if (typeof before === 'number' && typeof now === 'number') {
    return isResets ? now < before : now !== before && !(Number.isNaN(now) && Number.isNaN(before));
  }
  if (typeof before === 'number' || typeof now === 'number') return true;
  return isResets ? detectReset(now, before) : !equalHistograms(now, before);
}

const steps =
  (isResets: boolean): MixedFunction =>
  ({ samples, f0, f1, h0, h1 }) => {
    if (!isResets || f1 > f0) return countSteps(inTimeOrder(samples, f0, f1, h0, h1), isResets);
    let count = 0;
    for (let i = h0 + 1; i < h1; i++) if (isReset(samples, i)) count++;
    return count;
  };

/** Time of the first or last float of a window, or an end of the world. */
const edge = (ts: ArrayLike<number>, from: number, to: number, isFirst: boolean): number =>
  from === to ? (isFirst ? Infinity : -Infinity) : ts[isFirst ? from : to - 1];

const MIXED_FUNCTIONS: Record<RangeFunction, MixedFunction> = {
  last_over_time: ({ samples, f0, f1, h1 }) =>
    edge(samples.ts, f0, f1, false) > samples.hts[h1 - 1] ? undefined : samples.hs[h1 - 1],
  first_over_time: ({ samples, f0, f1, h0 }) =>
    edge(samples.ts, f0, f1, true) < samples.hts[h0] ? undefined : samples.hs[h0],
  sum_over_time: summed((first) => new HistogramAccumulator(first)),
  avg_over_time: summed((first) => new HistogramAverage(first)),
  min_over_time: FLOATS_ONLY,
  max_over_time: FLOATS_ONLY,
  count_over_time: ({ f0, f1, h0, h1 }) => f1 - f0 + h1 - h0,
  present_over_time: () => 1,
  stddev_over_time: FLOATS_ONLY,
  stdvar_over_time: FLOATS_ONLY,
  quantile_over_time: FLOATS_ONLY,
  mad_over_time: FLOATS_ONLY,
  rate: (w, context) => mixedRate(w, true, true, context),
  increase: (w, context) => mixedRate(w, true, false, context),
  delta: (w, context) => mixedRate(w, false, false, context),
  irate: (w, context) => mixedInstantDelta(w, true, context),
  idelta: (w, context) => mixedInstantDelta(w, false, context),
  deriv: TWO_FLOATS,
  predict_linear: TWO_FLOATS,
  changes: steps(false),
  resets: steps(true),
  double_exponential_smoothing: TWO_FLOATS,
  ts_of_first_over_time: ({ samples, f0, f1, h0 }) => Math.min(edge(samples.ts, f0, f1, true), samples.hts[h0]) / 1000,
  ts_of_last_over_time: ({ samples, f0, f1, h1 }) =>
    Math.max(edge(samples.ts, f0, f1, false), samples.hts[h1 - 1]) / 1000,
  ts_of_max_over_time: FLOATS_ONLY,
  ts_of_min_over_time: FLOATS_ONLY,
};

/** The value of a window; undefined: what its floats alone give. */
export function mixedValue(fn: RangeFunction, w: MixedWindow, context: MixedContext): MixedValue {
  const { starts } = w.samples;
  const started = starts === null ? undefined : startedValue(fn, w, starts, context);
  if (started !== undefined) return started;
  return w.h1 === w.h0 ? undefined : MIXED_FUNCTIONS[fn](w, context);
}
