// Variances of groups, independent of the order of their series. A state holds the count, the first value (the pivot), the sum of the
// distances to it, and the sum of their squares. Both sums are pairs of numbers with together some 106 bits, kept without error terms
// being lost (Dekker's products, Knuth's sums), so that pivots of different states can be exchanged without harm and the result
// is right to its last bit unless the first value lies many millions of deviations away from the others.
//
//   planes:  count | pivot | sum | its low part | squares | their low part          squares = NaN: some value was not finite
import { isInfinite } from './kahan.ts';

type Planes = readonly Float64Array[];

export const VARIANCE_PLANES = 6;
const [COUNT, PIVOT, SUM, SUM_LOW, SQUARES, SQUARES_LOW] = [0, 1, 2, 3, 4, 5];
/** Splits a number's 53 bits in two halves. */
const SPLIT = 134217729;

const sumError = (a: number, b: number, sum: number): number => {
  const part = sum - a;
  return a - (sum - part) + (b - part);
};

const high = (x: number): number => {
  const scaled = SPLIT * x;
  return scaled - (scaled - x);
};

const productError = (a: number, b: number, product: number): number => {
  const [a1, b1] = [high(a), high(b)];
  const [a2, b2] = [a - a1, b - b1];
  return a1 * b1 - product + a1 * b2 + a2 * b1 + a2 * b2;
};

/** Adds a number and its low part to the pair of planes that begins at `plane`. */
function addPair(s: Planes, plane: number, i: number, x: number, low: number): void {
  const before = s[plane][i];
  const sum = before + x;
  s[plane][i] = sum;
  s[plane + 1][i] = isInfinite(sum) ? 0 : s[plane + 1][i] + (sumError(before, x, sum) + low);
}

export function addToVariance(s: Planes, i: number, x: number): void {
  s[COUNT][i]++;
  const squares = s[SQUARES][i];
  const pivot = s[PIVOT][i];
  const distance = x - pivot;
  if (!Number.isFinite(distance)) s[SQUARES][i] = NaN;
  if (!Number.isFinite(distance) || !Number.isFinite(squares)) return;
  const low = sumError(x, -pivot, distance);
  const square = distance * distance;
  const squareLow = isInfinite(square) ? 0 : productError(distance, distance, square) + 2 * distance * low;
  addPair(s, SUM, i, distance, low);
  addPair(s, SQUARES, i, square, squareLow);
}

/** The other state's sums, as if they were of the distances to our pivot. */
export function mergeVariance(s: Planes, i: number, from: Planes, j: number): void {
  const n = from[COUNT][j];
  const otherPivot = from[PIVOT][j];
  const otherSquares = from[SQUARES][j];
  if (n === 1) return addToVariance(s, i, otherPivot);
  s[COUNT][i] += n;
  const distance = otherPivot - s[PIVOT][i];
  if (Number.isNaN(otherSquares) || !Number.isFinite(distance)) s[SQUARES][i] = NaN;
  const squares = s[SQUARES][i];
  if (!Number.isFinite(squares)) return;
  const low = sumError(otherPivot, -s[PIVOT][i], distance);
  const sum = from[SUM][j] + from[SUM_LOW][j];
  const sumLow = from[SUM][j] - sum + from[SUM_LOW][j];
  const moved = n * distance;
  const square = distance * distance;
  const squareMoved = n * square;
  const twice = 2 * distance;
  const mixed = twice * sum;
  if (!Number.isFinite(squareMoved) || !Number.isFinite(mixed) || isInfinite(otherSquares)) {
    s[SQUARES][i] = Infinity;
    s[SQUARES_LOW][i] = 0;
    return;
  }
  addPair(s, SUM, i, from[SUM][j], from[SUM_LOW][j]);
  addPair(s, SUM, i, moved, productError(n, distance, moved) + n * low);
  addPair(s, SQUARES, i, otherSquares, from[SQUARES_LOW][j]);
  addPair(s, SQUARES, i, mixed, productError(twice, sum, mixed) + twice * sumLow + 2 * low * sum);
  const squareLow = productError(distance, distance, square) + 2 * distance * low;
  addPair(s, SQUARES, i, squareMoved, productError(n, square, squareMoved) + n * squareLow);
}

/** (squares - sum^2 / n) / n */
export function varianceOf(s: Planes, i: number): number {
  const n = s[COUNT][i];
  const squares = s[SQUARES][i] + s[SQUARES_LOW][i];
  const sum = s[SUM][i] + s[SUM_LOW][i];
  const square = sum * sum;
  if (!Number.isFinite(squares) || !Number.isFinite(square)) return squares;
  const squaresLow = s[SQUARES][i] - squares + s[SQUARES_LOW][i];
  const sumLow = s[SUM][i] - sum + s[SUM_LOW][i];
  const share = square / n;
  const product = share * n;
  const rest = square - product - productError(share, n, product) + (productError(sum, sum, square) + 2 * sum * sumLow);
  const difference = squares - share;
  const exact = difference + (sumError(squares, -share, difference) + (squaresLow - rest / n));
  return exact > 0 ? exact / n : 0;
}
