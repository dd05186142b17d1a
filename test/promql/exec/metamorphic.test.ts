// The same question asked in other ways has the same answer, bit by bit: one shard or eight, aggregated within the shards
// or not, all steps at once or one by one, through structured clone or not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExecWasm, loadKernel } from '../../../src/kernel/index.ts';
import {
  type EngineOptions,
  type LeafClient,
  type QueryResult,
  leafTransferables,
  matrixTimes,
} from '../../../src/promql/index.ts';
import { histogramToBytes } from '../../../src/model/index.ts';
import { buckets, exponential } from '../../model/histogram-samples.ts';
import { type TestStore, type TestValue, testStore } from './support.ts';

const STEP_MS = 15_000;
const STEPS = 40;

/** Counters with resets, gauges with gaps, stale markers and odd values: the same on every run. */
function fill(store: TestStore): TestStore {
  let seed = 12345;
  const random = (): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed / 2 ** 32;
  };
  for (let i = 0; i < 24; i++) {
    const labels = { job: `j${i % 3}`, instance: `i${i}` };
    let count = 0;
    const counter = Array.from(
      { length: STEPS },
      () => (count = random() < 0.03 ? 0 : count + Math.floor(random() * 50)),
    );
    store.load({ __name__: 'requests_total', ...labels }, counter, STEP_MS);
    const gauge = Array.from({ length: STEPS }, (_, k) => {
      if (random() < 0.1) return null;
      if (k === 20 && i % 5 === 0) return 'stale';
      return Math.round(random() * 1000) / 8;
    });
    store.load({ __name__: 'load', ...labels }, gauge, STEP_MS);
    let [few, many] = [0, 0];
    const latency = Array.from({ length: STEPS }, (_, k): TestValue | null => {
      if (random() < 0.1) return null;
      if (i % 8 === 0 && k % 10 === 0) return Math.round(random() * 100);
      [few, many] = random() < 0.03 ? [0, 0] : [few + Math.floor(random() * 9) / 8, many + Math.floor(random() * 90)];
      return exponential(i % 3, buckets(i % 4, few, many), { sum: few * 1.5 + many * 2.5 });
    });
    store.load({ __name__: 'latency', ...labels }, latency, STEP_MS);
  }
  return store;
}

const QUERIES = [
  'load',
  'sum by (job) (load)',
  'avg(load)',
  'min by (job) (load)',
  'max without (instance) (load)',
  'count(load > 50)',
  'group by (job) (load)',
  'stddev by (job) (requests_total)',
  'sum by (job) (rate(requests_total[1m]))',
  'avg(increase(requests_total[2m]))',
  'topk by (job) (2, load)',
  'quantile by (job) (0.9, load)',
  'load / on (instance) group_left () requests_total',
  'sum(load) / count(load)',
  'max_over_time(sum by (job) (load)[2m:30s])',
  'sum by (job) (last_over_time(load[1m] offset 30s))',
  'predict_linear(load[3m], 60)',
  'quantile_over_time(0.3, load[2m])',
  'absent(load{job="j0"} > 200)',
  'sum(timestamp(load))',
  'latency',
  'sum by (job) (latency)',
  'avg(latency{instance=~"i[1-7]"})',
  'count by (job) (latency)',
  'min by (job) (latency)',
  'sum by (job) (rate(latency[1m]))',
  'count(rate(latency[1m]))',
  'sum(count_over_time(latency[1m]))',
  'sum_over_time(latency[1m])',
  'avg_over_time(latency{instance=~"i[1-7]"}[2m])',
  'rate(sum by (job) (latency)[2m:30s])',
  'histogram_quantile(0.9, sum by (job) (rate(latency[2m])))',
  'histogram_count(latency) / on (instance) load',
  'latency - latency',
  'latency == latency * 1',
  'latency >/ 1.5',
  'latency or load',
  'changes(latency[2m])',
  'last_over_time(latency[1m])',
];

function bits(result: QueryResult): unknown {
  const { data, warnings, infos } = result;
  if (data.type !== 'matrix') return data;
  const words = (array: Float64Array): number[] => [...new Uint32Array(array.slice().buffer)];
  // Every NaN is the same answer; its payload is not.
  const vs = data.vs.map((v) => (Number.isNaN(v) ? NaN : v));
  const histograms = data.histograms?.map((h) => h && [...histogramToBytes(h)]) ?? null;
  return [
    data.labels.map(String),
    [...data.ends],
    data.labels.map((_, i) => words(matrixTimes(data, i))),
    words(vs),
    histograms,
    warnings,
    infos,
  ];
}

/** To almost the last bit: for aggregations whose rounding depends on the order of folding, as Prometheus' does. */
function close(a: QueryResult, b: QueryResult, query: string): void {
  assert.ok(a.data.type === 'matrix' && b.data.type === 'matrix');
  const { vs } = b.data;
  assert.deepEqual(a.data.labels.map(String), b.data.labels.map(String), query);
  a.data.vs.forEach((v, i) => assert.ok(v === vs[i] || Math.abs(v - vs[i]) < 1e-12 * Math.abs(v), query));
}

const ask = (store: TestStore, query: string): Promise<QueryResult> =>
  store.engine.range(query, 60_000, STEPS * STEP_MS, 20_000);

async function same(shards: number, options: Partial<EngineOptions>): Promise<void> {
  const [plain, other] = [fill(testStore(1)), fill(testStore(shards, options))];
  for (const query of QUERIES) {
    const [want, got] = [await ask(plain, query), await ask(other, query)];
    if (/stddev|avg/.test(query) && !query.includes('latency')) close(got, want, query);
    else assert.deepEqual(bits(got), bits(want), query);
  }
}

test('eight shards answer as one', () => same(8, {}));

test('aggregation within the shards or outside gives the same', async () => {
  await same(1, { pushDown: false });
  await same(8, { pushDown: false });
});

test('the compiled kernel answers as its twin, also for many queries at once that yield after every series', async () => {
  const module = await loadKernel('exec');
  const yields = (client: LeafClient): LeafClient => ({
    execute: (plan, control) =>
      client.execute(plan, { signal: control.signal, shouldYield: () => true, yield: () => Promise.resolve() }),
  });
  const compiled = fill(testStore(1, { kernel: createExecWasm(module) }, yields, () => createExecWasm(module)));
  const twin = fill(testStore(1));
  const answers = await Promise.all(QUERIES.map((query) => ask(compiled, query)));
  for (const [i, query] of QUERIES.entries()) assert.deepEqual(bits(answers[i]), bits(await ask(twin, query)), query);
});

test('steps evaluated one by one give what they give together', async () => {
  const store = fill(testStore(3));
  for (const query of QUERIES) {
    const whole = await ask(store, query);
    assert.ok(whole.data.type === 'matrix');
    const seen = new Map<string, number>();
    whole.data.labels.forEach((labels, i) => {
      if (whole.data.type !== 'matrix') return;
      const from = i === 0 ? 0 : whole.data.ends[i - 1];
      matrixTimes(whole.data, i).forEach((timeMs, k) => {
        if (whole.data.type === 'matrix') seen.set(`${labels} ${timeMs}`, whole.data.vs[from + k]);
      });
    });
    let points = 0;
    for (let timeMs = 60_000; timeMs <= STEPS * STEP_MS; timeMs += 20_000) {
      const { data } = await store.engine.instant(query, timeMs);
      assert.ok(data.type === 'vector');
      data.labels.forEach((labels, i) => {
        points++;
        assert.ok(Object.is(seen.get(`${labels} ${timeMs}`), data.vs[i]), `${query} ${labels} at ${timeMs}`);
      });
    }
    assert.equal(points, seen.size, query);
  }
});

test('plans and results survive the way to another thread', async () => {
  const wrapped = fill(
    testStore(2, {}, (client) => ({
      async execute(plan, control) {
        const result = await client.execute(structuredClone(plan), control);
        return structuredClone(result, { transfer: leafTransferables(result) });
      },
    })),
  );
  const plain = fill(testStore(2));
  for (const query of QUERIES) assert.deepEqual(bits(await ask(wrapped, query)), bits(await ask(plain, query)), query);
  for (const query of ['load[1m]', 'latency[1m]']) {
    const raw = async (s: TestStore): Promise<unknown> => bits(await s.engine.instant(query, 300_000));
    assert.deepEqual(await raw(wrapped), await raw(plain));
  }
});
