// Aliases: labels as a sender writes them (unsorted, with empty values, or as symbols of remote write 2.0) -> the id
// of the series they mean. That is a fact about bytes, so aliases outlive segments and undone requests; they are a
// cache of bounded size, emptied when full. As with series, the one behind the last found is tried first.
//
//   entry: {u64 wireLow, u64 wireHigh, u64 idLow, u64 idHigh}      slot: {u32 fingerprint, u32 entry + 1}

import { allocate, reallocate, release } from './memory';

/** The id that aliasFind found. */
export let aliasLow: u64 = 0;
export let aliasHigh: u64 = 0;

let entries: usize = 0;
let entriesClass: u32 = 0;
let slots: usize = 0;
let slotsClass: u32 = 0;
let mask: u32 = 0;
let used: u32 = 0;
let limit: u32 = 1 << 20;
let expected: u32 = 0;

/** Sets how many aliases are kept. */
export function aliasesInit(countMax: u32): void {
  limit = countMax;
}

@inline
function take(index: u32): void {
  const entry = entries + (<usize>index << 5);
  aliasLow = load<u64>(entry, 16);
  aliasHigh = load<u64>(entry, 24);
  expected = index + 1;
}

/** Looks an alias up; true leaves its id in aliasLow and aliasHigh. */
export function aliasFind(low: u64, high: u64): bool {
  if (expected < used) {
    const entry = entries + (<usize>expected << 5);
    if (load<u64>(entry) == low && load<u64>(entry, 8) == high) {
      take(expected);
      return true;
    }
  }
  if (used == 0) return false;
  const wanted = <u32>(high >> 32);
  let slot = <u32>high & mask;
  while (true) {
    const at = slots + (<usize>slot << 3);
    const index = load<u32>(at, 4);
    if (index == 0) return false;
    slot = (slot + 1) & mask;
    if (load<u32>(at) != wanted) continue;
    const entry = entries + (<usize>(index - 1) << 5);
    if (load<u64>(entry) == low && load<u64>(entry, 8) == high) {
      take(index - 1);
      return true;
    }
  }
}

function insertSlot(index: u32): void {
  const high = load<u64>(entries + (<usize>index << 5), 8);
  let slot = <u32>high & mask;
  while (load<u32>(slots + (<usize>slot << 3), 4) != 0) slot = (slot + 1) & mask;
  store<u32>(slots + (<usize>slot << 3), <u32>(high >> 32));
  store<u32>(slots + (<usize>slot << 3), index + 1, 4);
}

function grow(): bool {
  if (entries == 0 || <usize>(used + 1) << 5 > <usize>1 << entriesClass) {
    const next = entries == 0 ? 12 : entriesClass + 1;
    const address = reallocate(entries, entriesClass, next, <usize>used << 5);
    if (address == 0) return false;
    entries = address;
    entriesClass = next;
  }
  if (slots != 0 && <u64>(used + 1) * 8 <= (<u64>mask + 1) * 5) return true;
  const next = slots == 0 ? 11 : slotsClass + 1;
  const address = allocate(next);
  if (address == 0) return false;
  if (slots != 0) release(slots, slotsClass);
  slots = address;
  slotsClass = next;
  mask = (1 << (next - 3)) - 1;
  memory.fill(slots, 0, (<usize>mask + 1) << 3);
  for (let i: u32 = 0; i < used; i++) insertSlot(i);
  return true;
}

/** Adds an alias that is not there. Without memory it is not remembered, which costs time only. */
export function aliasAdd(low: u64, high: u64, idLow: u64, idHigh: u64): void {
  if (limit == 0) return;
  if (used >= limit) {
    used = 0;
    memory.fill(slots, 0, (<usize>mask + 1) << 3);
  }
  if (!grow()) return;
  const entry = entries + (<usize>used << 5);
  store<u64>(entry, low);
  store<u64>(entry, high, 8);
  store<u64>(entry, idLow, 16);
  store<u64>(entry, idHigh, 24);
  insertSlot(used++);
  expected = used;
}

/** Bytes that aliases occupy. */
export function aliasBytes(): u32 {
  if (entries == 0) return 0;
  return (1 << entriesClass) + (1 << slotsClass);
}
