// What a native histogram must be to be accepted from outside.
import {
  type BucketCounts,
  CUSTOM_SCHEMA,
  type NativeHistogram,
  SCHEMA_MAX,
  SCHEMA_MIN,
  usesCustomBounds,
} from './histogram.ts';

/** Bucket indexes are 32-bit integers; beyond this no schema has bounds that are floats. */
const INDEX_MAX = 2 ** 31 - 1;

export const isKnownSchema = (schema: number): boolean =>
  schema === CUSTOM_SCHEMA || (Number.isInteger(schema) && schema >= SCHEMA_MIN && schema <= SCHEMA_MAX);

function layoutProblem(what: string, { indexes, counts }: BucketCounts): string | null {
  if (indexes.length !== counts.length) return `${what} has ${indexes.length} indexes for ${counts.length} counts`;
  for (let i = 1; i < indexes.length; i++) if (indexes[i] <= indexes[i - 1]) return `indexes of ${what} do not rise`;
  return null;
}

export function boundsProblem(bounds: Float64Array): string | null {
  for (let i = 0; i < bounds.length; i++) {
    if (Number.isNaN(bounds[i]) || bounds[i] === Infinity) return `custom bound ${i} is ${bounds[i]}`;
    if (i > 0 && bounds[i] <= bounds[i - 1]) return `custom bounds do not rise at ${i}`;
  }
  return null;
}

/** What is wrong with the shape of a histogram, counts aside; null: nothing. */
export function shapeProblem(h: NativeHistogram): string | null {
  if (!isKnownSchema(h.schema)) return `schema is unknown; got ${h.schema}`;
  const layout = layoutProblem('positive buckets', h.positive) ?? layoutProblem('negative buckets', h.negative);
  if (layout !== null) return layout;
  if (!(h.zeroThreshold >= 0)) return `zero threshold is negative; got ${h.zeroThreshold}`;
  if (!usesCustomBounds(h)) return h.customBounds.length > 0 ? 'custom bounds need schema -53' : null;
  if (h.zeroThreshold !== 0 || h.zeroCount !== 0) return 'custom buckets have no zero bucket';
  if (h.negative.counts.length > 0) return 'custom buckets have no negative ones';
  const { indexes } = h.positive;
  const outside = indexes.length > 0 && (indexes[0] < 0 || indexes[indexes.length - 1] > h.customBounds.length);
  return outside ? 'a custom bucket has no bound' : boundsProblem(h.customBounds);
}

const total = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0);

/** What is wrong with a histogram as a sample that was received; null: nothing. `integers`: counts must add up exactly. */
export function histogramProblem(h: NativeHistogram, integers: boolean): string | null {
  const shape = shapeProblem(h);
  if (shape !== null) return shape;
  const all = [h.count, h.zeroCount, ...h.positive.counts, ...h.negative.counts];
  const negative = all.find((count) => !(count >= 0));
  if (negative !== undefined) return `a count is negative; got ${negative}`;
  if ([...h.positive.indexes, ...h.negative.indexes].some((index) => Math.abs(index) > INDEX_MAX)) {
    return 'a bucket index is out of range';
  }
  if (!integers) return null;
  const found = total(h.positive.counts) + total(h.negative.counts) + h.zeroCount;
  // Observations of NaN are counted, but in no bucket.
  const fits = Number.isNaN(h.sum) ? found <= h.count : found === h.count;
  return fits ? null : `buckets hold ${found} observations, the count is ${h.count}`;
}
