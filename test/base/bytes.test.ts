// Giving memory back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBytes } from '../../src/base/index.ts';

test('memory is given back whole, and only where all of it is meant', () => {
  const whole = new Uint8Array(100);
  freeBytes(whole);
  assert.equal(whole.byteLength, 0);
  freeBytes(whole);
  const shared = new Uint8Array(100).fill(7);
  freeBytes(shared.subarray(0, 50));
  assert.deepEqual(shared, new Uint8Array(100).fill(7));
});
