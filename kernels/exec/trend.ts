// deriv and predict_linear (least squares with compensated sums), and double exponential smoothing.

import { out, present, ts, vs, windows } from './column';
import { compensate2 } from './kahan';

let slope: f64 = 0;
let intercept: f64 = 0;

// @ts-ignore: decorator
@inline
function valueAt(i: i32): f64 {
  return load<f64>(vs + ((<usize>i) << 3));
}

// The four sums are compensated two by two: x and y in the lanes of one vector, xy and x2 in those of another.
function regress(from: i32, to: i32, atMs: f64): void {
  let sums = f64x2.splat(0.0);
  let c = f64x2.splat(0.0);
  let products = f64x2.splat(0.0);
  let cProducts = f64x2.splat(0.0);
  const firstY = valueAt(from);
  let constant = true;
  for (let i = from; i < to; i++) {
    const y = valueAt(i);
    constant = constant && (i === from || y === firstY);
    const x = (load<f64>(ts + ((<usize>i) << 3)) - atMs) / 1000.0;
    const xs = f64x2.splat(x);
    const xy = f64x2.replace_lane(xs, 1, y);
    let t = f64x2.add(sums, xy);
    c = compensate2(sums, xy, t, c);
    sums = t;
    // x * y in lane 0, x * x in lane 1.
    const product = f64x2.mul(xs, f64x2.replace_lane(xs, 0, y));
    t = f64x2.add(products, product);
    cProducts = compensate2(products, product, t, cProducts);
    products = t;
  }
  if (constant) {
    const infinite = abs(firstY) === Infinity;
    slope = infinite ? NaN : 0.0;
    intercept = infinite ? NaN : firstY;
    return;
  }
  const n = <f64>(to - from);
  const total = f64x2.add(sums, c);
  const totalProducts = f64x2.add(products, cProducts);
  const x = f64x2.extract_lane(total, 0);
  const y = f64x2.extract_lane(total, 1);
  const covariance = f64x2.extract_lane(totalProducts, 0) - (x * y) / n;
  const varianceX = f64x2.extract_lane(totalProducts, 1) - (x * x) / n;
  slope = covariance / varianceX;
  intercept = y / n - (slope * x) / n;
}

/** deriv, or with `predict` the line's value `seconds` after the evaluation time, `offsetMs` past the window's end. */
export function lines(startMs: f64, stepMs: f64, steps: i32, predict: bool, seconds: f64, offsetMs: f64): i32 {
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const from = load<i32>(windows + ((<usize>i) << 3));
    const to = load<i32>(windows + ((<usize>i) << 3), 4);
    const has = to - from >= 2;
    store<u8>(present + <usize>i, has);
    if (!has) continue;
    found++;
    const endMs = startMs + <f64>i * stepMs;
    regress(from, to, predict ? endMs + offsetMs : load<f64>(ts + ((<usize>from) << 3)));
    store<f64>(out + ((<usize>i) << 3), predict ? slope * seconds + intercept : slope);
  }
  return found;
}

/** Holt's linear method: `sf` smooths the level, `tf` the trend. */
export function smoothings(steps: i32, sf: f64, tf: f64): i32 {
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const from = load<i32>(windows + ((<usize>i) << 3));
    const to = load<i32>(windows + ((<usize>i) << 3), 4);
    const has = to - from >= 2;
    store<u8>(present + <usize>i, has);
    if (!has) continue;
    found++;
    store<f64>(out + ((<usize>i) << 3), smoothed(from, to, sf, tf));
  }
  return found;
}

function smoothed(from: i32, to: i32, sf: f64, tf: f64): f64 {
  let before: f64 = 0;
  let level = valueAt(from);
  let trend = valueAt(from + 1) - valueAt(from);
  for (let i = from + 1; i < to; i++) {
    const x = sf * valueAt(i);
    if (i > from + 1) trend = tf * (level - before) + (1.0 - tf) * trend;
    const y = (1.0 - sf) * (level + trend);
    before = level;
    level = x + y;
  }
  return level;
}
