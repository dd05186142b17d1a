// Modifiers behind a selector or subquery: offset, @, anchored, smoothed. Each at most once, in any order; they end up
// on the selector, and its position then reaches to the end of the last one.
import type { AtModifier, DurationValue, Expr, MatrixSelector, Subquery, VectorSelector } from '../ast.ts';
import { EXTENDED_RANGE_SELECTORS } from './functions.ts';
import { signedNumber } from './parse-number.ts';
import type { TokenStream } from './token-stream.ts';

type Modifiable = VectorSelector | MatrixSelector | Subquery;

const PLACES = 'must be preceded by an instant vector selector or range vector selector or a subquery';
const MILLISECONDS_MAX = 2 ** 63;

const isModifiable = (expr: Expr): expr is Modifiable =>
  expr.type === 'vectorSelector' || expr.type === 'matrixSelector' || expr.type === 'subquery';

const holder = (expr: Modifiable): VectorSelector | Subquery => (expr.type === 'matrixSelector' ? expr.vector : expr);

/** A copy with `change` made to the selector or subquery, and the position grown to what was read so far. */
function change(tokens: TokenStream, expr: Modifiable, values: { offset?: DurationValue; at?: AtModifier }): Expr {
  const pos = { start: expr.pos.start, end: tokens.takenEnd };
  if (expr.type === 'matrixSelector') return { ...expr, pos, vector: { ...expr.vector, ...values } };
  return { ...expr, pos, ...values };
}

const isZero = (offset: DurationValue): boolean => offset.kind === 'ms' && offset.ms === 0;

export function applyOffset(tokens: TokenStream, expr: Expr, offset: DurationValue): Expr {
  if (!isModifiable(expr)) return tokens.fail(expr.pos, `offset modifier ${PLACES}`);
  if (holder(expr).offset) return tokens.fail(expr.pos, 'offset may not be set multiple times');
  // An offset of 0 leaves no trace, as in Prometheus, where it may even be followed by another one.
  return change(tokens, expr, isZero(offset) ? {} : { offset });
}

/** `@ <unix seconds>`, `@ start()` or `@ end()`; the current token is the @. */
export function applyAt(tokens: TokenStream, expr: Expr): Expr {
  tokens.take();
  const at = atValue(tokens, expr);
  if (!isModifiable(expr)) return tokens.fail(expr.pos, `@ modifier ${PLACES}`);
  if (holder(expr).at) return tokens.fail(expr.pos, '@ <timestamp> may not be set multiple times');
  return change(tokens, expr, { at });
}

function atValue(tokens: TokenStream, expr: Expr): AtModifier {
  const { id } = tokens.current;
  if (id === 'start' || id === 'end') {
    tokens.take();
    if (!tokens.accept('(') || !tokens.accept(')')) tokens.unexpected('@', 'timestamp');
    return { kind: id };
  }
  const seconds = signedNumber(tokens);
  if (seconds === null) return tokens.unexpected('@', 'timestamp');
  if (!(Math.abs(seconds) < MILLISECONDS_MAX)) {
    tokens.fail(expr.pos, `timestamp out of bounds for @ modifier: ${fixed(seconds)}`);
  }
  return { kind: 'ms', ms: roundAwayFromZero(seconds * 1000) };
}

function roundAwayFromZero(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}

function fixed(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

/** `anchored` or `smoothed`; the current token is the word. */
export function applyExtended(
  tokens: TokenStream,
  expr: Expr,
  word: 'anchored' | 'smoothed',
  features: ReadonlySet<string>,
): Expr {
  tokens.take();
  if (!features.has(EXTENDED_RANGE_SELECTORS)) {
    tokens.fail(expr.pos, `${word} modifier is experimental and not enabled`);
  }
  if (expr.type === 'subquery') return tokens.fail(expr.pos, `${word} modifier is not supported for subqueries`);
  if (!isModifiable(expr)) return tokens.fail(expr.pos, `${word} modifier not implemented`);
  const vector = expr.type === 'matrixSelector' ? expr.vector : expr;
  if (word === 'anchored' ? vector.smoothed : vector.anchored) {
    tokens.fail(expr.pos, 'anchored and smoothed modifiers cannot be used together');
  }
  const marked = { ...vector, [word]: true };
  return expr.type === 'matrixSelector' ? { ...expr, vector: marked } : marked;
}
