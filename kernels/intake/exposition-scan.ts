// Walking over exposition text in memory: where the body ends, classes of characters, names, strings in quotes, labels. Every
// function takes an address within the body and returns the address behind what it read, 0 where that does not follow the
// format. The byte at `end` is a sentinel that ends every run of name characters and digits; vector loads may pass it.
import { isUtf8 } from './utf8';

export const NEWLINE: u32 = 10;

/** The body is [body, end). */
export let body: usize = 0;
export let end: usize = 0;
/** OpenMetrics: stricter white space, no raw newlines in label values. */
export let strict: bool = false;
/** Whether the series has a metric name; labels() finds quoted ones. */
export let named: bool = false;
let stringAscii: bool = true;

/** Sets the text to walk over. */
export function scanBegin(address: usize, length: u32, openMetrics: bool): void {
  body = address;
  strict = openMetrics;
  end = address + length;
  // In the text format the sentinel is also the last line's newline.
  store<u8>(end, strict ? 0 : <u8>NEWLINE);
  if (!strict) end++;
}

/** Begins a series: with a name before the braces, or not yet. */
@inline
export function setNamed(value: bool): void {
  named = value;
}

@inline
export function isLabelStart(c: u32): bool {
  return (c | 32) - 97 < 26 || c == 95;
}
@inline
export function isMetricStart(c: u32): bool {
  return (c | 32) - 97 < 26 || c == 95 || c == 58;
}
@inline
export function isBlank(c: u32): bool {
  return c == 32 || c == 9;
}
@inline
export function skipBlanks(p: usize): usize {
  while (isBlank(load<u8>(p))) p++;
  return p;
}

/** End of the run of [a-zA-Z0-9_] (and `:` with digits = 11) from `from`; the sentinel ends it at the latest. */
@inline
export function skipName(from: usize, digits: i8): usize {
  let p = from;
  while (true) {
    const v = v128.load(p);
    const letter = i8x16.lt_u(i8x16.sub(v128.or(v, i8x16.splat(32)), i8x16.splat(97)), i8x16.splat(26));
    const digit = i8x16.lt_u(i8x16.sub(v, i8x16.splat(48)), i8x16.splat(digits));
    const other = ~i8x16.bitmask(v128.or(v128.or(letter, digit), i8x16.eq(v, i8x16.splat(95)))) & 0xffff;
    if (other != 0) return p + <usize>ctz(other);
    p += 16;
  }
}

/** End of the string in quotes that opens at `from`, or 0. Sets stringAscii. */
export function skipString(from: usize, newlines: bool): usize {
  let p = from + 1;
  stringAscii = true;
  while (p < end) {
    const v = v128.load(p);
    let stop = v128.or(i8x16.eq(v, i8x16.splat(34)), i8x16.eq(v, i8x16.splat(92)));
    if (!newlines) stop = v128.or(stop, i8x16.eq(v, i8x16.splat(10)));
    const mask = i8x16.bitmask(stop);
    const high = i8x16.bitmask(v);
    if (mask == 0) {
      if (high != 0) stringAscii = false;
      p += 16;
      continue;
    }
    const at = ctz(mask);
    if ((high & ((1 << at) - 1)) != 0) stringAscii = false;
    p += <usize>at;
    if (p >= end) return 0;
    const c = load<u8>(p);
    if (c == 34) return p + 1;
    if (c == 10) return 0;
    if (p + 1 >= end || load<u8>(p + 1) == NEWLINE) return 0;
    if (load<u8>(p + 1) >= 128) stringAscii = false;
    p += 2;
  }
  return 0;
}

/** Address of the next newline in [from, end), or `end`. */
export function lineEnd(from: usize): usize {
  for (let p = from; p < end; p += 16) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(10)));
    if (mask != 0) return min<usize>(p + <usize>ctz(mask), end);
  }
  return end;
}

/** What stands between braces, from behind the opening one; returns the end behind the closing one, or 0. */
export function labels(from: usize): usize {
  let p = from;
  while (true) {
    if (!strict) p = skipBlanks(p);
    if (p >= end) return 0;
    let c = <u32>load<u8>(p);
    if (c == 125) return p + 1;
    if (c == 34) {
      p = skipString(p, !strict);
      if (p == 0) return 0;
      if (!strict) p = skipBlanks(p);
      if (p >= end) return 0;
      c = <u32>load<u8>(p);
      if (c == 44 || c == 125) {
        if (named) return 0;
        named = true;
        if (c == 125) return p + 1;
        p++;
        continue;
      }
    } else {
      if (!isLabelStart(c)) return 0;
      p = skipName(p, 10);
      if (!strict) p = skipBlanks(p);
    }
    if (p >= end || load<u8>(p) != 61) return 0;
    p++;
    if (!strict) p = skipBlanks(p);
    if (p >= end || load<u8>(p) != 34) return 0;
    const valueStart = p;
    p = skipString(p, !strict);
    if (p == 0 || (!stringAscii && !isUtf8(valueStart, <u32>(p - valueStart)))) return 0;
    if (!strict) p = skipBlanks(p);
    if (p >= end) return 0;
    c = <u32>load<u8>(p);
    if (c == 44) p++;
    else if (strict && c != 125) return 0;
  }
}
