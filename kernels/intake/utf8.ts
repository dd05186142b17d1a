// UTF-8 as RFC 3629 has it: shortest forms, no surrogates, up to U+10FFFF.

@inline
function isTail(byte: u32): bool {
  return (byte & 0xc0) == 0x80;
}

/** Whether all bytes are below 128. Loads may pass the end by up to 15 bytes. */
export function isAscii(address: usize, length: u32): bool {
  let i: u32 = 0;
  let seen = i8x16.splat(0);
  for (; i + 16 <= length; i += 16) seen = v128.or(seen, v128.load(address + i));
  if (i8x16.bitmask(seen) != 0) return false;
  return i == length || (<u32>i8x16.bitmask(v128.load(address + i)) & ((1 << (length - i)) - 1)) == 0;
}

/** Whether [address, address + length) is valid UTF-8. Loads may pass the end by up to 15 bytes. */
export function isUtf8(address: usize, length: u32): bool {
  let i: u32 = 0;
  while (i < length) {
    // Whole vectors of ASCII; the last one is cut to what belongs to the text.
    let high = <u32>i8x16.bitmask(v128.load(address + i));
    if (length - i < 16) high &= (1 << (length - i)) - 1;
    if (high == 0) {
      i += 16;
      continue;
    }
    i += ctz<u32>(high);
    const size = sequence(address + i, length - i);
    if (size == 0) return false;
    i += size;
  }
  return true;
}

/** Bytes of the sequence that begins with a byte of 0x80 or more; 0 if it is malformed. */
function sequence(at: usize, left: u32): u32 {
  const lead = <u32>load<u8>(at);
  const second = <u32>load<u8>(at, 1);
  if (lead < 0xc2 || lead > 0xf4 || left < 2 || !isTail(second)) return 0;
  if (lead < 0xe0) return 2;
  if (left < 3 || !isTail(load<u8>(at, 2))) return 0;
  if (lead < 0xf0) {
    if (lead == 0xe0 && second < 0xa0) return 0;
    return lead == 0xed && second > 0x9f ? 0 : 3;
  }
  if (left < 4 || !isTail(load<u8>(at, 3))) return 0;
  if (lead == 0xf0 && second < 0x90) return 0;
  return lead == 0xf4 && second > 0x8f ? 0 : 4;
}
