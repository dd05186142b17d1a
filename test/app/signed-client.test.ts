// Signed requests, over the real network, as a server sees them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { SignedClient } from '../../src/app/signed-client.ts';
import { AwsIdentity, type Clock, type HttpRequest, createHttpClient, createRealWorld } from '../../src/io/index.ts';
import { type Signed, verifySignature } from '../support/aws-signature.ts';

interface Seen {
  readonly target: string;
  readonly method: string;
  readonly signed: Signed | null;
  readonly retry: string | undefined;
}

const SECRETS: Record<string, string> = { ONE: 'secret-one', TWO: 'secret-two' };

/** Answers in turn, then 200; an answer is a status or where to go to. */
async function server(t: TestContext, answers: (number | string)[], nowMs: () => number) {
  const seen: Seen[] = [];
  const listener = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { headers, url: target = '', method = '' } = request;
      const request2 = { method, target, headers, body: Buffer.concat(pieces) };
      const signed = headers.authorization ? verifySignature(request2, (key) => SECRETS[key], nowMs()) : null;
      seen.push({ target, method, signed, retry: headers['retry-attempt'] as string | undefined });
      const answer = answers.shift() ?? 200;
      if (typeof answer === 'number') response.writeHead(answer).end();
      else response.writeHead(answer.startsWith('see ') ? 303 : 307, { location: answer.replace('see ', '') }).end();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => listener.closeAllConnections());
  t.after(() => void listener.close());
  return { seen, url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}` };
}

async function rigOf(t: TestContext, answers: (number | string)[] = []) {
  let shiftMs = 0;
  const real = createRealWorld('/').clock;
  const clock: Clock = { ...real, monotonicMs: () => real.monotonicMs(), nowMs: () => real.nowMs() + shiftMs };
  const environment: Record<string, string> = {
    AWS_ACCESS_KEY_ID: 'ONE',
    AWS_SECRET_ACCESS_KEY: 'secret-one',
    AWS_SESSION_TOKEN: 'token-one',
  };
  const world = { clock, http: createHttpClient(), environment, readFile: () => assert.fail('no file is needed') };
  const login = { region: 'eu-west-1', accessKey: '', secretKey: '', profile: '', roleArn: '', externalId: '' };
  const client = new SignedClient(createHttpClient(), new AwsIdentity(login, world), world, 'aps');
  t.after(() => client.close());
  const far = await server(t, answers, clock.nowMs);
  const body = randomBytes(5000);
  const post = (target: string, more: Partial<HttpRequest> = {}) =>
    client.request({
      method: 'POST',
      url: far.url + target,
      headers: { 'Content-Type': 'application/x-protobuf', 'User-Agent': 'T', 'X-Own': 'a  b' },
      body,
      timeoutMs: 5000,
      bodyBytesMax: 1000,
      ...more,
    });
  return { ...far, post, environment, client, later: (ms: number) => (shiftMs += ms) };
}

test('bytes are signed with all headers that stay as they are, and with the session token', async (t) => {
  const { post, seen } = await rigOf(t);
  assert.equal((await post('/workspaces/ws-1/api/v1/remote_write?a-b=1&a=2')).status, 200);
  const [{ signed, target }] = seen;
  assert.equal(target, '/workspaces/ws-1/api/v1/remote_write?a-b=1&a=2');
  assert.deepEqual(signed, {
    accessKey: 'ONE',
    region: 'eu-west-1',
    service: 'aps',
    sessionToken: 'token-one',
    signedHeaders: ['content-type', 'host', 'x-amz-date', 'x-amz-security-token', 'x-own'],
  });
});

test('the path goes out without empty parts and without a slash at its end, signed as it goes', async (t) => {
  const { post, seen } = await rigOf(t);
  for (const target of ['/a//b/', '/', '', '/a%20b/ä', '/x/?y=/z/']) await post(target);
  assert.deepEqual(
    seen.map(({ target }) => target),
    ['/a/b', '/', '/', '/a%20b/%C3%A4', '/x?y=/z/'],
  );
  assert.ok(seen.every(({ signed }) => signed !== null));
});

test('redirects are signed anew; another host gets no signature', async (t) => {
  const other = await rigOf(t);
  const { post, seen } = await rigOf(t, ['/next?b=1', 'see /seen', 200, `${other.url}/elsewhere`]);
  assert.equal((await post('/first')).status, 200);
  assert.deepEqual(
    seen.map(({ target, method, signed }) => [target, method, signed?.accessKey]),
    [
      ['/first', 'POST', 'ONE'],
      ['/next?b=1', 'POST', 'ONE'],
      ['/seen', 'GET', 'ONE'],
    ],
  );
  assert.equal((await post('/last')).status, 200);
  assert.deepEqual(other.seen, [{ target: '/elsewhere', method: 'POST', signed: null, retry: undefined }]);
  const still = await rigOf(t, ['/next']);
  assert.equal((await still.post('/first', { followRedirects: false })).status, 307);
});

test('credentials that are refused are looked for again, and the request is repeated with them', async (t) => {
  const { post, seen, environment, later } = await rigOf(t, [200, 403, 200, 403]);
  await post('/');
  Object.assign(environment, { AWS_ACCESS_KEY_ID: 'TWO', AWS_SECRET_ACCESS_KEY: 'secret-two', AWS_SESSION_TOKEN: '' });
  later(61_000);
  assert.equal((await post('/')).status, 200);
  assert.equal((await post('/')).status, 403, 'they are new, and still refused');
  assert.deepEqual(
    seen.map(({ signed }) => signed?.accessKey),
    ['ONE', 'ONE', 'TWO', 'TWO'],
  );
});

test('a client that is closed says so', async (t) => {
  const { client, post } = await rigOf(t);
  await client.close();
  await assert.rejects(post('/'), { name: 'TidemarkError' });
});
