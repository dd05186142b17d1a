// Samples to the JSON of the query API: `[1700000000.123,"1.5"],[1700000015.123,"2"]`. src/api/json-writer.ts is the twin.
import { OUT, POWERS, TS, VS, reserve } from './memory';
import { putNumber } from './number';
import { putTime } from './time';

const COMMA_QUOTE: u16 = 0x222c;
/** Quote, bracket, comma. */
const POINT_END: u32 = 0x2c5d22;

/** Makes room. Once, first; then the powers of ten are put at powersAddress(). */
export function init(): void {
  reserve();
}

export function powersAddress(): usize {
  return POWERS;
}

export function tsAddress(): usize {
  return TS;
}

export function vsAddress(): usize {
  return VS;
}

export function outAddress(): usize {
  return OUT;
}

/** Writes `count` points; returns the length of the text. Times are integers, up to 2^53 to either side of 0. */
export function points(count: u32): u32 {
  if (count == 0) return 0;
  let at = OUT;
  let before = ~load<u64>(VS);
  // Of the value before, with what ends the point: many series stay as they are for long.
  let text = at;
  let length: usize = 0;
  for (let i: usize = 0, end = usize(count) << 3; i < end; i += 8) {
    at = putTime(at, i64(load<f64>(TS + i)));
    store<u16>(at, COMMA_QUOTE);
    at += 2;
    const bits = load<u64>(VS + i);
    if (bits == before) {
      v128.store(at, v128.load(text));
      v128.store(at, v128.load(text, 16), 16);
      at += length;
      continue;
    }
    text = at;
    at = putNumber(at, bits);
    store<u32>(at, POINT_END);
    at += 3;
    length = at - text;
    before = bits;
  }
  return u32(at - OUT) - 1;
}
