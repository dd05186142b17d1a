// The operators </ and >/: a native histogram without its observations above or below a value. Buckets that the value lies in
// are split by interpolation; the sum is estimated anew from the middles of what remains.
import {
  type BucketCounts,
  type HistogramBucket,
  type NativeHistogram,
  bucketsOf,
  compact,
  usesCustomBounds,
  zeroBucketOf,
} from '../../model/index.ts';
import { goLog2 } from './math.ts';

/** What remains of a bucket, and about which value. */
interface Part {
  readonly count: number;
  readonly middle: number;
}

type Sign = 'positive' | 'negative';

const isInfinite = (value: number): boolean => value === Infinity || value === -Infinity;

/** The middle of an interval; an infinite end counts for nothing. */
function middleOf(lower: number, upper: number, sign: Sign, isLinear: boolean): number {
  if (isInfinite(lower)) {
    if (isInfinite(upper)) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (isInfinite(upper)) return lower;
  if (isLinear) return (lower + upper) / 2;
  const mean = Math.sqrt(Math.abs(lower * upper));
  return sign === 'positive' ? mean : -mean;
}

/** Observations of a bucket at or below a value within it. */
function countBelow({ lower, upper, count }: HistogramBucket, at: number, sign: Sign, isLinear: boolean): number {
  if (at <= lower) return 0;
  if (at >= upper) return count;
  if (isLinear) return count * ((at - lower) / (upper - lower));
  const [logLower, logUpper, logAt] = [lower, upper, at].map((x) => goLog2(Math.abs(x)));
  if (sign === 'positive') return count * ((logAt - logLower) / (logUpper - logLower));
  return count * (1 - (logAt - logUpper) / (logLower - logUpper));
}

const finiteOrZero = (value: number): number => (isInfinite(value) ? 0 : value);

/** A custom bucket without a lower end: from 0 where that is below its upper end. */
function splitLowest({ upper, count }: HistogramBucket, at: number, isUpper: boolean): Part {
  const fromZero = upper > 0 && upper !== Infinity;
  if (isUpper) {
    if (at >= upper) return { count, middle: 0 };
    if (at > 0 && fromZero) return { count: (count * at) / upper, middle: at / 2 };
    return upper <= 0 ? { count, middle: at } : { count: 0, middle: finiteOrZero(upper) };
  }
  if (at === -Infinity) return { count, middle: 0 };
  if (at >= 0 && upper > at && fromZero) return { count: count * (1 - at / upper), middle: (at + upper) / 2 };
  return { count: 0, middle: finiteOrZero(upper) };
}

/** A bucket without an upper end: nobody knows where in it the observations lie. */
function splitHighest({ lower, count }: HistogramBucket, at: number, isUpper: boolean): Part {
  if (!isUpper && at >= lower) return { count, middle: at };
  return { count: 0, middle: finiteOrZero(lower) };
}

function split(bucket: HistogramBucket, at: number, isUpper: boolean, sign: Sign, isLinear: boolean): Part {
  if (bucket.lower === -Infinity) return splitLowest(bucket, at, isUpper);
  if (bucket.upper === Infinity) return splitHighest(bucket, at, isUpper);
  const below = countBelow(bucket, at, sign, isLinear);
  return isUpper
    ? { count: below, middle: middleOf(bucket.lower, at, sign, isLinear) }
    : { count: bucket.count - below, middle: middleOf(at, bucket.upper, sign, isLinear) };
}

/** What a bucket keeps: all, a part, or nothing. */
function keep(bucket: HistogramBucket, at: number, isUpper: boolean, sign: Sign, isLinear: boolean): Part {
  const { lower, upper, count } = bucket;
  if (isUpper ? upper <= at : lower >= at) return { count, middle: middleOf(lower, upper, sign, isLinear) };
  if (isUpper ? lower < at : upper > at) return split(bucket, at, isUpper, sign, isLinear);
  return { count: 0, middle: 0 };
}

/** Where there are buckets on one side only, the zero bucket's other half is empty. */
function keepZero(h: NativeHistogram, at: number, isUpper: boolean, signs: ReadonlySet<Sign>): Part {
  const zero = zeroBucketOf(h);
  const lower = signs.has('positive') && !signs.has('negative') ? 0 : zero.lower;
  const upper = signs.has('negative') && !signs.has('positive') ? 0 : zero.upper;
  const all = { count: zero.count, middle: (lower + upper) / 2 };
  if (at <= lower) return isUpper ? { count: 0, middle: 0 } : all;
  if (at >= upper) return isUpper ? all : { count: 0, middle: 0 };
  return isUpper
    ? { count: zero.count * ((at - lower) / (upper - lower)), middle: (lower + at) / 2 }
    : { count: zero.count * ((upper - at) / (upper - lower)), middle: (at + upper) / 2 };
}

/** The histogram without observations above `at` (isUpper) or below it. */
export function trimHistogram(h: NativeHistogram, at: number, isUpper: boolean): NativeHistogram {
  const isLinear = usesCustomBounds(h);
  const signs = new Set<Sign>();
  let [count, sum, changed] = [0, 0, false];
  const trim = (sign: Sign): BucketCounts => {
    const counts = h[sign].counts.slice();
    bucketsOf(h, sign).forEach((bucket, i) => {
      if (bucket.count === 0) return;
      signs.add(sign);
      const part = keep(bucket, at, isUpper, sign, isLinear);
      count += part.count;
      sum += part.middle * part.count;
      if (part.count === bucket.count) return;
      changed = true;
      counts[i] = part.count;
    });
    return { indexes: h[sign].indexes, counts };
  };
  const [positive, negative] = [trim('positive'), trim('negative')];
  let { zeroCount } = h;
  if (zeroCount > 0) {
    const part = keepZero(h, at, isUpper, signs);
    changed ||= part.count !== zeroCount;
    zeroCount = part.count;
    sum += part.middle * part.count;
    count += part.count;
  }
  return changed ? compact({ ...h, positive, negative, zeroCount, count, sum }) : h;
}
