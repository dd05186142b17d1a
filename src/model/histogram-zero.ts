// The zero bucket when two histograms meet: both get one that is wide enough for both and cuts no populated bucket.
import { type NativeHistogram, exponentialBound } from './histogram.ts';
import { type Compensated, inc } from './kahan.ts';

/** Buckets of one sign with what compensated summation holds beside each count (null: nothing). */
export interface SideView {
  readonly indexes: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
  readonly c: ArrayLike<number> | null;
}

/** What widening looks at: a histogram, or one that is being summed. */
export interface ZeroView {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly zeroC: number;
  readonly positive: SideView;
  readonly negative: SideView;
}

export interface ZeroBucket {
  readonly threshold: number;
  readonly count: number;
  readonly c: number;
}

export const zeroView = (h: NativeHistogram): ZeroView => ({
  schema: h.schema,
  zeroThreshold: h.zeroThreshold,
  zeroCount: h.zeroCount,
  zeroC: 0,
  positive: { ...h.positive, c: null },
  negative: { ...h.negative, c: null },
});

/**
 * The zero bucket that a histogram would have at a larger threshold. A threshold within a populated bucket is raised to that
 * bucket's end.
 */
export function widerZeroBucket(h: ZeroView, wanted: number): ZeroBucket {
  if (wanted === h.zeroThreshold) return { threshold: wanted, count: h.zeroCount, c: h.zeroC };
  let threshold = wanted;
  const sum: Compensated = { sum: 0, c: h.zeroC };
  for (;;) {
    sum.sum = h.zeroCount;
    threshold = Math.max(threshold, swallow(h, h.positive, threshold, sum));
    const raised = swallow(h, h.negative, threshold, sum);
    if (raised <= threshold) return { threshold, count: sum.sum, c: sum.c };
    // Buckets on the positive side were taken by the smaller threshold: begin again.
    threshold = raised;
  }
}

/** Adds the buckets below a threshold to the sum; returns the threshold, raised if it cuts a populated bucket. */
function swallow({ schema }: ZeroView, side: SideView, threshold: number, sum: Compensated): number {
  for (let i = 0; i < side.indexes.length; i++) {
    if (exponentialBound(side.indexes[i] - 1, schema) >= threshold) break;
    inc(sum, side.counts[i]);
    if (side.c) inc(sum, side.c[i]);
    const upper = exponentialBound(side.indexes[i], schema);
    if (upper > threshold) return side.counts[i] === 0 ? threshold : upper;
  }
  return threshold;
}
