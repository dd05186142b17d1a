import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import zlib from 'node:zlib';
import { utf8Text } from '../../src/base/index.ts';
import { createHttpClient, type HttpClientOptions, type HttpRequest } from '../../src/io/index.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

async function serve(t: TestContext, handler: Handler, tls?: https.ServerOptions): Promise<string> {
  const server = tls ? https.createServer(tls, handler) : http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(t: TestContext, options?: HttpClientOptions) {
  const made = createHttpClient(options);
  t.after(() => made.close());
  const get = (url: string, more: Partial<HttpRequest> = {}) =>
    made.request({ method: 'GET', url, timeoutMs: 5000, bodyBytesMax: 0, ...more });
  return { get, close: () => made.close() };
}

const echo: Handler = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
  });
};
const parsed = (body: Uint8Array) => JSON.parse(utf8Text(body));

test('bodies are decoded by their content encoding, and bounded as decoded', async (t) => {
  const text = Array.from({ length: 12_000 }, (_, i) => `m${(i * 7919) % 10_007} ${Math.sin(i)}\n`).join('');
  const bodies: Record<string, Buffer> = {
    'x-gzip': zlib.gzipSync('small'),
    gzip: zlib.gzipSync(text),
    deflate: zlib.deflateSync(text),
    'deflate-raw': zlib.deflateRawSync(text),
    zstd: zlib.zstdCompressSync(text),
    'deflate, gzip': zlib.gzipSync(zlib.deflateSync(text)),
    identity: Buffer.from(text),
  };
  const url = await serve(t, (request, response) => {
    const name = decodeURIComponent((request.url as string).slice(1));
    response.setHeader('content-encoding', name.replace('-raw', ''));
    response.end(bodies[name] ?? 'not what it says');
  });
  const { get } = client(t);
  assert.ok(bodies.zstd.length > 100_000, 'large enough for the thread pool');
  assert.equal(utf8Text((await get(`${url}/x-gzip`)).body), 'small');
  await assert.rejects(get(`${url}/x-gzip`, { bodyBytesMax: 4 }), { code: 'body_too_large' });
  for (const name of Object.keys(bodies).slice(1)) {
    const answer = await get(`${url}/${encodeURIComponent(name)}`, { bodyBytesMax: text.length });
    assert.equal(utf8Text(answer.body), text, name);
    await assert.rejects(get(`${url}/${encodeURIComponent(name)}`, { bodyBytesMax: text.length - 1 }), {
      code: 'body_too_large',
      message: `cannot read body: it is larger than ${text.length - 1} bytes`,
    });
  }
  bodies['gzip-raw'] = bodies.gzip.subarray(0, 40);
  await assert.rejects(get(`${url}/gzip-raw`), { code: 'bad_body' });
  await assert.rejects(get(`${url}/br2`), { code: 'bad_body', message: /unknown content encoding; got br2/ });
});

test('a body without end stops at the limit, and the connection is not left open', async (t) => {
  let isClosed = false;
  const url = await serve(t, (request, response) => {
    request.socket.on('close', () => (isClosed = true));
    const timer = setInterval(() => response.write(Buffer.alloc(10_000)), 1);
    response.on('close', () => clearInterval(timer));
  });
  await assert.rejects(client(t).get(url, { bodyBytesMax: 100_000 }), { code: 'body_too_large' });
  while (!isClosed) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('one deadline covers connecting, waiting for headers, and the body', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/slow-body') response.write('begin');
  });
  const { get } = client(t);
  for (const path of ['/no-answer', '/slow-body']) {
    const want = { code: 'timeout', message: `cannot GET ${url}${path}: no answer within 50 ms` };
    await assert.rejects(get(url + path, { timeoutMs: 50 }), want);
  }
  const abort = new AbortController();
  const waiting = get(`${url}/no-answer`, { signal: abort.signal });
  abort.abort(new Error('the client went away'));
  await assert.rejects(waiting, { message: 'the client went away' });
});

test('a refused connection is an error that names the URL without its password', async (t) => {
  const { get } = client(t);
  await assert.rejects(get('http://user:secret@127.0.0.1:1/metrics'), (error: Error & { code: string }) => {
    assert.equal(error.code, 'connection_failed');
    assert.match(error.message, /^cannot GET http:\/\/127\.0\.0\.1:1\/metrics: .*ECONNREFUSED/);
    return true;
  });
  await assert.rejects(get('ftp://host/'), { code: 'bad_url' });
  await assert.rejects(get('nonsense'), { code: 'bad_url' });
});

test('redirects are followed as RFC 9110 says, and credentials stay with their host', async (t) => {
  const other = await serve(t, echo);
  const url = await serve(t, (request, response) => {
    const [, status, where] = (request.url as string).split('/');
    if (status === 'echo') return echo(request, response);
    response.writeHead(Number(status), { location: where === 'other' ? `${other}/x` : `/${where}` });
    response.end('moved');
  });
  const { get } = client(t, { basicAuth: { username: 'me', password: 'pässword' }, headers: { 'X-Mine': '1' } });
  const here = parsed((await get(`${url}/302/echo`)).body);
  const basic = `Basic ${Buffer.from('me:pässword').toString('base64')}`;
  assert.deepEqual([here.headers.authorization, here.headers['x-mine']], [basic, '1']);
  const there = parsed((await get(`${url}/302/other`)).body);
  assert.deepEqual([there.headers.authorization, there.headers['x-mine']], [undefined, '1']);

  const post = { method: 'POST', body: 'data' } as const;
  const after303 = parsed((await get(`${url}/303/echo`, post)).body);
  assert.deepEqual([after303.method, after303.body], ['GET', '']);
  const after307 = parsed((await get(`${url}/307/echo`, post)).body);
  assert.deepEqual([after307.method, after307.body], ['POST', 'data']);

  assert.equal((await get(`${url}/302/echo`, { followRedirects: false })).status, 302);
  const loop = await serve(t, (_, response) => response.writeHead(302, { location: '/' }).end());
  await assert.rejects(get(loop), { code: 'too_many_redirects' });
});

test('bearer tokens and credentials in the URL become an authorization header', async (t) => {
  const url = await serve(t, echo);
  const bearer = await client(t, { authorization: 'Bearer abc' }).get(url);
  assert.equal(parsed(bearer.body).headers.authorization, 'Bearer abc');
  const inUrl = await client(t).get(url.replace('//', '//u:p%40@'));
  assert.equal(parsed(inUrl.body).headers.authorization, `Basic ${Buffer.from('u:p@').toString('base64')}`);
});

test('connections are used again, unless keep-alive is off, and end with the client', async (t) => {
  const ports = new Set<number>();
  let openCount = 0;
  const url = await serve(t, (request, response) => {
    if (!ports.has(request.socket.remotePort as number)) {
      openCount++;
      request.socket.on('close', () => openCount--);
    }
    ports.add(request.socket.remotePort as number);
    response.end('x');
  });
  const kept = client(t);
  for (let i = 0; i < 10; i++) await kept.get(url);
  const keptCount = ports.size; // a request may come before the one just answered has given its connection back
  assert.ok(keptCount <= 2);
  await kept.close();
  const fresh = client(t, { keepAliveMs: 0 });
  for (let i = 0; i < 3; i++) await fresh.get(url);
  assert.equal(ports.size, keptCount + 3);
  while (openCount > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('a proxy gets plain requests whole and tunnels TLS', async (t) => {
  const target = await serve(t, echo);
  const seen: string[] = [];
  const proxy = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end('from the proxy');
  });
  proxy.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['x-proxy']}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { get } = client(t, { proxyUrl, proxyHeaders: { 'x-proxy': 'yes' } });
  assert.equal(utf8Text((await get(`${target}/metrics`)).body), 'from the proxy');
  await assert.rejects(get('https://127.0.0.1:1/metrics'), { code: 'connection_failed' });
  assert.deepEqual(seen, [`GET ${target}/metrics`, 'CONNECT 127.0.0.1:1 yes']);
});

async function makeCertificate(t: TestContext): Promise<{ key: string; cert: string } | undefined> {
  const directory = await temporaryDirectory(t);
  const files = ['-keyout', `${directory}/key.pem`, '-out', `${directory}/cert.pem`];
  const subject = ['-subj', '/CN=metrics.test', '-addext', 'subjectAltName=DNS:metrics.test'];
  try {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    execFileSync('openssl', ['req', '-x509', ...curve, '-nodes', '-days', '1', ...files, ...subject], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  return {
    key: await fs.readFile(`${directory}/key.pem`, 'utf8'),
    cert: await fs.readFile(`${directory}/cert.pem`, 'utf8'),
  };
}

test('TLS checks the certificate and its name, and shows its own to a server that asks', async (t) => {
  const pair = await makeCertificate(t);
  if (pair === undefined) return t.skip('openssl is not installed');
  const serverOptions = { ...pair, requestCert: true, rejectUnauthorized: false };
  const url = await serve(
    t,
    (request, response) => {
      const socket = request.socket as unknown as { getPeerCertificate(): { subject?: { CN: string } } };
      response.end(socket.getPeerCertificate().subject?.CN ?? 'none');
    },
    serverOptions,
  );
  await assert.rejects(client(t).get(url), { code: 'connection_failed', message: /self-signed/ });
  await assert.rejects(client(t, { tls: { ca: pair.cert } }).get(url), {
    code: 'connection_failed',
    message: /altnames/,
  });
  const trusting = client(t, { tls: { ca: pair.cert, serverName: 'metrics.test' } });
  assert.equal(utf8Text((await trusting.get(url)).body), 'none');
  assert.equal(utf8Text((await client(t, { tls: { insecure: true, ...pair } }).get(url)).body), 'metrics.test');
});

test('a server that ends in the middle of a body is an error', async (t) => {
  const server = net.createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { get } = client(t);
  await assert.rejects(get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), {
    code: 'connection_failed',
  });
});

test('a body is handed over as it arrives when that is asked for, of good answers only, and not encoded', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/gzip') {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(zlib.gzipSync('x'));
      return;
    }
    if (request.url === '/bad') {
      response.writeHead(410).end('gone');
      return;
    }
    response.write('one');
    setTimeout(() => response.end('two'), 20);
  });
  const { get } = client(t);
  const pieces: string[] = [];
  const onBody = (piece: Uint8Array): void => void pieces.push(utf8Text(piece));
  const answer = await get(url, { onBody });
  assert.deepEqual([answer.status, answer.body.length, pieces], [200, 0, ['one', 'two']]);
  assert.equal(utf8Text((await get(`${url}/bad`, { onBody })).body), 'gone');
  await assert.rejects(get(`${url}/gzip`, { onBody }), { code: 'bad_body' });
  const refuse = (): never => {
    throw new Error('enough');
  };
  await assert.rejects(get(url, { onBody: refuse }), /enough/);
});

test('requests go to a Unix socket, whatever host they name', async (t) => {
  const socketPath = `${await temporaryDirectory(t)}/s.sock`;
  const server = http.createServer(echo);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { get } = client(t, { socketPath });
  const { body } = await get('http://some.where/path');
  assert.deepEqual([parsed(body).url, parsed(body).headers.host], ['/path', 'some.where']);
});
