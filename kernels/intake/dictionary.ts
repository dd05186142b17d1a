// Series of a shard's open log segment: 128-bit id -> number. Ids lie in an array in order of definition; an
// open-addressing table of {u32 fingerprint, u32 number + 1} leads there. A sender repeats its series in one order,
// so the id behind the one found last is tried first: steady traffic reads the array from front to back and does not
// touch the table.

import { allocate, reallocate, release } from './memory';
import { Shard } from './shard';

@inline
function fingerprint(high: u64): u32 {
  return <u32>(high >> 32);
}

@inline
function slotAddress(shard: Shard, slot: u32): usize {
  return <usize>shard.slots + (<usize>slot << 3);
}

/** The number of a series, or -1. The next search begins behind it. */
@inline
export function seriesFind(shard: Shard, low: u64, high: u64): i32 {
  const expected = shard.expected;
  if (expected < shard.seriesCount) {
    const key = <usize>shard.keys + (<usize>expected << 4);
    if (load<u64>(key) == low && load<u64>(key, 8) == high) {
      shard.expected = expected + 1;
      return <i32>expected;
    }
  }
  return seriesProbe(shard, low, high);
}

function seriesProbe(shard: Shard, low: u64, high: u64): i32 {
  if (shard.seriesCount == 0) return -1;
  const mask = shard.slotsMask;
  const wanted = fingerprint(high);
  let slot = <u32>high & mask;
  while (true) {
    const at = slotAddress(shard, slot);
    const entry = load<u32>(at, 4);
    if (entry == 0) return -1;
    slot = (slot + 1) & mask;
    if (load<u32>(at) != wanted) continue;
    const key = <usize>shard.keys + (<usize>(entry - 1) << 4);
    if (load<u64>(key) == low && load<u64>(key, 8) == high) {
      shard.expected = entry;
      return <i32>(entry - 1);
    }
  }
}

function insertSlot(shard: Shard, ref: u32): void {
  const high = load<u64>(<usize>shard.keys + (<usize>ref << 4), 8);
  const mask = shard.slotsMask;
  let slot = <u32>high & mask;
  while (load<u32>(slotAddress(shard, slot), 4) != 0) slot = (slot + 1) & mask;
  store<u32>(slotAddress(shard, slot), fingerprint(high));
  store<u32>(slotAddress(shard, slot), ref + 1, 4);
}

function rebuild(shard: Shard): void {
  memory.fill(shard.slots, 0, (<usize>shard.slotsMask + 1) << 3);
  for (let ref: u32 = 0; ref < shard.seriesCount; ref++) insertSlot(shard, ref);
}

function growKeys(shard: Shard): bool {
  const next = shard.keys == 0 ? 12 : shard.keysClass + 1;
  const keys = reallocate(shard.keys, shard.keysClass, next, <usize>shard.seriesCount << 4);
  if (keys == 0) return false;
  shard.keys = <u32>keys;
  shard.keysClass = next;
  return true;
}

function growSlots(shard: Shard): bool {
  const next = shard.slots == 0 ? 12 : shard.slotsClass + 1;
  const slots = allocate(next);
  if (slots == 0) return false;
  if (shard.slots != 0) release(shard.slots, shard.slotsClass);
  shard.slots = <u32>slots;
  shard.slotsClass = next;
  shard.slotsMask = (1 << (next - 3)) - 1;
  shard.slotsMoved = 1;
  rebuild(shard);
  return true;
}

/** Gives an id that is not there yet the next number. -1 when memory is out. */
export function seriesAdd(shard: Shard, low: u64, high: u64): i32 {
  const ref = shard.seriesCount;
  if (shard.keys == 0 || <usize>(ref + 1) << 4 > <usize>1 << shard.keysClass) {
    if (!growKeys(shard)) return -1;
  }
  // At most five eighths full.
  if (shard.slots == 0 || <u64>(ref + 1) * 8 > (<u64>shard.slotsMask + 1) * 5) {
    if (!growSlots(shard)) return -1;
  }
  const key = <usize>shard.keys + (<usize>ref << 4);
  store<u64>(key, low);
  store<u64>(key, high, 8);
  insertSlot(shard, ref);
  shard.seriesCount = ref + 1;
  shard.expected = ref + 1;
  return <i32>ref;
}

/** Forgets the series from number `count` on: those were added last, so emptying their slots restores the table. */
export function seriesUndo(shard: Shard, count: u32): void {
  if (shard.seriesCount == count) return;
  if (shard.slotsMoved) {
    shard.seriesCount = count;
    rebuild(shard);
  } else {
    for (let ref = count; ref < shard.seriesCount; ref++) {
      const high = load<u64>(<usize>shard.keys + (<usize>ref << 4), 8);
      let slot = <u32>high & shard.slotsMask;
      while (load<u32>(slotAddress(shard, slot), 4) != ref + 1) slot = (slot + 1) & shard.slotsMask;
      store<u64>(slotAddress(shard, slot), 0);
    }
    shard.seriesCount = count;
  }
  shard.expected = 0;
}

/** Forgets all series; their memory is kept for the next segment. */
export function seriesClear(shard: Shard): void {
  shard.seriesCount = 0;
  shard.expected = 0;
  if (shard.slots != 0) memory.fill(shard.slots, 0, (<usize>shard.slotsMask + 1) << 3);
}

/** Bytes that the shard's series occupy. */
export function seriesBytes(shard: Shard): u32 {
  const keys: u32 = shard.keys == 0 ? 0 : 1 << shard.keysClass;
  return keys + (shard.slots == 0 ? 0 : 1 << shard.slotsClass);
}
