// CRC-32C (Castagnoli), 16 bytes at a time by table lookups. The input is put at inputAddress(); src/base/crc32c.ts is the twin.

const POLYNOMIAL: u32 = 0x82f63b78; // reflected
const TABLES: usize = 4096; // 16 tables of 256 u32
const INPUT: usize = 65536;
export const INPUT_BYTES: u32 = 262144;

/** Fills the tables. Once, first. */
export function init(): void {
  if (__heap_base > TABLES) unreachable();
  const have = usize(memory.size()) << 16;
  if (have < INPUT + INPUT_BYTES) memory.grow(i32((INPUT + INPUT_BYTES - have) >> 16));
  for (let n: u32 = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    store<u32>(TABLES + (usize(n) << 2), crc);
  }
  for (let table: usize = 1; table < 16; table++) {
    for (let n: usize = 0; n < 256; n++) {
      const before = load<u32>(TABLES + ((table - 1) << 10) + (n << 2));
      store<u32>(TABLES + (table << 10) + (n << 2), (before >>> 8) ^ load<u32>(TABLES + (usize(before & 255) << 2)));
    }
  }
}

export function inputAddress(): usize {
  return INPUT;
}

// @ts-ignore: decorator
@inline
function look(table: usize, byte: u32): u32 {
  return load<u32>(TABLES + (table << 10) + (usize(byte & 255) << 2));
}

// @ts-ignore: decorator
@inline
function four(table: usize, word: u32): u32 {
  return look(table + 3, word) ^ look(table + 2, word >>> 8) ^ look(table + 1, word >>> 16) ^ look(table, word >>> 24);
}

/** CRC of the `bytes` at the input, after `seed`, the CRC of what came before (0: nothing). */
export function crc(bytes: u32, seed: u32): u32 {
  let value = ~seed;
  let at = INPUT;
  const end = INPUT + bytes;
  for (; at + 16 <= end; at += 16) {
    value =
      four(12, value ^ load<u32>(at)) ^ four(8, load<u32>(at, 4)) ^ four(4, load<u32>(at, 8)) ^ four(0, load<u32>(at, 12));
  }
  for (; at < end; at++) value = look(0, value ^ load<u8>(at)) ^ (value >>> 8);
  return ~value;
}
