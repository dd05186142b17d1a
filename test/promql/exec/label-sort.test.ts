// Label sets sorted in pieces come out as if they were sorted at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimRandom } from '../../../src/io/index.ts';
import { createExecTwin } from '../../../src/kernel/index.ts';
import { Labels, compareLabels } from '../../../src/model/index.ts';
import { labelOrder } from '../../../src/promql/exec/label-sort.ts';
import { QueryRun } from '../../../src/promql/exec/query-run.ts';
import { testClock } from './support.ts';

const run = new QueryRun({
  query: '',
  kernel: createExecTwin(),
  leaves: [],
  clock: testClock(),
  signal: new AbortController().signal,
  deadlineMs: Infinity,
  samplesMax: 1,
  bytesMax: 1,
  delayedNameRemoval: false,
  typeAndUnitLabels: false,
});

test('the order is that of one sort, equal sets in the order they came', async () => {
  const random = new SimRandom(3);
  for (const count of [0, 1, 2, 4095, 4096, 4097, 20_000]) {
    const labels = Array.from({ length: count }, () => Labels.from([['a', String(Math.floor(random.next() * count))]]));
    const want = labels.map((_, i) => i).sort((a, b) => compareLabels(labels[a], labels[b]) || a - b);
    const order = (await run.finish(labelOrder(labels, run))) ?? labels.map((_, i) => i);
    assert.deepEqual([...order], want);
    const sorted = want.map((i) => labels[i]);
    assert.equal(await run.finish(labelOrder(sorted, run)), null);
  }
});
