// Times: milliseconds as seconds, with no decimals or three. Points that follow each other share all but the last digits: what is
// before the last four digits of the seconds is kept, with the bracket before it.
import { putFour, putInteger } from './digits';
import { PREFIX } from './memory';

const OPEN: u8 = 91;
const MINUS: u8 = 45;
const POINT: u8 = 46;
/** Below there are fewer than five digits of seconds, or a sign. */
const LONG_MS: i64 = 10000000;

/** The seconds / 10^4 that the prefix is of. 0: none. */
let prefixOf: u64 = 0;
let prefixLength: usize = 0;

/** Writes a bracket and the time; returns the end. Stores up to 24 bytes from `at`. */
// @ts-ignore: decorator
@inline
export function putTime(at: usize, timeMs: i64): usize {
  if (timeMs < LONG_MS) return putShortTime(at, timeMs);
  const seconds = u64(timeMs) / 1000;
  const upper = seconds / 10000;
  if (upper != prefixOf) setPrefix(upper);
  v128.store(at, v128.load(PREFIX));
  at += prefixLength;
  putFour(at, u32(seconds - upper * 10000));
  return putMillis(at + 4, u32(u64(timeMs) - seconds * 1000));
}

function setPrefix(upper: u64): void {
  store<u8>(PREFIX, OPEN);
  prefixLength = putInteger(PREFIX + 1, upper) - PREFIX;
  prefixOf = upper;
}

// @ts-ignore: decorator
@inline
function putMillis(at: usize, millis: u32): usize {
  if (!millis) return at;
  putFour(at, millis);
  store<u8>(at, POINT);
  return at + 4;
}

function putShortTime(at: usize, timeMs: i64): usize {
  store<u8>(at++, OPEN);
  if (timeMs < 0) store<u8>(at++, MINUS);
  const size = timeMs < 0 ? u64(-timeMs) : u64(timeMs);
  const seconds = size / 1000;
  return putMillis(putInteger(at, seconds), u32(size - seconds * 1000));
}
