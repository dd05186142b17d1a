// Residuals in small blocks of up to 128, each with a width of its own; the few that need more bits are patched. Which width is
// cheapest is counted exactly.
//
//   ┌──────────────────────────┬───────────┬───────────────┬──────────────────────┬───────────────────┬───────────────┐
//   │ width + 128 × is patched │ [patches] │ [excess bits] │ low bits, width each │ [places, u8 each] │ [excess bits] │
//   └──────────────────────────┴───────────┴───────────────┴──────────────────────┴───────────────────┴───────────────┘
import { bitWidth, pack, packedBytes, unpack } from './bits';
import { EXCESS, NARROW, TABLES } from './memory';
import { unpackNarrow } from './narrow';

export const BLOCK: u32 = 128;
const PATCHED: u32 = 128;

/** The width that makes a block smallest. Its counts of widths are in TABLES; its greatest width is `widest`. */
function cheapestWidth(count: u32, widest: u32): u32 {
  let best = packedBytes(count, widest);
  let bestWidth = widest;
  let above = load<u32>(TABLES + (usize(widest) << 2));
  for (let width = i32(widest) - 1; width >= 0; width--) {
    const bytes = packedBytes(count, width) + 2 + above + packedBytes(above, widest - width);
    if (bytes < best) {
      best = bytes;
      bestWidth = width;
    }
    above += load<u32>(TABLES + (usize(width) << 2));
  }
  return bestWidth;
}

function countWidths(values: usize, count: u32): u32 {
  memory.fill(TABLES, 0, 65 * 4);
  let widest: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const width = bitWidth(load<u64>(values + (usize(i) << 3)));
    const at = TABLES + (usize(width) << 2);
    store<u32>(at, load<u32>(at) + 1);
    widest = max<u32>(widest, width);
  }
  return widest;
}

function putBlock(out: usize, values: usize, count: u32): usize {
  const widest = countWidths(values, count);
  const width = cheapestWidth(count, widest);
  if (width == widest) {
    store<u8>(out, u8(width));
    return pack(out + 1, values, count, width);
  }
  store<u8>(out, u8(width | PATCHED));
  store<u8>(out, u8(widest - width), 2);
  let place = out + 3 + packedBytes(count, width);
  let patched: u32 = 0;
  pack(out + 3, values, count, width);
  for (let i: u32 = 0; i < count; i++) {
    const above = load<u64>(values + (usize(i) << 3)) >> u64(width);
    if (!above) continue;
    store<u8>(place++, u8(i));
    store<u64>(EXCESS + (usize(patched++) << 3), above);
  }
  store<u8>(out, u8(patched), 1);
  return pack(place, EXCESS, patched, widest - width);
}

/** Packs `count` u64s; returns the address after them. */
export function putPacked(out: usize, values: usize, count: u32): usize {
  for (let i: u32 = 0; i < count; i += BLOCK) {
    out = putBlock(out, values + (usize(i) << 3), min<u32>(BLOCK, count - i));
  }
  return out;
}

/** A block, as readBlock found it. */
let blockWidth: u32 = 0;
let patches: u32 = 0;
let excess: u32 = 0;
let lowBits: usize = 0;
let places: usize = 0;

/** Reads the head of a block of `count`; returns the address after the block, or 0 if it is malformed. */
function readBlock(at: usize, end: usize, count: u32): usize {
  if (at >= end) return 0;
  const head = u32(load<u8>(at++));
  blockWidth = head & 127;
  patches = 0;
  excess = 0;
  if (head >= PATCHED) {
    if (at + 2 > end) return 0;
    patches = load<u8>(at);
    excess = load<u8>(at, 1);
    at += 2;
    if (!patches || patches > count || !excess) return 0;
  }
  if (blockWidth + excess > 64) return 0;
  lowBits = at;
  places = at + packedBytes(count, blockWidth);
  const after = places + patches + packedBytes(patches, excess);
  return after <= end ? after : 0;
}

function patch(out: usize, count: u32): bool {
  unpack(places + patches, EXCESS, patches, excess);
  for (let i: u32 = 0; i < patches; i++) {
    const place = u32(load<u8>(places + i));
    if (place >= count) return false;
    const slot = out + (usize(place) << 3);
    store<u64>(slot, load<u64>(slot) | (load<u64>(EXCESS + (usize(i) << 3)) << u64(blockWidth)));
  }
  return true;
}

function getBlock(at: usize, end: usize, out: usize, count: u32): usize {
  if (!(at = readBlock(at, end, count))) return 0;
  if (blockWidth) unpack(lowBits, out, count, blockWidth);
  else memory.fill(out, 0, usize(count) << 3);
  return !patches || patch(out, count) ? at : 0;
}

/** Unpacks `count` u64s; returns the address after them, or 0 if they are malformed. */
export function getPacked(at: usize, end: usize, out: usize, count: u32): usize {
  for (let i: u32 = 0; i < count && at; i += BLOCK) {
    at = getBlock(at, end, out + (usize(i) << 3), min<u32>(BLOCK, count - i));
  }
  return at;
}

/** Bits of the widest of `count` packed values, patches and all; u32.MAX_VALUE if they are malformed. */
export function widestOf(at: usize, end: usize, count: u32): u32 {
  let widest: u32 = 0;
  for (let i: u32 = 0; i < count; i += BLOCK) {
    if (!(at = readBlock(at, end, min<u32>(BLOCK, count - i)))) return u32.MAX_VALUE;
    widest = max<u32>(widest, blockWidth + excess);
  }
  return widest;
}

/** Unpacks the next block of `count` values, none wider than NARROW_WIDTH_MAX, to u32s in NARROW; returns the address after it, or 0. */
export function getNarrow(at: usize, end: usize, count: u32): usize {
  if (!(at = readBlock(at, end, count))) return 0;
  if (blockWidth) unpackNarrow(lowBits, NARROW, count, blockWidth);
  else memory.fill(NARROW, 0, BLOCK << 2);
  if (!patches) return at;
  unpackNarrow(places + patches, EXCESS, patches, excess);
  for (let i: u32 = 0; i < patches; i++) {
    const place = u32(load<u8>(places + i));
    if (place >= count) return 0;
    const slot = NARROW + (usize(place) << 2);
    store<u32>(slot, load<u32>(slot) | (load<u32>(EXCESS + (usize(i) << 2)) << blockWidth));
  }
  return at;
}
