// Series of a shard's open log segment: 128-bit id -> number (active.ts keeps such tables too). Ids lie in an array in
// order of definition; an open-addressing table of {u32 fingerprint, u32 number + 1} leads there. A sender repeats its series in one order,
// so the id behind the one found last is tried first: steady traffic reads the array from front to back and does not
// touch the table.

import { allocate, reallocate, release } from './memory';
import { IdTable } from './shard';

@inline
function fingerprint(high: u64): u32 {
  return <u32>(high >> 32);
}

@inline
function slotAddress(table: IdTable, slot: u32): usize {
  return <usize>table.slots + (<usize>slot << 3);
}

/** The number of a series, or -1. The next search begins behind it. */
@inline
export function seriesFind(table: IdTable, low: u64, high: u64): i32 {
  const expected = table.expected;
  if (expected < table.seriesCount) {
    const key = <usize>table.keys + (<usize>expected << 4);
    if (load<u64>(key) == low && load<u64>(key, 8) == high) {
      table.expected = expected + 1;
      return <i32>expected;
    }
  }
  return seriesProbe(table, low, high);
}

function seriesProbe(table: IdTable, low: u64, high: u64): i32 {
  if (table.seriesCount == 0) return -1;
  const mask = table.slotsMask;
  const wanted = fingerprint(high);
  let slot = <u32>high & mask;
  while (true) {
    const at = slotAddress(table, slot);
    const entry = load<u32>(at, 4);
    if (entry == 0) return -1;
    slot = (slot + 1) & mask;
    if (load<u32>(at) != wanted) continue;
    const key = <usize>table.keys + (<usize>(entry - 1) << 4);
    if (load<u64>(key) == low && load<u64>(key, 8) == high) {
      table.expected = entry;
      return <i32>(entry - 1);
    }
  }
}

function insertSlot(table: IdTable, ref: u32): void {
  const high = load<u64>(<usize>table.keys + (<usize>ref << 4), 8);
  const mask = table.slotsMask;
  let slot = <u32>high & mask;
  while (load<u32>(slotAddress(table, slot), 4) != 0) slot = (slot + 1) & mask;
  store<u32>(slotAddress(table, slot), fingerprint(high));
  store<u32>(slotAddress(table, slot), ref + 1, 4);
}

/** Makes the slots anew, for keys that were moved or cut back. */
export function tableRebuild(table: IdTable): void {
  memory.fill(table.slots, 0, (<usize>table.slotsMask + 1) << 3);
  for (let ref: u32 = 0; ref < table.seriesCount; ref++) insertSlot(table, ref);
}

function growKeys(table: IdTable): bool {
  const next = table.keys == 0 ? 12 : table.keysClass + 1;
  const keys = reallocate(table.keys, table.keysClass, next, <usize>table.seriesCount << 4);
  if (keys == 0) return false;
  table.keys = <u32>keys;
  table.keysClass = next;
  return true;
}

function growSlots(table: IdTable): bool {
  const next = table.slots == 0 ? 12 : table.slotsClass + 1;
  const slots = allocate(next);
  if (slots == 0) return false;
  if (table.slots != 0) release(table.slots, table.slotsClass);
  table.slots = <u32>slots;
  table.slotsClass = next;
  table.slotsMask = (1 << (next - 3)) - 1;
  table.slotsMoved = 1;
  tableRebuild(table);
  return true;
}

/** Gives an id that is not there yet the next number. -1 when memory is out. */
export function seriesAdd(table: IdTable, low: u64, high: u64): i32 {
  const ref = table.seriesCount;
  if (table.keys == 0 || <usize>(ref + 1) << 4 > <usize>1 << table.keysClass) {
    if (!growKeys(table)) return -1;
  }
  // At most five eighths full.
  if (table.slots == 0 || <u64>(ref + 1) * 8 > (<u64>table.slotsMask + 1) * 5) {
    if (!growSlots(table)) return -1;
  }
  const key = <usize>table.keys + (<usize>ref << 4);
  store<u64>(key, low);
  store<u64>(key, high, 8);
  insertSlot(table, ref);
  table.seriesCount = ref + 1;
  table.expected = ref + 1;
  return <i32>ref;
}

/** Forgets the series from number `count` on: those were added last, so emptying their slots restores the table. */
export function seriesUndo(table: IdTable, count: u32): void {
  if (table.seriesCount == count) return;
  if (table.slotsMoved) {
    table.seriesCount = count;
    tableRebuild(table);
  } else {
    for (let ref = count; ref < table.seriesCount; ref++) {
      const high = load<u64>(<usize>table.keys + (<usize>ref << 4), 8);
      let slot = <u32>high & table.slotsMask;
      while (load<u32>(slotAddress(table, slot), 4) != ref + 1) slot = (slot + 1) & table.slotsMask;
      store<u64>(slotAddress(table, slot), 0);
    }
    table.seriesCount = count;
  }
  table.expected = 0;
}

/** Forgets all series; their memory is kept for the next segment. */
export function seriesClear(table: IdTable): void {
  table.seriesCount = 0;
  table.expected = 0;
  if (table.slots != 0) memory.fill(table.slots, 0, (<usize>table.slotsMask + 1) << 3);
}

/** Bytes that a table occupies. */
export function seriesBytes(table: IdTable): u32 {
  const keys: u32 = table.keys == 0 ? 0 : 1 << table.keysClass;
  return keys + (table.slots == 0 ? 0 : 1 << table.slotsClass);
}
