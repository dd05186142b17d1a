// The real program and a real Prometheus scrape one target in several ways: both must store the same histograms.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import http from 'node:http';
import type net from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ByteWriter } from '../src/base/index.ts';
import { putBytes, putDouble, putInt, putText } from '../src/wire/index.ts';
import { peerQuery, type PeerSeries, skipWithout, startPrometheus } from '../test/support/peers.ts';
import { Program, until } from '../test/support/program.ts';

const TEXT = `# HELP d Classic.
# TYPE d histogram
d_bucket{path="/",le="0.5"} 2
d_bucket{path="/",le="1"} 5
d_bucket{path="/",le="+Inf"} 6
d_sum{path="/"} 4.25
d_count{path="/"} 6
d_bucket{path="/b",le="1"} 1
d_sum{path="/b"} 0.5
d_count{path="/b"} 3
# TYPE broken histogram
broken_bucket{le="1"} 5
broken_bucket{le="+Inf"} 4
broken_count 4
# TYPE other gauge
other_count 3
other_bucket{le="1"} 3
`;

type Put = (out: ByteWriter) => void;
const message = (...puts: Put[]): Uint8Array => {
  const out = new ByteWriter();
  for (const put of puts) put(out);
  return out.finish();
};
const nested =
  (field: number, ...puts: Put[]): Put =>
  (out) =>
    putBytes(out, field, message(...puts));
const int =
  (field: number, value: number): Put =>
  (out) =>
    putInt(out, field, value);
const double =
  (field: number, value: number): Put =>
  (out) =>
    putDouble(out, field, value);
const text =
  (field: number, value: string): Put =>
  (out) =>
    putText(out, field, value);

const nowSeconds = Math.floor(Date.now() / 1000);
const exemplar = (field: number, id: string, value: number): Put =>
  nested(field, nested(1, text(1, 'id'), text(2, id)), double(2, value), nested(3, int(1, nowSeconds)));
const classic = [
  nested(3, int(1, 4), double(2, 1), exemplar(3, 'low', 0.5)),
  nested(3, int(1, 5), double(2, 2), exemplar(3, 'high', 1.5)),
];
/** Eight buckets of schema 3 and one observation of zero. */
const native = [
  int(5, 6),
  double(6, 0.001),
  int(7, 1),
  nested(12, int(1, 2), int(2, 8)),
  (out: ByteWriter) => putBytes(out, 13, Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0)),
];
const family = (name: string, ...histogram: Put[]): Uint8Array =>
  message((out) =>
    out.block(message(text(1, name), int(3, 4), nested(4, nested(7, int(1, 9), double(2, 12.5), ...histogram)))),
  );
const counter = message((out) =>
  out.block(message(text(1, 'z_total'), int(3, 0), nested(4, nested(3, double(1, 7), exemplar(2, 'counted', 1))))),
);
const PROTOBUF = Buffer.concat([family('both', ...classic, ...native), family('only_classic', ...classic), counter]);
const PROTOBUF_TYPE = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

async function serveTarget(t: TestContext): Promise<string> {
  const target = http.createServer((request, response) => {
    const isProtobuf = request.url === '/protobuf' && String(request.headers.accept).includes('protobuf');
    response.writeHead(200, { 'content-type': isProtobuf ? PROTOBUF_TYPE : 'text/plain; version=0.0.4' });
    response.end(isProtobuf ? PROTOBUF : TEXT);
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    target.closeAllConnections();
    target.close();
  });
  return `127.0.0.1:${(target.address() as net.AddressInfo).port}`;
}

const PROTO = '[PrometheusProto, PrometheusText0.0.4]';
const JOBS: readonly (readonly [job: string, settings: string])[] = [
  ['text', ''],
  ['text_custom', 'convert_classic_histograms_to_nhcb: true'],
  ['text_custom_classic', 'convert_classic_histograms_to_nhcb: true, always_scrape_classic_histograms: true'],
  ['text_custom_limit', 'convert_classic_histograms_to_nhcb: true, native_histogram_bucket_limit: 2'],
  ['text_sample_limit', 'convert_classic_histograms_to_nhcb: true, sample_limit: 5'],
  ['proto', `metrics_path: /protobuf, scrape_protocols: ${PROTO}`],
  ['proto_classic', `metrics_path: /protobuf, scrape_protocols: ${PROTO}, always_scrape_classic_histograms: true`],
  ['proto_custom', `metrics_path: /protobuf, scrape_protocols: ${PROTO}, convert_classic_histograms_to_nhcb: true`],
  [
    'proto_all',
    `metrics_path: /protobuf, scrape_protocols: ${PROTO}, convert_classic_histograms_to_nhcb: true, always_scrape_classic_histograms: true`,
  ],
  ['proto_limit', `metrics_path: /protobuf, scrape_protocols: ${PROTO}, native_histogram_bucket_limit: 3`],
  ['proto_over', `metrics_path: /protobuf, scrape_protocols: ${PROTO}, native_histogram_bucket_limit: 1`],
  ['proto_factor', `metrics_path: /protobuf, scrape_protocols: ${PROTO}, native_histogram_min_bucket_factor: 1.5`],
];

/** `isOld`: Prometheus 3.5 has no scrape_native_histograms yet; its feature flag asks for the same. */
const config = (target: string, isOld: boolean): string =>
  `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n${JOBS.map(([job, settings]) => {
    const own = isOld || !job.startsWith('proto') ? settings : `${settings}, scrape_native_histograms: true`;
    return `  - {job_name: ${job}, ${own === '' ? '' : `${own}, `}static_configs: [{targets: ['${target}']}]}`;
  }).join('\n')}\n`;

async function stored(url: string): Promise<Map<string, unknown>> {
  const wanted = '{job!="",__name__!~"scrape_duration_seconds|scrape_series_added"}';
  const found = await peerQuery(url, wanted);
  return new Map(found.map(shown).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Series and exemplars, a text each. */
async function exemplars(url: string): Promise<string[]> {
  const parameters = new URLSearchParams({
    query: '{job=~"proto.*"}',
    start: String(nowSeconds - 1),
    end: String(nowSeconds + 1),
  });
  const answer = await fetch(`${url}/api/v1/query_exemplars?${parameters}`);
  const { data } = (await answer.json()) as { data: { seriesLabels: Record<string, string>; exemplars: unknown }[] };
  return data
    .map((one) => JSON.stringify([Object.entries(one.seriesLabels).sort(), one.exemplars]))
    .sort((a, b) => (a < b ? -1 : 1));
}

const shown = ({ metric, value, histogram }: PeerSeries): [string, unknown] => [
  JSON.stringify(Object.entries(metric).sort()),
  histogram?.[1] ?? value?.[1],
];

test('histograms are converted and limited as by a real Prometheus', { skip: skipWithout('prometheus') }, async (t) => {
  const target = await serveTarget(t);
  const args = ['--enable-feature=native-histograms,exemplar-storage'];
  const prometheus = await startPrometheus(t, config(target, true), args);
  const program = await Program.start(t, {
    config: config(target, false),
    args: [args[0].replace('native-histograms,', '')],
  });
  const isComplete = async (url: string) => (await peerQuery(url, 'up')).length === JOBS.length;
  await until(
    'all jobs are scraped',
    30_000,
    async () => (await isComplete(prometheus.url)) && isComplete(program.url),
  );
  const [want, got] = [await stored(prometheus.url), await stored(program.url)];
  assert.ok(want.size > 80, `${want.size} series`);
  assert.deepEqual([...got], [...want]);
  const wanted = await exemplars(prometheus.url);
  assert.ok(wanted.length > 10, `${wanted.length} series have exemplars`);
  assert.deepEqual(await exemplars(program.url), wanted);
});

test('a relabelling rule may want native histograms of one target', async (t) => {
  const target = await serveTarget(t);
  const rule = "{target_label: __scrape_native_histograms__, replacement: 'true'}";
  const program = await Program.start(t, {
    config: `global: {scrape_interval: 1s}
scrape_configs:
  - {job_name: asked, metrics_path: /protobuf, relabel_configs: [${rule}], static_configs: [{targets: ['${target}']}]}
`,
  });
  await until('the histogram is there', 15_000, async () => (await peerQuery(program.url, 'both')).length === 1);
});

test('failed scrapes and queries are told in files, also after these were moved away', async (t) => {
  const program = await Program.start(t);
  const at = (name: string): string => path.join(program.directory, '..', name);
  await fs.writeFile(
    program.configFile,
    `global: {scrape_interval: 1s, query_log_file: ${at('queries')}, scrape_failure_log_file: ${at('failures')}}
scrape_configs:
  - {job_name: dead, static_configs: [{targets: ['127.0.0.1:1']}]}
`,
  );
  const lines = async (name: string): Promise<Record<string, unknown>[]> =>
    (await fs.readFile(at(name), 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  program.signal('SIGHUP');
  await until('a failure is told', 15_000, async () => (await lines('failures')).length > 0);
  const [failure] = await lines('failures');
  assert.equal(failure.job_name, 'dead');
  assert.equal(failure.target, 'http://127.0.0.1:1/metrics');
  assert.match(String(failure.msg), /: dial tcp 127\.0\.0\.1:1: connect: connection refused$/);
  await peerQuery(program.url, 'up + 1', 1000);
  await peerQuery(program.url, 'up +').catch(() => {});
  await until('the query is told', 15_000, async () => (await lines('queries')).length > 0);
  await fs.rename(at('queries'), at('queries.1'));
  program.signal('SIGHUP');
  await until('queries are told in a new file', 15_000, async () => {
    await peerQuery(program.url, 'up - 1', 1000);
    return (await lines('queries')).length > 0;
  });
  const [query, ...others] = await lines('queries.1');
  const time = '1970-01-01T00:00:01.000Z';
  assert.deepEqual(query.params, { end: time, query: 'up + 1', start: time, step: 0 });
  assert.deepEqual(query.httpRequest, { clientIP: '127.0.0.1', method: 'GET', path: '/api/v1/query' });
  assert.equal((query.stats as { samples: { totalQueryableSamples: number } }).samples.totalQueryableSamples, 0);
  assert.ok(others.every(({ params }) => (params as { query: string }).query === 'up - 1'));
});
