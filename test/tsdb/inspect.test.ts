// Tools that look at a data directory: what they list, and that no flipped bit escapes a check.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Files, SimRandom, type SimWorld, createSimWorld } from '../../src/io/index.ts';
import { createBlockWasm, loadKernel } from '../../src/kernel/index.ts';
import { Labels } from '../../src/model/index.ts';
import { BlockImport, listBlocks, metricBytes, verifyStore } from '../../src/tsdb/index.ts';
import { SampleBuffer } from '../../src/wire/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

const [headModule, blockModule] = await Promise.all(['head', 'block'].map(loadKernel));
const kernel = createBlockWasm(blockModule);
const manifest = { version: 1, shards: 1, key: new Uint8Array(32) };
const START_MS = 19_000 * 86_400_000;

async function writeBlocks(files: Files, tenant = 'anonymous') {
  const options = { files, kernel, manifest, tenant, breathe: () => undefined, onWritten: () => {} };
  const target = await BlockImport.open(options);
  const buffer = new SampleBuffer();
  for (let i = 0; i < 30; i++) {
    buffer.clear();
    // High words of floats that differ a lot: their columns cannot be small.
    for (let k = 0; k < 40; k++)
      buffer.push(START_MS + k * 15_000, i % 2 === 0 ? 0 : 0x40000000 + k * 7_919_321, k * i);
    target.samples(target.series(Labels.from({ __name__: i % 2 === 0 ? 'flat' : 'wild', i: `${i}` })), buffer, 40);
  }
  return target.finish();
}

async function problemsOf(files: Files): Promise<string[]> {
  const problems: string[] = [];
  for await (const file of verifyStore({ files, shards: 1, kernel, headModule })) problems.push(...file.problems);
  return problems;
}

const inSim = (seed: number, program: (sim: SimWorld) => Promise<void>) => async () => {
  const sim = createSimWorld(seed);
  await sim.run(() => program(sim));
};

describe('inspection of a data directory', () => {
  test(
    'blocks are listed with what they say of themselves, damaged ones with the reason',
    inSim(1, async (sim) => {
      const { files } = sim.world;
      const [{ path, meta }] = await writeBlocks(files);
      assert.deepEqual(
        (await listBlocks(files, 1)).map((block) => [block.path, block.meta, block.problem]),
        [[path, meta, '']],
      );
      const sizeBytes = (await files.stat(path))?.sizeBytes ?? 0;
      sim.disk.flipBit(path, sizeBytes - 1);
      const [damaged] = await listBlocks(files, 1);
      assert.deepEqual([damaged.path, damaged.meta, damaged.sizeBytes], [path, null, sizeBytes]);
      assert.match(damaged.problem, /cannot read blocks\/000/);
    }),
  );

  test(
    'any flipped bit of a block is found by verify',
    inSim(2, async (sim) => {
      const { files } = sim.world;
      const [{ path }] = await writeBlocks(files);
      assert.deepEqual(await problemsOf(files), []);
      const good = await files.readFile(path);
      const random = new SimRandom(fuzzSeed(2));
      for (let i = 0; i < fuzzCases(60); i++) {
        const bad = good.slice();
        const at = random.below(bad.length);
        bad[at] ^= 1 << random.below(8);
        await files.writeFileAtomic(path, bad);
        assert.notDeepEqual(await problemsOf(files), [], `byte ${at}`);
      }
    }),
  );

  test(
    'bytes of values are counted by metric, for one tenant',
    inSim(3, async (sim) => {
      const { files } = sim.world;
      await writeBlocks(files);
      const [{ path }] = await writeBlocks(files, 'other');
      const sizes = await metricBytes(files, 1, 'other');
      assert.deepEqual([...sizes.keys()].sort(), ['flat', 'wild']);
      const [flat, wild] = ['flat', 'wild'].map((name) => sizes.get(name) ?? { samples: 0, valueBytes: 0 });
      assert.deepEqual([flat.samples, wild.samples], [600, 600]);
      assert.ok(flat.valueBytes < wild.valueBytes && wild.valueBytes < ((await files.stat(path))?.sizeBytes ?? 0));
    }),
  );
});
