// What is acknowledged survives: kill -9 in the middle of writes, a clean stop, a disk that is full. And what cannot start says why.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort, Program, QUIET_CONFIG, runProgram, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { oneSeries, query, queryNumber, send, type Version, write } from './client.ts';

const WRITERS = 4;
const ROUNDS = 4;
const SERIES_PER_WRITE = 50;
const TICK_MS = 1000;
const nowMs = Math.floor(Date.now() / TICK_MS) * TICK_MS - 300_000;

/** Requests of one writer: number n writes the value n at the time n of its own series; every tenth brings new series. */
async function writeLoop(program: Program, writer: number, from: number): Promise<number> {
  for (let n = from; ; n++) {
    const timestampMs = nowMs + n;
    const old = Array.from({ length: SERIES_PER_WRITE }, (_, i) =>
      oneSeries('crash_steady', { writer: String(writer), i: String(i) }, [[timestampMs, n]]),
    );
    const added = oneSeries('crash_new', { writer: String(writer), n: String(Math.floor(n / 10)) }, [[timestampMs, n]]);
    const reply = await write(program, n % 2 === 0 ? 1 : 2, [...old, added]).catch(() => null);
    if (reply?.status !== 204) return n; // the first that was not acknowledged
  }
}

/** Every acknowledged sample of a writer is there, with its value. */
async function checkWriter(program: Program, writer: number, count: number): Promise<void> {
  const atMs = nowMs + 200_000;
  const found = await query(program, `crash_steady{writer="${writer}"}[10m]`, atMs);
  // Of a first request that was not acknowledged, some shards may have their part.
  if (count > 0) assert.equal(found.length, SERIES_PER_WRITE, `series of writer ${writer} after ${count} requests`);
  for (const { values = [] } of found) {
    const byTime = new Map(values.map(([t, v]) => [Math.round(t * 1000) - nowMs, Number(v)]));
    const lost = Array.from({ length: count }, (_, n) => n).filter((n) => byTime.get(n) !== n);
    assert.deepEqual(lost, [], `lost of ${count}`);
  }
  const added = await queryNumber(program, `sum(count_over_time(crash_new{writer="${writer}"}[10m]))`, atMs);
  assert.ok(added >= count, `${added} of ${count} samples of new series`);
}

test('kill -9 while clients write: after the restart every acknowledged sample is there', async (t) => {
  const program = await Program.start(t);
  const next = new Array<number>(WRITERS).fill(0);
  for (let round = 0; round < ROUNDS; round++) {
    const before = next[0];
    const writers = next.map((from, writer) => writeLoop(program, writer, from));
    await new Promise((resolve) => setTimeout(resolve, 300 + round * 250));
    await program.kill();
    for (const [writer, count] of (await Promise.all(writers)).entries()) next[writer] = count;
    assert.ok(next[0] > before, `round ${round} wrote nothing`);
    await program.start();
    for (const [writer, count] of next.entries()) await checkWriter(program, writer, count);
    if (round === 1) assert.equal((await program.stop()).code, 0);
    if (round === 1) await program.start();
  }
});

/** A metric of our own, summed over its label sets. */
async function ownMetric(program: Program, name: string): Promise<number> {
  const { text } = await send(program, { path: '/metrics' });
  const lines = text.split('\n').filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length]));
  assert.ok(lines.length > 0, `no metric ${name}`);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

test('SIGTERM writes an image and exits with 0; the next start replays nothing', async (t) => {
  const program = await Program.start(t);
  for (let n = 0; n < 20; n++) {
    const series = Array.from({ length: 500 }, (_, i) => oneSeries('clean', { i: String(i) }, [[nowMs + n * 1000, n]]));
    assert.equal((await write(program, 1, series)).status, 204);
  }
  assert.deepEqual(await program.stop(), { code: 0, signal: null });
  assert.ok((await fs.readdir(path.join(program.directory, 'head'), { recursive: true })).length > 0, 'no image');
  await program.start();
  assert.equal(await ownMetric(program, 'tidemark_log_replayed_records'), 0);
  assert.equal(await queryNumber(program, 'sum(count_over_time(clean[5m]))', nowMs + 20_000), 10_000);
  // After a kill there is something to replay, and the metric says so.
  assert.equal((await write(program, 1, [oneSeries('clean', { i: 'x' }, [[nowMs, 1]])])).status, 204);
  await program.kill();
  await program.start();
  assert.ok((await ownMetric(program, 'tidemark_log_replayed_records')) > 0);
  assert.equal(await queryNumber(program, 'sum(count_over_time(clean[5m]))', nowMs + 20_000), 10_001);
});

test('a signal in the middle of writes: requests are answered or refused, nothing acknowledged is lost', async (t) => {
  const program = await Program.start(t);
  const writers = Array.from({ length: WRITERS }, (_, writer) => writeLoop(program, writer, 0));
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.deepEqual(await program.stop(), { code: 0, signal: null });
  const counts = await Promise.all(writers);
  await program.start();
  for (const [writer, count] of counts.entries()) await checkWriter(program, writer, count);
});

interface Start {
  readonly args?: readonly string[];
  readonly config?: string;
}

test('what cannot start says why in one line and exits with 1, or with 2 for flags', async (t) => {
  const home = await temporaryDirectory(t);
  const running = await Program.start(t);
  const configFile = path.join(home, 'a.yml');
  const start = async ({ args = [], config = QUIET_CONFIG }: Start): Promise<ReturnType<typeof runProgram>> => {
    await fs.writeFile(configFile, config);
    const own = [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${home}/data`,
      `--web.listen-address=127.0.0.1:${await freePort()}`,
    ];
    const names = new Set(args.map((arg) => arg.split('=')[0]));
    return runProgram([...own.filter((arg) => !names.has(arg.split('=')[0])), ...args]);
  };
  const bad = async (code: number, message: RegExp, options: Start): Promise<void> => {
    const run = await start(options);
    const lines = run.stderr.trimEnd().split('\n');
    assert.equal(run.code, code, run.stderr);
    assert.equal(lines.length, 1, run.stderr);
    assert.match(lines[0], message);
  };
  const taken = `--web.listen-address=127.0.0.1:${running.port}`;
  await bad(1, /^tidemark: cannot listen on 127\.0\.0\.1:\d+: the port is taken$/, { args: [taken] });
  await bad(1, /cannot lock .*: process \d+ holds it$/, { args: [`--storage.tsdb.path=${running.directory}`] });
  await fs.writeFile(path.join(home, 'file'), '');
  await bad(1, /^tidemark: cannot .*file.*: /, { args: [`--storage.tsdb.path=${home}/file/data`] });
  await bad(1, /^tidemark: cannot .*file/, { args: [`--storage.tsdb.path=${home}/file`] });
  await bad(1, /^tidemark: cannot read configuration: .*nowhere\.yml/, { args: [`--config.file=${home}/nowhere.yml`] });
  await bad(1, /^tidemark: cannot read .*a\.yml: line 1, column 1: nonsense: unknown field$/, {
    config: 'nonsense: 1\n',
  });
  await bad(1, /address/, { args: ['--web.listen-address=nonsense'] });
  await bad(1, /cannot listen on 192\.0\.2\.1:80/, { args: ['--web.listen-address=192.0.2.1:80'] });
  await bad(2, /unknown long flag '--nonsense', try --help$/, { args: ['--nonsense'] });
  await bad(2, /query\.timeout/, { args: ['--query.timeout=x'] });
  await bad(2, /unexpected serve/, { args: ['serve'] });
  await bad(2, /expected argument for flag '--log\.level'/, { args: ['--log.level'] });
  await bad(2, /enum value must be one of/, { args: ['--log.level=loud'] });
  assert.equal((await send(running, { path: '/-/ready' })).status, 200);
});

test('SIGHUP and POST /-/reload take a new configuration; a bad one leaves the old', async (t) => {
  const program = await Program.start(t, { args: ['--web.enable-lifecycle'] });
  const interval = async (): Promise<string> => {
    const { text } = await send(program, { path: '/api/v1/status/config' });
    return /scrape_interval: (\w+)/.exec((JSON.parse(text) as { data: { yaml: string } }).data.yaml)?.[1] ?? '';
  };
  const put = (text: string): Promise<void> => fs.writeFile(program.configFile, text);
  await put('global:\n  scrape_interval: 7s\n');
  program.signal('SIGHUP');
  await until('the new configuration is in force', 5000, async () => (await interval()) === '7s');
  await put('global:\n  scrape_interval: 8x\n');
  program.signal('SIGHUP');
  await until('the refusal is logged', 5000, () => program.log.includes('line 2, column 20'));
  const refused = await send(program, { method: 'POST', path: '/-/reload' });
  assert.equal(refused.status, 500);
  assert.match(refused.text, /^failed to reload config: .*line 2, column 20: .*unknown unit "x"/);
  assert.equal(await interval(), '7s');
  await put('global:\n  scrape_interval: 9s\n');
  assert.equal((await send(program, { method: 'POST', path: '/-/reload' })).status, 200);
  assert.equal(await interval(), '9s');
});

test('POST /-/quit ends the process with 0, and only where the lifecycle API is enabled', async (t) => {
  const closed = await Program.start(t);
  for (const path of ['/-/quit', '/-/reload']) {
    const reply = await send(closed, { method: 'POST', path });
    assert.deepEqual([reply.status, reply.text], [403, 'Lifecycle API is not enabled.\n']);
  }
  const open = await Program.start(t, { args: ['--web.enable-lifecycle'] });
  assert.equal((await send(open, { method: 'POST', path: '/-/quit' })).text, 'Requesting termination... Goodbye!\n');
  assert.deepEqual(await open.ended, { code: 0, signal: null });
  assert.ok(closed.isRunning);
});

/** A file system of its own of so many MiB, or null where that is not allowed. */
async function smallDisk(t: TestContext, sizeMiB: number): Promise<string | null> {
  const directory = await temporaryDirectory(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    return null;
  }
  process.once('exit', () => unmount(directory));
  return directory;
}

function unmount(directory: string): void {
  try {
    execFileSync('umount', ['-l', directory], { stdio: 'ignore' });
  } catch {
    // it is gone already
  }
}

test('a full disk: writes answer 503, reads go on, and with space again writes work; nothing acknowledged is lost', async (t) => {
  const disk = await smallDisk(t, 32);
  if (disk === null) return t.skip('mounting a tmpfs is not allowed here');
  try {
    await fillAndFree(t, disk);
  } finally {
    unmount(disk);
  }
});

test('a directory that can only be read: the program says so and leaves it as it was', async (t) => {
  const disk = await smallDisk(t, 32);
  if (disk === null) return t.skip('mounting a tmpfs is not allowed here');
  const remount = (mode: string): void => void execFileSync('mount', ['-o', `remount,${mode}`, disk]);
  try {
    const program = await Program.start(t, { directory: path.join(disk, 'data') });
    assert.equal((await write(program, 1, [oneSeries('kept', {}, [[nowMs, 4]])])).status, 204);
    await program.kill();
    remount('ro');
    const run = await runProgram([
      `--config.file=${program.configFile}`,
      `--storage.tsdb.path=${program.directory}`,
      `--web.listen-address=127.0.0.1:${await freePort()}`,
    ]);
    assert.equal(run.code, 1, run.stderr);
    assert.match(run.stderr, /^tidemark: cannot .*data.*: read-only file system.*\n$/);
    remount('rw');
    await program.start();
    assert.equal(await queryNumber(program, 'kept', nowMs), 4);
    await program.stop();
  } finally {
    unmount(disk);
  }
});

async function fillAndFree(t: TestContext, disk: string): Promise<void> {
  const program = await Program.start(t, { directory: path.join(disk, 'data') });
  const ballast = path.join(disk, 'ballast');
  const acknowledged = new Map<number, boolean>();
  const put = async (n: number) => {
    const series = Array.from({ length: 200 }, (_, i) =>
      oneSeries('full', { i: String(i), n: String(n), filler: `${n}-${i}-`.repeat(20) }, [[nowMs + n, n]]),
    );
    const reply = await write(program, ((n % 2) + 1) as Version, series);
    acknowledged.set(n, reply.status === 204);
    return reply;
  };
  const check = async (): Promise<void> => {
    const counts = await query(program, 'count by (n) (full)', nowMs + 10_000);
    const stored = new Map(counts.map(({ metric, value }) => [Number(metric.n), Number(value?.[1])]));
    const lost = [...acknowledged].filter(([n, isGood]) => isGood && stored.get(n) !== 200);
    assert.deepEqual(lost, []);
  };
  for (let n = 0; n < 10; n++) assert.equal((await put(n)).status, 204);
  let n = 10;
  for (let cycle = 0; cycle < 2; cycle++) {
    await fillDisk(ballast);
    let refused = await put(n++);
    for (const end = n + 400; refused.status === 204 && n < end; ) refused = await put(n++);
    assert.equal(refused.status, 503, refused.text);
    assert.match(refused.headers['retry-after'] ?? '', /^\d+$/);
    assert.match(refused.text, /no space left on device/);
    // A segment that was given up has left a little room; it stays full after that.
    for (let [tries, refusals] = [0, 0]; refusals < 3; tries++) {
      assert.ok(tries < 400, 'writes are taken though the disk is full');
      refusals = (await put(n++)).status === 503 ? refusals + 1 : 0;
    }
    await check();
    await fs.rm(ballast);
    await until('writes work again', 10_000, async () => (await put(n++)).status === 204);
    for (let i = 0; i < 10; i++) assert.equal((await put(n++)).status, 204);
    await check();
  }
  await program.kill();
  await program.start();
  await check();
  await fillDisk(ballast);
  assert.equal((await program.stop()).code, 0, 'a stop without room for an image');
  await fs.rm(ballast);
  await program.start();
  await check();
}

/** Leaves no room in the file system. */
async function fillDisk(file: string): Promise<void> {
  for (const bytes of [1 << 20, 4096]) {
    const piece = new Uint8Array(bytes);
    while (true) {
      try {
        await fs.appendFile(file, piece);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'ENOSPC');
        break;
      }
    }
  }
}
