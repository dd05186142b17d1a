// The inverted index: per tenant and label name, the values; per value, the series that have it.
//
// Label entry (24 bytes): u32 tenant symbol, u32 name symbol, u32 newest value entry, u32 number of values, u32 next older
// label entry of the shard, u32 unused. The label with name symbol ALL_SERIES holds one value: all series of its tenant.
//
// Value entry (32 bytes): u32 label entry, u32 value symbol, u32 next older value entry of the label, u32 series count,
// u32 first series, u32 last series, u32 first block, u32 last block. Series numbers only grow, so a list is the first number
// and LEB128 differences in a chain of blocks { u32 next, u16 used, u16 capacity, bytes }, which double up to 1 KiB. A value
// of one series, the most frequent kind, has no block at all.
import {
  LABEL_ENTRIES_MIN,
  R_FIRST_LABEL,
  R_LABEL_COUNT,
  R_LABEL_TABLE,
  R_POSTINGS_COUNT,
  R_POSTINGS_TABLE,
  ROOT,
  TABLE_ENTRIES_MIN,
  alloc,
  allocTable,
  classOf,
  emptyTable,
  freeClass,
  get32,
  set32,
} from './root';
import { putVarint, varintLength } from './bits';

export const ALL_SERIES: u32 = 0xffffffff;
const BLOCK_BYTES_MAX: u32 = 1024;

// @ts-ignore: decorator
@inline
function mix(a: u32, b: u32): u32 {
  let hash = (a * 0x9e3779b1) ^ (b * 0x85ebca6b);
  hash = (hash ^ (hash >>> 15)) * 0xc2b2ae35;
  return hash ^ (hash >>> 14);
}

/** Place of the entry whose first two words are (a, b) in an open-addressing table of entry addresses. */
function probe(tableAt: usize, a: u32, b: u32): usize {
  const table = usize(get32(tableAt));
  const mask = get32(tableAt + 4);
  let i = mix(a, b) & mask;
  while (true) {
    const place = table + (usize(i) << 2);
    const entry = load<u32>(place);
    if (!entry || (load<u32>(entry) == a && load<u32>(entry, 4) == b)) return place;
    i = (i + 1) & mask;
  }
}

/** Enters an entry, which is not there, into a table. */
function enter(tableAt: usize, entry: usize): void {
  const table = usize(get32(tableAt));
  const mask = get32(tableAt + 4);
  let i = mix(load<u32>(entry), load<u32>(entry, 4)) & mask;
  while (load<u32>(table + (usize(i) << 2))) i = (i + 1) & mask;
  store<u32>(table + (usize(i) << 2), u32(entry));
}

function growTable(tableAt: usize): void {
  const old = usize(get32(tableAt));
  const oldEntries = get32(tableAt + 4) + 1;
  set32(tableAt, u32(allocTable(oldEntries << 1)));
  set32(tableAt + 4, (oldEntries << 1) - 1);
  for (let k: u32 = 0; k < oldEntries; k++) {
    const entry = load<u32>(old + (usize(k) << 2));
    if (entry) enter(tableAt, entry);
  }
  freeClass(old, classOf(oldEntries << 2));
}

/** The entry of a tenant's label, or 0. */
export function findLabel(tenant: u32, name: u32): usize {
  return load<u32>(probe(R_LABEL_TABLE, tenant, name));
}

export function internLabel(tenant: u32, name: u32): usize {
  const place = probe(R_LABEL_TABLE, tenant, name);
  const found = load<u32>(place);
  if (found) return found;
  const label = alloc(24);
  store<u32>(label, tenant);
  store<u32>(label, name, 4);
  store<u32>(label, 0, 8);
  store<u32>(label, 0, 12);
  store<u32>(label, get32(R_FIRST_LABEL), 16);
  store<u32>(label, 0, 20);
  set32(R_FIRST_LABEL, u32(label));
  store<u32>(place, u32(label));
  const count = get32(R_LABEL_COUNT) + 1;
  set32(R_LABEL_COUNT, count);
  if (count * 4 > (get32(R_LABEL_TABLE + 4) + 1) * 3) growTable(R_LABEL_TABLE);
  return label;
}

/** The entry of a label's value, or 0. */
export function findValue(label: usize, value: u32): usize {
  return load<u32>(probe(R_POSTINGS_TABLE, u32(label), value));
}

function internValue(label: usize, value: u32): usize {
  const place = probe(R_POSTINGS_TABLE, u32(label), value);
  const found = load<u32>(place);
  if (found) return found;
  const entry = alloc(32);
  memory.fill(entry, 0, 32);
  store<u32>(entry, u32(label));
  store<u32>(entry, value, 4);
  store<u32>(entry, load<u32>(label, 8), 8);
  store<u32>(label, u32(entry), 8);
  store<u32>(label, load<u32>(label, 12) + 1, 12);
  store<u32>(place, u32(entry));
  const count = get32(R_POSTINGS_COUNT) + 1;
  set32(R_POSTINGS_COUNT, count);
  if (count * 4 > (get32(R_POSTINGS_TABLE + 4) + 1) * 3) growTable(R_POSTINGS_TABLE);
  return entry;
}

function addBlock(entry: usize, last: usize): usize {
  const bytes = last ? min<u32>(BLOCK_BYTES_MAX, (u32(load<u16>(last, 6)) + 8) << 1) : 16;
  const block = alloc(bytes);
  store<u32>(block, 0);
  store<u16>(block, 0, 4);
  store<u16>(block, u16(bytes - 8), 6);
  if (last) store<u32>(last, u32(block));
  else store<u32>(entry, u32(block), 24);
  store<u32>(entry, u32(block), 28);
  return block;
}

/** Adds a series, whose number is above all in the list, to a label's value. */
export function addPosting(label: usize, value: u32, series: u32): void {
  pushPosting(internValue(label, value), series);
}

function pushPosting(entry: usize, series: u32): void {
  const count = load<u32>(entry, 12);
  store<u32>(entry, count + 1, 12);
  if (!count) {
    store<u32>(entry, series, 16);
    store<u32>(entry, series, 20);
    return;
  }
  const difference = series - load<u32>(entry, 20);
  store<u32>(entry, series, 20);
  let block = usize(load<u32>(entry, 28));
  if (!block || u32(load<u16>(block, 4)) + varintLength(difference) > u32(load<u16>(block, 6))) block = addBlock(entry, block);
  const used = load<u16>(block, 4);
  const end = putVarint(block + 8 + used, difference);
  store<u16>(block, u16(end - block - 8), 4);
}

/** Number of series of a value entry. */
export function postingsCount(entry: usize): u32 {
  return load<u32>(entry, 12);
}

/** Writes all series numbers of a value entry, ascending, as u32. Returns how many. */
export function readPostings(entry: usize, out: usize): u32 {
  let series = load<u32>(entry, 16);
  const first = out;
  store<u32>(out, series);
  out += 4;
  for (let block = usize(load<u32>(entry, 24)); block; block = load<u32>(block)) {
    let at = block + 8;
    const end = at + load<u16>(block, 4);
    while (at < end) {
      let byte = u32(load<u8>(at++));
      let difference = byte & 127;
      let shift: u32 = 7;
      while (byte >= 128) {
        byte = load<u8>(at++);
        difference |= (byte & 127) << shift;
        shift += 7;
      }
      series += difference;
      store<u32>(out, series);
      out += 4;
    }
  }
  return u32(out - first) >> 2;
}

/** Neither a series nor a number of one. */
const NONE: u32 = 0xffffffff;

// Where nextPosting() stands.
let nextBlock: usize = 0;
let nextAt: usize = 0;
let nextEnd: usize = 0;
let nextSeries: u32 = 0;

/** Begins a walk over the series of a value entry, which has some: the first one. */
export function firstPosting(entry: usize): u32 {
  nextBlock = load<u32>(entry, 24);
  nextAt = nextEnd = 0;
  nextSeries = load<u32>(entry, 16);
  return nextSeries;
}

/** The next series of the walk, or 0xffffffff. */
export function nextPosting(): u32 {
  if (nextAt == nextEnd) {
    if (!nextBlock) return NONE;
    nextAt = nextBlock + 8;
    nextEnd = nextAt + load<u16>(nextBlock, 4);
    nextBlock = load<u32>(nextBlock);
  }
  let byte = u32(load<u8>(nextAt++));
  let difference = byte & 127;
  for (let shift: u32 = 7; byte >= 128; shift += 7) {
    byte = load<u8>(nextAt++);
    difference |= (byte & 127) << shift;
  }
  nextSeries += difference;
  return nextSeries;
}

/**
 * Lists the value entries of a label: pairs { u32 value symbol, u32 entry } from `cursor` (0: the start) on, at most `limit`.
 * Returns how many; the next cursor is the word after the last pair.
 */
export function listValues(label: usize, cursor: u32, out: usize, limit: u32): u32 {
  let entry = cursor ? usize(cursor) : usize(load<u32>(label, 8));
  let count: u32 = 0;
  while (entry && count < limit) {
    store<u32>(out, load<u32>(entry, 4));
    store<u32>(out, u32(entry), 4);
    out += 8;
    count++;
    entry = load<u32>(entry, 8);
  }
  store<u32>(out, u32(entry));
  return count;
}

/** Lists a tenant's labels: pairs { u32 name symbol, u32 label entry }; ALL_SERIES is left out. At most `limit`. */
export function listLabels(tenant: u32, out: usize, limit: u32): u32 {
  let count: u32 = 0;
  for (let label = usize(get32(R_FIRST_LABEL)); label && count < limit; label = load<u32>(label, 16)) {
    if (load<u32>(label) != tenant || load<u32>(label, 4) == ALL_SERIES) continue;
    store<u32>(out, load<u32>(label, 4));
    store<u32>(out, u32(label), 4);
    out += 8;
    count++;
  }
  return count;
}

/** Empties a value entry. */
function clearPostings(entry: usize): void {
  for (let block = usize(load<u32>(entry, 24)); block; ) {
    const next = usize(load<u32>(block));
    freeClass(block, classOf(u32(load<u16>(block, 6)) + 8));
    block = next;
  }
  memory.fill(entry + 12, 0, 20);
}

/**
 * Numbers a value entry's series anew: `numbers` has a u32 per series, NO_SERIES for those that go. `work` holds those that are left
 * meanwhile.
 */
function renumber(entry: usize, numbers: usize, work: usize): void {
  const last = load<u32>(entry, 20);
  // Numbers up to the first that goes stay as they are.
  if (load<u32>(numbers + (usize(last) << 2)) == last) return;
  let end = work;
  for (let series = firstPosting(entry); series != NONE; series = nextPosting()) {
    const number = load<u32>(numbers + (usize(series) << 2));
    if (number == NONE) continue;
    store<u32>(end, number);
    end += 4;
  }
  clearPostings(entry);
  for (let at = work; at < end; at += 4) pushPosting(entry, load<u32>(at));
}

/** Renumbers a label's values and removes those that have no series any more. */
function sweepValues(label: usize, numbers: usize, work: usize): void {
  let link = label + 8;
  for (let entry = usize(load<u32>(link)); entry; entry = usize(load<u32>(link))) {
    renumber(entry, numbers, work);
    if (load<u32>(entry, 12)) {
      link = entry + 8;
      continue;
    }
    store<u32>(link, load<u32>(entry, 8));
    freeClass(entry, classOf(32));
    store<u32>(label, load<u32>(label, 12) - 1, 12);
    set32(R_POSTINGS_COUNT, get32(R_POSTINGS_COUNT) - 1);
  }
}

/** Numbers the series in all lists anew (renumber) and removes values and labels that no series has. */
export function sweepPostings(numbers: usize, work: usize): void {
  let link = ROOT + R_FIRST_LABEL;
  for (let label = usize(load<u32>(link)); label; label = usize(load<u32>(link))) {
    sweepValues(label, numbers, work);
    if (load<u32>(label, 8)) {
      link = label + 16;
      continue;
    }
    store<u32>(link, load<u32>(label, 16));
    freeClass(label, classOf(24));
    set32(R_LABEL_COUNT, get32(R_LABEL_COUNT) - 1);
  }
  emptyTable(R_LABEL_TABLE, get32(R_LABEL_COUNT), LABEL_ENTRIES_MIN);
  emptyTable(R_POSTINGS_TABLE, get32(R_POSTINGS_COUNT), TABLE_ENTRIES_MIN);
  for (let label = usize(get32(R_FIRST_LABEL)); label; label = load<u32>(label, 16)) {
    enter(R_LABEL_TABLE, label);
    for (let entry = usize(load<u32>(label, 8)); entry; entry = load<u32>(entry, 8)) enter(R_POSTINGS_TABLE, entry);
  }
}

// @ts-ignore: decorator
@inline
function mark(bits: usize, symbol: u32): void {
  const at = bits + (symbol >> 3);
  store<u8>(at, u32(load<u8>(at)) | (1 << (symbol & 7)));
}

/** Sets the bits of all symbols that the index has: tenants, names and values. */
export function markSymbols(bits: usize): void {
  for (let label = usize(get32(R_FIRST_LABEL)); label; label = load<u32>(label, 16)) {
    mark(bits, load<u32>(label));
    if (load<u32>(label, 4) == ALL_SERIES) continue;
    mark(bits, load<u32>(label, 4));
    for (let entry = usize(load<u32>(label, 8)); entry; entry = load<u32>(entry, 8)) mark(bits, load<u32>(entry, 4));
  }
}
