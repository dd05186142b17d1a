// Quantiles, shares and variances of native histograms. Within exponential buckets values are taken to be spread evenly on a
// logarithmic scale, within custom buckets and the zero bucket evenly. Order of operations is Prometheus'.
import { type HistogramBucket, type NativeHistogram, allBuckets, usesCustomBounds } from '../../model/index.ts';
import type { RemarkKind } from '../annotations.ts';
import { KahanSum } from '../../kernel/index.ts';
import { goExp2, goLog2 } from './math.ts';

/** Told of what is odd about a histogram. */
export type OnRemark = (kind: RemarkKind) => void;

/** The zero bucket's half without buckets beside it is taken to be empty. */
function cutZeroBucket(h: NativeHistogram, bucket: HistogramBucket): HistogramBucket {
  const [positive, negative] = [h.positive.counts.length, h.negative.counts.length];
  if (negative === 0 && positive > 0) return { ...bucket, lower: 0 };
  return positive === 0 && negative > 0 ? { ...bucket, upper: 0 } : bucket;
}

/** The bucket that a rank falls into, counted from one end, and the observations up to its far end. */
function bucketOfRank(
  buckets: readonly HistogramBucket[],
  rank: number,
): { bucket: HistogramBucket; at: number; count: number } {
  let count = 0;
  let at = 0;
  let bucket: HistogramBucket = { lower: 0, upper: 0, lowerInclusive: false, upperInclusive: false, count: 0 };
  for (; at < buckets.length; at++) {
    bucket = buckets[at];
    if (bucket.count === 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  return { bucket, at, count };
}

/** The q-quantile. */
export function nativeQuantile(q: number, h: NativeHistogram, onRemark: OnRemark): number {
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  if (h.count === 0 || Number.isNaN(q)) return NaN;
  // Observations of NaN make the sum NaN and are in no bucket: the ranks of all others are known from below only.
  const hasNaNSum = Number.isNaN(h.sum);
  const fromBelow = hasNaNSum || q < 0.5;
  const buckets = fromBelow ? allBuckets(h) : allBuckets(h).reverse();
  let rank = fromBelow ? q * h.count : (1 - q) * h.count;
  const found = bucketOfRank(buckets, rank);
  let { bucket } = found;
  const isCustom = usesCustomBounds(h);
  if (!isCustom && bucket.lower < 0 && bucket.upper > 0) bucket = cutZeroBucket(h, bucket);
  if (isCustom && bucket.lower === -Infinity) {
    if (bucket.upper <= 0) return bucket.upper;
    bucket = { ...bucket, lower: 0 };
  } else if (isCustom && bucket.upper === Infinity) {
    return bucket.lower;
  }
  const count = Math.min(found.count, h.count);
  if (count < rank) {
    if (!hasNaNSum) return bucket.upper;
    onRemark('quantileNaNResult');
    return NaN;
  }
  rank = fromBelow ? rank - (count - bucket.count) : count - rank;
  if (hasNaNSum) {
    const rest = buckets.slice(found.at + 1).reduce((sum, each) => sum + each.count, count);
    if (rest < h.count) onRemark('quantileNaNSkew');
  }
  return valueAt(bucket, rank / bucket.count, isCustom);
}

/** The value at a share of a bucket. */
function valueAt({ lower, upper }: HistogramBucket, share: number, isCustom: boolean): number {
  if (isCustom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * share;
  const [logLower, logUpper] = [goLog2(Math.abs(lower)), goLog2(Math.abs(upper))];
  if (lower > 0) return goExp2(logLower + (logUpper - logLower) * share);
  return -goExp2(logUpper + (logLower - logUpper) * (1 - share));
}

/** The rank of a value within a bucket before which there are `rank` observations. */
function rankWithin({ lower, upper, count }: HistogramBucket, value: number, rank: number, isLinear: boolean): number {
  if (isLinear) return lower === -Infinity ? count : rank + (count * (value - lower)) / (upper - lower);
  const [logLower, logUpper, logValue] = [lower, upper, value].map((x) => goLog2(Math.abs(x)));
  const share =
    value > 0 ? (logValue - logLower) / (logUpper - logLower) : 1 - (logValue - logUpper) / (logLower - logUpper);
  return rank + count * share;
}

/** Observations below each of two values; NaN: it is beyond all buckets. */
function ranksOf(
  h: NativeHistogram,
  buckets: readonly HistogramBucket[],
  values: readonly [number, number],
): { ranks: number[]; visited: number } {
  const ranks = [NaN, NaN];
  const isCustom = usesCustomBounds(h);
  let rank = 0;
  let visited = 0;
  for (const each of buckets) {
    visited++;
    const isZero = each.lower <= 0 && each.upper >= 0;
    const bucket = isZero ? cutZeroBucket(h, each) : each;
    values.forEach((value, i) => {
      if (!Number.isNaN(ranks[i])) return;
      if (bucket.lower >= value) ranks[i] = rank;
      else if (bucket.upper > value) ranks[i] = rankWithin(bucket, value, rank, isCustom || isZero);
    });
    if (!ranks.some(Number.isNaN)) break;
    rank += bucket.count;
  }
  return { ranks, visited };
}

/** The share of observations between two values. */
export function nativeFraction(lower: number, upper: number, h: NativeHistogram, onRemark: OnRemark): number {
  if (h.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN;
  if (lower >= upper) return 0;
  const buckets = allBuckets(h);
  const { ranks } = ranksOf(h, buckets, [lower, upper]);
  let { count } = h;
  if (Number.isNaN(h.sum)) {
    count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
    if (count < h.count) onRemark('fractionNaNs');
  }
  const [lowerRank, upperRank] = ranks.map((rank) => (Number.isNaN(rank) || rank > count ? count : rank));
  return (upperRank - lowerRank) / h.count;
}

/** The variance, every bucket's observations taken to be at its middle. */
export function histogramVariance(h: NativeHistogram): number {
  const mean = h.sum / h.count;
  const isCustom = usesCustomBounds(h);
  const sum = new KahanSum();
  for (const { lower, upper, count } of allBuckets(h)) {
    if (count === 0) continue;
    const delta = middleOf(lower, upper, isCustom) - mean;
    sum.add(count * delta * delta);
  }
  return (sum.sum + sum.c) / h.count;
}

function middleOf(lower: number, upper: number, isCustom: boolean): number {
  if (isCustom) return (upper + lower) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  const mean = Math.sqrt(upper * lower);
  return upper < 0 ? -mean : mean;
}
