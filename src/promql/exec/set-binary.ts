// and, or, unless: which series are there, step by step.
import type { VectorMatching } from '../ast.ts';
import type { QueryRun, Work } from './query-run.ts';
import { matchGroups } from './matching.ts';
import { type HistogramBlock, type Vector, dropEmptyRows, mergeSameLabelsets, valueBytes } from './vector.ts';

/** Per match group and step: whether any row of the group is there. */
function* groupPresence(v: Vector, groupOf: Uint32Array, groups: number, run: QueryRun): Work<Uint8Array> {
  const { steps, has } = v;
  run.expect(groups * steps);
  const there = new Uint8Array(groups * steps);
  for (let row = 0; row < groupOf.length; row++) {
    if (run.isDue(steps)) yield;
    const from = row * steps;
    const to = groupOf[row] * steps;
    for (let i = 0; i < steps; i++) there[to + i] |= has[from + i];
  }
  return there;
}

/** The vector's presence where the group's is (or is not, if `inverted`). */
function* masked(v: Vector, groupOf: Uint32Array, there: Uint8Array, inverted: boolean, run: QueryRun): Work<Vector> {
  const { steps } = v;
  const has = new Uint8Array(v.has.length);
  for (let row = 0; row < groupOf.length; row++) {
    if (run.isDue(steps)) yield;
    const at = row * steps;
    const group = groupOf[row] * steps;
    for (let i = 0; i < steps; i++) if ((there[group + i] !== 0) !== inverted) has[at + i] = v.has[at + i];
  }
  return dropEmptyRows({ ...v, has });
}

export function* setBinary(
  op: 'and' | 'or' | 'unless',
  left: Vector,
  right: Vector,
  matching: VectorMatching,
  run: QueryRun,
): Work<Vector> {
  const groups = matchGroups(left.labels, right.labels, matching);
  if (op !== 'or') {
    const there = yield* groupPresence(right, groups.right, groups.count, run);
    return yield* masked(left, groups.left, there, op === 'unless', run);
  }
  const there = yield* groupPresence(left, groups.left, groups.count, run);
  const added = yield* masked(right, groups.right, there, true, run);
  run.expect(valueBytes(left) + valueBytes(added));
  return mergeSameLabelsets(concatenate(left, added));
}

/** Rows of both. */
export function concatenate(a: Vector, b: Vector): Vector {
  if (b.labels.length === 0) return a;
  if (a.labels.length === 0) return b;
  const vs = new Float64Array(a.vs.length + b.vs.length);
  const has = new Uint8Array(a.has.length + b.has.length);
  const dropName = new Uint8Array(a.dropName.length + b.dropName.length);
  vs.set(a.vs);
  vs.set(b.vs, a.vs.length);
  has.set(a.has);
  has.set(b.has, a.has.length);
  dropName.set(a.dropName);
  dropName.set(b.dropName, a.dropName.length);
  const blank = (v: Vector): HistogramBlock => v.hs ?? new Array<null>(v.vs.length).fill(null);
  const hs = a.hs === null && b.hs === null ? null : [...blank(a), ...blank(b)];
  return { type: 'vector', steps: a.steps, labels: [...a.labels, ...b.labels], vs, has, hs, dropName };
}
