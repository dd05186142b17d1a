// Binary operators where at least one side is a scalar.
import type { BinaryOperator, Span } from '../ast.ts';
import { COMPARISONS, TRIMS, arithmetic, changesMeaning, compare } from './arithmetic.ts';
import type { QueryRun } from './query-run.ts';
import { type Scalar, type Vector, dropEmptyRows, dropNames, emptyVector } from './vector.ts';

export function scalarScalar(op: BinaryOperator, left: Scalar, right: Scalar): Scalar {
  const { steps } = left;
  const vs = new Float64Array(steps);
  if (COMPARISONS.has(op)) {
    const keep = new Uint8Array(steps);
    compare(op, left.vs, 0, right.vs, 0, keep, 0, steps);
    vs.set(keep);
  } else {
    arithmetic(op, left.vs, 0, right.vs, 0, vs, 0, steps);
  }
  return { type: 'scalar', steps, vs };
}

/** vector op scalar, or scalar op vector if `swapped`. */
export function vectorScalar(
  op: BinaryOperator,
  vector: Vector,
  scalar: Scalar,
  swapped: boolean,
  bool: boolean,
  pos: Span,
  run: QueryRun,
): Vector {
  if (TRIMS.has(op)) {
    if (vector.labels.length > 0) run.annotations.incompatibleTypes('float', op, 'float', pos);
    return emptyVector(vector.steps);
  }
  const { steps } = vector;
  const rows = vector.labels.length;
  if (!COMPARISONS.has(op)) {
    const vs = new Float64Array(vector.vs.length);
    for (let row = 0; row < rows; row++) {
      const at = row * steps;
      if (swapped) arithmetic(op, scalar.vs, 0, vector.vs, at, vs, at, steps);
      else arithmetic(op, vector.vs, at, scalar.vs, 0, vs, at, steps);
    }
    const out = { ...vector, vs };
    return changesMeaning(op) ? dropNames(out, run.delayedNameRemoval) : out;
  }
  const keep = new Uint8Array(vector.vs.length);
  for (let row = 0; row < rows; row++) {
    const at = row * steps;
    if (swapped) compare(op, scalar.vs, 0, vector.vs, at, keep, at, steps);
    else compare(op, vector.vs, at, scalar.vs, 0, keep, at, steps);
  }
  if (bool) return dropNames({ ...vector, vs: Float64Array.from(keep) }, run.delayedNameRemoval);
  for (let i = 0; i < keep.length; i++) keep[i] &= vector.has[i];
  return dropEmptyRows({ ...vector, has: keep });
}
