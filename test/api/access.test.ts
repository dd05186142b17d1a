import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessTable } from '../../src/api/index.ts';
import { parseConfig } from '../../src/config/index.ts';
import { fakeServer, fakeServices } from './fake-services.ts';

const RULES = `tidemark:
  access:
    - { name: team, token: team-a-secret-token, tenants: [team-a, team-b] }
    - { name: ops, token_file: ops.token, tenants: ['*'] }
`;

async function serverWith(rules = RULES) {
  const config = parseConfig(rules, { file: '/c/p.yml' });
  const table = await AccessTable.load(config.tidemark.access, async (path) => {
    assert.equal(path, '/c/ops.token');
    return Buffer.from('operators-secret-token\n');
  });
  const services = fakeServices();
  return { services, server: await fakeServer(services, { access: () => table, isLifecycleEnabled: true }) };
}

test('a token acts for its tenants and for no other', async () => {
  const { server, services } = await serverWith();
  const ask = async (want: number, token: string, tenant?: string, url = '/api/v1/query?query=1') => {
    const headers: Record<string, string> = {};
    if (token !== '') headers.authorization = `Bearer ${token}`;
    if (tenant !== undefined) headers['x-scope-orgid'] = tenant;
    const { statusCode } = await server.inject({ url, headers });
    assert.equal(statusCode, want, `${token} ${tenant} ${url}`);
    const request = services.requests.at(-1);
    return request && 'tenant' in request ? request.tenant : '';
  };
  await ask(401, '');
  await ask(401, '', 'team-a');
  await ask(401, 'team-a-secret-toke');
  await ask(401, 'team-a-secret-tokens');
  assert.equal(await ask(200, 'team-a-secret-token'), 'team-a');
  assert.equal(await ask(200, 'team-a-secret-token', 'team-b'), 'team-b');
  await ask(403, 'team-a-secret-token', 'team-c');
  await ask(403, 'team-a-secret-token', 'anonymous');
  await ask(403, 'team-a-secret-token', 'team-a, team-c');
  assert.equal(await ask(200, 'operators-secret-token'), 'anonymous');
  assert.equal(await ask(200, 'operators-secret-token', 'team-c'), 'team-c');
});

test('what concerns the whole server is for those who may act for every tenant', async () => {
  const { server } = await serverWith();
  const statusOf = async (url: string, token?: string) =>
    (await server.inject({ url, headers: token ? { authorization: `Bearer ${token}` } : {} })).statusCode;
  for (const url of ['/metrics', '/api/v1/status/config', '/api/v1/targets', '/api/v1/status/flags']) {
    assert.equal(await statusOf(url), 401, url);
    assert.equal(await statusOf(url, 'team-a-secret-token'), 403, url);
    assert.equal(await statusOf(url, 'operators-secret-token'), 200, url);
  }
  for (const url of ['/-/healthy', '/-/ready', '/version']) assert.equal(await statusOf(url), 200, url);
  const post = (token: string) =>
    server.inject({ method: 'POST', url: '/-/reload', headers: { authorization: `Bearer ${token}` } });
  assert.equal((await post('team-a-secret-token')).statusCode, 403);
  assert.equal((await post('operators-secret-token')).statusCode, 200);
});

test('clients of InfluxDB may say Token instead of Bearer', async () => {
  const { server } = await serverWith();
  const headers = { authorization: 'Token team-a-secret-token' };
  assert.equal((await server.inject({ url: '/api/v1/query?query=1', headers })).statusCode, 200);
});

test('a user counts only where the server has checked the password', async () => {
  const user = "tidemark: {access: [{name: a, user: alice, tenants: ['*']}]}";
  const { server } = await serverWith(user);
  const authorization = `Basic ${Buffer.from('alice:x').toString('base64')}`;
  assert.equal((await server.inject({ url: '/metrics', headers: { authorization } })).statusCode, 401);
});

test('rules that could not be meant are refused', () => {
  const bad = (rule: string, message: RegExp) =>
    assert.throws(() => parseConfig(`tidemark: {access: [${rule}]}`, { file: 'p.yml' }), message);
  bad('{name: a, tenants: [b]}', /exactly one of token, token_file & user/);
  bad('{name: a, token: short, tenants: [b]}', /at least 16 characters/);
  bad('{name: a, user: b, tenants: []}', /'tenants' is empty/);
  bad('{name: a, user: b, tenants: ["a/b"]}', /tenants/);
  bad('{user: b, tenants: [a]}', /'name' is missing/);
});

test('remote write messages that the server is not to accept are refused', async () => {
  const server = await fakeServer(fakeServices(), { writeMessages: ['io.prometheus.write.v2.Request'] });
  const write = (type: string) =>
    server.inject({ method: 'POST', url: '/api/v1/write', headers: { 'content-type': type }, payload: 'x' });
  const refused = await write('application/x-protobuf');
  assert.equal(refused.statusCode, 415);
  assert.match(refused.body, /^prometheus\.WriteRequest protobuf message is not accepted .* 'io\.prometheus/);
  assert.equal((await write('application/x-protobuf;proto=io.prometheus.write.v2.Request')).statusCode, 204);
});
