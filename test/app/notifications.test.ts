import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { createRealWorld } from '../../src/io/index.ts';
import { Notifications } from '../../src/app/notifications.ts';
import { fakeServer, fakeServices, fixedClock, NOW_MS } from '../api/fake-services.ts';

const date = new Date(NOW_MS).toISOString();

test('a listener hears what is so, and what changes', () => {
  const notifications = new Notifications(fixedClock, 1);
  notifications.begin('a');
  const heard: object[] = [];
  let ended = 0;
  const listener = { next: (one: object) => heard.push(one), end: () => ended++ };
  const stop = notifications.subscribe(listener);
  notifications.begin('b');
  notifications.begin('b');
  notifications.end('a');
  notifications.end('a');
  assert.deepEqual(heard, [
    { text: 'a', date, active: true },
    { text: 'b', date, active: true },
    { text: 'a', date, active: false },
  ]);
  assert.deepEqual(notifications.list(), [{ text: 'b', date, active: true }]);
  assert.equal(notifications.subscribe(listener), null, 'one too many');
  stop?.();
  assert.notEqual(notifications.subscribe(listener), null);
  notifications.close();
  assert.equal(ended, 1);
  assert.equal(notifications.subscribe(listener), null, 'it is over');
});

interface Live {
  readonly status: number;
  readonly type: string;
  readonly text: () => string;
  readonly end: Promise<void>;
  readonly close: () => void;
}

const open = (url: string): Promise<Live> =>
  new Promise((resolve, reject) => {
    const request = http.get(url, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const end = new Promise<void>((done) => response.on('close', () => done()));
      const { statusCode: status = 0, headers } = response;
      const close = () => request.destroy();
      resolve({ status, type: headers['content-type'] ?? '', text: () => text, end, close });
    });
    request.on('error', reject);
  });

async function eventually(what: string, is: () => boolean): Promise<void> {
  for (let left = 500; !is(); left--) {
    assert.ok(left > 0, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('live notifications are events over HTTP; beyond the limit there is nothing, and a client that goes makes room', async (t) => {
  const { clock } = createRealWorld('.');
  const notifications = new Notifications(fixedClock, 2);
  const services = fakeServices();
  const server = await fakeServer({ ...services, status: { ...services.status, notifications } }, { clock });
  const url = `${await server.start('127.0.0.1', 0)}/api/v1/notifications/live`;
  t.after(() => server.stop());
  notifications.begin('one');
  const [first, second] = await Promise.all([open(url), open(url)]);
  assert.equal(first.status, 200);
  assert.equal(first.type, 'text/event-stream');
  assert.equal((await open(url)).status, 204);
  notifications.end('one');
  const events = [true, false].map((active) => `data: ${JSON.stringify({ text: 'one', date, active })}\n\n`).join('');
  await eventually('the events have come', () => first.text().endsWith(events));
  second.close();
  await eventually('there is room', () => notifications.subscriberCount === 1);
  notifications.close();
  await first.end;
  assert.ok(first.text().endsWith(events), 'the answer ends, and is whole');
});
