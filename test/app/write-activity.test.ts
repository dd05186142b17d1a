import assert from 'node:assert/strict';
import test from 'node:test';
import type { Clock } from '../../src/io/index.ts';
import { WriteActivity, createPushMemory, notePush } from '../../src/app/write-activity.ts';

test('writes of any shard are recent for a second', () => {
  let nowMs = 5000;
  const clock = { monotonicMs: () => nowMs } as Clock;
  const memories = [createPushMemory(), createPushMemory()];
  const activity = new WriteActivity(memories, clock);
  assert.equal(activity.isRecent, false);
  notePush(memories[1]);
  assert.equal(activity.isRecent, true);
  nowMs += 999;
  assert.equal(activity.isRecent, true);
  nowMs += 1;
  assert.equal(activity.isRecent, false);
  notePush(memories[0]);
  assert.equal(activity.isRecent, true);
});
