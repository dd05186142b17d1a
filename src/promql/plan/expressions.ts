// Questions the planner asks of a syntax tree.
import { Labels, METRIC_NAME, type Matcher } from '../../model/index.ts';
import type { Expr } from '../ast.ts';

export function unwrapParens(expr: Expr): Expr {
  let inner = expr;
  while (inner.type === 'paren') inner = inner.expr;
  return inner;
}

/** Whether matchers let only series of one name, type and unit through, so that dropping these makes no two the same. */
export const namesOneMetric = (matchers: readonly Matcher[]): boolean =>
  matchers.some(({ name, op, value }) => name === METRIC_NAME && op === '=' && value !== '') &&
  !matchers.some(({ name }) => name === '__type__' || name === '__unit__');

/** Expressions within an expression, first to last. A selector within a subquery is left to the caller. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.type) {
    case 'matrixSelector':
      return [expr.vector];
    case 'paren':
    case 'unary':
    case 'aggregate':
      return [expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    case 'call':
      return expr.args;
    default:
      return [];
  }
}

/** Labels of absent()'s series: those the selector pins to one value. */
export function absentLabels(expr: Expr): Labels {
  const selector = expr.type === 'matrixSelector' ? expr.vector : expr;
  if (selector.type !== 'vectorSelector') return Labels.empty;
  const labels = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, op, value } of selector.matchers) {
    if (name === METRIC_NAME) continue;
    if (op === '=' && !seen.has(name)) {
      labels.set(name, value);
      seen.add(name);
    } else {
      labels.delete(name);
    }
  }
  return Labels.from(labels);
}
