// The aggregations, one value at a time, and how partial states of different shards meet. Prometheus' answer depends on the order of
// its series in the last bits; ours may not, since series come in another order from each number of shards, and from head and
// blocks. So each state holds about twice the digits of the result, and the result is rounded once, at the end: the order in which
// values came and states met is lost in that rounding, unless the values cancel out to some 2^-50 of their size or overflow on the way.
//
//   sum      compensated as in Prometheus: the value and what was lost
//   avg      likewise, divided at the end; where the sum would overflow, an incremental mean as in Prometheus
//   stddev   sums of the distances to the first value, and of their squares, see exec-twin-variance.ts
//   min, max -0 is less than +0;  count, group: exact
//
// Merging: sums add up like values, compensations among themselves; of averages one of which is a mean, both become means, weighted by
// their share of the count. A merge with a state of one series gives the same bits as adding that series.
//
// A group's state as numbers: ceil(steps / 32) words of presence bits for sum, min, max and group; then the planes, each
// `steps` long:  sum: value, compensation.  min, max: value.  count: count.  stddev, stdvar: see exec-twin-variance.ts.
// avg: count (negative: the value is a mean), value, compensation. A count of 0 is an absent step.

import type { FoldOperator } from './exec-kernel.ts';
import { VARIANCE_PLANES, addToVariance, mergeVariance, varianceOf } from './exec-twin-variance.ts';
import { KahanSum, isInfinite } from './kahan.ts';

/** The planes of a state: step i of group g is at g * steps + i. Presence is where the first plane is not 0. */
export type Planes = readonly Float64Array[];

export interface Fold {
  /** Planes in use; of these, whether the first one is a count (and tells presence). */
  readonly planes: number;
  readonly counted: boolean;
  first(s: Planes, i: number, x: number): void;
  next(s: Planes, i: number, x: number): void;
  merge(s: Planes, i: number, from: Planes, j: number): void;
  result(s: Planes, i: number): number;
}

const kahan = new KahanSum();

function addToSum(s: Planes, i: number, value: number, compensation: number): void {
  kahan.set(s[0][i], s[1][i]);
  kahan.add(value);
  if (compensation !== 0 && !isInfinite(kahan.sum)) kahan.c += compensation;
  s[0][i] = kahan.sum;
  s[1][i] = kahan.c;
}

const sum: Fold = {
  planes: 2,
  counted: false,
  first(s, i, x) {
    s[0][i] = x;
    s[1][i] = 0;
  },
  next: (s, i, x) => addToSum(s, i, x, 0),
  merge: (s, i, from, j) => addToSum(s, i, from[0][j], from[1][j]),
  result: (s, i) => s[0][i] + s[1][i],
};

function extreme(isBetter: (x: number, than: number) => boolean, zero: number): Fold {
  const next = (s: Planes, i: number, x: number): void => {
    if (isBetter(x, s[0][i]) || Number.isNaN(s[0][i]) || (s[0][i] === 0 && Object.is(x, zero))) s[0][i] = x;
  };
  return {
    planes: 1,
    counted: false,
    first(s, i, x) {
      s[0][i] = x;
    },
    next,
    merge: (s, i, from, j) => next(s, i, from[0][j]),
    result: (s, i) => s[0][i],
  };
}

const count: Fold = {
  planes: 1,
  counted: true,
  first(s, i) {
    s[0][i] = 1;
  },
  next(s, i) {
    s[0][i]++;
  },
  merge(s, i, from, j) {
    s[0][i] += from[0][j];
  },
  result: (s, i) => s[0][i],
};

const group: Fold = {
  planes: 0,
  counted: false,
  first() {},
  next() {},
  merge() {},
  result: () => 1,
};

/** Folds `n` values with this sum or mean (count < 0: mean) into an average. */
function addToAverage(s: Planes, i: number, otherCount: number, value: number, compensation: number): void {
  const [counts, values, compensations] = s;
  const n1 = Math.abs(counts[i]);
  const n2 = Math.abs(otherCount);
  const n = n1 + n2;
  if (counts[i] > 0 && otherCount > 0) {
    kahan.set(values[i], compensations[i]);
    kahan.add(value);
    if (!isInfinite(kahan.sum)) {
      counts[i] = n;
      values[i] = kahan.sum;
      compensations[i] = compensation === 0 ? kahan.c : kahan.c + compensation;
      return;
    }
  }
  const mean1 = counts[i] > 0 ? values[i] / n1 : values[i];
  const c1 = counts[i] > 0 ? compensations[i] / n1 : compensations[i];
  const q = n1 / n;
  kahan.set(q * mean1, q * c1);
  if (n2 === 1) {
    kahan.add(value / n);
  } else {
    const q2 = n2 / n;
    const mean2 = otherCount > 0 ? value / n2 : value;
    const c2 = otherCount > 0 ? compensation / n2 : compensation;
    kahan.add(q2 * mean2);
    if (c2 !== 0 && !isInfinite(kahan.sum)) kahan.c += q2 * c2;
  }
  counts[i] = -n;
  values[i] = kahan.sum;
  compensations[i] = kahan.c;
}

const avg: Fold = {
  planes: 3,
  counted: true,
  first(s, i, x) {
    s[0][i] = 1;
    s[1][i] = x;
    s[2][i] = 0;
  },
  next: (s, i, x) => addToAverage(s, i, 1, x, 0),
  merge: (s, i, from, j) => addToAverage(s, i, from[0][j], from[1][j], from[2][j]),
  result([counts, values, compensations], i) {
    const n = counts[i];
    const total = values[i] + compensations[i];
    if (n < 0 || !Number.isFinite(total)) return n < 0 ? total : total / n;
    // The sum with as much of it as possible in one number, whatever the order left in the compensation.
    return total / n + (values[i] - total + compensations[i]) / n;
  },
};

const variance = (toResult: (variance: number) => number): Fold => ({
  planes: VARIANCE_PLANES,
  counted: true,
  first(s, i, x) {
    s[0][i] = 1;
    s[1][i] = x;
    for (let p = 2; p < VARIANCE_PLANES; p++) s[p][i] = 0;
    if (!Number.isFinite(x)) s[4][i] = NaN;
  },
  next: addToVariance,
  merge: mergeVariance,
  result: (s, i) => toResult(varianceOf(s, i)),
});

export const FOLDS: Record<FoldOperator, Fold> = {
  sum,
  avg,
  min: extreme((x, than) => x < than, -0),
  max: extreme((x, than) => x > than, 0),
  count,
  group,
  stddev: variance(Math.sqrt),
  stdvar: variance((x) => x),
};

/** How an operator's exported state is laid out. */
export const foldShape = (op: FoldOperator): Pick<Fold, 'planes' | 'counted'> => FOLDS[op];

/** Length of an exported state. */
export function stateLength(fold: Pick<Fold, 'planes' | 'counted'>, steps: number): number {
  return fold.planes * steps + (fold.counted ? 0 : Math.ceil(steps / 32));
}
