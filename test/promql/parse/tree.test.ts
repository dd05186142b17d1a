import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Expr } from '../../../src/promql/ast.ts';
import {
  ALL_PARSER_FEATURES,
  FUNCTIONS,
  ParseError,
  QUERY_CHARACTERS_MAX,
  formatDuration,
  parseDuration,
  parseExpr,
  parseSelector,
  prettyPrint,
  printExpr,
  typeOf,
} from '../../../src/promql/parse/index.ts';
import { parseAll } from './support.ts';

/** The tree with every operator in brackets. */
function shape(expr: Expr): string {
  if (expr.type === 'binary') return `(${shape(expr.left)} ${expr.op} ${shape(expr.right)})`;
  if (expr.type === 'unary') return `(${expr.op}${shape(expr.expr)})`;
  if (expr.type === 'subquery') return `(${shape(expr.expr)}[:])`;
  return printExpr(expr);
}

function shaped(query: string, want: string): void {
  test(`binds ${query} as ${want}`, () => assert.equal(shape(parseAll(query)), want));
}

shaped('a + b * c ^ d', '(a + (b * (c ^ d)))');
shaped('a ^ b ^ c', '(a ^ (b ^ c))');
shaped('a - b - c', '((a - b) - c)');
shaped('a * b / c % d atan2 e', '((((a * b) / c) % d) atan2 e)');
shaped('a or b and c unless d', '(a or ((b and c) unless d))');
shaped('a == b > c', '((a == b) > c)');
shaped('a + b == c - d', '((a + b) == (c - d))');
shaped('-a ^ b', '(-(a ^ b))');
shaped('-a * b', '((-a) * b)');
shaped('a ^ -b * c', '((a ^ (-b)) * c)');
shaped('-1 ^ 2', '(-(1 ^ 2))');
shaped('a + b offset 5m', '(a + b offset 5m)');
shaped('a + b offset 5m * c', '(a + (b offset 5m * c))');
shaped('a </ b + c', '(a </ (b + c))');
shaped('a offset 100 + 2', '(a offset 1m40s + 2)');
shaped('a offset -2 ^ 2', '(a offset -2s ^ 2)');

test('positions are UTF-8 byte offsets of the source', () => {
  const expr = parseAll('{l="ä😀"} + sum by (x) (rate(b[5m] offset 1m))');
  assert.equal(expr.type, 'binary');
  assert.deepEqual(expr.pos, { start: 0, end: 49 });
  if (expr.type !== 'binary' || expr.right.type !== 'aggregate' || expr.right.expr.type !== 'call') return;
  assert.deepEqual(expr.left.pos, { start: 0, end: 12 });
  assert.deepEqual(expr.right.pos, { start: 15, end: 49 });
  assert.deepEqual(expr.right.expr.pos, { start: 27, end: 48 });
  assert.deepEqual(expr.right.expr.args[0].pos, { start: 32, end: 47 });
});

test('a trailing grouping belongs to the position of the aggregation', () => {
  const expr = parseAll('sum(a) by (b) + 1');
  assert.ok(expr.type === 'binary');
  assert.deepEqual(expr.left.pos, { start: 0, end: 13 });
});

test('a signed number is one literal that starts at its sign', () => {
  assert.deepEqual(parseAll(' -5m'), { type: 'number', pos: { start: 1, end: 4 }, value: -300, duration: true });
});

test('set operators match many to many and scalars have no matching', () => {
  const set = parseAll('a and on(x) b');
  const scalar = parseAll('a + 1');
  assert.ok(set.type === 'binary' && scalar.type === 'binary');
  assert.equal(set.matching?.card, 'many-to-many');
  assert.equal(scalar.matching, null);
});

test('the quoted metric name is known as the name', () => {
  const expr = parseAll('{"a.b",c="d"}');
  assert.ok(expr.type === 'vectorSelector');
  assert.equal(expr.name, 'a.b');
  assert.deepEqual(expr.matchers[0], { name: '__name__', op: '=', value: 'a.b' });
});

test('a malformed regular expression is refused where it stands', () => {
  assert.throws(
    () => parseAll('up{a="b",c=~"("}'),
    (error: unknown) => {
      return (
        error instanceof ParseError &&
        error.pos.start === 9 &&
        error.message.startsWith('1:10: parse error: error parsing')
      );
    },
  );
});

test('a query of more than a mebi characters is refused', () => {
  assert.throws(() => parseExpr(' '.repeat(QUERY_CHARACTERS_MAX + 1)), /query is longer than/);
});

test('every function has a type for its result', () => {
  assert.equal(FUNCTIONS.size, 90);
  for (const { name, returns } of FUNCTIONS.values()) assert.ok(returns === 'vector' || returns === 'scalar', name);
  assert.equal(typeOf(parseAll('scalar(up) + 1')), 'scalar');
  assert.equal(typeOf(parseAll('(up[5m])')), 'matrix');
  assert.equal(typeOf(parseAll('-(up)')), 'vector');
  assert.equal(typeOf(parseAll('"x"')), 'string');
});

test('a series selector is parsed alone', () => {
  assert.deepEqual(parseSelector('up{a!="b"}'), [
    { name: 'a', op: '!=', value: 'b' },
    { name: '__name__', op: '=', value: 'up' },
  ]);
  assert.deepEqual(parseSelector('{}'), []);
  assert.throws(() => parseSelector('up + 1'), /1:4: parse error: unexpected <op:\+>/);
  assert.throws(() => parseSelector('up[5m]'), ParseError);
});

test('durations are parsed and printed as Prometheus does', () => {
  const pairs: [string, number][] = [
    ['0s', 0],
    ['5ms', 5],
    ['1m1s1ms', 61_001],
    ['1h30m', 5_400_000],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
    ['1y', 31_536_000_000],
    ['8d', 8 * 86_400_000],
  ];
  for (const [text, ms] of pairs) {
    assert.equal(parseDuration(text), ms);
    assert.equal(formatDuration(ms), text);
  }
  assert.equal(parseDuration('0'), 0);
  assert.equal(formatDuration(parseDuration('60m')), '1h');
  for (const text of ['', '5', '1m1h', '1x', '-1m', '1.5h', '300y', '1m1m']) assert.throws(() => parseDuration(text));
});

test('long expressions are broken into indented lines', () => {
  const long = `sum by (job) (rate(${'a'.repeat(50)}[5m])) / on (job) group_left () sum(rate(${'b'.repeat(50)}[5m]))`;
  assert.equal(
    prettyPrint(parseAll(long)),
    [
      `  sum by (job) (rate(${'a'.repeat(50)}[5m]))`,
      '/ on (job) group_left ()',
      `  sum(rate(${'b'.repeat(50)}[5m]))`,
    ].join('\n'),
  );
  assert.equal(prettyPrint(parseAll('sum (up)')), 'sum(up)');
  const name = 'c'.repeat(97);
  assert.equal(prettyPrint(parseAll(`topk(5, ${name})`)), `topk(\n  5,\n  ${name}\n)`);
  assert.equal(prettyPrint(parseAll(`-abs(${name})`)), `-abs(\n  ${name}\n)`);
  assert.equal(prettyPrint(parseAll(`(${name} + 1)`)), `(\n    ${name}\n  +\n    1\n)`);
});

test('features that are off by default are off', () => {
  assert.throws(() => parseExpr('info(up)'), /not enabled/);
  assert.doesNotThrow(() => parseExpr('info(up)', { features: ALL_PARSER_FEATURES }));
});
