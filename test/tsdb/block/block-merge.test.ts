// Compaction against a model: maps of samples, in which the first block wins.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Files, createRealWorld } from '../../../src/io/index.ts';
import { createBlockWasm, loadKernel } from '../../../src/kernel/index.ts';
import { Block } from '../../../src/tsdb/block/block.ts';
import { BlockCache } from '../../../src/tsdb/block/block-cache.ts';
import { type DeletedRanges, mergeBlocks } from '../../../src/tsdb/block/block-merge.ts';
import { PART_SAMPLES_MAX } from '../../../src/tsdb/block/block-writer.ts';
import {
  BLOCK_START,
  META,
  type ModelSample,
  type ModelSeries,
  bitsOf,
  compareModel,
  keyOf,
  randomSamples,
  randomSeries,
  readBlock,
  seeded,
  writeBlock,
} from '../../support/block-model.ts';
import { temporaryDirectory } from '../../support/temp-directory.ts';

const kernel = createBlockWasm(await loadKernel('block'));

type Deletes = (block: number, series: ModelSeries) => DeletedRanges;

/** What the merge of blocks should hold. */
function merged(inputs: readonly (readonly ModelSeries[])[], deletes: Deletes): ModelSeries[] {
  const all = new Map<string, { first: ModelSeries; samples: Map<number, ModelSample> }>();
  for (const [number, block] of inputs.entries()) {
    for (const series of block) {
      const entry = all.get(keyOf(series)) ?? { first: series, samples: new Map<number, ModelSample>() };
      all.set(keyOf(series), entry);
      const gone = deletes(number, series);
      for (const sample of series.samples) {
        const [timeMs] = sample;
        if (gone.some(([from, to]) => timeMs >= from && timeMs <= to)) continue;
        if (!entry.samples.has(timeMs)) entry.samples.set(timeMs, sample);
      }
    }
  }
  const out = [...all.values()].map(({ first, samples }) => ({
    ...first,
    samples: [...samples.values()].sort((a, b) => a[0] - b[0]),
  }));
  return out.filter(({ samples }) => samples.length > 0).sort(compareModel);
}

async function openAll(files: Files, inputs: readonly (readonly ModelSeries[])[]): Promise<Block[]> {
  const cache = new BlockCache(1 << 24);
  const blocks: Block[] = [];
  for (const [i, series] of inputs.entries()) {
    await writeBlock(files, `${i}.block`, kernel, series);
    blocks.push(await Block.open(files, `${i}.block`, cache));
  }
  return blocks;
}

async function check(files: Files, inputs: readonly (readonly ModelSeries[])[], deletes: Deletes = () => []) {
  const blocks = await openAll(files, inputs);
  const sorted = inputs.map((series) => [...series].sort(compareModel));
  let breaths = 0;
  const meta = await mergeBlocks({
    files,
    inputs: blocks,
    outPath: 'out.block',
    kernel,
    meta: { ...META, level: 1, sources: inputs.map((_, i) => `${i}.block`) },
    gone: (block, index, tenant) => {
      const number = blocks.indexOf(block);
      const range = index.tenantRange(tenant);
      const gone = new Map<number, DeletedRanges>();
      for (let series = range?.from ?? 0; series < (range?.to ?? 0); series++) {
        const ranges = deletes(number, sorted[number][series]);
        if (ranges.length > 0) gone.set(series, ranges);
      }
      return gone.size > 0 ? gone : null;
    },
    breathe: () => {
      breaths++;
      return undefined;
    },
  });
  for (const block of blocks) await block.close();
  const want = merged(inputs, deletes);
  if (want.length === 0) {
    assert.equal(meta, null);
    assert.deepEqual(
      (await files.list('')).filter((name) => name.startsWith('out')),
      [],
    );
    return;
  }
  assert.ok(breaths >= want.length);
  const out = await Block.open(files, 'out.block', new BlockCache(1 << 24));
  assert.deepEqual(out.meta, meta);
  assert.equal(
    out.meta.samples,
    want.reduce((sum, { samples }) => sum + samples.length, 0),
  );
  assert.deepEqual(await readBlock(out, kernel), want);
  assert.deepEqual(await out.verify(kernel), []);
  await out.close();
}

/** The same series in several blocks: each block has most of them, each with samples of its own span. */
function overlapping(seed: number, blocks: number, series: number, spanSteps: number): ModelSeries[][] {
  const random = seeded(seed);
  const base = randomSeries(random, series, 1);
  return Array.from({ length: blocks }, (_, block) =>
    base
      .filter(() => random.next() < 0.8)
      .map((one) => ({ ...one, samples: randomSamples(random, 60, BLOCK_START + block * spanSteps * 15_000) })),
  );
}

describe('merge of blocks', () => {
  test('of windows that follow one another', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    await check(files, overlapping(1, 6, 150, 70));
  });

  test('of overlapping blocks: of equal times the first one stays', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    for (let seed = 2; seed < 6; seed++) await check(files, overlapping(seed, 3, 60, seed === 2 ? 0 : 20));
  });

  test('of blocks of different series, more than a chunk has', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    await check(files, [
      randomSeries(seeded(8), 1500, 4),
      randomSeries(seeded(9), 1500, 4),
      randomSeries(seeded(10), 3, 4),
    ]);
  });

  test('of one block alone', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    await check(files, [randomSeries(seeded(8), 50, 40)]);
  });

  test('leaves out what was deleted, and series of which nothing is left', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    const middle = BLOCK_START + 30 * 15_000;
    const deletes: Deletes = (block, { labels }) => {
      const job = new Map(labels).get('job');
      if (job === 'db') return [[-Infinity, Infinity]];
      return job === 'api' && block !== 1
        ? [
            [middle, middle + 60_000],
            [0, BLOCK_START],
          ]
        : [];
    };
    await check(files, overlapping(20, 3, 80, 10), deletes);
    await check(files, overlapping(21, 1, 80, 10), deletes);
  });

  test('writes nothing when nothing is left', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    await check(files, overlapping(30, 2, 20, 10), () => [[0, Infinity]]);
  });

  test('of a series longer than a part', async (t) => {
    const { files } = createRealWorld(await temporaryDirectory(t));
    const count = PART_SAMPLES_MAX + 1000;
    const of = (fromMs: number, everyMs: number, add: number): ModelSeries => ({
      tenant: 't',
      labels: [['__name__', 'm']],
      id: [1, 2, 3, 4],
      samples: Array.from({ length: count }, (_, i) => [fromMs + i * everyMs, bitsOf((i % 5) + add)]),
    });
    await check(files, [
      [of(BLOCK_START, 20, 0)],
      [of(BLOCK_START + 10, 20, 100)],
      [of(BLOCK_START + count * 20, 1, 0)],
    ]);
  });
});
