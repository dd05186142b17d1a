// Windows over series that have native histograms. Floats and histograms are kept apart, each in time order: functions of
// floats go to the kernel as ever, what histograms change about it is worked out here, window by window.
import { type NativeHistogram, detectReset, withHint } from '../../model/index.ts';
import type { Remarks } from '../annotations.ts';
import { isStartReset, pairAt } from './start-time.ts';

/** The samples of one series, without stale markers. */
export interface MixedSamples {
  /** Floats. */
  readonly ts: ArrayLike<number>;
  readonly vs: ArrayLike<number>;
  /** Histograms. */
  readonly hts: readonly number[];
  readonly hs: readonly NativeHistogram[];
  /** Of each histogram, whether it follows a reset after the one before: 1, 0, or -1 if nobody asked yet. */
  readonly resets: Int8Array;
  /** Start times of both, where they are asked for and there are some. */
  readonly starts: { readonly floats: readonly number[]; readonly histograms: readonly number[] } | null;
}

/** Room for what isReset() finds out. */
export const unknownResets = (histograms: readonly NativeHistogram[]): Int8Array =>
  new Int8Array(histograms.length).fill(-1);

/** Whether histogram i > 0 follows a counter reset. Windows overlap: it is worked out once. */
export function isReset({ hts, hs, resets, starts }: MixedSamples, i: number): boolean {
  if (resets[i] < 0) {
    const isStart = starts !== null && isStartReset(pairAt(hts, starts.histograms, i));
    resets[i] = isStart || detectReset(hs[i], hs[i - 1]) ? 1 : 0;
  }
  return resets[i] === 1;
}

/** Floats [f0, f1) and histograms [h0, h1) of the samples, for the range (startMs, endMs]. */
export interface MixedWindow {
  readonly samples: MixedSamples;
  f0: number;
  f1: number;
  h0: number;
  h1: number;
  startMs: number;
  endMs: number;
}

/** What a function finds out beside its value. */
export interface MixedContext {
  readonly remarks: Remarks;
  /** Of the series. */
  readonly metricName: string;
}

/** A value, null for none, or undefined: what the floats alone give. */
export type MixedValue = number | NativeHistogram | null | undefined;

/** A step vector that may hold histograms: presence 2, and the histogram at the same place. */
export interface MixedRow {
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly histograms: (NativeHistogram | null)[];
}

/** Puts a value into a row that has the floats' values already. */
export function putValue(row: MixedRow, i: number, value: MixedValue): void {
  if (value === undefined) return;
  row.present[i] = value === null ? 0 : typeof value === 'number' ? 1 : 2;
  if (typeof value === 'number') row.values[i] = value;
  else row.histograms[i] = value;
}

/** Calls `visit` for every step with its window: the range, and so much before its start and behind its end. */
export function eachWindow(
  samples: MixedSamples,
  at: { readonly startMs: number; readonly stepMs: number; readonly steps: number },
  rangeMs: number,
  beforeMs: number,
  afterMs: number,
  visit: (window: MixedWindow, step: number) => void,
): void {
  const w: MixedWindow = { samples, f0: 0, f1: 0, h0: 0, h1: 0, startMs: 0, endMs: 0 };
  const { ts, hts } = samples;
  for (let i = 0; i < at.steps; i++) {
    w.endMs = at.startMs + i * at.stepMs;
    w.startMs = w.endMs - rangeMs;
    const [first, last] = [w.startMs - beforeMs, w.endMs + afterMs];
    while (w.f1 < ts.length && ts[w.f1] <= last) w.f1++;
    while (w.f0 < w.f1 && ts[w.f0] <= first) w.f0++;
    while (w.h1 < hts.length && hts[w.h1] <= last) w.h1++;
    while (w.h0 < w.h1 && hts[w.h0] <= first) w.h0++;
    visit(w, i);
  }
}

/**
 * Histograms with their counter resets worked out from their predecessors, as Prometheus' reader does where only counts and
 * sums are asked for.
 */
export function withFoundResets(histograms: readonly NativeHistogram[]): NativeHistogram[] {
  return histograms.map((h, i) => {
    if (i === 0 || h.resetHint !== 'unknown') return h;
    return withHint(h, detectReset(h, histograms[i - 1]) ? 'reset' : 'not_reset');
  });
}
