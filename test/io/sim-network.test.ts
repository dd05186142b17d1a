import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { utf8, utf8Text } from '../../src/base/index.ts';
import { type HttpRequest, createSimWorld } from '../../src/io/index.ts';

const request = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  timeoutMs: 1000,
  bodyBytesMax: 0,
  ...more,
});

test('a request reaches who serves its origin, with default headers and credentials, and follows redirects', async () => {
  const sim = createSimWorld(1);
  const server = sim.machine('server');
  server.world.serve('http://a:80/', ({ url, headers, from }) =>
    url.pathname === '/old'
      ? { status: 301, headers: { location: '/new' } }
      : { body: `${from} ${url.pathname} ${headers.authorization} ${headers['x-h']}` },
  );
  await sim.run(async () => {
    const client = sim.machine('client').world.makeHttpClient({ authorization: 'Bearer t', headers: { 'X-H': '1' } });
    const answer = await client.request(request('http://a/old'));
    assert.deepEqual([answer.status, utf8Text(answer.body)], [200, 'client /new Bearer t 1']);
  });
});

test('bodies are decoded and bounded as on real sockets', async () => {
  const sim = createSimWorld(1);
  sim.world.serve('http://a', () => ({
    headers: { 'content-encoding': 'gzip' },
    body: zlib.gzipSync('x'.repeat(1000)),
  }));
  sim.world.serve('http://b', () => ({ body: 'x'.repeat(1000) }));
  await sim.run(async () => {
    const client = sim.world.makeHttpClient();
    for (const url of ['http://a', 'http://b']) {
      assert.equal((await client.request(request(url, { bodyBytesMax: 1000 }))).body.length, 1000);
      await assert.rejects(client.request(request(url, { bodyBytesMax: 999 })), { code: 'body_too_large' });
    }
  });
});

test('nobody there, a cut network, a dead server and a lost answer are what a client would see', async () => {
  const sim = createSimWorld(1);
  const server = sim.machine('server');
  const client = sim.world.makeHttpClient();
  await sim.run(async () => {
    await assert.rejects(client.request(request('http://nobody:1')), { code: 'connection_failed' });
    let servedCount = 0;
    server.world.serve('http://s', async () => {
      servedCount++;
      await server.world.clock.sleep(100);
      return {};
    });
    assert.equal((await client.request(request('http://s'))).status, 200);
    sim.network.isCut = (from, host) => from === 'main' && host === 's';
    await assert.rejects(client.request(request('http://s')), { code: 'timeout' });
    assert.equal(servedCount, 1);
    sim.network.isCut = () => false;
    sim.network.loseAnswerChance = 1;
    await assert.rejects(client.request(request('http://s')), { code: 'timeout' });
    assert.equal(servedCount, 2);
    sim.network.loseAnswerChance = 0;
    const waiting = client.request(request('http://s'));
    await sim.clock.sleep(50);
    server.crash();
    await assert.rejects(waiting, { code: 'timeout' });
    await assert.rejects(client.request(request('http://s')), { code: 'connection_failed' });
  });
});

test('an abort ends a request at once', async () => {
  const sim = createSimWorld(1);
  sim.world.serve('http://slow', () => new Promise(() => {}));
  await sim.run(async () => {
    const abort = new AbortController();
    sim.clock.after(10, () => abort.abort(new Error('enough')));
    const client = sim.world.makeHttpClient();
    await assert.rejects(client.request(request('http://slow', { signal: abort.signal })), { message: 'enough' });
    await client.close();
    await assert.rejects(client.request(request('http://slow')), { code: 'connection_failed' });
  });
});

test('objects are whole, outlive machines, and fail before or after the fact', async () => {
  const sim = createSimWorld(1);
  await sim.run(async () => {
    await sim.world.objects.put('a/1', utf8('0123456789'));
    await sim.world.objects.put('b', utf8('x'));
    sim.crash();
    const { objects } = sim.world;
    assert.deepEqual(await objects.list('a/'), ['a/1']);
    assert.equal(utf8Text(await objects.getRange('a/1', 2, 3)), '234');
    assert.equal(await objects.size('a/1'), 10);
    await assert.rejects(objects.size('none'), { code: 'not_found' });
    await objects.remove('b');
    await objects.remove('b');

    sim.objectStore.faultChance = 1;
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, i) => objects.put(`f/${i}`, utf8('x'))));
    assert.ok(results.every(({ status }) => status === 'rejected'));
    const storedCount = sim.objectStore.objects.size - 1;
    assert.ok(storedCount > 5 && storedCount < 35);
    sim.objectStore.isReachable = false;
    await assert.rejects(objects.put('g', utf8('x')), { code: 'io_error' });
    assert.equal(sim.objectStore.objects.has('g'), false);
  });
});
