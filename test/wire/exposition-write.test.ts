import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newHistogram } from '../../src/model/index.ts';
import { escapeName } from '../../src/wire/exposition-names.ts';
import { type FamilySample, encodeFamily, textFamilyHead, textSample } from '../../src/wire/exposition-write.ts';
import { parseExpositionTwin } from '../../src/wire/index.ts';

const sample = (value: number, labels: Record<string, string> = {}): FamilySample => ({
  labels: Object.entries(labels),
  timestampMs: 1_700_000_000_000,
  value,
  histogram: null,
});

function ok(text: string, want: string): void {
  assert.equal(text, want);
}

test('a sample is a line that a scraper reads', () => {
  ok(textFamilyHead('up', 'underscores'), '# TYPE up untyped\n');
  ok(textSample('up', sample(1), 'underscores'), 'up 1 1700000000000\n');
  ok(
    textSample('up', sample(1e6, { job: 'a"b\\c\nd', instance: '' }), 'underscores'),
    'up{job="a\\"b\\\\c\\nd",instance=""} 1e+06 1700000000000\n',
  );
  ok(textSample('up', sample(-0), 'underscores'), 'up 0 1700000000000\n');
  ok(textSample('up', sample(Number.NaN), 'underscores'), 'up NaN 1700000000000\n');
  ok(textSample('up', sample(-Infinity), 'underscores'), 'up -Inf 1700000000000\n');
  ok(textSample('a.b', sample(2, { 'x.y': 'z' }), 'allow-utf-8'), '{"a.b","x.y"="z"} 2 1700000000000\n');
  ok(textSample('a.b', sample(2, { 'x.y': 'z' }), 'underscores'), 'a_b{x_y="z"} 2 1700000000000\n');
  ok(textFamilyHead('a.b', 'allow-utf-8'), '# TYPE "a.b" untyped\n');
  const { samples } = parseExpositionTwin(Buffer.from(textSample('a.b', sample(2, { c: 'd' }), 'allow-utf-8')), 'text');
  assert.equal(samples.length, 1);
});

test('names are escaped as each scheme says', () => {
  ok(escapeName('a.b_c', 'underscores'), 'a_b_c');
  ok(escapeName('a.b_c', 'dots'), 'a_dot_b__c');
  ok(escapeName('a.b_c-ü', 'values'), 'U__a_2e_b__c_2d__fc_');
  ok(escapeName('1a', 'underscores'), '_a');
  ok(escapeName('plain_name', 'values'), 'plain_name');
});

test('families are delimited messages', () => {
  const bytes = encodeFamily('up', [sample(1, { a: 'b' })], 'allow-utf-8');
  assert.equal(bytes[0], bytes.length - 1);
  const hex = Buffer.from(bytes).toString('hex');
  ok(hex, '220a0275701803221a0a060a01611201622a0909000000000000f03f3080d095ffbc31');
  const gauge = newHistogram({ count: 1, sum: 1, resetHint: 'gauge' });
  const family = Buffer.from(encodeFamily('h', [{ ...sample(0), histogram: gauge }], 'allow-utf-8'));
  assert.ok(family.includes(Buffer.from('1805', 'hex')), 'a gauge histogram is type 5');
});
