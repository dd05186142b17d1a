// Compensated summation with Neumaier's improvement, in Prometheus' order of operations: sums of histogram buckets.

/** A running sum and what rounding took from it. */
export interface Compensated {
  sum: number;
  c: number;
}

/** Adds a value. An infinite sum has no compensation. */
export function inc(to: Compensated, value: number): void {
  const { sum } = to;
  const total = sum + value;
  if (total === Infinity || total === -Infinity) to.c = 0;
  else if (Math.abs(sum) >= Math.abs(value)) to.c += sum - total + value;
  else to.c += value - total + sum;
  to.sum = total;
}
