// How rate, increase and delta extrapolate: what happened between a window's samples stands for the whole window.
import type { MixedWindow } from './mixed-window.ts';

/** A window of a counter, to be extrapolated. */
export interface Extrapolated {
  readonly window: MixedWindow;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Samples less one. */
  readonly intervals: number;
  /** When it was zero, if known; else 0. */
  readonly zeroMs: number;
  /** Least value and increase of what cannot be below zero; null: it can. */
  readonly level: { readonly first: number; readonly increase: number } | null;
}

/** Go's Duration.Seconds(). */
const durationSeconds = (ms: number): number => {
  const rest = ms % 1000;
  return (ms - rest) / 1000 + (rest * 1e6) / 1e9;
};

/** What to multiply an increase with: it happened between the samples (or since zero), and the window is longer. */
export function extrapolation(of: Extrapolated, isRate: boolean): number {
  const { window, firstMs, lastMs, intervals, zeroMs, level } = of;
  let toStart = (firstMs - window.startMs) / 1000;
  let toEnd = (window.endMs - lastMs) / 1000;
  let sampled = (lastMs - firstMs) / 1000;
  const average = intervals > 0 ? sampled / intervals : 0;
  const threshold = average * 1.1;
  if (zeroMs !== 0) {
    toStart = 0;
    sampled = (lastMs - zeroMs) / 1000;
  } else {
    if (toStart >= threshold) toStart = average / 2;
    if (level && level.increase > 0 && level.first >= 0) {
      const toZero = sampled * (level.first / level.increase);
      if (toZero < toStart) toStart = toZero;
    }
  }
  if (toEnd >= threshold) toEnd = average / 2;
  const factor = sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
  return isRate ? factor / durationSeconds(window.endMs - window.startMs) : factor;
}
