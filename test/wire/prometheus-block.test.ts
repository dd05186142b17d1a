// Whole blocks of Prometheus: the one that is handed out, and ones written by test/support.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import { isCorrupt } from '../../src/base/index.ts';
import { type Files, SimRandom, createRealWorld, createSimWorld } from '../../src/io/index.ts';
import { Labels, histogramText, newHistogram } from '../../src/model/index.ts';
import { PrometheusBlock, findPrometheusBlocks } from '../../src/wire/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { floatBits } from '../support/prometheus-bit-writer.ts';
import { type WrittenBlock, type WrittenSeries, writePrometheusBlock } from '../support/prometheus-block-writer.ts';
import { encodeHistogramChunk, encodeXor2Chunk, encodeXorChunk } from '../support/prometheus-chunk-writer.ts';
import { repositoryRoot } from '../support/sources.ts';

const HANDED_OUT = `${repositoryRoot}../shared/conformance/tsdb-block`;
const ULID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const OTHER = '01BX5ZZKBKACTAV9WEVGEMMVRZ';

/** One line per sample. */
async function dump(files: Files, path: string): Promise<string[]> {
  const lines: string[] = [];
  for (const found of await findPrometheusBlocks(files, path)) {
    const block = await PrometheusBlock.open(files, found);
    try {
      for await (const { labels, floats, histograms } of block.series()) {
        for (let i = 0; i < floats.count; i++) lines.push(`${labels} ${floats.vs[i]} ${floats.ts[i]}`);
        for (const one of histograms) lines.push(`${labels} ${histogramText(one.histogram)} ${one.timeMs}`);
      }
    } finally {
      await block.close();
    }
  }
  return lines;
}

const points = (from: number, ...values: number[]) =>
  values.map((value, i) => ({ timeMs: from + i * 1000, bits: floatBits(value) }));

function chunk(encoding: number, from: number, ...values: number[]) {
  const data = (encoding === 1 ? encodeXorChunk : encodeXor2Chunk)(points(from, ...values));
  return { encoding, data, minMs: from, maxMs: from + (values.length - 1) * 1000 };
}

const histogram = {
  timeMs: 5000,
  isStale: false,
  isInteger: true,
  startMs: 0,
  histogram: newHistogram({
    count: 3,
    sum: 4,
    zeroCount: 1,
    positive: { indexes: Int32Array.of(0), counts: Float64Array.of(2) },
  }),
};

const series: WrittenSeries[] = [
  { labels: Labels.from({ __name__: 'a', x: '1' }), chunks: [chunk(1, 1000, 1, 2, 3), chunk(4, 9000, 4, 5)] },
  {
    labels: Labels.from({ __name__: 'b', 'dotted.näme': 'ü' }),
    chunks: [{ encoding: 2, data: encodeHistogramChunk([histogram]), minMs: 5000, maxMs: 5000 }],
  },
];

const WHOLE = [
  '{__name__="a", x="1"} 1 1000',
  '{__name__="a", x="1"} 2 2000',
  '{__name__="a", x="1"} 3 3000',
  '{__name__="a", x="1"} 4 9000',
  '{__name__="a", x="1"} 5 10000',
  '{__name__="b", "dotted.näme"="ü"} {count:3, sum:4, [-0,0]:1, (0.5,1]:2} 5000',
];

const inSim = (program: (files: Files) => Promise<void>) => async () => {
  const sim = createSimWorld(1);
  await sim.run(() => program(sim.world.files));
};

describe('prometheus block', () => {
  test('the block that is handed out (index version 1) is read whole', async (t) => {
    if (!existsSync(HANDED_OUT)) return t.skip('../shared is not there');
    const lines = await dump(createRealWorld(HANDED_OUT).files, '');
    assert.equal(lines.length, 102);
    assert.equal(new Set(lines.map((line) => line.split('}')[0])).size, 102);
  });

  for (const version of [1, 2, 3]) {
    test(
      `an index of version ${version} is read, with its chunks and tombstones`,
      inSim(async (files) => {
        const ends = { minMs: 9000n, maxMs: 2n ** 63n - 1n };
        await writePrometheusBlock(files, ULID, {
          series,
          version,
          deleted: [
            { series: 0, minMs: 2000n, maxMs: 2000n },
            { series: 0, ...ends },
          ],
        });
        assert.deepEqual(await dump(files, ''), [WHOLE[0], WHOLE[2], WHOLE[5]]);
        await writePrometheusBlock(files, ULID, {
          series,
          version,
          deleted: [{ series: 1, minMs: -(2n ** 63n), maxMs: 5000n }],
        });
        assert.deepEqual(await dump(files, ULID), WHOLE.slice(0, 5));
      }),
    );
  }

  test(
    'overlapping chunks are brought in order of time, each time once',
    inSim(async (files) => {
      const overlapping = [
        { labels: Labels.from({ __name__: 'a' }), chunks: [chunk(1, 2000, 2, 3, 4), chunk(1, 1000, 1, 9)] },
      ];
      await writePrometheusBlock(files, ULID, { series: overlapping });
      assert.deepEqual(
        await dump(files, ''),
        [1, 2, 3, 4].map((n) => `{__name__="a"} ${n} ${n}000`),
      );
    }),
  );

  test(
    'blocks of a directory come by time, without those that another one replaces',
    inSim(async (files) => {
      const one = (from: number): WrittenBlock => ({
        series: [{ labels: Labels.from({ a: 'b' }), chunks: [chunk(1, from, 1)] }],
      });
      await writePrometheusBlock(files, `data/${ULID}`, one(5000));
      await writePrometheusBlock(files, `data/${OTHER}`, one(1000));
      await files.makeDirectory('data/wal');
      const ulids = async () => (await findPrometheusBlocks(files, 'data')).map(({ meta }) => meta.ulid);
      assert.deepEqual(await ulids(), [OTHER, ULID]);
      await writePrometheusBlock(files, `data/${OTHER}`, { ...one(1000), parents: [ULID] });
      assert.deepEqual(await ulids(), [OTHER]);
    }),
  );

  test(
    'a block with any bit flipped gives the same answer or a corrupt error that names the file',
    inSim(async (files) => {
      const random = new SimRandom(fuzzSeed(5));
      await writePrometheusBlock(files, ULID, { series, deleted: [{ series: 0, minMs: 1n, maxMs: 2n }] });
      for (const name of ['index', 'chunks/000001', 'tombstones']) {
        const path = `${ULID}/${name}`;
        const good = await files.readFile(path);
        for (let i = 0; i < fuzzCases(80); i++) {
          const bad = good.slice(0, random.chance(0.1) ? random.below(good.length) : good.length);
          if (bad.length === good.length) bad[random.below(bad.length)] ^= 1 << random.below(8);
          await files.writeFileAtomic(path, bad);
          try {
            assert.deepEqual(await dump(files, ''), WHOLE);
          } catch (error) {
            assert.ok(isCorrupt(error), String(error));
            assert.match(String(error), /cannot read 01ARZ3NDEKTSV4RRFFQ69G5FAV|cannot read a chunk: it is in file/);
          }
        }
        await files.writeFileAtomic(path, good);
      }
    }),
  );

  test(
    'a meta.json that is no such thing is refused with its path',
    inSim(async (files) => {
      await files.makeDirectory(ULID);
      const bad = async (text: string, message: RegExp) => {
        await files.writeFileAtomic(`${ULID}/meta.json`, new TextEncoder().encode(text));
        await assert.rejects(findPrometheusBlocks(files, ''), message);
      };
      await bad('{', /cannot read 01ARZ3NDEKTSV4RRFFQ69G5FAV\/meta.json: /);
      await bad('{"version":2}', /version 2 is not known; 1 is/);
      await bad('{"version":1,"ulid":"x","minTime":1.5,"maxTime":2}', /ulid, minTime or maxTime is missing/);
      await bad('[]', /version undefined is not known/);
    }),
  );
});
