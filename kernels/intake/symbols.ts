// Symbols (label names and values) of a shard's open log segment: bytes -> number, compared byte by byte. New ones are
// written to the batch as they are met. Only series that are new to the segment come here.

import { columnReserve, allocate, classOf, reallocate, release } from './memory';
import { finalise, secretWord } from './hash';
import { SYMBOLS, Shard, columnOf } from './shard';
import { storeVarint } from './varint';

/** Keyed, for the table only: not stored anywhere. */
function symbolHash(address: usize, length: u32): u64 {
  const k0 = secretWord(2);
  const k1 = secretWord(3);
  const p = secretWord(136);
  const q = secretWord(137);
  let h: u64 = <u64>length * p;
  let at = address;
  let left = length;
  while (left > 16) {
    h = ((h ^ (h >> 32)) + (load<u64>(at) ^ k0)) * p + rotl<u64>((load<u64>(at, 8) ^ k1) * q, 32);
    at += 16;
    left -= 16;
  }
  let a: u64 = 0;
  let b: u64 = 0;
  if (left >= 8) {
    a = load<u64>(at);
    if (left > 8) b = load<u64>(at, 8) & (0xffffffffffffffff >> ((16 - left) << 3));
  } else if (left > 0) a = load<u64>(at) & (0xffffffffffffffff >> ((8 - left) << 3));
  return finalise(((h ^ (h >> 32)) + (a ^ k0)) * p + rotl<u64>((b ^ k1) * q, 32));
}

/** Whether two runs of bytes are equal; loads may pass their ends by up to 15 bytes. */
@inline
export function sameBytes(a: usize, b: usize, length: u32): bool {
  let i: u32 = 0;
  for (; i + 16 <= length; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  }
  const left = length - i;
  if (left >= 8) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
    return load<u64>(a + length - 8) == load<u64>(b + length - 8);
  }
  if (left == 0) return true;
  return ((load<u64>(a + i) ^ load<u64>(b + i)) & (0xffffffffffffffff >> ((8 - left) << 3))) == 0;
}

/** Whether symbol `number` has these bytes. */
@inline
export function symbolIs(shard: Shard, number: u32, address: usize, length: u32): bool {
  const ends = <usize>shard.symbolEnds + (<usize>number << 2);
  const begin = load<u32>(ends);
  if (load<u32>(ends, 4) - begin != length) return false;
  return sameBytes(<usize>shard.symbolBytes + begin, address, length);
}

/** The number of a symbol, which is defined if it is new. -1 when memory is out. */
export function symbolOf(shard: Shard, address: usize, length: u32): i32 {
  const hash = symbolHash(address, length);
  if (shard.symbolCount != 0) {
    const mask = shard.symbolSlotsMask;
    const wanted = <u32>(hash >> 32);
    for (let slot = <u32>hash & mask; ; slot = (slot + 1) & mask) {
      const at = <usize>shard.symbolSlots + (<usize>slot << 3);
      const entry = load<u32>(at, 4);
      if (entry == 0) break;
      if (load<u32>(at) == wanted && symbolIs(shard, entry - 1, address, length)) return <i32>(entry - 1);
    }
  }
  return symbolAdd(shard, address, length, hash);
}

function insertSlot(shard: Shard, hash: u64, number: u32): void {
  const mask = shard.symbolSlotsMask;
  let slot = <u32>hash & mask;
  while (load<u32>(<usize>shard.symbolSlots + (<usize>slot << 3), 4) != 0) slot = (slot + 1) & mask;
  store<u32>(<usize>shard.symbolSlots + (<usize>slot << 3), <u32>(hash >> 32));
  store<u32>(<usize>shard.symbolSlots + (<usize>slot << 3), number + 1, 4);
}

function hashOf(shard: Shard, number: u32): u64 {
  const ends = <usize>shard.symbolEnds + (<usize>number << 2);
  const begin = load<u32>(ends);
  return symbolHash(<usize>shard.symbolBytes + begin, load<u32>(ends, 4) - begin);
}

function rebuild(shard: Shard): void {
  memory.fill(shard.symbolSlots, 0, (<usize>shard.symbolSlotsMask + 1) << 3);
  for (let number: u32 = 0; number < shard.symbolCount; number++) insertSlot(shard, hashOf(shard, number), number);
}

function grow(shard: Shard, length: u32): bool {
  const count = shard.symbolCount;
  if (shard.symbolEnds == 0 || <usize>(count + 2) << 2 > <usize>1 << shard.symbolEndsClass) {
    const next = shard.symbolEnds == 0 ? 10 : shard.symbolEndsClass + 1;
    const ends = reallocate(shard.symbolEnds, shard.symbolEndsClass, next, count == 0 ? 0 : <usize>(count + 1) << 2);
    if (ends == 0) return false;
    shard.symbolEnds = <u32>ends;
    shard.symbolEndsClass = next;
    if (count == 0) store<u32>(ends, 0);
  }
  const bytes = <u64>shard.symbolBytesLength + length;
  if (shard.symbolBytes == 0 || bytes > <u64>1 << shard.symbolBytesClass) {
    if (bytes > 1 << 30) return false;
    const next = max<u32>(classOf(<usize>bytes), shard.symbolBytes == 0 ? 12 : shard.symbolBytesClass + 1);
    const address = reallocate(shard.symbolBytes, shard.symbolBytesClass, next, shard.symbolBytesLength);
    if (address == 0) return false;
    shard.symbolBytes = <u32>address;
    shard.symbolBytesClass = next;
  }
  if (shard.symbolSlots != 0 && <u64>(count + 1) * 8 <= (<u64>shard.symbolSlotsMask + 1) * 5) return true;
  const next = shard.symbolSlots == 0 ? 11 : shard.symbolSlotsClass + 1;
  const slots = allocate(next);
  if (slots == 0) return false;
  if (shard.symbolSlots != 0) release(shard.symbolSlots, shard.symbolSlotsClass);
  shard.symbolSlots = <u32>slots;
  shard.symbolSlotsClass = next;
  shard.symbolSlotsMask = (1 << (next - 3)) - 1;
  shard.symbolSlotsMoved = 1;
  rebuild(shard);
  return true;
}

function symbolAdd(shard: Shard, address: usize, length: u32, hash: u64): i32 {
  if (!grow(shard, length)) return -1;
  const column = columnOf(shard, SYMBOLS);
  const out = columnReserve(column, <usize>length + 5);
  if (out == 0) return -1;
  const number = shard.symbolCount;
  const bytes = shard.symbolBytesLength;
  memory.copy(<usize>shard.symbolBytes + bytes, address, length);
  shard.symbolBytesLength = bytes + length;
  store<u32>(<usize>shard.symbolEnds + (<usize>(number + 1) << 2), bytes + length);
  shard.symbolCount = number + 1;
  insertSlot(shard, hash, number);
  const text = storeVarint(out, length);
  memory.copy(text, address, length);
  column.length += <u32>(text + length - out);
  return <i32>number;
}

/** Forgets the symbols from number `count` on, `bytes` being the bytes of those that stay. */
export function symbolsUndo(shard: Shard, count: u32, bytes: u32): void {
  if (shard.symbolCount == count) return;
  if (!shard.symbolSlotsMoved) {
    for (let number = count; number < shard.symbolCount; number++) {
      let slot = <u32>hashOf(shard, number) & shard.symbolSlotsMask;
      while (load<u32>(<usize>shard.symbolSlots + (<usize>slot << 3), 4) != number + 1) {
        slot = (slot + 1) & shard.symbolSlotsMask;
      }
      store<u64>(<usize>shard.symbolSlots + (<usize>slot << 3), 0);
    }
  }
  shard.symbolCount = count;
  shard.symbolBytesLength = bytes;
  if (shard.symbolSlotsMoved) rebuild(shard);
}

/** Forgets all symbols; their memory is kept for the next segment. */
export function symbolsClear(shard: Shard): void {
  shard.symbolCount = 0;
  shard.symbolBytesLength = 0;
  if (shard.symbolSlots != 0) memory.fill(shard.symbolSlots, 0, (<usize>shard.symbolSlotsMask + 1) << 3);
}

/** Bytes that the shard's symbols occupy. */
export function symbolsBytes(shard: Shard): u32 {
  if (shard.symbolEnds == 0) return 0;
  return (1 << shard.symbolEndsClass) + (1 << shard.symbolBytesClass) + (1 << shard.symbolSlotsClass);
}
