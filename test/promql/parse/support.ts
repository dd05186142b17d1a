// Local table helpers of the parser's tests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../../src/base/index.ts';
import { ALL_PARSER_FEATURES, parseExpr, printExpr } from '../../../src/promql/parse/index.ts';

export const parseAll = (query: string) => parseExpr(query, { features: ALL_PARSER_FEATURES });

/** The query parses and prints as `want` (as itself if left out). */
export function ok(query: string, want = query): void {
  test(`parses ${JSON.stringify(query)}`, () => assert.equal(printExpr(parseAll(query)), want));
}

/** The query is refused with exactly this text. */
export function bad(query: string, message: string, features: ReadonlySet<string> = ALL_PARSER_FEATURES): void {
  test(`refuses ${JSON.stringify(query)}`, () => {
    assert.throws(
      () => parseExpr(query, { features }),
      (error: unknown) => {
        assert.ok(error instanceof TidemarkError);
        assert.equal(error.code, 'bad_data');
        assert.equal(error.message, message);
        return true;
      },
    );
  });
}
