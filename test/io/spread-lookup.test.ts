import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { test } from 'node:test';
import { createHttpClient } from '../../src/io/index.ts';
import { spreadLookup } from '../../src/io/spread-lookup.ts';

const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({ address, family: 4 }));

const ask = (lookup: LookupFunction, all: boolean): Promise<unknown[]> =>
  new Promise((resolve) => lookup('name', { all }, (...answer) => resolve(answer)));

test('each lookup gives one of the addresses, each as often as the others', async () => {
  const rolls = [0, 0.5, 0.99, 0.34];
  const lookup = spreadLookup(
    (_, __, done) => done(null, ADDRESSES),
    () => rolls.shift() ?? 0,
  );
  assert.deepEqual(await ask(lookup, false), [null, '10.0.0.1', 4]);
  assert.deepEqual(await ask(lookup, true), [null, [ADDRESSES[1]]]);
  assert.deepEqual(await ask(lookup, false), [null, '10.0.0.3', 4]);
  assert.deepEqual(await ask(lookup, false), [null, '10.0.0.2', 4]);
});

test('a name without addresses is an error', async () => {
  const [empty] = await ask(
    spreadLookup((_, __, done) => done(null, [])),
    true,
  );
  assert.match((empty as Error).message, /lookup name: no address/);
  const failure = Object.assign(new Error('down'), { code: 'EAI_AGAIN' });
  const [error] = await ask(
    spreadLookup((_, __, done) => done(failure, [])),
    true,
  );
  assert.equal(error, failure);
});

test('a client with it reaches a server by name', async (t) => {
  const server = http.createServer((_, response) => response.end('here'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createHttpClient({ roundRobinDns: true, keepAliveMs: 0 });
  t.after(() => client.close());
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  // localhost may have an address of IPv6 too, at which nobody listens: one of the tries gets the other one.
  const tries = Array.from({ length: 40 }, () =>
    client.request({ method: 'GET', url: `http://localhost:${port}/`, timeoutMs: 5000, bodyBytesMax: 0 }),
  );
  const answers = await Promise.allSettled(tries);
  assert.ok(answers.some(({ status }) => status === 'fulfilled'));
});
