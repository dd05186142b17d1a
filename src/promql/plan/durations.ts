// Durations of the query in milliseconds. Arithmetic in them is resolved here, where step and range are known.
import type { DurationExpr, DurationValue } from '../ast.ts';
import { badData } from '../errors.ts';

export interface DurationContext {
  /** Of the whole query; 0 for an instant query. */
  readonly stepMs: number;
  /** End minus start. */
  readonly rangeMs: number;
}

function evaluate(expr: DurationExpr, context: DurationContext, where: string): number {
  switch (expr.kind) {
    case 'number':
      return expr.seconds;
    case 'step':
      return context.stepMs / 1000;
    case 'range':
      return context.rangeMs / 1000;
    case 'paren':
      return evaluate(expr.arg, context, where);
    case 'unary': {
      const value = evaluate(expr.arg, context, where);
      return expr.op === '-' ? -value : value;
    }
    case 'binary':
      return binary(expr.op, evaluate(expr.left, context, where), evaluate(expr.right, context, where), where);
  }
}

function binary(op: string, left: number, right: number, where: string): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) throw badData(`${where}: division by zero`);
      return left / right;
    case '%':
      if (right === 0) throw badData(`${where}: modulo by zero`);
      return left % right;
    case '^':
      return left ** right;
    case 'min_of':
      return Math.min(left, right);
    default:
      return Math.max(left, right);
  }
}

/** Milliseconds of a duration as written; `mayBeNegative` for offsets. */
export function durationMs(value: DurationValue, context: DurationContext, mayBeNegative: boolean): number {
  if (value.kind === 'ms') return value.ms;
  const where = `${value.pos.start}:${value.pos.end}`;
  const seconds = evaluate(value.expr, context, where);
  if (!(seconds > 0) && !mayBeNegative) throw badData(`${where}: duration must be greater than 0`);
  if (!(Math.abs(seconds) < 2 ** 63 / 1e9)) throw badData(`${where}: duration is out of range`);
  return Math.trunc(seconds * 1000) + 0;
}
