import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MetricRegistry, TidemarkError } from '../../src/base/index.ts';
import { type ApiServer, parseListenAddress } from '../../src/api/index.ts';
import { accepted, fakeServer, fakeServices, NOW_MS } from './fake-services.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

async function errorOf(server: ApiServer, url: string): Promise<[number, string, string]> {
  const response = await server.inject({ url });
  const { status, errorType, error } = response.json();
  assert.equal(status, 'error', response.body);
  assert.equal(response.headers['content-type'], 'application/json');
  return [response.statusCode, errorType, error];
}

test('parameters are refused in the order and with the texts of Prometheus', async () => {
  const server = await fakeServer(fakeServices());
  const bad = async (url: string, message: string): Promise<void> => {
    assert.deepEqual(await errorOf(server, `/api/v1/${url}`), [400, 'bad_data', message], url);
  };
  const timestamp = (name: string, text: string): string =>
    `invalid parameter "${name}": cannot parse "${text}" to a valid timestamp`;
  await bad('query?query=1&limit=-1&time=x', 'invalid parameter "limit": limit must be non-negative');
  await bad(
    'query?query=1&time=x',
    `invalid parameter "time": Invalid time value for 'time': cannot parse "x" to a valid timestamp`,
  );
  await bad('query?query=1&timeout=x', 'invalid parameter "timeout": cannot parse "x" to a valid duration');
  await bad(
    'query?query=1&lookback_delta=x',
    'error parsing lookback delta duration: cannot parse "x" to a valid duration',
  );
  await bad('query_range?query=1', timestamp('start', ''));
  await bad('query_range?query=1&start=1', timestamp('end', ''));
  await bad(
    'query_range?query=1&start=2&end=1',
    'invalid parameter "end": end timestamp must not be before start time',
  );
  await bad('query_range?query=1&start=1&end=2', 'invalid parameter "step": cannot parse "" to a valid duration');
  const zeroStep = 'zero or negative query resolution step widths are not accepted. Try a positive integer';
  await bad('query_range?query=1&start=1&end=2&step=0', `invalid parameter "step": ${zeroStep}`);
  await bad('query_range?query=1&start=1&end=2&step=-1', `invalid parameter "step": ${zeroStep}`);
  await bad(
    'query_range?query=1&start=0&end=11001&step=1',
    'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
  );
  await bad('series', 'no match[] parameter provided');
  const badEnd = `Invalid time value for 'end': cannot parse "x" to a valid timestamp`;
  await bad('series?match[]=up&end=x', `invalid parameter "end": ${badEnd}`);
  await bad('series?match[]=up&a=%zz', 'error parsing form values: invalid URL escape "%zz"');
  await bad('labels?limit=x', 'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax');
  await bad('metadata?limit=x', 'limit must be a number');
  await bad('targets/metadata?match_target=x', 'invalid parameter "match_target": 1:1: parse error: no selector');
  await bad('rules?type=x', 'invalid parameter "type": not supported value "x"');
  await bad('status/tsdb?limit=0', 'invalid parameter "limit": limit must be a positive number');
  await bad('status/tsdb?limit=10001', 'invalid parameter "limit": limit must not exceed 10000');
  await bad('query_exemplars?query=up&start=2&end=1', 'end timestamp must not be before start timestamp');
});

test('queries reach the query side as plain data, from the query string and from forms', async () => {
  const services = fakeServices();
  const server = await fakeServer(services);
  const common = {
    tenant: 'anonymous',
    timeoutMs: null,
    limit: 0,
    lookbackMs: null,
    stats: 'none',
    explain: 'none',
    noCache: false,
  };
  await server.inject({ url: '/api/v1/query?query=up' });
  assert.deepEqual(services.requests.pop(), { kind: 'instant', query: 'up', timeMs: NOW_MS, ...common });
  await server.inject({ url: '/api/v1/query_range?query=up&start=0&end=11000&step=1&nocache=1' });
  const range = { kind: 'range', query: 'up', startMs: 0, endMs: 11_000_000, stepMs: 1000 };
  assert.deepEqual(services.requests.pop(), { ...common, ...range, noCache: true });
  await server.inject({
    method: 'POST',
    url: '/api/v1/query?time=7&stats=true',
    headers: { ...FORM, 'x-scope-orgid': 'team-a' },
    payload: 'query=a%2Bb&time=5&timeout=10s&limit=3&lookback_delta=1m&stats=all',
  });
  assert.deepEqual(services.requests.pop(), {
    ...{ kind: 'instant', tenant: 'team-a', query: 'a+b', timeMs: 5000 },
    ...{ timeoutMs: 10_000, limit: 3, lookbackMs: 60_000, stats: 'all', explain: 'none', noCache: false },
  });
  await server.inject({ method: 'POST', url: '/api/v1/series', headers: FORM, payload: 'match[]=up&match[]=down' });
  const listing = { tenant: 'anonymous', startMs: Number.MIN_SAFE_INTEGER, endMs: Number.MAX_SAFE_INTEGER, limit: 0 };
  assert.deepEqual(services.requests.pop(), { kind: 'series', name: '', matches: ['up', 'down'], ...listing });
  await server.inject({ url: '/api/v1/label/U__a_2e_b/values?limit=9' });
  assert.deepEqual(services.requests.pop(), { kind: 'labelValues', name: 'a.b', matches: [], ...listing, limit: 9 });
});

test('every endpoint answers an idle server with a success envelope', async () => {
  const server = await fakeServer(fakeServices());
  const ok = async (path: string, want: unknown): Promise<void> => {
    const response = await server.inject({ url: `/api/v1/${path}` });
    assert.equal(response.statusCode, 200, path);
    assert.deepEqual(response.json(), { status: 'success', data: want }, path);
  };
  await ok('query?query=1', []);
  await ok('format_query?query=1', []);
  await ok('targets', { activeTargets: [], droppedTargets: [], droppedTargetCounts: {} });
  await ok('targets?state=active', { activeTargets: [], droppedTargets: [], droppedTargetCounts: {} });
  await ok('targets/metadata', []);
  await ok('scrape_pools', { scrapePools: [] });
  await ok('metadata', {});
  await ok('rules', { groups: [] });
  await ok('alerts', { alerts: [] });
  await ok('alertmanagers', { activeAlertmanagers: [], droppedAlertmanagers: [] });
  await ok('status/config', { yaml: 'global: {}\n' });
  await ok('status/flags', { 'web.listen-address': ':9090' });
  await ok('status/walreplay', { min: 0, max: 1, current: 1 });
  await ok('features', { api: { query_stats: true } });
  assert.equal((await server.inject({ url: '/api/v1/status/tsdb?limit=7' })).json().data.headStats.numSeries, 7);
  assert.equal((await server.inject({ url: '/api/v1/status/buildinfo' })).json().data.version, '3.14.0');
});

test('unknown paths are 404 and known ones with a wrong method 405 with Allow', async () => {
  const server = await fakeServer(fakeServices());
  const answer = async (method: 'GET' | 'POST' | 'PUT' | 'HEAD' | 'DELETE' | 'OPTIONS', url: string) => {
    const { statusCode, headers, body } = await server.inject({ method, url });
    return [statusCode, headers.allow, body];
  };
  assert.deepEqual(await answer('GET', '/api/v1/nothing'), [404, undefined, '404 page not found\n']);
  assert.deepEqual(await answer('GET', '/nothing'), [404, undefined, '404 page not found\n']);
  assert.deepEqual(await answer('PUT', '/api/v1/query'), [405, 'GET, OPTIONS, POST', 'Method Not Allowed\n']);
  assert.deepEqual(await answer('POST', '/api/v1/targets'), [405, 'GET, OPTIONS', 'Method Not Allowed\n']);
  assert.deepEqual(await answer('GET', '/api/v1/write'), [405, 'OPTIONS, POST', 'Method Not Allowed\n']);
  assert.deepEqual(await answer('GET', '/-/reload'), [405, 'OPTIONS, POST, PUT', 'Method Not Allowed\n']);
  assert.equal((await answer('HEAD', '/api/v1/query'))[0], 405);
  assert.equal((await answer('HEAD', '/-/healthy'))[0], 200);
  assert.equal((await answer('OPTIONS', '/api/v1/query'))[0], 204);
  assert.equal((await answer('OPTIONS', '/api/v1/anything'))[0], 204);
  assert.equal((await answer('GET', '/api/v1/label/%zz/values'))[0], 400);
});

test('cross-origin headers follow the configured pattern', async () => {
  const origins = async (corsOrigin: string, origin?: string) => {
    const server = await fakeServer(fakeServices(), { corsOrigin });
    const { headers } = await server.inject({ url: '/api/v1/labels', headers: origin ? { origin } : {} });
    return [headers['access-control-allow-origin'], headers['access-control-expose-headers'], headers.vary];
  };
  assert.deepEqual(await origins('.*', 'http://a.example'), ['*', 'Date', 'Origin']);
  assert.deepEqual(await origins('.*'), [undefined, undefined, 'Origin']);
  const pattern = 'https?://(a|b)\\.example';
  assert.deepEqual(await origins(pattern, 'http://a.example'), ['http://a.example', 'Date', 'Origin']);
  assert.deepEqual(await origins(pattern, 'http://a.example.org'), [undefined, 'Date', 'Origin']);
});

test('tenants are validated', async () => {
  const server = await fakeServer(fakeServices());
  const response = await server.inject({ url: '/api/v1/labels', headers: { 'x-scope-orgid': 'a/b' } });
  assert.equal(response.statusCode, 400);
  assert.match(response.json().error, /tenant ID "a\/b" contains unsupported character/);
});

test('before it is ready and while it stops, only health, metrics and the page are served', async () => {
  const services = fakeServices();
  const lifecycle = { ...services.lifecycle, ready: () => false, stopping: () => true };
  const server = await fakeServer({ ...services, lifecycle });
  const status = async (url: string) => (await server.inject({ url })).statusCode;
  const response = await server.inject({ url: '/api/v1/query?query=1' });
  assert.equal(response.statusCode, 503);
  assert.equal(response.body, 'Service Unavailable\n');
  assert.equal(response.headers['x-prometheus-stopping'], 'true');
  assert.equal(await status('/-/ready'), 503);
  assert.equal(await status('/-/healthy'), 200);
  assert.equal(await status('/metrics'), 200);
  assert.equal(await status('/version'), 200);
  assert.equal(await status('/api/v1/status/walreplay'), 200);
});

test('reload and quit are refused unless enabled, and reload tells why it failed', async () => {
  const services = fakeServices();
  const status = async (server: ApiServer, url: string) => {
    const { statusCode, body } = await server.inject({ method: 'POST', url });
    return [statusCode, body];
  };
  const closed = await fakeServer(services);
  assert.deepEqual(await status(closed, '/-/reload'), [403, 'Lifecycle API is not enabled.\n']);
  assert.deepEqual(await status(closed, '/-/quit'), [403, 'Lifecycle API is not enabled.\n']);
  const open = await fakeServer(services, { isLifecycleEnabled: true });
  assert.deepEqual(await status(open, '/-/reload'), [200, '']);
  const reload = () => Promise.reject(new TidemarkError('bad_data', 'line 3: unknown field'));
  const failing = { ...services, lifecycle: { ...services.lifecycle, reload } };
  const server = await fakeServer(failing, { isLifecycleEnabled: true });
  assert.deepEqual(await status(server, '/-/reload'), [500, 'failed to reload config: line 3: unknown field\n']);
});

test('admin endpoints: flush is served, the others are disabled', async () => {
  let flushes = 0;
  const services = fakeServices();
  const flush = () => Promise.resolve(void flushes++);
  const server = await fakeServer({ ...services, lifecycle: { ...services.lifecycle, flush } });
  const post = (name: string) => server.inject({ method: 'POST', url: `/api/v1/admin/tsdb/${name}` });
  assert.equal((await post('flush')).statusCode, 204);
  assert.equal(flushes, 1);
  const response = await post('snapshot');
  assert.equal(response.statusCode, 500);
  assert.deepEqual(response.json(), { status: 'error', errorType: 'unavailable', error: 'admin APIs disabled' });
});

test('large answers are compressed for those who accept it', async () => {
  const data = `"${'x'.repeat(5000)}"`;
  const services = fakeServices({
    query: { query: () => Promise.resolve({ status: 200, body: Buffer.from(data) }) },
  });
  const server = await fakeServer(services);
  const get = (accept: string) => server.inject({ url: '/api/v1/labels', headers: { 'accept-encoding': accept } });
  const zipped = await get('br;q=1.0, gzip;q=0.5');
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.equal(zipped.headers.vary, 'Origin, Accept-Encoding');
  assert.equal(gunzipSync(zipped.rawPayload).toString(), data);
  assert.equal((await get('deflate')).headers['content-encoding'], 'deflate');
  assert.equal((await get('gzip;q=0')).headers['content-encoding'], undefined);
});

test('requests are counted and timed by route and status', async () => {
  const metrics = new MetricRegistry();
  const server = await fakeServer(fakeServices(), { metrics });
  await server.inject({ url: '/api/v1/label/a/values' });
  await server.inject({ url: '/api/v1/label/b/values' });
  await server.inject({ url: '/api/v1/query?query=1&time=x' });
  const { body, headers } = await server.inject({ url: '/metrics' });
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  assert.match(body, /tidemark_http_requests_total\{code="200",handler="\/api\/v1\/label\/:name\/values"\} 2\n/);
  assert.match(body, /tidemark_http_requests_total\{code="400",handler="\/api\/v1\/query"\} 1\n/);
  assert.match(body, /tidemark_http_request_duration_seconds_count\{handler="\/api\/v1\/query"\} 1\n/);
});

test('an unexpected error is an internal one, and a route prefix moves everything', async () => {
  const services = fakeServices({ query: { query: () => Promise.reject(new Error('worker died')) } });
  const server = await fakeServer(services, { routePrefix: '/metrics-of-x' });
  assert.deepEqual(await errorOf(server, '/metrics-of-x/api/v1/labels'), [500, 'internal', 'worker died']);
  assert.equal((await server.inject({ url: '/api/v1/labels' })).statusCode, 404);
});

test('a client that goes away cancels its query, also when its body was read already', async () => {
  const canceled: string[] = [];
  let started: () => void = () => undefined;
  const services = fakeServices({
    query: {
      query: (request, signal) =>
        new Promise((_, reject) => {
          started();
          signal.addEventListener('abort', () => {
            canceled.push(request.kind);
            reject(new TidemarkError('canceled', 'gone'));
          });
        }),
    },
  });
  const server = await fakeServer(services);
  const { port } = new URL(await server.start('127.0.0.1', 0));
  const heads = [
    'GET /api/v1/query?query=1 HTTP/1.1\r\nHost: x\r\n\r\n',
    `POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM['content-type']}\r\nContent-Length: 7\r\n\r\nquery=1`,
  ];
  for (const head of heads) {
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(head);
    await running;
    const count = canceled.length;
    socket.destroy();
    while (canceled.length === count) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(canceled, ['instant', 'instant']);
  await server.stop();
});

test('remote write is answered by what became of it', async () => {
  const answer = async (outcome: object, version: 1 | 2) => {
    const services = fakeServices({ write: { write: () => Promise.resolve({ ...accepted, ...outcome }) } });
    const server = await fakeServer(services);
    const proto = version === 2 ? ';proto=io.prometheus.write.v2.Request' : '';
    const headers = { 'content-type': `application/x-protobuf${proto}`, 'content-encoding': 'snappy' };
    const response = await server.inject({ method: 'POST', url: '/api/v1/write', headers, payload: Buffer.from('x') });
    const written = response.headers['x-prometheus-remote-write-samples-written'];
    return [response.statusCode, response.body, written, response.headers['retry-after']];
  };
  assert.deepEqual(await answer({}, 1), [204, '', undefined, undefined]);
  assert.deepEqual(await answer({}, 2), [204, '', '3', undefined]);
  assert.deepEqual(await answer({ rejected: 1, reason: 'too old' }, 2), [400, 'too old\n', '3', undefined]);
  assert.deepEqual(await answer({ outcome: 'malformed', reason: 'no' }, 1), [400, 'no\n', undefined, undefined]);
  const busy = { outcome: 'busy', reason: 'disk full', retryAfterSeconds: 5 };
  assert.deepEqual(await answer(busy, 1), [503, 'disk full\n', undefined, '5']);
  const limited = { outcome: 'limited', reason: 'too fast', retryAfterSeconds: 1 };
  assert.deepEqual(await answer(limited, 1), [429, 'too fast\n', undefined, '1']);
});

test('remote write refuses other content types and encodings', async () => {
  const bodies: number[] = [];
  const server = await fakeServer(
    fakeServices({
      write: {
        write: (_tenant, _version, body) => {
          bodies.push(body.length);
          return Promise.resolve(accepted);
        },
      },
    }),
  );
  const status = async (type: string, encoding: string) => {
    const headers = { 'content-type': type, 'content-encoding': encoding };
    const payload = Buffer.alloc(200_000);
    return (await server.inject({ method: 'POST', url: '/api/v1/write', headers, payload })).statusCode;
  };
  assert.equal(await status('application/x-protobuf', 'snappy'), 204);
  assert.equal(await status('application/x-protobuf; proto=prometheus.WriteRequest', 'snappy'), 204);
  assert.equal(await status('application/json', 'snappy'), 415);
  assert.equal(await status('application/x-protobuf;proto=other', 'snappy'), 415);
  assert.equal(await status('application/x-protobuf;proto', 'snappy'), 415);
  assert.equal(await status('application/x-protobuf', 'gzip'), 415);
  assert.deepEqual(bodies, [200_000, 200_000]);
  const off = await fakeServer(fakeServices({ write: null }));
  assert.equal((await off.inject({ method: 'POST', url: '/api/v1/write' })).statusCode, 404);
});

test('bodies over the limit are refused', async () => {
  const server = await fakeServer(fakeServices());
  const payload = Buffer.alloc(11 << 20, 'a');
  const response = await server.inject({ method: 'POST', url: '/api/v1/query', headers: FORM, payload });
  assert.equal(response.statusCode, 413);
});

test('a query of half a megabyte fits into an address', async () => {
  const services = fakeServices();
  const server = await fakeServer(services);
  const base = await server.start('127.0.0.1', 0);
  const query = 'x'.repeat(500_000);
  const response = await fetch(`${base}/api/v1/query?query=${query}`);
  assert.equal(response.status, 200);
  await response.text();
  const request = services.requests.pop();
  assert.ok(request?.kind === 'instant' && request.query === query);
  await server.stop();
});

test('listen addresses are host and port', () => {
  assert.deepEqual(parseListenAddress('0.0.0.0:9090'), { host: '0.0.0.0', port: 9090 });
  assert.deepEqual(parseListenAddress(':80'), { host: '::', port: 80 });
  assert.deepEqual(parseListenAddress('[::1]:0'), { host: '::1', port: 0 });
  for (const text of ['', '9090', 'a:b', 'a:99999', '::1:80'])
    assert.throws(() => parseListenAddress(text), /listen address/);
});
