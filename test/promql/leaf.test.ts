import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError, isCorrupt } from '../../src/base/index.ts';
import { type PackedHistograms, packHistograms, unpackHistograms } from '../../src/promql/leaf.ts';
import { buckets, exponential, randomHistogram, seeded } from '../model/histogram-samples.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

const packOf = (count: number, random: () => number): PackedHistograms =>
  packHistograms(
    Array.from({ length: count }, (_, i) => [3 * i, randomHistogram(random)] as const),
  ) as PackedHistograms;

test('packed histograms come back at their places, and the same one is packed once', () => {
  const [a, b] = [exponential(0, buckets(0, 1, 2)), exponential(2, buckets(-3, 5))];
  const pack = packHistograms([
    [0, a],
    [1, a],
    [7, b],
    [9, a],
  ]);
  assert.ok(pack);
  assert.equal(pack.ends.length, 2);
  assert.deepEqual(
    [...unpackHistograms(pack)],
    [
      [0, a],
      [1, a],
      [7, b],
      [9, a],
    ],
  );
  assert.equal(packHistograms([]), null);
});

test('a damaged pack gives a corrupt error or legal histograms', () => {
  const random = seeded(fuzzSeed(3));
  const int = (n: number): number => Math.floor(random() * n);
  for (let i = 0; i < fuzzCases(1000); i++) {
    const pack = packOf(1 + int(4), random);
    const target = [pack.bytes, pack.bytes, pack.ends, pack.which][int(4)];
    target[int(target.length)] = int(256);
    try {
      for (const [, h] of unpackHistograms(pack)) assert.ok(h.positive.counts.length === h.positive.indexes.length);
    } catch (error) {
      assert.ok(error instanceof TidemarkError && isCorrupt(error), String(error));
    }
  }
});
