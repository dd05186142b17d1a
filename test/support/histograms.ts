// Random native histograms for tests.
import { type BucketCounts, CUSTOM_SCHEMA, type NativeHistogram, newHistogram } from '../../src/model/index.ts';

/** The part of test/kernel/intake-traffic.ts's Dice that is needed. */
interface Rolls {
  roll(sides: number): number;
  one(sides: number): boolean;
}

function randomBuckets(dice: Rolls, first: number, count: number, step: (i: number) => number): BucketCounts {
  const indexes: number[] = [];
  let next = first;
  for (let i = 0; i < count; i++) {
    indexes.push(next);
    next += dice.one(4) ? 1 + dice.roll(300) : 1;
  }
  return { indexes: Int32Array.from(indexes), counts: Float64Array.from(indexes, (_, i) => step(i)) };
}

const total = ({ counts }: BucketCounts): number => counts.reduce((sum, count) => sum + count, 0);

/** A valid histogram of some schema, with integer counts or others. */
export function randomHistogram(dice: Rolls): NativeHistogram {
  const scale = dice.one(3) ? 1 / 8 : 1;
  const size = dice.one(8) ? 100 : 12;
  const step = (): number => dice.roll(dice.one(5) ? 1e6 : 50) * scale;
  const sum = dice.one(10) ? Number.NaN : dice.roll(1e9) / 64;
  const resetHint = (['unknown', 'reset', 'not_reset', 'gauge'] as const)[dice.roll(4)];
  if (dice.one(4)) {
    const bounds = Float64Array.from({ length: dice.roll(6) }, (_, i) => (i + 1) / 4 - 0.5);
    const indexes = Int32Array.from([...Array(bounds.length + 1).keys()].filter(() => !dice.one(3)));
    const positive = { indexes, counts: Float64Array.from(indexes, step) };
    return newHistogram({
      schema: CUSTOM_SCHEMA,
      resetHint,
      sum,
      count: total(positive),
      positive,
      customBounds: bounds,
    });
  }
  const positive = randomBuckets(dice, dice.roll(40) - 20, dice.roll(size), step);
  const negative = randomBuckets(dice, dice.roll(40) - 20, dice.one(2) ? 0 : dice.roll(size), step);
  const zeroCount = dice.one(3) ? 0 : step();
  const zeroThreshold = [0, 2 ** -128, 0.001, 1][dice.roll(4)];
  const count = total(positive) + total(negative) + zeroCount;
  return newHistogram({
    schema: dice.roll(13) - 4,
    resetHint,
    sum,
    count,
    zeroCount,
    zeroThreshold,
    positive,
    negative,
  });
}
