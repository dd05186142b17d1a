// The real program behind TLS and passwords, scraped and asked by itself; and tokens that stand for tenants.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Program, freePort, runProgram, spawnGuarded, until } from '../test/support/program.ts';
import { repositoryRoot } from '../test/support/sources.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { compressSnappy } from '../src/wire/index.ts';
import { encodeMessage, send, writeHeaders } from './client.ts';

/** bcrypt of `secret`, cost 4. */
const HASH = '$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW';

test('TLS and passwords protect all of it, and its own scrapes and tools pass', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = (name: string) => path.join(directory, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  try {
    const out = ['-keyout', file('key.pem'), '-out', file('cert.pem')];
    execFileSync('openssl', ['req', '-x509', ...curve, ...out, ...names], { stdio: 'ignore' });
  } catch {
    return t.skip('openssl is not installed');
  }
  const port = await freePort();
  const client = 'basic_auth: {username: alice, password_file: password}\ntls_config: {ca_file: cert.pem}\n';
  await fs.writeFile(file('password'), 'secret\n');
  await fs.writeFile(file('client.yml'), client);
  const tls = 'tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n';
  await fs.writeFile(file('web.yml'), `${tls}basic_auth_users: {alice: ${HASH}}\n`);
  const job = client.trim().replaceAll('\n', '\n    ');
  const config = `global: {scrape_interval: 1s}
scrape_configs:
  - job_name: own
    scheme: https
    static_configs: [{targets: ['localhost:${port}']}]
    ${job}
`;
  await fs.writeFile(file('prometheus.yml'), config);
  const args = [
    `--config.file=${file('prometheus.yml')}`,
    `--web.config.file=${file('web.yml')}`,
    `--storage.tsdb.path=${file('data')}`,
    `--web.listen-address=localhost:${port}`,
  ];
  const { child, output, ended } = spawnGuarded(path.join(repositoryRoot, 'bin/tidemark'), args);
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const url = `https://localhost:${port}`;
  const tool = (...words: string[]) => runProgram([...words, `--http.config.file=${file('client.yml')}`]);
  await until('the program says where it is', 60_000, () => output.stdout.includes(url));
  await until('it is ready', 60_000, async () => (await tool('check', 'ready', `--url=${url}`)).code === 0);
  const stranger = await runProgram(['check', 'ready', `--url=${url}`]);
  assert.equal(stranger.code, 1);
  assert.match(stranger.stderr, /self-signed/);
  await fs.writeFile(file('client.yml'), client.replace('alice', 'bob'));
  assert.match((await tool('check', 'ready', `--url=${url}`)).stderr, /status=401/);
  await fs.writeFile(file('client.yml'), client);
  await until('it has scraped itself', 30_000, async () =>
    (await tool('query', 'instant', url, 'up')).stdout.startsWith(
      `up{instance="localhost:${port}", job="own"} => 1 @[`,
    ),
  );
  assert.ok(!`${output.stderr}${output.stdout}`.includes('secret\n'));
});

test('a token decides about the tenant, also after a reload', async (t) => {
  const rules = (token: string) => `tidemark:
  access:
    - { name: a, token: ${token}, tenants: [team-a] }
    - { name: ops, token: operators-secret-token, tenants: ['*'] }
`;
  const program = await Program.start(t, { config: rules('first-secret-token') });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const labels: [string, string][] = [['__name__', 'm']];
  const body = compressSnappy(encodeMessage(1, [{ labels, samples: [{ timestampMs: Date.now(), value: 1 }] }]));
  const write = (headers: object) =>
    send(program, { path: '/api/v1/write', headers: { ...writeHeaders(1), ...headers }, body });
  assert.equal((await write({})).status, 401);
  assert.equal((await write({ ...bearer('first-secret-token'), 'x-scope-orgid': 'team-b' })).status, 403);
  assert.equal((await write(bearer('first-secret-token'))).status, 204);
  const seen = async (tenant: string) => {
    const headers = { ...bearer('operators-secret-token'), 'x-scope-orgid': tenant };
    return (await send(program, { path: '/api/v1/query?query=count(m)', headers })).text.includes('"1"]');
  };
  assert.deepEqual([await seen('team-a'), await seen('anonymous')], [true, false]);
  const page = await send(program, { path: '/api/v1/status/config', headers: bearer('operators-secret-token') });
  assert.ok(!page.text.includes('secret-token') && page.text.includes('<secret>'), page.text);
  await fs.writeFile(program.configFile, rules('second-secret-token'));
  program.signal('SIGHUP');
  const query = (token: string) => send(program, { path: '/api/v1/query?query=m', headers: bearer(token) });
  await until('the new token counts', 10_000, async () => (await query('second-secret-token')).status === 200);
  assert.equal((await query('first-secret-token')).status, 401);
  assert.match(program.log, /configuration loaded.*changes=tidemark/);
  await fs.writeFile(program.configFile, rules('short'));
  program.signal('SIGHUP');
  await until('the reload is refused', 10_000, () => program.log.includes('configuration not loaded'));
  assert.equal((await query('second-secret-token')).status, 200);
});
