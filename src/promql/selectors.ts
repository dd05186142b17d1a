// The selectors of an expression.
import type { Matcher } from '../model/index.ts';
import type { Expr } from './ast.ts';

/** The matchers of every vector selector in the expression, in the order of the text. */
export function exprSelectors(expr: Expr): (readonly Matcher[])[] {
  switch (expr.type) {
    case 'vectorSelector':
      return [expr.matchers];
    case 'matrixSelector':
      return [expr.vector.matchers];
    case 'call':
      return expr.args.flatMap(exprSelectors);
    case 'aggregate':
      return [...(expr.param ? exprSelectors(expr.param) : []), ...exprSelectors(expr.expr)];
    case 'binary':
      return [...exprSelectors(expr.left), ...exprSelectors(expr.right)];
    case 'subquery':
    case 'unary':
    case 'paren':
      return exprSelectors(expr.expr);
    default:
      return [];
  }
}
