// Blocks of the real program: samples leave the memory at the end of a window, late ones find their place, deletes hold, snapshots open.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Program, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { oneSeries, query, queryNumber, send, write } from './client.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WINDOW_MS = 2 * HOUR_MS;
const SERIES = 20;
/** A whole day that has passed. */
const startMs = Math.floor((Date.now() - 72 * HOUR_MS) / (24 * HOUR_MS)) * 24 * HOUR_MS;
const ARGS = ['--web.enable-admin-api', '--storage.tsdb.retention.time=10y'];

const valueAt = (series: number, minute: number): number => series * 1000 + minute;

/** Writes minute after minute, all series at once. */
async function load(program: Program, fromMinute: number, toMinute: number): Promise<void> {
  for (let minute = fromMinute; minute < toMinute; minute += 10) {
    const series = Array.from({ length: SERIES }, (_, i) => {
      const samples = Array.from({ length: 10 }, (_unused, k): [number, number] => [
        startMs + (minute + k) * MINUTE_MS,
        valueAt(i, minute + k),
      ]);
      return oneSeries('blocks_gauge', { i: String(i) }, samples);
    });
    assert.equal((await write(program, 1, series)).status, 204);
  }
}

const post = async (program: Program, name: string): Promise<string> => {
  const reply = await send(program, { path: `/api/v1/admin/tsdb/${name}`, method: 'POST', body: '' });
  assert.ok(reply.status < 300, reply.text);
  return reply.text;
};

const blockNames = async (program: Program): Promise<string[]> => {
  const reply = await send(program, { path: '/api/v1/status/tsdb/blocks' });
  return JSON.parse(reply.text).data.blocks.map(({ ulid }: { ulid: string }) => ulid);
};

/** Every sample of [0, minutes) of every series, minus the deleted ones. */
async function check(
  program: Program,
  minutes: number,
  isGone: (series: number, minute: number) => boolean,
): Promise<void> {
  const found = await query(program, `blocks_gauge[${minutes}m]`, startMs + (minutes - 1) * MINUTE_MS);
  const bySeries = new Map(found.map(({ metric, values = [] }) => [Number(metric.i), values]));
  for (let i = 0; i < SERIES; i++) {
    const wanted = Array.from({ length: minutes }, (_, minute) => minute)
      .filter((minute) => !isGone(i, minute))
      .map((minute) => [(startMs + minute * MINUTE_MS) / 1000, String(valueAt(i, minute))]);
    assert.deepEqual(bySeries.get(i) ?? [], wanted, `series ${i}`);
  }
}

const start = (t: TestContext, more: readonly string[] = []) => Program.start(t, { args: [...ARGS, ...more] });
const nothingGone = () => false;

test('windows that have ended become blocks; answers stay over a kill, a flush and a snapshot', async (t) => {
  const program = await start(t);
  await load(program, 0, 7 * 60);
  await until('two windows are blocks', 10_000, async () => (await blockNames(program)).length >= 2);
  await check(program, 7 * 60, nothingGone);
  await program.kill();
  await program.start();
  await check(program, 7 * 60, nothingGone);
  await post(program, 'flush');
  await check(program, 7 * 60, nothingGone);
  const { name } = JSON.parse(await post(program, 'snapshot')).data;
  const copy = await start(t, [`--storage.tsdb.path=${path.join(program.directory, 'snapshots', name)}`]);
  await check(copy, 7 * 60, nothingGone);
});

test('late samples of any age are stored, and the first value at a time stays', async (t) => {
  const program = await start(t);
  await load(program, 3 * 60, 6 * 60);
  await post(program, 'flush');
  await load(program, 0, 3 * 60);
  const conflict = oneSeries('blocks_gauge', { i: '0' }, [[startMs + 4 * HOUR_MS, -1]]);
  assert.ok((await write(program, 1, [conflict])).status < 500);
  await check(program, 6 * 60, nothingGone);
  await post(program, 'flush');
  await check(program, 6 * 60, nothingGone);
  await program.kill();
  await program.start();
  await check(program, 6 * 60, nothingGone);
});

test('what is deleted is gone from head and blocks, over a restart, and from disk after cleaning', async (t) => {
  const program = await start(t);
  await load(program, 0, 5 * 60);
  const from = (startMs + HOUR_MS) / 1000;
  const to = (startMs + 4.5 * HOUR_MS) / 1000;
  const selector = encodeURIComponent('{__name__="blocks_gauge",i=~"[0-4]"}');
  await post(program, `delete_series?match[]=${selector}&start=${from}&end=${to}`);
  const isGone = (series: number, minute: number) => series <= 4 && minute >= 60 && minute <= 270;
  await check(program, 5 * 60, isGone);
  await program.kill();
  await program.start();
  await check(program, 5 * 60, isGone);
  await post(program, 'flush');
  await post(program, 'clean_tombstones');
  await check(program, 5 * 60, isGone);
  // What comes after a delete is not concerned by it.
  const again = oneSeries('blocks_gauge', { i: '3' }, [[startMs + 2 * HOUR_MS, valueAt(3, 120)]]);
  assert.equal((await write(program, 1, [again])).status, 204);
  await check(program, 5 * 60, (series, minute) => isGone(series, minute) && !(series === 3 && minute === 120));
});

test('a damaged block is set aside and named; the rest is served', async (t) => {
  const program = await start(t);
  await load(program, 0, 5 * 60);
  await post(program, 'flush');
  await program.stop();
  const directory = path.join(program.directory, 'blocks', '000');
  const block = (await fs.readdir(directory)).find((name) => name.endsWith('.block')) as string;
  const bytes = await fs.readFile(path.join(directory, block));
  bytes[bytes.length - 40] ^= 0x10; // in the footer
  await fs.writeFile(path.join(directory, block), bytes);
  await program.start();
  const reply = await send(program, { path: '/api/v1/status/tsdb/blocks' });
  const { badBlocks } = JSON.parse(reply.text).data;
  assert.equal(badBlocks.length, 1);
  assert.match(badBlocks[0].path, /\.bad$/);
  const left = await queryNumber(program, 'count(count_over_time(blocks_gauge[5h]))', startMs + 5 * HOUR_MS);
  assert.ok(left > 0 && left < SERIES, `${left} of ${SERIES} series are served`);
});

test('a retention of time and size removes old blocks', async (t) => {
  const directory = await temporaryDirectory(t);
  const program = await Program.start(t, {
    args: [`--storage.tsdb.path=${directory}`, '--storage.tsdb.retention.size=1KB'],
  });
  const recentMs = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - 3 * WINDOW_MS;
  for (let minute = 0; minute < 6 * 60; minute += 30) {
    const samples = Array.from({ length: 30 }, (_, k): [number, number] => [
      recentMs + (minute + k) * MINUTE_MS,
      Math.sin(minute + k),
    ]);
    const series = Array.from({ length: SERIES }, (_, i) => oneSeries('blocks_size', { i: String(i) }, samples));
    assert.equal((await write(program, 1, series.flat())).status, 204);
  }
  await post(program, 'flush');
  assert.deepEqual(await blockNames(program), [], 'no block is small enough');
  assert.deepEqual(await query(program, 'count_over_time(blocks_size[7h])', recentMs + 6 * HOUR_MS), []);
});
