import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricRegistry } from '../../src/base/index.ts';

test('metrics are rendered sorted, with help and type, in text format 0.0.4', () => {
  const registry = new MetricRegistry();
  registry.counter('b_total', 'Second.', { zone: 'x', code: '200' }).add(3);
  registry.counter('b_total', 'Second.', { zone: 'a', code: '500' }).inc();
  registry.gauge('a_bytes', 'First\nline \\ slash.').set(1.5);
  assert.equal(
    registry.render(),
    [
      '# HELP a_bytes First\\nline \\\\ slash.',
      '# TYPE a_bytes gauge',
      'a_bytes 1.5',
      '# HELP b_total Second.',
      '# TYPE b_total counter',
      'b_total{code="200",zone="x"} 3',
      'b_total{code="500",zone="a"} 1',
      '',
    ].join('\n'),
  );
});

test('a metric asked for twice is the same metric', () => {
  const registry = new MetricRegistry();
  const one = registry.counter('c_total', 'C.', { a: '1', b: '2' });
  assert.equal(registry.counter('c_total', 'C.', { b: '2', a: '1' }), one);
  assert.notEqual(registry.counter('c_total', 'C.'), one);
});

test('histogram buckets are cumulative and their bounds inclusive', () => {
  const registry = new MetricRegistry();
  const histogram = registry.histogram('h_seconds', 'H.', [0.1, 1], { handler: '/x' });
  for (const value of [0.1, 0.5, 1, 7]) histogram.observe(value);
  assert.deepEqual(registry.render().split('\n').slice(2, 7), [
    'h_seconds_bucket{handler="/x",le="0.1"} 1',
    'h_seconds_bucket{handler="/x",le="1"} 3',
    'h_seconds_bucket{handler="/x",le="+Inf"} 4',
    'h_seconds_sum{handler="/x"} 8.6',
    'h_seconds_count{handler="/x"} 4',
  ]);
});

test('observed values and refreshed gauges are read when metrics are collected', async () => {
  const registry = new MetricRegistry();
  let value = 1;
  const gauge = registry.gauge('g', 'G.');
  registry.observed('gauge', 'o', 'O.', () => value);
  registry.beforeRender(() => gauge.set(value * 10));
  value = -Infinity;
  assert.match(await registry.collect(), /\ng -Inf\n[\s\S]*\no -Inf\n/);
});

test('label values are escaped', () => {
  const registry = new MetricRegistry();
  registry.gauge('g', '', { a: 'q"b\\c\nd' }).set(NaN);
  assert.equal(registry.render(), '# TYPE g gauge\ng{a="q\\"b\\\\c\\nd"} NaN\n');
});

test('one name cannot be two kinds, and names must be well formed', () => {
  const registry = new MetricRegistry();
  registry.gauge('g', 'G.');
  assert.throws(() => registry.counter('g', 'G.'), /registered as two kinds/);
  assert.throws(() => registry.counter('1g', 'G.'), /malformed name/);
  assert.throws(() => registry.counter('x', 'G.', { 'a-b': '' }), /malformed label name/);
});
