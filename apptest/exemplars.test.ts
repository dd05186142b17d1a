// Exemplars through the real program: in by remote write, scrapes and OTLP, out by the API and by remote write, through kills.
// Where a real Prometheus is at hand, it is given the same requests and must answer the same.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { compressSnappy, encodeRemoteWriteV1, encodeRemoteWriteV2, type WireExemplar } from '../src/wire/index.ts';
import { type Program as RunningProgram, freePort, Program, spawnGuarded, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { oneSeries, send, type Version, writeHeaders } from './client.ts';

const ON = '--enable-feature=exemplar-storage';
const peers = process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin');
const places = [peers, ...(process.env.PATH ?? '').split(path.delimiter)];
const binary = places.map((place) => path.join(place, 'prometheus')).find((file) => existsSync(file));
const skip = binary === undefined ? 'no prometheus in PATH or TIDEMARK_PEERS' : false;
const nowMs = Math.floor(Date.now() / 1000) * 1000;

interface Series {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
    readonly timestamp: number;
  }[];
}

const exemplar = (id: string, value: number, timestampMs: number): WireExemplar => ({
  labels: ['trace_id', id],
  value,
  timestampMs,
});

async function found(
  url: string,
  query: string,
  startMs = nowMs - 3_600_000,
  endMs = nowMs + 3_600_000,
): Promise<Series[]> {
  const parameters = new URLSearchParams({ query, start: String(startMs / 1000), end: String(endMs / 1000) });
  const answer = await fetch(`${url}/api/v1/query_exemplars`, { method: 'POST', body: parameters });
  if (answer.status === 204) return []; // Prometheus, for a query without a selector
  const body = (await answer.json()) as { status: string; data: Series[] };
  assert.equal(body.status, 'success', JSON.stringify(body));
  return body.data;
}

/** `trace value` of all exemplars of a query, in order. */
const traces = (series: readonly Series[]): string[] =>
  series.flatMap(({ exemplars }) => exemplars.map(({ labels, value }) => `${labels.trace_id} ${value}`));

type Sent = ReturnType<typeof oneSeries> & { readonly exemplars?: readonly WireExemplar[] };

function write(to: Pick<RunningProgram, 'port'>, version: Version, series: readonly Sent[]) {
  const body = compressSnappy(version === 1 ? encodeRemoteWriteV1(series) : encodeRemoteWriteV2(series));
  return send(to, { path: '/api/v1/write', headers: writeHeaders(version), body });
}

for (const version of [1, 2] as const) {
  test(`${version}.0: exemplars are stored with their samples, and those that cannot be are counted`, async (t) => {
    const program = await Program.start(t, { args: [ON] });
    const good = { ...oneSeries('m', { a: '1' }, [[nowMs, 1]]), exemplars: [exemplar('x', 0.5, nowMs - 5)] };
    const long = { ...oneSeries('m', { a: '2' }, [[nowMs, 1]]), exemplars: [exemplar('y'.repeat(121), 1, nowMs)] };
    const reply = await write(program, version, [good, long]);
    assert.equal(reply.status, 204, reply.text);
    if (version === 2) assert.equal(reply.headers['x-prometheus-remote-write-exemplars-written'], '1');
    assert.deepEqual(await found(program.url, 'rate(m[5m]) + on() up'), [
      {
        seriesLabels: { __name__: 'm', a: '1' },
        exemplars: [{ labels: { trace_id: 'x' }, value: '0.5', timestamp: (nowMs - 5) / 1000 }],
      },
    ]);
    assert.deepEqual(await found(program.url, 'm', nowMs, nowMs + 1), []);
    const { text } = await send(program, { path: '/metrics' });
    assert.match(text, /tidemark_exemplars_written_total 1\n/);
    assert.match(text, /tidemark_rejected_exemplars_total\{[^}]*reason="labels_too_long"[^}]*\} 1\n/);
  });
}

test('without the feature none are stored, and the header says so', async (t) => {
  const program = await Program.start(t);
  const series = { ...oneSeries('m', {}, [[nowMs, 1]]), exemplars: [exemplar('x', 1, nowMs)] };
  const reply = await write(program, 2, [series]);
  assert.equal(reply.headers['x-prometheus-remote-write-exemplars-written'], '0');
  assert.deepEqual(await found(program.url, 'm'), []);
});

test('acknowledged exemplars outlive a kill, and a stop that writes images', async (t) => {
  const directory = await temporaryDirectory(t);
  const options = { directory, args: [ON] };
  const ids = Array.from({ length: 200 }, (_, i) => `t${i}`);
  const first = await Program.start(t, options);
  for (const [i, id] of ids.entries()) {
    const series = {
      ...oneSeries('m', { i: String(i % 7) }, [[nowMs + i, i]]),
      exemplars: [exemplar(id, i, nowMs + i)],
    };
    assert.equal((await write(first, 1, [series])).status, 204);
  }
  const wanted = await found(first.url, 'm');
  assert.equal(traces(wanted).length, ids.length);
  await first.kill();
  const second = await Program.start(t, options);
  assert.deepEqual(await found(second.url, 'm'), wanted);
  await second.stop();
  const third = await Program.start(t, options);
  assert.deepEqual(await found(third.url, 'm'), wanted);
});

/** A page that a scrape finds. */
async function page(t: TestContext, contentType: string, body: () => string): Promise<string> {
  const server = http.createServer((_, answer) => answer.setHeader('content-type', contentType).end(body()));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

test('scrapes of OpenMetrics bring exemplars', async (t) => {
  const address = await page(
    t,
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
    () => `# TYPE c counter
c_total{a="b"} 3 # {trace_id="a\\"b\\\\",span="s"} 0.25 ${nowMs / 1000 + 0.5}
# TYPE h histogram
h_bucket{le="1.0"} 1 # {} 0.5
h_bucket{le="+Inf"} 2
h_count 2
h_sum 4
# EOF
`,
  );
  const program = await Program.start(t, {
    args: [ON],
    config: `global: {scrape_interval: 1s}
scrape_configs:
  - job_name: j
    static_configs: [{targets: ['${address}']}]
`,
  });
  await until('a scrape is stored', 20_000, async () => (await found(program.url, 'c_total')).length === 1);
  const labels = { instance: address, job: 'j' };
  const counter = [{ labels: { span: 's', trace_id: 'a"b\\' }, value: '0.25', timestamp: nowMs / 1000 + 0.5 }];
  assert.deepEqual(await found(program.url, 'c_total'), [
    { seriesLabels: { __name__: 'c_total', a: 'b', ...labels }, exemplars: counter },
  ]);
  const [bucket] = await found(program.url, 'h_bucket');
  assert.equal(bucket.seriesLabels.le, '1.0');
  assert.deepEqual([bucket.exemplars[0].labels, bucket.exemplars[0].value], [{}, '0.5']);
  await until('a second scrape has come', 20_000, async () => {
    const { text } = await send(program, { path: '/metrics' });
    return /tidemark_exemplars_duplicate_total\{shard="\d"\} [1-9]/.test(text);
  });
  assert.equal((await found(program.url, 'h_bucket'))[0].exemplars.length, 1, 'the same again is no new one');
});

test('OTLP brings exemplars: trace, span and attributes become labels', async (t) => {
  const program = await Program.start(t, { args: [ON, '--web.enable-otlp-receiver'] });
  const ns = (ms: number): string => `${ms}000000`;
  const one = (value: number, id: string) => ({
    timeUnixNano: ns(nowMs),
    asDouble: value,
    traceId: id.repeat(16),
    spanId: 'cd'.repeat(8),
    filteredAttributes: [{ key: 'k', value: { stringValue: 'v' } }],
  });
  const histogram = {
    aggregationTemporality: 2,
    dataPoints: [
      {
        timeUnixNano: ns(nowMs),
        count: '3',
        sum: 9,
        bucketCounts: ['1', '1', '1'],
        explicitBounds: [1, 5],
        exemplars: [one(0.5, 'aa'), one(4, 'ab'), one(7, 'ac')],
      },
    ],
  };
  const body = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'lat', histogram }] }] }] });
  const headers = { 'content-type': 'application/json' };
  const reply = await send(program, { path: '/api/v1/otlp/v1/metrics', headers, body });
  assert.equal(reply.status, 200, reply.text);
  const series = await found(program.url, '{__name__=~"lat.*"}');
  const shown = series.map(({ seriesLabels, exemplars }) => [
    seriesLabels.le,
    exemplars[0].labels.trace_id,
    exemplars[0].value,
  ]);
  assert.deepEqual(shown.sort(), [
    ['+Inf', 'ac'.repeat(16), '7'],
    ['1', 'aa'.repeat(16), '0.5'],
    ['5', 'ab'.repeat(16), '4'],
  ]);
  assert.deepEqual(Object.keys(series[0].exemplars[0].labels).sort(), ['k', 'span_id', 'trace_id']);
});

for (const message of ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request']) {
  test(`send_exemplars sends them on as ${message}`, async (t) => {
    const far = await Program.start(t, { args: [ON] });
    const config = `remote_write:
  - url: ${far.url}/api/v1/write
    protobuf_message: ${message}
    send_exemplars: true
    queue_config: {batch_send_deadline: 200ms}
`;
    const near = await Program.start(t, { config, args: [ON] });
    const series = Array.from({ length: 50 }, (_, i) => ({
      ...oneSeries('m', { i: String(i) }, [[nowMs, i]]),
      exemplars: [exemplar(`t${i}`, i / 4, nowMs - 1000), exemplar(`u${i}`, i, nowMs)],
    }));
    assert.equal((await write(near, 1, series)).status, 204);
    const wanted = await found(near.url, 'm');
    assert.equal(traces(wanted).length, 100);
    await until('all have arrived', 20_000, async () => traces(await found(far.url, 'm')).length === 100);
    assert.deepEqual(await found(far.url, 'm'), wanted);
    await until('the metric tells', 10_000, async () => {
      const { text } = await send(near, { path: '/metrics' });
      return /prometheus_remote_storage_exemplars_total\{[^}]*\} 100\n/.test(text);
    });
  });
}

async function startPrometheus(t: TestContext): Promise<{ url: string; port: number }> {
  const home = await temporaryDirectory(t);
  const port = await freePort();
  const { child, ended } = spawnGuarded(binary as string, [
    '--config.file=/dev/null',
    `--storage.tsdb.path=${home}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-remote-write-receiver',
    ON,
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
  return { url, port };
}

test('the answers are those of Prometheus that was given the same requests', { skip }, async (t) => {
  const [program, peer] = await Promise.all([Program.start(t, { args: [ON] }), startPrometheus(t)]);
  const at = (i: number): number => nowMs - 60_000 + i * 1000;
  const of = (labels: Record<string, string>, i: number, exemplars: readonly WireExemplar[]): Sent => ({
    ...oneSeries('http_total', labels, [[at(i), i]]),
    exemplars,
  });
  const many = (value: number, times: readonly number[]): WireExemplar[] =>
    Array.from('abcdefgh', (id, i) => exemplar(id, value, at(times[i % times.length])));
  const requests: readonly (readonly Sent[])[] = [
    [
      of({ code: '200' }, 0, [
        exemplar('first', 1, at(0)),
        exemplar('second', 2.5, at(0)),
        exemplar('third', -1, at(1)),
      ]),
      of({ code: '500' }, 0, [{ labels: [], value: Number.NaN, timestampMs: at(0) }]),
      of({ code: 'ü' }, 0, [{ labels: ['z', '1', 'a', '', 'b', 'ö'.repeat(60)], value: 1e300, timestampMs: at(0) }]),
    ],
    // The same again, earlier ones, equal times with lesser values, and with labels whose hashes decide.
    [of({ code: '200' }, 1, [exemplar('third', -1, at(1)), exemplar('early', 9, at(0)), exemplar('least', -2, at(1))])],
    [of({ code: '200' }, 2, many(3, [5]))],
    [of({ code: '404' }, 2, many(0, [2, 3, 4, 3]))],
    // Too long, at the limit, without a time of its own.
    [of({ code: '500' }, 3, [exemplar('x'.repeat(121), 1, at(4)), exemplar('y'.repeat(120), 1, at(5))])],
    [of({ code: 'ü' }, 4, [exemplar('none', 1, 0)])],
    // Exemplars of a known series alone, and of one that nobody knows.
    [{ ...oneSeries('http_total', { code: '200' }, []), exemplars: [exemplar('alone', 7, at(9))] }],
    [{ ...oneSeries('http_total', { code: 'unknown' }, []), exemplars: [exemplar('nobody', 7, at(9))] }],
  ];
  for (const series of requests) {
    for (const to of [program, peer]) assert.ok((await write(to, 1, series)).status < 300);
  }
  const queries = [
    'http_total',
    'sum(rate(http_total{code=~"2..|4.."}[5m])) / http_total{code="500"}',
    '{code!="200",__name__!=""}',
    'http_total{missing=""}',
    'nothing',
    '1 + 2',
  ];
  const wanted = await found(peer.url, 'http_total', 0);
  assert.ok(traces(wanted).length > 12, JSON.stringify(wanted));
  for (const query of queries) {
    for (const [from, to] of [
      [0, nowMs],
      [at(1), at(5)],
      [at(5), at(5)],
    ]) {
      assert.deepEqual(
        await found(program.url, query, from, to),
        await found(peer.url, query, from, to),
        `${query} ${from}`,
      );
    }
  }
});
