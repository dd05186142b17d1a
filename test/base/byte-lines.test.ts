import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteLines, TidemarkError, utf8, utf8Text } from '../../src/base/index.ts';

test('lines are the same however the bytes are cut into pieces', () => {
  const text = fc.array(fc.string({ unit: fc.constantFrom('a', '\u00e4', ' ', '{'), maxLength: 5 }), { maxLength: 6 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(40), { maxLength: 6 }), (want, cuts) => {
      const bytes = utf8(want.map((line) => `${line}\n`).join(''));
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const lines = new ByteLines(1000);
      const got: string[] = [];
      for (let i = 1; i < places.length; i++)
        for (const line of lines.push(bytes.subarray(places[i - 1], places[i]))) got.push(utf8Text(line));
      assert.deepEqual(got, want);
    }),
  );
});

test('what has no line feed yet is no line, and one that is too long is refused', () => {
  const lines = new ByteLines(4);
  assert.deepEqual([...lines.push(utf8('ab'))], []);
  assert.deepEqual([...lines.push(utf8('cd\n1'))].map(utf8Text), ['abcd']);
  assert.throws(
    () => [...lines.push(utf8('2345'))],
    (error) => error instanceof TidemarkError && error.code === 'body_too_large',
  );
});
