// Variances of groups, independent of the order of their series: sums of the distances to the first value, and of their squares, each
// as a pair of numbers. Rules and layout of the planes: src/kernel/exec-twin-variance.ts.

export const VARIANCE_PLANES: i32 = 6;
/** Splits a number's 53 bits in two halves. */
const SPLIT: f64 = 134217729.0;

// @ts-ignore: decorator
@inline
function plane(at: usize, size: usize, index: usize): f64 {
  return load<f64>(at + index * size);
}

// @ts-ignore: decorator
@inline
function isFinite(x: f64): bool {
  return abs(x) < Infinity;
}

function sumError(a: f64, b: f64, sum: f64): f64 {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

// @ts-ignore: decorator
@inline
function high(x: f64): f64 {
  const scaled = SPLIT * x;
  return scaled - (scaled - x);
}

function productError(a: f64, b: f64, product: f64): f64 {
  const a1 = high(a);
  const b1 = high(b);
  const a2 = a - a1;
  const b2 = b - b1;
  return a1 * b1 - product + a1 * b2 + a2 * b1 + a2 * b2;
}

/** Adds a number and its low part to the pair of planes at `at`. */
function addPair(at: usize, size: usize, x: f64, low: f64): void {
  const before = load<f64>(at);
  const sum = before + x;
  store<f64>(at, sum);
  const lost = load<f64>(at + size) + (sumError(before, x, sum) + low);
  store<f64>(at + size, abs(sum) === Infinity ? 0.0 : lost);
}

export function firstOfVariance(at: usize, size: usize, x: f64): void {
  store<f64>(at, 1.0);
  store<f64>(at + size, x);
  for (let p: usize = 2; p < <usize>VARIANCE_PLANES; p++) store<f64>(at + p * size, 0.0);
  if (!isFinite(x)) store<f64>(at + 4 * size, NaN);
}

export function addToVariance(at: usize, size: usize, x: f64): void {
  store<f64>(at, load<f64>(at) + 1.0);
  const squares = plane(at, size, 4);
  const pivot = plane(at, size, 1);
  const distance = x - pivot;
  if (!isFinite(distance)) store<f64>(at + 4 * size, NaN);
  if (!isFinite(distance) || !isFinite(squares)) return;
  const low = sumError(x, -pivot, distance);
  const square = distance * distance;
  const squareLow = square === Infinity ? 0.0 : productError(distance, distance, square) + 2.0 * distance * low;
  addPair(at + 2 * size, size, distance, low);
  addPair(at + 4 * size, size, square, squareLow);
}

/** The other state's sums, as if they were of the distances to our pivot. */
export function mergeVariance(at: usize, from: usize, size: usize): void {
  const n = load<f64>(from);
  const otherPivot = plane(from, size, 1);
  const otherSquares = plane(from, size, 4);
  if (n === 1.0) {
    addToVariance(at, size, otherPivot);
    return;
  }
  store<f64>(at, load<f64>(at) + n);
  const pivot = plane(at, size, 1);
  const distance = otherPivot - pivot;
  if (otherSquares !== otherSquares || !isFinite(distance)) store<f64>(at + 4 * size, NaN);
  if (!isFinite(plane(at, size, 4))) return;
  const low = sumError(otherPivot, -pivot, distance);
  const sumHigh = plane(from, size, 2);
  const otherLow = plane(from, size, 3);
  const sum = sumHigh + otherLow;
  const sumLow = sumHigh - sum + otherLow;
  const moved = n * distance;
  const square = distance * distance;
  const squareMoved = n * square;
  const twice = 2.0 * distance;
  const mixed = twice * sum;
  if (!isFinite(squareMoved) || !isFinite(mixed) || abs(otherSquares) === Infinity) {
    store<f64>(at + 4 * size, Infinity);
    store<f64>(at + 5 * size, 0.0);
    return;
  }
  addPair(at + 2 * size, size, sumHigh, otherLow);
  addPair(at + 2 * size, size, moved, productError(n, distance, moved) + n * low);
  addPair(at + 4 * size, size, otherSquares, plane(from, size, 5));
  addPair(at + 4 * size, size, mixed, productError(twice, sum, mixed) + twice * sumLow + 2.0 * low * sum);
  const squareLow = productError(distance, distance, square) + 2.0 * distance * low;
  addPair(at + 4 * size, size, squareMoved, productError(n, square, squareMoved) + n * squareLow);
}

/** (squares - sum^2 / n) / n */
export function varianceOf(at: usize, size: usize): f64 {
  const n = load<f64>(at);
  const squaresHigh = plane(at, size, 4);
  const sumHigh = plane(at, size, 2);
  const squares = squaresHigh + plane(at, size, 5);
  const sum = sumHigh + plane(at, size, 3);
  const square = sum * sum;
  if (!isFinite(squares) || !isFinite(square)) return squares;
  const squaresLow = squaresHigh - squares + plane(at, size, 5);
  const sumLow = sumHigh - sum + plane(at, size, 3);
  const share = square / n;
  const product = share * n;
  const rest = square - product - productError(share, n, product) + (productError(sum, sum, square) + 2.0 * sum * sumLow);
  const difference = squares - share;
  const exact = difference + (sumError(squares, -share, difference) + (squaresLow - rest / n));
  return exact > 0.0 ? exact / n : 0.0;
}
