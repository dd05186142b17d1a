// A query whose selectors and subqueries all look at one time (`@`), so that it has the same answer whenever it is evaluated.
import type { AtModifier, Expr } from '../../../src/promql/ast.ts';
import { ALL_PARSER_FEATURES, parseExpr, printExpr } from '../../../src/promql/parse/index.ts';

/** Functions that read the evaluation time or samples' own times. */
const READS_TIME = new Set([
  ...['days_in_month', 'day_of_month', 'day_of_week', 'day_of_year', 'hour', 'minute', 'month', 'year'],
  ...['predict_linear', 'time', 'timestamp', 'start_timestamp', 'start', 'end', 'range', 'step'],
]);

/** The query with `@` wherever there is none; null if it depends on the evaluation time otherwise, or has no selector. */
export function pinnedTo(query: string, atMs: number): string | null {
  const expr = parseExpr(query, { features: ALL_PARSER_FEATURES });
  if (readsTime(expr)) return null;
  const text = printExpr(pinned(expr, { kind: 'ms', ms: atMs }));
  return text === printExpr(expr) ? null : text;
}

function readsTime(expr: Expr): boolean {
  switch (expr.type) {
    case 'call':
      return READS_TIME.has(expr.fn) || expr.args.some(readsTime);
    case 'aggregate':
      return readsTime(expr.expr) || (expr.param !== null && readsTime(expr.param));
    case 'binary':
      return readsTime(expr.left) || readsTime(expr.right);
    case 'subquery':
    case 'unary':
    case 'paren':
      return readsTime(expr.expr);
    default:
      return false;
  }
}

function pinned(expr: Expr, at: AtModifier): Expr {
  switch (expr.type) {
    case 'vectorSelector':
      return { ...expr, at: expr.at ?? at };
    case 'matrixSelector':
      return { ...expr, vector: { ...expr.vector, at: expr.vector.at ?? at } };
    case 'subquery':
      // What is within it is evaluated at the subquery's own steps.
      return { ...expr, at: expr.at ?? at };
    case 'call':
      // The second argument of info() names labels.
      if (expr.fn === 'info') return { ...expr, args: [pinned(expr.args[0], at), ...expr.args.slice(1)] };
      return { ...expr, args: expr.args.map((arg) => pinned(arg, at)) };
    case 'aggregate':
      return { ...expr, expr: pinned(expr.expr, at), param: expr.param && pinned(expr.param, at) };
    case 'binary':
      return { ...expr, left: pinned(expr.left, at), right: pinned(expr.right, at) };
    case 'unary':
    case 'paren':
      return { ...expr, expr: pinned(expr.expr, at) };
    default:
      return expr;
  }
}

/** When a pinned query is evaluated: around its time, and far from it. */
export const pinnedTimes = (atMs: number): readonly number[] =>
  atMs === 0 ? [-1000, 0, 1000] : [-10 * atMs, 0, Math.floor(atMs / 5), atMs, 10 * atMs];
