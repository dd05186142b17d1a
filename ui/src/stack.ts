// Lines on top of each other.

/** A line: a value per step, null where it has none. */
export interface Stackable {
  readonly values: readonly (number | null)[];
}

/** Each line on top of those before it. */
export function stacked(lines: readonly Stackable[]): (number | null)[][] {
  const sums = new Array<number>(lines[0]?.values.length ?? 0).fill(0);
  // Where no line has a value there is a gap, not 0.
  const isGap = sums.map((_, i) => lines.every(({ values }) => values[i] === null));
  return lines.map(({ values }) =>
    values.map((value, i) => {
      sums[i] += value ?? 0;
      return isGap[i] ? null : sums[i];
    }),
  );
}
