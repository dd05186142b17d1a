// A follower beside a writer: it sees every record once, in order, over rotations and removals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../src/base/index.ts';
import { type LogPosition, createRealWorld } from '../../src/io/index.ts';
import { LogFollower, SegmentLog } from '../../src/tsdb/index.ts';
import { segmentPath } from '../../src/tsdb/log-segments.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import type { TestContext } from 'node:test';

async function start(t: TestContext, from?: LogPosition) {
  const world = createRealWorld(await temporaryDirectory(t));
  const { files, clock } = world;
  const log = await SegmentLog.open({
    files,
    clock,
    shard: 0,
    logger: silentLogger,
    onDurable: () => {},
    onFailure: () => {},
  });
  const follower = await LogFollower.start(files, 0, from ?? log.end);
  t.after(() => follower.close());
  return { files, log, follower };
}

const payload = (n: number, length = 100): Uint8Array => new Uint8Array(length).fill(n);

/** First bytes of the payloads that are there now. */
async function seen(follower: LogFollower): Promise<number[]> {
  const found: number[] = [];
  await follower.find();
  for (let piece = await follower.next(); piece; piece = await follower.next()) {
    for (const record of piece.records) found.push(record.isOld ? -record.payload[0] : record.payload[0]);
  }
  return found;
}

test('records come once, in order, over segments', async (t) => {
  const { log, follower } = await start(t);
  assert.deepEqual(await seen(follower), []);
  await log.append(payload(1));
  await log.append(payload(2));
  assert.deepEqual(await seen(follower), [1, 2]);
  await log.append(payload(3));
  log.rotate();
  await log.append(payload(4));
  await log.append(payload(5, 3 << 20));
  log.rotate();
  await log.append(payload(6));
  assert.deepEqual(await seen(follower), [3, 4, 5, 6]);
  assert.deepEqual(await seen(follower), []);
  await log.close();
});

test('segments that are removed after they were found are still read', async (t) => {
  const { files, log, follower } = await start(t);
  for (const n of [1, 2, 3]) {
    await log.append(payload(n));
    log.rotate();
  }
  await follower.find();
  await files.remove(segmentPath(0, 1));
  await files.remove(segmentPath(0, 2));
  assert.deepEqual(await seen(follower), [1, 2, 3]);
  assert.equal(follower.lostSegments, 0);
  await log.close();
});

test('a follower that keeps nothing gives removed segments up, counts them, and goes on', async (t) => {
  const { files, log } = await start(t);
  const follower = await LogFollower.start(files, 0, log.end, false);
  t.after(() => follower.close());
  for (const n of [1, 2, 3, 4]) {
    await log.append(payload(n));
    log.rotate();
  }
  await follower.find();
  const first = await follower.next();
  assert.equal(first?.records[0].payload[0], 1);
  for (const segment of [1, 2, 3]) await files.remove(segmentPath(0, segment));
  assert.deepEqual(await seen(follower), [4]);
  assert.equal(follower.lostSegments, 3);
  await log.append(payload(5));
  assert.deepEqual(await seen(follower), [5]);
  await log.close();
});

test('who begins in the middle of a segment gets what is before as old', async (t) => {
  const { files, log } = await start(t);
  await log.append(payload(1));
  await log.append(payload(2));
  const from = log.end;
  await log.append(payload(3));
  const follower = await LogFollower.start(files, 0, from);
  t.after(() => follower.close());
  assert.deepEqual(await seen(follower), [-1, -2, 3]);
  await log.close();
});
