// Snappy block format (format_description.txt of google/snappy): varint decoded length, then elements until the input
// ends.
//
//   tag & 3   element            length                              offset
//   0         literal            (tag >> 2) + 1; 60..63: 1-4 bytes   -            followed by the bytes
//   1         copy               4 + ((tag >> 2) & 7)                (tag >> 5) << 8 | next byte
//   2         copy               (tag >> 2) + 1                      next 2 bytes
//   3         copy               (tag >> 2) + 1                      next 4 bytes
//
// Copies move whole vectors and may write up to 63 bytes behind their end: the output block has that much room. A copy
// whose offset is below 16 repeats a pattern, which is spread over a vector first.

/** Input does not follow the format. */
export const SNAPPY_CORRUPT: i32 = -1;
/** The decoded length exceeds the limit. */
export const SNAPPY_TOO_LARGE: i32 = -2;

/** Bytes behind the decoded length that snappyDecode may overwrite. */
export const SNAPPY_SLACK: usize = 64;

/** Per offset 1..15: 16 shuffle places, i mod offset. */
const patterns: usize = memory.data(256, 16);
/** Bytes of the length prefix. */
let prefixBytes: u32 = 0;

/** Fills the tables. */
export function snappyInit(): void {
  for (let offset: u32 = 1; offset < 16; offset++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(patterns + (offset << 4) + i, <u8>(i % offset));
  }
}

/** The decoded length that the input states, or a negative code. */
export function snappyLength(source: usize, length: u32, limit: u32): i32 {
  let value: u64 = 0;
  for (let i: u32 = 0; i < 5 && i < length; i++) {
    const byte = load<u8>(source + i);
    value |= <u64>(byte & 127) << (i * 7);
    if (byte < 128) {
      prefixBytes = i + 1;
      if (value > 0xffffffff) return SNAPPY_CORRUPT;
      return value > <u64>min<u32>(limit, 0x3fffff00) ? SNAPPY_TOO_LARGE : <i32>value;
    }
  }
  return SNAPPY_CORRUPT;
}

/** Decodes to `target`, which has room for `decoded` (from snappyLength) + SNAPPY_SLACK bytes. 0 or a code. */
export function snappyDecode(source: usize, length: u32, target: usize, decoded: u32): i32 {
  const sourceEnd = source + length;
  const targetEnd = target + decoded;
  let s = source + prefixBytes;
  let d = target;
  while (s < sourceEnd) {
    const word = load<u32>(s);
    const tag = word & 255;
    let count: u32;
    let offset: u32;
    const kind = tag & 3;
    if (kind == 2) {
      count = (tag >> 2) + 1;
      offset = (word >> 8) & 0xffff;
      s += 3;
    } else if (kind == 0) {
      count = tag >> 2;
      s += 1;
      if (count >= 60) {
        const extra = count - 59;
        if (sourceEnd - s < extra) return SNAPPY_CORRUPT;
        count = load<u32>(s) & (0xffffffff >> ((4 - extra) << 3));
        s += extra;
        if (count >= 0x7fffffff) return SNAPPY_CORRUPT;
      }
      count += 1;
      if (s > sourceEnd || sourceEnd - s < count || targetEnd - d < count) return SNAPPY_CORRUPT;
      if (count <= 64) {
        v128.store(d, v128.load(s));
        if (count > 16) {
          v128.store(d, v128.load(s, 16), 16);
          if (count > 32) {
            v128.store(d, v128.load(s, 32), 32);
            v128.store(d, v128.load(s, 48), 48);
          }
        }
      } else memory.copy(d, s, count);
      s += count;
      d += count;
      continue;
    } else if (kind == 1) {
      count = 4 + ((tag >> 2) & 7);
      offset = ((tag >> 5) << 8) | ((word >> 8) & 255);
      s += 2;
    } else {
      count = (tag >> 2) + 1;
      offset = load<u32>(s, 1);
      s += 5;
    }
    // The element's own bytes may have lain behind the input: then s has passed its end.
    if (s > sourceEnd || offset - 1 >= <u32>(d - target) || targetEnd - d < count) return SNAPPY_CORRUPT;
    const from = d - offset;
    if (offset >= 16) {
      v128.store(d, v128.load(from));
      if (count > 16) {
        v128.store(d, v128.load(from, 16), 16);
        if (count > 32) {
          v128.store(d, v128.load(from, 32), 32);
          v128.store(d, v128.load(from, 48), 48);
        }
      }
    } else {
      const pattern = i8x16.swizzle(v128.load(from), v128.load(patterns + (offset << 4)));
      const whole = 16 - (16 % offset);
      for (let at: u32 = 0; at < count; at += whole) v128.store(d + at, pattern);
    }
    d += count;
  }
  return d == targetEnd ? 0 : SNAPPY_CORRUPT;
}
