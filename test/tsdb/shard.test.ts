// A shard over its log: replay and image give the same bytes, bad images are passed over.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLogger } from '../../src/base/index.ts';
import { type SimWorld, createSimWorld } from '../../src/io/index.ts';
import { loadKernel } from '../../src/kernel/index.ts';
import {
  LIFE_CYCLE_POLICY_DEFAULT,
  type LifeCyclePolicy,
  LocalShardPort,
  SegmentLog,
  Shard,
} from '../../src/tsdb/index.ts';
import { BatchBuilder } from '../support/batch-builder.ts';

const module = await loadKernel('head');
const blockModule = await loadKernel('block');
const ALWAYS = [-(2 ** 52), 2 ** 52] as const;
const series = Array.from({ length: 20 }, (_, i) => ({
  labels: [
    ['__name__', 'm'],
    ['i', String(i)],
  ] as const,
}));

const openShard = (sim: SimWorld, ignoreImages = false, policy: LifeCyclePolicy = LIFE_CYCLE_POLICY_DEFAULT) =>
  Shard.open({
    files: sim.world.files,
    clock: sim.world.clock,
    shard: 0,
    module,
    blockModule,
    logger: silentLogger,
    ignoreImages,
    policy,
  });

const wholeNumber = (step: number, i: number): number => (step * (i + 1)) % 97;

async function writeSome(sim: SimWorld, shard: Shard, from: number, to: number, valueAt = wholeNumber): Promise<void> {
  const port = new LocalShardPort(shard);
  const log = await SegmentLog.open({
    files: sim.world.files,
    clock: sim.world.clock,
    shard: 0,
    onDurable: (group) => port.push(group),
    onFailure: () => {},
    logger: silentLogger,
    afterSegment: port.startSegment,
  });
  const builder = new BatchBuilder(series);
  for (let step = from; step < to; step++) {
    const samples = series.map((_, i) => ({ series: i, timeMs: step * 15_000, value: valueAt(step, i) }));
    await log.append(builder.build('anonymous', samples));
  }
  await log.close();
  await port.settled();
}

const same = (a: Shard, b: Shard) => assert.equal(Buffer.compare(a.stateBytes(), b.stateBytes()), 0);

describe('shard', () => {
  test('image and tail, log alone, and the shard that lived have the same bytes', async () => {
    const sim = createSimWorld(11);
    await sim.run(async () => {
      const lived = await openShard(sim);
      await writeSome(sim, lived, 0, 300);
      await lived.writeImage();
      await writeSome(sim, lived, 300, 400);
      const restored = await openShard(sim);
      assert.equal(restored.stats().replayedRecords, 100);
      same(lived, restored);
      same(lived, await openShard(sim, true));
      const set = await restored.source.select('anonymous', [{ name: 'i', op: '=', value: '7' }], ...ALWAYS);
      assert.equal(await set.prefetch?.(0), 1);
      const vs = new Float64Array(500);
      assert.equal(set.read(0, ...ALWAYS, { ts: new Float64Array(500), vs, vsWords: new Uint32Array(vs.buffer) }), 400);
      assert.equal(vs[399], (399 * 8) % 97);
    });
  });

  test('a damaged image is passed over for the one before, and that for the log', async () => {
    const sim = createSimWorld(12);
    await sim.run(async () => {
      const lived = await openShard(sim);
      await writeSome(sim, lived, 0, 50);
      await lived.writeImage();
      await writeSome(sim, lived, 50, 60);
      await lived.writeImage();
      const images = (await sim.world.files.list('head/000')).map((name) => `head/000/${name}`);
      assert.equal(images.length, 2);
      for (const [damaged, replayed] of [
        [images[1], 10],
        [images[0], 60],
      ] as const) {
        sim.disk.flipBit(damaged);
        const restored = await openShard(sim);
        assert.equal(restored.stats().replayedRecords, replayed);
        same(lived, restored);
      }
    });
  });

  test('only the two newest images are kept, and a crash while one is written leaves the others', async () => {
    const sim = createSimWorld(13);
    await sim.run(async () => {
      const lived = await openShard(sim);
      for (let i = 0; i < 4; i++) {
        await writeSome(sim, lived, i * 10, i * 10 + 10);
        await lived.writeImage();
      }
      assert.equal((await sim.world.files.list('head/000')).length, 2);
      await writeSome(sim, lived, 40, 50);
      void lived.writeImage();
      sim.crash();
      same(lived, await openShard(sim));
    });
  });

  test('when the log is lost and the image is not, new records come after it and survive a restart', async () => {
    const sim = createSimWorld(14);
    await sim.run(async () => {
      const lived = await openShard(sim);
      await writeSome(sim, lived, 0, 10);
      await lived.writeImage();
      await sim.world.files.remove('log');
      const restored = await openShard(sim);
      assert.match(restored.stats().damage[0].text, /missing/);
      await writeSome(sim, restored, 10, 20);
      const again = await openShard(sim);
      same(restored, again);
      assert.equal(again.stats().samples, 20 * series.length);
    });
  });

  test('samples that take much memory leave it before their window ends, and replicas agree on when', async () => {
    const sim = createSimWorld(17);
    await sim.run(async () => {
      const policy = {
        ...LIFE_CYCLE_POLICY_DEFAULT,
        growthBytesMax: 8000,
        growthBytesPerSeries: 0,
        lateLogBytesMin: 0,
      };
      const lived = await openShard(sim, false, policy);
      // 200 steps of 15 s: less than an hour of one window.
      await writeSome(sim, lived, 0, 200, (step, i) => Math.sin(step * (i + 1)));
      assert.ok(lived.stats().lifeCycle.cuts >= 2);
      same(lived, await openShard(sim, true, policy));
      const set = await lived.source.select('anonymous', [{ name: 'i', op: '=', value: '7' }], ...ALWAYS);
      assert.equal(await set.prefetch?.(0), 1);
      const vs = new Float64Array(500);
      assert.equal(set.read(0, ...ALWAYS, { ts: new Float64Array(500), vs, vsWords: new Uint32Array(vs.buffer) }), 200);
      assert.equal(vs[150], Math.sin(150 * 8));
    });
  });
});
