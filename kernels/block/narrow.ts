// Unpacking of up to 25 bits a value to u32s, four at a time: their bytes are gathered into lanes, multiplied so that all end at bit 31, and
// shifted down. Eight values are as many bytes as one has bits, so two patterns serve all; they are made once per width.
//
//   ┌────────────────────┬─────────────────────┬─────────────────────┬──────────────────────┐
//   │ bytes of the first │ bytes of the second │ factor of the first │ factor of the second │   16 bytes each
//   │ four values        │ four                │ four                │ four                 │
//   └────────────────────┴─────────────────────┴─────────────────────┴──────────────────────┘
import { PATTERNS } from './memory';

/** A value lies within four bytes, wherever it begins. */
export const NARROW_WIDTH_MAX: u32 = 25;
const PATTERN_BYTES: usize = 64;

function putPattern(at: usize, width: u32, firstBit: u32): void {
  for (let lane: u32 = 0; lane < 4; lane++) {
    const bit = firstBit + lane * width;
    store<u32>(at + (lane << 2), 0x03020100 + (bit >> 3) * 0x01010101);
    store<u32>(at + (lane << 2), 1 << (32 - width - (bit & 7)), 32);
  }
}

for (let width: u32 = 1; width <= NARROW_WIDTH_MAX; width++) {
  const at = PATTERNS + usize(width) * PATTERN_BYTES;
  putPattern(at, width, 0);
  putPattern(at + 16, width, (4 * width) & 7);
}

/** Unpacks `count` values of `width` bits (1..25) to u32s; writes up to 7 behind the last one, reads up to 40 bytes behind it. */
export function unpackNarrow(at: usize, out: usize, count: u32, width: u32): void {
  const pattern = PATTERNS + usize(width) * PATTERN_BYTES;
  const bytes0 = v128.load(pattern);
  const bytes1 = v128.load(pattern, 16);
  const factors0 = v128.load(pattern, 32);
  const factors1 = v128.load(pattern, 48);
  const second = usize((4 * width) >> 3);
  const shift = i32(32 - width);
  for (const end = out + (usize(count) << 2); out < end; out += 32, at += width) {
    const lanes0 = i32x4.mul(i8x16.swizzle(v128.load(at), bytes0), factors0);
    const lanes1 = i32x4.mul(i8x16.swizzle(v128.load(at + second), bytes1), factors1);
    v128.store(out, i32x4.shr_u(lanes0, shift));
    v128.store(out, i32x4.shr_u(lanes1, shift), 16);
  }
}
