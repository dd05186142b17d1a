// The series table: 128-byte slots in pages of 1,024, found by the 128-bit id. All that appending a sample usually needs is in the
// slot: its last bytes take the newest steps of the open chunk (open.ts).
//
//   0   u64 id low            48 u16 bytes used in the open chunk        64 i64 first time of the open chunk
//   8   u64 id high           50 u16 samples in the open chunk           72 u64 first value's bits
//   16  i64 last time         52 u8  size class of the open chunk        80 u8  bytes used in the tail
//   24  u64 last value's bits 53 u8  flags                               81 tail: 47 bytes
//   32  i64 last difference   54 u16 repetitions at the open chunk's end
//   40  u32 labels            56 u32 newest sealed column
//   44  u32 open chunk or 0   60 u32 out-of-order buffer or 0
//
// Labels are varints: tenant symbol, number of labels, then name and value symbols in turns, in the order of the names. The slots of
// start times have none (starts.ts).
// A sealed column in the list is a node { u32 next older, u32 bytes and flags, i64 last time, column }. Nodes are in the order in
// which they were sealed; those that are not late ones also by time.
import {
  DIRECTORY,
  DIRECTORY_PAGES,
  R_EMPTY,
  R_ID_TABLE,
  R_SERIES_COUNT,
  alloc,
  allocTable,
  classOf,
  freeClass,
  get32,
  set32,
} from './root';

export const SLOT_BYTES: u32 = 128;
export const PAGE_SLOTS: u32 = 1024;
export const S_LAST_TIME: usize = 16;
export const S_LAST_BITS: usize = 24;
export const S_LAST_DIFFERENCE: usize = 32;
export const S_LABELS: usize = 40;
export const S_OPEN: usize = 44;
export const S_OPEN_USED: usize = 48;
export const S_OPEN_COUNT: usize = 50;
export const S_OPEN_CLASS: usize = 52;
export const S_FLAGS: usize = 53;
export const S_RUN: usize = 54;
export const S_COLUMNS: usize = 56;
export const S_LATE: usize = 60;
export const S_FIRST_TIME: usize = 64;
export const S_FIRST_BITS: usize = 72;
export const S_TAIL_USED: usize = 80;
export const S_TAIL: usize = 81;
export const TAIL_BYTES: u32 = SLOT_BYTES - u32(S_TAIL);

/** Late samples exist, so sealed columns may overlap and reads must merge. */
export const FLAG_LATE: u8 = 1;
/** The open chunk is not the first of its window. */
export const FLAG_SEALED: u8 = 2;
/** Some columns are cut. */
export const FLAG_CUT: u8 = 4;
/** There are no samples. */
export const FLAG_EMPTY: u8 = 8;
/** There are no samples, nor will there be without a new definition: the next sweep takes the series. */
export const FLAG_DEAD: u8 = 16;
/** The log's segment names the series. Set only while the dead ones are looked for. */
export const FLAG_NAMED: u8 = 32;
/** Values may be references (blob.ts). */
export const FLAG_BLOBS: u8 = 64;
/** Samples may have start times (starts.ts). */
export const FLAG_STARTS: u8 = 128;

export const N_BYTES: usize = 4;
export const N_TIME: usize = 8;
export const N_COLUMN: usize = 16;
/** The column leaves the head at the next drop. */
export const N_CUT: u32 = 0x80000000;
/** The column's samples came late. */
export const N_LATE: u32 = 0x40000000;
export const N_FLAGS_MASK: u32 = N_CUT | N_LATE;

export const NO_SERIES: u32 = 0xffffffff;

// @ts-ignore: decorator
@inline
export function slotOf(series: u32): usize {
  return usize(load<u32>(DIRECTORY + ((usize(series) >> 10) << 2))) + ((usize(series) & 1023) << 7);
}

function probe(low: u64, high: u64): usize {
  const table = usize(get32(R_ID_TABLE));
  const mask = get32(R_ID_TABLE + 4);
  let i = u32(low >> 8) & mask;
  while (true) {
    const place = table + (usize(i) << 2);
    const entry = load<u32>(place);
    if (!entry) return place;
    const slot = slotOf(entry - 1);
    if (load<u64>(slot) == low && load<u64>(slot, 8) == high) return place;
    i = (i + 1) & mask;
  }
}

/** The series with this id, or NO_SERIES. */
export function findSeries(low: u64, high: u64): u32 {
  return load<u32>(probe(low, high)) - 1;
}

/** Enters all series into the table, which has no entries. */
export function fillIdTable(): void {
  const table = usize(get32(R_ID_TABLE));
  const mask = get32(R_ID_TABLE + 4);
  const count = get32(R_SERIES_COUNT);
  for (let series: u32 = 0; series < count; series++) {
    let i = u32(load<u64>(slotOf(series)) >> 8) & mask;
    while (load<u32>(table + (usize(i) << 2))) i = (i + 1) & mask;
    store<u32>(table + (usize(i) << 2), series + 1);
  }
}

/** findSeries for readers, of `count` ids at `list` (two u64 each): numbers at `out`. Dead series are not found. */
export function findMany(list: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const id = list + (usize(i) << 4);
    let series = findSeries(load<u64>(id), load<u64>(id, 8));
    if (series != NO_SERIES && load<u8>(slotOf(series), S_FLAGS) & FLAG_DEAD) series = NO_SERIES;
    store<u32>(out + (usize(i) << 2), series);
  }
}

/** Ids of `count` series numbers at `list`: two u64 each at `out`. */
export function readIds(list: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const slot = slotOf(load<u32>(list + (usize(i) << 2)));
    v128.store(out + (usize(i) << 4), v128.load(slot));
  }
}

function growTable(): void {
  const old = get32(R_ID_TABLE);
  const oldEntries = get32(R_ID_TABLE + 4) + 1;
  set32(R_ID_TABLE, u32(allocTable(oldEntries << 1)));
  set32(R_ID_TABLE + 4, (oldEntries << 1) - 1);
  fillIdTable();
  freeClass(old, classOf(oldEntries << 2));
}

/** Makes a series without labels or samples. Returns its number, or NO_SERIES when the directory is full. */
export function createSeries(low: u64, high: u64): u32 {
  const series = get32(R_SERIES_COUNT);
  if (series >= DIRECTORY_PAGES * PAGE_SLOTS) return NO_SERIES;
  if ((series & (PAGE_SLOTS - 1)) == 0) {
    const page = alloc(PAGE_SLOTS * SLOT_BYTES);
    store<u32>(DIRECTORY + ((usize(series) >> 10) << 2), u32(page));
  }
  const slot = slotOf(series);
  memory.fill(slot, 0, SLOT_BYTES);
  store<u64>(slot, low);
  store<u64>(slot, high, 8);
  store<i64>(slot, i64.MIN_VALUE, S_LAST_TIME);
  store<u8>(slot, FLAG_EMPTY, S_FLAGS);
  set32(R_EMPTY, get32(R_EMPTY) + 1);
  store<u32>(probe(low, high), series + 1);
  set32(R_SERIES_COUNT, series + 1);
  if ((series + 1) * 4 > (get32(R_ID_TABLE + 4) + 1) * 3) growTable();
  return series;
}
