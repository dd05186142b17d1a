// Where shortest.ts needs more bits. All is compared in quarters of the unit, 10^k. A product with 128 bits of 10^-k, rounded
// up, is enough for the right order if it keeps its integer part and whether anything was behind it.

const LOW: u64 = 0xffffffff;

// A product.
let top: u64 = 0;
let middle: u64 = 0;

/** A product of 128 and 64 bits, without the lowest 64 bits, into top and middle. */
function multiply(high: u64, low: u64, by: u64): void {
  const by0 = by & LOW;
  const by1 = by >> 32;
  const a0 = (low & LOW) * by0;
  const a1 = (low & LOW) * by1 + (a0 >> 32);
  const a2 = (low >> 32) * by0 + (a1 & LOW);
  const a = (low >> 32) * by1 + (a1 >> 32) + (a2 >> 32);
  const b0 = (high & LOW) * by0;
  const b1 = (high & LOW) * by1 + (b0 >> 32);
  const b2 = (high >> 32) * by0 + (b1 & LOW);
  const b = (b2 << 32) | (b0 & LOW);
  middle = a + b;
  top = (high >> 32) * by1 + (b1 >> 32) + (b2 >> 32) + u64(middle < b);
}

/** The integer part of a product, odd if something was behind it. What 10^-k is off by comes to less than 1 in `middle`. */
function quarters(high: u64, low: u64, by: u64): u64 {
  multiply(high, low, by);
  return top | u64(middle != 0);
}

/** The decimal in units of 10^k. (high, low) / 2^128 * 2^shift is 2^q / 10^k. */
export function exactUnits(high: u64, low: u64, c: u64, shift: u64, isLopsided: bool): u64 {
  const value = quarters(high, low, (4 * c) << shift);
  // An odd c does not own the borders: a quarter inwards.
  const below = quarters(high, low, (4 * c - (isLopsided ? 1 : 2)) << shift) + (c & 1);
  const above = quarters(high, low, (4 * c + 2) << shift) - (c & 1);
  const floor = value >> 2;
  const ten = (floor / 10) * 10;
  const isTenIn = below <= ten << 2;
  if (isTenIn != (ten + 10) << 2 <= above) return isTenIn ? ten : ten + 10;
  const isFloorIn = below <= floor << 2;
  if (isFloorIn != (floor + 1) << 2 <= above) return isFloorIn ? floor : floor + 1;
  // Both or none: then the closer one; the even one of two as close.
  return floor + u64((value & 3) + (floor & 1) > 2);
}
