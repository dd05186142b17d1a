// Digits and an exponent as text: positional from 1e-6 to below 1e21, else with an exponent of at least two digits. Zeros at the
// end are left out, but where the point comes behind them. Text is stored in words, beyond its end too.
import { putFour, twiceFourDigits } from './digits';

const MINUS: u8 = 45;
const PLUS: u8 = 43;
const POINT: u8 = 46;
const ZERO: u8 = 48;
const ZEROS: u64 = 0x3030303030303030;

/** Writes 17 digits, of which the first is not 0 and stands for 10^exponent. Stores up to 32 bytes from `at`. */
// @ts-ignore: decorator
@inline
export function putDigits(at: usize, digits: u64, exponent: i32): usize {
  // Each quotient from all digits: none waits for another.
  const to1 = digits / 10000000000000000;
  const to5 = digits / 1000000000000;
  const to9 = digits / 100000000;
  const to13 = digits / 10000;
  const next = twiceFourDigits(to5 - to1 * 10000, to9 - to5 * 10000);
  const last = twiceFourDigits(to13 - to9 * 10000, digits - to13 * 10000);
  const count = 17 - i32((last ? clz<u64>(last) : 64 + clz<u64>(next)) >> 3);
  return putText(at, u8(to1) + ZERO, next | ZEROS, last | ZEROS, count, exponent);
}

/** The digits are the characters `head`, `next`, `last`, `count` of them without the zeros at the end. */
// @ts-ignore: decorator
@inline
function putText(at: usize, head: u8, next: u64, last: u64, count: i32, exponent: i32): usize {
  if (u32(exponent) < 16) return putPointed(at, head, next, last, count, exponent);
  if (exponent < -6 || exponent > 20) return putExponent(at, head, next, last, count, exponent);
  if (exponent < 0) return putSmall(at, head, next, last, count, exponent);
  return putLarge(at, head, next, last, exponent);
}

/** The point is behind one of the first 16 digits, or would be. */
// @ts-ignore: decorator
@inline
function putPointed(at: usize, head: u8, next: u64, last: u64, count: i32, exponent: i32): usize {
  store<u8>(at, head);
  // As behind a point that follows the first digit; then what is before the point is moved to the left.
  store<u64>(at, next, 2);
  store<u64>(at, last, 10);
  if (exponent < 8) {
    store<u64>(at, pointed(next, exponent), 1);
  } else {
    store<u64>(at, next, 1);
    store<u64>(at, pointed(last, exponent - 8), 9);
  }
  const whole = exponent + 1;
  return at + (count > whole ? count + 1 : whole);
}

/** Eight characters with a point before number `place`; the last is left out. */
// @ts-ignore: decorator
@inline
function pointed(text: u64, place: i32): u64 {
  const shift = u64(place << 3);
  const behind = u64(-1) << shift;
  return (text & ~behind) | (u64(POINT) << shift) | ((text & behind) << 8);
}

/** From 1e16 to below 1e21: zeros for what is behind the digits. */
function putLarge(at: usize, head: u8, next: u64, last: u64, exponent: i32): usize {
  store<u8>(at, head);
  store<u64>(at, next, 1);
  store<u64>(at, last, 9);
  store<u32>(at, u32(ZEROS), 17);
  return at + exponent + 1;
}

/** From 1e-6 to below 1. */
// @ts-ignore: decorator
@inline
function putSmall(at: usize, head: u8, next: u64, last: u64, count: i32, exponent: i32): usize {
  store<u64>(at, 0x3030303030302e30); // 0.000000
  at += 1 - exponent;
  store<u8>(at, head);
  store<u64>(at, next, 1);
  store<u64>(at, last, 9);
  return at + count;
}

function putExponent(at: usize, head: u8, next: u64, last: u64, count: i32, exponent: i32): usize {
  store<u8>(at, head);
  store<u8>(at, POINT, 1);
  store<u64>(at, next, 2);
  store<u64>(at, last, 10);
  at += count == 1 ? 1 : count + 1;
  store<u8>(at, 101); // e
  store<u8>(at, exponent < 0 ? MINUS : PLUS, 1);
  const size = u32(abs(exponent));
  // Two digits at least.
  const skipped: u32 = size < 100 ? 2 : 1;
  putFour(at + 2, size);
  store<u32>(at, load<u32>(at + 2) >> (8 * skipped), 2);
  return at + 6 - skipped;
}
