// Numbers as writeNumber() in src/api/json-number.ts writes them, which is the twin: the shortest decimal that reads back as the
// same float64. Integers and values with up to three decimals have a cheaper way to the same text.
import { eightDigits, fourDigits } from './digits';
import { putDigits } from './layout';
import { exponent, shortest } from './shortest';

const MINUS: u8 = 45;
const POINT: u8 = 46;
const ZERO: u8 = 48;
const ZEROS: u64 = 0x3030303030303030;
const SIGN: u64 = 1 << 63;
const INFINITE: u64 = 0x7ff << 52;
/** Integers below are exact. */
const SAFE_END: f64 = 9007199254740992;

/** Writes the float64 with these bits; returns the end. Stores up to 32 bytes from `at`. */
export function putNumber(at: usize, bits: u64): usize {
  const size = bits & ~SIGN;
  if (size >= INFINITE) return putSpecial(at, bits);
  store<u8>(at, MINUS);
  at += usize(bits >> 63);
  if (size == 0) {
    store<u8>(at, ZERO);
    return at + 1;
  }
  const value = reinterpret<f64>(size);
  if (value < SAFE_END && trunc<f64>(value) == value) return putInteger(at, u64(value));
  // Decimals of 15 digits never share a float64, so one that gives the value back is its shortest.
  const thousandths = nearest<f64>(value * 1e3);
  if (value < 1e12 && thousandths / 1e3 == value) return putThousandths(at, u64(thousandths));
  const digits = shortest(size);
  return putDigits(at, digits, exponent);
}

function putSpecial(at: usize, bits: u64): usize {
  if (bits << 12) {
    store<u32>(at, 0x4e614e); // NaN
    return at + 3;
  }
  store<u32>(at, 0x666e492b); // +Inf
  if (bits & SIGN) store<u8>(at, MINUS);
  return at + 4;
}

/** Writes an integer below 10^16. */
// @ts-ignore: decorator
@inline
function putInteger(at: usize, value: u64): usize {
  if (value < 100000000) return putUpToEight(at, u32(value));
  const high = u32(value / 100000000);
  at = putUpToEight(at, high);
  store<u64>(at, eightDigits(u32(value - u64(high) * 100000000)) | ZEROS);
  return at + 8;
}

/** Writes an integer below 10^8. */
// @ts-ignore: decorator
@inline
function putUpToEight(at: usize, value: u32): usize {
  const digits = eightDigits(value);
  // Zeros in front, but for the last digit.
  const skipped = min<u64>(ctz<u64>(digits), 56) & 56;
  store<u64>(at, (digits | ZEROS) >> skipped);
  return at + 8 - usize(skipped >> 3);
}

/** Writes value / 1000, which is not an integer: without zeros at the end. */
// @ts-ignore: decorator
@inline
function putThousandths(at: usize, value: u64): usize {
  const whole = value / 1000;
  at = putInteger(at, whole);
  const digits = fourDigits(u32(value - whole * 1000));
  store<u32>(at, digits | 0x30303000 | u32(POINT));
  return at + 4 - usize(clz<u32>(digits) >> 3);
}
