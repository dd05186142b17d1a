import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenClient, remoteWriteToken } from '../../src/app/cloud-client.ts';
import { utf8 } from '../../src/base/index.ts';
import { parseConfig } from '../../src/config/index.ts';
import type { Clock, HttpClient, HttpRequest } from '../../src/io/index.ts';

const remoteWrite = (fields: string) =>
  parseConfig(`remote_write: [{url: "http://r/w", ${fields}}]`, { file: '/c/p.yml' }).remoteWrite[0];

function rigOf(environment: Record<string, string> = {}, files: Record<string, string> = {}) {
  const sent: HttpRequest[] = [];
  let nowMs = 0;
  let tokens = 0;
  const http: HttpClient = {
    async request(request) {
      sent.push(request);
      return {
        status: 200,
        headers: {},
        body: utf8(JSON.stringify({ access_token: `tok${++tokens}`, expires_in: 3600 })),
      };
    },
    async close() {},
  };
  const clock = { nowMs: () => nowMs } as Clock;
  const readFile = async (path: string) => utf8(files[path] ?? assert.fail(`no file ${path}`));
  return {
    sent,
    http,
    world: { clock, http, readFile, environment },
    later: (ms: number) => {
      nowMs += ms;
    },
  };
}

test('remote write asks Azure for a token of the cloud it writes to', async () => {
  const ok = async (fields: string, url: string, form: Record<string, string>, files = {}) => {
    const { world, sent } = rigOf({}, files);
    await remoteWriteToken(remoteWrite(`azuread: {${fields}}`), world)?.token();
    assert.equal(sent[0].url, url);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(String(sent[0].body ?? ''))), form);
  };
  await ok(
    'oauth: {client_id: c, client_secret: s, tenant_id: t}',
    'https://login.microsoftonline.com/t/oauth2/v2.0/token',
    {
      grant_type: 'client_credentials',
      client_id: 'c',
      client_secret: 's',
      scope: 'https://monitor.azure.com/.default',
    },
  );
  await ok(
    'cloud: AzureChina, scope: "https://own.example/.default", workload_identity: {client_id: c, tenant_id: t, token_file_path: /t}',
    'https://login.chinacloudapi.cn/t/oauth2/v2.0/token',
    {
      grant_type: 'client_credentials',
      client_id: 'c',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: 'jwt',
      scope: 'https://own.example/.default',
    },
    { '/t': 'jwt\n' },
  );
  const resource = encodeURIComponent('https://monitor.azure.us');
  await ok(
    'cloud: AzureGovernment, managed_identity: {client_id: c}',
    `http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${resource}&client_id=c`,
    {},
  );
});

test('remote write asks Google for a token to write metrics', async () => {
  const user = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'r' };
  const { world, sent } = rigOf({}, { '/c/g.json': JSON.stringify(user) });
  await remoteWriteToken(remoteWrite('google_iam: {credentials_file: g.json}'), world)?.token();
  assert.equal(sent[0].url, 'https://oauth2.googleapis.com/token');
  assert.equal(new URLSearchParams(String(sent[0].body)).get('refresh_token'), 'r');
});

test('a token is fetched once, sent with each request and renewed before it expires', async () => {
  const { world, sent, http, later } = rigOf();
  const source = remoteWriteToken(remoteWrite('azuread: {managed_identity: {client_id: ""}}'), world);
  assert.ok(source);
  const requests: (string | undefined)[] = [];
  const inner: HttpClient = {
    async request({ headers }) {
      requests.push(headers?.authorization);
      return { status: 204, headers: {}, body: new Uint8Array(0) };
    },
    async close() {},
  };
  const client = new TokenClient(inner, http, source);
  const push = () => client.request({ method: 'POST', url: 'http://r/w', timeoutMs: 1, bodyBytesMax: 1 });
  await Promise.all([push(), push()]);
  later(3_500_000);
  await push();
  later(60_000);
  await push();
  assert.deepEqual(requests, ['Bearer tok1', 'Bearer tok1', 'Bearer tok1', 'Bearer tok2']);
  assert.equal(sent.length, 2);
  await client.close();
});
