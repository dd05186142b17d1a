// Native histograms for tests.
import { type BucketCounts, type NativeHistogram, newHistogram } from '../../src/model/index.ts';

/** Buckets from `offset` on. */
export const buckets = (offset: number, ...counts: number[]): BucketCounts => ({
  indexes: Int32Array.from(counts, (_, i) => offset + i),
  counts: Float64Array.from(counts),
});

/** A histogram whose count is that of its buckets. */
export function exponential(
  schema: number,
  positive: BucketCounts,
  more: Partial<NativeHistogram> = {},
): NativeHistogram {
  const total = [positive, more.negative ?? buckets(0)].reduce(
    (sum, { counts }) => sum + counts.reduce((a, b) => a + b, 0),
    0,
  );
  return newHistogram({ schema, positive, count: total + (more.zeroCount ?? 0), sum: total, ...more });
}

/** The same with custom bounds. */
export function custom(bounds: readonly number[], ...counts: number[]): NativeHistogram {
  const count = counts.reduce((a, b) => a + b, 0);
  return newHistogram({
    schema: -53,
    customBounds: Float64Array.from(bounds),
    positive: buckets(0, ...counts),
    count,
    sum: count,
  });
}

/** Random numbers that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Any legal histogram: integer or float counts, gaps, negative buckets, custom bounds. */
export function randomHistogram(random: () => number): NativeHistogram {
  const int = (n: number): number => Math.floor(random() * n);
  const count = random() < 0.5 ? () => int(1000) : () => random() * 1000;
  const side = (from: number, most: number): BucketCounts => {
    const indexes: number[] = [];
    for (let index = from; indexes.length < most; index += 1 + (random() < 0.3 ? int(5) : 0)) indexes.push(index);
    return { indexes: Int32Array.from(indexes), counts: Float64Array.from(indexes, count) };
  };
  const resetHint = (['unknown', 'reset', 'not_reset', 'gauge'] as const)[int(4)];
  const common = { resetHint, count: count(), sum: random() < 0.1 ? NaN : random() * 100 - 50 };
  if (random() < 0.3) {
    const customBounds = Float64Array.from({ length: 20 }, (_, i) => i * 1.5 - 3);
    return newHistogram({ ...common, schema: -53, customBounds, positive: side(0, int(4)) });
  }
  return newHistogram({
    ...common,
    schema: int(13) - 4,
    zeroThreshold: [0, 2 ** -128, 0.001, 0.25][int(4)],
    zeroCount: count(),
    positive: side(int(40) - 20, int(8)),
    negative: side(int(40) - 20, int(3)),
  });
}
