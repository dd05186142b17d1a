import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { type ApiServer, WebProtection } from '../../src/api/index.ts';
import { silentLogger } from '../../src/base/index.ts';
import { createRealWorld, freshFiles } from '../../src/io/index.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { fakeServer, fakeServices } from './fake-services.ts';

// bcrypt of `secret` at cost 4.
const USERS = 'basic_auth_users: {alice: $2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW}\n';
const { clock } = createRealWorld('.');

async function serverOf(t: TestContext, text: string, directory?: string) {
  const at = directory ?? (await temporaryDirectory(t));
  const file = join(at, 'web.yml');
  await fs.writeFile(file, text);
  const protection = new WebProtection({ file, files: freshFiles, clock, logger: silentLogger });
  const server = await fakeServer(fakeServices(), { protection });
  t.after(() => server.stop());
  return { server, file };
}

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const get = (server: ApiServer, authorization?: string, url = '/-/ready') =>
  server.inject({ url, headers: authorization === undefined ? {} : { authorization } });

test('users must give their password, whatever they ask for', async (t) => {
  const { server } = await serverOf(t, USERS);
  for (const url of ['/-/ready', '/metrics', '/api/v1/query?query=1', '/none']) {
    const refused = await get(server, undefined, url);
    assert.equal(refused.statusCode, 401);
    assert.match(String(refused.headers['www-authenticate']), /^Basic/);
    assert.equal(refused.body, 'Unauthorized\n');
  }
  assert.equal((await get(server, basic('alice', 'secret'))).statusCode, 200);
  assert.equal((await get(server, basic('alice', 'Secret'))).statusCode, 401);
  assert.equal((await get(server, basic('bob', 'secret'))).statusCode, 401);
  assert.equal((await get(server, 'Basic !!')).statusCode, 401);
  assert.equal((await get(server, 'Bearer secret')).statusCode, 401);
});

test('who fails too often must wait, and who is known need not', async (t) => {
  const { server } = await serverOf(t, USERS);
  assert.equal((await get(server, basic('alice', 'secret'))).statusCode, 200);
  const statuses: number[] = [];
  for (let i = 0; i < 12; i++) statuses.push((await get(server, basic('alice', `no ${i}`))).statusCode);
  assert.equal(statuses[0], 401);
  assert.equal(statuses.at(-1), 429);
  assert.equal((await get(server, basic('alice', 'secret'))).statusCode, 200);
});

test('a changed file counts at the next request, a broken one changes nothing', async (t) => {
  const { server, file } = await serverOf(t, USERS);
  assert.equal((await get(server)).statusCode, 401);
  await fs.writeFile(file, 'basic_auth_users: {alice: x}');
  assert.equal((await get(server)).statusCode, 401);
  assert.equal((await get(server, basic('alice', 'secret'))).statusCode, 200);
  await fs.writeFile(file, 'http_server_config: {headers: {X-Frame-Options: deny}}');
  assert.equal((await get(server)).statusCode, 200);
});

test('configured headers are on every answer', async (t) => {
  const { server } = await serverOf(t, 'http_server_config: {headers: {Strict-Transport-Security: max-age=1}}');
  const base = await server.start('127.0.0.1', 0);
  for (const path of ['/-/ready', '/none', '/api/v1/query?query=1', '/%zz']) {
    assert.equal((await fetch(base + path)).headers.get('strict-transport-security'), 'max-age=1', path);
  }
});

test('more requests than the limit are refused', async (t) => {
  const { server } = await serverOf(t, 'rate_limit: {interval: 1h, burst: 2}');
  const statuses = [await get(server), await get(server), await get(server)].map(({ statusCode }) => statusCode);
  assert.deepEqual(statuses, [200, 200, 429]);
});

/** Self-signed certificates, or undefined where there is no openssl. */
async function certificates(t: TestContext, names: readonly string[]): Promise<string | undefined> {
  const directory = await temporaryDirectory(t);
  try {
    for (const name of names) certificate(directory, name);
  } catch {
    return undefined;
  }
  return directory;
}

function certificate(directory: string, name: string): void {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', `${directory}/${name}.key`, '-out', `${directory}/${name}.crt`];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`];
  execFileSync('openssl', ['req', '-x509', ...curve, ...files, ...subject], { stdio: 'ignore' });
}

type Answer = { status: number; name: string; body: string; protocol: string };

function fetchTls(url: string, options: https.RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.get(`${url}/-/ready`, { rejectUnauthorized: false, agent: false, ...options }, (answer) => {
      const socket = answer.socket as tls.TLSSocket;
      const name = String(socket.getPeerCertificate().subject?.CN);
      let body = '';
      answer.on('data', (chunk: Buffer) => void (body += chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, name, body, protocol: String(socket.getProtocol()) }),
      );
    });
    request.on('error', reject);
  });
}

const TLS = 'tls_server_config: {cert_file: server.crt, key_file: server.key';

test('TLS speaks with the certificate of the file, and with a new one when the file is new', async (t) => {
  const directory = await certificates(t, ['server', 'other']);
  if (directory === undefined) return t.skip('openssl is not installed');
  const { server } = await serverOf(t, `${TLS}}`, directory);
  const url = await server.start('127.0.0.1', 0);
  assert.match(url, /^https:/);
  assert.deepEqual(await fetchTls(url), {
    status: 200,
    name: 'server',
    body: 'Tidemark is Ready.\n',
    protocol: 'TLSv1.3',
  });
  for (const kind of ['crt', 'key']) await fs.copyFile(`${directory}/other.${kind}`, `${directory}/server.${kind}`);
  assert.equal((await fetchTls(url)).name, 'other');
  await fs.writeFile(`${directory}/server.crt`, 'broken');
  assert.equal((await fetchTls(url)).name, 'other');
  await assert.rejects(fetchTls(url.replace('https', 'http') as string));
});

test('versions, suites and curves are those of the file', async (t) => {
  const directory = await certificates(t, ['server']);
  if (directory === undefined) return t.skip('openssl is not installed');
  const suite = 'cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256], curve_preferences: [CurveP384, CurveP256]';
  const { server } = await serverOf(t, `${TLS}, max_version: TLS12, ${suite}}`, directory);
  const url = await server.start('127.0.0.1', 0);
  assert.equal((await fetchTls(url)).protocol, 'TLSv1.2');
  await assert.rejects(fetchTls(url, { minVersion: 'TLSv1.3' }));
  await assert.rejects(fetchTls(url, { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }));
  await assert.rejects(fetchTls(url, { ecdhCurve: 'P-521' }));
  assert.equal((await fetchTls(url, { ecdhCurve: 'P-256' })).status, 200);
});

test('clients show the certificate that the policy asks for', async (t) => {
  const directory = await certificates(t, ['server', 'client', 'stranger']);
  if (directory === undefined) return t.skip('openssl is not installed');
  const pair = async (name: string) => ({
    cert: await fs.readFile(`${directory}/${name}.crt`),
    key: await fs.readFile(`${directory}/${name}.key`),
  });
  const [client, stranger] = [await pair('client'), await pair('stranger')];
  const outcome = async (policy: string, options: https.RequestOptions) => {
    const { server } = await serverOf(t, `${TLS}, client_ca_file: client.crt, client_auth_type: ${policy}}`, directory);
    const url = await server.start('127.0.0.1', 0);
    return fetchTls(url, options).then(
      () => true,
      () => false,
    );
  };
  const all = async (policy: string) => [
    await outcome(policy, {}),
    await outcome(policy, stranger),
    await outcome(policy, client),
  ];
  assert.deepEqual(await all('RequestClientCert'), [true, true, true]);
  assert.deepEqual(await all('RequireAnyClientCert'), [false, true, true]);
  assert.deepEqual(await all('VerifyClientCertIfGiven'), [true, false, true]);
  assert.deepEqual(await all('RequireAndVerifyClientCert'), [false, false, true]);
  const named = (san: string) => `RequireAndVerifyClientCert, client_allowed_sans: ["${san}"]`;
  assert.equal(await outcome(named('client'), client), true);
  assert.equal(await outcome(named('127.0.0.1'), client), true);
  assert.equal(await outcome(named('clien'), client), false);
});

test('clients that would speak HTTP/2 are told that it is HTTP/1.1', async (t) => {
  const directory = await certificates(t, ['server']);
  if (directory === undefined) return t.skip('openssl is not installed');
  const { server } = await serverOf(t, `${TLS}}\nhttp_server_config: {http2: true}`, directory);
  const { port } = new URL(await server.start('127.0.0.1', 0));
  const options = { port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] };
  const socket = tls.connect(options);
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  assert.equal(socket.alpnProtocol, 'http/1.1');
  socket.destroy();
});
