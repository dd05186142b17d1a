import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planReads } from '../../../src/tsdb/block/page-fetch.ts';

test('pages near one another come with one read, distant ones and too many with more', () => {
  const bytes = 60_000;
  const extents = Array.from({ length: 200 }, (_, i) => ({
    offset: 16 + i * bytes,
    bytes,
    rawBytes: bytes,
    isCompressed: false,
    crc: 0,
  }));
  const ok = (wanted: number[], want: number[][]) => {
    const reads = planReads(extents, wanted);
    assert.deepEqual(
      reads.map(({ pages }) => pages),
      want,
    );
    for (const { offset, bytes: length, pages } of reads) {
      assert.equal(offset, extents[pages[0]].offset);
      assert.equal(offset + length, extents[pages[pages.length - 1]].offset + bytes);
    }
  };
  ok([], []);
  ok([5], [[5]]);
  ok([5, 6, 7], [[5, 6, 7]]);
  ok([5, 7], [[5, 7]]);
  ok([5, 8], [[5], [8]]);
  const many = Array.from({ length: 100 }, (_, i) => i);
  ok(
    many,
    [0, 17, 34, 51, 68, 85].map((from) => many.slice(from, from + 17)),
  );
});
