// Residuals in small blocks of up to 128, each with a width of its own; the few that need more bits are patched. Which width is
// cheapest is counted exactly.
//
//   ┌──────────────────────────┬───────────┬───────────────┬──────────────────────┬───────────────────┬───────────────┐
//   │ width + 128 × is patched │ [patches] │ [excess bits] │ low bits, width each │ [places, u8 each] │ [excess bits] │
//   └──────────────────────────┴───────────┴───────────────┴──────────────────────┴───────────────────┴───────────────┘
import { bitWidth, pack, packedBytes, unpack } from './bits';
import { EXCESS, TABLES } from './memory';

const BLOCK: u32 = 128;
const PATCHED: u32 = 128;

/** The width that makes a block smallest. Its counts of widths are in TABLES; its greatest width is `widest`. */
function cheapestWidth(count: u32, widest: u32): u32 {
  let best = packedBytes(count, widest);
  let bestWidth = widest;
  let patches = load<u32>(TABLES + (usize(widest) << 2));
  for (let width = i32(widest) - 1; width >= 0; width--) {
    const bytes = packedBytes(count, width) + 2 + patches + packedBytes(patches, widest - width);
    if (bytes < best) {
      best = bytes;
      bestWidth = width;
    }
    patches += load<u32>(TABLES + (usize(width) << 2));
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
  let places = out + 3 + packedBytes(count, width);
  const head = places;
  let patches: u32 = 0;
  pack(out + 3, values, count, width);
  for (let i: u32 = 0; i < count; i++) {
    const excess = load<u64>(values + (usize(i) << 3)) >> u64(width);
    if (!excess) continue;
    store<u8>(places++, u8(i));
    store<u64>(EXCESS + (usize(patches++) << 3), excess);
  }
  store<u8>(out, u8(places - head), 1);
  return pack(places, EXCESS, patches, widest - width);
}

/** Packs `count` u64s; returns the address after them. */
export function putPacked(out: usize, values: usize, count: u32): usize {
  for (let i: u32 = 0; i < count; i += BLOCK) {
    out = putBlock(out, values + (usize(i) << 3), min<u32>(BLOCK, count - i));
  }
  return out;
}

function getPatches(at: usize, end: usize, out: usize, count: u32, width: u32, patches: u32, excess: u32): usize {
  const packed = at + patches;
  const after = packed + packedBytes(patches, excess);
  if (after > end) return 0;
  unpack(packed, EXCESS, patches, excess);
  for (let i: u32 = 0; i < patches; i++) {
    const place = u32(load<u8>(at + i));
    if (place >= count) return 0;
    const slot = out + (usize(place) << 3);
    store<u64>(slot, load<u64>(slot) | (load<u64>(EXCESS + (usize(i) << 3)) << u64(width)));
  }
  return after;
}

function getBlock(at: usize, end: usize, out: usize, count: u32): usize {
  if (at >= end) return 0;
  const head = u32(load<u8>(at));
  const width = head & 127;
  const isPatched = head >= PATCHED;
  at += 1;
  let patches: u32 = 0;
  let excess: u32 = 0;
  if (isPatched) {
    if (at + 2 > end) return 0;
    patches = load<u8>(at);
    excess = load<u8>(at, 1);
    at += 2;
    if (!patches || patches > count || !excess || width + excess > 64) return 0;
  }
  const after = at + packedBytes(count, width);
  if (width > 64 || after > end) return 0;
  if (width) unpack(at, out, count, width);
  else memory.fill(out, 0, usize(count) << 3);
  return isPatched ? getPatches(after, end, out, count, width, patches, excess) : after;
}

/** Unpacks `count` u64s; returns the address after them, or 0 if they are malformed. */
export function getPacked(at: usize, end: usize, out: usize, count: u32): usize {
  for (let i: u32 = 0; i < count && at; i += BLOCK) {
    at = getBlock(at, end, out + (usize(i) << 3), min<u32>(BLOCK, count - i));
  }
  return at;
}
