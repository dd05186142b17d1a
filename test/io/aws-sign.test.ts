// Signatures against AWS' published vectors, and against a verifier of our own that is written from AWS' description.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AwsRequest, signAws } from '../../src/io/index.ts';
import { verifySignature } from '../support/aws-signature.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const EXAMPLE = { accessKey: 'AKIDEXAMPLE', secretKey: SECRET, sessionToken: '' };
const TIME_MS = Date.parse('2015-08-30T12:36:00Z');

const signatureOf = (request: Partial<AwsRequest>): string => {
  const plain = { method: 'GET', url: 'https://example.amazonaws.com/', headers: {}, body: '' } as const;
  const place = { region: 'us-east-1', service: 'service' };
  return signAws({ ...plain, ...place, ...request }, EXAMPLE, TIME_MS).authorization;
};

test('the signature of the documented example is right', () => {
  const authorization = signatureOf({
    url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    service: 'iam',
  });
  assert.equal(
    authorization,
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, ' +
      'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  );
});

test('the signatures of AWS’ test suite are right', () => {
  const ok = (request: Partial<AwsRequest>, signature: string) =>
    assert.equal(/Signature=(.*)/.exec(signatureOf(request))?.[1], signature, JSON.stringify(request));
  const at = (target: string) => ({ url: `https://example.amazonaws.com/${target}` });
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  // get-vanilla, get-vanilla-query-order-key-case, get-unreserved, post-vanilla, post-x-www-form-urlencoded
  ok({}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31');
  ok(at('?Param2=value2&Param1=value1'), 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500');
  ok(
    at('-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'),
    '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  );
  ok({ method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b');
  ok(
    { method: 'POST', headers: form, body: 'Param1=value1' },
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  );
  ok(
    { method: 'POST', headers: form, body: Buffer.from('Param1=value1') },
    'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  );
});

/** Signs a request and looks at it as a server does. */
function seen(request: AwsRequest, sessionToken = '') {
  const headers = signAws(request, { ...EXAMPLE, sessionToken }, TIME_MS);
  const url = new URL(request.url);
  const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body;
  const target = `${url.pathname}${url.search}`;
  return verifySignature({ method: request.method, target, headers, body }, () => SECRET, TIME_MS);
}

const PUSH = {
  method: 'POST',
  headers: { 'content-encoding': 'snappy' },
  region: 'eu-west-1',
  service: 'aps',
} as const;

test('a body of bytes is signed as it is, also where it is no text', () => {
  const url = 'https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write';
  const body = randomBytes(100_000);
  const { region, service, signedHeaders, sessionToken } = seen({ ...PUSH, url, body }, 'a+token/=');
  assert.deepEqual([region, service, sessionToken], ['eu-west-1', 'aps', 'a+token/=']);
  assert.deepEqual(signedHeaders, ['content-encoding', 'host', 'x-amz-date', 'x-amz-security-token']);
  const changed = Buffer.from(body);
  changed[500] ^= 1;
  const headers = signAws({ ...PUSH, url, body }, EXAMPLE, TIME_MS);
  const target = new URL(url).pathname;
  assert.throws(
    () => verifySignature({ method: 'POST', target, headers, body: changed }, () => SECRET, TIME_MS),
    /signature does not match/,
  );
});

test('parameters are in the order of their names, not of names with values', () => {
  seen({ ...PUSH, url: 'https://a.example/p?a-b=1&a=2&a=1&a%20c=+&%C3%A4', body: '' });
  const one = signatureOf({ url: 'https://a.example/?a-b=2&a=1' });
  assert.equal(one, signatureOf({ url: 'https://a.example/?a=1&a-b=2' }));
});

test('whatever path, parameters, headers and body: the receiver agrees', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 8 });
  const value = fc.string({ unit: fc.constantFrom(...'ab 0:;,=/"'), maxLength: 12 });
  const parts = fc.record({
    path: fc.array(text, { maxLength: 4 }),
    query: fc.array(fc.tuple(text, text), { maxLength: 4 }),
    header: value,
    body: fc.uint8Array({ maxLength: 64 }),
  });
  const property = fc.property(parts, ({ path, query, header, body }) => {
    const url = new URL('https://a.example:8443/');
    url.pathname = path.map(encodeURIComponent).join('/');
    url.search = new URLSearchParams(query).toString();
    seen({ ...PUSH, url: url.href, headers: { 'x-own': header }, body });
  });
  fc.assert(property, { numRuns: fuzzCases(300), seed: fuzzSeed(1) });
});
