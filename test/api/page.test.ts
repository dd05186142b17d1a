import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Files } from '../../src/io/index.ts';
import { fakeServer, fakeServices } from './fake-services.ts';

const contents: Readonly<Record<string, string>> = {
  'index.html': '<!doctype html>',
  'app.js': `// ${'x'.repeat(5000)}`,
  'notes.txt': 'not served',
};
const parts: Pick<Files, 'list' | 'readFile'> = {
  list: () => Promise.resolve(Object.keys(contents)),
  readFile: (name) => Promise.resolve(Buffer.from(contents[name])),
};
const pageFiles = parts as Files;

test('pages are one document with a strict security policy and an entity tag', async () => {
  const server = await fakeServer(fakeServices(), { pageFiles });
  for (const url of ['/', '/query?g0.expr=up', '/alerts', '/rules', '/targets', '/status', '/config', '/tsdb-status']) {
    const { statusCode, body, headers } = await server.inject({ url });
    assert.deepEqual([statusCode, body], [200, '<!doctype html>'], url);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.match(
      String(headers['content-security-policy']),
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    assert.equal(headers['cache-control'], 'no-cache');
    const again = await server.inject({ url, headers: { 'if-none-match': String(headers.etag) } });
    assert.deepEqual([again.statusCode, again.body], [304, '']);
  }
});

test('/graph leads to /query with its question', async () => {
  const server = await fakeServer(fakeServices(), { pageFiles, routePrefix: '/p' });
  const { statusCode, headers } = await server.inject({ url: '/p/graph?g0.expr=up&g0.tab=1' });
  assert.deepEqual([statusCode, headers.location], [302, '/p/query?g0.expr=up&g0.tab=1']);
});

test('assets are served by name and compressed; others are not found', async () => {
  const server = await fakeServer(fakeServices(), { pageFiles });
  const get = (url: string) => server.inject({ url, headers: { 'accept-encoding': 'gzip' } });
  const script = await get('/assets/app.js');
  assert.equal(script.headers['content-encoding'], 'gzip');
  assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
  for (const url of ['/assets/notes.txt', '/assets/..%2Fpackage.json', '/assets/none.js', '/assets/']) {
    assert.equal((await get(url)).statusCode, 404, url);
  }
});

test('without a built page its addresses are not found and the API works', async () => {
  const server = await fakeServer(fakeServices());
  assert.equal((await server.inject({ url: '/query' })).statusCode, 404);
  assert.equal((await server.inject({ url: '/api/v1/labels' })).statusCode, 200);
});
