import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { TidemarkError } from '../../src/base/index.ts';
import { parseConfig } from '../../src/config/index.ts';
import { createHttpClient } from '../../src/io/index.ts';
import { Labels } from '../../src/model/index.ts';
import { shownUrl, socketErrorText } from '../../src/scrape/request-error.ts';
import { ScrapeFetch } from '../../src/scrape/scrape-fetch.ts';
import { Target } from '../../src/scrape/target.ts';

const error = (fields: object): Error => Object.assign(new Error('words of Node'), fields);

test('failed connections are told in the words of Prometheus', () => {
  const ok = (fields: object, want: string | undefined) => assert.equal(socketErrorText(error(fields)), want);
  const connect = { syscall: 'connect', address: '10.0.0.1', port: 9100 };
  ok({ ...connect, code: 'ECONNREFUSED' }, 'dial tcp 10.0.0.1:9100: connect: connection refused');
  ok({ ...connect, code: 'EHOSTUNREACH' }, 'dial tcp 10.0.0.1:9100: connect: no route to host');
  ok({ ...connect, address: '::1', code: 'ECONNREFUSED' }, 'dial tcp [::1]:9100: connect: connection refused');
  ok({ syscall: 'read', code: 'ECONNRESET' }, 'read tcp: read: connection reset by peer');
  ok({ syscall: 'getaddrinfo', code: 'ENOTFOUND', hostname: 'h' }, 'dial tcp: lookup h: no such host');
  ok({ code: 'UND_ERR_SOCKET' }, 'EOF');
  ok(
    { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  );
  ok({ code: 'SOMETHING_ELSE' }, undefined);
  assert.equal(socketErrorText(undefined), undefined);
  const both = new AggregateError([
    error({ ...connect, address: '::1', code: 'ECONNREFUSED' }),
    error({ ...connect, code: 'ECONNREFUSED' }),
  ]);
  assert.equal(socketErrorText(both), 'dial tcp [::1]:9100: connect: connection refused');
});

test('a password in an address is not shown', () => {
  assert.equal(shownUrl('http://user:secret@h:1/metrics?a=b@c:d'), 'http://user:***@h:1/metrics?a=b@c:d');
  assert.equal(shownUrl('http://h:1/metrics?t=12:30@x'), 'http://h:1/metrics?t=12:30@x');
});

async function failure(port: number): Promise<string> {
  const config = parseConfig('scrape_configs: [{job_name: j}]', { file: 'test.yml' }).scrapeConfigs[0];
  const labels = Labels.from(
    new Map([
      ['__address__', `127.0.0.1:${port}`],
      ['__metrics_path__', '/metrics'],
      ['__scheme__', 'http'],
      ['__scrape_interval__', '1s'],
      ['__scrape_timeout__', '300ms'],
    ]),
  );
  const client = createHttpClient({});
  try {
    await new ScrapeFetch(config, client, 'x').fetch(new Target(labels, labels, {}), new AbortController().signal);
    return '';
  } catch (caught) {
    assert.ok(caught instanceof TidemarkError);
    return caught.message;
  } finally {
    await client.close();
  }
}

test('real sockets give these texts', async () => {
  let port = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.once('data', () => (sockets.size === 1 ? socket.destroy() : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as net.AddressInfo).port;
  const url = `Get "http://127.0.0.1:${port}/metrics": `;
  assert.equal(await failure(port), `${url}EOF`);
  assert.equal(await failure(port), `${url}context deadline exceeded`);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await failure(port), `${url}dial tcp 127.0.0.1:${port}: connect: connection refused`);
});
