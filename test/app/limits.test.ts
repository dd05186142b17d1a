import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Limits } from '../../src/app/limits.ts';
import { TokenBucket } from '../../src/app/limits-rate.ts';
import { MetricRegistry } from '../../src/base/index.ts';
import { type TidemarkConfig, parseConfig } from '../../src/config/index.ts';
import { fixedClock } from '../api/fake-services.ts';

describe('a token bucket', () => {
  test('gives the burst at once, and the rate from then on', () => {
    const bucket = new TokenBucket(100, 500, 0);
    bucket.take(500);
    assert.equal(bucket.waitMs(0), 10);
    assert.equal(bucket.waitMs(9), 1);
    assert.equal(bucket.waitMs(10), 0);
    let taken = 0;
    for (let ms = 10; ms <= 10_000; ms += 10) {
      if (bucket.waitMs(ms) > 0) continue;
      bucket.take(7);
      taken += 7;
    }
    assert.ok(taken >= 990 && taken <= 1010, `${taken} in ten seconds`);
  });

  test('takes a request larger than the burst, and makes the next one wait for it', () => {
    const bucket = new TokenBucket(10, 5, 0);
    assert.equal(bucket.waitMs(0), 0);
    bucket.take(105);
    assert.equal(bucket.waitMs(0), 10_100);
    assert.equal(bucket.waitMs(10_099), 1);
    assert.equal(bucket.waitMs(10_100), 0);
  });

  test('keeps no more than the burst, gets back what was not stored, and its debt over a change', () => {
    const bucket = new TokenBucket(10, 20, 0);
    bucket.take(30);
    bucket.take(-30);
    bucket.take(20);
    assert.ok(bucket.waitMs(0) > 0);
    bucket.configure(1, 20, 0);
    assert.equal(bucket.waitMs(0), 1000);
    bucket.configure(1, 25, 0);
    assert.equal(bucket.waitMs(0), 0);
    bucket.take(5);
    assert.equal(bucket.waitMs(0), 1000);
    bucket.waitMs(1e9);
    bucket.take(25);
    assert.equal(bucket.waitMs(1e9), 1000);
  });
});

const section = (fields: string): TidemarkConfig => parseConfig(`tidemark: {${fields}}`, { file: 'p' }).tidemark;

describe('limits of tenants', () => {
  const parts = (fields: string) => ({ clock: fixedClock, metrics: new MetricRegistry(), config: section(fields) });

  test('say when series have to be checked again, or counted that were not', () => {
    const counted = (before: string, after: string) => new Limits(parts(before)).apply(section(after));
    const all = 'limits: {active_series_limit: 5}';
    assert.equal(counted('', ''), false);
    assert.equal(counted('', all), true);
    assert.equal(counted(all, all), false);
    assert.equal(counted(all, 'limits: {active_series_limit: 3}'), false);
    assert.equal(counted(all, ''), false);
    assert.equal(counted('', 'tenants: {a: {active_series_limit: 5}}'), true);
    assert.equal(counted(all, `${all}, tenants: {a: {active_series_limit: 5}}`), false);
    assert.equal(counted(`${all}, tenants: {a: {active_series_limit: 0}}`, all), true);
    assert.equal(counted('', 'tenants: {a: {label_limit: 255}}'), true);
    assert.equal(counted('limits: {label_limit: 0}', ''), true);
    assert.equal(counted('', 'limits: {label_limit: 0, sample_rate_limit: 5}'), false);
  });

  test('change with the configuration; what a tenant has used up stays used up', () => {
    const limits = new Limits(parts('limits: {sample_rate_limit: 10}'));
    limits.take('a', 150);
    assert.equal(limits.waitMs('a'), 5100);
    assert.equal(limits.waitMs('b'), 0);
    limits.apply(section('limits: {sample_rate_limit: 100, sample_burst_limit: 100}, tenants: {b: {label_limit: 9}}'));
    assert.equal(limits.waitMs('a'), 510);
    assert.match(limits.rateText('a'), /tenant a is over its limit of 100 samples per second/);
    assert.deepEqual([limits.of('a').labelCountMax, limits.of('b').labelCountMax], [256, 9]);
    limits.apply(section(''));
    assert.equal(limits.waitMs('a'), 0);
  });

  test('0 leaves what the program can take', () => {
    const none = 'label_limit: 0, label_name_length_limit: 0, label_value_length_limit: 0, label_bytes_limit: 0';
    const { labelCountMax, nameBytesMax, valueBytesMax, labelBytesMax, activeSeriesMax } = new Limits(
      parts(`limits: {${none}}`),
    ).of('a');
    assert.deepEqual(
      [labelCountMax, nameBytesMax, valueBytesMax, labelBytesMax, activeSeriesMax],
      [4096, 2 ** 20, 2 ** 20, 2 ** 20, Infinity],
    );
  });

  test('show a bounded number of tenants, those of the configuration always', () => {
    const own = parts('limits: {sample_rate_limit: 1, sample_burst_limit: 1}, tenants: {named: {}}');
    const limits = new Limits(own);
    for (let i = 0; i < 20_000; i++) {
      limits.take(`t${i}`, 2);
      limits.waitMs(`t${i}`);
    }
    limits.take('named', 2);
    limits.waitMs('named');
    const lines = own.metrics
      .render()
      .split('\n')
      .filter((line) => line.startsWith('tidemark_rate_limited_requests_total{'));
    assert.ok(lines.length <= 103, `${lines.length} lines`);
    assert.ok(lines.includes('tidemark_rate_limited_requests_total{tenant="named"} 1'));
    assert.ok(lines.some((line) => /\{tenant="<other>"\} 199\d\d$/.test(line)));
  });
});
