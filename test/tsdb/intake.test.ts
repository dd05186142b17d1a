// The intake's segments: when they end, and what that does to dictionaries and to the count of active series.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { silentLogger, utf8 } from '../../src/base/index.ts';
import { type SimWorld, createSimWorld } from '../../src/io/index.ts';
import { INTAKE_LIMITS_DEFAULT, type IntakeKernel, createIntakeWasm, loadKernel } from '../../src/kernel/index.ts';
import { Intake } from '../../src/tsdb/intake.ts';
import { listSegments } from '../../src/tsdb/log-segments.ts';
import type { ShardPort } from '../../src/tsdb/shard-port.ts';
import { type WireSeries, compressSnappy, encodeRemoteWriteV1 } from '../../src/wire/index.ts';

const MINUTE_MS = 60_000;
let module: WebAssembly.Module;
before(async () => {
  module = await loadKernel('intake');
});

const idlePort = (): ShardPort => ({ push() {}, pushed: 0, pendingBytes: 0, fullness: 0, startSegment: 0 });

class Opened {
  readonly intake: Intake;
  readonly kernel: IntakeKernel;
  readonly #sim: SimWorld;

  private constructor(sim: SimWorld, intake: Intake) {
    this.#sim = sim;
    this.intake = intake;
    this.kernel = intake.kernel;
  }

  static async open(sim: SimWorld, shards: number): Promise<Opened> {
    const kernel = createIntakeWasm(module, { shards, key: new Uint8Array(32).fill(3) });
    const ports = Array.from({ length: shards }, idlePort);
    const { files, clock } = sim.world;
    return new Opened(sim, await Intake.open({ files, clock, kernel, ports, logger: silentLogger }));
  }

  async put(names: readonly string[], activeSeriesMax = Infinity): Promise<number> {
    const series = names.map(
      (name): WireSeries => ({ labels: [['__name__', name]], samples: [{ timestampMs: 1, value: 1 }] }),
    );
    const body = compressSnappy(encodeRemoteWriteV1(series));
    return this.intake.commit('a', (kernel) => {
      assert.equal(kernel.remoteWrite1(body, { ...INTAKE_LIMITS_DEFAULT, activeSeriesMax }), 0);
      return kernel.counters.samples;
    });
  }

  segments(shard: number): Promise<number[]> {
    return listSegments(this.#sim.world.files, shard);
  }
}

const inSim = (shards: number, program: (sim: SimWorld, opened: Opened) => Promise<void>) => async () => {
  const sim = createSimWorld(1);
  await sim.run(async () => program(sim, await Opened.open(sim, shards)));
};
const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `m${from + i}`);

describe('the intake', () => {
  test(
    'begins a segment with an empty dictionary when the open one is half an hour old',
    inSim(2, async (sim, opened) => {
      const { kernel } = opened;
      await opened.put(names(0, 100));
      const first = [kernel.seriesCount(0), kernel.seriesCount(1)];
      assert.equal(first[0] + first[1], 100);
      await sim.clock.sleep(29 * MINUTE_MS);
      await opened.put(['m0']);
      assert.deepEqual([kernel.seriesCount(0), kernel.seriesCount(1)], first);
      await sim.clock.sleep(2 * MINUTE_MS);
      await opened.put(['m0']);
      assert.equal(kernel.seriesCount(0) + kernel.seriesCount(1), 1);
      assert.equal((await opened.segments(0)).length + (await opened.segments(1)).length, 3);
    }),
  );

  test(
    'begins a segment when the open one names mostly series that came and went',
    inSim(1, async (_, opened) => {
      let most = 0;
      for (let round = 0; round < 40; round++) {
        const list = names(round * 2500, round * 2500 + 10_000);
        await opened.put(list);
        most = Math.max(most, opened.kernel.seriesCount(0));
      }
      assert.ok(most < 80_000, `${most} series in a dictionary, of 107500`);
      assert.equal((await opened.segments(0)).length, 2);
    }),
  );

  test(
    'counts series as active while they go on, and for three to four epochs after',
    inSim(2, async (sim, opened) => {
      const active = () => opened.kernel.activeSeries(utf8('a'));
      await opened.put(names(0, 10), 10);
      for (let minute = 0; minute < 180; minute += 5) {
        await sim.clock.sleep(5 * MINUTE_MS);
        assert.equal(await opened.put(names(0, 4), 10), 4, `minute ${minute}`);
        if (minute < 40) assert.equal(active(), 10);
      }
      assert.equal(active(), 4);
      await sim.clock.sleep(10 * 60 * MINUTE_MS);
      assert.equal(await opened.put(names(20, 40), 10), 10);
      assert.equal(active(), 10);
    }),
  );

  test(
    'counts what is active already when a limit comes up, once segments were begun for it',
    inSim(2, async (_, opened) => {
      await opened.put(names(0, 10));
      assert.equal(opened.kernel.activeSeries(utf8('a')), 0);
      opened.intake.beginSegments();
      assert.equal(await opened.put(names(0, 12), 10), 10);
      assert.equal(opened.kernel.activeSeries(utf8('a')), 10);
    }),
  );
});
