// Small changes of shape between scalars and vectors, and checks of parameters.
import type { QueryRun, Work } from './query-run.ts';
import { Labels } from '../../model/index.ts';
import { executionError } from '../errors.ts';
import { type Scalar, type Value, type Vector, constantScalar, newVector } from './vector.ts';

/** Whether a parameter is the same at every step (NaN included). */
export function isConstant(vs: Float64Array): boolean {
  for (let i = 1; i < vs.length; i++) if (!Object.is(vs[i], vs[0])) return false;
  return true;
}

/** The parameter at the steps where the vector has anything. */
export function whereAnyPresent(v: Vector, parameter: Scalar): Scalar {
  const found: number[] = [];
  for (let step = 0; step < v.steps; step++) {
    let there = 0;
    for (let i = step; i < v.has.length && there === 0; i += v.steps) there = v.has[i];
    if (there !== 0) found.push(parameter.vs[step]);
  }
  return { type: 'scalar', steps: found.length, vs: Float64Array.from(found) };
}

export function checkSmoothing([level, trend]: readonly Scalar[]): void {
  const check = (name: string, values: Float64Array): void => {
    for (const value of values) {
      if (value > 0 && value < 1) continue;
      throw executionError(`invalid ${name} factor. Expected: 0 < ${name[0]}f < 1, got: ${goFixed(value)}`);
    }
  };
  check('smoothing', level.vs);
  check('trend', trend.vs);
}

/** %f of Go. */
const goFixed = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? value.toFixed(6) : value > 0 ? '+Inf' : '-Inf';

/** A scalar as a vector of one series without labels. */
export function asVector(value: Vector | Scalar): Vector {
  if (value.type === 'vector') return value;
  const out = newVector([Labels.empty], value.steps);
  out.vs.set(value.vs);
  out.has.fill(1);
  return out;
}

/** The value of one step at every step. */
export function* spread(one: Value, steps: number, run: QueryRun): Work<Value> {
  if (one.type === 'scalar') return constantScalar(one.vs[0], steps);
  if (one.type !== 'vector' || steps === one.steps) return one;
  run.expect(one.labels.length * (steps * 9 + 128));
  const plain = newVector(one.labels, steps, one.dropName);
  const hs = one.hs?.flatMap((h) => new Array<typeof h>(steps).fill(h)) ?? null;
  const out = { ...plain, hs };
  for (let row = 0; row < one.labels.length; row++) {
    if (run.isDue(steps)) yield;
    out.vs.fill(one.vs[row], row * steps, (row + 1) * steps);
    out.has.fill(one.has[row], row * steps, (row + 1) * steps);
  }
  return out;
}
