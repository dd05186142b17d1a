// The order of series in a block: by tenant, then metric name (those without one first), then labels, name by name and value by value, the shorter
// first. Symbols are numbered in the order of their bytes, so comparing numbers compares texts.

/** Value symbol of the metric name among labels (name, value, ...), or -1. */
function metricNameOf(name: number, labels: ArrayLike<number>, length: number): number {
  for (let i = 0; i < length && labels[i] <= name; i += 2) if (labels[i] === name) return labels[i + 1];
  return -1;
}

/**
 * Negative, zero or positive. `metricName` is the symbol of `__name__`, or -1; of labels the first `length` numbers count.
 */
export function compareSeries(
  metricName: number,
  tenantA: number,
  a: ArrayLike<number>,
  lengthA: number,
  tenantB: number,
  b: ArrayLike<number>,
  lengthB: number,
): number {
  if (tenantA !== tenantB) return tenantA - tenantB;
  const names = metricNameOf(metricName, a, lengthA) - metricNameOf(metricName, b, lengthB);
  if (names !== 0) return names;
  const length = Math.min(lengthA, lengthB);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return lengthA - lengthB;
}
