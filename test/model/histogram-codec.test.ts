import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError, isCorrupt } from '../../src/base/index.ts';
import {
  type NativeHistogram,
  equalHistograms,
  histogramFromBytes,
  histogramToBytes,
  newHistogram,
} from '../../src/model/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { buckets, custom, exponential, randomHistogram, seeded } from './histogram-samples.ts';

test('a histogram comes back as it was', () => {
  const ok = (h: NativeHistogram): void => assert.deepEqual(histogramFromBytes(histogramToBytes(h)), h);
  ok(newHistogram());
  ok(exponential(3, buckets(-7, 1, 2, 3), { resetHint: 'gauge', zeroThreshold: 2 ** -128, zeroCount: 9 }));
  ok(exponential(-4, buckets(2 ** 31 - 2, 1), { negative: buckets(-(2 ** 31), 5) }));
  ok(exponential(0, { indexes: Int32Array.of(-5, -4, 0, 3), counts: Float64Array.of(1, 0, 7, 2) }));
  ok(exponential(0, buckets(0, 0.5, -1, Infinity), { count: -0, sum: -0 }));
  ok(exponential(0, buckets(0, 2 ** 51, 2 ** 51 + 1)));
  ok(exponential(0, buckets(0, 1), { zeroThreshold: 0.3 }));
  ok(custom([-1, 0, 2.5], 1, 0, 3));
  ok(custom([], 4));
});

test('random histograms come back as they were', () => {
  const random = seeded(fuzzSeed(1));
  for (let i = 0; i < fuzzCases(500); i++) {
    const h = randomHistogram(random);
    const bytes = histogramToBytes(h);
    const back = histogramFromBytes(bytes);
    assert.ok(equalHistograms(h, back));
    assert.equal(back.resetHint, h.resetHint);
    assert.deepEqual(histogramToBytes(back), bytes);
  }
});

test('common histograms take few bytes', () => {
  const counts = Array.from({ length: 20 }, (_, i) => 1000 + 37 * ((i * 7) % 20));
  const h = exponential(3, buckets(-10, ...counts), { sum: 123.456, zeroThreshold: 2 ** -128, zeroCount: 3 });
  assert.ok(histogramToBytes(h).length <= 60, `${histogramToBytes(h).length}`);
});

test('damaged bytes give a corrupt error or a legal histogram', () => {
  const random = seeded(fuzzSeed(2));
  const int = (n: number): number => Math.floor(random() * n);
  for (let i = 0; i < fuzzCases(4000); i++) {
    const bytes = histogramToBytes(randomHistogram(random));
    const damaged = random() < 0.3 ? bytes.slice(0, int(bytes.length)) : bytes;
    for (let k = int(3); k >= 0 && damaged.length > 0; k--) damaged[int(damaged.length)] = int(256);
    try {
      const h = histogramFromBytes(damaged);
      assert.ok(equalHistograms(histogramFromBytes(histogramToBytes(h)), h));
    } catch (error) {
      assert.ok(error instanceof TidemarkError && isCorrupt(error), String(error));
    }
  }
});

test('what the format does not allow is refused with the reason', () => {
  const bad = (bytes: readonly number[], text: RegExp): void =>
    assert.throws(() => histogramFromBytes(Uint8Array.from(bytes)), text);
  const zeros = Array.from({ length: 8 }, () => 0);
  bad([], /ends at 0/);
  bad([64], /flags are unknown/);
  bad([4, 18, ...zeros, 0], /schema is unknown; got 9/);
  bad([4, 0, ...zeros, 0, 7], /1 bytes follow/);
  bad([4 | 16, 0, ...zeros, 0, 0], /number of spans/);
  bad([4 | 16, 0, ...zeros, 0, 1, 0, 200, 1, 1], /span is too long/);
  bad([4 | 16, 0, ...zeros, 0, 2, 0, 0, 0, 0, 1, 1], /spans touch/);
  bad([4 | 16, 0, ...zeros, 0, 1, 0, 1, 1, 3], /count is out of range; got -1/);
  bad([4, 105, ...zeros, 0, 200, 1], /custom bounds end behind/);
  bad([4 | 8, 105, ...zeros, 0, 0, 1, 0], /no zero bucket/);
});
