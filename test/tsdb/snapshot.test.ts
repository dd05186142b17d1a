// A snapshot is a data directory without a log: what comes after it comes behind its blocks.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../../src/base/index.ts';
import { type World, createRealWorld } from '../../src/io/index.ts';
import { Intake, LIFE_CYCLE_POLICY_DEFAULT, LocalShardPort, type Retention, Shard } from '../../src/tsdb/index.ts';
import { compressSnappy } from '../../src/wire/snappy.ts';
import { INTAKE_LIMITS_DEFAULT, Instances } from '../../sim/instances.ts';
import { Model } from '../../sim/model.ts';
import { makeColumn } from '../../sim/reader.ts';
import { requestBody } from '../../sim/workload.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const HOUR_MS = 3_600_000;
const startMs = 480_000 * HOUR_MS;
const instances = await Instances.load();
const TENANT = 'anonymous';
const ALL = [{ name: '__name__', op: '=', value: 'm' }] as const;

/** A shard with its intake over one directory. */
class Store {
  readonly shard: Shard;
  readonly #intake: Intake;
  readonly #port: LocalShardPort;
  readonly #series = new Model().addSeries(TENANT, [['__name__', 'm']]);

  private constructor(shard: Shard, intake: Intake, port: LocalShardPort) {
    this.shard = shard;
    this.#intake = intake;
    this.#port = port;
  }

  static async open({ files, clock }: World, retention: Retention = { timeMs: 0, sizeBytes: 0 }): Promise<Store> {
    const { head: module, block: blockModule } = instances.modules;
    const parts = {
      files,
      clock,
      module,
      blockModule,
      logger: silentLogger,
      retention,
      policy: LIFE_CYCLE_POLICY_DEFAULT,
    };
    const shard = await Shard.open({ ...parts, shard: 0, breathe: () => undefined, makeHead: instances.head });
    const fail = (error: unknown): never => {
      throw error;
    };
    const port = new LocalShardPort(shard, () => undefined, fail);
    const kernel = instances.intake(1);
    return new Store(shard, await Intake.open({ files, clock, kernel, ports: [port], logger: silentLogger }), port);
  }

  async write(...hours: number[]): Promise<void> {
    const series = this.#series;
    const samples = hours.map((hour) => ({ series, timeMs: startMs + hour * HOUR_MS, high: 0, low: 7, startMs: 0 }));
    const body = compressSnappy(requestBody(samples, false).body);
    await this.#intake.commit(TENANT, (kernel) => kernel.remoteWrite1(body, INTAKE_LIMITS_DEFAULT));
    await this.#port.settled();
  }

  async command(command: Parameters<Intake['command']>[0]): Promise<void> {
    await this.#intake.command(command);
    await this.#port.settled();
  }

  delete(fromHour: number, toHour: number): Promise<void> {
    const [minMs, maxMs] = [startMs + fromHour * HOUR_MS, startMs + toHour * HOUR_MS];
    return this.command({ type: 'delete', tenant: TENANT, matchers: ALL, minMs, maxMs });
  }

  /** Hours of all samples. */
  async hours(): Promise<number[]> {
    const set = await this.shard.source.select(TENANT, ALL, -(2 ** 52), 2 ** 52);
    const column = makeColumn(1000);
    const found: number[] = [];
    for (let i = 0, ready = 0; i < set.length; i++) {
      if (i >= ready) ready = (await set.prefetch?.(i)) ?? set.length;
      const count = set.read(i, -(2 ** 52), 2 ** 52, column);
      for (let k = 0; k < count; k++) found.push((column.ts[k] - startMs) / HOUR_MS);
    }
    set.release?.();
    return found;
  }

  async close(): Promise<void> {
    await this.#intake.close();
    await this.#port.settled();
    await this.shard.close();
  }
}

/** A store with samples of three days in blocks, some deleted and still in them, and its snapshot, opened. */
async function snapshotOf(t: TestContext, retention?: Retention): Promise<Store> {
  const directory = await temporaryDirectory(t);
  instances.rewind();
  const store = await Store.open(createRealWorld(directory));
  for (let hour = 0; hour < 72; hour += 6) await store.write(hour);
  await store.command({ type: 'flush' });
  await store.delete(12, 18);
  await store.shard.snapshot('snapshots/one');
  assert.deepEqual(await store.hours(), LEFT);
  await store.close();
  const copy = await Store.open(createRealWorld(`${directory}/snapshots/one`), retention);
  t.after(() => copy.close());
  return copy;
}

const LEFT = [0, 6, 24, 30, 36, 42, 48, 54, 60, 66];

test('has what was not deleted', async (t) => {
  const copy = await snapshotOf(t);
  assert.deepEqual(await copy.hours(), LEFT);
});

test('takes deletes of what it came with, and makes them real', async (t) => {
  const copy = await snapshotOf(t);
  await copy.delete(24, 30);
  assert.deepEqual(await copy.hours(), [0, 6, 36, 42, 48, 54, 60, 66]);
  await copy.command({ type: 'clean' });
  assert.equal(copy.shard.stats().tombstones, 0);
  assert.deepEqual(await copy.hours(), [0, 6, 36, 42, 48, 54, 60, 66]);
});

test('keeps the value that it came with when another comes for the same time', async (t) => {
  const copy = await snapshotOf(t);
  await copy.write(6, 9);
  await copy.command({ type: 'flush' });
  assert.deepEqual(await copy.hours(), [0, 6, 9, ...LEFT.slice(2)]);
  const { blocks } = copy.shard.stats();
  assert.equal(new Set(blocks.map(({ meta }) => meta.windowStartMs)).size, blocks.length, 'they were compacted');
});

test('is subject to the retention', async (t) => {
  const copy = await snapshotOf(t, { timeMs: 24 * HOUR_MS, sizeBytes: 0 });
  await copy.write(100);
  await copy.command({ type: 'flush' });
  const hours = await copy.hours();
  assert.ok(hours[0] > 24, String(hours));
});
