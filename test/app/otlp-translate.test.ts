import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelName, metricName } from '../../src/app/otlp-names.ts';
import { type OtlpTranslation, translateOtlp } from '../../src/app/otlp-translate.ts';
import { type OtlpConfig, parseConfig } from '../../src/config/index.ts';
import { decodeOtlpJson, type OtlpMetric } from '../../src/wire/index.ts';

const CONFIG = parseConfig('', { file: 'x' }).otlp;
const TIME = '1700000000123000000';

function translated(
  metrics: object[],
  config: Partial<OtlpConfig> = {},
  attributes: object[] = [],
  acceptsDeltas = false,
) {
  const request = {
    resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ scope: { name: 'lib' }, metrics }] }],
  };
  const resources = decodeOtlpJson(Buffer.from(JSON.stringify(request)));
  return translateOtlp(resources, {
    config: { ...CONFIG, ...config },
    acceptsDeltas,
    storesStarts: true,
    lookbackMs: 300_000,
  });
}

/** Series as `name{labels} value@time`. */
const shown = ({ series }: OtlpTranslation): string[] =>
  series.flatMap(({ labels, samples }) => {
    const name = labels.find(([label]) => label === '__name__')?.[1];
    const others = labels.filter(([label]) => label !== '__name__').map(([label, value]) => `${label}=${value}`);
    return samples.map(
      ({ value, timestampMs, stale }) => `${name}{${others}} ${stale ? 'stale' : value}@${timestampMs}`,
    );
  });

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const point = (value: number, attributes: object[] = []) => ({ timeUnixNano: TIME, asDouble: value, attributes });
const metric = (name: string, unit: string, data: OtlpMetric['data']): OtlpMetric => ({
  name,
  unit,
  description: '',
  data,
});
const gauge = { kind: 'gauge', points: [] } as const;
const counter = { kind: 'sum', points: [], temporality: 'cumulative', isMonotonic: true } as const;

test('metric names are translated by each strategy', () => {
  const ok = (strategy: OtlpConfig['translationStrategy'], one: OtlpMetric, want: string) =>
    assert.equal(metricName(one, strategy), want);
  const suffixes = 'UnderscoreEscapingWithSuffixes';
  ok(suffixes, metric('http.server.duration', 's', gauge), 'http_server_duration_seconds');
  ok(suffixes, metric('http.server.duration.seconds', 's', gauge), 'http_server_duration_seconds');
  ok(suffixes, metric('requests.total', '', counter), 'requests_total');
  ok(suffixes, metric('total_requests', '{request}', counter), 'requests_total');
  ok(suffixes, metric('system.cpu.utilization', '1', gauge), 'system_cpu_utilization_ratio');
  ok(suffixes, metric('net.io', 'By/s', gauge), 'net_io_bytes_per_second');
  ok(suffixes, metric('speed', 'km/h', gauge), 'speed_km_per_hour');
  ok(suffixes, metric('1st', '', gauge), '_1st');
  ok(suffixes, metric('a__b', '%', gauge), 'a_b_percent');
  ok('UnderscoreEscapingWithoutSuffixes', metric('a.b__c', 's', counter), 'a_b__c');
  ok('NoUTF8EscapingWithSuffixes', metric('a.b', 'By/s', counter), 'a.b_bytes_per_second_total');
  ok('NoUTF8EscapingWithSuffixes', metric('a.b_total', '', counter), 'a.b_total');
  ok('NoTranslation', metric('a.b', 's', counter), 'a.b');
});

test('label names are translated', () => {
  const ok = (name: string, want: string, naming: Partial<OtlpConfig> = {}) =>
    assert.equal(labelName(name, { ...CONFIG, ...naming }), want);
  ok('http.method', 'http_method');
  ok('_private', 'key_private');
  ok('__double', '__double');
  ok('1st', 'key_1st');
  ok('a..b', 'a__b');
  ok('a..b', 'a_b', { labelNamePreserveMultipleUnderscores: false });
  ok('_private', '_private', { labelNameUnderscoreSanitization: false });
  ok('http.method', 'http.method', { translationStrategy: 'NoTranslation' });
});

test('numbers become one series, with job, instance and promoted attributes', () => {
  const resource = [
    text('service.name', 'shop'),
    text('service.namespace', 'eu'),
    text('service.instance.id', 'i1'),
    text('host.name', 'h'),
  ];
  const metrics = [{ name: 'load', gauge: { dataPoints: [point(1.5, [text('b.c', 'x'), text('b_c', 'y')])] } }];
  const translation = translated(metrics, { promoteResourceAttributes: ['host.name'] }, resource);
  assert.deepEqual(shown(translation), [
    'load{b_c=x;y,host_name=h,instance=i1,job=eu/shop} 1.5@1700000000123',
    'target_info{host_name=h,instance=i1,job=eu/shop} 1@1700000000123',
  ]);
  assert.deepEqual(translation.metadata[0], { name: 'load', type: 2, help: '', unit: '' });
});

test('histograms become buckets, summaries quantiles', () => {
  const dataPoints = [
    { timeUnixNano: TIME, count: '6', sum: 9, bucketCounts: ['1', '2', '3'], explicitBounds: [0.5, 10] },
  ];
  const histogram = { name: 'h', histogram: { aggregationTemporality: 2, dataPoints } };
  assert.deepEqual(shown(translated([histogram])), [
    'h_sum{} 9@1700000000123',
    'h_count{} 6@1700000000123',
    'h_bucket{le=0.5} 1@1700000000123',
    'h_bucket{le=10} 3@1700000000123',
    'h_bucket{le=+Inf} 6@1700000000123',
  ]);
  const values = [{ quantile: 0.5, value: 3 }];
  const summary = {
    name: 's',
    summary: { dataPoints: [{ timeUnixNano: TIME, count: 2, sum: 4, quantileValues: values, flags: 1 }] },
  };
  assert.deepEqual(shown(translated([summary])), [
    's_sum{} stale@1700000000123',
    's_count{} stale@1700000000123',
    's{quantile=0.5} stale@1700000000123',
  ]);
});

test('exponential histograms become native ones, of scale 8 at most', () => {
  const positive = { offset: -3, bucketCounts: ['1', '2', '0', '4'] };
  const dataPoints = [{ timeUnixNano: TIME, count: 8, sum: 9, scale: 9, zeroCount: 1, positive }];
  const { series } = translated([{ name: 'e', exponentialHistogram: { aggregationTemporality: 2, dataPoints } }]);
  const { histogram } = (series[0].histograms ?? [])[0];
  assert.deepEqual([histogram.schema, histogram.zeroCount, histogram.zeroThreshold], [8, 1, 1e-128]);
  // Buckets -3, -2, 0 of scale 9 end at base^-2, base^-1, base^1: with the base squared at powers -1, 0 and 1.
  assert.deepEqual(
    [[...histogram.positive.indexes], [...histogram.positive.counts]],
    [
      [-1, 0, 1],
      [1, 2, 4],
    ],
  );
});

test('deltas are rejected unless they are to be stored as they come', () => {
  const sum = { name: 'd', sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point(1), point(2)] } };
  const { series, rejectedPoints, reason } = translated([sum]);
  assert.deepEqual([series.length, rejectedPoints], [0, 2]);
  assert.match(reason, /invalid temporality and type combination: delta sum/);
  assert.equal(translated([sum], {}, [], true).series.length, 2);
});
