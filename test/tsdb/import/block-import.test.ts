// Imports against a map of samples: whatever comes in, in whatever order, is what a shard answers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isCorrupt, silentLogger, utf8 } from '../../../src/base/index.ts';
import { type Files, SimRandom, type SimWorld, createSimWorld } from '../../../src/io/index.ts';
import {
  INTAKE_LIMITS_DEFAULT,
  createBlockWasm,
  createIntakeTwin,
  decodeBatch,
  loadKernel,
  newSegmentState,
} from '../../../src/kernel/index.ts';
import { type HistogramSamples, Labels, type NativeHistogram, histogramToBytes } from '../../../src/model/index.ts';
import { BlockImport, Shard, listBlocks } from '../../../src/tsdb/index.ts';
import { Block } from '../../../src/tsdb/block/block.ts';
import { BlockCache } from '../../../src/tsdb/block/block-cache.ts';
import { BlockWriter } from '../../../src/tsdb/block/block-writer.ts';
import { symbolList } from '../../../src/tsdb/block/symbols.ts';
import { SampleBuffer, compressSnappy, encodeRemoteWriteV1 } from '../../../src/wire/index.ts';
import { randomHistogram } from '../../support/histograms.ts';
import { fuzzCases, fuzzSeed } from '../../support/fuzz.ts';

const [headModule, blockModule] = await Promise.all(['head', 'block'].map(loadKernel));
const kernel = createBlockWasm(blockModule);
const ALL = [-(2 ** 53), 2 ** 53] as const;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = 19_000 * DAY_MS;
const manifest = { version: 1, shards: 3, key: Uint8Array.from({ length: 32 }, (_, i) => i * 5) };

const openImport = (files: Files, tenant = 'anonymous') =>
  BlockImport.open({ files, kernel, manifest, tenant, breathe: () => undefined, onWritten: () => {} });

/** Times and values of one series. */
type Value = number | NativeHistogram;
type Points = readonly (readonly [timeMs: number, value: Value])[];

function add(target: BlockImport, series: number, points: Points): void {
  const buffer = new SampleBuffer();
  const histograms: HistogramSamples = { at: [], bytes: [] };
  const view = new DataView(new ArrayBuffer(8));
  const first = points.filter(([timeMs], i) => points.findIndex((other) => other[0] === timeMs) === i);
  for (const [timeMs, value] of first.sort((a, b) => a[0] - b[0])) {
    if (typeof value !== 'number') {
      histograms.at.push(buffer.count);
      histograms.bytes.push(histogramToBytes(value));
    }
    view.setFloat64(0, typeof value === 'number' ? value : 7);
    buffer.push(timeMs, view.getUint32(0), view.getUint32(4));
  }
  target.samples(series, buffer, buffer.count, histograms);
}

const textOf = (value: Value): string =>
  typeof value === 'number' ? `${value}` : Buffer.from(histogramToBytes(value)).toString('hex');

async function importAll(files: Files, all: readonly (readonly [Labels, Points])[], tenant?: string) {
  const target = await openImport(files, tenant);
  for (const [labels, points] of all) add(target, target.series(labels), points);
  return target.finish();
}

/** Everything that the shards answer for a tenant: `labels time value`, sorted. */
async function answers(sim: SimWorld, tenant = 'anonymous'): Promise<string[]> {
  const lines: string[] = [];
  for (let shard = 0; shard < manifest.shards; shard++) {
    const { files, clock } = sim.world;
    const opened = await Shard.open({ files, clock, shard, module: headModule, blockModule, logger: silentLogger });
    const set = await opened.source.select(tenant, [], ...ALL);
    for (let i = 0; i < set.length; i++) {
      await set.prefetch?.(i);
      const room = set.samplesMax(i, ...ALL);
      const vs = new Float64Array(room);
      const histograms: HistogramSamples = { at: [], bytes: [] };
      const column = { ts: new Float64Array(room), vs, vsWords: new Uint32Array(vs.buffer), histograms };
      const count = set.read(i, ...ALL, column);
      const texts = new Map(histograms.at.map((at, h) => [at, Buffer.from(histograms.bytes[h]).toString('hex')]));
      for (let k = 0; k < count; k++) lines.push(`${set.labels(i)} ${column.ts[k]} ${texts.get(k) ?? vs[k]}`);
    }
    set.release?.();
    await opened.close();
  }
  return lines.sort();
}

const inSim = (seed: number, program: (sim: SimWorld) => Promise<void>) => async () => {
  const sim = createSimWorld(seed);
  await sim.run(() => program(sim));
};

describe('block import', () => {
  test(
    'what comes in any order is answered whole, each time once, the first one that came',
    inSim(1, async (sim) => {
      const random = new SimRandom(fuzzSeed(1));
      for (let round = 0; round < fuzzCases(3); round++) {
        const tenant = `t${round}`;
        const want = new Map<string, string>();
        const target = await openImport(sim.world.files, tenant);
        for (let piece = 0; piece < 60; piece++) {
          const labels = Labels.from({
            __name__: `m${random.below(5)}`,
            A: `${random.below(4)}`,
            ü: `${random.below(2)}`,
          });
          const points: [number, Value][] = [];
          // A time is of a histogram or of a double for all that come: of the two the double would count.
          const dice = {
            roll: (sides: number) => random.below(sides),
            one: (sides: number) => random.below(sides) === 0,
          };
          for (let i = random.below(50); i >= 0; i--) {
            const timeMs = START_MS - random.below(3) * DAY_MS - random.below(DAY_MS / 60_000) * 60_000;
            const isHistogram = labels.get('A') === '1' || (labels.get('A') === '2' && timeMs % 420_000 === 0);
            points.push([timeMs, isHistogram ? randomHistogram(dice) : random.below(100)]);
          }
          const series = target.series(labels);
          add(target, series, points);
          for (const [timeMs, value] of points) {
            const key = `${labels} ${timeMs}`;
            if (!want.has(key)) want.set(key, `${key} ${textOf(value)}`);
          }
          if (random.chance(0.3)) await target.flush();
        }
        const blocks = await target.finish();
        assert.deepEqual(await answers(sim, tenant), [...want.values()].sort());
        assert.equal(
          blocks.reduce((sum, { meta }) => sum + meta.samples, 0),
          want.size,
        );
      }
      assert.deepEqual(await sim.world.files.list('import.tmp'), []);
    }),
  );

  test(
    'the last day before the newest sample comes in windows of 2 h, what is older in whole days',
    inSim(2, async (sim) => {
      const { files } = sim.world;
      const points: Points = Array.from({ length: 80 }, (_, i) => [START_MS + i * HOUR_MS, i]);
      const blocks = await importAll(files, [[Labels.from({ __name__: 'a' }), points]]);
      const spans = blocks.map(({ meta }) => [meta.windowStartMs - START_MS, meta.windowEndMs - START_MS, meta.level]);
      const windows = Array.from({ length: 16 }, (_, i) => [
        2 * DAY_MS + i * 2 * HOUR_MS,
        2 * DAY_MS + (i + 1) * 2 * HOUR_MS,
        0,
      ]);
      assert.deepEqual(spans, [[0, DAY_MS, 1], [DAY_MS, 2 * DAY_MS, 1], ...windows]);
      const target = await openImport(files);
      add(target, target.series(Labels.from({ __name__: 'a' })), [[START_MS, 1]]);
      const [only] = await target.finish(START_MS + HOUR_MS);
      assert.equal(only.meta.windowEndMs - only.meta.windowStartMs, 2 * HOUR_MS);
    }),
  );

  test(
    'a second import of the same time has names of its own, also beside sources of compacted blocks',
    inSim(3, async (sim) => {
      const { files } = sim.world;
      const labels = Labels.from({ __name__: 'a' });
      const [first] = await importAll(files, [[labels, [[START_MS, 1]]]]);
      const [second] = await importAll(files, [
        [
          labels,
          [
            [START_MS, 2],
            [START_MS + 1, 3],
          ],
        ],
      ]);
      assert.equal(second.path, first.path.replace('0.block', '1.block'));
      const line = (offset: number, value: number) => `{__name__="a"} ${START_MS + offset} ${value}`;
      assert.deepEqual(await answers(sim), [line(0, 1), line(1, 3)]);
      // A compacted block whose source is gone, but not forgotten: a file of that name would be removed at the next start.
      const directory = first.path.slice(0, first.path.lastIndexOf('/'));
      const names = [first, second].map(({ path }) => path.slice(directory.length + 1));
      const writer = await BlockWriter.create(
        files,
        `${directory}/${START_MS}-${START_MS + DAY_MS}-1-00000009-0000000000.block`,
        kernel,
        symbolList(['anonymous', '__name__', 'z']),
      );
      kernel.reserve(1);
      kernel.ts[0] = START_MS;
      kernel.vs[0] = 1;
      writer.add(1, [0, 2], new Uint32Array(4), 1);
      const position = { segment: 9, offset: 0 };
      await writer.finish({ ...first.meta, windowEndMs: START_MS + DAY_MS, position, sources: names });
      for (const { path } of [first, second]) await files.remove(path);
      const [third] = await importAll(files, [[labels, [[START_MS, 4]]]]);
      assert.equal(third.path, first.path.replace('0.block', '2.block'));
      assert.ok((await answers(sim)).includes(line(0, 4)));
      assert.equal((await listBlocks(files, manifest.shards)).length, 2);
    }),
  );

  test(
    'series have the ids and shards that the intake gives them',
    inSim(4, async (sim) => {
      const all = Array.from({ length: 30 }, (_, i) =>
        Labels.from({ __name__: 'm', i: `${i}`, long: 'x'.repeat(i * 13) }),
      );
      const twin = createIntakeTwin({ shards: manifest.shards, key: manifest.key });
      twin.beginRequest(utf8('acme'));
      const request = all.map((labels) => ({ labels: [...labels], samples: [{ timestampMs: START_MS, value: 1 }] }));
      twin.remoteWrite1(compressSnappy(encodeRemoteWriteV1(request)), INTAKE_LIMITS_DEFAULT);
      const want: string[] = [];
      for (let shard = 0; shard < manifest.shards; shard++) {
        const segment = newSegmentState();
        decodeBatch(twin.batch(shard), segment);
        for (const { idLow, idHigh } of segment.series) want.push(`${shard} ${idLow} ${idHigh}`);
      }
      const found: string[] = [];
      for (const { path, meta } of await importAll(
        sim.world.files,
        all.map((labels) => [labels, [[START_MS, 1]]]),
        'acme',
      )) {
        const block = await Block.open(sim.world.files, path, new BlockCache(1 << 20));
        const ids = (await block.index()).ids(new Uint32Array(meta.series).map((_, i) => i));
        const u64 = (at: number) => (BigInt(ids[at + 1]) << 32n) | BigInt(ids[at]);
        for (let at = 0; at < ids.length; at += 4) found.push(`${meta.shard} ${u64(at)} ${u64(at + 2)}`);
        await block.close();
      }
      assert.deepEqual(found.sort(), want.sort());
    }),
  );

  test(
    'a spool that the disk gives back with another bit ends the import with a corrupt error',
    inSim(6, async (sim) => {
      const { files } = sim.world;
      const random = new SimRandom(fuzzSeed(6));
      for (let i = 0; i < fuzzCases(60); i++) {
        const target = await openImport(files);
        for (let n = 0; n < 3; n++) {
          add(target, target.series(Labels.from({ a: `${n}` })), [
            [START_MS, 1],
            [START_MS + 15_000, n],
            [START_MS + 16_000, 2],
          ]);
        }
        await target.flush();
        const path = `import.tmp/${START_MS}.spool`;
        sim.disk.flipBit(path, random.below((await files.stat(path))?.sizeBytes ?? 0));
        await assert.rejects(
          target.finish(),
          (error) => isCorrupt(error) && /cannot read import\.tmp/.test(String(error)),
        );
        await target.abort();
      }
      assert.deepEqual(await listBlocks(files, manifest.shards), []);
    }),
  );

  test(
    'an import that is given up leaves nothing, and the next one begins anew',
    inSim(5, async (sim) => {
      const { files } = sim.world;
      const target = await openImport(files);
      add(target, target.series(Labels.from({ a: 'b' })), [[START_MS, 1]]);
      await target.flush();
      await target.abort();
      assert.deepEqual(await files.list('import.tmp'), []);
      assert.deepEqual(await listBlocks(files, manifest.shards), []);
    }),
  );
});
