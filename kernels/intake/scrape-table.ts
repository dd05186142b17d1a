// The table of one scrape cache: entries in order of arrival, slots that lead to them by the hash of their text.
//
//   record   { u32 entries, class, count, slots, class, mask, expected, scrape, settled, settledCount }
//   entry    48 bytes: u64 text hash low, high; u64 series id low, high; u32 seen, tracked, state, 0
//   slot     { u32 fingerprint, u32 entry + 1 }, open addressing
//
// A target exposes its series in one order, so the entry behind the last one found is tried first.
import { allocate, reallocate, release } from './memory';

export const ENTRY_BYTES: usize = 48;

// Of an empty cache to begin with: 16 entries, 32 slots.
const ENTRIES_CLASS: u32 = 10;
const SLOTS_CLASS: u32 = 8;
/** Size class of a record. */
export const RECORD_CLASS: u32 = 6;

@unmanaged
export class Cache {
  entries: u32;
  entriesClass: u32;
  count: u32;
  slots: u32;
  slotsClass: u32;
  mask: u32;
  expected: u32;
  scrape: u32;
  settled: u32;
  settledCount: u32;
}

@inline
export function entryAt(cache: Cache, index: u32): usize {
  return <usize>cache.entries + <usize>index * ENTRY_BYTES;
}

@inline
function isEntry(entry: usize, low: u64, high: u64): bool {
  return load<u64>(entry) == low && load<u64>(entry, 8) == high;
}

/** The entry of a text, or 0. */
export function find(cache: Cache, low: u64, high: u64): usize {
  if (cache.expected < cache.count) {
    const entry = entryAt(cache, cache.expected);
    if (isEntry(entry, low, high)) {
      cache.expected++;
      return entry;
    }
  }
  if (cache.slots == 0) return 0;
  let slot = <u32>low & cache.mask;
  while (true) {
    const at = <usize>cache.slots + (<usize>slot << 3);
    const number = load<u32>(at, 4);
    if (number == 0) return 0;
    if (load<u32>(at) == <u32>(low >> 32)) {
      const entry = entryAt(cache, number - 1);
      if (isEntry(entry, low, high)) {
        cache.expected = number;
        return entry;
      }
    }
    slot = (slot + 1) & cache.mask;
  }
}

export function insertSlot(cache: Cache, index: u32): void {
  const low = load<u64>(entryAt(cache, index));
  let slot = <u32>low & cache.mask;
  while (load<u32>(<usize>cache.slots + (<usize>slot << 3), 4) != 0) slot = (slot + 1) & cache.mask;
  store<u32>(<usize>cache.slots + (<usize>slot << 3), <u32>(low >> 32));
  store<u32>(<usize>cache.slots + (<usize>slot << 3), index + 1, 4);
}

export function rebuildSlots(cache: Cache): void {
  memory.fill(cache.slots, 0, (<usize>cache.mask + 1) << 3);
  for (let index: u32 = 0; index < cache.count; index++) insertSlot(cache, index);
}

/** Room for one more entry. */
export function reserveEntry(cache: Cache): bool {
  if (cache.entries == 0 || (<usize>cache.count + 1) * ENTRY_BYTES > <usize>1 << cache.entriesClass) {
    const sizeClass = cache.entries == 0 ? ENTRIES_CLASS : cache.entriesClass + 1;
    const entries = reallocate(cache.entries, cache.entriesClass, sizeClass, <usize>cache.count * ENTRY_BYTES);
    if (entries == 0) return false;
    cache.entries = <u32>entries;
    cache.entriesClass = sizeClass;
  }
  if (cache.slots == 0 || <u64>(cache.count + 1) * 8 > (<u64>cache.mask + 1) * 5) {
    const sizeClass = cache.slots == 0 ? SLOTS_CLASS : cache.slotsClass + 1;
    const slots = allocate(sizeClass);
    if (slots == 0) return false;
    if (cache.slots != 0) release(cache.slots, cache.slotsClass);
    cache.slots = <u32>slots;
    cache.slotsClass = sizeClass;
    cache.mask = (1 << (sizeClass - 3)) - 1;
    rebuildSlots(cache);
  }
  return true;
}

/** Gives memory back after a target lost most of its series. */
export function shrink(cache: Cache): void {
  if (<usize>cache.count * ENTRY_BYTES * 8 > <usize>1 << cache.entriesClass || cache.entriesClass <= ENTRIES_CLASS) return;
  let entriesClass = ENTRIES_CLASS;
  while (<usize>cache.count * ENTRY_BYTES * 2 > <usize>1 << entriesClass) entriesClass++;
  let slotsClass = SLOTS_CLASS;
  while (<usize>cache.count * 16 > <usize>1 << (slotsClass - 1)) slotsClass++;
  const entries = reallocate(cache.entries, cache.entriesClass, entriesClass, <usize>cache.count * ENTRY_BYTES);
  if (entries == 0) return;
  cache.entries = <u32>entries;
  cache.entriesClass = entriesClass;
  const slots = slotsClass < cache.slotsClass ? allocate(slotsClass) : 0;
  if (slots == 0) return;
  release(cache.slots, cache.slotsClass);
  cache.slots = <u32>slots;
  cache.slotsClass = slotsClass;
  cache.mask = (1 << (slotsClass - 3)) - 1;
}
