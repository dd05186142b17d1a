// The quantile of a few values without sorting all of them: the one or two that matter are selected by partitioning (Hoare's algorithm).
import { quantile } from '../../kernel/index.ts';

/** Moves the values so that the one at `wanted` is where sorting would have it, less ones before it and greater ones behind. */
function select(values: Float64Array, count: number, wanted: number): void {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const value = values[i];
      values[i++] = values[j];
      values[j--] = value;
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else return;
  }
}

/** Whether comparing does not order some of the values: NaN, and -0. */
function hasUnordered(values: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (Number.isNaN(value) || Object.is(value, -0)) return true;
  }
  return false;
}

/** The q-quantile of the first `count` values, which it moves about. The same as quantile() of the kernel, to the bit. */
export function selectQuantile(q: number, values: Float64Array, count: number): number {
  if (count === 0 || !(q >= 0 && q <= 1) || hasUnordered(values, count)) return quantile(q, values.subarray(0, count));
  const rank = q * (count - 1);
  const lower = Math.floor(rank);
  const weight = rank - lower;
  select(values, count, lower);
  let next = values[lower];
  if (lower + 1 < count) {
    next = values[lower + 1];
    for (let i = lower + 2; i < count; i++) if (values[i] < next) next = values[i];
  }
  return values[lower] * (1 - weight) + next * weight;
}
