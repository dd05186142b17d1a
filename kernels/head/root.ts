// The root of a shard's flat memory, and its allocator. Everything that the shard knows hangs from here and lives in linear
// memory, never in a global: a copy of the memory is a complete image of the head.
//
//   0 ┌──────────────────────────────┐
//     │ root: counters, tables, lists │  ROOT_BYTES
//  64K├──────────────────────────────┤
//     │ series directory              │  page pointers
//  96K├──────────────────────────────┤
//     │ unused                        │
// 128K├──────────────────────────────┤
//     │ scratch: input and output     │  not part of the image
//  64M├──────────────────────────────┤
//     │ state: slabs, tables, bytes   │  grows upwards to `brk`
//     └──────────────────────────────┘
//
// Allocation is by size classes, two per power of two (16, 24, 32, 48, ...), each with a free list threaded through the
// free blocks. Where a class has none, a large free block (an outgrown table) is cut up before the state grows. Blocks are never
// returned to the system, only reused: the state is deterministic, a function of the log.

export const ROOT: usize = 1024;
export const DIRECTORY: usize = 65536;
export const DIRECTORY_PAGES: u32 = 8192;
export const SCRATCH: usize = 131072;
export const STATE_BASE: usize = 67108864;
export const SCRATCH_BYTES: usize = STATE_BASE - SCRATCH;

export const MAGIC: u32 = 0x44484d54; // "TMHD"
/** Version of the memory layout: an image of another version is ignored. */
export const LAYOUT_VERSION: u32 = 4;

// Offsets in the root.
export const R_MAGIC: usize = 0;
export const R_VERSION: usize = 4;
export const R_BRK: usize = 8;
export const R_SERIES_COUNT: usize = 12;
export const R_LOG_SEGMENT: usize = 16; // f64
export const R_LOG_OFFSET: usize = 24; // f64
export const R_FREE: usize = 32; // free lists: 64 classes x u32, up to 288
export const R_ID_TABLE: usize = 288; // ptr, mask
export const R_SYMBOL_COUNT: usize = 296;
export const R_SYMBOL_POINTERS: usize = 300; // ptr, capacity
export const R_SYMBOL_TABLE: usize = 308; // ptr, mask
export const R_SEGMENT_SYMBOLS: usize = 316; // ptr, capacity, count
export const R_SEGMENT_SERIES: usize = 328; // ptr, capacity, count
export const R_POSTINGS_TABLE: usize = 340; // ptr, mask
export const R_POSTINGS_COUNT: usize = 348;
export const R_LABEL_TABLE: usize = 352; // ptr, mask
export const R_LABEL_COUNT: usize = 360;
export const R_FIRST_LABEL: usize = 364; // newest label entry
export const R_SAMPLES: usize = 368; // u64 counters
export const R_DUPLICATES: usize = 376;
export const R_CONFLICTS: usize = 384;
export const R_OUT_OF_ORDER: usize = 392;
export const R_STALE_UNKNOWN: usize = 400;
export const R_COLUMNS: usize = 408;
export const R_MIN_TIME: usize = 416; // i64
export const R_MAX_TIME: usize = 424; // i64
export const R_BATCHES: usize = 432;
export const R_LIVE_BYTES: usize = 440; // u64: allocated and not freed
export const R_CLOCK: usize = 448; // i64 (clock.ts)
export const R_CLOCK_JUMPS: usize = 456;
export const R_GENERATION: usize = 460; // changes when samples left or numbers have another meaning
export const R_LATE_HELD: usize = 464; // u64: samples that came late and are here
export const R_SAMPLES_GONE: usize = 472; // u64: samples that were dropped or deleted
export const R_EMPTY: usize = 480; // series without samples
export const R_DEAD: usize = 484; // series that the next sweep takes
export const R_SWEPT_SERIES: usize = 488; // series after the last sweep
export const R_SWEEPS: usize = 492;
export const R_SYMBOL_FREE: usize = 496; // first free symbol number + 1, how many
export const R_CARVE: usize = 504; // address, end: rest of a large block that is being cut up
export const R_LARGE_FREE: usize = 512; // free blocks of CARVE_CLASS_MIN and more
export const R_BLOBS: usize = 520; // u64: blobs that samples refer to (blob.ts)
export const R_COMPANIONS: usize = 528; // series of start times (starts.ts) that are not dead
// Exemplars (exemplars.ts).
export const R_EXEMPLAR_TABLE: usize = 640; // ptr, mask
export const R_EXEMPLAR_SERIES: usize = 648;
export const R_EXEMPLARS: usize = 652; // how many there are
export const R_EXEMPLAR_OLDEST: usize = 656;
export const R_EXEMPLAR_NEWEST: usize = 660;
export const R_EXEMPLAR_BYTES: usize = 664; // u64
export const R_EXEMPLARS_APPENDED: usize = 672; // u64 counters
export const R_EXEMPLARS_DUPLICATE: usize = 680;
export const R_EXEMPLARS_OUT_OF_ORDER: usize = 688;
export const R_EXEMPLARS_UNKNOWN: usize = 696; // of series that the shard does not have
export const R_EXEMPLARS_DROPPED: usize = 704; // that made room
// From 32768 to the directory the memory belongs to the host (src/tsdb/shard-state.ts).

// @ts-ignore: decorator
@inline
export function get32(offset: usize): u32 {
  return load<u32>(ROOT + offset);
}
// @ts-ignore: decorator
@inline
export function set32(offset: usize, value: u32): void {
  store<u32>(ROOT + offset, value);
}
// @ts-ignore: decorator
@inline
export function count64(offset: usize): void {
  store<u64>(ROOT + offset, load<u64>(ROOT + offset) + 1);
}

/** Smallest size class that holds `bytes`. */
export function classOf(bytes: u32): u32 {
  if (bytes <= 16) return 0;
  const k: u32 = 32 - clz<u32>(bytes - 1); // 2^(k-1) < bytes <= 2^k
  const half = (k - 4) * 2;
  return bytes <= (u32(3) << (k - 2)) ? half - 1 : half;
}

/** Bytes of a size class: 16, 24, 32, 48, 64, ... */
// @ts-ignore: decorator
@inline
export function classBytes(sizeClass: u32): u32 {
  return (sizeClass & 1 ? u32(24) : u32(16)) << (sizeClass >> 1);
}

// Pages of slots begin at a cache line, so that each slot is one.
// @ts-ignore: decorator
@inline
function aligned(at: u32, bytes: u32): u32 {
  const mask: u32 = bytes >= 4096 ? 63 : 7;
  return (at + mask) & ~mask;
}

/** Smallest class of blocks that are cut up, 16 KiB, and the number of classes. */
const CARVE_CLASS_MIN: u32 = 20;
const CLASSES: u32 = 64;

// @ts-ignore: decorator
@inline
function isLarge(sizeClass: u32): bool {
  return sizeClass >= CARVE_CLASS_MIN;
}

function pushFree(block: usize, sizeClass: u32): void {
  const list = ROOT + R_FREE + (usize(sizeClass) << 2);
  store<u32>(block, load<u32>(list));
  store<u32>(list, u32(block));
  if (isLarge(sizeClass)) set32(R_LARGE_FREE, get32(R_LARGE_FREE) + 1);
}

function popFree(sizeClass: u32): usize {
  const list = ROOT + R_FREE + (usize(sizeClass) << 2);
  const block = load<u32>(list);
  if (!block) return 0;
  store<u32>(list, load<u32>(block));
  if (isLarge(sizeClass)) set32(R_LARGE_FREE, get32(R_LARGE_FREE) - 1);
  return block;
}

/** Gives [at, end) to the free lists in the largest blocks that fit. Large ones begin at a cache line. */
function freeRange(at: u32, end: u32): void {
  if (end - at >= 4096) at = aligned(at, 4096);
  while (end - at >= 16) {
    let sizeClass = classOf(end - at);
    while (classBytes(sizeClass) > end - at) sizeClass--;
    pushFree(at, sizeClass);
    at += classBytes(sizeClass);
  }
}

/** A piece of a large free block, or 0. */
function carve(bytes: u32): usize {
  let at = aligned(get32(R_CARVE), bytes);
  if (at + bytes > get32(R_CARVE + 4)) {
    if (!get32(R_LARGE_FREE)) return 0;
    let sizeClass = max<u32>(CARVE_CLASS_MIN, classOf(bytes));
    let block: usize = 0;
    while (!block && sizeClass < CLASSES) block = popFree(sizeClass++);
    if (!block) return 0;
    freeRange(get32(R_CARVE), get32(R_CARVE + 4));
    set32(R_CARVE + 4, u32(block) + classBytes(sizeClass - 1));
    at = aligned(u32(block), bytes);
    freeRange(u32(block), at);
  } else freeRange(get32(R_CARVE), at);
  set32(R_CARVE, at + bytes);
  return at;
}

/** Extends the state by `bytes`; traps when the memory is at its end, which the host prevents by refusing writes earlier. */
function extend(bytes: u32): usize {
  const at = aligned(get32(R_BRK), bytes);
  const end = u64(at) + u64(bytes);
  // Readers load whole words: up to 8 bytes behind a block.
  const need = end + 16;
  const have = u64(memory.size()) << 16;
  if (need > have) {
    // Grow by an eighth, so that growing is rare, in whole pages.
    const more = max<u64>(need - have, have >> 3);
    if (memory.grow(i32((more + 65535) >> 16)) < 0 && memory.grow(i32((need - have + 65535) >> 16)) < 0) unreachable();
  }
  set32(R_BRK, u32(end));
  return at;
}

/** A block of a size class; contents undefined. */
export function allocClass(sizeClass: u32): usize {
  const bytes = classBytes(sizeClass);
  store<u64>(ROOT + R_LIVE_BYTES, load<u64>(ROOT + R_LIVE_BYTES) + bytes);
  const block = popFree(sizeClass);
  if (block) return block;
  const piece = carve(bytes);
  return piece ? piece : extend(bytes);
}

/** Gives a block back to its class. */
export function freeClass(block: usize, sizeClass: u32): void {
  store<u64>(ROOT + R_LIVE_BYTES, load<u64>(ROOT + R_LIVE_BYTES) - classBytes(sizeClass));
  pushFree(block, sizeClass);
}

export function alloc(bytes: u32): usize {
  return allocClass(classOf(bytes));
}

/** A zeroed table of `entries` u32. */
export function allocTable(entries: u32): usize {
  const table = alloc(entries << 2);
  memory.fill(table, 0, usize(entries) << 2);
  return table;
}

/**
 * Replaces an open-addressing table, whose pointer and mask lie at root offset `tableAt`, by an empty one for `live` entries: the same
 * memory, or less where it is much too large.
 */
export function emptyTable(tableAt: usize, live: u32, entriesMin: u32): void {
  const entries = get32(tableAt + 4) + 1;
  let wanted = entriesMin;
  while (live * 8 > wanted * 3) wanted <<= 1;
  if (entries < wanted * 4) {
    memory.fill(get32(tableAt), 0, usize(entries) << 2);
    return;
  }
  freeClass(get32(tableAt), classOf(entries << 2));
  set32(tableAt, u32(allocTable(wanted)));
  set32(tableAt + 4, wanted - 1);
}

/** Makes the u32 array whose pointer and capacity lie at root offset `vector` hold at least `count` entries. */
export function ensureVector(vector: usize, count: u32): void {
  const capacity = get32(vector + 4);
  if (count <= capacity) return;
  const old = get32(vector);
  const sizeClass = classOf(max<u32>(count, max<u32>(64, capacity + (capacity >> 1))) << 2);
  const bigger = allocClass(sizeClass);
  if (capacity) {
    memory.copy(bigger, old, usize(capacity) << 2);
    freeClass(old, classOf(capacity << 2));
  }
  set32(vector, u32(bigger));
  set32(vector + 4, classBytes(sizeClass) >> 2);
}

/** Entries of new tables. */
export const TABLE_ENTRIES_MIN: u32 = 1024;
export const LABEL_ENTRIES_MIN: u32 = 256;

function newTable(tableAt: usize, entries: u32): void {
  set32(tableAt, u32(allocTable(entries)));
  set32(tableAt + 4, entries - 1);
}

/** Prepares empty state. Called once on a fresh memory; a restored image has it already. */
export function init(): void {
  if (__heap_base > ROOT) unreachable();
  const have = usize(memory.size()) << 16;
  if (have < STATE_BASE && memory.grow(i32((STATE_BASE - have) >> 16)) < 0) unreachable();
  if (get32(R_MAGIC) == MAGIC) return;
  set32(R_MAGIC, MAGIC);
  set32(R_VERSION, LAYOUT_VERSION);
  set32(R_BRK, u32(STATE_BASE));
  store<i64>(ROOT + R_MIN_TIME, i64.MAX_VALUE);
  store<i64>(ROOT + R_MAX_TIME, i64.MIN_VALUE);
  store<i64>(ROOT + R_CLOCK, i64.MIN_VALUE);
  newTable(R_ID_TABLE, TABLE_ENTRIES_MIN);
  newTable(R_SYMBOL_TABLE, TABLE_ENTRIES_MIN);
  newTable(R_POSTINGS_TABLE, TABLE_ENTRIES_MIN);
  newTable(R_LABEL_TABLE, LABEL_ENTRIES_MIN);
}
