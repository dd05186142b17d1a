import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Config,
  TENANT_LIMITS_DEFAULT,
  type TenantLimits,
  limitsOf,
  parseConfig,
  printConfig,
} from '../../src/config/index.ts';

const parse = (text: string): Config => parseConfig(text, { file: 'p.yml' });

/** The limits of a tenant, as far as they are not the defaults. */
function ok(text: string, tenant: string, want: Partial<TenantLimits>): void {
  const found = limitsOf(parse(text).tidemark, tenant);
  assert.deepEqual(found, { ...TENANT_LIMITS_DEFAULT, ...want });
}

function bad(text: string, place: string, message: string): void {
  const [line, column] = place.split(':');
  assert.throws(() => parse(text), {
    code: 'bad_config',
    message: `cannot read p.yml: line ${line}, column ${column}: tidemark.${message}`,
  });
}

const named = (fields: string): string => `tidemark:\n  limits: {label_limit: 30}\n  tenants:\n    a: {${fields}}\n`;

test('without the section, and with empty parts of it, all tenants have the defaults', () => {
  for (const text of ['', 'tidemark:', 'tidemark: {}', 'tidemark: {limits: , tenants: }', 'tidemark: {tenants: {a: }}'])
    ok(text, 'a', {});
});

test('a tenant takes what it does not say from the limits of all', () => {
  ok(named('active_series_limit: 5'), 'a', { labelLimit: 30, activeSeriesLimit: 5 });
  ok(named('active_series_limit: 5'), 'b', { labelLimit: 30 });
  ok(named('label_limit: 0'), 'a', { labelLimit: 0 });
  ok(named('label_limit: null'), 'a', { labelLimit: 30 });
  ok(named('label_name_length_limit: 8, label_value_length_limit: 9, label_bytes_limit: 10'), 'a', {
    ...{ labelLimit: 30, labelNameLengthLimit: 8, labelValueLengthLimit: 9, labelBytesLimit: 10 },
  });
  ok(named(''), 'toString', { labelLimit: 30 });
  ok('tidemark: {tenants: {__proto__: {label_limit: 3}}}', '__proto__', { labelLimit: 3 });
});

test('a burst belongs to the rate beside it; one that is not given is ten seconds of the rate', () => {
  const all = (fields: string, own: string) => `tidemark: {limits: {${fields}}, tenants: {a: {${own}}}}`;
  const ofA = (sampleRateLimit: number, sampleBurstLimit: number) => ({ sampleRateLimit, sampleBurstLimit });
  ok(all('sample_rate_limit: 100', ''), 'a', ofA(100, 1000));
  ok(all('sample_rate_limit: 100, sample_burst_limit: 7', ''), 'a', ofA(100, 7));
  ok(all('sample_rate_limit: 100, sample_burst_limit: 7', 'sample_rate_limit: 200'), 'a', ofA(200, 2000));
  ok(all('sample_rate_limit: 100', 'sample_burst_limit: 9'), 'a', ofA(100, 9));
  ok(all('sample_rate_limit: 100', 'sample_rate_limit: 0'), 'a', ofA(0, 0));
});

test('mistakes are named with their place', () => {
  bad(named('label_limit: x'), '4:22', 'tenants.a.label_limit: want a whole number that is not negative; got "x"');
  bad(
    named('label_limit: "3"'),
    '4:22',
    'tenants.a.label_limit: want a whole number that is not negative; got the text "3"',
  );
  bad(named('label_limit: -1'), '4:22', 'tenants.a.label_limit: want a whole number that is not negative; got "-1"');
  bad(named('label_limit: 4097'), '4:22', 'tenants.a.label_limit: want a whole number of at most 4096; got 4097');
  bad(
    named('label_bytes_limit: 1048577'),
    '4:28',
    'tenants.a.label_bytes_limit: want a whole number of at most 1048576; got 1048577',
  );
  bad(named('series: 1'), '4:9', 'tenants.a.series: unknown field');
  bad(named('label_limit: 1, label_limit: 2'), '4:25', 'tenants.a.label_limit: duplicate key');
  bad('tidemark: {limit: {}}', '1:12', 'limit: unknown field');
  bad('tidemark: {tenants: {a: [1]}}', '1:25', 'tenants.a: want a mapping; got a list');
  const noRate = "'sample_burst_limit' has no effect without 'sample_rate_limit'";
  bad(named('sample_burst_limit: 5'), '4:29', `tenants.a.sample_burst_limit: ${noRate}`);
  bad('tidemark: {limits: {sample_burst_limit: 5}}', '1:41', `limits.sample_burst_limit: ${noRate}`);
  bad('tidemark: {tenants: {a/b: {}}}', '1:27', 'tenants.a/b: tenant ID "a/b" contains unsupported character "/"');
  bad('tidemark: {tenants: {"": {}}}', '1:26', 'tenants.: tenant ID is empty');
  bad('tidemark: {tenants: {..: {}}}', '1:26', 'tenants...: tenant ID ".." is not allowed');
});

test('the section is printed as it was written, and reads back', () => {
  const text = 'tidemark:\n  limits:\n    label_limit: 30\n  tenants:\n    a:\n      active_series_limit: 0\n';
  const printed = printConfig(parse(text));
  assert.ok(printed.endsWith(text), printed);
  assert.deepEqual(parse(printed).tidemark, parse(text).tidemark);
  assert.ok(!printConfig(parse('')).includes('tidemark'));
});
