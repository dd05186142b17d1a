// Varints and bit packing over raw memory.

/** Bytes of `value` as LEB128. */
export function varintLength(value: u32): u32 {
  return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : value < 268435456 ? 4 : 5;
}

/** Writes LEB128; returns the address after it. */
export function putVarint(at: usize, value: u32): usize {
  while (value >= 128) {
    store<u8>(at++, u8(value | 128));
    value >>= 7;
  }
  store<u8>(at++, u8(value));
  return at;
}

// @ts-ignore: decorator
@inline
export function zigzag(value: i64): u64 {
  return u64((value << 1) ^ (value >> 63));
}
// @ts-ignore: decorator
@inline
export function unzigzag(value: u64): i64 {
  return i64(value >> 1) ^ -i64(value & 1);
}

/** Bits needed for `value`. */
// @ts-ignore: decorator
@inline
export function bitWidth(value: u64): u32 {
  return 64 - u32(clz<u64>(value));
}

/**
 * Value number `index` of a run packed with `width` bits each, least significant first. Reads 8 bytes at most 7 past the
 * last packed one: encoders leave 8 bytes of slack. Widths over 57 take a second read.
 */
// @ts-ignore: decorator
@inline
export function unpackAt(base: usize, index: u32, width: u32): u64 {
  const bit = u64(index) * u64(width);
  const at = base + usize(bit >> 3);
  const shift = bit & 7;
  let value = load<u64>(at) >> shift;
  if (width > 57) value |= shift ? u64(load<u8>(at + 8)) << (64 - shift) : 0;
  return width == 64 ? value : value & ((u64(1) << u64(width)) - 1);
}

/** Bytes that `count` values of `width` bits take. */
// @ts-ignore: decorator
@inline
export function packedBytes(count: u32, width: u32): u32 {
  return u32((u64(count) * u64(width) + 7) >> 3);
}

/**
 * Packs i64s at `ks`, less `least`, with `width` bits each: the numbers [from, count), or with `isDelta` each less the one before.
 * Writes whole words: up to 7 bytes of zeros behind the last byte.
 */
export function packIntegers(out: usize, ks: usize, from: u32, count: u32, isDelta: bool, least: i64, width: u32): void {
  if (!width) return;
  let word: u64 = 0;
  let used: u32 = 0;
  const end = ks + (usize(count) << 3);
  for (let at = ks + (usize(from) << 3); at < end; at += 8) {
    const before = isDelta ? load<i64>(at - 8) + least : least;
    const value = u64(load<i64>(at) - before);
    word |= value << used;
    used += width;
    if (used >= 64) {
      store<u64>(out, word);
      out += 8;
      used -= 64;
      word = used ? value >> (width - used) : 0;
    }
  }
  if (used) store<u64>(out, word);
}
