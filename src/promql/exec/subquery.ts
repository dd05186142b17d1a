// Range functions over a subquery: the inner steps of each series are a column of samples like any other.
import type { Steps } from '../../kernel/index.ts';
import { type Remark, Remarks } from '../annotations.ts';
import { mixedValue } from '../functions/mixed-range.ts';
import { type MixedRow, type MixedSamples, eachWindow, putValue, unknownResets } from '../functions/mixed-window.ts';
import type { SubqueryCallNode } from '../plan/plan.ts';
import type { QueryRun, Work } from './query-run.ts';
import { RowBlock } from './row-block.ts';
import { asVector } from './shape.ts';
import { type Vector, dropEmptyRows, emptyVector } from './vector.ts';
import type { Scalar } from './vector.ts';
import { type Labels, METRIC_NAME, type NativeHistogram, withHint } from '../../model/index.ts';

/** Parameters that change, or an evaluation time that moves against the window, need a call per step. */
const changesByStep = (node: SubqueryCallNode, parameters: readonly Float64Array[]): boolean =>
  node.evalOffsetStepMs !== 0 || parameters.some((values) => values.some((value) => !Object.is(value, values[0])));

export function* subqueryCall(
  node: SubqueryCallNode,
  value: Vector | Scalar,
  parameters: readonly Float64Array[],
  run: QueryRun,
): Work<{ vector: Vector; names: (readonly [string, string])[]; remarks: readonly Remark[] }> {
  const { steps } = node.windows;
  const inner = asVector(value);
  if (inner.labels.length === 0 || inner.steps === 0) return { vector: emptyVector(steps), names: [], remarks: [] };
  const { kernel } = run;
  kernel.reserve(inner.steps, steps);
  const byStep = changesByStep(node, parameters);
  const labels: Labels[] = [];
  const dropName: number[] = [];
  const names = new Map<string, readonly [string, string]>();
  const remarks = new Remarks();
  const hs: (NativeHistogram | null)[] = [];
  let held = 0;
  const rows = new RowBlock(steps, inner.labels.length, (bytes) => {
    run.hold(bytes);
    held += bytes;
  });
  const evaluate = (n: number): number =>
    byStep ? eachStep(node, n, parameters, run) : allSteps(node, n, parameters, run);
  for (let row = 0; row < inner.labels.length; row++) {
    run.check();
    if (run.shouldYield()) {
      yield;
      kernel.reserve(inner.steps, steps);
    }
    const each = inner.labels[row];
    const mixed = rowHistograms(node, inner, row);
    const n = loadColumn(node, inner, row, run);
    let histograms: (NativeHistogram | null)[] | null = null;
    if (mixed === null) {
      if (n === 0 || evaluate(n) === 0) continue;
    } else {
      if (n > 0) evaluate(n);
      else kernel.present.fill(0, 0, steps);
      histograms = mixedSteps(node, mixed, n, each.get(METRIC_NAME), run, remarks);
      if (!kernel.present.subarray(0, steps).some((present) => present !== 0)) continue;
    }
    const hasFloat = histograms === null || kernel.present.subarray(0, steps).includes(1);
    rows.add(kernel.out, kernel.present);
    if (histograms !== null) while (hs.length < labels.length * steps) hs.push(null);
    if (histograms !== null) hs.push(...histograms);
    labels.push(each);
    dropName.push(inner.dropName[row]);
    if (!hasFloat) continue;
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
    hs: hs.length === 0 ? null : [...hs, ...new Array<null>(labels.length * steps - hs.length).fill(null)],
    dropName: Uint8Array.from(dropName),
  };
  return { vector: dropEmptyRows(vector), names: [...names.values()], remarks: remarks.list() };
}

/** Steps of a subquery are no neighbours in storage: what was known of a reset between neighbours is unknown now. */
export const withoutResetHint = (h: NativeHistogram | null): NativeHistogram | null =>
  h === null || h.resetHint === 'gauge' ? h : withHint(h, 'unknown');

/** The histograms of a row as samples; null: there are none. */
function rowHistograms(node: SubqueryCallNode, inner: Vector, row: number): Pick<MixedSamples, 'hts' | 'hs'> | null {
  if (inner.hs === null) return null;
  const { startMs, stepMs } = node.innerAt;
  const [hts, hs]: [number[], NativeHistogram[]] = [[], []];
  for (let i = 0, at = row * inner.steps; i < inner.steps; i++, at++) {
    if (inner.has[at] !== 2) continue;
    hts.push(startMs + i * stepMs);
    hs.push(withoutResetHint(inner.hs[at]) as NativeHistogram);
  }
  return hts.length === 0 ? null : { hts, hs };
}

/** What the histograms of a row change about the floats' step vector in the kernel; returns those of the result. */
function mixedSteps(
  node: SubqueryCallNode,
  { hts, hs }: Pick<MixedSamples, 'hts' | 'hs'>,
  n: number,
  metricName: string,
  { kernel }: QueryRun,
  remarks: Remarks,
): (NativeHistogram | null)[] {
  const { steps } = node.windows;
  const histograms = new Array<NativeHistogram | null>(steps).fill(null);
  const row: MixedRow = { values: kernel.out, present: kernel.present, histograms };
  const floats = { ts: kernel.ts.slice(0, n), vs: kernel.vs.slice(0, n) };
  const samples: MixedSamples = { ...floats, hts, hs, resets: unknownResets(hs), starts: null };
  eachWindow(samples, node.windows, node.rangeMs, 0, 0, (w, i) =>
    putValue(row, i, mixedValue(node.fn, w, { remarks, metricName })),
  );
  return histograms;
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
