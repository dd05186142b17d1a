// Whether a query asks for its own start, end, range or step, so that an instant and a range query differ.
import type { DurationExpr, DurationValue, Expr } from '../../../src/promql/ast.ts';
import { ALL_PARSER_FEATURES, parseExpr } from '../../../src/promql/parse/index.ts';

const FUNCTIONS = new Set(['start', 'end', 'range', 'step']);

export const dependsOnQueryRange = (query: string): boolean =>
  depends(parseExpr(query, { features: ALL_PARSER_FEATURES }));

function depends(expr: Expr): boolean {
  switch (expr.type) {
    case 'number':
    case 'string':
      return false;
    case 'vectorSelector':
      return hasStartOrEnd(expr.at) || inDuration(expr.offset);
    case 'matrixSelector':
      return depends(expr.vector) || inDuration(expr.range);
    case 'subquery':
      return [expr.range, expr.step, expr.offset].some(inDuration) || hasStartOrEnd(expr.at) || depends(expr.expr);
    case 'call':
      return FUNCTIONS.has(expr.fn) || expr.args.some(depends);
    case 'aggregate':
      return depends(expr.expr) || (expr.param !== null && depends(expr.param));
    case 'binary':
      return depends(expr.left) || depends(expr.right);
    case 'unary':
    case 'paren':
      return depends(expr.expr);
  }
}

const hasStartOrEnd = (at: { readonly kind: string } | null): boolean => at !== null && at.kind !== 'ms';
const inDuration = (value: DurationValue | null): boolean => value?.kind === 'expr' && inExpr(value.expr);

function inExpr(expr: DurationExpr): boolean {
  switch (expr.kind) {
    case 'number':
      return false;
    case 'step':
    case 'range':
      return true;
    case 'unary':
    case 'paren':
      return inExpr(expr.arg);
    case 'binary':
      return inExpr(expr.left) || inExpr(expr.right);
  }
}
