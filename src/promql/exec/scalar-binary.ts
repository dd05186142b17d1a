// Binary operators where at least one side is a scalar.
import type { BinaryOperator, Span } from '../ast.ts';
import { COMPARISONS, TRIMS, arithmetic, changesMeaning, compare } from './arithmetic.ts';
import type { QueryRun, Work } from './query-run.ts';
import { Complaints, type Element, type ElementResult, histogramElement } from './histogram-binary.ts';
import { type Scalar, type Vector, dropEmptyRows, dropNames, emptyVector, withoutUnusedBlock } from './vector.ts';
import type { NativeHistogram } from '../../model/index.ts';

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
export function* vectorScalar(
  op: BinaryOperator,
  vector: Vector,
  scalar: Scalar,
  swapped: boolean,
  bool: boolean,
  pos: Span,
  run: QueryRun,
): Work<Vector> {
  if (vector.hs !== null) return mixedScalar(op, vector, scalar, swapped, bool, pos, run);
  if (TRIMS.has(op)) {
    if (vector.labels.length > 0) run.annotations.incompatibleTypes('float', op, 'float', pos);
    return emptyVector(vector.steps);
  }
  const { steps } = vector;
  const rows = vector.labels.length;
  if (!COMPARISONS.has(op)) {
    const vs = new Float64Array(vector.vs.length);
    for (let row = 0; row < rows; row++) {
      if (run.isDue(steps * 2)) yield;
      const at = row * steps;
      if (swapped) arithmetic(op, scalar.vs, 0, vector.vs, at, vs, at, steps);
      else arithmetic(op, vector.vs, at, scalar.vs, 0, vs, at, steps);
    }
    const out = { ...vector, vs };
    return changesMeaning(op) ? dropNames(out, run.delayedNameRemoval) : out;
  }
  const keep = new Uint8Array(vector.vs.length);
  for (let row = 0; row < rows; row++) {
    if (run.isDue(steps)) yield;
    const at = row * steps;
    if (swapped) compare(op, scalar.vs, 0, vector.vs, at, keep, at, steps);
    else compare(op, vector.vs, at, scalar.vs, 0, keep, at, steps);
  }
  if (bool) return dropNames({ ...vector, vs: Float64Array.from(keep) }, run.delayedNameRemoval);
  for (let i = 0; i < keep.length; i++) keep[i] &= vector.has[i];
  return dropEmptyRows({ ...vector, has: keep });
}

/** The same where some values are native histograms. */
function mixedScalar(
  op: BinaryOperator,
  vector: Vector,
  scalar: Scalar,
  swapped: boolean,
  bool: boolean,
  pos: Span,
  run: QueryRun,
): Vector {
  const complaints = new Complaints();
  const { steps } = vector;
  const [vs, has] = [new Float64Array(vector.vs.length), new Uint8Array(vector.has.length)];
  const hs = new Array<NativeHistogram | null>(vector.vs.length).fill(null);
  for (let at = 0; at < has.length; at++) {
    if (vector.has[at] === 0) continue;
    const step = at % steps;
    const element: Element = vector.has[at] === 2 ? (vector.hs?.[at] as NativeHistogram) : vector.vs[at];
    const [a, b] = swapped ? [scalar.vs[step], element] : [element, scalar.vs[step]];
    const { value, keep, complaint } = elementOf(op, a, b);
    if (complaint !== null) complaints.note(step, at, complaint);
    if (value === null || (!keep && !bool)) continue;
    // A comparison gives the vector's value, whichever side it is on.
    const out = bool ? (keep ? 1 : 0) : COMPARISONS.has(op) ? element : value;
    has[at] = typeof out === 'number' ? 1 : 2;
    if (typeof out === 'number') vs[at] = out;
    else hs[at] = out;
  }
  complaints.place(run.annotations, op, pos);
  const out = withoutUnusedBlock(dropEmptyRows({ ...vector, vs, has, hs }));
  return bool || changesMeaning(op) ? dropNames(out, run.delayedNameRemoval) : out;
}

const [leftCell, rightCell, outCell, keepCell] = [
  new Float64Array(1),
  new Float64Array(1),
  new Float64Array(1),
  new Uint8Array(1),
];

/** One pair of any kinds. */
export function elementOf(op: BinaryOperator, a: Element, b: Element): ElementResult {
  if (typeof a !== 'number' || typeof b !== 'number') return histogramElement(op, a, b);
  if (TRIMS.has(op)) return { value: null, keep: false, complaint: ['incompatibleTypes', 'float', 'float'] };
  leftCell[0] = a;
  rightCell[0] = b;
  if (COMPARISONS.has(op)) {
    compare(op, leftCell, 0, rightCell, 0, keepCell, 0, 1);
    return { value: a, keep: keepCell[0] === 1, complaint: null };
  }
  arithmetic(op, leftCell, 0, rightCell, 0, outCell, 0, 1);
  return { value: outCell[0], keep: true, complaint: null };
}
