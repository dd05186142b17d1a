// The simulation in small: npm run sim runs more of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/log-and-shards.ts';
import { newTotals } from '../../sim/settings.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

test('no crash, torn write, full disk or flipped bit makes an answer wrong in silence', async () => {
  const seeds = fuzzCases(60);
  const totals = newTotals();
  for (let i = 0; i < seeds; i++) {
    const outcome = await simulate(fuzzSeed(1) + i);
    assert.equal(outcome.violation, null, `seed ${outcome.seed}`);
    for (const [name, count] of Object.entries(outcome.totals)) totals[name as 'late'] += count;
  }
  const rare = Object.entries(totals).filter(([name, count]) => count === 0 && !/cutF|compactionF|fullD/.test(name));
  assert.deepEqual(rare, [], 'everything happened at least once');
});

test('a disk whose sync does nothing is found out', async () => {
  let found = 0;
  for (let seed = 1; seed <= 20; seed++) {
    if ((await simulate(seed, { brokenSync: true })).violation !== null) found++;
  }
  assert.ok(found >= 5, `${found} of 20 seeds found it`);
});
