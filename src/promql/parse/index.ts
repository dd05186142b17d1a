// The door of the parser: PromQL text to a checked syntax tree, and back.
import type { Expr } from '../ast.ts';
import type { Matcher } from '../../model/index.ts';
import { checkTypes } from './check.ts';
import { Lexer } from './lexer.ts';
import { ParseError } from './parse-error.ts';
import { Parser } from './parser.ts';
import { selector } from './selector.ts';
import { TokenStream } from './token-stream.ts';
import { isMetricName } from './token.ts';

export { typeOf } from './check.ts';
export { formatDuration, parseDuration } from './duration.ts';
export {
  ALL_PARSER_FEATURES,
  BINOP_FILL_MODIFIERS,
  EXPERIMENTAL_FUNCTIONS,
  EXTENDED_RANGE_SELECTORS,
  FUNCTIONS,
  type FunctionSignature,
  USE_START_TIMESTAMPS,
} from './functions.ts';
export { ParseError, place } from './parse-error.ts';
export { NESTING_MAX } from './parser.ts';
export { prettyPrint, printExpr } from './print.ts';

/** Longer than any query a person or tool writes; a bound for what one request can make the parser hold. */
export const QUERY_CHARACTERS_MAX = 1 << 20;

/** What may vary about the language. */
export interface ParseOptions {
  /** Prometheus' --enable-feature names that are on. Default: none. */
  readonly features?: ReadonlySet<string>;
}

const NO_FEATURES: ReadonlySet<string> = new Set();

function lexer(text: string): Lexer {
  if (text.length > QUERY_CHARACTERS_MAX) {
    const fact = `query is longer than ${QUERY_CHARACTERS_MAX} characters`;
    throw new ParseError(text, { start: 0, end: 0 }, `${fact}; got ${text.length}`);
  }
  return new Lexer(text);
}

/**
 * Parses and type-checks a query. Positions are UTF-8 byte offsets in `text`. Throws ParseError, a TidemarkError
 * `bad_data` with Prometheus' text: `1:5: parse error: ...`.
 */
export function parseExpr(text: string, options: ParseOptions = {}): Expr {
  const tokens = new TokenStream(lexer(text));
  return checkTypes(text, new Parser(tokens, options.features ?? NO_FEATURES).parse());
}

/**
 * Parses a series selector such as `up{job="x"}`, as match[] parameters carry it. Throws ParseError. That at least one
 * matcher must not match the empty string is the caller's rule to apply.
 */
export function parseSelector(text: string): readonly Matcher[] {
  const tokens = new TokenStream(lexer(text));
  const name = isMetricName(tokens.current) ? tokens.take() : null;
  if (!name && !tokens.at('{')) tokens.unexpected();
  const { matchers } = selector(tokens, name);
  if (!tokens.at('end of input')) tokens.unexpected();
  return matchers;
}
