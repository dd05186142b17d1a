// What an expression gives, over a small store. Prometheus' own scripts cover far more (conformance.test.ts); here are the
// rules that depend on how this engine works: matching per step, names and duplicates, annotations, errors.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../../src/base/index.ts';
import { type TestStore, show, testStore } from './support.ts';

function store(features: readonly string[] = []): TestStore {
  const s = testStore(2, { features: new Set(features) });
  s.load({ __name__: 'a', i: '1' }, [1, 2, 3]);
  s.load({ __name__: 'a', i: '2' }, [10, 20, 30]);
  s.load({ __name__: 'b', i: '1' }, [2, 2, 2]);
  s.load({ __name__: 'b', i: '2' }, [5, 5, 5]);
  // Two series that take turns: never both at one step.
  s.load({ __name__: 'turn', i: '1', pod: 'x' }, [7, 'stale', null]);
  s.load({ __name__: 'turn', i: '1', pod: 'y' }, [null, 8, 9]);
  s.load({ __name__: 'c_total' }, [0, 60, 120]);
  return s;
}

async function instant(query: string, atMs = 120_000, features: readonly string[] = []): Promise<string[]> {
  return show(await store(features).engine.instant(query, atMs));
}

const range = async (query: string): Promise<string[]> => show(await store().engine.range(query, 0, 120_000, 60_000));

async function fails(promise: Promise<unknown>, code: string, message: string): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof TidemarkError, String(error));
    assert.deepEqual({ code: error.code, message: error.message }, { code, message });
    return true;
  });
}

test('operators and functions give what PromQL says', async () => {
  const ok = async (query: string, want: readonly string[]): Promise<void> =>
    assert.deepEqual(await instant(query), want, query);
  await ok('a + b', ['{i="1"} 5', '{i="2"} 35']);
  await ok('a > 5', ['{__name__="a", i="2"} 30']);
  await ok('5 < a', ['{__name__="a", i="2"} 30']);
  await ok('a > bool 5', ['{i="1"} 0', '{i="2"} 1']);
  await ok('1 + 2 * 3 ^ 2', ['19']);
  await ok('-a', ['{i="1"} -3', '{i="2"} -30']);
  await ok('sum(a)', ['{} 33']);
  await ok('avg by (i) ({i=~".+"})', ['{i="1"} 4.666666666666667', '{i="2"} 17.5']);
  await ok('a and on(i) b > 2', ['{__name__="a", i="2"} 30']);
  await ok('a unless on(i) b > 2', ['{__name__="a", i="1"} 3']);
  await ok('topk(1, a)', ['{__name__="a", i="2"} 30']);
  await ok('sort_desc(a)', ['{__name__="a", i="2"} 30', '{__name__="a", i="1"} 3']);
  await ok('rate(c_total[2m])', ['{} 1']);
  await ok('max_over_time(sum(a)[2m:1m])', ['{} 33']);
  await ok('absent(nothing{x="1",y=~"2"})', ['{x="1"} 1']);
  await ok('label_replace(a, "j", "<$1>", "i", "(.*)")', [
    '{__name__="a", i="1", j="<1>"} 3',
    '{__name__="a", i="2", j="<2>"} 30',
  ]);
  await ok('count_values("v", b)', ['{v="2"} 1', '{v="5"} 1']);
  await ok('quantile(0.5, a)', ['{} 16.5']);
  await ok('scalar(a{i="1"}) + vector(1)', ['{} 4']);
  await ok('a offset 1m', ['{__name__="a", i="1"} 2', '{__name__="a", i="2"} 20']);
  await ok('a @ 0', ['{__name__="a", i="1"} 1', '{__name__="a", i="2"} 10']);
  await ok('timestamp(a offset 30s)', ['{i="1"} 60', '{i="2"} 60']);
  await ok('a[90s]', ['{__name__="a", i="1"} 2@60 3@120', '{__name__="a", i="2"} 20@60 30@120']);
  await ok('"text"', ['text']);
});

test('series match at each step for itself', async () => {
  assert.deepEqual(await range('turn + on(i) a'), ['{i="1"} 8@0 10@60 12@120']);
  assert.deepEqual(await range('a * on(i) group_left(pod) turn'), [
    '{i="1", pod="x"} 7@0',
    '{i="1", pod="y"} 16@60 27@120',
  ]);
});

test('series that become one by losing a label are merged where they never meet', async () => {
  assert.deepEqual(await range('label_replace(turn, "pod", "", "", "")'), ['{__name__="turn", i="1"} 7@0 8@60 9@120']);
  assert.deepEqual(await range('-{__name__=~"turn"}'), ['{i="1", pod="x"} -7@0', '{i="1", pod="y"} -8@60 -9@120']);
});

test('errors have the texts and kinds of Prometheus', async () => {
  await fails(instant('{__name__=~"a|b"} + 1'), 'execution', 'vector cannot contain metrics with the same labelset');
  await fails(
    instant('rate({__name__=~"a|b"}[5m])'),
    'execution',
    'vector cannot contain metrics with the same labelset',
  );
  await fails(
    instant('sum(rate({__name__=~"a|b"}[5m]))'),
    'execution',
    'vector cannot contain metrics with the same labelset',
  );
  await fails(
    instant('a + on() b'),
    'execution',
    'found duplicate series for the match group {} on the right hand-side of the operation: ' +
      '[{__name__="b", i="1"}, {__name__="b", i="2"}];many-to-many matching not allowed: ' +
      'matching labels must be unique on one side',
  );
  await fails(
    instant('a + on() b{i="1"}'),
    'execution',
    'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
  );
  await fails(
    range('a[5m]'),
    'bad_data',
    'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
  );
  await fails(instant('topk(NaN, a)'), 'execution', 'Parameter value is NaN');
});

test('with delayed name removal, aggregations still see the names', async () => {
  const features = ['promql-delayed-name-removal'];
  assert.deepEqual(await instant('max by (__name__) (rate({__name__=~"c_.*"}[2m]))', 120_000, features), ['{} 1']);
  assert.deepEqual(await instant('count(sum by (__name__) (-{__name__=~"a|b"}))', 120_000, features), ['{} 2']);
});

test('annotations name the place, and each text counts once', async () => {
  const s = store();
  const ok = async (query: string, warnings: readonly string[], infos: readonly string[]): Promise<void> => {
    const result = await s.engine.instant(query, 120_000);
    assert.deepEqual([result.warnings, result.infos], [warnings, infos], query);
  };
  const nonCounter = 'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "a"';
  await ok('rate(c_total[5m])', [], []);
  await ok('rate(a[5m])', [], [`${nonCounter} (1:6)`]);
  await ok('sum(rate(a[5m]))', [], [`${nonCounter} (1:10)`]);
  await ok('rate(a[1s])', [], []);
  await ok('rate(a[5m]) / rate(a[4m])', [], [`${nonCounter} (1:20)`]);
  const quantile = 'PromQL warning: quantile value should be between 0 and 1, got 2';
  await ok('quantile(2, a)', [`${quantile} (1:10)`], []);
  await ok('\n  quantile_over_time(2, a[5m])', [`${quantile} (2:22)`], []);
  await ok('quantile_over_time(2, nothing[5m])', [], []);
  const le = 'PromQL warning: bucket label "le" is missing or has a malformed value of ""';
  await ok('histogram_quantile(0.5, a)', [`${le} for metric name "a" (1:25)`], []);
  await ok('histogram_quantile(0.5, sum(a))', [`${le} (1:25)`], []);
});

test('only the leaves that differ are asked of the shards', async () => {
  const { engine } = store();
  const leaves = async (query: string): Promise<number> => (await engine.instant(query, 120_000)).stats.leaves;
  assert.equal(await leaves('a / a'), 1);
  assert.equal(await leaves('sum(rate(a[5m])) / sum(rate(a[5m]))'), 1);
  assert.equal(await leaves('a / b'), 2);
  assert.equal(await leaves('a / a offset 1m'), 2);
});
