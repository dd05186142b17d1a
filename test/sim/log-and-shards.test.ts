// The simulation in small: npm run sim runs more of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/log-and-shards.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

test('no crash, torn write or full disk takes an acknowledged sample, and replay gives the same bytes', async () => {
  const seeds = fuzzCases(60);
  let crashes = 0;
  let acknowledged = 0;
  for (let i = 0; i < seeds; i++) {
    const outcome = await simulate(fuzzSeed(1) + i);
    assert.equal(outcome.violation, null, `seed ${outcome.seed}`);
    crashes += outcome.crashes;
    acknowledged += outcome.acknowledged;
  }
  assert.ok(crashes > seeds && acknowledged > 50 * seeds, `${crashes} crashes, ${acknowledged} samples`);
});

test('a disk whose sync does nothing is found out', async () => {
  let found = 0;
  for (let seed = 1; seed <= 20; seed++) {
    if ((await simulate(seed, { brokenSync: true })).violation !== null) found++;
  }
  assert.ok(found >= 10, `${found} of 20 seeds found it`);
});
