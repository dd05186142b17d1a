// Vector selectors: name{label="value", "quoted label"=~"regex", "quoted name"}.
import { METRIC_NAME, type MatchOperator, type Matcher, compileRegex } from '../../model/index.ts';
import { errorText } from '../../base/index.ts';
import type { VectorSelector } from '../ast.ts';
import { unquote } from './quote.ts';
import type { TokenStream } from './token-stream.ts';
import type { Token } from './token.ts';

const CONTEXT = 'label matching';
const MATCH_OPERATORS = new Set(['=', '!=', '=~', '!~']);

interface Braces {
  readonly matchers: Matcher[];
  /** The first quoted name. */
  readonly quotedName: string | null;
}

/** The selector that starts with the metric name `name`, already taken, or with the current `{`. */
export function selector(tokens: TokenStream, name: Token | null): VectorSelector {
  const start = name ? tokens.span(name).start : tokens.start();
  const { matchers, quotedName } = tokens.at('{') ? braces(tokens) : { matchers: [], quotedName: null };
  if (name) matchers.push({ name: METRIC_NAME, op: '=', value: name.text });
  return {
    type: 'vectorSelector',
    pos: { start, end: tokens.takenEnd },
    name: name?.text ?? quotedName ?? '',
    ...(name === null && quotedName !== null ? { nameInBraces: true } : {}),
    matchers,
    offset: null,
    at: null,
    anchored: false,
    smoothed: false,
  };
}

function braces(tokens: TokenStream): Braces {
  tokens.take();
  const matchers: Matcher[] = [];
  let quotedName: string | null = null;
  while (!tokens.at('}')) {
    const matcher = element(tokens);
    if (typeof matcher === 'string') {
      quotedName ??= matcher;
      matchers.push({ name: METRIC_NAME, op: '=', value: matcher });
    } else {
      matchers.push(matcher);
    }
    if (tokens.accept(',')) continue;
    if (!tokens.at('}')) tokens.unexpected(CONTEXT, '"," or "}"');
  }
  tokens.take();
  return { matchers, quotedName };
}

/** One matcher, or the text of a quoted metric name. */
function element(tokens: TokenStream): Matcher | string {
  const token = tokens.current;
  const quoted = token.kind === 'string';
  if (!quoted && token.kind !== 'identifier') tokens.unexpected(CONTEXT, 'identifier or "}"');
  tokens.take();
  const name = quoted ? unquote(token.text) : token.text;
  const op = tokens.current.id;
  if (!MATCH_OPERATORS.has(op)) {
    if (quoted) return name;
    tokens.unexpected(CONTEXT, 'label matching operator');
  }
  tokens.take();
  if (tokens.current.kind !== 'string') tokens.unexpected(CONTEXT, 'string');
  const value = tokens.take();
  return checked(tokens, { name, op: op as MatchOperator, value: unquote(value.text) }, token, value);
}

/** Refuses a regular expression that does not compile. */
function checked(tokens: TokenStream, matcher: Matcher, first: Token, last: Token): Matcher {
  if (matcher.op !== '=~' && matcher.op !== '!~') return matcher;
  try {
    compileRegex(matcher.value);
  } catch (cause) {
    tokens.fail({ start: tokens.span(first).start, end: tokens.span(last).end }, errorText(cause), cause);
  }
  return matcher;
}
