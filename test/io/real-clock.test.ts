import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRealWorld } from '../../src/io/index.ts';

const { clock, random } = createRealWorld('.');

test('sleep takes its time and an abort ends it at once', async () => {
  const startMs = clock.monotonicMs();
  await clock.sleep(20);
  assert.ok(clock.monotonicMs() - startMs >= 19);
  const abort = new AbortController();
  const sleeping = clock.sleep(1e12, abort.signal); // longer than a timer of the platform can be
  abort.abort(new Error('stop'));
  await assert.rejects(sleeping, { name: 'AbortError' });
  await assert.rejects(clock.sleep(1, abort.signal), { name: 'AbortError' });
});

test('a callback comes once, unless it was cancelled', async () => {
  const called: string[] = [];
  clock.after(1, () => called.push('kept'));
  clock.after(1, () => called.push('cancelled'))();
  await clock.sleep(10);
  await clock.yield();
  assert.deepEqual(called, ['kept']);
});

test('random bytes differ from call to call', () => {
  assert.notDeepEqual(random.bytes(16), random.bytes(16));
  assert.equal(random.bytes(100_000).length, 100_000);
  const value = random.next();
  assert.ok(value >= 0 && value < 1);
});
