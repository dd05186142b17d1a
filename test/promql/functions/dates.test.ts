import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dateColumn } from '../../../src/promql/functions/dates.ts';

const DAY = 86_400n;

/** floor(a / b) */
const floorDiv = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b;

test('times of any size that int64 has are taken to the second', () => {
  const anyTime = fc.oneof(
    fc.double({ min: -9.2e18, max: 9.2e18, noNaN: true }),
    fc.integer({ min: 1, max: 2 ** 31 }).map((n) => n * n * 1.7),
    fc.integer({ min: -1e12, max: 1e12 }),
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  );
  fc.assert(
    fc.property(anyTime, (time) => {
      const seconds = BigInt(Math.trunc(time));
      const days = floorDiv(seconds, DAY);
      const of = (fn: string): number => dateColumn(fn, Float64Array.of(time))[0];
      assert.equal(of('day_of_week'), Number((((days + 4n) % 7n) + 7n) % 7n));
      assert.equal(of('hour'), Number((seconds - days * DAY) / 3600n));
      assert.equal(of('minute'), Number(((seconds - days * DAY) % 3600n) / 60n));
      const parts = ['day_of_month', 'day_of_year', 'days_in_month', 'month', 'year'].map(of);
      assert.ok(parts.every(Number.isInteger), `${time}: ${parts}`);
    }),
    { numRuns: 2000 },
  );
});

test('within the range of Date they are its parts', () => {
  fc.assert(
    fc.property(fc.integer({ min: -8.6e12, max: 8.6e12 }), (time) => {
      const date = new Date(time * 1000);
      const of = (fn: string): number => dateColumn(fn, Float64Array.of(time))[0];
      assert.deepEqual(['year', 'month', 'day_of_month', 'hour', 'minute', 'day_of_week'].map(of), [
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCDay(),
      ]);
    }),
  );
});
