// Range functions over a subquery: the inner steps of each series are a column of samples like any other.
import type { Steps } from '../../kernel/index.ts';
import type { SubqueryCallNode } from '../plan/plan.ts';
import type { QueryRun } from './query-run.ts';
import { RowBlock } from './row-block.ts';
import { asVector } from './shape.ts';
import { type Vector, dropEmptyRows, emptyVector } from './vector.ts';
import type { Scalar } from './vector.ts';
import { type Labels, METRIC_NAME } from '../../model/index.ts';

/** Parameters that change, or an evaluation time that moves against the window, need a call per step. */
const changesByStep = (node: SubqueryCallNode, parameters: readonly Float64Array[]): boolean =>
  node.evalOffsetStepMs !== 0 || parameters.some((values) => values.some((value) => !Object.is(value, values[0])));

export function subqueryCall(
  node: SubqueryCallNode,
  value: Vector | Scalar,
  parameters: readonly Float64Array[],
  run: QueryRun,
): { vector: Vector; names: (readonly [string, string])[] } {
  const { steps } = node.windows;
  const inner = asVector(value);
  if (inner.labels.length === 0 || inner.steps === 0) return { vector: emptyVector(steps), names: [] };
  const { kernel } = run;
  kernel.reserve(inner.steps, steps);
  const byStep = changesByStep(node, parameters);
  const labels: Labels[] = [];
  const dropName: number[] = [];
  const names = new Map<string, readonly [string, string]>();
  let held = 0;
  const rows = new RowBlock(steps, inner.labels.length, (bytes) => {
    run.hold(bytes);
    held += bytes;
  });
  for (let row = 0; row < inner.labels.length; row++) {
    run.check();
    const n = loadColumn(node, inner, row, run);
    if (n === 0) continue;
    const found = byStep ? eachStep(node, n, parameters, run) : allSteps(node, n, parameters, run);
    if (found === 0) continue;
    rows.add(kernel.out, kernel.present);
    const each = inner.labels[row];
    labels.push(each);
    dropName.push(inner.dropName[row]);
    names.set(`${each.get(METRIC_NAME)}\0${each.get('__type__')}`, [each.get(METRIC_NAME), each.get('__type__')]);
  }
  const { values, present } = rows.finish();
  run.release(held);
  const vector: Vector = {
    type: 'vector',
    steps,
    labels,
    vs: values,
    has: present,
    hs: null,
    dropName: Uint8Array.from(dropName),
  };
  return { vector: dropEmptyRows(vector), names: [...names.values()] };
}

/** Present steps of a row as samples in the kernel. */
function loadColumn(node: SubqueryCallNode, inner: Vector, row: number, { kernel }: QueryRun): number {
  const { startMs, stepMs } = node.innerAt;
  const { ts, vs } = kernel;
  let n = 0;
  for (let i = 0, at = row * inner.steps; i < inner.steps; i++, at++) {
    if (inner.has[at] !== 1) continue;
    ts[n] = startMs + i * stepMs;
    vs[n++] = inner.vs[at];
  }
  return n;
}

function allSteps(node: SubqueryCallNode, n: number, parameters: readonly Float64Array[], run: QueryRun): number {
  const second = node.fn === 'predict_linear' ? node.evalOffsetMs : parameters[1]?.[0];
  return run.kernel.range(node.fn, n, node.windows, node.rangeMs, parameters[0]?.[0], second);
}

function eachStep(node: SubqueryCallNode, n: number, parameters: readonly Float64Array[], run: QueryRun): number {
  const { kernel } = run;
  const { steps, startMs, stepMs } = node.windows;
  const values = new Float64Array(steps);
  const present = new Uint8Array(steps);
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const at: Steps = { startMs: startMs + i * stepMs, stepMs: 1, steps: 1 };
    const moved = node.evalOffsetMs + i * node.evalOffsetStepMs;
    const second = node.fn === 'predict_linear' ? moved : parameters[1]?.[i];
    if (kernel.range(node.fn, n, at, node.rangeMs, parameters[0]?.[i], second) === 0) continue;
    values[i] = kernel.out[0];
    present[i] = 1;
    found++;
  }
  kernel.out.set(values);
  kernel.present.set(present);
  return found;
}
