// rate, increase, irate and resets of series that have start times, which tell of resets that values do not show.
import { extrapolation } from './extrapolation.ts';
import { type MixedContext, type MixedSamples, type MixedValue, type MixedWindow, isReset } from './mixed-window.ts';
import { isStartReset, overlaps, pairAt, zeroPoint } from './start-time.ts';

/** rate and increase of a window's floats. */
function floatRate(w: MixedWindow, starts: ArrayLike<number>, isRate: boolean, context: MixedContext): MixedValue {
  const { ts, vs } = w.samples;
  const [from, last] = [w.f0, w.f1 - 1];
  const zeroMs = zeroPoint(starts[from], ts[from], w.startMs);
  if (last < from || (last === from && zeroMs === 0)) return null;
  let increase = vs[last] - vs[from];
  let isTold = false;
  for (let i = from + 1; i <= last; i++) {
    const pair = pairAt(ts, starts, i);
    if (!isTold && overlaps(pair)) {
      context.remarks.add('startOverlap', context.metricName);
      isTold = true;
    }
    if (vs[i] < vs[i - 1] || isStartReset(pair)) increase += vs[i - 1];
  }
  if (zeroMs !== 0) increase += vs[from];
  const level = { first: vs[from], increase };
  const of = { window: w, firstMs: ts[from], lastMs: ts[last], intervals: last - from, zeroMs, level };
  return increase * extrapolation(of, isRate);
}

/** irate of a window's floats. */
function floatInstantRate(w: MixedWindow, starts: ArrayLike<number>): MixedValue {
  const { ts, vs } = w.samples;
  const last = w.f1 - 1;
  if (last <= w.f0) return null;
  const resets = vs[last] < vs[last - 1] || isStartReset(pairAt(ts, starts, last));
  return (resets ? vs[last] : vs[last] - vs[last - 1]) / ((ts[last] - ts[last - 1]) / 1000);
}

/** resets of a window's samples of both kinds, in time order: a change of kind is one, too. */
function countResets({ samples, f0, f1, h0, h1 }: MixedWindow, starts: Starts): number {
  const { ts, vs, hts } = samples;
  let count = 0;
  let beforeMs = 0;
  let beforeStart = 0;
  let before: 'float' | 'histogram' | null = null;
  for (let f = f0, h = h0; f < f1 || h < h1; ) {
    const isFloat = h >= h1 || (f < f1 && ts[f] < hts[h]);
    const kind = isFloat ? 'float' : 'histogram';
    const nowMs = isFloat ? ts[f] : hts[h];
    const nowStart = isFloat ? starts.floats[f] : starts.histograms[h];
    const fell = (): boolean => (isFloat ? vs[f] < vs[f - 1] : isReset(samples, h));
    if (before !== null && (isStartReset({ beforeMs, beforeStart, nowMs, nowStart }) || before !== kind || fell())) {
      count++;
    }
    [beforeMs, beforeStart, before] = [nowMs, nowStart, kind];
    if (isFloat) f++;
    else h++;
  }
  return count;
}

type Starts = NonNullable<MixedSamples['starts']>;

/** The value of a window whose floats have start times; undefined: they change nothing about it. */
export function startedValue(fn: string, w: MixedWindow, starts: Starts, context: MixedContext): MixedValue {
  if (fn === 'resets') return w.f1 > w.f0 || w.h1 > w.h0 ? countResets(w, starts) : null;
  if (w.h1 > w.h0) return undefined;
  if (fn === 'irate') return floatInstantRate(w, starts.floats);
  if (fn === 'rate' || fn === 'increase') return floatRate(w, starts.floats, fn === 'rate', context);
  return undefined;
}
