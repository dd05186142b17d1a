// Numbers and duration expressions: what stands in brackets, behind `offset` and behind `@`.
//
// Durations are arithmetic over seconds: + - * / % ^ with the precedence of PromQL, step(), range(), min_of(), max_of()
// and parentheses. Behind `offset` arithmetic needs parentheses: `x offset 5m + 1` is a sum.
import { goQuote } from '../../model/index.ts';
import type { DurationExpr, DurationValue } from '../ast.ts';
import { errorText } from '../../base/index.ts';
import { parseDuration } from './duration.ts';
import { numberValue } from './lex-number.ts';
import type { TokenStream } from './token-stream.ts';
import type { Token } from './token.ts';

/** Nanoseconds in 64 bits, in seconds. */
const DURATION_SECONDS_MAX = 2 ** 63 / 1e9;
const PRECEDENCE: Record<string, number> = { '+': 1, '-': 1, '*': 2, '/': 2, '%': 2, '^': 3 };
const UNARY_OPERAND_PRECEDENCE = 3;
/** Depth of a duration expression: far beyond use, within any stack. */
const DEPTH_MAX = 100;

type BinaryOp = Extract<DurationExpr, { kind: 'binary' }>['op'];

/** The value of a number or duration token, a duration in seconds. */
export function tokenNumber(tokens: TokenStream, token: Token): number {
  if (token.kind === 'duration') {
    try {
      return parseDuration(token.text) / 1000;
    } catch (cause) {
      return tokens.fail(tokens.span(token), errorText(cause), cause);
    }
  }
  const value = numberValue(token.text);
  if (typeof value === 'number') return value;
  const text = `error parsing number: strconv.ParseFloat: parsing ${goQuote(token.text)}: ${value}`;
  return tokens.fail(tokens.span(token), text);
}

export const isNumber = (token: Token): boolean => token.kind === 'number' || token.kind === 'duration';

/** `[+-] number`, as `@` and fill() take it; null if there is none. */
export function signedNumber(tokens: TokenStream): number | null {
  const sign = tokens.at('-') ? -1 : 1;
  if (tokens.at('-') || tokens.at('+')) tokens.take();
  return isNumber(tokens.current) ? sign * tokenNumber(tokens, tokens.take()) : null;
}

const whole = (seconds: number): number => Math.trunc(Math.round(seconds * 1e9) / 1e6);

/** A range or step in brackets: longer than 0 as far as that is known before evaluation. */
export function bracketDuration(tokens: TokenStream): DurationValue {
  const start = tokens.start();
  const expr = sum(tokens, 1, 0);
  const pos = { start, end: tokens.takenEnd };
  if (expr.kind !== 'number') return { kind: 'expr', expr, pos };
  if (!(expr.seconds > 0)) tokens.fail(pos, 'duration must be greater than 0');
  return { kind: 'ms', ms: whole(expr.seconds) };
}

/** What follows `offset`. */
export function offsetDuration(tokens: TokenStream): DurationValue {
  const start = tokens.start();
  const sign = tokens.at('-') || tokens.at('+') ? tokens.take() : null;
  const inner = primary(tokens, 0, 'offset');
  const expr = sign ? signed(tokens, sign, inner) : inner;
  if (expr.kind === 'number') return { kind: 'ms', ms: whole(expr.seconds) };
  return { kind: 'expr', expr, pos: { start, end: tokens.takenEnd } };
}

function signed(tokens: TokenStream, sign: Token, arg: DurationExpr): DurationExpr {
  if (arg.kind !== 'number') return { kind: 'unary', op: sign.id as '+' | '-', arg };
  return { ...arg, seconds: inRange(tokens, sign, sign.id === '-' ? -arg.seconds : arg.seconds) };
}

function inRange(tokens: TokenStream, token: Token, seconds: number): number {
  if (!(Math.abs(seconds) <= DURATION_SECONDS_MAX)) tokens.fail(tokens.span(token), 'duration out of range');
  return seconds;
}

function sum(tokens: TokenStream, precedence: number, depth: number): DurationExpr {
  if (depth > DEPTH_MAX) tooDeep(tokens);
  let left = unary(tokens, depth);
  for (let count = depth; ; count++) {
    const op = tokens.current.id;
    const level = PRECEDENCE[op];
    if (level === undefined || level < precedence) return left;
    if (count > DEPTH_MAX) tooDeep(tokens);
    const token = tokens.take();
    const right = sum(tokens, op === '^' ? level : level + 1, depth + 1);
    refuseZero(tokens, token, right);
    left = { kind: 'binary', op: op as BinaryOp, left, right };
  }
}

function refuseZero(tokens: TokenStream, operator: Token, right: DurationExpr): void {
  if (right.kind !== 'number' || right.seconds !== 0) return;
  if (operator.id === '/') tokens.fail(tokens.span(operator), 'division by zero');
  if (operator.id === '%') tokens.fail(tokens.span(operator), 'modulo by zero');
}

function tooDeep(tokens: TokenStream): never {
  return tokens.fail(tokens.span(tokens.current), `duration expression is nested deeper than ${DEPTH_MAX} levels`);
}

function unary(tokens: TokenStream, depth: number): DurationExpr {
  if (!tokens.at('-') && !tokens.at('+')) return primary(tokens, depth, 'bracket');
  const sign = tokens.take();
  return signed(tokens, sign, sum(tokens, UNARY_OPERAND_PRECEDENCE, depth + 1));
}

type Place = 'bracket' | 'offset';

function primary(tokens: TokenStream, depth: number, place: Place): DurationExpr {
  const token = tokens.current;
  if (isNumber(token)) {
    tokens.take();
    const seconds = inRange(tokens, token, tokenNumber(tokens, token));
    return { kind: 'number', seconds, duration: token.kind === 'duration' };
  }
  if (token.id === '(') return parenthesised(tokens, depth, place);
  if (token.id === 'step' || token.id === 'range') {
    tokens.take();
    expect(tokens, '(', place);
    expect(tokens, ')', place);
    return { kind: token.id };
  }
  if (token.id === 'min_of' || token.id === 'max_of') return extreme(tokens, token.id, depth, place);
  return unexpected(tokens, place);
}

function parenthesised(tokens: TokenStream, depth: number, place: Place): DurationExpr {
  tokens.take();
  const arg = sum(tokens, 1, depth + 1);
  expect(tokens, ')', place);
  return arg.kind === 'number' ? arg : { kind: 'paren', arg };
}

function extreme(tokens: TokenStream, op: 'min_of' | 'max_of', depth: number, place: Place): DurationExpr {
  tokens.take();
  expect(tokens, '(', place);
  const left = sum(tokens, 1, depth + 1);
  expect(tokens, ',', place);
  const right = sum(tokens, 1, depth + 1);
  expect(tokens, ')', place);
  return { kind: 'binary', op, left, right };
}

function expect(tokens: TokenStream, id: string, place: Place): void {
  if (!tokens.accept(id)) unexpected(tokens, place);
}

function unexpected(tokens: TokenStream, place: Place): never {
  if (place === 'offset') return tokens.unexpected('offset', 'number, duration, step(), or range()');
  return tokens.unexpected('subquery or range selector', 'number, duration, step(), or range()');
}
