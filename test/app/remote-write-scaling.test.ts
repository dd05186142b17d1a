import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShardScaling } from '../../src/app/remote-write-scaling.ts';

const QUEUE = {
  capacity: 10_000,
  maxShards: 50,
  minShards: 1,
  maxSamplesPerSend: 2000,
  batchSendDeadlineMs: 5000,
  minBackoffMs: 30,
  maxBackoffMs: 5000,
  retryOnHttp429: false,
  sampleAgeLimitMs: 0,
};

/** Shards after so many looks at a destination that takes `msPerSample` for each of `perLook` samples. */
function ok(shards: number, perLook: number, msPerSample: number, behindSeconds: number, want: number): void {
  const scaling = new ShardScaling(QUEUE);
  let now = shards;
  for (let look = 1; look <= 3; look++) {
    const samples = perLook * look;
    const sendingSeconds = (samples * msPerSample) / 1000;
    now = scaling.tick(now, {
      samplesIn: samples,
      samplesOut: samples,
      samplesDropped: 0,
      sendingSeconds,
      behindSeconds,
    });
  }
  assert.equal(now, want);
}

test('there are as many queues as keep up', () => {
  ok(1, 10_000, 0.1, 0, 1);
  ok(1, 100_000, 1, 0, 10);
  ok(1, 100_000, 100, 0, 50);
  ok(10, 10_000, 0.1, 0, 1);
});

test('who is behind gets more, and gives none up', () => {
  ok(1, 100_000, 1, 20, 20);
  ok(10, 10_000, 0.1, 60, 10);
});

test('small changes are no changes', () => ok(10, 110_000, 1, 0, 10));

test('a destination that takes nothing says nothing about its speed', () => ok(3, 0, 1, 100, 3));
