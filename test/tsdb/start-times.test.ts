// Start times of samples through head and blocks: what was written comes back with its sample, whatever happens to it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isCorrupt } from '../../src/base/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import { createBlockTwin, loadKernel } from '../../src/kernel/index.ts';
import { StartTimes, histogramToBytes } from '../../src/model/index.ts';
import { Block } from '../../src/tsdb/block/block.ts';
import { BlockCache } from '../../src/tsdb/block/block-cache.ts';
import { verifyBlock } from '../../src/tsdb/block/block-verify.ts';
import { countSamples, decodeSamples, encodeSamples, hasStarts } from '../../src/tsdb/block/start-column.ts';
import { Head } from '../../src/tsdb/head.ts';
import { Dice, mutate } from '../kernel/intake-traffic.ts';
import { BatchBuilder, type TestStarted } from '../support/batch-builder.ts';
import { BLOCK_START, type ModelSample, type ModelSeries, writeBlock } from '../support/block-model.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { randomHistogram } from '../support/histograms.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const module = await loadKernel('head');
const ALL_MS = 2 ** 53;
const HOUR_MS = 3_600_000;

const column = (samples: number) => {
  const vs = new Float64Array(samples);
  const histograms = { at: [] as number[], bytes: [] as Uint8Array[] };
  const words = new Uint32Array(vs.buffer);
  return { ts: new Float64Array(samples), vs, vsWords: words, histograms, starts: new StartTimes() };
};

function shown(head: Head): [timeMs: number, value: number, startMs: number][] {
  const into = column(1000);
  const count = head.readSeries(0, -ALL_MS, ALL_MS, into, 0);
  return Array.from({ length: count }, (_, i) => [into.ts[i], into.vs[i], into.starts.of(i)]);
}

describe('start times in the head', () => {
  const series = [{ labels: [['__name__', 'a']] as const }];

  test('belong to the sample that counts: the first of a time, with or without one', () => {
    const head = new Head(module);
    const builder = new BatchBuilder(series);
    const put = (timeMs: number, value: number, startMs: number) => {
      const started: TestStarted[] = startMs === 0 ? [] : [{ series: 0, timeMs, startMs, value }];
      const plain = startMs === 0 ? [{ series: 0, timeMs, value }] : [];
      head.apply(builder.build('t', plain, [], [], started), { segment: 0, offset: 0 });
    };
    put(1000, 1, 0);
    put(3000, 3, 2500);
    put(3000, 4, 2600);
    put(1000, 1, 700);
    put(4000, 5, 0);
    put(2000, 2, 1500);
    assert.deepEqual(shown(head), [
      [1000, 1, 0],
      [2000, 2, 1500],
      [3000, 3, 2500],
      [4000, 5, 0],
    ]);
    const { samples, duplicates, conflicts, outOfOrder } = head.memory.counters();
    assert.deepEqual([samples, duplicates, conflicts, outOfOrder], [4, 1, 1, 1]);
    assert.equal(head.memory.liveSeries, 1, 'a series and its start times are one');
    assert.equal(head.deleteRange(0, 2000, 3000), 2);
    assert.deepEqual(shown(head), [
      [1000, 1, 0],
      [4000, 5, 0],
    ]);
  });

  test('leave it with their samples, and no series is listed for them', () => {
    const head = new Head(module);
    const builder = new BatchBuilder(series);
    const started = Array.from({ length: 300 }, (_, i) => ({ series: 0, timeMs: i * 60_000, startMs: -5, value: i }));
    head.apply(builder.build('t', [], [], [], started), { segment: 0, offset: 0 });
    assert.equal(head.cutBegin(2 * HOUR_MS, -ALL_MS), 1);
    assert.deepEqual([...head.cutSeries()], [0]);
    const into = { ...column(300), reserve: () => undefined };
    const starts = new StartTimes();
    assert.equal(head.readCut(0, -ALL_MS, ALL_MS, into, undefined, starts), 120);
    assert.deepEqual([starts.of(0), starts.of(119)], [-5, -5]);
    head.cutDrop();
    assert.equal(shown(head).length, 180);
    assert.ok(shown(head).every(([, , startMs]) => startMs === -5));
  });
});

describe('blocks with start times', () => {
  const kernel = createBlockTwin();
  const series = (...samples: ModelSample[]): ModelSeries => ({
    tenant: 't',
    labels: [['a', 'b']],
    id: [1, 2, 3, 4],
    samples,
  });

  test('say a version that older builds refuse; others are written as before', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    const plain = await writeBlock(files, 'plain.block', kernel, [series([BLOCK_START, 1n])]);
    const started = await writeBlock(files, 'started.block', kernel, [series([BLOCK_START, 1n, 5])]);
    assert.deepEqual([plain.version, started.version], [1, 2]);
    for (const [path, version] of [
      ['plain.block', 1],
      ['started.block', 2],
    ] as const) {
      const bytes = await files.readFile(path);
      assert.deepEqual([bytes[4], bytes[bytes.length - 16]], [version, version], 'in header and tail');
      const block = await Block.open(files, path, new BlockCache(1 << 20));
      assert.deepEqual(await verifyBlock(block, kernel), []);
    }
  });
});

describe('columns with start times', () => {
  const kernel = createBlockTwin();

  function encoded(dice: Dice) {
    const count = 1 + dice.roll(3000);
    kernel.reserve(count);
    const values = Array.from({ length: count }, (_, i) => (dice.one(9) ? dice.roll(1e9) : i));
    const starts = new StartTimes();
    const begin = 1_700_000_000_000;
    const kind = dice.roll(3);
    const ms = values.map((_, i) => (kind === 0 ? begin : kind === 1 ? begin + i * 15_000 : dice.pick([0, begin, -7])));
    starts.set(0, Float64Array.from(ms));
    const at = dice.one(2) ? [] : values.map((_, i) => i).filter(() => dice.one(50));
    const bytes = at.map(() => histogramToBytes(randomHistogram(dice)));
    kernel.vs.set(values);
    const encodedBytes = encodeSamples(kernel, count, { at, bytes }, starts, 0).slice();
    return { count, values, ms, at, bytes, encodedBytes };
  }

  test('give back values, histograms and start times, in whole or in part', () => {
    const dice = new Dice(fuzzSeed(41));
    for (let i = 0; i < fuzzCases(40); i++) {
      const { count, values, ms, at, bytes, encodedBytes } = encoded(dice);
      assert.equal(
        hasStarts(encodedBytes),
        ms.some((one) => one !== 0),
      );
      assert.equal(countSamples(kernel, encodedBytes), count);
      const from = dice.roll(count);
      const to = from + 1 + dice.roll(count - from);
      const into = column(count + 2);
      kernel.reserve(count);
      decodeSamples(kernel, encodedBytes, from, to, into, 2);
      assert.deepEqual(
        Array.from({ length: to - from }, (_, k) => into.starts.of(k + 2)),
        ms.slice(from, to),
      );
      const inRange = at.filter((place) => place >= from && place < to);
      assert.deepEqual(
        into.histograms.at,
        inRange.map((place) => place - from + 2),
      );
      assert.deepEqual(
        into.histograms.bytes.map((one) => Buffer.from(one)),
        inRange.map((place) => Buffer.from(bytes[at.indexOf(place)])),
      );
      const isFloat = (k: number) => !at.includes(k + from);
      const got = Array.from(into.vs.subarray(2, 2 + to - from)).filter((_, k) => isFloat(k));
      assert.deepEqual(
        got,
        values.slice(from, to).filter((_, k) => isFloat(k)),
      );
    }
  });

  test('that are damaged end in a corrupt error or an answer, never in a crash', () => {
    const dice = new Dice(fuzzSeed(42));
    for (let i = 0; i < fuzzCases(300); i++) {
      const { count, encodedBytes } = encoded(dice);
      const bytes = mutate(dice, encodedBytes);
      kernel.reserve(count);
      try {
        countSamples(kernel, bytes);
        decodeSamples(kernel, bytes, 0, count, column(count), 0);
      } catch (error) {
        assert.ok(isCorrupt(error), String(error));
      }
    }
  });

  test('take next to nothing where the counter goes on', () => {
    const count = 1440;
    kernel.reserve(count);
    kernel.vs.set(Float64Array.from({ length: count }, (_, i) => i));
    const plain = kernel.encodeValues(count).length;
    const starts = new StartTimes();
    starts.set(0, new Float64Array(count).fill(1_700_000_000_000));
    assert.ok(encodeSamples(kernel, count, { at: [], bytes: [] }, starts, 0).length <= plain + 16);
  });
});
