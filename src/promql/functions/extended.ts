// Range selectors that look beyond their range (experimental). `anchored` takes the newest sample at or before the range's
// start as its first; `smoothed` interpolates at both edges from the samples around them, at most the lookback away.
import type { ExecKernel } from '../../kernel/index.ts';
import { isStaleAt } from '../../model/index.ts';
import type { LeafPlan } from '../leaf.ts';

/** A window's samples: [from, to) of the column, around the range (startMs, endMs]. */
interface ExtendedWindow {
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  from: number;
  to: number;
  startMs: number;
  endMs: number;
}

/** First index in [from, to) later than a time; `to` if there is none. */
function firstAfter(ts: Float64Array, from: number, to: number, timeMs: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ts[middle] > timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The value at a time between two samples. A counter that was reset between them starts from 0. */
function interpolate(w: ExtendedWindow, left: number, timeMs: number, isCounter: boolean): number {
  const { ts, vs } = w;
  const y2 = vs[left + 1];
  const y1 = isCounter && y2 < vs[left] ? 0 : vs[left];
  return y1 + ((y2 - y1) * (timeMs - ts[left])) / (ts[left + 1] - ts[left]);
}

/** The window's edges: indexes of the samples they rest on, and the values there. */
interface Edges {
  first: number;
  last: number;
  left: number;
  right: number;
}

/** null where the range has nothing to measure. */
function edges(w: ExtendedWindow, smoothed: boolean, isCounter: boolean): Edges | null {
  const { ts, vs, from, to, startMs, endMs } = w;
  let last = to - 1;
  const first = Math.max(from, firstAfter(ts, from, last, startMs) - 1);
  if (smoothed) last = firstAfter(ts, from, last, endMs - 1);
  if (ts[last] <= startMs || (smoothed && ts[first] > endMs)) return null;
  const left = smoothed && ts[first] < startMs ? interpolate(w, first, startMs, isCounter) : vs[first];
  const right = smoothed && last > from && ts[last] > endMs ? interpolate(w, last - 1, endMs, isCounter) : vs[last];
  return { first, last, left, right };
}

function extendedRate(w: ExtendedWindow, smoothed: boolean, isCounter: boolean): number | null {
  const found = edges(w, smoothed, isCounter);
  if (found === null) return null;
  let { first, last } = found;
  const { left, right } = found;
  let result = right - left;
  if (!isCounter) return result;
  if (w.ts[first] <= w.startMs) first++;
  if (w.ts[last] >= w.endMs) last--;
  let correction = 0;
  let previous = left;
  for (let i = first; i <= last; i++) {
    if (w.vs[i] < previous) correction += previous;
    previous = w.vs[i];
  }
  if (right < previous) correction += previous;
  result += correction;
  return result;
}

/** changes() and resets() from the anchor on. */
function countFromAnchor(w: ExtendedWindow, isResets: boolean): number | null {
  const { vs, from, to } = w;
  const after = firstAfter(w.ts, from, to, w.startMs);
  if (after >= to) return null;
  let count = 0;
  for (let i = Math.max(from, after - 1) + 1; i < to; i++) {
    const [before, now] = [vs[i - 1], vs[i]];
    if (isResets ? now < before : now !== before && !(Number.isNaN(now) && Number.isNaN(before))) count++;
  }
  return count;
}

/** A smoothed instant selector: between samples, or the last one carried on. */
function smoothedInstant(w: ExtendedWindow): number | null {
  const { ts, vs, from, to, endMs } = w;
  const next = firstAfter(ts, from, to, endMs - 1);
  if (next < to && ts[next] === endMs) return vs[next];
  if (next === from) return null;
  return next < to ? interpolate(w, next - 1, endMs, false) : vs[next - 1];
}

function evaluate(w: ExtendedWindow, plan: LeafPlan): number | null {
  const smoothed = plan.extension === 'smoothed';
  if (plan.kind === 'instant') return smoothedInstant(w);
  switch (plan.fn) {
    case 'changes':
    case 'resets':
      return countFromAnchor(w, plan.fn === 'resets');
    case 'rate': {
      const increase = extendedRate(w, smoothed, true);
      return increase === null ? null : increase / (plan.windowMs / 1000);
    }
    default:
      return extendedRate(w, smoothed, plan.fn === 'increase');
  }
}

/** Removes stale markers from the column in the kernel; returns what is left. */
function dropStale({ ts, vs, vsWords }: ExecKernel, n: number): number {
  let kept = 0;
  for (let i = 0; i < n; i++) {
    if (isStaleAt(vsWords, i)) continue;
    ts[kept] = ts[i];
    vs[kept++] = vs[i];
  }
  return kept;
}

/** Evaluates the column of n samples in the kernel at all steps of an extended selector; returns how many have a value. */
export function extendedRange(kernel: ExecKernel, n: number, plan: LeafPlan): number {
  const kept = dropStale(kernel, n);
  const isInstant = plan.kind === 'instant';
  const beforeMs = isInstant ? 0 : plan.lookbackMs;
  const afterMs = plan.extension === 'smoothed' ? plan.lookbackMs : 0;
  const w: ExtendedWindow = { ts: kernel.ts, vs: kernel.vs, from: 0, to: 0, startMs: 0, endMs: 0 };
  let found = 0;
  for (let i = 0; i < plan.steps; i++) {
    w.endMs = plan.startMs + i * plan.stepMs;
    w.startMs = w.endMs - plan.windowMs;
    while (w.to < kept && w.ts[w.to] <= w.endMs + afterMs) w.to++;
    while (w.from < w.to && w.ts[w.from] <= w.startMs - beforeMs) w.from++;
    const value = w.from < w.to ? evaluate(w, plan) : null;
    kernel.present[i] = value === null ? 0 : 1;
    if (value === null) continue;
    kernel.out[i] = value;
    found++;
  }
  return found;
}

/** The samples an extended range selector shows as a query of its own: the range, with values at both edges. */
export function extendedSamples(kernel: ExecKernel, n: number, plan: LeafPlan): [timeMs: number, value: number][] {
  const kept = dropStale(kernel, n);
  if (kept === 0) return [];
  const endMs = plan.startMs;
  const startMs = endMs - plan.windowMs;
  const w: ExtendedWindow = { ts: kernel.ts, vs: kernel.vs, from: 0, to: kept, startMs, endMs };
  const found = edges(w, plan.extension === 'smoothed', false);
  if (found === null) return [];
  const out: [number, number][] = [[startMs, found.left]];
  for (let i = found.first; i <= found.last; i++) {
    if (w.ts[i] > startMs && w.ts[i] < endMs) out.push([w.ts[i], w.vs[i]]);
  }
  out.push([endMs, found.right]);
  return out;
}
