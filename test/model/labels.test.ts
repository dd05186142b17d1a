import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  Labels,
  compareLabels,
  compareUtf8,
  goQuote,
  isValidLabelName,
  isValidMetricName,
} from '../../src/model/index.ts';

test('labels are sorted by name, without empty values, the last of a name counts', () => {
  assert.deepEqual(Labels.from({ b: '2', a: '1', c: '' }).pairs, ['a', '1', 'b', '2']);
  assert.deepEqual(
    Labels.from([
      ['a', '1'],
      ['a', '2'],
    ]).pairs,
    ['a', '2'],
  );
  assert.equal(Labels.from({ a: '' }), Labels.empty);
});

test('an absent label reads as empty', () => {
  const labels = Labels.from({ a: '1' });
  assert.equal(labels.get('a'), '1');
  assert.equal(labels.get('b'), '');
  assert.equal(labels.has('b'), false);
  assert.equal(labels.size, 1);
});

test('with, without and only make new label sets', () => {
  const labels = Labels.from({ a: '1', b: '2', c: '3' });
  assert.equal(labels.with('b', 'x').toString(), '{a="1", b="x", c="3"}');
  assert.equal(labels.with('b', '').toString(), '{a="1", c="3"}');
  assert.equal(labels.without(new Set(['a', 'zz'])).toString(), '{b="2", c="3"}');
  assert.equal(labels.without(new Set(['zz'])), labels);
  assert.equal(labels.only(new Set(['a'])).toString(), '{a="1"}');
});

test('names that are no identifiers are quoted when printed', () => {
  assert.equal(Labels.from({ 'a.b': 'x"y', c: 'line\nbreak' }).toString(), '{"a.b"="x\\"y", c="line\\nbreak"}');
});

test('equal label sets and only those share a key', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 3 });
  const record = fc.dictionary(
    text.filter((s) => s !== ''),
    text,
    { maxKeys: 3 },
  );
  const property = fc.property(record, record, (a, b) => {
    const left = Labels.from(a);
    const right = Labels.from(b);
    assert.equal(left.key === right.key, compareLabels(left, right) === 0);
  });
  fc.assert(property, { numRuns: 300, seed: 7 });
});

test('compareUtf8 orders as the bytes of UTF-8 do', () => {
  const property = fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
    assert.equal(Math.sign(compareUtf8(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
  });
  fc.assert(property, { numRuns: 500, seed: 3 });
  assert.equal(compareUtf8('\u{10000}', '\uffff'), 1);
});

test('label sets sort name by name, value by value, the shorter first', () => {
  const order = [{}, { a: '1' }, { a: '1', b: '1' }, { a: '2' }, { b: '0' }].map((r) => Labels.from(Object.entries(r)));
  const shuffled = [order[3], order[1], order[4], order[0], order[2]];
  assert.deepEqual(shuffled.sort(compareLabels), order);
});

test('names are checked by scheme', () => {
  for (const name of ['a', '_x', 'job1']) assert.ok(isValidLabelName(name, 'legacy') && isValidLabelName(name), name);
  for (const name of ['a.b', '1a', 'ü', 'a:b']) {
    assert.ok(isValidLabelName(name), name);
    assert.equal(isValidLabelName(name, 'legacy'), false, name);
  }
  for (const name of ['', '\ud800']) assert.equal(isValidLabelName(name), false);
  assert.ok(isValidMetricName('a:b', 'legacy'));
  assert.equal(isValidMetricName('a-b', 'legacy'), false);
  assert.ok(isValidMetricName('a-b'));
});

test('texts are quoted as Go quotes them', () => {
  assert.equal(goQuote('a"b\\c\n\t\x01\x7f'), '"a\\"b\\\\c\\n\\t\\x01\\x7f"');
  assert.equal(goQuote('測試 ü'), '"測試 ü"');
  assert.equal(goQuote('\u200b\u{e0001}'), '"\\u200b\\U000e0001"');
});
