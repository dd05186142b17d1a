// The sort functions: they order the series of an instant query.
import { compareLabels } from '../../model/index.ts';
import { type Vector, takeRows } from '../exec/vector.ts';

/** By value, NaN last. */
export function sortByValue(v: Vector, descending: boolean): Vector {
  const sign = descending ? -1 : 1;
  const order = v.labels.map((_, row) => row).filter((row) => v.has[row] === 1);
  order.sort((a, b) => {
    const [x, y] = [v.vs[a], v.vs[b]];
    if (Number.isNaN(x) || Number.isNaN(y)) return (Number.isNaN(x) ? 1 : 0) - (Number.isNaN(y) ? 1 : 0);
    return x === y ? 0 : (x < y ? -1 : 1) * sign;
  });
  return takeRows(v, order);
}

const CHUNKS = /\d+|\D+/g;

/** Natural order: runs of digits compare as numbers. */
export function naturalLess(a: string, b: string): boolean {
  const left = a.match(CHUNKS) ?? [''];
  const right = b.match(CHUNKS) ?? [''];
  for (let i = 0; i < left.length; i++) {
    if (i >= right.length) return false;
    const numeric = /^\d/.test(left[i]) && /^\d/.test(right[i]);
    const [x, y] = numeric ? [BigInt(left[i]), BigInt(right[i])] : [left[i], right[i]];
    if (x !== y) return x < y;
    if (i === left.length - 1) return true;
    if (i === right.length - 1) return false;
  }
  return false;
}

/** By the named labels in natural order, then by all labels. */
export function sortByLabel(v: Vector, names: readonly string[], descending: boolean): Vector {
  const sign = descending ? -1 : 1;
  const order = v.labels.map((_, row) => row);
  order.sort((a, b) => {
    for (const name of names) {
      const [x, y] = [v.labels[a].get(name), v.labels[b].get(name)];
      if (x !== y) return (naturalLess(x, y) ? -1 : 1) * sign;
    }
    return compareLabels(v.labels[a], v.labels[b]) * sign;
  });
  return takeRows(v, order);
}
