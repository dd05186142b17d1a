// From what time on a shard's samples are not what they were: what lets results be kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../src/base/index.ts';
import { type SimWorld, createSimWorld } from '../../src/io/index.ts';
import { loadKernel } from '../../src/kernel/index.ts';
import { encodeCommand } from '../../src/tsdb/command.ts';
import { LocalShardPort, SegmentLog, Shard } from '../../src/tsdb/index.ts';
import { BatchBuilder } from '../support/batch-builder.ts';

const module = await loadKernel('head');
const blockModule = await loadKernel('block');
const SERIES = [0, 1].map((i) => ({ labels: [['__name__', 'm'] as const, ['i', String(i)] as const] }));

const openShard = ({ world: { files, clock } }: SimWorld, retention?: { timeMs: number; sizeBytes: number }) =>
  Shard.open({
    files,
    clock,
    shard: 0,
    module,
    blockModule,
    logger: silentLogger,
    ...(retention ? { retention } : {}),
  });

type Sample = readonly [series: number, timeMs: number, value: number];

/** Writes batches and commands; `write` resolves when they are applied. */
async function writer({ world: { files, clock } }: SimWorld, shard: Shard) {
  const port = new LocalShardPort(shard);
  const log = await SegmentLog.open({
    files,
    clock,
    shard: 0,
    onDurable: (group) => port.push(group),
    onFailure: () => {},
    logger: silentLogger,
    afterSegment: port.startSegment,
  });
  const builder = new BatchBuilder(SERIES);
  return {
    async write(...samples: readonly Sample[]): Promise<void> {
      const rows = samples.map(([series, timeMs, value]) => ({ series, timeMs, value }));
      await log.append(builder.build('anonymous', rows));
      await port.settled();
    },
    async command(command: Parameters<typeof encodeCommand>[0]): Promise<void> {
      await log.append(encodeCommand(command));
      await port.settled();
    },
    close: () => log.close(),
  };
}

test('batches, late samples and deletes tell their least time; moving samples into blocks tells none', async () => {
  const sim = createSimWorld(21);
  await sim.run(async () => {
    const shard = await openShard(sim);
    const { write, command, close } = await writer(sim, shard);
    const since = async (act: () => Promise<void>): Promise<number> => {
      const { version } = shard.changes;
      await act();
      return shard.changes.changedFromMs(version, 'anonymous');
    };
    assert.equal(await since(() => write([0, 1_000_000, 1], [1, 1_000_500, 2])), 1_000_000);
    assert.equal(await since(() => write([1, 1_015_500, 2], [0, 1_015_000, 1])), 1_015_000);
    assert.equal(await since(() => write([0, 1_030_000, 1], [1, 500_000, 2])), 500_000, 'a late one');
    assert.equal(await since(() => command({ type: 'flush' })), Infinity);
    const matchers = [{ name: 'i', op: '=' as const, value: '0' }];
    const range = { minMs: 1_000_000, maxMs: 1_010_000 };
    assert.equal(await since(() => command({ type: 'delete', tenant: 'anonymous', matchers, ...range })), 1_000_000);
    assert.equal(await since(() => command({ type: 'clean' })), Infinity);
    const { version } = shard.changes;
    assert.equal(await since(() => write([0, 900_000, 3])), 900_000, 'late behind blocks');
    assert.equal(shard.changes.changedFromMs(version, 'other'), Infinity, 'of another tenant');
    await close();
    await shard.close();
    // A restart begins anew: whoever kept results is gone, too.
    assert.equal((await openShard(sim)).changes.changedFromMs(0, 'anonymous') <= 900_000, true);
  });
});

test('blocks beyond the retention are a change from their beginning on', async () => {
  const sim = createSimWorld(22);
  await sim.run(async () => {
    const shard = await openShard(sim, { timeMs: 3_600_000, sizeBytes: 0 });
    const { write, command, close } = await writer(sim, shard);
    await write([0, 1_000_000, 1]);
    await command({ type: 'flush' });
    const { version } = shard.changes;
    for (const timeMs of [6_000_000, 11_000_000, 16_000_000]) await write([0, timeMs, 1]);
    await command({ type: 'flush' });
    assert.ok(shard.stats().lifeCycle.blocksExpired >= 1);
    assert.equal(shard.changes.changedFromMs(version, 'anonymous'), 1_000_000);
    await close();
    await shard.close();
  });
});
