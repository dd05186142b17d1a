import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { runPush } from '../../src/app/push-verbs.ts';
import { runQuery } from '../../src/app/query-verbs.ts';
import { runTool } from './verb-tool.ts';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly form: Record<string, string>;
  readonly body: Buffer;
}

/** A server that answers everything alike, and what it was asked. */
async function serverOf(t: TestContext, body: string, status = 200) {
  const asked: Asked[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://x');
      const whole = Buffer.concat(chunks);
      const form = Object.fromEntries(new URLSearchParams(url.search || whole.toString()));
      asked.push({ method: request.method ?? '', path: url.pathname, headers: request.headers, form, body: whole });
      response.writeHead(status).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close().closeAllConnections());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const success = (resultType: string, result: unknown) =>
  JSON.stringify({ status: 'success', data: { resultType, result } });

test('results are printed as Prometheus writes them', async (t) => {
  const ok = async (body: string, want: string, verb = ['instant']) => {
    const { url } = await serverOf(t, body);
    const { code, out, err } = await runTool(runQuery, [...verb, url, 'x']);
    assert.deepEqual([code, out, err], [0, want, '']);
  };
  await ok(success('scalar', [1.5, '2']), 'scalar: 2 @[1.5]\n');
  await ok(success('string', [1.5, 'a']), 'a\n');
  const metric = { __name__: 'up', job: 'a"b', 'x.y': 'c' };
  await ok(success('vector', [{ metric, value: [1, '1'] }]), 'up{job="a\\"b", "x.y"="c"} => 1 @[1]\n');
  await ok(success('vector', [{ metric: {}, value: [1, '1'] }]), '{} => 1 @[1]\n');
  const values = [
    [1, '1'],
    [2, '+Inf'],
  ];
  await ok(success('matrix', [{ metric: { __name__: 'a' }, values }]), 'a =>\n1 @[1]\n+Inf @[2]\n', ['range']);
  const histogram = { count: '2', sum: '3.5', buckets: [[0, '1', '2', '2']] };
  await ok(
    success('vector', [{ metric: { __name__: 'h' }, histogram: [1, histogram] }]),
    'h => Count: 2.000000, Sum: 3.500000, Buckets: [(1,2]:2] @[1]\n',
  );
});

test('the request says what the arguments say', async (t) => {
  const { url, asked } = await serverOf(t, success('vector', []));
  const run = async (...args: string[]) => {
    assert.equal((await runTool(runQuery, args)).code, 0);
    return asked.at(-1) as Asked;
  };
  const instant = await run('instant', `${url}/`, 'up', '--time=1970-01-01T00:01:00Z', '--header', 'X-Scope-OrgID=t');
  assert.deepEqual(
    [instant.method, instant.path, instant.form],
    ['POST', '/api/v1/query', { query: 'up', time: '60' }],
  );
  assert.equal(instant.headers['x-scope-orgid'], 't');
  const range = await run('range', url, 'up', '--end=1000', '--start=0');
  assert.deepEqual(range.form, { query: 'up', start: '0', end: '1000', step: '4' });
  assert.equal((await run('range', url, 'up', '--end=1000', '--start=0', '--step=1m')).form.step, '60');
  const series = await run('series', url, '--match=up', '--start=1', '--end=2');
  assert.deepEqual([series.path, series.form], ['/api/v1/series', { 'match[]': 'up', start: '1', end: '2' }]);
  assert.equal((await run('labels', url, 'job/x')).path, '/api/v1/label/job%2Fx/values');
});

test('data can be had as JSON, and lists line by line', async (t) => {
  const { url } = await serverOf(t, '{"status":"success","data":["a","b"],"warnings":["w"]}');
  const lines = await runTool(runQuery, ['labels', url, 'job']);
  assert.deepEqual([lines.out, lines.err], ['a\nb\n', 'query warning: w\n']);
  assert.equal((await runTool(runQuery, ['labels', '-o', 'json', url, 'job'])).out, '["a","b"]\n');
});

test('errors of the server and of the command line fail', async (t) => {
  const { url } = await serverOf(t, '{"status":"error","errorType":"bad_data","error":"no"}', 400);
  const refused = await runTool(runQuery, ['instant', url, 'x']);
  assert.deepEqual([refused.code, refused.err], [1, 'query error: bad_data: no\n']);
  assert.equal((await runTool(runQuery, ['instant', 'http://127.0.0.1:1', 'x'])).code, 1);
  assert.match((await runTool(runQuery, ['range', url, 'x', '--start=2', '--end=1'])).err, /not before end time/);
  assert.match((await runTool(runQuery, ['instant', url, 'x', '--time=y'])).err, /error parsing time time/);
});

test('expositions are pushed by remote write', async (t) => {
  const { url, asked } = await serverOf(t, '');
  const pushed = await runTool(runPush, ['metrics', `${url}/api/v1/write`], '# TYPE a gauge\na{b="c"} 1 5\n');
  assert.deepEqual(pushed, {
    code: 0,
    out: 'Parsing standard input\n  SUCCESS: metric pushed to remote write.\n',
    err: '',
  });
  const [{ path, headers, body }] = asked;
  assert.deepEqual([path, headers['content-encoding']], ['/api/v1/write', 'snappy']);
  for (const text of ['__name__', 'job', 'promtool', 'b']) assert.ok(body.includes(text), text);
  const bad = await runTool(runPush, ['metrics', url], 'a{ 1');
  assert.equal(bad.code, 1);
  assert.match(bad.err, /^ {2}FAILED: /);
});
