// The query worker with no shards behind it: expressions that need none make answers of any length.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { BodyStream, Coding, QueryRequest, QueryResponse } from '../../src/api/index.ts';
import { MetricRegistry, silentLogger } from '../../src/base/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import { QueryClient } from '../../src/app/query-client.ts';

const POINTS = 11_000;

/** About 0.3 MB of JSON per series. */
function manySeries(seriesCount: number): QueryRequest {
  const one = (i: number): string => `label_replace(vector(time()), "i", "${i}", "", "")`;
  return {
    kind: 'range',
    tenant: 't',
    query: Array.from({ length: seriesCount }, (_, i) => one(i)).join(' or '),
    startMs: 0,
    endMs: (POINTS - 1) * 15_000,
    stepMs: 15_000,
    timeoutMs: null,
    limit: 0,
    lookbackMs: null,
    stats: 'none',
    explain: 'none',
    noCache: false,
  };
}

function start(t: TestContext): { client: QueryClient; deaths: Error[] } {
  const metrics = new MetricRegistry();
  const deaths: Error[] = [];
  const client = new QueryClient({
    shards: [],
    settings: {
      lookbackMs: 300_000,
      timeoutMs: 60_000,
      maxSamples: 50_000_000,
      maxConcurrency: 4,
      defaultStepMs: 60_000,
      features: [],
      keepsExemplars: false,
      queryBytesMax: 2 ** 30,
      totalBytesMax: 2 ** 30,
    },
    logger: silentLogger,
    clock: createRealWorld('.').clock,
    journal: null,
    slowMs: 0,
    queueSeconds: metrics.histogram('a', 'a', [1]),
    runSeconds: metrics.histogram('b', 'b', [1]),
    countByStatus: (status) => metrics.counter('c', 'c', { code: String(status) }),
    onDeath: (error) => deaths.push(error),
  });
  t.after(() => client.stop());
  return { client, deaths };
}

const never = new AbortController().signal;

async function readAll({ body }: QueryResponse): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const parts: Buffer[] = [];
  for await (const chunk of body) {
    parts.push(...chunk.parts.map((part) => Buffer.from(part)));
    chunk.release();
  }
  return Buffer.concat(parts);
}

async function ask(client: QueryClient, seriesCount: number, accepted: Coding | null = null) {
  const response = await client.query(manySeries(seriesCount), never, accepted);
  assert.equal(response.status, 200);
  return { response, bytes: await readAll(response) };
}

function seriesIn(json: Buffer): number {
  const { data } = JSON.parse(json.toString());
  for (const { values } of data.result) assert.equal(values.length, POINTS);
  return data.result.length;
}

test('long answers arrive whole, several at once, compressed for those who accept it', async (t) => {
  const { client } = start(t);
  const all = await Promise.all([ask(client, 1), ask(client, 5), ask(client, 9), ask(client, 3)]);
  assert.deepEqual(
    all.map(({ bytes }) => seriesIn(bytes)),
    [1, 5, 9, 3],
  );
  const { response, bytes } = await ask(client, 4, 'gzip');
  assert.equal(response.coding, 'gzip');
  assert.equal(seriesIn(gunzipSync(bytes)), 4);
  assert.equal(client.running, 0);
});

test('a short answer says its length', async (t) => {
  const { client } = start(t);
  const request = { ...manySeries(1), endMs: 100 * 15_000 } as QueryRequest;
  const { body } = await client.query(request, never, null);
  assert.ok(body instanceof Uint8Array);
  const longer = { ...manySeries(1), endMs: 1000 * 15_000 } as QueryRequest;
  const response = await client.query(longer, never, null);
  const { length } = response.body as BodyStream;
  assert.equal((await readAll(response)).length, length);
});

test('errors keep their status', async (t) => {
  const { client } = start(t);
  const { status, body } = await client.query({ ...manySeries(1), query: 'sum(' } as QueryRequest, never, 'gzip');
  assert.equal(status, 400);
  assert.match(Buffer.from(body as Uint8Array).toString(), /"errorType":"bad_data"/);
});

test('clients that leave in the middle of an answer leave nothing behind', async (t) => {
  const { client } = start(t);
  for (let n = 0; n < 80; n++) {
    const abort = new AbortController();
    const { body } = await client.query(manySeries(4), abort.signal, null);
    const chunks = (body as BodyStream)[Symbol.asyncIterator]();
    const { value } = await chunks.next();
    assert.ok(value);
    abort.abort();
    value.release();
    await assert.rejects(chunks.next(), /canceled/);
  }
  assert.equal(client.running, 0);
  assert.equal(seriesIn((await ask(client, 3)).bytes), 3); // 80 times sixteen slots are more than there are
});

test('a client that leaves before the answer gets it canceled', async (t) => {
  const { client } = start(t);
  const abort = new AbortController();
  const answer = client.query(manySeries(2), abort.signal, null);
  abort.abort();
  assert.equal((await answer).status, 499);
  assert.equal((await client.query(manySeries(2), abort.signal, null)).status, 499);
  assert.equal(client.running, 0);
});

test('an answer under way fails when the query worker ends', async (t) => {
  const { client, deaths } = start(t);
  const { body } = await client.query(manySeries(9), never, null);
  const chunks = (body as BodyStream)[Symbol.asyncIterator]();
  await chunks.next();
  const waiting = client.query(manySeries(9), never, null);
  const isRefused = assert.rejects(waiting, /query worker/);
  await client.stop();
  await assert.rejects(
    (async () => {
      for (;;) (await chunks.next()).value?.release();
    })(),
    /query worker/,
  );
  await isRefused;
  assert.deepEqual(deaths, []);
  assert.equal(client.running, 0);
});
