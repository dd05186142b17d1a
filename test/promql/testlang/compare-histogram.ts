// Histograms are equal where every bucket holds the same, however the runs of buckets are cut.
import type { BucketRun, Histogram } from '../../../src/promql/testlang/histogram.ts';

type Equal = (a: number, b: number) => boolean;

export function compareHistogram(expected: Histogram, actual: Histogram, equal: Equal): string[] {
  const failures: string[] = [];
  const check = (what: string, a: number, b: number, same: boolean): void => {
    if (!same) failures.push(`${what}: expected ${a}, got ${b}`);
  };
  check('schema', expected.schema, actual.schema, expected.schema === actual.schema);
  const { zeroThreshold } = expected;
  check('zero threshold', zeroThreshold, actual.zeroThreshold, zeroThreshold === actual.zeroThreshold);
  for (const field of ['count', 'sum', 'zeroCount'] as const) {
    check(field, expected[field], actual[field], equal(expected[field], actual[field]));
  }
  failures.push(...compareBuckets('buckets', expected.positive, actual.positive, equal));
  failures.push(...compareBuckets('n_buckets', expected.negative, actual.negative, equal));
  if (expected.customValues.join(' ') !== actual.customValues.join(' ')) {
    failures.push(`custom values: expected [${expected.customValues}], got [${actual.customValues}]`);
  }
  const hint = expected.counterResetHint;
  if (hint !== undefined && hint !== (actual.counterResetHint ?? 'unknown')) {
    failures.push(`counter reset hint: expected ${hint}, got ${actual.counterResetHint}`);
  }
  return failures;
}

function compareBuckets(what: string, expected: BucketRun, actual: BucketRun, equal: Equal): string[] {
  const start = Math.min(expected.offset, actual.offset);
  const end = Math.max(expected.offset + expected.counts.length, actual.offset + actual.counts.length);
  const failures: string[] = [];
  for (let index = start; index < end; index++) {
    const a = expected.counts[index - expected.offset] ?? 0;
    const b = actual.counts[index - actual.offset] ?? 0;
    if (!equal(a, b)) failures.push(`${what} at index ${index}: expected ${a}, got ${b}`);
  }
  return failures;
}
