// Sums and differences of two histograms. Schemas meet at the lower resolution, zero buckets at the wider one, custom bounds
// at those that both have. Exponential and custom buckets cannot meet at all.
import {
  type BucketCounts,
  type NativeHistogram,
  type ResetHint,
  coarserBuckets,
  exponentialBound,
  sameBounds,
  usesCustomBounds,
} from './histogram.ts';
import { widerZeroBucket, zeroView } from './histogram-zero.ts';
import { type Compensated, inc } from './kahan.ts';

/** What became of two histograms. */
export interface HistogramSum {
  readonly histogram: NativeHistogram;
  /** One operand began with a counter reset, the other surely not. */
  readonly collision: boolean;
  /** Custom bounds differed: those that both have were kept. */
  readonly reconciled: boolean;
}

/** What is known of a counter reset after two histograms met; null: they contradict each other (and nothing is known). */
export function meetHints(a: ResetHint, b: ResetHint): ResetHint | null {
  if (a === b) return a;
  if (a === 'gauge' || b === 'gauge') return 'gauge';
  return a === 'unknown' || b === 'unknown' ? 'unknown' : null;
}

/** a + b; null where one has custom buckets and the other exponential ones. */
export const addHistograms = (a: NativeHistogram, b: NativeHistogram): HistogramSum | null => combine(a, b, 1);

/** a - b, as addHistograms. Counts may become negative. */
export const subtractHistograms = (a: NativeHistogram, b: NativeHistogram): HistogramSum | null => combine(a, b, -1);

function combine(a: NativeHistogram, b: NativeHistogram, sign: 1 | -1): HistogramSum | null {
  if (usesCustomBounds(a) !== usesCustomBounds(b)) return null;
  const hint = meetHints(a.resetHint, b.resetHint);
  const collision = hint === null;
  const sums = { resetHint: hint ?? 'unknown', count: a.count + sign * b.count, sum: a.sum + sign * b.sum };
  if (!usesCustomBounds(a)) {
    return { histogram: { ...combineExponential(a, b, sign), ...sums }, collision, reconciled: false };
  }
  if (sameBounds(a.customBounds, b.customBounds)) {
    return {
      histogram: { ...a, ...sums, positive: mergeBuckets(a.positive, b.positive, sign) },
      collision,
      reconciled: false,
    };
  }
  const customBounds = commonBounds(a.customBounds, b.customBounds);
  const sides: RebucketSide[] = [
    { buckets: a.positive, c: null, bounds: a.customBounds, sign: 1 },
    { buckets: b.positive, c: null, bounds: b.customBounds, sign },
  ];
  const positive = withoutZeros(rebucket(sides, customBounds));
  return { histogram: { ...a, ...sums, positive, customBounds }, collision, reconciled: true };
}

function combineExponential(first: NativeHistogram, second: NativeHistogram, sign: 1 | -1): NativeHistogram {
  const { a, bZeroCount } = meetZeroBuckets(first, second);
  const schema = Math.min(a.schema, second.schema);
  const { zeroThreshold } = a;
  const side = (ours: BucketCounts, theirs: BucketCounts): BucketCounts =>
    mergeBuckets(
      coarserBuckets(ours, a.schema, schema),
      beyondThreshold(coarserBuckets(theirs, second.schema, schema), zeroThreshold, schema),
      sign,
    );
  return {
    ...a,
    schema,
    zeroCount: a.zeroCount + sign * bZeroCount,
    positive: side(a.positive, second.positive),
    negative: side(a.negative, second.negative),
  };
}

/** Widens the zero buckets until they are the same; of `b` only the zero count is made. */
function meetZeroBuckets(first: NativeHistogram, b: NativeHistogram): { a: NativeHistogram; bZeroCount: number } {
  let a = first;
  let bZero = { threshold: b.zeroThreshold, count: b.zeroCount };
  while (bZero.threshold !== a.zeroThreshold) {
    if (a.zeroThreshold > bZero.threshold) bZero = widerZeroBucket(zeroView(b), a.zeroThreshold);
    if (bZero.threshold > a.zeroThreshold) {
      const { threshold, count } = widerZeroBucket(zeroView(a), bZero.threshold);
      const [positive, negative] = [a.positive, a.negative].map((side) => outside(side, threshold, a.schema));
      a = { ...a, zeroThreshold: threshold, zeroCount: count, positive, negative };
    }
  }
  return { a, bZeroCount: bZero.count };
}

/** Buckets that begin at or beyond the threshold; empty ones go as well. */
function outside({ indexes, counts }: BucketCounts, threshold: number, schema: number): BucketCounts {
  return pick({ indexes, counts }, (i) => counts[i] !== 0 && exponentialBound(indexes[i] - 1, schema) >= threshold);
}

/** Without the buckets that end within the threshold: their counts are in the zero bucket. */
export function beyondThreshold(buckets: BucketCounts, threshold: number, schema: number): BucketCounts {
  const { indexes } = buckets;
  if (indexes.length === 0 || exponentialBound(indexes[0], schema) > threshold) return buckets;
  return pick(buckets, (i) => exponentialBound(indexes[i], schema) > threshold);
}

export function pick({ indexes, counts }: BucketCounts, keep: (i: number) => boolean): BucketCounts {
  const kept: number[] = [];
  for (let i = 0; i < counts.length; i++) if (keep(i)) kept.push(i);
  return {
    indexes: Int32Array.from(kept, (i) => indexes[i]),
    counts: Float64Array.from(kept, (i) => counts[i]),
  };
}

/** All buckets of both. */
function mergeBuckets(a: BucketCounts, b: BucketCounts, sign: 1 | -1): BucketCounts {
  if (b.counts.length === 0) return a;
  if (sameIndexes(a.indexes, b.indexes)) {
    const counts = new Float64Array(a.counts.length);
    for (let i = 0; i < counts.length; i++) counts[i] = a.counts[i] + sign * b.counts[i];
    return { indexes: a.indexes, counts };
  }
  const indexes = new Int32Array(a.indexes.length + b.indexes.length);
  const counts = new Float64Array(indexes.length);
  let used = 0;
  for (let i = 0, k = 0; i < a.indexes.length || k < b.indexes.length; used++) {
    const left = i < a.indexes.length ? a.indexes[i] : Infinity;
    const right = k < b.indexes.length ? b.indexes[k] : Infinity;
    indexes[used] = Math.min(left, right);
    if (left === right) counts[used] = a.counts[i++] + sign * b.counts[k++];
    else counts[used] = left < right ? a.counts[i++] : sign * b.counts[k++];
  }
  return { indexes: indexes.slice(0, used), counts: counts.slice(0, used) };
}

function sameIndexes(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Bounds that both lists have. */
export function commonBounds(a: Float64Array, b: Float64Array): Float64Array {
  const there = new Set(b);
  return a.filter((bound) => there.has(bound));
}

/** Buckets of custom bounds that go into others. `c`: what compensated summation holds beside each count. */
export interface RebucketSide {
  readonly buckets: { readonly indexes: ArrayLike<number>; readonly counts: ArrayLike<number> };
  readonly c: ArrayLike<number> | null;
  readonly bounds: Float64Array;
  readonly sign: 1 | -1;
}

/** Sums of buckets by the bounds of `target`, with compensation. */
export function rebucket(sides: readonly RebucketSide[], target: Float64Array): Compensated[] {
  const out: Compensated[] = Array.from({ length: target.length + 1 }, () => ({ sum: 0, c: 0 }));
  for (const { buckets, c, bounds, sign } of sides) {
    let to = 0;
    for (let i = 0; i < buckets.counts.length; i++) {
      const index = buckets.indexes[i];
      const isLast = index >= bounds.length;
      while (!isLast && to < target.length && target[to] < bounds[index]) to++;
      const sum = out[isLast ? target.length : to];
      inc(sum, sign * buckets.counts[i]);
      if (c) inc(sum, c[i]);
    }
  }
  return out;
}

/** Populated buckets of sums; what compensation holds is left out. */
function withoutZeros(sums: readonly Compensated[]): BucketCounts {
  const kept = [...sums.keys()].filter((i) => sums[i].sum !== 0 || sums[i].c !== 0);
  return { indexes: Int32Array.from(kept), counts: Float64Array.from(kept, (i) => sums[i].sum) };
}
