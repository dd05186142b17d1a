// Native histograms: observations counted in buckets whose bounds follow from a schema.
//
//   schema -4..8   exponential: bucket i holds (b^(i-1), b^i] with b = 2^(2^-schema); negative buckets mirror them. The zero
//                  bucket holds [-zeroThreshold, zeroThreshold].
//   schema -53     custom: bucket i holds (customBounds[i-1], customBounds[i]], the last one up to +Inf. No zero bucket, no
//                  negative ones.
//
// Counts are absolute floats, as in Prometheus' FloatHistogram: rates and sums have fractions. Values are never changed once
// made. Buckets are kept as sorted indexes and their counts; the format's spans (histogram-codec.ts) are runs of indexes. A
// bucket that is listed with a count of 0 is not the same as one that is not listed only where Prometheus looks at the layout.
import { invariant } from '../base/index.ts';

/** What is known about a counter reset between a sample and the one before it. */
export type ResetHint = 'unknown' | 'reset' | 'not_reset' | 'gauge';

/** Buckets of one sign: indexes in rising order, and how many observations each has. */
export interface BucketCounts {
  readonly indexes: Int32Array;
  readonly counts: Float64Array;
}

/** One native histogram sample. Immutable. */
export interface NativeHistogram {
  readonly schema: number;
  readonly resetHint: ResetHint;
  readonly count: number;
  readonly sum: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: BucketCounts;
  readonly negative: BucketCounts;
  /** Upper bounds of schema -53, rising, without +Inf. Empty for other schemas. */
  readonly customBounds: Float64Array;
}

/** The schema of custom bounds. */
export const CUSTOM_SCHEMA = -53;
export const SCHEMA_MIN = -4;
export const SCHEMA_MAX = 8;

/** A side without buckets. */
export const NO_BUCKETS: BucketCounts = { indexes: new Int32Array(0), counts: new Float64Array(0) };
/** Custom bounds of exponential histograms: none. */
export const NO_BOUNDS = new Float64Array(0);

/** A histogram of no observations, with what is given in place of the defaults. */
export const newHistogram = (fields: Partial<NativeHistogram> = {}): NativeHistogram => ({
  schema: 0,
  resetHint: 'unknown',
  count: 0,
  sum: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  positive: NO_BUCKETS,
  negative: NO_BUCKETS,
  customBounds: NO_BOUNDS,
  ...fields,
});

/** Whether buckets have custom bounds (schema -53). */
export const usesCustomBounds = ({ schema }: { readonly schema: number }): boolean => schema === CUSTOM_SCHEMA;

/** Estimate of the memory it occupies. */
export const histogramBytes = ({ positive, negative }: NativeHistogram): number =>
  240 + 12 * (positive.counts.length + negative.counts.length);

const MOST = Number.MAX_VALUE;

/**
 * Bounds in [0.5, 1) of a schema above 0. Users see bounds in results and in label values, and Prometheus' are off by some
 * units in the last place: they come out of multiplying the roots of two that make up a bound, greatest first.
 */
function fractionsOf(schema: number): Float64Array {
  const parts = 2 ** schema;
  return Float64Array.from({ length: parts }, (_, part) => {
    let bound = (part & (parts >> 1)) !== 0 ? 1 / Math.SQRT2 : 0.5;
    for (let k = 2; k <= schema; k++) if ((part & (parts >> k)) !== 0) bound *= 2 ** (1 / 2 ** k);
    return bound;
  });
}

const FRACTIONS = Array.from({ length: SCHEMA_MAX + 1 }, (_, schema) => fractionsOf(schema));

/** Absolute upper bound of exponential bucket `index`. The last bucket of regular numbers ends at the largest of them. */
export function exponentialBound(index: number, schema: number): number {
  if (schema < 0) {
    const exponent = index * 2 ** -schema;
    return exponent === 1024 ? MOST : 2 ** exponent;
  }
  const parts = 2 ** schema;
  const whole = Math.floor(index / parts);
  const fraction = FRACTIONS[schema][index - whole * parts];
  if (whole < 1024) return 2 * fraction * 2 ** whole;
  return fraction === 0.5 && whole === 1024 ? MOST : Infinity;
}

/** Upper bound of a bucket on the positive side. */
export function upperBound(h: Pick<NativeHistogram, 'schema' | 'customBounds'>, index: number): number {
  if (!usesCustomBounds(h)) return exponentialBound(index, h.schema);
  if (index < 0) return -Infinity;
  return index >= h.customBounds.length ? Infinity : h.customBounds[index];
}

/** The index that a bucket goes to where the resolution is `from - to` steps lower. */
export const coarserIndex = (index: number, from: number, to: number): number =>
  Math.floor((index - 1) / 2 ** (from - to)) + 1;

/** Buckets of a lower resolution: neighbours become one. */
export function coarserBuckets(buckets: BucketCounts, from: number, to: number): BucketCounts {
  if (from === to || buckets.counts.length === 0) return buckets;
  const indexes = new Int32Array(buckets.indexes.length);
  const counts = new Float64Array(buckets.counts.length);
  let used = 0;
  buckets.indexes.forEach((index, i) => {
    const target = coarserIndex(index, from, to);
    if (used > 0 && indexes[used - 1] === target) {
      counts[used - 1] += buckets.counts[i];
      return;
    }
    indexes[used] = target;
    counts[used++] = buckets.counts[i];
  });
  return { indexes: indexes.slice(0, used), counts: counts.slice(0, used) };
}

/** The histogram in a lower resolution. A new value in any case, whose counter reset is unknown if it had to be made. */
export function toSchema(h: NativeHistogram, schema: number): NativeHistogram {
  if (schema === h.schema) return h;
  invariant(!usesCustomBounds(h) && schema !== CUSTOM_SCHEMA && schema < h.schema, 'cannot raise a resolution', {
    from: h.schema,
    to: schema,
  });
  const [positive, negative] = [h.positive, h.negative].map((side) => coarserBuckets(side, h.schema, schema));
  return { ...h, resetHint: 'unknown', schema, positive, negative };
}

/** Without buckets that have no observations. */
export function compact(h: NativeHistogram): NativeHistogram {
  const positive = withoutEmpty(h.positive);
  const negative = withoutEmpty(h.negative);
  return positive === h.positive && negative === h.negative ? h : { ...h, positive, negative };
}

function withoutEmpty(buckets: BucketCounts): BucketCounts {
  const { indexes, counts } = buckets;
  let kept = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i] !== 0) kept++;
  if (kept === counts.length) return buckets;
  const out = { indexes: new Int32Array(kept), counts: new Float64Array(kept) };
  for (let i = 0, at = 0; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    out.indexes[at] = indexes[i];
    out.counts[at++] = counts[i];
  }
  return out;
}

function mapCounts({ indexes, counts }: BucketCounts, f: (count: number) => number): BucketCounts {
  const out = new Float64Array(counts.length);
  for (let i = 0; i < out.length; i++) out[i] = f(counts[i]);
  return { indexes, counts: out };
}

function mapAll(h: NativeHistogram, f: (count: number) => number): NativeHistogram {
  return {
    ...h,
    count: f(h.count),
    sum: f(h.sum),
    // Custom buckets have no zero bucket, whatever 0 times infinity is.
    zeroCount: usesCustomBounds(h) ? 0 : f(h.zeroCount),
    positive: mapCounts(h.positive, f),
    negative: mapCounts(h.negative, f),
  };
}

/** All counts and the sum times a factor. A negative one makes a gauge of it. */
export function multiply(h: NativeHistogram, factor: number): NativeHistogram {
  const out = mapAll(h, (count) => count * factor);
  return factor < 0 ? { ...out, resetHint: 'gauge' } : out;
}

/** All counts and the sum divided. By zero: no buckets remain. */
export function divide(h: NativeHistogram, by: number): NativeHistogram {
  const out = mapAll(h, (count) => count / by);
  if (by === 0) return { ...out, positive: NO_BUCKETS, negative: NO_BUCKETS };
  return by < 0 ? { ...out, resetHint: 'gauge' } : out;
}

/** With another hint about counter resets. */
export const withHint = (h: NativeHistogram, resetHint: ResetHint): NativeHistogram =>
  h.resetHint === resetHint ? h : { ...h, resetHint };

export function sameFloats(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Whether two lists of custom bounds are the same. */
export function sameBounds(a: Float64Array, b: Float64Array): boolean {
  return a === b || (a.length === b.length && a.every((bound, i) => bound === b[i]));
}

function sameBuckets(a: BucketCounts, b: BucketCounts): boolean {
  return sameFloats(a.indexes, b.indexes) && sameFloats(a.counts, b.counts);
}

/** Whether two histograms hold the same data, empty buckets and counter resets aside. A NaN is equal to a NaN. */
export function equalHistograms(first: NativeHistogram, second: NativeHistogram): boolean {
  const [a, b] = [compact(first), compact(second)];
  return (
    a.schema === b.schema &&
    Object.is(a.count, b.count) &&
    Object.is(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    Object.is(a.zeroCount, b.zeroCount) &&
    sameBounds(a.customBounds, b.customBounds) &&
    sameBuckets(a.positive, b.positive) &&
    sameBuckets(a.negative, b.negative)
  );
}

/** Whether any count or the sum is infinite: a sum of histograms left the range of floats. */
export function hasOverflow({ count, sum, zeroCount, positive, negative }: NativeHistogram): boolean {
  const isInfinite = (value: number): boolean => value === Infinity || value === -Infinity;
  return (
    [count, sum, zeroCount].some(isInfinite) || positive.counts.some(isInfinite) || negative.counts.some(isInfinite)
  );
}
