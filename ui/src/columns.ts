// Series of a range query as columns over all steps, and what the legend says about each.
import type { Series } from './api.ts';
import { seriesText } from './format.ts';

export interface Line {
  readonly name: string;
  /** One per step; null where there is nothing to draw. */
  readonly values: (number | null)[];
  readonly last: number | null;
  readonly min: number;
  readonly max: number;
  readonly avg: number;
}

export interface Columns {
  /** Seconds. */
  readonly times: number[];
  readonly lines: Line[];
  /** Points that are native histograms, which a line cannot show: their averages are drawn. */
  readonly histogramCount: number;
}

function lineOf(series: Series, steps: number, indexOf: (seconds: number) => number): Line {
  const values: (number | null)[] = new Array(steps).fill(null);
  for (const [seconds, text] of series.values ?? []) values[indexOf(seconds)] = finite(Number(text));
  for (const [seconds, { sum, count }] of series.histograms ?? []) {
    values[indexOf(seconds)] = finite(Number(sum) / Number(count));
  }
  let [min, max, sum, count] = [Infinity, -Infinity, 0, 0];
  let last: number | null = null;
  for (const value of values) {
    if (value === null) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count++;
    last = value;
  }
  return { name: seriesText(series.metric), values, last, min, max, avg: sum / count };
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Lays series out over the steps of their query. */
export function toColumns(result: readonly Series[], startMs: number, endMs: number, stepMs: number): Columns {
  const steps = Math.floor((endMs - startMs) / stepMs) + 1;
  const times = Array.from({ length: steps }, (_, i) => (startMs + i * stepMs) / 1000);
  const indexOf = (seconds: number): number => Math.round((seconds * 1000 - startMs) / stepMs);
  const histogramCount = result.reduce((sum, { histograms }) => sum + (histograms?.length ?? 0), 0);
  return { times, histogramCount, lines: result.map((series) => lineOf(series, steps, indexOf)) };
}
