// The series that generated queries read: counters with resets, gauges with gaps and stale markers, values that are hard on floating
// point, classic and native histograms, series that come and go. The same in every run.
import { Labels, type NativeHistogram } from '../../src/model/index.ts';
import { buckets, custom, exponential, seeded } from '../model/histogram-samples.ts';

/** One sample in the order in which it is stored. */
export interface Sample {
  readonly labels: Labels;
  readonly timeMs: number;
  readonly value: number | 'stale' | NativeHistogram;
}

export const DATA_STEP_MS = 15_000;
export const DATA_STEPS = 80;

type Value = number | 'stale' | NativeHistogram | null;
type Fill = (random: () => number, series: number) => (step: number) => Value;

const ODD = [0, -0, NaN, Infinity, -Infinity, 1e-9, 0.1, 1e15, -1e15, 1 / 3, 4e9];

const FILLS: Record<string, Fill> = {
  requests_total: (random) => {
    let count = 0;
    return () => (count = random() < 0.03 ? 0 : count + Math.floor(random() * 50) / (random() < 0.5 ? 1 : 10));
  },
  load: (random, series) => (step) => {
    if (random() < 0.1) return null;
    return step === 40 && series % 5 === 0 ? 'stale' : random() * 1000 - 300;
  },
  odd: (random) => () =>
    random() < 0.5 ? ODD[Math.floor(random() * ODD.length)] : (random() - 0.5) * 10 ** Math.floor(random() * 9),
  flappy: (random, series) => (step) =>
    Math.floor((step + series * 3) / 7) % 3 === 0 ? null : Math.round(random() * 8) / 4,
  flat: (_, series) => () => (series % 3 === 0 ? 0.1 : series),
  build_info: (_, series) => (step) => ((series & 1) === Number(step > 33) ? 1 : null),
  nh: (random, series) => {
    let counts = [0, 0, 0];
    return () => {
      if (random() < 0.08) return null;
      if (random() < 0.03) return 'stale';
      counts = random() < 0.03 ? [0, 0, 0] : counts.map((count) => count + Math.floor(random() * 20));
      const sum = counts[0] * 1.25 + counts[1] * 0.7 + counts[2];
      return exponential(series % 3, buckets((series % 4) - 1, counts[0], counts[1]), {
        sum,
        zeroCount: counts[2],
        zeroThreshold: 0.001,
      });
    };
  },
  nhcb: (random, series) => {
    let counts = [0, 0, 0];
    const bounds = series % 3 === 0 ? [0.5, 1] : [0.5, 2];
    return () =>
      random() < 0.1 ? null : custom(bounds, ...(counts = counts.map((count) => count + Math.floor(random() * 9))));
  },
  mixed: (random, series) => (step) => {
    if (random() < 0.1) return null;
    if (Math.floor((step + series) / 6) % 2 === 0) return Math.round(random() * 100);
    return exponential(0, buckets(0, step, step * 2), { resetHint: random() < 0.2 ? 'gauge' : 'unknown' });
  },
};

function* seriesLabels(name: string): Generator<Labels> {
  const count = name === 'nh' || name === 'nhcb' || name === 'mixed' ? 5 : 9;
  for (let i = 0; i < count; i++) {
    const labels = { __name__: name, job: `j${i % 3}`, instance: `i${i >> 1}` };
    yield Labels.from(
      name === 'build_info' ? { ...labels, version: `v${i & 1}` } : { ...labels, ...(i & 1 ? { version: 'v0' } : {}) },
    );
  }
}

function* classic(random: () => number): Generator<[Labels, (step: number) => Value]> {
  for (let i = 0; i < 3; i++) {
    const rows = Array.from({ length: DATA_STEPS }, () => [random() * 5, random() * 9, random() * 2].map(Math.floor));
    for (const [k, le] of ['0.1', '1', '+Inf'].entries()) {
      const labels = Labels.from({ __name__: 'latency_bucket', job: `j${i}`, instance: `i${i}`, le });
      // Now and then a bucket is behind the one before it.
      yield [
        labels,
        (step) =>
          rows.slice(0, step + 1).reduce((sum, row) => sum + row.slice(0, k + 1).reduce((a, b) => a + b, 0), 0) -
          (step === 50 && k === 1 ? 40 : 0),
      ];
    }
  }
}

/** All samples, by time. */
export function testSamples(): Sample[] {
  const random = seeded(20_260_101);
  const columns: [Labels, (step: number) => Value][] = [];
  for (const [name, fill] of Object.entries(FILLS)) {
    let i = 0;
    for (const labels of seriesLabels(name)) columns.push([labels, fill(random, i++)]);
  }
  columns.push(...classic(random));
  const samples: Sample[] = [];
  for (let step = 0; step < DATA_STEPS; step++) {
    columns.forEach(([labels, at], i) => {
      const value = at(step);
      // Scrapes of different targets lie at different times of the interval.
      if (value !== null) samples.push({ labels, timeMs: step * DATA_STEP_MS + (i % 4) * 1000, value });
    });
  }
  return samples;
}
