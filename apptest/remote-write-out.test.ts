// Samples on their way out: the real program sends what it is given to another one (and to a real Prometheus, where there is one),
// through restarts of either side.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { existsSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeSnappy } from '../src/kernel/index.ts';
import { ProtoReader } from '../src/wire/index.ts';
import { freePort, Program, spawnGuarded, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { oneSeries, query, queryNumber, send, write } from './client.ts';

const peers = process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin');
const places = [peers, ...(process.env.PATH ?? '').split(path.delimiter)];
const binary = places.map((place) => path.join(place, 'prometheus')).find((file) => existsSync(file));
const skip = binary === undefined ? 'no prometheus in PATH or TIDEMARK_PEERS' : false;

const config = (url: string, message = 'prometheus.WriteRequest', more = ''): string => `global:
  scrape_interval: 1m
  external_labels: {region: eu}
remote_write:
  - url: ${url}/api/v1/write
    name: far
    protobuf_message: ${message}
    queue_config: {batch_send_deadline: 200ms, min_backoff: 50ms, max_backoff: 200ms}
    write_relabel_configs:
      - {source_labels: [__name__], regex: secret.*, action: drop}
      - {target_label: via, replacement: tidemark}
${more}`;

/** So many series, a sample each. */
const samples = (name: string, count: number, timeMs: number, value = 1) =>
  Array.from({ length: count }, (_, i) => oneSeries(name, { i: String(i) }, [[timeMs, value + i]]));

const sumTo = (count: number, value = 1): number => count * value + (count * (count - 1)) / 2;

for (const message of ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request']) {
  test(`what comes in goes out as ${message}, relabelled, with external labels`, async (t) => {
    const far = await Program.start(t);
    const near = await Program.start(t, { config: config(far.url, message) });
    const timeMs = Date.now() - 1000;
    assert.equal((await write(near, 1, samples('load', 5000, timeMs))).status, 204);
    assert.equal((await write(near, 2, samples('secret_load', 10, timeMs))).status, 204);
    const wanted = 'count(load{region="eu",via="tidemark"})';
    await until('all has arrived', 20_000, async () => (await queryNumber(far, wanted, Date.now())) === 5000);
    assert.equal(await queryNumber(far, 'sum(load)', Date.now()), sumTo(5000));
    assert.deepEqual(await query(far, 'secret_load', Date.now()), []);
    const stale = {
      ...oneSeries('load', { i: '7' }, []),
      samples: [{ timestampMs: timeMs + 500, value: 0, stale: true }],
    };
    await write(near, 1, [stale]);
    await until('a series has ended', 10_000, async () => (await queryNumber(far, 'count(load)', Date.now())) === 4999);
    const { text } = await send(near, { path: '/metrics' });
    const labels = `{remote_name="far",url="${far.url}/api/v1/write"}`;
    await until('metrics tell', 10_000, async () => {
      return (await send(near, { path: '/metrics' })).text.includes(
        `prometheus_remote_storage_samples_total${labels} 5001`,
      );
    });
    assert.ok(text.includes(`prometheus_remote_storage_shards_max${labels} 50`));
  });
}

/** An address that stays while the program behind it comes and goes. */
async function door(t: TestContext, program: Program): Promise<string> {
  const server = net.createServer((socket) => {
    const inner = net.connect(program.port, '127.0.0.1');
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ]) {
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  return `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

test('while the destination is away the log keeps what it lacks, also over a restart', async (t) => {
  const far = await Program.start(t);
  const url = await door(t, far);
  const near = await Program.start(t, { config: config(url), args: ['--storage.remote.flush-deadline=1s'] });
  const timeMs = Date.now() - 5000;
  assert.equal((await write(near, 1, samples('before', 100, timeMs))).status, 204);
  await until(
    'the first has arrived',
    20_000,
    async () => (await queryNumber(far, 'count(before)', Date.now())) === 100,
  );
  await far.stop();
  assert.equal((await write(near, 1, samples('meanwhile', 3000, timeMs))).status, 204);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await near.stop();
  await near.start();
  assert.equal((await write(near, 1, samples('after', 100, timeMs))).status, 204);
  await near.kill();
  await near.start();
  await far.start();
  await until('all has arrived', 30_000, async () => {
    const counts = await Promise.all(
      ['before', 'meanwhile', 'after'].map((name) => queryNumber(far, `count(${name})`, Date.now())),
    );
    return String(counts) === '100,3000,100';
  });
  assert.equal(await queryNumber(far, 'sum(meanwhile)', Date.now()), sumTo(3000));
});

interface Received {
  readonly headers: http.IncomingHttpHeaders;
  readonly series: number;
}

/** A receiver that answers as it is told. */
async function receiver(t: TestContext, answer: (n: number) => [status: number, headers?: Record<string, string>]) {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const message = new ProtoReader(decodeSnappy(Buffer.concat(chunks), 1 << 28) as Uint8Array);
      let series = 0;
      while (message.next()) {
        if (message.field === 1) series++;
        message.skip();
      }
      received.push({ headers: request.headers, series });
      const [status, headers = {}] = answer(received.length);
      response.writeHead(status, headers).end(status === 204 ? '' : 'no\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, received };
}

test('requests are repeated after 5xx, and after 429 if so configured, not after 400', async (t) => {
  const answers: [number, Record<string, string>?][] = [[503], [429, { 'retry-after': '1' }], [204], [400], [204]];
  const { url, received } = await receiver(t, (n) => answers[n - 1] ?? [204]);
  const more = '    basic_auth: {username: me, password: it}\n    headers: {X-Own: yes please}\n';
  const text = config(url, undefined, more).replace('queue_config: {', 'queue_config: {retry_on_http_429: true, ');
  const near = await Program.start(t, { config: text });
  await write(near, 1, samples('one', 10, Date.now()));
  await until('the first is taken', 10_000, () => received.length === 3);
  await write(near, 1, samples('two', 20, Date.now()));
  await until('the second is refused', 10_000, () => received.length === 4);
  await write(near, 1, samples('three', 30, Date.now()));
  await until('the third is taken', 10_000, () => received.length === 5);
  assert.deepEqual(
    received.map(({ series }) => series),
    [10, 10, 10, 20, 30],
  );
  const { headers } = received[1];
  assert.equal(headers['content-type'], 'application/x-protobuf');
  assert.equal(headers['x-prometheus-remote-write-version'], '0.1.0');
  assert.equal(headers['retry-attempt'], '1');
  assert.equal(headers['x-own'], 'yes please');
  assert.equal(headers.authorization, `Basic ${Buffer.from('me:it').toString('base64')}`);
  assert.match(near.log, /refused samples/);
});

test('a real Prometheus takes what is sent', { skip }, async (t) => {
  const home = await temporaryDirectory(t);
  const port = await freePort();
  await fs.writeFile(path.join(home, 'prometheus.yml'), 'global: {scrape_interval: 1m}\n');
  const { child, ended } = spawnGuarded(binary as string, [
    `--config.file=${home}/prometheus.yml`,
    `--storage.tsdb.path=${home}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
  ]);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const url = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until('Prometheus is ready', 30_000, isReady);
  for (const message of ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request']) {
    const near = await Program.start(t, { config: config(url, message) });
    const name = message === 'prometheus.WriteRequest' ? 'one' : 'two';
    await write(near, 1, samples(name, 4000, Date.now()));
    const peer = { port } as Program;
    const wanted = `count(${name}{region="eu",via="tidemark"})`;
    await until('all has arrived', 20_000, async () => (await queryNumber(peer, wanted, Date.now())) === 4000);
    assert.equal(await queryNumber(peer, `sum(${name})`, Date.now()), sumTo(4000));
    await near.stop();
  }
});
