// Varints, zigzag and bit packing over raw memory. Readers stay before `end`; they return 0 for an address where bytes are malformed.

export const INTEGER_MAX: f64 = 9007199254740992;

/** What getVarint read last. */
export let varint: u64 = 0;

/** Writes LEB128; returns the address after it. */
export function putVarint(at: usize, value: u64): usize {
  while (value >= 128) {
    store<u8>(at++, u8(value | 128));
    value >>= 7;
  }
  store<u8>(at++, u8(value));
  return at;
}

/** Reads LEB128 of up to 64 bits into `varint`; returns the address after it. */
export function getVarint(at: usize, end: usize): usize {
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 64; shift += 7) {
    if (at >= end) return 0;
    const byte = u64(load<u8>(at++));
    if (shift == 63 && byte > 1) return 0;
    value |= (byte & 127) << shift;
    if (byte < 128) {
      varint = value;
      return at;
    }
  }
  return 0;
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

/** Bytes that `count` values of `width` bits take. */
// @ts-ignore: decorator
@inline
export function packedBytes(count: u32, width: u32): u32 {
  return (count * width + 7) >> 3;
}

// @ts-ignore: decorator
@inline
export function maskOf(width: u32): u64 {
  return width >= 64 ? u64.MAX_VALUE : (u64(1) << u64(width)) - 1;
}

/** Packs the low `width` bits of `count` u64s, least significant first. Writes whole words; returns the address after the last byte. */
export function pack(out: usize, values: usize, count: u32, width: u32): usize {
  if (!width) return out;
  const after = out + packedBytes(count, width);
  const mask = maskOf(width);
  let word: u64 = 0;
  let used: u32 = 0;
  for (let end = values + (usize(count) << 3); values < end; values += 8) {
    const value = load<u64>(values) & mask;
    word |= value << u64(used);
    used += width;
    if (used >= 64) {
      store<u64>(out, word);
      out += 8;
      used -= 64;
      word = used ? value >> u64(width - used) : 0;
    }
  }
  if (used) store<u64>(out, word);
  return after;
}

/**
 * Unpacks `count` values of `width` bits (1..64) to u64s, as many as one read holds at a time: writes up to 7 values behind the last one,
 * reads up to 64 bytes behind it.
 */
export function unpack(at: usize, out: usize, count: u32, width: u32): void {
  const end = out + (usize(count) << 3);
  const mask = maskOf(width);
  const shift = u64(width);
  if (width > 28) {
    unpackWide(at, out, end, width, mask);
  } else if (width > 14) {
    for (let bit: usize = 0; out < end; out += 16, bit += 2 * width) {
      const word = load<u64>(at + (bit >> 3)) >> u64(bit & 7);
      store<u64>(out, word & mask);
      store<u64>(out, (word >> shift) & mask, 8);
    }
  } else if (width > 7) {
    for (let bit: usize = 0; out < end; out += 32, bit += 4 * width) {
      const word = load<u64>(at + (bit >> 3)) >> u64(bit & 7);
      store<u64>(out, word & mask);
      store<u64>(out, (word >> shift) & mask, 8);
      store<u64>(out, (word >> (2 * shift)) & mask, 16);
      store<u64>(out, (word >> (3 * shift)) & mask, 24);
    }
  } else {
    for (; out < end; out += 64, at += width) {
      const word = load<u64>(at);
      store<u64>(out, word & mask);
      store<u64>(out, (word >> shift) & mask, 8);
      store<u64>(out, (word >> (2 * shift)) & mask, 16);
      store<u64>(out, (word >> (3 * shift)) & mask, 24);
      store<u64>(out, (word >> (4 * shift)) & mask, 32);
      store<u64>(out, (word >> (5 * shift)) & mask, 40);
      store<u64>(out, (word >> (6 * shift)) & mask, 48);
      store<u64>(out, (word >> (7 * shift)) & mask, 56);
    }
  }
}

/** One value a read; of more than 57 bits, one read and a byte. */
function unpackWide(at: usize, out: usize, end: usize, width: u32, mask: u64): void {
  let bit: usize = 0;
  if (width <= 57) {
    for (; out < end; out += 8, bit += width) store<u64>(out, (load<u64>(at + (bit >> 3)) >> u64(bit & 7)) & mask);
    return;
  }
  for (; out < end; out += 8, bit += width) {
    const from = at + (bit >> 3);
    const shift = u64(bit & 7);
    let value = load<u64>(from) >> shift;
    if (shift) value |= u64(load<u8>(from + 8)) << (64 - shift);
    store<u64>(out, value & mask);
  }
}
