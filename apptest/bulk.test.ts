// Samples out of the real program for other servers: federation, and remote read in both of its forms. A real Prometheus, where
// there is one (see peers.test.ts), scrapes the first and reads by the second.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ByteReader, ByteWriter, crc32c } from '../src/base/index.ts';
import { decodeSnappy } from '../src/kernel/index.ts';
import { ProtoReader, compressSnappy, putBytes, putInt, putText } from '../src/wire/index.ts';
import { freePort, Program, spawnGuarded, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { oneSeries, send, write } from './client.ts';

const peers = process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin');
const places = [peers, ...(process.env.PATH ?? '').split(path.delimiter)];
const binary = places.map((place) => path.join(place, 'prometheus')).find((file) => existsSync(file));
const skip = binary === undefined ? 'no prometheus in PATH or TIDEMARK_PEERS' : false;

const CONFIG = 'global:\n  scrape_interval: 1m\n  external_labels: {region: eu}\n';
const SERIES = 250;
const SAMPLES = 240;
const STEP_MS = 1000;

/** So many series of so many samples up to `endMs`; the first one has ended. */
function traffic(endMs: number) {
  return Array.from({ length: SERIES }, (_, i) => {
    const samples = Array.from({ length: SAMPLES }, (_, k) => ({
      timestampMs: endMs - (SAMPLES - 1 - k) * STEP_MS,
      value: i * 1000 + k / 8,
      stale: i === 0 && k === SAMPLES - 1,
    }));
    return { ...oneSeries('load', { i: String(i).padStart(3, '0'), job: 'app' }, []), samples };
  });
}

function readRequest(
  startMs: number,
  endMs: number,
  types: readonly number[],
  extra: readonly string[] = [],
): Uint8Array {
  const query = new ByteWriter();
  putInt(query, 1, startMs);
  putInt(query, 2, endMs);
  for (const [name, value] of [['__name__', 'load'], extra]) {
    if (name === undefined) continue;
    const matcher = new ByteWriter();
    putText(matcher, 2, name);
    putText(matcher, 3, value);
    putBytes(query, 3, matcher.view());
  }
  const out = new ByteWriter();
  putBytes(out, 1, query.view());
  for (const type of types) putInt(out, 2, type);
  return compressSnappy(out.finish());
}

async function read(program: Program, body: Uint8Array): Promise<{ answer: Response; bytes: Uint8Array }> {
  const answer = await fetch(`${program.url}/api/v1/read`, { method: 'POST', body: body as Uint8Array<ArrayBuffer> });
  return { answer, bytes: new Uint8Array(await answer.arrayBuffer()) };
}

/** Labels of a series message, and how many fields 2 it has (samples or chunks). */
function seriesOf(input: ProtoReader): { labels: string; parts: number } {
  const labels: string[] = [];
  let parts = 0;
  while (input.next()) {
    if (input.field === 2) parts++;
    if (input.field !== 1) {
      input.skip();
      continue;
    }
    const label = input.message();
    const texts: string[] = [];
    while (label.next()) texts.push(label.text());
    labels.push(texts.join('='));
  }
  return { labels: labels.join(','), parts };
}

test('remote read gives samples, and chunks in frames with checksums', async (t) => {
  const program = await Program.start(t, { config: CONFIG });
  const endMs = Math.floor(Date.now() / 1000) * 1000;
  assert.equal((await write(program, 1, traffic(endMs))).status, 204);

  const { answer, bytes } = await read(program, readRequest(endMs - 9999, endMs, [], ['region', 'eu']));
  assert.equal(answer.status, 200, Buffer.from(bytes).toString());
  assert.equal(answer.headers.get('content-type'), 'application/x-protobuf');
  assert.equal(answer.headers.get('content-encoding'), 'snappy');
  const response = new ProtoReader(decodeSnappy(bytes, 1 << 28) as Uint8Array);
  assert.ok(response.next());
  const result = response.message();
  const all = [];
  while (result.next()) all.push(seriesOf(result.message()));
  assert.equal(all.length, SERIES);
  assert.deepEqual(all[1], { labels: '__name__=load,i=001,job=app,region=eu', parts: 10 });

  const streamed = await read(program, readRequest(0, endMs, [1]));
  assert.equal(
    streamed.answer.headers.get('content-type'),
    'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse',
  );
  const frames = new ByteReader(streamed.bytes);
  const found = new Map<string, number>();
  while (frames.remaining > 0) {
    const length = frames.varint();
    const crc = new DataView(frames.take(4).slice().buffer).getUint32(0);
    const message = frames.take(length);
    assert.equal(crc32c(message), crc);
    const frame = new ProtoReader(message);
    assert.ok(frame.next());
    const { labels, parts } = seriesOf(frame.message());
    found.set(labels, (found.get(labels) ?? 0) + parts);
  }
  assert.deepEqual([...found.keys()].sort(), [...found.keys()]);
  assert.deepEqual([found.size, ...new Set(found.values())], [SERIES, 2]);

  const other = await read(program, readRequest(0, endMs, [], ['region', 'us']));
  assert.equal((decodeSnappy(other.bytes, 1000) as Uint8Array).length, 2); // one result without series
  const bad = await read(program, Uint8Array.of(1, 2, 3));
  assert.deepEqual([bad.answer.status, Buffer.from(bad.bytes).toString()], [400, 'snappy: corrupt input\n']);
});

test('remote read ends at its sample limit', async (t) => {
  const program = await Program.start(t, { config: CONFIG, args: ['--storage.remote.read-sample-limit=1000'] });
  const endMs = Math.floor(Date.now() / 1000) * 1000;
  assert.equal((await write(program, 1, traffic(endMs))).status, 204);
  const { answer, bytes } = await read(program, readRequest(0, endMs, [0]));
  assert.deepEqual([answer.status, Buffer.from(bytes).toString()], [400, 'exceeded sample limit (1000)\n']);
  assert.equal((await read(program, readRequest(0, endMs, [1]))).answer.status, 200);
});

test('federation gives the newest samples, without stale ones, with the labels of the configuration', async (t) => {
  const program = await Program.start(t, { config: CONFIG });
  const endMs = Math.floor(Date.now() / 1000) * 1000;
  assert.equal((await write(program, 1, traffic(endMs))).status, 204);
  const path = '/federate?match[]=load{i=~"00."}&match[]={i="003"}';
  const reply = await send(program, { path: encodeURI(path) });
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores');
  const lines = reply.text.trimEnd().split('\n');
  assert.equal(lines[0], '# TYPE load untyped');
  assert.equal(lines[1], `load{i="001",job="app",instance="",region="eu"} 1029.875 ${endMs}`);
  assert.equal(lines.length, 10); // nine of ten live
  const bad = await send(program, { path: '/federate?match[]={' });
  assert.deepEqual([bad.status, bad.text], [400, '1:2: parse error: unexpected end of input inside braces\n']);
  assert.equal((await send(program, { path: '/federate' })).text, '');
});

test('a real Prometheus federates and reads remotely', { skip }, async (t) => {
  const program = await Program.start(t, { config: CONFIG });
  const endMs = Math.floor(Date.now() / 1000) * 1000;
  assert.equal((await write(program, 1, traffic(endMs))).status, 204);
  const home = await temporaryDirectory(t);
  const port = await freePort();
  const config = `global: {scrape_interval: 1s}
remote_read: [{url: '${program.url}/api/v1/read', read_recent: true}]
scrape_configs:
  - job_name: federate
    honor_labels: true
    metrics_path: /federate
    params: {'match[]': ['{job="app"}']}
    metric_relabel_configs: [{source_labels: [__name__], target_label: __name__, replacement: federated}]
    static_configs: [{targets: ['127.0.0.1:${program.port}']}]
`;
  await fs.writeFile(path.join(home, 'prometheus.yml'), config);
  const { child, ended } = spawnGuarded(binary as string, [
    `--config.file=${home}/prometheus.yml`,
    `--storage.tsdb.path=${home}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const value = async (query: string, timeMs: number): Promise<string> => {
    const url = `http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query, time: String(timeMs / 1000) })}`;
    try {
      const { data } = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } };
      return data.result[0]?.value[1] ?? '';
    } catch {
      return ''; // not up yet
    }
  };
  await until('Prometheus has federated', 30_000, async () => {
    return (await value('count(federated{region="eu",instance=""})', Date.now())) === String(SERIES - 1);
  });
  const sum = `sum(sum_over_time(load[${SAMPLES}s]))`;
  const own = new URLSearchParams({ query: sum, time: String(endMs / 1000) });
  const answer = (await (await fetch(`${program.url}/api/v1/query?${own}`)).json()) as {
    data: { result: { value: [number, string] }[] };
  };
  assert.equal(await value(sum, endMs), answer.data.result[0].value[1]);
  assert.equal(await value('count(load)', endMs), String(SERIES - 1), 'the stale marker came too');
});
