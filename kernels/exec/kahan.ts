// Compensated summation in Prometheus' order (src/kernel/kahan.ts): `t = sum + x`, then the new compensation from both. It
// is 0 while the sum is infinite. The vector form does two independent sums.

/** The compensation after x was added to sum giving t. */
// @ts-ignore: decorator
@inline
export function compensate(sum: f64, x: f64, t: f64, c: f64): f64 {
  const lost = select<f64>(sum - t + x, x - t + sum, abs(sum) >= abs(x));
  return select<f64>(0.0, c + lost, abs(t) === Infinity);
}

// @ts-ignore: decorator
@inline
export function compensate2(sum: v128, x: v128, t: v128, c: v128): v128 {
  const ifSum = f64x2.add(f64x2.sub(sum, t), x);
  const ifX = f64x2.add(f64x2.sub(x, t), sum);
  const lost = v128.bitselect(ifSum, ifX, f64x2.ge(f64x2.abs(sum), f64x2.abs(x)));
  return v128.andnot(f64x2.add(c, lost), f64x2.eq(f64x2.abs(t), f64x2.splat(Infinity)));
}
