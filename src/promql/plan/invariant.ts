// Which parts of a query have the same value at every step. As in Prometheus: what has a fixed time (`@`), and what is made
// of nothing else. Literals are constant too, but cost nothing and are not wrapped on their own.
import type { Expr } from '../ast.ts';

/** Functions that read the evaluation time, or times of samples, so that `@` in their arguments does not fix them. */
const READS_TIME: ReadonlySet<string> = new Set([
  'days_in_month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'end',
  'hour',
  'minute',
  'month',
  'year',
  'predict_linear',
  'range',
  'start',
  'step',
  'time',
  'timestamp',
]);

function isInvariant(expr: Expr): boolean {
  switch (expr.type) {
    case 'vectorSelector':
      return expr.at !== null;
    case 'matrixSelector':
      return expr.vector.at !== null;
    case 'subquery':
      return expr.at !== null;
    case 'paren':
    case 'unary':
    case 'aggregate':
      return isInvariant(expr.expr);
    case 'binary':
      return isInvariant(expr.left) && isInvariant(expr.right);
    case 'call':
      // The second argument of info() only names labels.
      if (expr.fn === 'info') return isInvariant(expr.args[0]);
      return !READS_TIME.has(expr.fn) && expr.args.every(isInvariant);
    case 'number':
    case 'string':
      return true;
  }
}

/** Whether the expression is to be evaluated once and its value repeated. */
export function needsWrap(expr: Expr): boolean {
  switch (expr.type) {
    case 'number':
    case 'string':
    case 'matrixSelector':
      return false;
    case 'paren':
    case 'unary':
    case 'aggregate':
      return needsWrap(expr.expr) && isInvariant(expr);
    default:
      return isInvariant(expr);
  }
}
