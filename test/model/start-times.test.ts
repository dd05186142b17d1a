import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartTimes } from '../../src/model/index.ts';

const list = (starts: StartTimes, count: number): number[] => Array.from({ length: count }, (_, i) => starts.of(i));

test('samples before the first start time have none, although nobody wrote zeros', () => {
  const starts = new StartTimes();
  starts.set(0, Float64Array.of(9, 9, 9, 9, 9));
  starts.clear();
  starts.none(0, 3);
  assert.equal(starts.any, false);
  starts.set(3, Float64Array.of(7));
  starts.none(4, 1);
  assert.deepEqual(list(starts, 5), [0, 0, 0, 7, 0]);
});

test('start times follow their samples when these move or are copied', () => {
  const starts = new StartTimes();
  starts.set(0, Float64Array.of(1, 2, 3));
  starts.move(2, 0);
  assert.deepEqual(list(starts, 3), [3, 2, 3]);
  const copy = new StartTimes();
  copy.copy(new StartTimes(), 0, 2, 0);
  assert.equal(copy.any, false);
  copy.copy(starts, 1, 3, 2);
  assert.deepEqual(list(copy, 4), [0, 0, 2, 3]);
});

test('there is room for any number of them, and what was there stays', () => {
  const starts = new StartTimes();
  starts.begin(0, 1)[0] = 5;
  starts.begin(100_000, 1)[100_000] = 6;
  assert.deepEqual([starts.of(0), starts.of(50_000), starts.of(100_000)], [5, 0, 6]);
});
