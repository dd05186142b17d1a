// Limits, cancellation and sharing of the thread.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../../src/base/index.ts';
import { createExecTwin } from '../../../src/kernel/index.ts';
import { Labels } from '../../../src/model/index.ts';
import { type LeafClient, LocalLeafExecutor, MemorySource, createEngine } from '../../../src/promql/index.ts';
import { testClock, testStore } from './support.ts';

const failsWith =
  (code: string, pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof TidemarkError && error.code === code && pattern.test(error.message);

function manySeries(): ReturnType<typeof testStore> {
  const store = testStore(2);
  for (let i = 0; i < 200; i++)
    store.load(
      { __name__: 'm', i: String(i) },
      Array.from({ length: 100 }, (_, k) => k),
    );
  return store;
}

test('a query over its sample limit ends with the error of Prometheus', async () => {
  const { engine } = manySeries();
  await assert.rejects(
    engine.range('m', 0, 6_000_000, 60_000, { maxSamples: 1000 }),
    failsWith('execution', /^query processing would load too many samples into memory in query execution$/),
  );
  // What is folded within the shards is not held.
  await engine.range('sum(m)', 0, 6_000_000, 60_000, { maxSamples: 1000 });
});

test('a subquery of more steps than any memory holds is refused before it is evaluated', async () => {
  const { engine } = manySeries();
  for (const query of ['count_over_time(m[100y:1ms])', 'sum_over_time(vector(1)[100y:1ms])']) {
    await assert.rejects(
      engine.instant(query, 0),
      failsWith('execution', /^query processing would load too many samples/),
    );
  }
});

test('a query over its memory limit ends with an error that names the limit', async () => {
  const { engine } = manySeries();
  await assert.rejects(
    engine.range('m', 0, 6_000_000, 60_000, { maxBytes: 50_000 }),
    failsWith('execution', /limit of 50000 bytes/),
  );
  const { stats } = await engine.range('sum(m)', 0, 6_000_000, 60_000, { maxBytes: 50_000 });
  assert.equal(stats.samplesRead, 20_000);
  assert.ok(stats.peakBytes > 0 && stats.peakBytes <= 50_000, String(stats.peakBytes));
});

test('a canceled query stops between two series', async () => {
  const { engine } = manySeries();
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(
    engine.instant('m', 0, { signal: controller.signal }),
    failsWith('canceled', /^query was canceled in expression evaluation$/),
  );
});

test('a query that takes too long ends with the error of Prometheus, and its leaves are told to stop', async () => {
  const clock = testClock();
  let signal: AbortSignal | undefined;
  const source = new MemorySource();
  source.append(Labels.from({ __name__: 'm' }), 0, 1);
  const inner = new LocalLeafExecutor({ source, kernel: createExecTwin() });
  const slow: LeafClient = {
    execute(plan, control) {
      signal = control.signal;
      clock.advance(5000);
      return inner.execute(plan, control);
    },
  };
  const engine = createEngine({ leaves: [slow], clock, timeoutMs: 1000 });
  await assert.rejects(engine.instant('m', 0), failsWith('timeout', /^query timed out in expression evaluation$/));
  assert.equal(signal?.aborted, true);
});

test('a leaf yields when others wait', async () => {
  const source = new MemorySource();
  for (let i = 0; i < 10; i++) source.append(Labels.from({ __name__: 'm', i: String(i) }), 0, i);
  const executor = new LocalLeafExecutor({ source, kernel: createExecTwin() });
  let yields = 0;
  const client: LeafClient = {
    execute: (plan, control) =>
      executor.execute(plan, {
        signal: control.signal,
        shouldYield: () => true,
        async yield() {
          yields++;
        },
      }),
  };
  const { data } = await createEngine({ leaves: [client], clock: testClock() }).instant('sum(m)', 0);
  assert.deepEqual(data.type === 'vector' && Array.from(data.vs), [45]);
  assert.equal(yields, 10);
});

test('trouble of a shard is an execution error that keeps its cause', async () => {
  const broken: LeafClient = {
    execute: () => Promise.reject(new TidemarkError('corrupt', 'cannot read block 7: bad checksum')),
  };
  const engine = createEngine({ leaves: [broken], clock: testClock() });
  await assert.rejects(engine.instant('m', 0), failsWith('execution', /^expanding series: cannot read block 7/));
});
