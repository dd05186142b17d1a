// Integers decoded as numbers: k / power, without the integers themselves. Where residuals and their sums are i32s, which is nearly always,
// that is four at a time: sums become floats, exact below 2^53, and are multiplied. Else it is one by one; the numbers are the same.
import { INTEGER_MAX, unzigzag } from './bits';
import {
  base,
  difference,
  first,
  isLevel,
  isZigzag,
  order,
  readHead,
  residualsOf,
  step,
} from './integers';
import { INTEGERS, NARROW, TAIL } from './memory';
import { NARROW_WIDTH_MAX } from './narrow';
import { BLOCK, getNarrow, getPacked, widestOf } from './packed';
import { divide } from './scale';

const SUM_MAX: u64 = 0x7fffffff;
/** Added to an i64 within ±2^51 it makes a float's bits, 3 × 2^51 too high. */
const BIAS_BITS: i64 = 0x4338000000000000;
const BIAS: f64 = 6755399441055744;

function distance(value: i64): u64 {
  return u64(value < 0 ? -value : value);
}

/** Whether residuals of up to `width` bits and their sums are i32s, and what comes of them exact in floats. */
function isNarrow(width: u32, residuals: u32): bool {
  if (width > NARROW_WIDTH_MAX) return false;
  const most = isZigzag ? (u64(1) << u64(width)) >> 1 : (u64(1) << u64(width)) + min<u64>(distance(base), SUM_MAX);
  const start = order == 2 ? min<u64>(distance(difference), SUM_MAX) : 0;
  const sum = order ? most * u64(residuals) + start : most;
  if (sum > SUM_MAX) return false;
  const total = order == 2 ? sum * u64(residuals + 1) : sum;
  return f64(total) * f64(u64(step)) + abs<f64>(f64(first)) < INTEGER_MAX / 2;
}

/** Decodes `count` (1..2047) integers as k / power to `out`; returns the address after them, or 0 if they are malformed. */
export function getNumbers(at: usize, end: usize, out: usize, count: u32, power: f64): usize {
  if (!(at = readHead(at, end))) return 0;
  const residuals = residualsOf(count);
  const from = out + (usize(count - residuals) << 3);
  const isFast = !isLevel && isNarrow(widestOf(at, end, residuals), residuals);
  if (!(at = isFast ? getBlocks(at, end, from, residuals) : getWide(at, end, from, residuals))) return 0;
  store<f64>(out, f64(first));
  if (order == 2 && count > 1) store<f64>(out, f64(first + difference * step), 8);
  if (power != 1) divide(out, count, power);
  return at;
}

/** Sums so far: of differences, or with order 2 of the differences of those, and of what they sum up to. */
let sum: i32 = 0;
let sumOfSums: i64 = 0;

function getBlocks(at: usize, end: usize, out: usize, count: u32): usize {
  sum = i32(difference);
  sumOfSums = difference;
  for (let i: u32 = 0; i < count && at; i += BLOCK, out += usize(BLOCK) << 3) {
    const length = min<u32>(BLOCK, count - i);
    at = getNarrow(at, end, length);
    if (order == 0) putOrder0(out, length);
    else if (order == 1) putOrder1(out, length);
    else putOrder2(out, length);
  }
  return at;
}

/** Unsigned residuals as what they stand for. `isZigzag` is given, so that it is constant where this is inlined. */
// @ts-ignore: decorator
@inline
function signed(lanes: v128, offsets: v128, isZigzag: bool): v128 {
  if (!isZigzag) return i32x4.add(lanes, offsets);
  return v128.xor(i32x4.shr_u(lanes, 1), i32x4.neg(v128.and(lanes, i32x4.splat(1))));
}

/** Each lane with those before it. Lanes are taken in a row, which machines have an instruction for. */
// @ts-ignore: decorator
@inline
function sums(lanes: v128): v128 {
  const zero = i32x4.splat(0);
  const pairs = i32x4.add(lanes, v128.shuffle<i32>(zero, lanes, 3, 4, 5, 6));
  return i32x4.add(pairs, v128.shuffle<i32>(zero, pairs, 2, 3, 4, 5));
}

// @ts-ignore: decorator
@inline
function putPair(out: usize, numbers: v128, steps: v128, firsts: v128): void {
  v128.store(out, f64x2.add(f64x2.mul(numbers, steps), firsts));
}

/** Where the next four go: behind the last whole four, beside the numbers, which end there. */
// @ts-ignore: decorator
@inline
function placeOf(out: usize, i: u32, count: u32): usize {
  return i + 4 <= count ? out + (usize(i) << 3) : TAIL;
}

function putTail(out: usize, count: u32): void {
  const rest = usize(count & 3) << 3;
  if (rest) memory.copy(out + (usize(count & ~3) << 3), TAIL, rest);
}

// @ts-ignore: decorator
@inline
function order0(out: usize, count: u32, isZigzag: bool): void {
  const offsets = i32x4.splat(i32(base));
  const steps = f64x2.splat(f64(step));
  const firsts = f64x2.splat(f64(first));
  for (let i: u32 = 0; i < count; i += 4) {
    const lanes = signed(v128.load(NARROW + (usize(i) << 2)), offsets, isZigzag);
    const to = placeOf(out, i, count);
    putPair(to, f64x2.convert_low_i32x4_s(lanes), steps, firsts);
    putPair(to + 16, f64x2.convert_low_i32x4_s(v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3)), steps, firsts);
  }
  putTail(out, count);
}

// @ts-ignore: decorator
@inline
function order1(out: usize, count: u32, isZigzag: bool): void {
  const offsets = i32x4.splat(i32(base));
  const steps = f64x2.splat(f64(step));
  const firsts = f64x2.splat(f64(first));
  let before = i32x4.splat(sum);
  for (let i: u32 = 0; i < count; i += 4) {
    const lanes = i32x4.add(sums(signed(v128.load(NARROW + (usize(i) << 2)), offsets, isZigzag)), before);
    before = v128.shuffle<i32>(lanes, lanes, 3, 3, 3, 3);
    const to = placeOf(out, i, count);
    putPair(to, f64x2.convert_low_i32x4_s(lanes), steps, firsts);
    putPair(to + 16, f64x2.convert_low_i32x4_s(v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3)), steps, firsts);
  }
  sum = i32x4.extract_lane(before, 0);
  putTail(out, count);
}

/** Two i64s as floats. */
// @ts-ignore: decorator
@inline
function toFloats(pair: v128): v128 {
  return f64x2.sub(i64x2.add(pair, i64x2.splat(BIAS_BITS)), f64x2.splat(BIAS));
}

// @ts-ignore: decorator
@inline
function order2(out: usize, count: u32, isZigzag: bool): void {
  const zero = i64x2.splat(0);
  const offsets = i32x4.splat(i32(base));
  const steps = f64x2.splat(f64(step));
  const firsts = f64x2.splat(f64(first));
  let before = i32x4.splat(sum);
  let total = i64x2.splat(sumOfSums);
  for (let i: u32 = 0; i < count; i += 4) {
    const lanes = i32x4.add(sums(signed(v128.load(NARROW + (usize(i) << 2)), offsets, isZigzag)), before);
    before = v128.shuffle<i32>(lanes, lanes, 3, 3, 3, 3);
    const low = i64x2.extend_low_i32x4_s(lanes);
    const high = i64x2.extend_high_i32x4_s(lanes);
    const sums0 = i64x2.add(low, v128.shuffle<i64>(zero, low, 1, 2));
    const sums1 = i64x2.add(high, v128.shuffle<i64>(zero, high, 1, 2));
    const pair0 = i64x2.add(sums0, total);
    const pair1 = i64x2.add(sums1, v128.shuffle<i64>(pair0, pair0, 1, 1));
    total = v128.shuffle<i64>(pair1, pair1, 1, 1);
    const to = placeOf(out, i, count);
    putPair(to, toFloats(pair0), steps, firsts);
    putPair(to + 16, toFloats(pair1), steps, firsts);
  }
  sum = i32x4.extract_lane(before, 0);
  sumOfSums = i64x2.extract_lane(total, 0);
  putTail(out, count);
}

function putOrder0(out: usize, count: u32): void {
  if (isZigzag) order0(out, count, true);
  else order0(out, count, false);
}

function putOrder1(out: usize, count: u32): void {
  if (isZigzag) order1(out, count, true);
  else order1(out, count, false);
}

function putOrder2(out: usize, count: u32): void {
  if (isZigzag) order2(out, count, true);
  else order2(out, count, false);
}

/** Any residuals, one by one. */
function getWide(at: usize, end: usize, out: usize, count: u32): usize {
  if (isLevel) memory.fill(INTEGERS, 0, usize(count) << 3);
  else if (!(at = getPacked(at, end, INTEGERS, count))) return 0;
  if (isZigzag) putWide(out, count, true);
  else putWide(out, count, false);
  return at;
}

/** What residual `i` adds: a multiple of the step. */
// @ts-ignore: decorator
@inline
function changeOf(i: usize, isZigzag: bool): i64 {
  const residual = load<i64>(INTEGERS + i);
  return (isZigzag ? unzigzag(residual) : residual + base) * step;
}

// @ts-ignore: decorator
@inline
function putWide(out: usize, count: u32, isZigzag: bool): void {
  const bytes = usize(count) << 3;
  if (order == 0) {
    for (let i: usize = 0; i < bytes; i += 8) store<f64>(out + i, f64(first + changeOf(i, isZigzag)));
    return;
  }
  let change = difference * step;
  let k = first + change;
  if (order == 1) {
    for (let i: usize = 0; i < bytes; i += 8) store<f64>(out + i, f64((k += changeOf(i, isZigzag))));
    return;
  }
  for (let i: usize = 0; i < bytes; i += 8) store<f64>(out + i, f64((k += change += changeOf(i, isZigzag))));
}
