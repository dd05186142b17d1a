// Anchored and smoothed selectors (experimental) over native histograms: as extended.ts does it for floats, with sums and
// differences of histograms in place of numbers.
import {
  type NativeHistogram,
  compact,
  detectReset,
  divide,
  multiply,
  usesCustomBounds,
  withHint,
} from '../../model/index.ts';
import type { LeafPlan } from '../leaf.ts';
import { countSteps } from './mixed-range.ts';
import { addWithRemarks, inTimeOrder, subtractWithRemarks } from './mixed-rate.ts';
import type { MixedContext, MixedValue, MixedWindow } from './mixed-window.ts';

/** First index in [from, to) for which the condition holds; it holds for all that follow. `to` if there is none. */
function firstWhere(from: number, to: number, holds: (i: number) => boolean): number {
  let i = from;
  while (i < to && !holds(i)) i++;
  return i;
}

/** The histogram at a time between sample `left` and the one after it. null: the two do not go together. */
function interpolated(
  { samples: { hts, hs } }: MixedWindow,
  left: number,
  timeMs: number,
  isCounter: boolean,
  context: MixedContext,
): NativeHistogram | null {
  const [a, b] = [hs[left], hs[left + 1]];
  if (timeMs === hts[left]) return a;
  if (timeMs === hts[left + 1]) return b;
  const share = (timeMs - hts[left]) / (hts[left + 1] - hts[left]);
  // After a reset the counter rose from zero.
  if (isCounter && detectReset(b, a)) return multiply(b, share);
  const difference = subtractWithRemarks(b, a, context);
  return difference === null ? null : addWithRemarks(multiply(difference, share), a, context);
}

/** Whether all samples [first, last] have the same kind of buckets; gauges under a counter function are told. */
function goTogether(
  hs: readonly NativeHistogram[],
  first: number,
  last: number,
  isCounter: boolean,
  { remarks, metricName }: MixedContext,
): boolean {
  const isCustom = usesCustomBounds(hs[first]);
  for (const h of hs.slice(first, last + 1)) {
    if (usesCustomBounds(h) !== isCustom) {
      remarks.add('mixedExponentialCustom', metricName);
      return false;
    }
    if (isCounter && h.resetHint === 'gauge') remarks.add('notCounter', metricName);
  }
  return true;
}

/** The values at the edges of the range, and the samples they rest on. */
interface Edges {
  readonly first: number;
  readonly last: number;
  readonly left: NativeHistogram;
  readonly right: NativeHistogram;
}

function edges(w: MixedWindow, smoothed: boolean, isCounter: boolean, context: MixedContext): Edges | null {
  const { hts, hs } = w.samples;
  let last = w.h1 - 1;
  const first = Math.max(w.h0, firstWhere(w.h0, last, (i) => hts[i] > w.startMs) - 1);
  if (smoothed) last = firstWhere(w.h0, last, (i) => hts[i] >= w.endMs);
  if (hts[last] <= w.startMs || (smoothed && hts[first] > w.endMs)) return null;
  if (!goTogether(hs, first, last, isCounter, context)) return null;
  const left = smoothed && hts[first] < w.startMs ? interpolated(w, first, w.startMs, isCounter, context) : hs[first];
  if (left === null) return null;
  const isBeyond = smoothed && last > w.h0 && hts[last] > w.endMs;
  const right = isBeyond ? interpolated(w, last - 1, w.endMs, isCounter, context) : hs[last];
  return right === null ? null : { first, last, left, right };
}

/** The histograms before resets between the edges. undefined: there are none; null: they cannot be added. */
function correction(
  w: MixedWindow,
  { first, last, left, right }: Edges,
  smoothed: boolean,
  context: MixedContext,
): NativeHistogram | null | undefined {
  const { hts, hs } = w.samples;
  let next = first + 1;
  let previous = left;
  // The left edge took the reset after its sample into account.
  if (smoothed && hts[first] < w.startMs && detectReset(hs[first + 1], hs[first])) {
    previous = hs[first + 1];
    next++;
  }
  // The last sample is the right edge, or what that was interpolated from.
  if (next > last) return undefined;
  let sum: NativeHistogram | undefined;
  for (const h of [...hs.slice(next, last), right]) {
    if (detectReset(h, previous)) {
      const more: NativeHistogram | null = sum === undefined ? previous : addWithRemarks(sum, previous, context);
      if (more === null) return null;
      sum = more;
    }
    previous = h;
  }
  return sum;
}

function extendedRate(w: MixedWindow, smoothed: boolean, isCounter: boolean, context: MixedContext): MixedValue {
  const found = edges(w, smoothed, isCounter, context);
  if (found === null) return null;
  const { left, right } = found;
  if (!isCounter && (left.resetHint !== 'gauge' || right.resetHint !== 'gauge')) {
    context.remarks.add('notGauge', context.metricName);
  }
  let out = subtractWithRemarks(right, left, context);
  if (out === null) return null;
  const lost = isCounter ? correction(w, found, smoothed, context) : undefined;
  if (lost === null) return null;
  if (lost !== undefined) out = addWithRemarks(out, lost, context);
  return out === null ? null : withHint(out, 'gauge');
}

/** changes() and resets() from the anchor on: the last sample of either kind at or before the range. */
function fromAnchor({ samples, f0, f1, h0, h1, startMs }: MixedWindow, isResets: boolean): MixedValue {
  const { ts, hts } = samples;
  const float = firstWhere(f0, f1, (i) => ts[i] > startMs) - 1;
  const histogram = firstWhere(h0, h1, (i) => hts[i] > startMs) - 1;
  if (float + 1 >= f1 && histogram + 1 >= h1) return null;
  const noFloat = float < f0;
  const noHistogram = histogram < h0;
  let from: [number, number] = [float + 1, histogram];
  if (noFloat && noHistogram) from = [f0, h0];
  else if (noHistogram || (!noFloat && ts[float] >= hts[histogram])) from = [float, histogram + 1];
  return countSteps(inTimeOrder(samples, from[0], f1, from[1], h1), isResets);
}

/** A smoothed instant selector: between samples, or the last one carried on. */
function smoothedInstant(w: MixedWindow, context: MixedContext): MixedValue {
  const { hts, hs } = w.samples;
  const next = firstWhere(w.h0, w.h1, (i) => hts[i] >= w.endMs);
  if (next < w.h1 && hts[next] === w.endMs) return hs[next];
  if (next === w.h0) return null;
  if (next === w.h1) return hs[next - 1];
  const isCounter = hs[next - 1].resetHint !== 'gauge' || hs[next].resetHint !== 'gauge';
  if (!goTogether(hs, next - 1, next, false, context)) return null;
  return interpolated(w, next - 1, w.endMs, isCounter, context);
}

/** The value of an extended window that may hold histograms; undefined: what its floats alone give. */
export function mixedExtendedValue(w: MixedWindow, plan: LeafPlan, context: MixedContext): MixedValue {
  if (w.h1 === w.h0) return undefined;
  const { fn } = plan;
  if (fn === 'changes' || fn === 'resets') return fromAnchor(w, fn === 'resets');
  if (w.f1 > w.f0) {
    context.remarks.add('mixedFloatsHistograms', context.metricName);
    return null;
  }
  if (plan.kind === 'instant') return smoothedInstant(w, context);
  const isCounter = fn === 'rate' || fn === 'increase';
  const out = extendedRate(w, plan.extension === 'smoothed', isCounter, context);
  if (out === null || out === undefined || typeof out === 'number') return out;
  return compact(fn === 'rate' ? divide(out, plan.windowMs / 1000) : out);
}
