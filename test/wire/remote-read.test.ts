import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader, ByteWriter, crc32c, isCorrupt } from '../../src/base/index.ts';
import { SimRandom } from '../../src/io/index.ts';
import { Labels, STALE_NAN_HIGH, STALE_NAN_LOW, equalHistograms } from '../../src/model/index.ts';
import { putBytes, putInt, putText } from '../../src/wire/protobuf.ts';
import { encodeHistogramChunk } from '../../src/wire/histogram-chunk.ts';
import { SampleBuffer, decodeXor } from '../../src/wire/prometheus-float-chunks.ts';
import { type HistogramSample, decodeHistograms } from '../../src/wire/prometheus-histogram-chunks.ts';
import { decodeReadRequest, putChunk, putLabels, readFrame } from '../../src/wire/remote-read.ts';
import { XorChunkWriter } from '../../src/wire/xor-chunk.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { randomHistogram } from '../support/histograms.ts';

const random = new SimRandom(fuzzSeed(71));
const dice = {
  roll: (sides: number): number => Math.floor(random.next() * sides),
  one: (sides: number): boolean => random.next() * sides < 1,
};

function request(matchers: readonly (readonly [number, string, string])[], types: readonly number[]): Uint8Array {
  const query = new ByteWriter();
  putInt(query, 1, -5);
  putInt(query, 2, 1_700_000_000_000);
  for (const [type, name, value] of matchers) {
    const part = new ByteWriter();
    putInt(part, 1, type);
    putText(part, 2, name);
    putText(part, 3, value);
    putBytes(query, 3, part.view());
  }
  const out = new ByteWriter();
  putBytes(out, 1, query.view());
  for (const type of types) putInt(out, 2, type);
  return out.finish();
}

test('a read request is decoded, negative times and all kinds of matchers included', () => {
  const message = decodeReadRequest(
    request(
      [
        [0, 'a', '1'],
        [1, 'b', ''],
        [2, 'c', '.+'],
        [3, 'd', 'x|y'],
      ],
      [7, 1, 0],
    ),
  );
  assert.deepEqual(message, {
    responseType: 'chunks',
    queries: [
      {
        startMs: -5,
        endMs: 1_700_000_000_000,
        matchers: [
          { name: 'a', op: '=', value: '1' },
          { name: 'b', op: '!=', value: '' },
          { name: 'c', op: '=~', value: '.+' },
          { name: 'd', op: '!~', value: 'x|y' },
        ],
      },
    ],
  });
  assert.equal(decodeReadRequest(request([], [])).responseType, 'samples');
  assert.throws(
    () => decodeReadRequest(request([], [9])),
    /does not support any of the requested response types: \[9\]/,
  );
  assert.throws(() => decodeReadRequest(request([[4, 'a', 'b']], [])), isCorrupt);
});

test('mutated read requests are decoded or refused as corrupt', () => {
  const good = request([[2, 'name', 'value.*']], [0, 1]);
  for (let i = 0; i < fuzzCases(2000); i++) {
    const bytes = good.slice(0, dice.one(3) ? dice.roll(good.length) : good.length);
    for (let n = dice.roll(3); n >= 0 && bytes.length > 0; n--) bytes[dice.roll(bytes.length)] = dice.roll(256);
    try {
      decodeReadRequest(bytes);
    } catch (error) {
      assert.ok(isCorrupt(error) || (error as { code: string }).code === 'bad_data', String(error));
    }
  }
});

test('XOR chunks hold the times and the bits of their samples', () => {
  const writer = new XorChunkWriter();
  for (let round = 0; round < fuzzCases(300); round++) {
    const count = 1 + dice.roll(120);
    const ts = new Float64Array(count);
    const words = new Uint32Array(2 * count);
    const vs = new Float64Array(words.buffer);
    let time = dice.one(4) ? -dice.roll(1e9) : 1_700_000_000_000;
    for (let i = 0; i < count; i++) {
      ts[i] = time;
      time += 1 + (dice.one(5) ? dice.roll(2 ** [4, 13, 16, 19, 24, 40][dice.roll(6)]) : 15_000);
      if (dice.one(3) && i > 0) vs[i] = vs[i - 1];
      else vs[i] = dice.one(2) ? dice.roll(1000) : random.next() * 10 ** (dice.roll(40) - 20);
      if (dice.one(20)) [words[2 * i], words[2 * i + 1]] = [STALE_NAN_LOW, STALE_NAN_HIGH];
      if (dice.one(20)) [words[2 * i], words[2 * i + 1]] = [dice.roll(2 ** 32), dice.roll(2 ** 32)];
    }
    const chunk = writer.encode(ts, words, 0, count);
    const read = new SampleBuffer();
    decodeXor(chunk, 0, chunk.length, read);
    assert.equal(read.count, count);
    assert.deepEqual(read.ts.subarray(0, count), ts);
    assert.deepEqual(read.vsWords.subarray(0, 2 * count), words);
  }
});

test('a histogram chunk holds its histogram', () => {
  for (let round = 0; round < fuzzCases(200); round++) {
    const histogram = randomHistogram(dice);
    const chunk = encodeHistogramChunk(1_700_000_000_000 + round, histogram);
    const found: HistogramSample[] = [];
    decodeHistograms(chunk, 0, chunk.length, { isInteger: false, hasStartTimes: false }, found);
    assert.equal(found.length, 1);
    assert.equal(found[0].timeMs, 1_700_000_000_000 + round);
    assert.ok(equalHistograms(found[0].histogram, histogram));
  }
});

test('a frame is a length, a checksum in big-endian order, and one chunked series', () => {
  const series = new ByteWriter();
  putLabels(series, Labels.from({ __name__: 'up', job: 'x' }));
  putChunk(series, 1, 2, 1, Uint8Array.of(1, 2, 3));
  const input = new ByteReader(readFrame(series.view(), 3, crc32c));
  const length = input.varint();
  const crc = new DataView(input.take(4).slice().buffer).getUint32(0);
  const message = input.take(length);
  input.end();
  assert.equal(crc, crc32c(message));
  const want = new ByteWriter();
  putBytes(want, 1, series.view());
  putInt(want, 2, 3);
  assert.deepEqual(message, want.finish());
});
