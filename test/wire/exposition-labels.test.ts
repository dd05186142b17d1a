import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMetricsFloat, parseSeriesText } from '../../src/wire/exposition-labels.ts';
import { type MetricType, parseFloatText } from '../../src/wire/exposition-scan.ts';

function ok(input: string, want: Record<string, string>, type: MetricType = 'unknown'): void {
  assert.deepEqual(Object.fromEntries(parseSeriesText(new TextEncoder().encode(input), type)), want);
}

test('series texts become labels', () => {
  ok('a', { __name__: 'a' });
  ok('a {}', { __name__: 'a' });
  ok('a{ b = "c" , "d.e"="", }', { __name__: 'a', b: 'c', 'd.e': '' });
  ok('{"a\\"b",c="d"}', { __name__: 'a"b', c: 'd' });
  ok('{c="d" , "a.b"}', { __name__: 'a.b', c: 'd' });
  ok('a{b="\\\\n\\n\\"\\x"}', { __name__: 'a', b: '\\n\n"\\x' });
  ok('a{b="}",c="\uFEFFü,=\\\\"}', { __name__: 'a', b: '}', c: '\uFEFFü,=\\' });
});

test('bounds of buckets and quantiles become floats as OpenMetrics writes them', () => {
  ok('a_bucket{le="1"}', { __name__: 'a_bucket', le: '1.0' }, 'histogram');
  ok('a_bucket{le="1"}', { __name__: 'a_bucket', le: '1' }, 'gauge');
  ok('a_bucket{le="+Inf"}', { __name__: 'a_bucket', le: '+Inf' }, 'histogram');
  ok('a_bucket{le="x"}', { __name__: 'a_bucket', le: 'x' }, 'histogram');
  ok('a{quantile="0.50"}', { __name__: 'a', quantile: '0.5' }, 'summary');
  const floats = { '1': '1.0', '-1': '-1.0', '0': '0.0', '10': '10.0', '100000': '100000.0', '1000000': '1e+06' };
  for (const [text, want] of Object.entries({
    ...floats,
    '0.0001': '0.0001',
    '0.00001': '1e-05',
    '1234567': '1.234567e+06',
    '1e100': '1e+100',
  })) {
    assert.equal(openMetricsFloat(Number(text)), want);
  }
});

test('a label that is there twice is refused', () => {
  const parse = (text: string) => () => parseSeriesText(new TextEncoder().encode(text), 'unknown');
  assert.throws(parse('a{b="1",b="2"}'), { message: 'label name "b" is not unique: invalid sample' });
  assert.throws(parse('a{__name__="b"}'), { message: 'label name "__name__" is not unique: invalid sample' });
});

test('floats are read as Go reads them', () => {
  for (const text of ['1', '.5', '5.', '+1e5', '-0', '1E-3']) assert.equal(parseFloatText(text), Number(text));
  for (const text of ['inf', '+Inf', 'INFINITY']) assert.equal(parseFloatText(text), Infinity);
  for (const text of ['', '.', 'e5', '1e', '0x10', '+nan', '1 ', 'infi', 'Ⅷ'])
    assert.equal(typeof parseFloatText(text), 'string', text);
});
