// The sweep: dead series leave the memory, and with them the labels, values and symbols that were theirs alone. The series that are left
// are numbered anew, in their order, so that lists of numbers stay ascending; symbols keep their numbers.
//
//   1 numbers   a u32 per old number: the new one, or NO_SERIES        3 slots move down, the id table is filled anew
//   2 segment   addresses of slots become numbers                      4 postings, then symbols that nothing names any more
import {
  DIRECTORY,
  R_DEAD,
  R_EMPTY,
  R_ID_TABLE,
  R_SEGMENT_SERIES,
  R_SEGMENT_SYMBOLS,
  R_SERIES_COUNT,
  R_SWEEPS,
  R_SWEPT_SERIES,
  R_SYMBOL_COUNT,
  SCRATCH,
  TABLE_ENTRIES_MIN,
  classOf,
  emptyTable,
  freeClass,
  get32,
  set32,
} from './root';
import { markSymbols, sweepPostings } from './postings';
import {
  FLAG_DEAD,
  NO_SERIES,
  PAGE_SLOTS,
  SLOT_BYTES,
  S_FLAGS,
  S_LABELS,
  fillIdTable,
  findSeries,
  slotOf,
} from './series';
import { sweepSymbols } from './symbols';

/** The new numbers, in scratch. Behind them lists of postings: of 8 million series at most three in four are left. */
const NUMBERS: usize = SCRATCH;

/** Writes the new number of each series; returns how many are left. */
function numberSeries(count: u32): u32 {
  let left: u32 = 0;
  for (let series: u32 = 0; series < count; series++) {
    const isDead = load<u8>(slotOf(series), S_FLAGS) & FLAG_DEAD;
    store<u32>(NUMBERS + (usize(series) << 2), isDead ? NO_SERIES : left++);
  }
  return left;
}

/** Replaces each slot's address in the segment's numbering by the series' new number. None of them is dead. */
function numberSegment(): void {
  const from = usize(get32(R_SEGMENT_SERIES));
  const end = from + (usize(get32(R_SEGMENT_SERIES + 8)) << 2);
  for (let at = from; at < end; at += 4) {
    const slot = usize(load<u32>(at));
    const series = findSeries(load<u64>(slot), load<u64>(slot, 8));
    store<u32>(at, load<u32>(NUMBERS + (usize(series) << 2)));
  }
}

function addressSegment(): void {
  const from = usize(get32(R_SEGMENT_SERIES));
  const end = from + (usize(get32(R_SEGMENT_SERIES + 8)) << 2);
  for (let at = from; at < end; at += 4) store<u32>(at, u32(slotOf(load<u32>(at))));
}

function skipVarint(at: usize): usize {
  while (load<u8>(at++) >= 128) {}
  return at;
}

/** Frees a series' labels (series.ts). */
function freeLabels(slot: usize): void {
  const labels = usize(load<u32>(slot, S_LABELS));
  if (!labels) return;
  let at = skipVarint(labels);
  let pairs: u32 = 0;
  let shift: u32 = 0;
  let byte: u32 = 0;
  do {
    byte = load<u8>(at++);
    pairs |= (byte & 127) << shift;
    shift += 7;
  } while (byte >= 128);
  for (let i: u32 = 0; i < 2 * pairs; i++) at = skipVarint(at);
  freeClass(labels, classOf(u32(at - labels)));
}

/** Moves the slots of those that are left down, and frees the pages behind them. */
function moveSlots(count: u32, left: u32): void {
  for (let series: u32 = 0; series < count; series++) {
    const number = load<u32>(NUMBERS + (usize(series) << 2));
    const slot = slotOf(series);
    if (number == NO_SERIES) freeLabels(slot);
    else if (number != series) memory.copy(slotOf(number), slot, SLOT_BYTES);
  }
  const pages = (count + PAGE_SLOTS - 1) >> 10;
  for (let page = (left + PAGE_SLOTS - 1) >> 10; page < pages; page++) {
    const entry = DIRECTORY + (usize(page) << 2);
    freeClass(load<u32>(entry), classOf(PAGE_SLOTS * SLOT_BYTES));
    store<u32>(entry, 0);
  }
  set32(R_SERIES_COUNT, left);
}

/** Removes the symbols that neither the index nor the segment names. */
function sweepUnused(): void {
  const bits = SCRATCH;
  memory.fill(bits, 0, (usize(get32(R_SYMBOL_COUNT)) >> 3) + 1);
  markSymbols(bits);
  const from = usize(get32(R_SEGMENT_SYMBOLS));
  const end = from + (usize(get32(R_SEGMENT_SYMBOLS + 8)) << 2);
  for (let at = from; at < end; at += 4) {
    const symbol = load<u32>(at);
    store<u8>(bits + (symbol >> 3), u32(load<u8>(bits + (symbol >> 3))) | (1 << (symbol & 7)));
  }
  sweepSymbols(bits);
}

/** Removes the dead series. */
export function sweep(): void {
  const count = get32(R_SERIES_COUNT);
  const left = numberSeries(count);
  numberSegment();
  moveSlots(count, left);
  addressSegment();
  emptyTable(R_ID_TABLE, left, TABLE_ENTRIES_MIN);
  fillIdTable();
  sweepPostings(NUMBERS, NUMBERS + ((usize(count) << 2) | 15) + 1);
  sweepUnused();
  set32(R_EMPTY, get32(R_EMPTY) - get32(R_DEAD));
  set32(R_DEAD, 0);
  set32(R_SWEPT_SERIES, left);
  set32(R_SWEEPS, get32(R_SWEEPS) + 1);
}
