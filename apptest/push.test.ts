// Samples into the real program by OTLP and by InfluxDB's line protocol.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Program } from '../test/support/program.ts';
import { query, queryNumber, send } from './client.ts';

const OTLP = '/api/v1/otlp/v1/metrics';

const request = (metrics: object[]) => ({
  resourceMetrics: [
    {
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: 'shop' } },
          { key: 'zone', value: { stringValue: 'a' } },
        ],
      },
      scopeMetrics: [{ metrics }],
    },
  ],
});

test('OTLP metrics are stored, and answers tell what could not be', async (t) => {
  const config = 'otlp:\n  promote_resource_attributes: [zone]\n';
  const program = await Program.start(t, { config, args: ['--web.enable-otlp-receiver'] });
  const nowMs = Date.now();
  const timeUnixNano = `${nowMs}000000`;
  const counter = {
    name: 'http.requests',
    sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [{ timeUnixNano, asInt: '5' }] },
  };
  const body = gzipSync(JSON.stringify(request([counter])));
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const good = await send(program, { path: OTLP, headers, body });
  assert.deepEqual([good.status, good.text], [200, '{}']);
  assert.deepEqual((await query(program, 'http_requests_total', nowMs))[0].metric, {
    __name__: 'http_requests_total',
    job: 'shop',
    zone: 'a',
  });
  assert.equal(await queryNumber(program, 'target_info{job="shop",zone="a"}', nowMs), 1);
  const delta = {
    name: 'd',
    sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [{ timeUnixNano, asInt: '5' }] },
  };
  const json = { 'content-type': 'application/json' };
  const partial = await send(program, { path: OTLP, headers: json, body: JSON.stringify(request([delta])) });
  assert.equal(partial.status, 200);
  assert.match(partial.text, /"rejectedDataPoints":"1","errorMessage":"metric d: invalid temporality/);
  assert.equal((await send(program, { path: OTLP, headers: json, body: '{' })).status, 400);
  assert.equal(
    (await send(program, { path: OTLP, headers: { 'content-type': 'text/plain' }, body: '{}' })).status,
    415,
  );
  const corrupt = {
    path: OTLP,
    headers: { 'content-type': 'application/x-protobuf' },
    body: Uint8Array.of(10, 200, 1),
  };
  assert.equal((await send(program, corrupt)).status, 400);
});

test('OTLP is off unless switched on', async (t) => {
  const program = await Program.start(t);
  const reply = await send(program, { path: OTLP, headers: { 'content-type': 'application/json' }, body: '{}' });
  assert.equal(reply.status, 404);
});

test('line protocol is stored by the paths of InfluxDB and those who speak it', async (t) => {
  const program = await Program.start(t);
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const line = (value: number, time: string) => `weather,location=us-midwest temperature=${value},humid=t ${time}`;
  const one = await send(program, { path: '/write?db=home&precision=s', body: line(82, String(nowMs / 1000)) });
  assert.deepEqual([one.status, one.text], [204, '']);
  assert.deepEqual((await query(program, 'weather_temperature', nowMs))[0], {
    metric: { __name__: 'weather_temperature', db: 'home', location: 'us-midwest' },
    value: [nowMs / 1000, '82'],
  });
  assert.equal(await queryNumber(program, 'weather_humid{db="home"}', nowMs), 1);
  const body = gzipSync(line(83, `${nowMs}000000`));
  const path = '/api/v2/write?org=o&bucket=b';
  assert.equal((await send(program, { path, headers: { 'content-encoding': 'gzip' }, body })).status, 204);
  assert.equal(await queryNumber(program, 'weather_temperature{db="b"}', nowMs), 83);
  const bad = await send(program, { path: '/write', body: 'cpu v=1\nbroken\n' });
  assert.equal(bad.status, 400);
  assert.match(bad.text, /partial write: 1 lines left out: cannot read line 2: it has no fields/);
  assert.equal(await queryNumber(program, 'cpu_v', Date.now() + 1000), 1);
  assert.equal((await send(program, { path: '/write?precision=years', body: 'cpu v=1' })).status, 400);
});
