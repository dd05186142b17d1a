import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { BodyChunk, BodyStream } from '../../src/api/index.ts';
import type { Clock } from '../../src/io/index.ts';
import { fakeServer, fakeServices, fixedClock } from './fake-services.ts';

const PART = Buffer.alloc(64 * 1024, 'x');

/** A body of so many parts that gives no more than `ahead` without their release. */
class TestBody implements BodyStream {
  readonly length: number | null;
  readonly #parts: number;
  readonly #ahead: number;
  given = 0;
  released = 0;
  failsAfter = Infinity;
  #wake: () => void = () => undefined;

  constructor(parts: number, length: number | null, ahead = 4) {
    this.#parts = parts;
    this.length = length;
    this.#ahead = ahead;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BodyChunk, void, void> {
    while (this.given < this.#parts) {
      if (this.given >= this.failsAfter) throw new Error('the maker died');
      if (this.given - this.released < this.#ahead) {
        this.given++;
        yield { parts: [PART], release: () => this.#release() };
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #release(): void {
    this.released++;
    this.#wake();
  }
}

async function serverOf(t: TestContext, body: BodyStream, clock: Clock = fixedClock) {
  const services = fakeServices({ query: { query: () => Promise.resolve({ status: 200, body }) } });
  const server = await fakeServer(services, { clock });
  const { port } = new URL(await server.start('127.0.0.1', 0));
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return server.stop();
  });
  const ask = (): Socket => {
    const socket = connect(Number(port), '127.0.0.1');
    sockets.push(socket.on('error', () => undefined));
    socket.write('GET /api/v1/labels HTTP/1.1\r\nHost: x\r\n\r\n');
    return socket;
  };
  return { url: `http://127.0.0.1:${port}/api/v1/labels`, ask };
}

async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; n < 500 && !condition(); n++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}

test('a long body arrives whole, and all its memory goes back', async (t) => {
  const body = new TestBody(100, null);
  const { url } = await serverOf(t, body);
  const response = await fetch(url);
  assert.equal(response.headers.get('transfer-encoding'), 'chunked');
  assert.equal(response.headers.get('content-type'), 'application/json');
  assert.equal(response.headers.get('vary'), 'Origin, Accept-Encoding');
  const bytes = Buffer.from(await response.arrayBuffer());
  assert.ok(bytes.equals(Buffer.alloc(100 * PART.length, 'x')));
  await until(() => body.released === 100);
});

test('a body whose length is known says so', async (t) => {
  const { url } = await serverOf(t, new TestBody(1, PART.length));
  const response = await fetch(url);
  assert.equal(response.headers.get('content-length'), String(PART.length));
  assert.equal((await response.arrayBuffer()).byteLength, PART.length);
});

test('a body that breaks off ends the connection', async (t) => {
  const body = new TestBody(100, null);
  body.failsAfter = 3;
  const { url } = await serverOf(t, body);
  const response = await fetch(url);
  assert.equal(response.status, 200);
  await assert.rejects(response.arrayBuffer());
});

test('a receiver that takes nothing gets no more than the connection holds, and the rest when it reads on', async (t) => {
  const body = new TestBody(1000, null);
  const { ask } = await serverOf(t, body);
  const socket = ask();
  socket.pause();
  let given = -1;
  while (given !== body.given) {
    given = body.given;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(given < 400, String(given));
  assert.equal(body.given - body.released, 4);
  socket.resume();
  await until(() => body.released === 1000);
});

test('a receiver that takes nothing for a minute is cut off, and its memory goes back', async (t) => {
  let stall: (() => void) | null = null;
  const clock: Clock = {
    ...fixedClock,
    after: (ms, callback) => {
      assert.equal(ms, 60_000);
      stall = callback;
      return () => (stall = null);
    },
  };
  const body = new TestBody(1000, null);
  const { ask } = await serverOf(t, body, clock);
  const socket = ask();
  socket.pause();
  await until(() => body.given - body.released === 4);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(stall);
  (stall as () => void)();
  await until(() => body.released === body.given);
  assert.ok(body.given < 1000);
});
