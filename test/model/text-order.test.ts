// Lists of texts in the order of their UTF-8 bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareUtf8, mergeTexts, sortTexts } from '../../src/model/index.ts';

const text = fc.string({ unit: 'binary', maxLength: 3 });

test('texts are sorted by their bytes, whatever is in them', () => {
  assert.deepEqual(sortTexts(['b', 'a', 'ab', '']), ['', 'a', 'ab', 'b']);
  assert.deepEqual(sortTexts(['\u{1f600}', '\uffff']), ['\uffff', '\u{1f600}']);
  const bytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  fc.assert(fc.property(fc.array(text), (texts) => assert.deepEqual(sortTexts([...texts]), [...texts].sort(bytes))));
});

test('merged lists have every text once, in order', () => {
  assert.deepEqual(mergeTexts([]), []);
  assert.deepEqual(mergeTexts([['a'], []]), ['a']);
  const lists = fc.array(
    fc.uniqueArray(text).map((list) => list.sort(compareUtf8)),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(lists, (some) => assert.deepEqual(mergeTexts(some), [...new Set(some.flat())].sort(compareUtf8))),
  );
});
