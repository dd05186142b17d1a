// Whether a counter histogram was reset between two samples, and what a store says about that to whoever reads them.
import {
  type BucketCounts,
  type NativeHistogram,
  type ResetHint,
  coarserBuckets,
  sameBounds,
  usesCustomBounds,
} from './histogram.ts';
import { beyondThreshold, commonBounds, rebucket } from './histogram-add.ts';
import { widerZeroBucket, zeroView } from './histogram-zero.ts';

/**
 * Whether `current` follows a reset, as seen from `previous`: a count fell, a populated bucket is gone, the resolution rose or
 * the zero bucket became narrower. Hints decide where there are some.
 */
export function detectReset(current: NativeHistogram, previous: NativeHistogram): boolean {
  if (current.resetHint === 'reset') return true;
  if (current.resetHint === 'not_reset') return false;
  if (current.count < previous.count) return true;
  if (usesCustomBounds(current)) {
    if (!usesCustomBounds(previous)) return true;
    if (!sameBounds(current.customBounds, previous.customBounds)) return customReset(current, previous);
    return hasFallen(current.positive, previous.positive);
  }
  if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true;
  const zero = widerZeroBucket(zeroView(previous), current.zeroThreshold);
  if (zero.threshold !== current.zeroThreshold || current.zeroCount < zero.count) return true;
  return (['positive', 'negative'] as const).some((side) => {
    const { schema, zeroThreshold } = current;
    const before = coarserBuckets(previous[side], previous.schema, schema);
    const wide = zeroThreshold > 0 ? (b: BucketCounts) => beyondThreshold(b, zeroThreshold, schema) : same;
    return hasFallen(wide(current[side]), wide(before));
  });
}

const same = (buckets: BucketCounts): BucketCounts => buckets;

function hasFallen(current: BucketCounts, previous: BucketCounts): boolean {
  let k = 0;
  for (let i = 0; i < previous.counts.length; i++) {
    const index = previous.indexes[i];
    while (k < current.indexes.length && current.indexes[k] < index) k++;
    const isThere = k < current.indexes.length && current.indexes[k] === index;
    if (isThere ? current.counts[k] < previous.counts[i] : previous.counts[i] !== 0) return true;
  }
  return false;
}

/** With different custom bounds: by the bounds that both have. */
function customReset(current: NativeHistogram, previous: NativeHistogram): boolean {
  const common = commonBounds(current.customBounds, previous.customBounds);
  const [now, before] = [current, previous].map(({ positive, customBounds }) =>
    rebucket([{ buckets: positive, c: null, bounds: customBounds, sign: 1 }], common).map(({ sum }) => sum),
  );
  return now.some((count, i) => count < before[i]);
}

/**
 * The hint that Prometheus' storage gives with a sample that was appended after `previous` (null: a float, a stale marker or
 * nothing). What the sender says counts for gauges only.
 */
export function storedHint(current: NativeHistogram, previous: NativeHistogram | null): ResetHint {
  if (current.resetHint === 'gauge') return 'gauge';
  if (current.resetHint === 'reset' || previous === null || previous.resetHint === 'gauge') return 'unknown';
  const sameLayout =
    current.schema === previous.schema &&
    current.zeroThreshold === previous.zeroThreshold &&
    sameBounds(current.customBounds, previous.customBounds);
  return sameLayout && !detectReset({ ...current, resetHint: 'unknown' }, previous) ? 'not_reset' : 'unknown';
}
