// Values as integers: each is k / 10^exponent, up to a correction of a few units in the last place, which sums of decimals pick up.
// A value that is not even that is an exception. If too many are, the raw bits themselves are the integers.
import { INTEGER_MAX, bitWidth } from './bits';
import { CORRECTIONS, INTEGERS } from './memory';

/** Instead of an exponent: integers are raw bits. */
export const RAW: u32 = 30;
const CHOSEN_MAX: u32 = 15;
export const EXPONENT_MAX: u32 = 22;
const CORRECTION_MAX: u64 = 255;
const SAMPLED: u32 = 32;
/** An exponent's digit costs log2(10) bits a value, a bit of correction one bit, an exception about 80: all in tenths. */
const DIGIT_COST: u32 = 33;
const BIT_COST: u32 = 10;
const EXCEPTION_COST: u32 = 800;

/** Exceptions that `scaleBy` met, and whether any correction is not zero. */
export let exceptions: u32 = 0;
export let isCorrected: bool = false;

/** 10^exponent, exact up to 22. */
export function power10(exponent: u32): f64 {
  let power: f64 = 1;
  for (let i: u32 = 0; i < exponent; i++) power *= 10;
  return power;
}

/** Not NaN, infinite, -0 or beyond the exact integers. */
// @ts-ignore: decorator
@inline
function isOrdinary(bits: u64): bool {
  return abs<f64>(reinterpret<f64>(bits)) < INTEGER_MAX && bits != 0x8000000000000000;
}

// @ts-ignore: decorator
@inline
function correction(bits: u64, k: f64, power: f64): i64 {
  return i64(bits - reinterpret<u64>(k / power));
}

/** Cost of an exponent per value, judged by every `stride`th value; u32.MAX_VALUE if it will not do. */
function costOf(exponent: u32, values: usize, count: u32, stride: u32): u32 {
  const power = power10(exponent);
  let used: u32 = 0;
  let bad: u32 = 0;
  let greatest: u64 = 0;
  for (let i: u32 = 0; i < count; i += stride) {
    const bits = load<u64>(values + (usize(i) << 3));
    if (!isOrdinary(bits)) continue;
    used++;
    const k = nearest<f64>(reinterpret<f64>(bits) * power);
    if (!(abs<f64>(k) < INTEGER_MAX)) return u32.MAX_VALUE;
    const off = correction(bits, k, power);
    const size = u64(off < 0 ? -off : off);
    if (size > CORRECTION_MAX) bad++;
    else greatest = max<u64>(greatest, size);
  }
  if (!used || bad * 8 > used) return u32.MAX_VALUE;
  return exponent * DIGIT_COST + bitWidth(greatest << 1) * BIT_COST + (bad * EXCEPTION_COST) / used;
}

/** The exponent to use, or RAW. A greater `stride` is faster and less certain. */
function chooseExponent(values: usize, count: u32, stride: u32): u32 {
  let best = u32.MAX_VALUE;
  let chosen = RAW;
  for (let exponent: u32 = 0; exponent <= CHOSEN_MAX && exponent * DIGIT_COST < best; exponent++) {
    const cost = costOf(exponent, values, count, stride);
    if (cost >= best) continue;
    best = cost;
    chosen = exponent;
  }
  return chosen;
}

/** Whether all but a sixteenth of the values scale by `exponent`. Writes INTEGERS and CORRECTIONS; an exception repeats what is before it. */
function scaleBy(exponent: u32, values: usize, count: u32): bool {
  const power = power10(exponent);
  let integer: i64 = 0;
  exceptions = 0;
  let corrected: i64 = 0;
  for (let i: usize = 0, end = usize(count) << 3; i < end; i += 8) {
    const bits = load<u64>(values + i);
    const k = nearest<f64>(reinterpret<f64>(bits) * power);
    let off: i64 = 0;
    if (isOrdinary(bits) && abs<f64>(k) < INTEGER_MAX && isSmall((off = correction(bits, k, power)))) {
      integer = i64(k);
      corrected |= off;
    } else {
      exceptions++;
      off = 0;
    }
    store<i64>(INTEGERS + i, integer);
    store<i64>(CORRECTIONS + i, off);
  }
  isCorrected = corrected != 0;
  return exceptions <= 2 + (count >> 4);
}

// @ts-ignore: decorator
@inline
function isSmall(off: i64): bool {
  return u64(off + i64(CORRECTION_MAX)) <= 2 * CORRECTION_MAX;
}

/** Writes the integers of `count` raw values to INTEGERS, their corrections to CORRECTIONS; returns the exponent, or RAW. */
export function toIntegers(values: usize, count: u32): u32 {
  const stride = max<u32>(count / SAMPLED, 1);
  let exponent = chooseExponent(values, count, stride);
  if (exponent != RAW && scaleBy(exponent, values, count)) return exponent;
  if (exponent != RAW && stride > 1) {
    exponent = chooseExponent(values, count, 1);
    if (exponent != RAW && scaleBy(exponent, values, count)) return exponent;
  }
  memory.copy(INTEGERS, values, usize(count) << 3);
  exceptions = 0;
  isCorrected = false;
  return RAW;
}

/** Whether raw bits are what `INTEGERS` and `CORRECTIONS` at `offset` say. */
export function isException(bits: u64, offset: usize, power: f64): bool {
  return reinterpret<u64>(f64(load<i64>(INTEGERS + offset)) / power) + load<u64>(CORRECTIONS + offset) != bits;
}

/** Divides numbers in place: exact to the bit, as a factor would not be. */
export function divide(numbers: usize, count: u32, power: f64): void {
  const powers = f64x2.splat(power);
  const end = numbers + ((usize(count) >> 1) << 4);
  for (; numbers < end; numbers += 16) v128.store(numbers, f64x2.div(v128.load(numbers), powers));
  if (count & 1) store<f64>(numbers, load<f64>(numbers) / power);
}

/** Adds corrections to the bits of numbers. */
export function correct(numbers: usize, corrections: usize, count: u32): void {
  for (let i: usize = 0, end = usize(count) << 3; i < end; i += 8) {
    store<u64>(numbers + i, load<u64>(numbers + i) + load<u64>(corrections + i));
  }
}
