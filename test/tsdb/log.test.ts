// The log in segment files: group commit, torn tails, corruption, failures. On the simulated disk.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Logger, silentLogger, utf8, utf8Text } from '../../src/base/index.ts';
import { type DurableGroup, type SimWorld, createSimWorld, hasCode } from '../../src/io/index.ts';
import { SegmentLog, listSegments, replayLog } from '../../src/tsdb/index.ts';
import { recordAt } from '../../src/tsdb/log-record.ts';
import { segmentPath } from '../../src/tsdb/log-segments.ts';

const START = { segment: 0, offset: 0 };

interface Opened {
  readonly log: SegmentLog;
  readonly groups: DurableGroup[];
  readonly failures: { count: number };
}

async function open(sim: SimWorld, hasAhead = true): Promise<Opened> {
  const groups: DurableGroup[] = [];
  const failures = { count: 0 };
  const log = await SegmentLog.open({
    files: sim.world.files,
    clock: sim.world.clock,
    shard: 3,
    onDurable: (group) => groups.push(group),
    onFailure: () => failures.count++,
    logger: silentLogger,
    hasAhead,
  });
  return { log, groups, failures };
}

async function texts(sim: SimWorld, from = START, logger: Logger = silentLogger) {
  const found: string[] = [];
  const record = (payload: Uint8Array): null => {
    found.push(utf8Text(payload));
    return null;
  };
  const damage = await replayLog(sim.world.files, 3, from, { record }, logger);
  return { found, damage };
}

const inSim = (seed: number, program: (sim: SimWorld) => Promise<void>) => async () => {
  const sim = createSimWorld(seed);
  await sim.run(() => program(sim));
};

describe('log', () => {
  test(
    'appends of one turn become durable with one sync, in order',
    inSim(1, async (sim) => {
      const { log, groups } = await open(sim);
      await Promise.all(['a', 'b', 'c'].map((text) => log.append(utf8(text))));
      assert.equal(log.syncCount, 1);
      assert.equal(groups.length, 1);
      assert.deepEqual((await texts(sim)).found, ['a', 'b', 'c']);
    }),
  );

  test(
    'what was acknowledged is there after power loss, and what comes next goes to a new segment',
    inSim(2, async (sim) => {
      const first = await open(sim);
      await first.log.append(utf8('kept'));
      void first.log.append(utf8('never acknowledged'));
      sim.crash();
      const second = await open(sim);
      await second.log.append(utf8('after'));
      const { found, damage } = await texts(sim);
      assert.deepEqual(damage, []);
      assert.equal(found[0], 'kept');
      assert.equal(found.at(-1), 'after');
      assert.deepEqual(await listSegments(sim.world.files, 3), [1, 2]);
    }),
  );

  test(
    'rotation starts a segment, replay can begin in the middle, truncation drops whole segments',
    inSim(3, async (sim) => {
      const { log, groups } = await open(sim);
      await log.append(utf8('one'));
      log.rotate();
      await log.append(utf8('two'));
      log.rotate();
      log.rotate();
      await log.append(utf8('three'));
      assert.deepEqual(await listSegments(sim.world.files, 3), [1, 2, 3]);
      assert.deepEqual((await texts(sim, groups[0].next)).found, ['two', 'three']);
      await log.truncate({ segment: 3, offset: 0 });
      assert.deepEqual(await listSegments(sim.world.files, 3), [3]);
      assert.deepEqual((await texts(sim)).found, ['three']);
    }),
  );

  test(
    'a failed write refuses its records, gives the segment up, and the next record goes to a new one',
    inSim(4, async (sim) => {
      const { log, failures } = await open(sim, false);
      await log.append(utf8('good'));
      for (const fault of ['write', 'sync'] as const) {
        sim.disk.failNext(fault, 'log/003');
        await assert.rejects(log.append(utf8(`lost by ${fault}`)), (error) => hasCode(error, 'io_error'));
        await log.append(utf8(`after ${fault}`));
      }
      assert.equal(failures.count, 2);
      assert.deepEqual((await texts(sim)).found, ['good', 'after write', 'after sync']);
    }),
  );

  test(
    'zeros lie ahead of the records while a segment is written, and are cut off when it is over',
    inSim(14, async (sim) => {
      const { files } = sim.world;
      const bytesOf = async (segment: number) => (await files.stat(segmentPath(3, segment)))?.sizeBytes ?? 0;
      const { log } = await open(sim);
      await log.append(utf8('one'));
      await sim.world.clock.sleep(1000);
      assert.ok((await bytesOf(1)) > 100_000);
      await log.append(utf8('ends in zeros\0\0'));
      const warned: string[] = [];
      const logger = { ...silentLogger, warn: (text: string) => void warned.push(text) };
      assert.deepEqual(await texts(sim, START, logger), { found: ['one', 'ends in zeros\0\0'], damage: [] });
      assert.deepEqual(warned, []);
      const { offset } = log.end;
      log.rotate();
      await log.append(utf8('two'));
      assert.equal(await bytesOf(1), offset);
      await log.close();
      assert.ok((await bytesOf(2)) < 100);
      assert.deepEqual((await texts(sim)).found, ['one', 'ends in zeros\0\0', 'two']);
    }),
  );

  test(
    'records go on where zeros cannot be written ahead of them',
    inSim(15, async (sim) => {
      const { log, failures } = await open(sim);
      const appended = log.append(utf8('one'));
      await appended;
      sim.disk.failNext('write', 'log/003');
      await sim.world.clock.sleep(1000);
      await log.append(utf8('two'));
      assert.equal(failures.count, 0);
      assert.deepEqual((await texts(sim)).found, ['one', 'two']);
    }),
  );

  test(
    'a full disk refuses records and goes on when there is space again',
    inSim(5, async (sim) => {
      const { log } = await open(sim);
      await log.append(utf8('before'));
      sim.disk.capacityBytes = sim.disk.usedBytes + 5;
      await assert.rejects(log.append(utf8('too much')), (error) => hasCode(error, 'disk_full'));
      await assert.rejects(log.append(utf8('still too much')), (error) => hasCode(error, 'disk_full'));
      sim.disk.capacityBytes = Number.POSITIVE_INFINITY;
      await log.append(utf8('again'));
      assert.deepEqual((await texts(sim)).found, ['before', 'again']);
    }),
  );

  test(
    'a flipped bit in durable records is reported with its place, and the other segments are read',
    inSim(6, async (sim) => {
      const { log, groups } = await open(sim);
      await log.append(utf8('first'));
      await log.append(utf8('second'));
      await log.append(utf8('third'));
      log.rotate();
      await log.append(utf8('fourth'));
      sim.disk.flipBit('log/003/00000001.log', groups[1].position.offset + 14);
      const { found, damage } = await texts(sim);
      assert.deepEqual(found, ['first', 'fourth']);
      assert.equal(damage.length, 1);
      assert.match(damage[0].text, /log\/003\/00000001\.log: the record at offset \d+ fails its checksum/);
    }),
  );

  test('a record is refused whole when any byte of it changes', () => {
    const sim = createSimWorld(7);
    return sim.run(async () => {
      const { log, groups } = await open(sim);
      await log.append(utf8('some payload'));
      const good = new Uint8Array(groups[0].buffer, 0, groups[0].length);
      assert.ok(recordAt(good, 0));
      for (let at = 0; at < good.length; at++) {
        const bad = good.slice();
        bad[at] ^= 1 << (at % 8);
        assert.equal(recordAt(bad, 0), null, `byte ${at}`);
      }
      for (let length = 0; length < good.length; length++) assert.equal(recordAt(good.subarray(0, length), 0), null);
    });
  });
});
