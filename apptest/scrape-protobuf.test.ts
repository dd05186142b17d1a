// The real program scrapes a target that speaks protobuf, native histograms included, and passes them on by remote write.
import assert from 'node:assert/strict';
import http from 'node:http';
import type net from 'node:net';
import { test } from 'node:test';
import { ByteWriter } from '../src/base/index.ts';
import { putBytes, putDouble, putInt, putText } from '../src/wire/index.ts';
import { Program, until } from '../test/support/program.ts';
import { query, queryNumber } from './client.ts';

type Put = (out: ByteWriter) => void;

function message(...puts: Put[]): Uint8Array {
  const out = new ByteWriter();
  for (const put of puts) put(out);
  return out.finish();
}

const bytes =
  (field: number, ...puts: Put[]): Put =>
  (out) =>
    putBytes(out, field, message(...puts));
const text =
  (field: number, value: string): Put =>
  (out) =>
    putText(out, field, value);
const double =
  (field: number, value: number): Put =>
  (out) =>
    putDouble(out, field, value);
const int =
  (field: number, value: number): Put =>
  (out) =>
    putInt(out, field, value);
const label = (name: string, value: string): Put => bytes(1, text(1, name), text(2, value));
const family = (name: string, type: number, ...metrics: Put[]): Uint8Array =>
  message((out) => out.block(message(text(1, name), int(3, type), ...metrics)));

const counter = family('requests_total', 0, bytes(4, label('path', '/'), bytes(3, double(1, 7))));
/** Both classic and native: buckets 1 and 2 of schema 0 with 2 and 3 observations, one at zero. */
const histogram = family(
  'latency_seconds',
  4,
  bytes(
    4,
    label('path', '/'),
    bytes(
      7,
      int(1, 6),
      double(2, 12.5),
      bytes(3, int(1, 4), double(2, 1)),
      int(5, 0),
      double(6, 0.001),
      int(7, 1),
      bytes(12, int(1, 2), int(2, 2)), // offset 1 (zigzag 2), two buckets
      (out) => putBytes(out, 13, Uint8Array.of(4, 2)), // differences 2 and 1
    ),
  ),
);

test('protobuf is asked for and read; native histograms are stored, end, and are sent on', async (t) => {
  let hasHistogram = true;
  const accepts: string[] = [];
  const target = http.createServer((request, response) => {
    accepts.push(String(request.headers.accept));
    const type = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
    response.writeHead(200, { 'content-type': type });
    response.end(hasHistogram ? Buffer.concat([counter, histogram]) : counter);
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  t.after(() => target.closeAllConnections());
  t.after(() => void target.close());
  const address = `127.0.0.1:${(target.address() as net.AddressInfo).port}`;
  const far = await Program.start(t);
  const config = `global: {scrape_interval: 1s}
remote_write: [{url: '${far.url}/api/v1/write', send_native_histograms: true, queue_config: {batch_send_deadline: 200ms}}]
scrape_configs:
  - {job_name: native, scrape_native_histograms: true, static_configs: [{targets: ['${address}']}]}
  - {job_name: classic, scrape_protocols: [PrometheusProto], static_configs: [{targets: ['${address}']}]}
`;
  const program = await Program.start(t, { config });
  const now = (expression: string) => queryNumber(program, expression, Date.now());
  await until('it is scraped', 15_000, async () => (await now('count(up == 1)')) === 2);
  await until('native histograms are there', 15_000, async () => (await now('histogram_count(latency_seconds)')) === 6);
  assert.match(
    accepts[0],
    /^application\/vnd\.google\.protobuf;proto=io\.prometheus\.client\.MetricFamily;encoding=delimited;q=/,
  );
  assert.equal(await now('histogram_sum(latency_seconds{job="native",path="/"})'), 12.5);
  assert.equal(await now('histogram_fraction(-1, 0.001, latency_seconds) * 6'), 1);
  assert.equal(await now('latency_seconds_bucket{job="classic",le="1.0"}'), 4);
  assert.equal(await now('latency_seconds_bucket{job="classic",le="+Inf"}'), 6);
  assert.deepEqual(await query(program, 'latency_seconds_bucket{job="native"}', Date.now()), []);
  assert.equal(await now('scrape_samples_scraped{job="native"}'), 2);
  assert.equal(await now('requests_total{job="native"}'), 7);
  await until('they are sent on', 15_000, async () => {
    return (await queryNumber(far, 'histogram_sum(latency_seconds{job="native"})', Date.now())) === 12.5;
  });
  hasHistogram = false;
  await until('the series has ended', 15_000, async () => Number.isNaN(await now('histogram_count(latency_seconds)')));
  assert.equal(await now('requests_total{job="native"}'), 7);
});
