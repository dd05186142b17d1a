import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quantile } from '../../../src/kernel/index.ts';
import { selectQuantile } from '../../../src/promql/exec/select-quantile.ts';

const value = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }), fc.constantFrom(0, -0, NaN, Infinity, -Infinity));
const q = fc.oneof(fc.double({ min: 0, max: 1 }), fc.constantFrom(0, 0.5, 1, -1, 2, NaN));

test('selecting a quantile gives what sorting gives, to the bit', () => {
  fc.assert(
    fc.property(q, fc.array(value, { maxLength: 60 }), fc.nat(5), (q, values, more) => {
      const scratch = Float64Array.from([...values, ...new Array(more).fill(7)]);
      assert.ok(Object.is(selectQuantile(q, scratch, values.length), quantile(q, Float64Array.from(values))));
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test('many values of few kinds are selected in little time', () => {
  const values = Float64Array.from({ length: 100_000 }, (_, i) => i % 3);
  assert.equal(selectQuantile(0.5, values, values.length), 1);
});
