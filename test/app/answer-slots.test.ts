import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerBody } from '../../src/app/answer-body.ts';
import { AnswerSender } from '../../src/app/answer-sender.ts';
import { createSlotMemory, createSlotViews, SLOT_BYTES, SlotPool } from '../../src/app/answer-slots.ts';
import type { QueryEvent } from '../../src/app/query-protocol.ts';

const COST = { queueMs: 0, runMs: 0, samplesRead: 0, seriesRead: 0, peakBytes: 0, peakSamples: 0, error: '' };

/** Both ends of one answer, without threads. */
function bothEnds() {
  const memory = createSlotMemory();
  const pool = new SlotPool(memory);
  const views = createSlotViews(memory);
  const abort = new AbortController();
  const events: QueryEvent[] = [];
  let body: AnswerBody | null = null;
  let isRead = false;
  const give = (slots: readonly number[]) => {
    sender.released(slots.length);
    pool.giveBack(slots);
  };
  const post = (event: QueryEvent) => {
    events.push(event);
    if (event.type === 'more') body?.push(event.filled);
    else if (event.type === 'answer' && !(event.body instanceof Uint8Array)) {
      body = new AnswerBody({ views, give, onEnd: () => (isRead = true) }, event.body);
    }
  };
  const sender = new AnswerSender({ id: 1, status: 200, stats: COST, pool, signal: abort.signal, post });
  return { pool, sender, abort, events, body: () => body as AnswerBody | null, isRead: () => isRead, free: pool.free };
}

const pattern = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31) >> 3));
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what was sent is what is read, at most sixteen slots at a time, and all slots come back', async () => {
  for (const length of [0, 1, 4096, 4097, SLOT_BYTES, SLOT_BYTES + 1, 16 * SLOT_BYTES, 40 * SLOT_BYTES - 5]) {
    const ends = bothEnds();
    const bytes = pattern(length);
    const half = length > 4097 ? length >> 1 : length;
    const sending = (async () => {
      if (half < length) await ends.sender.send({ bytes: bytes.subarray(0, half), coding: null, isEnd: false });
      await ends.sender.send({ bytes: bytes.subarray(half === length ? 0 : half), coding: null, isEnd: true });
    })();
    const read: Buffer[] = [];
    const [first] = ends.events;
    assert.equal(first.type, 'answer');
    if (first.type === 'answer' && first.body instanceof Uint8Array) {
      assert.ok(length <= 4096);
      read.push(Buffer.from(first.body));
    } else {
      const body = ends.body();
      assert.ok(body);
      assert.equal(body.length, half === length && length <= 16 * SLOT_BYTES ? length : null);
      for await (const { parts, release } of body) {
        assert.ok(ends.free - ends.pool.free <= 16);
        read.push(...parts.map((part) => Buffer.from(part)));
        await turn();
        release();
        release(); // again: nothing happens
      }
      assert.ok(ends.isRead());
    }
    await sending;
    assert.ok(Buffer.concat(read).equals(bytes), String(length));
    assert.equal(ends.pool.free, ends.free);
  }
});

test('an answer whose last piece is empty ends', async () => {
  const { sender, body } = bothEnds();
  await sender.send({ bytes: pattern(5000), coding: null, isEnd: false });
  await sender.send({ bytes: pattern(0), coding: null, isEnd: true });
  const lengths: number[] = [];
  for await (const { parts, release } of body() ?? []) {
    lengths.push(...parts.map((part) => part.length));
    release();
  }
  assert.deepEqual(lengths, [5000]);
});

test('a receiver that fails gives all slots back, and the sender stops when it is told', async () => {
  const { sender, abort, body, pool, free } = bothEnds();
  const sending = sender.send({ bytes: pattern(20 * SLOT_BYTES), coding: null, isEnd: true });
  const reading = (async () => {
    for await (const chunk of body() ?? []) assert.ok(chunk.parts.length > 0);
  })();
  await turn();
  assert.equal(free - pool.free, 16);
  abort.abort(new Error('gone'));
  body()?.fail(new Error('gone'));
  await assert.rejects(sending, /gone/);
  await assert.rejects(reading, /gone/);
  assert.equal(pool.free, free);
});

test('slow receivers leave half of the slots to others, and each other gets one', () => {
  const pool = new SlotPool(createSlotMemory());
  const all = pool.free;
  const bytes = pattern(10);
  for (let held = 0; pool.fill(1, bytes) >= 0; held++) assert.ok(held < all);
  assert.equal(pool.free, all / 2);
  for (let n = 0; n < all / 2; n++) assert.ok(pool.fill(0, bytes) >= 0);
  assert.equal(pool.fill(0, bytes), -1);
});
