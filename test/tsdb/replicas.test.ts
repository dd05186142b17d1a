// Promise 3: what reads the same log has the same memory and the same block files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Instances } from '../../sim/instances.ts';
import { compareReplicas } from '../../sim/replica.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

test('replicas with other timing, other groups, reads and restarts in between become the same', async () => {
  const instances = await Instances.load();
  let restarts = 0;
  const cases = fuzzCases(12);
  for (let i = 0; i < cases; i++) restarts += await compareReplicas(fuzzSeed(100) + i, instances);
  assert.ok(restarts > cases / 2, `${restarts} restarts`);
});
