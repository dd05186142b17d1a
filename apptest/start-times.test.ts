// The real program keeps start times, however they come in, and PromQL finds them in the head, in blocks and after a restart.
import assert from 'node:assert/strict';
import http from 'node:http';
import type net from 'node:net';
import { test } from 'node:test';
import { Program, until } from '../test/support/program.ts';
import { query, queryNumber, send, write } from './client.ts';

const FEATURES = 'promql-experimental-functions,use-start-timestamps,st-storage,created-timestamp-zero-ingestion';

/** A target that speaks OpenMetrics. */
async function exposing(body: string): Promise<{ port: number; close: () => void }> {
  const server = http.createServer((_, answer) => {
    answer.setHeader('content-type', 'application/openmetrics-text; version=1.0.0');
    answer.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as net.AddressInfo).port, close: () => server.close() };
}

test('start times of remote write 2.0, OTLP and scrapes survive a flush and a restart', async (t) => {
  const nowMs = Date.now();
  const createdMs = nowMs - 100_000;
  const page = ['# TYPE a counter', 'a_total{x="1"} 5', `a_created{x="1"} ${createdMs / 1000}`, '# EOF', ''];
  const target = await exposing(page.join('\n'));
  t.after(() => target.close());
  const config =
    `scrape_configs: [{job_name: j, scrape_interval: 1s, ` +
    `static_configs: [{targets: ['127.0.0.1:${target.port}']}]}]\n`;
  const args = [`--enable-feature=${FEATURES}`, '--web.enable-admin-api', '--web.enable-otlp-receiver'];
  const program = await Program.start(t, { config, args });

  const startMs = nowMs - 400_000;
  const samples = Array.from({ length: 20 }, (_, i) => ({ timestampMs: nowMs - (19 - i) * 15_000, value: i, startMs }));
  assert.equal((await write(program, 2, [{ labels: [['__name__', 'w']], samples }])).status, 204);
  const point = { startTimeUnixNano: `${nowMs - 50_000}000000`, timeUnixNano: `${nowMs}000000`, asDouble: 7 };
  const metric = { name: 'o', sum: { isMonotonic: true, aggregationTemporality: 2, dataPoints: [point] } };
  const body = JSON.stringify({
    resourceMetrics: [{ resource: {}, scopeMetrics: [{ scope: {}, metrics: [metric] }] }],
  });
  const headers = { 'content-type': 'application/json' };
  assert.equal((await send(program, { path: '/api/v1/otlp/v1/metrics', headers, body })).status, 200);
  await until('the target is scraped', 10_000, async () => (await query(program, 'a_total', Date.now())).length === 1);
  const scrapedMs = Date.now();

  const check = async () => {
    assert.equal(await queryNumber(program, 'start_timestamp(w)', nowMs), startMs / 1000);
    assert.equal(await queryNumber(program, 'start_timestamp(o_total)', nowMs), (nowMs - 50_000) / 1000);
    assert.equal(await queryNumber(program, 'start_timestamp(a_total)', scrapedMs), createdMs / 1000);
    // The counter was zero where it began; its created line is no series.
    assert.equal(await queryNumber(program, 'a_total', createdMs + 1000), 0);
    assert.deepEqual(await query(program, 'a_created', scrapedMs), []);
    assert.equal(await queryNumber(program, 'count_over_time(w[1h])', nowMs), 20);
  };
  await check();
  assert.equal((await send(program, { path: '/api/v1/admin/tsdb/flush', body: '' })).status, 204);
  await check();
  await program.stop();
  await program.start();
  await check();
});
