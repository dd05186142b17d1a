// LEB128 varints. Reading from untrusted input: the value is left in `varint`, the result is the address behind it,
// or 0 when the input ends first or the varint is longer than ten bytes. Bits above 64 are dropped, as other decoders
// do.

/** The value read last. */
export let varint: u64 = 0;

/** Reads a varint at `at`, which must end before `end`. */
@inline
export function readVarint(at: usize, end: usize): usize {
  if (at < end) {
    const byte = <u64>load<u8>(at);
    if (byte < 128) {
      varint = byte;
      return at + 1;
    }
  }
  return readLongVarint(at, end);
}

function readLongVarint(at: usize, end: usize): usize {
  let value: u64 = 0;
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    if (at >= end) return 0;
    const byte = <u64>load<u8>(at++);
    value |= (byte & 127) << shift;
    if (byte < 128) {
      varint = value;
      return at;
    }
  }
  return 0;
}

/** Writes a varint at `at` and returns the address behind it. At most five bytes for 32 bits, ten for 64. */
@inline
export function storeVarint(at: usize, value: u64): usize {
  let left = value;
  while (left >= 128) {
    store<u8>(at++, <u8>left | 128);
    left >>= 7;
  }
  store<u8>(at, <u8>left);
  return at + 1;
}

@inline
export function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63));
}

/** Bytes of a varint. */
@inline
export function varintBytes(value: u64): u32 {
  let count: u32 = 1;
  for (let left = value >> 7; left != 0; left >>= 7) count++;
  return count;
}
