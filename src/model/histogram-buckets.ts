// The buckets of a histogram with their bounds, lowest first; and what is made of them: the text form and the API's rows.
import { formatG } from './go-float.ts';
import { type BucketCounts, type NativeHistogram, upperBound, usesCustomBounds } from './histogram.ts';

/** A bucket with its bounds. */
export interface HistogramBucket {
  readonly lower: number;
  readonly upper: number;
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
  readonly count: number;
}

function bucketAt(h: NativeHistogram, index: number, count: number, isNegative: boolean): HistogramBucket {
  const [inner, outer] = [upperBound(h, index - 1), upperBound(h, index)];
  if (usesCustomBounds(h)) {
    return { lower: inner, upper: outer, lowerInclusive: index === 0, upperInclusive: true, count };
  }
  const [lower, upper] = isNegative ? [-outer, -inner] : [inner, outer];
  return { lower, upper, lowerInclusive: lower < 0, upperInclusive: upper > 0, count };
}

/** Buckets of one sign, from the zero bucket outwards. */
export function bucketsOf(h: NativeHistogram, side: 'positive' | 'negative'): HistogramBucket[] {
  const { indexes, counts }: BucketCounts = h[side];
  return Array.from(indexes, (index, i) => bucketAt(h, index, counts[i], side === 'negative'));
}

/** The zero bucket of an exponential histogram. */
export const zeroBucketOf = ({ zeroThreshold, zeroCount }: NativeHistogram): HistogramBucket => ({
  lower: zeroThreshold === 0 ? -0 : -zeroThreshold,
  upper: zeroThreshold,
  lowerInclusive: true,
  upperInclusive: true,
  count: zeroCount,
});

/** All buckets, lowest first. Those that overlap the zero bucket are cut at its threshold. */
export function allBuckets(h: NativeHistogram): HistogramBucket[] {
  const { zeroThreshold: t } = h;
  const cut = (bucket: HistogramBucket): HistogramBucket => {
    if (bucket.upper < 0 && bucket.upper > -t) return { ...bucket, upper: -t };
    if (bucket.lower > 0 && bucket.lower < t) return { ...bucket, lower: t };
    return bucket;
  };
  const zero = h.zeroCount > 0 ? [zeroBucketOf(h)] : [];
  return [...bucketsOf(h, 'negative').reverse().map(cut), ...zero, ...bucketsOf(h, 'positive').map(cut)];
}

/** A bucket as the API shows it. Rule: 0 open left, 1 open right, 2 both open, 3 both closed. */
export type BucketRow = readonly [rule: number, lower: number, upper: number, count: number];

/** The populated buckets as rows of the API's JSON. */
export function bucketRows(h: NativeHistogram): BucketRow[] {
  const rule = ({ lowerInclusive, upperInclusive }: HistogramBucket): number =>
    lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2;
  return allBuckets(h)
    .filter(({ count }) => count !== 0)
    .map((bucket) => [rule(bucket), bucket.lower, bucket.upper, bucket.count]);
}

function bucketText({ lower, upper, lowerInclusive, upperInclusive, count }: HistogramBucket): string {
  const [open, close] = [lowerInclusive ? '[' : '(', upperInclusive ? ']' : ')'];
  return `${open}${formatG(lower)},${formatG(upper)}${close}:${formatG(count)}`;
}

/** `{count:3, sum:7, (1,2]:3}` as Prometheus prints it: what count_values makes a label of. */
export function histogramText(h: NativeHistogram): string {
  const buckets = [
    ...bucketsOf(h, 'negative').reverse(),
    ...(h.zeroCount === 0 ? [] : [zeroBucketOf(h)]),
    ...bucketsOf(h, 'positive'),
  ];
  const texts = buckets.filter(({ count }) => count !== 0).map((bucket) => `, ${bucketText(bucket)}`);
  return `{count:${formatG(h.count)}, sum:${formatG(h.sum)}${texts.join('')}}`;
}
