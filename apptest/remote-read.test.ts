// The real program reads samples of other servers into its queries: of another one of its kind, and of a real Prometheus.
import assert from 'node:assert/strict';
import http from 'node:http';
import type net from 'node:net';
import { test } from 'node:test';
import { newHistogram } from '../src/model/index.ts';
import { compressSnappy } from '../src/wire/index.ts';
import { peerQuery, skipWithout, startPrometheus } from '../test/support/peers.ts';
import { Program, until } from '../test/support/program.ts';
import { encodeMessage, oneSeries, query, queryNumber, send, write, writeHeaders } from './client.ts';

const baseMs = Date.now() - 60_000;
const at = (i: number): number => baseMs + i * 1000;

const reading = (...endpoints: readonly string[]): string =>
  `global: {external_labels: {region: here}}\nremote_read:\n${endpoints.map((one) => `  - {${one}}`).join('\n')}\n`;

test('samples of both sides are merged by series and time', async (t) => {
  const far = await Program.start(t, { args: ['--web.enable-remote-write-receiver'] });
  const near = await Program.start(t, {
    config: reading(`url: '${far.url}/api/v1/read', filter_external_labels: false`),
  });
  const points = (from: number, to: number, value: number) =>
    Array.from({ length: to - from }, (_, i): [number, number] => [at(from + i), value]);
  await write(far, 1, [
    oneSeries('m', { side: 'both' }, points(0, 20, 1)),
    oneSeries('m', { side: 'far' }, points(0, 10, 5)),
  ]);
  const histogram = newHistogram({
    count: 3,
    sum: 6,
    positive: { indexes: Int32Array.of(1), counts: Float64Array.of(3) },
  });
  await write(far, 1, [{ labels: [['__name__', 'h']], samples: [], histograms: [{ timestampMs: at(5), histogram }] }]);
  await write(near, 1, [
    oneSeries('m', { side: 'both' }, points(10, 30, 2)),
    oneSeries('m', { side: 'near' }, points(0, 10, 7)),
  ]);
  const ok = async (expression: string, want: number): Promise<void> =>
    assert.equal(await queryNumber(near, expression, at(29)), want, expression);
  await ok('count_over_time(m{side="both"}[1m])', 30);
  await ok('sum_over_time(m{side="both"}[1m])', 10 + 20 * 2);
  await ok('sum(m)', 2 + 5 + 7);
  await ok('count(count by (side) (m))', 3);
  await ok('m{side="far"} + on() m{side="near"}', 12);
  await ok('histogram_sum(h)', 6);
  await ok('max_over_time(sum(m)[10s:1s])', 14);
  const matrix = await query(near, 'm{side="both"}[1m]', at(29));
  assert.equal(matrix[0].values?.length, 30);
  assert.ok(Number.isNaN(await queryNumber(far, 'm{side="near"}', at(29))));
});

test('an endpoint is asked only for what it wants to be asked for, with the labels of this server', async (t) => {
  const far = await Program.start(t);
  const near = await Program.start(t, {
    config: reading(`url: '${far.url}/api/v1/read', required_matchers: {job: far}, read_recent: true`),
  });
  await write(far, 1, [
    oneSeries('m', { job: 'far', region: 'here' }, [[at(0), 1]]),
    oneSeries('m', { job: 'far', region: 'there' }, [[at(0), 2]]),
  ]);
  const found = await query(near, 'm{job="far"}', at(1));
  assert.deepEqual(
    found.map(({ metric }) => metric),
    [{ __name__: 'm', job: 'far' }],
  );
  assert.deepEqual(await query(near, 'm', at(1)), []);
  assert.deepEqual(await query(near, 'm{job=~"far"}', at(1)), []);
});

test('an endpoint that fails leaves its samples out, and a warning', async (t) => {
  const broken = http.createServer((_, response) => response.writeHead(503).end('not today'));
  await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
  t.after(() => void broken.close());
  const url = `http://127.0.0.1:${(broken.address() as net.AddressInfo).port}/read`;
  const near = await Program.start(t, { config: reading(`url: '${url}', name: broken`) });
  await write(near, 1, [oneSeries('m', {}, [[at(0), 3]])]);
  const reply = await send(near, { path: `/api/v1/query?query=sum(m)&time=${at(1) / 1000}` });
  const { status, data, warnings } = JSON.parse(reply.text);
  assert.equal(status, 'success');
  assert.equal(data.result[0].value[1], '3');
  assert.deepEqual(warnings, [`remote_read: broken: remote server ${url} returned http status 503: not today`]);
});

test('a real Prometheus is read, also after it has cut its chunks', { skip: skipWithout('prometheus') }, async (t) => {
  const prometheus = await startPrometheus(t, 'global: {}\n', ['--web.enable-remote-write-receiver']);
  const near = await Program.start(t, {
    config: reading(`url: '${prometheus.url}/api/v1/read', filter_external_labels: false`),
  });
  const points = Array.from({ length: 500 }, (_, i): [number, number] => [baseMs - 100 * i, i % 7]).reverse();
  const body = Buffer.from(compressSnappy(encodeMessage(1, [oneSeries('p', { job: 'x' }, points)])));
  const headers = writeHeaders(1) as Record<string, string>;
  const answer = await fetch(`${prometheus.url}/api/v1/write`, { method: 'POST', body, headers });
  assert.equal(answer.status, 204, await answer.text());
  const expressions = ['sum_over_time(p[1m])', 'rate(p[30s])', 'count(p)', 'quantile_over_time(0.5, p[1m])'];
  for (const expression of expressions) {
    const [want] = await peerQuery(prometheus.url, expression, baseMs);
    await until(
      'it is the same',
      10_000,
      async () => (await queryNumber(near, expression, baseMs)) === Number(want.value?.[1]),
    );
  }
});
