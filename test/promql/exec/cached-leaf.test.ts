// Range queries that are asked again: what was kept is used where nothing has changed, and nowhere else.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExecTwin } from '../../../src/kernel/index.ts';
import { Labels } from '../../../src/model/index.ts';
import {
  CachedLeaf,
  type Engine,
  type LeafClient,
  type LeafPlan,
  LocalLeafExecutor,
  MemorySource,
  type QueryOptions,
  createEngine,
} from '../../../src/promql/index.ts';
import { exponential, buckets, seeded } from '../../model/histogram-samples.ts';
import { answerBits } from '../../support/promql-variants.ts';
import { testClock } from './support.ts';

const STEP_MS = 15_000;

interface Store {
  readonly source: MemorySource;
  readonly cached: Engine;
  readonly plain: Engine;
  readonly leaf: CachedLeaf;
  /** Leaves that were worked out, with their steps. */
  readonly worked: LeafPlan[];
}

function store(bytesMax = 1 << 20): Store {
  const source = new MemorySource();
  const worked: LeafPlan[] = [];
  const executor = new LocalLeafExecutor({ source, kernel: createExecTwin() });
  const watched: LeafClient = {
    execute(plan, control) {
      worked.push(plan);
      return executor.execute(plan, control);
    },
  };
  const leaf = new CachedLeaf({ executor: watched, changes: source.changes, bytesMax, samplesMin: 0 });
  const engine = (client: LeafClient): Engine => createEngine({ leaves: [client], clock: testClock() });
  return { source, worked, leaf, cached: engine(leaf), plain: engine(executor) };
}

const series = (name: string, i: number): Labels => Labels.from({ __name__: name, job: `j${i % 2}`, i: String(i) });

function fill({ source }: Store, fromStep: number, toStep: number): void {
  for (let step = fromStep; step < toStep; step++) {
    for (let i = 0; i < 4; i++) source.append(series('x_total', i), step * STEP_MS, step * (i + 1) + 0.1);
  }
}

/** Asks both engines; they must agree. Returns how many steps were worked out for it. */
async function ask(s: Store, query: string, fromStep: number, toStep: number, options?: QueryOptions): Promise<number> {
  const range = [fromStep * STEP_MS, toStep * STEP_MS, STEP_MS] as const;
  s.worked.length = 0;
  const got = answerBits(await s.cached.range(query, ...range, options));
  assert.equal(got, answerBits(await s.plain.range(query, ...range)), query);
  return s.worked.reduce((sum, { steps }) => sum + steps, 0);
}

const QUERIES = ['x_total', 'sum by (job) (rate(x_total[1m]))', 'rate(x_total[1m])', 'max(x_total offset 30s)'];

describe('the result cache', () => {
  test('a dashboard that moves on works out the newest steps only', async () => {
    for (const query of QUERIES) {
      const s = store();
      fill(s, 0, 100);
      assert.equal(await ask(s, query, 20, 90), 71);
      assert.equal(await ask(s, query, 20, 90), 0, 'all of it again');
      assert.equal(await ask(s, query, 30, 60), 0, 'a part of it');
      assert.equal(await ask(s, query, 25, 95), 5, 'moved on');
      assert.equal(await ask(s, query, 40, 95), 0);
      assert.equal(await ask(s, query, 10, 95), 86, 'before what is known');
    }
  });

  test('samples that come make the steps that see them new, and no others', async () => {
    const s = store();
    fill(s, 0, 100);
    await ask(s, 'x_total', 20, 99);
    fill(s, 100, 101);
    assert.equal(await ask(s, 'x_total', 21, 100), 1);
    s.source.append(series('x_total', 1), 60 * STEP_MS + 7, 5); // late
    assert.equal(await ask(s, 'x_total', 21, 100), 40, 'steps 61 and later');
    s.source.append(series('y', 1), 10 * STEP_MS, 5); // of other series: it is not known which
    assert.equal(await ask(s, 'x_total', 21, 100), 80);
  });

  test('samples in the future of what was asked do not matter; those that come into it do', async () => {
    const s = store();
    fill(s, 0, 50);
    await ask(s, 'x_total', 10, 80);
    fill(s, 50, 60);
    assert.equal(await ask(s, 'x_total', 10, 80), 31);
  });

  test('series that come and go are in the steps in which they are', async () => {
    const s = store();
    const random = seeded(3);
    for (let step = 0; step < 120; step++) {
      for (let i = 0; i < 6; i++) {
        if ((step >> 4) % 6 !== i || random() < 0.1) continue;
        s.source.append(series('flappy', i), step * STEP_MS, random());
      }
    }
    for (const query of ['flappy', 'avg by (job) (flappy)', 'stddev(flappy)', 'count by (i) (changes(flappy[3m]))']) {
      for (let from = 0; from < 60; from += 7) await ask(s, query, from, from + 50);
    }
    assert.ok(s.leaf.stats().hits > 20);
  });

  test('other phases, steps, tenants and queries are other entries', async () => {
    const s = store();
    fill(s, 0, 100);
    const range = async (fromMs: number, stepMs: number, tenant?: string): Promise<number> => {
      s.worked.length = 0;
      await s.cached.range('x_total', fromMs, fromMs + 600_000, stepMs, tenant ? { tenant } : {});
      return s.worked.length;
    };
    assert.equal(await range(300_000, 60_000), 1);
    assert.equal(await range(315_000, 60_000), 1, 'other phase');
    assert.equal(await range(300_000, 30_000), 1, 'other step');
    assert.equal(await range(300_000, 60_000, 'other'), 1, 'other tenant');
    assert.equal(await range(300_000, 60_000), 0);
  });

  test('what another tenant writes late is no change', async () => {
    const s = store();
    fill(s, 0, 100);
    await ask(s, 'x_total', 20, 90);
    s.source.append(series('x_total', 1), 1000, 5, 'other');
    assert.equal(await ask(s, 'x_total', 20, 90), 0);
  });

  test('nothing is used or kept with noCache', async () => {
    const s = store();
    fill(s, 0, 100);
    await ask(s, 'x_total', 20, 90);
    assert.equal(await ask(s, 'x_total', 20, 90, { noCache: true }), 71);
    assert.equal(await ask(s, 'rate(x_total[1m])', 20, 90, { noCache: true }), 71);
    assert.equal(await ask(s, 'rate(x_total[1m])', 20, 90), 71);
  });

  test('what is pinned to the range or has histograms or annotations is worked out anew', async () => {
    const s = store();
    fill(s, 0, 100);
    for (let step = 0; step < 100; step++) {
      s.source.append(series('nh', 1), step * STEP_MS, exponential(0, buckets(0, step, step)));
      s.source.append(series('late_nh', 1), step * STEP_MS, step < 80 ? step : exponential(0, buckets(0, step)));
    }
    for (const query of ['x_total @ end()', 'nh', 'count(nh)', 'rate(nh[1m])']) {
      for (let turn = 0; turn < 2; turn++) assert.ok((await ask(s, query, 20, 90)) > 0, query);
    }
    // Histograms come into a series of floats.
    for (const query of ['late_nh', 'sum(late_nh)', 'sum_over_time(late_nh[1m])']) {
      await ask(s, query, 20, 70);
      await ask(s, query, 25, 95);
    }
  });

  test('infos about names are those of the steps that are asked', async () => {
    const s = store();
    for (let step = 0; step < 100; step++) {
      const [name, i] = step < 50 ? ['gauge_a', 1] : ['gauge_b', 2];
      s.source.append(series(name as string, i as number), step * STEP_MS, step);
    }
    for (const query of ['rate({__name__=~"gauge.*"}[1m])', 'sum(rate(gauge_a[1m]))', 'sum(rate(gauge_b[1m]))']) {
      await ask(s, query, 10, 60);
      await ask(s, query, 20, 70);
      await ask(s, query, 60, 80);
    }
  });

  test('limits hold for what is kept, too', async () => {
    const s = store();
    fill(s, 0, 100);
    await ask(s, 'x_total', 20, 90);
    const range = [20 * STEP_MS, 90 * STEP_MS, STEP_MS] as const;
    await assert.rejects(s.cached.range('x_total', ...range, { maxSamples: 100 }), /too many samples/);
    await assert.rejects(s.cached.range('x_total', ...range, { maxBytes: 1000 }), /more memory/);
  });

  test('its bytes are bounded, and the tenant that has most gives way', async () => {
    const s = store(60_000);
    for (const tenant of ['a', 'b']) {
      for (let step = 0; step < 100; step++) s.source.append(series('x_total', 1), step * STEP_MS, step, tenant);
    }
    const range = (tenant: string, windowS: number): Promise<unknown> =>
      s.cached.range(`rate(x_total[${windowS}s])`, 300_000, 1_200_000, STEP_MS, { tenant });
    await range('b', 60);
    for (let i = 0; i < 200; i++) {
      await range('a', 60 + i);
      assert.ok(s.leaf.stats().bytes <= 60_000);
    }
    s.worked.length = 0;
    await range('b', 60);
    assert.equal(s.worked.length, 0, 'what another tenant asks does not push it out');
  });
});
