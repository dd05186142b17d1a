// The writer's memory of columns, by their bytes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RecentColumns } from '../../../src/tsdb/block/recent-columns.ts';

const column = (seed: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(seed + 1, 2654435761) >>> (i % 24)) + i);

describe('recent columns', () => {
  test('finds the part that has the same bytes', () => {
    const recent = new RecentColumns();
    for (let part = 0; part < 50; part++) assert.equal(recent.find(column(part, 100 + part), part), -1);
    for (let part = 0; part < 50; part++) assert.equal(recent.find(column(part, 100 + part), 60), part);
    assert.equal(recent.find(column(3, 102), 60), -1);
  });

  test('leaves tiny and huge columns alone', () => {
    const recent = new RecentColumns();
    for (const length of [4, 100_000]) {
      assert.equal(recent.find(column(1, length), 0), -1);
      assert.equal(recent.find(column(1, length), 1), -1);
    }
  });

  test('forgets what is far away, and all when a chunk ends', () => {
    const recent = new RecentColumns();
    const length = 30_001;
    for (let part = 0; part < 20; part++) assert.equal(recent.find(column(part, length), part), -1);
    assert.equal(recent.find(column(19, length), 20), 19);
    assert.equal(recent.find(column(15, length), 20), 15);
    assert.equal(recent.find(column(0, length), 20), -1);
    recent.clear();
    assert.equal(recent.find(column(19, length), 0), -1);
  });
});
