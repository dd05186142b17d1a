// What is particular to native histograms in how this engine works: what shards send, and what it costs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../../src/base/index.ts';
import type { LeafClient, LeafPlan, LeafResult } from '../../../src/promql/index.ts';
import { buckets, exponential } from '../../model/histogram-samples.ts';
import { type TestStore, show, testStore } from './support.ts';

interface Asked {
  readonly plan: LeafPlan;
  readonly result: LeafResult;
}

/** A store of so many shards that notes what they were asked. */
function watched(shards: number): TestStore & { readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const watch = (client: LeafClient): LeafClient => ({
    async execute(plan, control) {
      const result = await client.execute(plan, control);
      asked.push({ plan, result });
      return result;
    },
  });
  return { ...testStore(shards, {}, watch), asked };
}

const h = (...counts: number[]): ReturnType<typeof exponential> => exponential(0, buckets(0, ...counts));

/** Series 0 to 7 with floats; histograms in series 0 only. */
function fill(store: TestStore): void {
  store.load({ __name__: 'm', i: '0' }, [h(1, 2), h(2, 4), h(3, 6)]);
  for (let i = 1; i < 8; i++) store.load({ __name__: 'm', i: String(i) }, [1, 2, 3]);
}

const kindsOf = (asked: readonly Asked[]): string[] =>
  asked.map(({ plan, result }) => `${plan.fold ? 'fold' : 'plain'} ${result.kind}`).sort();

test('shards fold floats, and send series where one of them has histograms', async () => {
  const store = watched(2);
  fill(store);
  const { data, infos, warnings } = await store.engine.instant('sum(m)', 60_000);
  // Floats and histograms do not mix.
  assert.deepEqual([show({ data } as never), infos.length + warnings.length], [[], 1]);
  // All are asked to fold; the one that did is asked again.
  assert.deepEqual(kindsOf(store.asked), ['fold groups', 'fold series', 'plain series']);
});

test('what shards send of groups with one series each is not asked for again', async () => {
  const store = watched(4);
  fill(store);
  const { data } = await store.engine.instant('sum by (i) (m)', 60_000);
  assert.equal(show({ data } as never)[0], '{i="0"} {count:6, sum:6, (0.5,1]:2, (1,2]:4}');
  assert.deepEqual(kindsOf(store.asked), ['fold series', ...Array(3).fill('fold singles')]);
});

test('groups with one series each are the same however they are spread, and when a group is in several shards', async () => {
  const values = [-0, 5e-324, 1e308, -Infinity, NaN, 0.1];
  for (const op of ['sum', 'avg', 'min', 'max', 'count', 'stddev']) {
    for (const by of ['i', 'i, j', 'j']) {
      const query = `${op} by (${by}) (m)`;
      const answers = [1, 3, 16].map(async (shards) => {
        const store = testStore(shards);
        values.forEach((value, i) => {
          for (let j = 0; j <= i % 2; j++)
            store.load({ __name__: 'm', i: String(i), j: String(j) }, [value, value + j]);
        });
        const { data } = await store.engine.instant(query, 10_000);
        assert.ok(data.type === 'vector');
        const { labels, vs } = data;
        return labels.map((each, i) => `${each} ${Object.is(vs[i], -0) ? '-0' : vs[i]}`);
      });
      const [one, ...others] = await Promise.all(answers);
      for (const other of others) assert.deepEqual(other, one, query);
    }
  }
});

test('histograms are counted within the shards', async () => {
  for (const query of ['count(m)', 'group(m)', 'sum(count_over_time(m[2m]))', 'absent(m)']) {
    const store = watched(4);
    fill(store);
    await store.engine.instant(query, 60_000);
    assert.deepEqual(new Set(store.asked.map(({ result }) => result.kind)), new Set(['groups']), query);
    assert.equal(store.asked.length, 4);
  }
});

test('a histogram that stands at many steps is sent once', async () => {
  const store = watched(1);
  store.load({ __name__: 'm' }, [h(1), h(2)]);
  await store.engine.range('m', 0, 240_000, 10_000);
  const [{ result }] = store.asked;
  assert.ok(result.kind === 'series' && result.histograms);
  assert.deepEqual([result.histograms.at.length, result.histograms.ends.length], [25, 2]);
});

test('counter resets are worked out while reading only where counts and sums are all that is asked for', async () => {
  const ok = async (query: string, want: boolean): Promise<void> => {
    const store = watched(1);
    fill(store);
    await store.engine.instant(query, 60_000);
    assert.equal(store.asked[0].plan.findResets, want, query);
  };
  await ok('m', false);
  await ok('histogram_count(m)', true);
  await ok('histogram_sum(sum(rate(m[5m])))', true);
  await ok('histogram_avg(-m)', true);
  await ok('histogram_quantile(0.5, m)', false);
  await ok('histogram_quantile(0.5, m and histogram_count(m) > 1)', false);
  await ok('histogram_count(rate(m[5m:1m]))', false);
  await ok('histogram_count(m </ 2)', false);
});

test('histograms count against the bytes of a query', async () => {
  const store = testStore(1);
  const wide = exponential(8, buckets(0, ...Array.from({ length: 2000 }, (_, i) => i + 0.5)));
  store.load({ __name__: 'wide' }, Array(20).fill(wide), 1000);
  const ask = (maxBytes: number): Promise<unknown> =>
    store.engine.instant('sum_over_time(wide[1m])', 20_000, { maxBytes });
  await ask(10_000_000);
  await assert.rejects(
    ask(1_000_000),
    (error) => error instanceof TidemarkError && /needs more memory than its limit/.test(error.message),
  );
});

test('extended selectors of raw samples take floats only', async () => {
  const store = testStore(1, { features: new Set(['promql-extended-range-selectors']) });
  store.load({ __name__: 'm' }, [h(1), h(2), h(3)]);
  for (const extension of ['anchored', 'smoothed']) {
    await assert.rejects(store.engine.instant(`m[1m] ${extension}`, 60_000), {
      message: `${extension} modifier is not supported with histograms`,
    });
  }
});
