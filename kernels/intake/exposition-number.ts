// Numbers of exposition text. One is read here when its digits fit 2^53 and its power of ten 22: then one multiplication or
// division rounds correctly (Clinger 1990). Others are left to the host, which reads them correctly rounded too, and tells
// what is no number.
import { NEWLINE, body, end, strict } from './exposition-scan';

const NAN_BITS: u64 = 0x7ff8000000000001;

const powers: usize = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]);

/** What readNumber read: bits of the value; if numberPending: u32 offset, u32 length of the word. */
export let number: u64 = 0;
export let numberPending: bool = false;

@inline
function isWordEnd(c: u32): bool {
  return c == 32 || c == NEWLINE || (!strict && (c == 9 || c == 123));
}

function wordEnd(from: usize): usize {
  let p = from;
  while (p < end && !isWordEnd(load<u8>(p))) p++;
  return p;
}

/** Infinities and NaN, in any case; anything else is pending. */
function readWord(from: usize, last: usize): void {
  let p = from;
  const negative = load<u8>(p) == 45;
  const signed = negative || load<u8>(p) == 43;
  if (signed) p++;
  const length = last - p;
  const three = load<u32>(p) & 0x00ffffff | 0x00202020;
  const isInf = three == 0x00666e69; // "inf"
  const isInfinity = length == 8 && (load<u64>(p) | 0x2020202020202020) == 0x7974696e69666e69; // "infinity"
  if ((isInf && length == 3) || isInfinity) {
    number = negative ? 0xfff0000000000000 : 0x7ff0000000000000;
    numberPending = false;
  } else if (length == 3 && !signed && three == 0x006e616e) {
    number = NAN_BITS;
    numberPending = false;
  } else {
    leavePending(from, last);
  }
}

@inline
function leavePending(from: usize, last: usize): void {
  number = <u64>(from - body) | (<u64>(last - from) << 32);
  numberPending = true;
}

/** Reads the word at `from` into `number` and numberPending; returns its end, or 0 if it is empty. */
export function readNumber(from: usize): usize {
  let p = from;
  const sign = <u32>load<u8>(p);
  if (sign == 45 || sign == 43) p++;
  let digits: u64 = 0;
  let fraction: i32 = 0;
  const first = p;
  let d = <u32>load<u8>(p) - 48;
  while (d < 10) {
    digits = digits * 10 + d;
    d = <u32>load<u8>(++p) - 48;
  }
  let count = <i32>(p - first);
  if (d == <u32>(46 - 48)) {
    const point = ++p;
    d = <u32>load<u8>(p) - 48;
    while (d < 10) {
      digits = digits * 10 + d;
      d = <u32>load<u8>(++p) - 48;
    }
    fraction = <i32>(p - point);
    count += fraction;
  }
  let exponent: i32 = 0;
  let simple = count > 0 && count <= 19 && digits <= 9007199254740992;
  if ((<u32>load<u8>(p) | 32) == 101 && count > 0) {
    p++;
    const exponentSign = <u32>load<u8>(p);
    if (exponentSign == 45 || exponentSign == 43) p++;
    const exponentStart = p;
    d = <u32>load<u8>(p) - 48;
    while (d < 10 && p - exponentStart < 5) {
      exponent = exponent * 10 + <i32>d;
      d = <u32>load<u8>(++p) - 48;
    }
    if (p == exponentStart) simple = false;
    if (exponentSign == 45) exponent = -exponent;
  }
  exponent -= fraction;
  if (p > end || (p < end && !isWordEnd(load<u8>(p)))) simple = false;
  if (simple && exponent >= -22 && exponent <= 22) {
    let value = <f64>digits;
    if (exponent < 0) value /= load<f64>(powers + (<usize>-exponent << 3));
    else if (exponent > 0) value *= load<f64>(powers + (<usize>exponent << 3));
    if (sign == 45) value = -value;
    number = reinterpret<u64>(value);
    numberPending = false;
    return p;
  }
  const last = wordEnd(from);
  if (last == from) return 0;
  readWord(from, last);
  return last;
}
