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
// free blocks. Blocks are never returned to the system, only reused: the state is deterministic, a function of the log.

export const ROOT: usize = 1024;
export const DIRECTORY: usize = 65536;
export const DIRECTORY_PAGES: u32 = 8192;
export const SCRATCH: usize = 131072;
export const STATE_BASE: usize = 67108864;
export const SCRATCH_BYTES: usize = STATE_BASE - SCRATCH;

export const MAGIC: u32 = 0x44484d54; // "TMHD"
/** Version of the memory layout: an image of another version is ignored. */
export const LAYOUT_VERSION: u32 = 1;

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

/** Extends the state by `bytes`; traps when the memory is at its end, which the host prevents by refusing writes earlier. */
function extend(bytes: u32): usize {
  // Pages of slots begin at a cache line, so that each slot is one.
  const mask: u32 = bytes >= 4096 ? 63 : 7;
  const at = (get32(R_BRK) + mask) & ~mask;
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
  const list = ROOT + R_FREE + (usize(sizeClass) << 2);
  const bytes = classBytes(sizeClass);
  store<u64>(ROOT + R_LIVE_BYTES, load<u64>(ROOT + R_LIVE_BYTES) + bytes);
  const block = load<u32>(list);
  if (block) {
    store<u32>(list, load<u32>(block));
    return block;
  }
  return extend(bytes);
}

/** Gives a block back to its class. */
export function freeClass(block: usize, sizeClass: u32): void {
  const list = ROOT + R_FREE + (usize(sizeClass) << 2);
  store<u64>(ROOT + R_LIVE_BYTES, load<u64>(ROOT + R_LIVE_BYTES) - classBytes(sizeClass));
  store<u32>(block, load<u32>(list));
  store<u32>(list, u32(block));
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
  set32(R_ID_TABLE, u32(allocTable(1024)));
  set32(R_ID_TABLE + 4, 1023);
  set32(R_SYMBOL_TABLE, u32(allocTable(1024)));
  set32(R_SYMBOL_TABLE + 4, 1023);
  set32(R_POSTINGS_TABLE, u32(allocTable(1024)));
  set32(R_POSTINGS_TABLE + 4, 1023);
  set32(R_LABEL_TABLE, u32(allocTable(256)));
  set32(R_LABEL_TABLE + 4, 255);
}
