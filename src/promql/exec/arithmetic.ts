// Arithmetic and comparison of columns: one loop per operator, so that each stays monomorphic. Results are those of Go's
// floats and math package.
import type { BinaryOperator } from '../ast.ts';
import { goPow } from '../functions/pow.ts';

export const COMPARISONS: ReadonlySet<BinaryOperator> = new Set(['==', '!=', '<', '>', '<=', '>=']);
export const SET_OPERATORS: ReadonlySet<BinaryOperator> = new Set(['and', 'or', 'unless']);
/** Trim operators: they act on native histograms only. */
export const TRIMS: ReadonlySet<BinaryOperator> = new Set(['</', '>/']);

/** out[outAt + i] = a[aAt + i] op b[bAt + i] for i < n. */
export function arithmetic(
  op: BinaryOperator,
  a: Float64Array,
  aAt: number,
  b: Float64Array,
  bAt: number,
  out: Float64Array,
  outAt: number,
  n: number,
): void {
  switch (op) {
    case '+':
      for (let i = 0; i < n; i++) out[outAt + i] = a[aAt + i] + b[bAt + i];
      return;
    case '-':
      for (let i = 0; i < n; i++) out[outAt + i] = a[aAt + i] - b[bAt + i];
      return;
    case '*':
      for (let i = 0; i < n; i++) out[outAt + i] = a[aAt + i] * b[bAt + i];
      return;
    case '/':
      for (let i = 0; i < n; i++) out[outAt + i] = a[aAt + i] / b[bAt + i];
      return;
    case '%':
      for (let i = 0; i < n; i++) out[outAt + i] = a[aAt + i] % b[bAt + i];
      return;
    case '^':
      for (let i = 0; i < n; i++) out[outAt + i] = goPow(a[aAt + i], b[bAt + i]);
      return;
    case 'atan2':
      for (let i = 0; i < n; i++) out[outAt + i] = Math.atan2(a[aAt + i], b[bAt + i]);
      return;
    default:
      throw new RangeError(`operator "${op}" is no arithmetic`);
  }
}

/** keep[keepAt + i] = 1 where the comparison holds, else 0. */
export function compare(
  op: BinaryOperator,
  a: Float64Array,
  aAt: number,
  b: Float64Array,
  bAt: number,
  keep: Uint8Array,
  keepAt: number,
  n: number,
): void {
  switch (op) {
    case '==':
      for (let i = 0; i < n; i++) keep[keepAt + i] = a[aAt + i] === b[bAt + i] ? 1 : 0;
      return;
    case '!=':
      for (let i = 0; i < n; i++) keep[keepAt + i] = a[aAt + i] !== b[bAt + i] ? 1 : 0;
      return;
    case '<':
      for (let i = 0; i < n; i++) keep[keepAt + i] = a[aAt + i] < b[bAt + i] ? 1 : 0;
      return;
    case '>':
      for (let i = 0; i < n; i++) keep[keepAt + i] = a[aAt + i] > b[bAt + i] ? 1 : 0;
      return;
    case '<=':
      for (let i = 0; i < n; i++) keep[keepAt + i] = a[aAt + i] <= b[bAt + i] ? 1 : 0;
      return;
    case '>=':
      for (let i = 0; i < n; i++) keep[keepAt + i] = a[aAt + i] >= b[bAt + i] ? 1 : 0;
      return;
    default:
      throw new RangeError(`operator "${op}" is no comparison`);
  }
}

/** Whether the operator gives values that mean something else than its operands' did: their names go. */
export const changesMeaning = (op: BinaryOperator): boolean =>
  op === '+' || op === '-' || op === '*' || op === '/' || op === '^' || op === '%' || op === 'atan2';

/** An operator of two numbers. Comparisons give 0 or 1. */
export function scalarOperator(op: BinaryOperator, left: number, right: number): number {
  const [a, b, out] = [Float64Array.of(left), Float64Array.of(right), new Float64Array(1)];
  if (!COMPARISONS.has(op)) {
    arithmetic(op, a, 0, b, 0, out, 0, 1);
    return out[0];
  }
  const keep = new Uint8Array(1);
  compare(op, a, 0, b, 0, keep, 0, 1);
  return keep[0];
}
