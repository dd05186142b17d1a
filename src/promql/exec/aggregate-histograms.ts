// sum and avg of native histograms, series by series in their order, as Prometheus does it: a group that has both floats and
// histograms at a step has no value there, and neither has one whose histograms do not go together.
import { HistogramAccumulator, HistogramAverage, type NativeHistogram, compact } from '../../model/index.ts';
import type { Remarks } from '../annotations.ts';
import type { QueryRun } from './query-run.ts';
import type { Vector } from './vector.ts';

/** One group at one step. */
interface Running {
  hasFloat: boolean;
  hasHistogram: boolean;
  /** The first sample was a histogram; null: a float, so that none are added. */
  sum: HistogramAccumulator | HistogramAverage | null;
  isIncompatible: boolean;
  hints: Set<string>;
}

const begin = (op: 'sum' | 'avg', first: NativeHistogram): HistogramAccumulator | HistogramAverage =>
  op === 'sum' ? new HistogramAccumulator(first) : new HistogramAverage(first);

function addHistogram(to: Running, h: NativeHistogram, metricName: string, remarks: Remarks): void {
  to.hasHistogram = true;
  if (to.sum === null) return;
  to.hints.add(h.resetHint);
  const outcome = to.sum.add(h);
  if (outcome === null) {
    to.isIncompatible = true;
    remarks.add('mixedExponentialCustom', metricName);
  } else if (outcome.reconciled) {
    remarks.add('boundsReconciled', 'aggregation');
  }
}

/** All rows of a group at a step; null: there are no histograms. */
function runStep(
  op: 'sum' | 'avg',
  v: Vector,
  rows: readonly number[],
  step: number,
  remarks: Remarks,
): Running | null {
  const places = rows.map((row) => row * v.steps + step).filter((at) => v.has[at] !== 0);
  if (!places.some((at) => v.has[at] === 2)) return null;
  const out: Running = { hasFloat: false, hasHistogram: false, sum: null, isIncompatible: false, hints: new Set() };
  places.forEach((at, i) => {
    const h = v.has[at] === 2 ? (v.hs?.[at] ?? null) : null;
    if (out.isIncompatible) return;
    if (h === null) {
      out.hasFloat = true;
    } else if (i === 0) {
      out.hasHistogram = true;
      out.sum = begin(op, h);
      out.hints.add(h.resetHint);
    } else {
      addHistogram(out, h, v.labels[Math.floor(at / v.steps)].get('__name__'), remarks);
    }
  });
  return out;
}

/** Puts groups with histograms into `out`, which has the aggregated floats; both have the same groups in the same order. */
export function sumHistograms(
  op: 'sum' | 'avg',
  v: Vector,
  members: readonly (readonly number[])[],
  out: Vector,
  run: QueryRun,
  remarks: Remarks,
): Vector {
  const hs = new Array<NativeHistogram | null>(out.vs.length).fill(null);
  const has = out.has.slice();
  members.forEach((rows, group) => {
    run.check();
    for (let step = 0; step < v.steps; step++) {
      const found = runStep(op, v, rows, step, remarks);
      if (found === null) continue;
      const at = group * v.steps + step;
      has[at] = 0;
      if (found.hasFloat && found.hasHistogram) {
        remarks.add('mixedFloatsHistogramsAggregation');
      } else if (!found.isIncompatible && found.sum !== null) {
        hs[at] = compact(found.sum.total());
        has[at] = 2;
        if (found.hints.has('reset') && found.hints.has('not_reset')) remarks.add('resetCollision', 'aggregation');
      }
    }
  });
  return { ...out, has, hs };
}
