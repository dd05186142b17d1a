import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { TidemarkError } from '../../../src/base/index.ts';
import { parser as editorGrammar } from '@prometheus-io/lezer-promql';
import { prettyPrint, printExpr } from '../../../src/promql/parse/index.ts';
import { parseScript } from '../testlang/script.ts';
import { parseAll } from './support.ts';

const SEED = 20_261;
const name = fc.constantFrom('up', 'a_total', 'job:x', 'sum', 'offset', 'start', 'by', 'é').map((text) => {
  return text === 'é' ? '{"é"}' : text;
});
const duration = fc.constantFrom('5m', '1h30m', '10', '2 * 1m', 'step() + 1s', '(1m - 5s) * 2', 'max_of(1m, range())');
const label = fc.constantFrom('job', '"x.y"', 'on', 'le');
const labelList = fc.array(label, { maxLength: 3 }).map((labels) => `(${labels.join(', ')})`);
const matcher = fc
  .tuple(label, fc.constantFrom('=', '!=', '=~', '!~'), fc.constantFrom('""', "'a\\'b'", '`\\d+`', '"\\xff"', '"ä"'))
  .filter(([, op, value]) => !op.includes('~') || value !== '"\\xff"')
  .map((parts) => parts.join(''));
const modifier = fc.constantFrom('', ' offset 5m', ' offset -(step())', ' @ 12.5', ' @ end() offset 1s', ' smoothed');
const selector = fc
  .tuple(name, fc.array(matcher, { maxLength: 2 }))
  .map(([metric, matchers]) => (metric.startsWith('{') ? metric : `${metric}{${matchers.join(',')}}`));
const scalar = fc.constantFrom('1', '-2.5', '0x1f', 'Inf', 'NaN', '5m', 'time()', 'scalar(up)', '1 == bool 2');
const matching = fc.oneof(
  fc.constant(''),
  fc.tuple(fc.constantFrom('on', 'ignoring'), labelList).map((parts) => ` ${parts.join('')}`),
  fc.constant(' ignoring (a) group_left (b)'),
  fc.constant(' on (a) group_right fill_left (3)'),
);

const { vector } = fc.letrec<{ vector: string; matrix: string }>((tie) => ({
  vector: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.tuple(selector, modifier).map(([text, tail]) => text + tail),
    fc
      .tuple(tie('vector'), fc.constantFrom('+', '-', '*', '^', '==', '> bool', 'atan2', '</'), matching, tie('vector'))
      .map(([left, op, match, right]) => `(${left}) ${op}${match} (${right})`),
    fc.tuple(tie('vector'), fc.constantFrom('and', 'or', 'unless'), tie('vector')).map((parts) => parts.join(' ')),
    fc.tuple(scalar, fc.constantFrom('+', '/', '%'), tie('vector')).map((parts) => parts.join(' ')),
    fc
      .tuple(fc.constantFrom('sum', 'avg', 'topk'), fc.constantFrom('by', 'without'), labelList, tie('vector'))
      .map(([op, by, labels, arg]) => `${op} ${by} ${labels} (${op === 'topk' ? '2, ' : ''}${arg})`),
    fc.tuple(fc.constantFrom('-', '+', 'abs', 'sort'), tie('vector')).map(([fn, arg]) => `${fn}(${arg})`),
    fc.tuple(fc.constantFrom('rate', 'max_over_time'), tie('matrix')).map(([fn, arg]) => `${fn}(${arg})`),
  ),
  matrix: fc.oneof(
    { maxDepth: 5 },
    fc.tuple(selector, duration, modifier).map(([text, range, tail]) => `${text}[${range}]${tail}`),
    fc.tuple(tie('vector'), duration, duration).map(([text, range, step]) => `(${text})[${range}:${step}]`),
  ),
}));

/** A different metric name twice is no concern here. */
const isDouble = (query: string): boolean => /__name__/.test(query);

test('printing is stable: parse, print, parse, print gives the same text', () => {
  fc.assert(
    fc.property(vector, (query) => {
      fc.pre(!isDouble(query));
      const printed = printExpr(parseAll(query));
      assert.equal(printExpr(parseAll(printed)), printed);
      assert.equal(printExpr(parseAll(prettyPrint(parseAll(query)))), printed);
    }),
    { seed: SEED, numRuns: 400 },
  );
});

function parsesOrRefuses(query: string): void {
  try {
    parseAll(query);
  } catch (error) {
    assert.ok(error instanceof TidemarkError && error.code === 'bad_data', `${query}: ${String(error)}`);
    assert.match(error.message, /^(\d+:\d+|unknown position): parse error: /);
  }
}

test('random text is refused or parsed, never a crash', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'(){}[]ab1"\\x@:,=~!<>/+-* \n') }),
  );
  fc.assert(fc.property(text, parsesOrRefuses), { seed: SEED, numRuns: 2000 });
});

test('mutated queries are refused or parsed, never a crash', () => {
  const edit = fc.tuple(
    fc.nat(),
    fc.nat(8),
    fc.string({ maxLength: 3, unit: fc.constantFrom(...'(){}[]"\'`a0.:,=~x@ \u{1F600}') }),
  );
  fc.assert(
    fc.property(vector, fc.array(edit, { minLength: 1, maxLength: 3 }), (query, edits) => {
      let mutated = query;
      for (const [at, count, text] of edits) {
        const from = at % (mutated.length + 1);
        mutated = mutated.slice(0, from) + text + mutated.slice(from + count);
      }
      parsesOrRefuses(mutated);
    }),
    { seed: SEED, numRuns: 1000 },
  );
});

test('what is parsed here the editor grammar of Prometheus accepts as well', () => {
  const strict = editorGrammar.configure({ strict: true });
  fc.assert(
    fc.property(vector, (query) => {
      // A metric by the name of `offset` is more than that grammar knows.
      fc.pre(!query.includes('offset{'));
      parseAll(query);
      assert.doesNotThrow(() => strict.parse(query), query);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

const CONFORMANCE = new URL('../../../../shared/conformance/', import.meta.url);
const skip = existsSync(CONFORMANCE) ? false : 'the conformance data is not there';

test('every query of the conformance scripts is parsed and printed stably', { skip }, () => {
  const folder = new URL('testdata/', CONFORMANCE);
  for (const file of readdirSync(folder)) {
    for (const command of parseScript(readFileSync(new URL(file, folder), 'utf8'))) {
      if (command.kind !== 'eval') continue;
      const printed = printExpr(parseAll(command.query));
      assert.equal(printExpr(parseAll(printed)), printed);
    }
  }
});

test('the invalid queries of the conformance fuzzer are refused', { skip }, async () => {
  const source = readFileSync(new URL('fuzz/invalid.mjs', CONFORMANCE), 'utf8');
  const list = /const SYNTAX = (\[[\s\S]*?\n\]);/.exec(source);
  assert.ok(list);
  const lines = list[1].split('\n').slice(1, -1);
  for (const line of lines) {
    const literal = /^\s*(['"])((?:\\.|(?!\1).)*)\1,$/.exec(line);
    assert.ok(literal, line);
    const query = literal[2].replaceAll(/\\(.)/g, '$1');
    assert.throws(() => parseAll(query), TidemarkError, query);
  }
});
