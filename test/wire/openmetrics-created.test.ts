// `_created` lines of OpenMetrics: whose they are, and what is left of the body.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8, utf8Text } from '../../src/base/index.ts';
import { takeCreated } from '../../src/wire/index.ts';

function ok(lines: readonly string[], left: readonly string[], starts: readonly number[] | null): void {
  const taken = takeCreated(utf8(lines.join('\n')));
  assert.equal(utf8Text(taken.text), left.join('\n'));
  assert.deepEqual(taken.starts && [...taken.starts], starts);
}

test('a created line belongs to the sample lines of its metric, wherever in the family it stands', () => {
  const counter = ['# TYPE a counter', 'a_total{x="1"} 5', 'a_total{x="2"} 6'];
  ok([...counter, 'a_created{x="2"} 1700000000.123', '# EOF', ''], [...counter, '# EOF', ''], [0, 1_700_000_000_123]);
  ok(['# TYPE a counter', 'a_created 7', 'a_total 1', '# EOF'], ['# TYPE a counter', 'a_total 1', '# EOF'], [7000]);
});

test('buckets and quantiles have the start of their histogram or summary, whatever the order of labels', () => {
  const lines = [
    '# TYPE h histogram',
    'h_bucket{a="}, b",le="1",z="\\""} 1',
    'h_bucket{le="+Inf",z="\\"",a="}, b"} 2',
    'h_count{a="}, b",z="\\""} 2',
    'h_sum{a="other",z="\\""} 2',
    '# TYPE s summary',
    's{quantile="0.5"} 1',
  ];
  const created = ['h_created{z="\\"",a="}, b"} 2'];
  ok(
    [...lines.slice(0, 5), ...created, ...lines.slice(5), 's_created 3', '# EOF'],
    [...lines, '# EOF'],
    [2000, 2000, 2000, 0, 3000],
  );
});

test('names in quotes are names', () => {
  const lines = ['# TYPE "a.b" counter', '{"a.b_total",x="1"} 5'];
  ok([...lines, '{"a.b_created",x="1"} 4', '# EOF'], [...lines, '# EOF'], [4000]);
});

test('what is no created line of a counter, histogram or summary stays', () => {
  for (const lines of [
    ['# TYPE a_created gauge', 'a_created 5', '# EOF'],
    ['# TYPE a gauge', 'a 1', 'a_created 5', '# EOF'],
    ['# TYPE a counter', 'a_total 1', 'b_created 5', '# EOF'],
    ['# TYPE a counter', 'a_total 1', 'a_created nonsense', '# EOF'],
    ['# TYPE a counter', 'a_total 1', 'a_created{x="} 5', '# EOF'],
    ['# TYPE a counter', 'a_total 1', 'a_created NaN', '# EOF'],
  ]) {
    const starts = takeCreated(utf8(lines.join('\n'))).starts;
    ok(lines, lines, null);
    assert.equal(starts, null);
  }
});

test('a created line of labels that no sample has is taken all the same', () => {
  ok(
    ['# TYPE a counter', 'a_total 1', 'a_created{x="1"} 5', '# EOF'],
    ['# TYPE a counter', 'a_total 1', '# EOF'],
    null,
  );
});
