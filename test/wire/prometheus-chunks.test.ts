// Chunks of Prometheus' TSDB: what the formats describe is written by test/support and read by src/wire.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isCorrupt } from '../../src/base/index.ts';
import { SimRandom } from '../../src/io/index.ts';
import { newHistogram } from '../../src/model/index.ts';
import { type HistogramSample, SampleBuffer } from '../../src/wire/index.ts';
import { decodeChunk } from '../../src/wire/prometheus-chunk-files.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { floatBits } from '../support/prometheus-bit-writer.ts';
import {
  type FloatPoint,
  STALE_BITS,
  encodeHistogramChunk,
  encodeXor2Chunk,
  encodeXorChunk,
} from '../support/prometheus-chunk-writer.ts';

const encodings = { xor: 1, histogram: 2, floatHistogram: 3, xor2: 4, histogramST: 5, floatHistogramST: 6 };

function decode(encoding: number, data: Uint8Array) {
  const into = { floats: new SampleBuffer(), histograms: [] as HistogramSample[] };
  decodeChunk(encoding, data, 0, data.length, into);
  const { ts, vsWords, count } = into.floats;
  const floats = Array.from({ length: count }, (_, i) => ({
    timeMs: ts[i],
    bits: (BigInt(vsWords[2 * i + 1]) << 32n) | BigInt(vsWords[2 * i]),
    startMs: into.floats.starts.of(i),
  }));
  return { floats, histograms: into.histograms };
}

const SPECIAL = [STALE_BITS, 0x7ff8000000000001n, floatBits(-0), floatBits(Infinity), 0xffffffffffffffffn, 0n, 1n];
const STEPS = [15_000, 15_000, 15_000, 15_001, 14_000, 0, 100_000, 10_000_000, 2 ** 40];

function randomPoints(random: SimRandom): FloatPoint[] {
  const points: FloatPoint[] = [];
  let timeMs = random.below(2) * 1_700_000_000_000 - random.below(5);
  let value = 0;
  let startMs = random.chance(0.5) ? 0 : timeMs - 5000;
  const isRegular = random.chance(0.5);
  for (let left = 1 + random.below(200); left > 0; left--) {
    if (random.chance(0.6)) value = random.chance(0.5) ? value + random.below(10) : random.next() * 1e6;
    if (random.chance(0.05) && startMs !== 0) startMs = timeMs;
    const bits = random.chance(0.1) ? SPECIAL[random.below(SPECIAL.length)] : floatBits(value);
    points.push({ timeMs, bits, startMs });
    timeMs += isRegular && random.chance(0.9) ? 15_000 : STEPS[random.below(STEPS.length)];
  }
  return points;
}

function randomHistograms(random: SimRandom, isInteger: boolean): HistogramSample[] {
  const isCustom = random.chance(0.3);
  const indexes = (count: number) => {
    let index = random.below(20) - 10;
    return Int32Array.from({ length: count }, () => (index += 1 + random.below(2) * random.below(9)));
  };
  const layout = {
    schema: isCustom ? -53 : random.below(13) - 4,
    zeroThreshold: [0, 2 ** -128, 0.0123, 1024][random.below(4)],
    customBounds: Float64Array.from(isCustom ? [0.005, 1, 2.123456789, 40_000] : []),
  };
  const [positive, negative] = [indexes(random.below(9)), indexes(isCustom ? 0 : random.below(5))];
  const firstHint = (['unknown', 'reset', 'gauge'] as const)[random.below(3)];
  const count = () => (isInteger ? random.below(2 ** 20) : random.next() * 100);
  const counts = (of: Int32Array) => ({ indexes: of, counts: Float64Array.from(of, count) });
  let timeMs = 1_700_000_000_000;
  return Array.from({ length: 1 + random.below(20) }, (_, i) => {
    timeMs += 15_000 + random.below(5);
    const resetHint = firstHint === 'gauge' ? 'gauge' : i === 0 ? firstHint : 'not_reset';
    const values = { zeroCount: count(), count: count(), sum: random.next() * 1000 };
    const buckets = { positive: counts(positive), negative: counts(negative) };
    return {
      timeMs,
      isStale: false,
      isInteger,
      startMs: 0,
      histogram: newHistogram({ ...layout, resetHint, ...values, ...buckets }),
    };
  });
}

const withStart = ({ timeMs, bits, startMs = 0 }: FloatPoint) => ({ timeMs, bits, startMs });
const withoutStart = ({ timeMs, bits }: FloatPoint) => ({ timeMs, bits, startMs: 0 });

describe('prometheus chunks', () => {
  test('float chunks give back every bit', () => {
    const random = new SimRandom(fuzzSeed(1));
    for (let i = 0; i < fuzzCases(60); i++) {
      const points = randomPoints(random);
      assert.deepEqual(decode(encodings.xor, encodeXorChunk(points)).floats, points.map(withoutStart));
      assert.deepEqual(decode(encodings.xor2, encodeXor2Chunk(points)).floats, points.map(withStart));
    }
  });

  test('histogram chunks give back what was stored, with and without start times', () => {
    const random = new SimRandom(fuzzSeed(2));
    for (let i = 0; i < fuzzCases(60); i++) {
      const samples = randomHistograms(random, i % 2 === 0);
      const [plain, withStarts] = i % 2 === 0 ? [2, 5] : [3, 6];
      assert.deepEqual(decode(plain, encodeHistogramChunk(samples)).histograms, samples);
      const starts = samples.map(({ timeMs }) => (random.chance(0.3) ? timeMs - 1 : 1_600_000_000_000));
      assert.deepEqual(
        decode(withStarts, encodeHistogramChunk(samples, starts)).histograms,
        samples.map((sample, k) => ({ ...sample, startMs: starts[k] })),
      );
    }
  });

  test('a stale histogram has nothing but its time', () => {
    const [sample] = randomHistograms(new SimRandom(3), true);
    const stale = { ...sample, timeMs: sample.timeMs + 1000, isStale: true };
    const found = decode(encodings.histogram, encodeHistogramChunk([sample, stale])).histograms;
    assert.deepEqual([found[1].isStale, found[1].timeMs, found[1].histogram.count], [true, sample.timeMs + 1000, 0]);
    assert.equal(found[1].histogram.positive.counts.length, 0);
  });

  test('damaged chunks end in a corrupt error or an answer, never in a crash', () => {
    const random = new SimRandom(fuzzSeed(4));
    const points = randomPoints(random);
    const chunks: [number, Uint8Array][] = [
      [encodings.xor, encodeXorChunk(points)],
      [encodings.xor2, encodeXor2Chunk(points)],
      [encodings.histogram, encodeHistogramChunk(randomHistograms(random, true))],
      [encodings.floatHistogram, encodeHistogramChunk(randomHistograms(random, false))],
      [encodings.histogramST, encodeHistogramChunk(randomHistograms(random, true), new Array(30).fill(5))],
    ];
    for (let i = 0; i < fuzzCases(800); i++) {
      const [encoding, data] = chunks[random.below(chunks.length)];
      const bad = data.slice(0, random.chance(0.2) ? random.below(data.length) : data.length);
      for (let flips = random.below(3); flips >= 0 && bad.length > 0; flips--) {
        bad[random.below(bad.length)] ^= 1 << random.below(8);
      }
      try {
        decode(encoding, bad);
      } catch (error) {
        assert.ok(isCorrupt(error), String(error));
      }
    }
  });

  test('an encoding that is not known is refused', () => {
    assert.throws(() => decode(7, new Uint8Array(9)), /chunk encoding 7 is not known/);
  });
});

test('a buffer of samples sorts by time, and of equal times keeps the first', () => {
  const buffer = new SampleBuffer();
  for (const [time, low] of [
    [5, 1],
    [7, 2],
    [5, 3],
    [1, 4],
  ] as const)
    buffer.push(time, 0, low);
  buffer.sortByTime();
  assert.deepEqual(
    Array.from({ length: buffer.count }, (_, i) => [buffer.ts[i], buffer.vsWords[2 * i]]),
    [
      [1, 4],
      [5, 1],
      [7, 2],
    ],
  );
});
