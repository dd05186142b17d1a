// The aggregations, one value at a time, and how partial states of different shards meet. Within a shard the order of
// operations is that of Prometheus' engine (the first value starts the group; sums are compensated; averages are sums until
// they would overflow, then incremental means; variances are Welford's without compensation).
//
// Merging rules, applied in the order the caller merges (shard order, so answers do not depend on timing):
//   sum      the other sum is added like a value, then its compensation to ours, unless the sum is infinite
//   avg      sums merge like `sum` while that stays finite; else both become means, weighted by their share of the count
//   stddev   Chan's update of (count, mean, squares); a state of one series is folded like a value
//   min, max, count, group are exact (of -0 and +0, and only there, the first one wins)
// A merge with a state of one series gives the same bits as adding that series.
//
// A group's state as numbers: ceil(steps / 32) words of presence bits for sum, min, max and group; then the planes, each
// `steps` long:  sum: value, compensation.  min, max: value.  count: count.  stddev, stdvar: count, mean, squares.
// avg: count (negative: the value is a mean), value, compensation. A count of 0 is an absent step.

import type { FoldOperator } from './exec-kernel.ts';
import { KahanSum, isInfinite } from './kahan.ts';

/** The planes of a state: step i of group g is at g * steps + i. Presence is where the first plane is not 0. */
export type Planes = readonly [Float64Array, Float64Array, Float64Array];

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

function extreme(isBetter: (x: number, than: number) => boolean): Fold {
  const next = (s: Planes, i: number, x: number): void => {
    if (isBetter(x, s[0][i]) || Number.isNaN(s[0][i])) s[0][i] = x;
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
    return n < 0 ? values[i] + compensations[i] : values[i] / n + compensations[i] / n;
  },
};

function variance(toResult: (variance: number) => number): Fold {
  const next = ([counts, means, squares]: Planes, i: number, x: number): void => {
    counts[i]++;
    const delta = x - means[i];
    means[i] += delta / counts[i];
    squares[i] += delta * (x - means[i]);
  };
  return {
    planes: 3,
    counted: true,
    first(s, i, x) {
      s[0][i] = 1;
      s[1][i] = x;
      s[2][i] = Number.isFinite(x) ? 0 : NaN;
    },
    next,
    merge(s, i, from, j) {
      const [counts, means, squares] = s;
      const n2 = from[0][j];
      if (n2 === 1) return next(s, i, from[1][j]);
      const n1 = counts[i];
      const n = n1 + n2;
      const delta = from[1][j] - means[i];
      counts[i] = n;
      means[i] += (delta * n2) / n;
      squares[i] = squares[i] + from[2][j] + (delta * delta * n1 * n2) / n;
    },
    result: (s, i) => toResult(s[2][i] / s[0][i]),
  };
}

export const FOLDS: Record<FoldOperator, Fold> = {
  sum,
  avg,
  min: extreme((x, than) => x < than),
  max: extreme((x, than) => x > than),
  count,
  group,
  stddev: variance(Math.sqrt),
  stdvar: variance((x) => x),
};

/** Length of an exported state. */
export function stateLength(fold: Fold, steps: number): number {
  return fold.planes * steps + (fold.counted ? 0 : Math.ceil(steps / 32));
}
