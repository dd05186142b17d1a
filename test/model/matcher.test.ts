import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type MatchOperator,
  compileRegex,
  literalAlternatives,
  matcherTest,
  matchesEmpty,
} from '../../src/model/index.ts';

function ok(op: MatchOperator, value: string, yes: string[], no: string[]): void {
  const matches = matcherTest({ name: 'x', op, value });
  for (const text of yes) assert.ok(matches(text), `${op}${value} on ${JSON.stringify(text)}`);
  for (const text of no) assert.ok(!matches(text), `${op}${value} on ${JSON.stringify(text)}`);
}

test('equality matchers compare whole texts', () => {
  ok('=', 'a', ['a'], ['', 'ab', 'A']);
  ok('=', '', [''], ['a']);
  ok('!=', 'a', ['', 'b'], ['a']);
});

test('regular expressions are anchored and their dot takes newlines', () => {
  ok('=~', 'a.*', ['a', 'abc', 'a\nb'], ['', 'ba']);
  ok('=~', 'a|b', ['a', 'b'], ['ab', '']);
  ok('=~', 'a|b.', ['a', 'bx'], ['b', 'axb']);
  ok('=~', '', [''], ['a']);
  ok('=~', 'a|', ['a', ''], ['b']);
  ok('=~', '.*', ['', 'a', '\n'], []);
  ok('=~', '.+', ['a', '\n'], ['']);
  ok('=~', '(?i)abc', ['ABC', 'abc'], ['abcd']);
  ok('=~', '^a$', ['a'], ['b']);
  ok('=~', '[^\\d]+', ['x', 'ü'], ['1', 'x1']);
  ok('!~', 'a.*', ['', 'ba'], ['a', 'abc']);
});

test('alternatives of plain texts are found', () => {
  assert.deepEqual(literalAlternatives('a|b|'), ['a', 'b', '']);
  assert.deepEqual(literalAlternatives('a-b'), ['a-b']);
  assert.equal(literalAlternatives('a|b.'), null);
});

test('a malformed expression is refused in the words of Go', () => {
  assert.throws(() => compileRegex('a('), { code: 'bad_data', message: /error parsing regexp: missing closing \)/ });
  assert.throws(() => compileRegex('a**'), { code: 'bad_data', message: /invalid nested repetition operator/ });
  assert.throws(() => compileRegex('(?=a)'), { code: 'bad_data', message: /invalid/ });
});

test('matchers tell whether they are satisfied without the label', () => {
  assert.ok(matchesEmpty({ name: 'x', op: '=', value: '' }));
  assert.ok(matchesEmpty({ name: 'x', op: '!~', value: '.+' }));
  assert.ok(!matchesEmpty({ name: 'x', op: '=~', value: '.+' }));
  assert.ok(matchesEmpty({ name: 'x', op: '!=', value: 'a' }));
});
