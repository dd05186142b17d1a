import assert from 'node:assert/strict';
import { createVerify, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { type Clock, type HttpClient, type HttpRequest, OAuth2Client, type OAuth2Grant } from '../../src/io/index.ts';

const GRANT: OAuth2Grant = {
  tokenUrl: 'http://auth/token',
  clientId: 'me',
  clientSecret: 's:1',
  scopes: ['a', 'b'],
  parameters: { audience: 'x' },
};

type Respond = (request: HttpRequest) => { status: number; body: string };

function world(respond: Respond, grant = GRANT) {
  let nowMs = 1_000_000;
  const asked: HttpRequest[] = [];
  const sent: HttpRequest[] = [];
  const clientOf = (log: HttpRequest[], answer: Respond): HttpClient => ({
    request: async (request) => {
      log.push(request);
      const { status, body } = answer(request);
      return { status, headers: {}, body: Buffer.from(body) };
    },
    close: async () => {},
  });
  const clock = { nowMs: () => nowMs } as Clock;
  const target = clientOf(sent, () => ({ status: 200, body: '' }));
  const client = new OAuth2Client(target, clientOf(asked, respond), grant, clock);
  const get = () => client.request({ method: 'GET', url: 'http://target', timeoutMs: 1, bodyBytesMax: 0 });
  return { asked, sent, get, pass: (ms: number) => void (nowMs += ms) };
}

const token = (name: string, more = '') => ({ status: 200, body: `{"access_token":"${name}","expires_in":60${more}}` });
const formOf = (request: HttpRequest) => Object.fromEntries(new URLSearchParams(String(request.body)));

test('a token is fetched once, sent with each request, and renewed before it expires', async () => {
  let count = 0;
  const { asked, sent, get, pass } = world(() => token(`t${++count}`, ',"token_type":"bearer"'));
  await Promise.all([get(), get()]);
  await get();
  assert.equal(asked.length, 1);
  assert.deepEqual(
    sent.map(({ headers }) => headers?.authorization),
    ['Bearer t1', 'Bearer t1', 'Bearer t1'],
  );
  assert.deepEqual(formOf(asked[0]), { audience: 'x', grant_type: 'client_credentials', scope: 'a b' });
  const basic = Buffer.from('me:s%3A1').toString('base64');
  assert.equal(asked[0].headers?.authorization, `Basic ${basic}`);
  pass(49_000);
  await get();
  assert.equal(asked.length, 1);
  pass(2000);
  await get();
  assert.equal(sent.at(-1)?.headers?.authorization, 'Bearer t2');
});

test('credentials go into the body where the server does not take them from the head', async () => {
  const { asked, get, pass } = world((request) =>
    formOf(request).client_id === 'me' ? token('t') : { status: 401, body: '' },
  );
  await get();
  assert.equal(asked.length, 2);
  assert.equal(formOf(asked[1]).client_secret, 's:1');
  assert.equal(asked[1].headers?.authorization, undefined);
  pass(100_000);
  await get();
  assert.equal(asked.length, 3);
});

test('an assertion is signed with the key', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const assertion = { key, keyId: 'k', algorithm: 'RS256', issuer: '', audience: '', claims: { c: 'd' } } as const;
  const { asked, get } = world(() => token('t'), { ...GRANT, assertion });
  await get();
  const { grant_type, assertion: jwt } = formOf(asked[0]);
  assert.equal(grant_type, 'urn:ietf:params:oauth:grant-type:jwt-bearer');
  const [head, body, signature] = jwt.split('.');
  assert.ok(createVerify('RSA-SHA256').update(`${head}.${body}`).verify(publicKey, signature, 'base64url'));
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  assert.deepEqual(
    [claims.iss, claims.aud, claims.scope, claims.c, claims.iat],
    ['me', GRANT.tokenUrl, 'a b', 'd', 1000],
  );
});

test('what is no token is an error that does not repeat the answer', async () => {
  const bad = async (status: number, body: string, message: RegExp) => {
    const { get } = world(() => ({ status, body }));
    await assert.rejects(get(), { code: 'oauth2_failed', message });
  };
  await bad(500, 'secret', /server returned HTTP status 500$/);
  await bad(403, '', /HTTP status 403/);
  await bad(200, 'secret', /the answer is not JSON$/);
  await bad(200, '{}', /no access_token/);
  await bad(200, '{"access_token":"a\\r\\nb: c"}', /no header value/);
});
