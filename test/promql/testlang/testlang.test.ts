import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels } from '../../../src/model/index.ts';
import { almostEqual } from './compare.ts';
import { type QueryResult, type TestEngine, runScript } from './runner.ts';
import { parseScript } from './script.ts';
import { parseSequence, parseSeriesLine } from '../../../src/promql/testlang/sequence.ts';
import { parseStartTimestamps } from './start-timestamps.ts';

test('sequences expand as the language says', () => {
  const ok = (items: string, want: unknown[]) => assert.deepEqual(parseSequence(items), want);
  ok('1 2.5 -3', [1, 2.5, -3]);
  ok('1x2', [1, 1, 1]);
  ok('1+2x3', [1, 3, 5, 7]);
  ok('1-1x2', [1, 0, -1]);
  ok('-1+1e1x1', [-1, 9]);
  ok('_ 1 _x2 stale', [null, 1, null, null, 'stale']);
  ok('NaN Inf -Inf', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  ok('', []);
  for (const items of ['x', '1x', '1+2', 'stale1', '{{', '{{a:1}}', '1x99999999']) {
    assert.throws(() => parseSequence(items), Error, items);
  }
});

test('histogram literals are plain data, and sequences of them add up', () => {
  const [first, second] = parseSequence(
    '{{schema:1 sum:5 count:4 buckets:[1 2] offset:-1}}+{{schema:1 sum:1 count:1 buckets:[1]}}x1',
  );
  assert.ok(typeof first === 'object' && first !== null && typeof second === 'object' && second !== null);
  assert.deepEqual(first.positive, { offset: -1, counts: [1, 2] });
  assert.deepEqual([second.sum, second.count, second.positive], [6, 5, { offset: -1, counts: [1, 3] }]);
});

test('series lines hold any legal label set', () => {
  const line = parseSeriesLine('a{b="x } y",c=\'z\', "d.e"="f"} 1 2');
  assert.deepEqual(line.labels.toObject(), { __name__: 'a', b: 'x } y', c: 'z', 'd.e': 'f' });
  assert.equal(line.items, '1 2');
  assert.equal(parseSeriesLine('{} 1').labels.size, 0);
  assert.ok(parseSeriesLine('a{}@st 5s').isStartTimestamps);
  assert.throws(() => parseSeriesLine('a{b!="c"} 1'));
});

test('start timestamps are relative to their samples', () => {
  assert.deepEqual(parseStartTimestamps('_ -5s 1mx1 1s+1sx2 _x2'), [
    ...[null, -5000, 60_000, 60_000],
    ...[1000, 2000, 3000, null, null],
  ]);
});

test('a comment ends a block, commands are found in any case', () => {
  const script = parseScript(
    'LOAD 1m\n a 1\n# comment\nclear\neval_warn instant at 1m a\n {} 1\n\neval range from 0 to 1m step 1m a\n',
  );
  assert.deepEqual(script.map(({ kind, line }) => [kind, line]).slice(0, 2), [
    ['load', 1],
    ['clear', 4],
  ]);
  assert.throws(() => parseScript('eval nonsense'), /line 1/);
});

test('floats are compared by relative error, zero exactly', () => {
  assert.ok(almostEqual(1, 1 + 1e-7) && almostEqual(Number.NaN, Number.NaN) && almostEqual(0, -0));
  assert.ok(!almostEqual(1, 1.0001) && !almostEqual(0, 1e-300) && !almostEqual(Number.NaN, 1));
  assert.ok(!almostEqual(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY));
});

const none = { warnings: [], infos: [] };
const series = (value: number, timeMs: number) => [{ labels: Labels.from({ a: 'b' }), points: [{ timeMs, value }] }];

/** Answers 1 at every time, with an info of its own. */
function fake(overrides: Partial<TestEngine> = {}): TestEngine {
  const infos = ['PromQL info: note (1:1)'];
  return {
    load: () => {},
    instant: (_, timeMs): QueryResult => ({ ...none, infos, type: 'vector', series: series(1, timeMs) }),
    range: (_, startMs): QueryResult => ({ ...none, infos, type: 'matrix', series: series(1, startMs + 60_000) }),
    ...overrides,
  };
}

async function failures(script: string, overrides: Partial<TestEngine> = {}): Promise<readonly string[]> {
  const outcomes = await runScript(script, () => fake(overrides));
  return outcomes.flatMap((outcome) => outcome.failures);
}

test('an eval that holds has no failures', async () => {
  assert.deepEqual(await failures('eval instant at 1m x\n  expect info msg: PromQL info: note (1:1)\n  {a="b"} 1'), []);
});

test('wrong values, missing, surplus series and annotations are told', async () => {
  const told = async (body: string, want: RegExp) =>
    assert.match((await failures(`eval instant at 1m x\n${body}`))[0], want);
  await told('{a="b"} 2', /expected 2, got 1/);
  await told('{a="b"} 1\n{a="c"} 1', /missing {a="c"}/);
  await told('', /unexpected {a="b"} 1/);
  await told('expect warn\n{a="b"} 1', /missing warning any/);
  await told('expect no_info\n{a="b"} 1', /unexpected info/);
  await told('expect info regex: other\n{a="b"} 1', /missing info regex: other/);
  await told('expect fail\n', /did not fail/);
  await told('1', /expected a scalar/);
});

test('an instant eval runs again as the middle step of a range query', async () => {
  const range = (_: string, startMs: number): QueryResult => ({
    ...none,
    type: 'matrix',
    series: series(2, startMs + 60_000),
  });
  assert.match(
    (await failures('eval instant at 1m x\n{a="b"} 1', { range }))[0],
    /as range query: .*expected 1, got 2/,
  );
  assert.deepEqual(await failures('eval instant at 1m x + step()\n{a="b"} 1', { range }), []);
});

test('the error of a query is compared where a failure is expected', async () => {
  const instant = () => {
    throw new Error('no luck today');
  };
  assert.deepEqual(await failures('eval instant at 1m x\nexpect fail msg: no luck today', { instant }), []);
  assert.deepEqual(await failures('eval instant at 1m x\nexpect fail regex: luck', { instant }), []);
  assert.equal((await failures('eval instant at 1m x\nexpect fail msg: no luck', { instant })).length, 1);
  assert.equal((await failures('eval instant at 1m x\n{a="b"} 1', { instant })).length, 1);
});
