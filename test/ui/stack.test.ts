import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stacked } from '../../ui/src/stack.ts';

const line = (...values: (number | null)[]) => ({ values });

test('a stack has a gap where no line has a value, and nothing is added for one that lacks it', () => {
  const sums = stacked([line(null, 1, null, 4), line(null, 2, 5, null)]);
  assert.deepEqual(sums, [
    [null, 1, 0, 4],
    [null, 3, 5, 4],
  ]);
  assert.deepEqual(stacked([]), []);
});
