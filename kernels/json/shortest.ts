// The shortest decimal that reads back as the same float64, and the closest one of those: Schubfach, after R. Giulietti, "The
// Schubfach way to render doubles" (2020).
//
// A float64 c * 2^q stands for all reals from halfway to the float64 below to halfway to the one above. k is the largest power
// of ten for which 10^k is no longer than that interval, so some multiple of 10^k lies in it, and at most one of 10^(k+1). If
// there is one of 10^(k+1), it is the shortest; else it is the multiple of 10^k that is closest.
//
// The value in units of 10^k is a product of c and 10^-k, of which the table has 128 bits. Here its fraction is off by less
// than 2^-31. If a comparison is as close as that, and where the interval is lopsided, shortest-exact.ts decides.
import { POWERS } from './memory';
import { exactUnits } from './shortest-exact';

const FRACTION_BITS: i32 = 52;
const HIDDEN: u64 = 1 << 52;
/** The smallest exponent of ten in the table. */
const POWER_LEAST: i32 = -292;
/** Integers of 17 digits begin here. */
const DIGITS_17: u64 = 10000000000000000;
const LOW: u64 = 0xffffffff;
// Fractions of units.
const HALF_64: u64 = 1 << 63;
const CLOSE_64: u64 = 1 << 34;
const TEN_60: u64 = 10 << 60;
const CLOSE_60: u64 = 1 << 30;

/** The power of ten of the first digit: the second result of shortest(). */
export let exponent: i32 = 0;

/** Digits of a positive finite float64, of which `bits` are the bits: 17 of them, zeros at the end. Sets `exponent`. */
// @ts-ignore: decorator
@inline
export function shortest(bits: u64): u64 {
  const stored = i32(bits >> FRACTION_BITS);
  const fraction = bits & (HIDDEN - 1);
  const c = fraction | select<u64>(HIDDEN, 0, stored);
  const q = max(stored, 1) - 1075;
  // The float64 below a power of two is closer than the one above.
  const isLopsided = fraction == 0 && stored > 1;
  // floor(log10(2^q)), or of 3/4 of it
  const k = (q * 1262611 - 524031 * i32(isLopsided)) >> 22;
  const power = POWERS + (usize(-k - POWER_LEAST) << 4);
  // 2^q / 10^k is the 128 bits of the table, as a fraction below 1, times 2^shift: 1 to 4.
  const shift = u64(q + ((-k * 1741647) >> 19) + 1);
  let units = isLopsided ? 0 : unitsOf(load<u64>(power), load<u64>(power, 8), c << shift, shift);
  if (!units) units = exactUnits(load<u64>(power), load<u64>(power, 8), c, shift, isLopsided);
  return normal(units, k);
}

/**
 * The decimal in units of 10^k, or 0 if it takes more bits to tell. Without branches for what is as good as random.
 *
 * Of low * by, what comes of the lower half of `low` is left out.
 */
// @ts-ignore: decorator
@inline
function unitsOf(high: u64, low: u64, by: u64, shift: u64): u64 {
  const by0 = by & LOW;
  const by1 = by >> 32;
  const a = (low >> 32) * by1 + (((low >> 32) * by0) >> 32);
  const b0 = (high & LOW) * by0;
  const b1 = (high & LOW) * by1 + (b0 >> 32);
  const b2 = (high >> 32) * by0 + (b1 & LOW);
  const b = (b2 << 32) | (b0 & LOW);
  const fraction = a + b;
  const floor = (high >> 32) * by1 + (b1 >> 32) + (b2 >> 32) + u64(fraction < b);

  const digit = floor % 10;
  const last = (digit << 60) | (fraction >> 4);
  // To either side of the value, half a float64.
  const reach = high >> (5 - shift);
  const isUnclear =
    u32(last - reach + CLOSE_60 < 2 * CLOSE_60) |
    u32(last + reach - TEN_60 + CLOSE_60 < 2 * CLOSE_60) |
    u32(fraction - HALF_64 + CLOSE_64 < 2 * CLOSE_64);
  const rounded = floor + (fraction >> 63);
  const ten = floor - digit;
  const found = select<u64>(ten + 10, rounded, last + reach > TEN_60);
  return isUnclear ? 0 : select<u64>(ten, found, last < reach);
}

/** Up to 17 digits from the left. Sets `exponent`. */
// @ts-ignore: decorator
@inline
function normal(digits: u64, k: i32): u64 {
  // Mostly there are 16 or 17, either as likely.
  const isShort = digits < DIGITS_17;
  digits = select<u64>(digits * 10, digits, isShort);
  k -= i32(isShort);
  while (digits < DIGITS_17) {
    digits *= 10;
    k--;
  }
  exponent = k + 16;
  return digits;
}
