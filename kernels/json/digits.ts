// Decimal digits of integers, several at a time: a number is split in halves, side by side in one word, until every
// byte has one digit. The quotient by 100 or 10 is a product and a shift, exact for the few digits that there are.

/** Four digits of an integer below 10^4, one in each byte, the first one lowest. */
// @ts-ignore: decorator
@inline
export function fourDigits(value: u32): u32 {
  const hundreds = (value * 5243) >> 19;
  const pairs = (value << 16) - hundreds * (100 * 65536 - 1);
  const tens = ((pairs * 103) >> 10) & 0x000f000f;
  return (pairs << 8) - tens * (10 * 256 - 1);
}

/** Writes an integer below 10^4 as four digits. */
// @ts-ignore: decorator
@inline
export function putFour(at: usize, value: u32): void {
  store<u32>(at, fourDigits(value) | 0x30303030);
}

/** Eight digits of two integers below 10^4, one in each byte, the first one lowest. */
// @ts-ignore: decorator
@inline
export function twiceFourDigits(first: u64, second: u64): u64 {
  const fours = first | (second << 32);
  const hundreds = ((fours * 5243) >> 19) & 0x0000007f0000007f;
  const pairs = (fours << 16) - hundreds * (100 * 65536 - 1);
  const tens = ((pairs * 103) >> 10) & 0x000f000f000f000f;
  return (pairs << 8) - tens * (10 * 256 - 1);
}

/** Eight digits of an integer below 10^8, one in each byte, the first one lowest. */
// @ts-ignore: decorator
@inline
export function eightDigits(value: u32): u64 {
  const upper = value / 10000;
  return twiceFourDigits(upper, value - upper * 10000);
}

/** Writes an integer without zeros in front; returns the end. One digit at a time: for what is written seldom. */
export function putInteger(at: usize, value: u64): usize {
  let end = at + 1;
  for (let rest = value / 10; rest; rest /= 10) end++;
  for (let i = end; i > at; value /= 10) store<u8>(--i, u8(48 + (value % 10)));
  return end;
}
