// Answers as our own server encodes them, read by our own client.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, crc32c, isCorrupt } from '../../src/base/index.ts';
import { SimRandom } from '../../src/io/index.ts';
import { decodeSnappy } from '../../src/kernel/index.ts';
import { Labels, STALE_NAN_HIGH, STALE_NAN_LOW, equalHistograms } from '../../src/model/index.ts';
import {
  CHUNK_ENCODINGS,
  type RemoteReadSeries,
  XorChunkWriter,
  compressSnappy,
  decodeReadFrames,
  decodeReadRequest,
  decodeReadResponse,
  encodeHistogramChunk,
  encodeReadRequest,
  isChunkedAnswer,
  putBytes,
  putChunk,
  putLabels,
  putSample,
  readFrame,
  writeHistogram,
} from '../../src/wire/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { randomHistogram } from '../support/histograms.ts';

const random = new SimRandom(fuzzSeed(72));
const dice = {
  roll: (sides: number): number => Math.floor(random.next() * sides),
  one: (sides: number): boolean => random.next() * sides < 1,
};
const STALE = (BigInt(STALE_NAN_HIGH) << 32n) | BigInt(STALE_NAN_LOW);
const FRAME_MAX = 1 << 20;
const SAMPLES_MAX = 1 << 20;

interface Given {
  readonly labels: Labels;
  readonly times: readonly number[];
  readonly bits: readonly bigint[];
}

function someSeries(): Given[] {
  return Array.from({ length: 1 + dice.roll(4) }, (_, i) => {
    const times = Array.from({ length: dice.roll(9) }, (__, k) => 1000 * k + dice.roll(900) - 500);
    const float = new Float64Array(1);
    const bits = times.map(() => {
      float[0] = dice.roll(100) / 8;
      return dice.one(5) ? STALE : new BigUint64Array(float.buffer)[0];
    });
    return {
      labels: Labels.from([
        ['__name__', 'm'],
        ['i', String(i)],
      ]),
      times,
      bits,
    };
  });
}

function samplesAnswer(all: readonly Given[]): Uint8Array {
  const result = new ByteWriter();
  const part = new ByteWriter();
  for (const { labels, times, bits } of all) {
    const one = new ByteWriter();
    putLabels(one, labels);
    for (const [i, timeMs] of times.entries()) putSample(one, part, timeMs, bits[i]);
    putBytes(result, 1, one.view());
  }
  const out = new ByteWriter();
  putBytes(out, 1, result.view());
  return compressSnappy(out.view());
}

function chunksAnswer(all: readonly Given[]): Uint8Array {
  const out = new ByteWriter();
  for (const { labels, times, bits } of all) {
    const one = new ByteWriter();
    putLabels(one, labels);
    const words = Uint32Array.from(bits.flatMap((value) => [Number(value & 0xffff_ffffn), Number(value >> 32n)]));
    const data =
      times.length === 0 ? null : new XorChunkWriter().encode(Float64Array.from(times), words, 0, times.length);
    if (data) putChunk(one, times[0], times[times.length - 1], CHUNK_ENCODINGS.xor, data);
    out.bytes(readFrame(one.view(), 0, crc32c));
  }
  return out.finish();
}

const shown = (all: readonly RemoteReadSeries[]): unknown[] =>
  all.map(({ labels, floats }) => [
    labels.toString(),
    Array.from({ length: floats.count }, (_, i) => [
      floats.ts[i],
      (BigInt(floats.vsWords[2 * i + 1]) << 32n) | BigInt(floats.vsWords[2 * i]),
    ]),
  ]);

test('both kinds of answers give the samples that were put in, bit for bit', () => {
  for (let i = fuzzCases(100); i > 0; i--) {
    const all = someSeries();
    const want = all.map(({ labels, times, bits }) => [labels.toString(), times.map((timeMs, k) => [timeMs, bits[k]])]);
    assert.deepEqual(shown(decodeReadResponse(samplesAnswer(all), FRAME_MAX, SAMPLES_MAX)), want);
    assert.deepEqual(shown(decodeReadFrames(chunksAnswer(all), FRAME_MAX, SAMPLES_MAX)), want);
  }
});

test('native histograms come in both kinds of answers', () => {
  const labels = Labels.from([['__name__', 'h']]);
  for (let i = fuzzCases(50); i > 0; i--) {
    const histogram = randomHistogram(dice);
    const chunk = new ByteWriter();
    putLabels(chunk, labels);
    putChunk(chunk, 5, 5, CHUNK_ENCODINGS.floatHistogram, encodeHistogramChunk(5, histogram));
    const [fromChunk] = decodeReadFrames(readFrame(chunk.view(), 0, crc32c), FRAME_MAX, SAMPLES_MAX);
    const one = new ByteWriter();
    putLabels(one, labels);
    const part = new ByteWriter();
    writeHistogram(part, { timestampMs: 5, histogram });
    putBytes(one, 4, part.view());
    const result = new ByteWriter();
    putBytes(result, 1, one.view());
    const out = new ByteWriter();
    putBytes(out, 1, result.view());
    const [fromSample] = decodeReadResponse(compressSnappy(out.view()), FRAME_MAX, SAMPLES_MAX);
    for (const { histograms } of [fromChunk, fromSample]) {
      assert.equal(histograms[0].timeMs, 5);
      assert.ok(histograms[0].histogram && equalHistograms(histograms[0].histogram, histogram));
    }
  }
});

test('a request says what is wanted, and that chunks are wanted most', () => {
  const query = {
    startMs: -5,
    endMs: 7,
    matchers: [
      { name: 'a', op: '=~', value: 'x.*' },
      { name: 'b', op: '!=', value: '' },
    ],
  } as const;
  const message = decodeSnappy(encodeReadRequest(query), 1 << 16);
  assert.ok(message instanceof Uint8Array);
  assert.deepEqual(decodeReadRequest(message), { queries: [query], responseType: 'chunks' });
  assert.ok(isChunkedAnswer('application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse'));
  assert.ok(!isChunkedAnswer('application/x-protobuf'));
});

test('answers that are too large or damaged end in a corrupt error', () => {
  const all = someSeries();
  const answer = (): [Uint8Array, (bytes: Uint8Array) => unknown] =>
    dice.one(2)
      ? [chunksAnswer(all), (bytes) => decodeReadFrames(bytes, FRAME_MAX, SAMPLES_MAX)]
      : [samplesAnswer(all), (bytes) => decodeReadResponse(bytes, FRAME_MAX, SAMPLES_MAX)];
  assert.throws(() => decodeReadFrames(chunksAnswer(all), 3, SAMPLES_MAX), isCorrupt);
  assert.throws(() => decodeReadResponse(samplesAnswer(all), 3, SAMPLES_MAX), isCorrupt);
  const many = [{ labels: Labels.from([['a', 'b']]), times: [1, 2, 3], bits: [0n, 0n, 0n] }];
  assert.equal(decodeReadFrames(chunksAnswer(many), FRAME_MAX, 3).length, 1);
  assert.throws(() => decodeReadFrames(chunksAnswer(many), FRAME_MAX, 2), /more than 2 samples/);
  assert.throws(() => decodeReadResponse(samplesAnswer(many), FRAME_MAX, 2), /more than 2 samples/);
  const flipped = chunksAnswer(all);
  flipped[flipped.length - 1] ^= 1;
  assert.throws(() => decodeReadFrames(flipped, FRAME_MAX, SAMPLES_MAX), /fails its checksum/);
  for (let i = fuzzCases(1000); i > 0; i--) {
    const [good, decode] = answer();
    const bytes = good.slice(0, dice.one(3) ? dice.roll(good.length) : good.length);
    for (let n = dice.roll(3); n >= 0 && bytes.length > 0; n--) bytes[dice.roll(bytes.length)] = dice.roll(256);
    try {
      decode(bytes);
    } catch (error) {
      assert.ok(isCorrupt(error), String(error));
    }
  }
});
