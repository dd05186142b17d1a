// Per scraped target: which series text leads to which series, so that a target whose series did not change costs no label
// work. Rows come from exposition.ts; samples and stale marks go to the batch.
//
// Of an entry (scrape-table.ts), `seen` and `tracked` are numbers of scrapes: seen = the text was there; tracked = it had a
// sample whose absence later means that the series ended (explicit timestamps mean that only if the job says so). A scrape
// that could not be made durable is not settled: its stale marks come again with the next one.
//
//   requestBegin ─► scrapeBegin ─► scrapeResolve ─► host: scrapeSeries, scrapeAdd per unknown row ─► scrapeAppend ─► host:
//   scrapeSeries, scrapeDefine per undefined row ─► scrapeStale ─► scrapeReport ─► requestFinish ─► log ─► scrapeSettle
//
// Ids are those of the request's tenant: a cache serves one tenant only.
import { activeAdmit } from './active';
import { batchDefine, batchSample, batchStale, batchStarted } from './batch';
import { seriesFind } from './dictionary';
import { expositionRowCount, expositionRows } from './exposition';
import { hashBytes, hashHigh, hashLow } from './hash';
import {
  canonicalAt, canonicalBytes, labelCount, labelRows, labelsAdd, labelsCanonical, labelsCheck, labelsClear,
} from './labels';
import { Column, allocate, columnReserve, release } from './memory';
import { SERIES_LIMIT, countRefused, requestFinish, tenantHigh, tenantLow } from './request';
import { Cache, ENTRY_BYTES, RECORD_CLASS, entryAt, find, insertSlot, rebuildSlots, reserveEntry, shrink } from './scrape-table';
import { Shard, shardOf } from './shard';

/** Memory is out. */
export const SCRAPE_MEMORY: i32 = -2;

export const ROW_BYTES: usize = 48;
const KNOWN: u32 = 1;
const DROPPED: u32 = 2;

// Flags of a row; the lower ones are exposition.ts'.
const HAS_TIME: u32 = 1;
const ROW_SKIPPED: u32 = 16;

// What the job says.
const HONOR_TIMESTAMPS: u32 = 1;
const TRACK_TIMESTAMPS: u32 = 2;

/** Rows for the host: unknown ones after scrapeResolve, undefined ones after scrapeAppend. u32 each. */
const rowList = changetype<Column>(memory.data(16, 16));
const idSlots = changetype<Column>(memory.data(16, 16));
const labelColumn = changetype<Column>(memory.data(16, 16));

let kept: u32 = 0;
let duplicates: u32 = 0;
let outOfBounds: u32 = 0;

/** Start times of the rows, f64 ms, 0 for none; of so many rows. */
const startColumn = changetype<Column>(memory.data(16, 16));
let startCount: u32 = 0;

/** Where to put the start times of all rows, f64 milliseconds within 2^53, for the calls until scrapeBegin; 0 when memory is out. */
export function scrapeStarts(count: u32): usize {
  startColumn.length = 0;
  startCount = count;
  return columnReserve(startColumn, count * 8);
}

/** Appends the sample of a row; false when memory is out. */
@inline
function appendRow(shard: Shard, ref: u32, timeMs: i64, row: usize, index: u32): bool {
  if (index < startCount) {
    const start = load<f64>(startColumn.address + (index << 3));
    if (start != 0) return batchStarted(shard, ref, timeMs, <i64>start, row + 8, 8);
  }
  return batchSample(shard, ref, timeMs, load<u64>(row, 8));
}

export function scrapeRowList(): usize {
  return <usize>rowList.address;
}
/** Rows that are not dropped, duplicates included. */
export function scrapeKept(): u32 {
  return kept;
}
/** Rows whose series had a sample already in this scrape, without a timestamp of its own. */
export function scrapeDuplicates(): u32 {
  return duplicates;
}
/** Rows refused for a time beyond the limits given to scrapeAppend. */
export function scrapeOutOfBounds(): u32 {
  return outOfBounds;
}

/** A new cache; 0: memory is out. */
export function scrapeOpen(): usize {
  const record = allocate(RECORD_CLASS);
  if (record == 0) return 0;
  memory.fill(record, 0, 1 << RECORD_CLASS);
  return record;
}

export function scrapeClose(record: usize): void {
  const cache = changetype<Cache>(record);
  if (cache.entries != 0) release(cache.entries, cache.entriesClass);
  if (cache.slots != 0) release(cache.slots, cache.slotsClass);
  release(record, RECORD_CLASS);
}

/** Entries in a cache: series texts known or dropped. */
export function scrapeEntryCount(record: usize): u32 {
  return changetype<Cache>(record).count;
}

/** A new scrape of the target. */
export function scrapeBegin(record: usize): void {
  const cache = changetype<Cache>(record);
  cache.scrape++;
  cache.expected = 0;
  kept = 0;
  duplicates = 0;
  outOfBounds = 0;
  rowList.length = 0;
  startCount = 0;
}

@inline
function rowAt(index: u32): usize {
  return expositionRows() + <usize>index * ROW_BYTES;
}

/** Notes that a row's text is there. Sets the row's entry and whether it is skipped. */
function meet(cache: Cache, row: usize, entry: usize, options: u32): void {
  let flags = load<u32>(row, 40);
  if ((options & HONOR_TIMESTAMPS) == 0) flags &= ~HAS_TIME;
  store<u32>(row, <u32>((entry - cache.entries) / ENTRY_BYTES) + 1, 44);
  if (load<u32>(entry, 40) == DROPPED) {
    flags |= ROW_SKIPPED;
  } else {
    kept++;
    if (load<u32>(entry, 32) == cache.scrape && (flags & HAS_TIME) == 0) {
      duplicates++;
      flags |= ROW_SKIPPED;
    }
  }
  store<u32>(row, flags, 40);
  store<u32>(entry, cache.scrape, 32);
}

/** Looks all rows up. Returns how many are unknown (listed in scrapeRowList), or a negative code. */
export function scrapeResolve(record: usize, options: u32): i32 {
  const cache = changetype<Cache>(record);
  const count = expositionRowCount();
  let unknown: i32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(i);
    const entry = find(cache, load<u64>(row, 24), load<u64>(row, 32));
    if (entry != 0) {
      meet(cache, row, entry, options);
      continue;
    }
    if (!listRow(i)) return SCRAPE_MEMORY;
    unknown++;
  }
  return unknown;
}

function listRow(index: u32): bool {
  const at = columnReserve(rowList, 4);
  if (at == 0) return false;
  store<u32>(at, index);
  rowList.length += 4;
  return true;
}

/** Whether an unknown row has become known meanwhile, by an equal row before it. */
export function scrapeMeet(record: usize, index: u32, options: u32): i32 {
  const cache = changetype<Cache>(record);
  if (index >= expositionRowCount()) return 0;
  const row = rowAt(index);
  const entry = find(cache, load<u64>(row, 24), load<u64>(row, 32));
  if (entry == 0) return 0;
  meet(cache, row, entry, options);
  return 1;
}

/** A block for `bytes` of labels: rows of {u32 name, u32 name bytes, u32 value, u32 value bytes} (addresses), then text. */
export function scrapeLabelBuffer(bytes: u32): usize {
  labelColumn.length = 0;
  return columnReserve(labelColumn, bytes);
}

/** Makes `count` labels of the label buffer the label rows. */
export function scrapeLabelRows(count: u32): void {
  const rows = <usize>labelColumn.address;
  labelsClear();
  for (let i: u32 = 0; i < count; i++) {
    const row = rows + (<usize>i << 4);
    labelsAdd(load<u32>(row), load<u32>(row, 4), load<u32>(row, 8), load<u32>(row, 12));
  }
}

/**
 * Takes `count` labels from the label buffer as the series that scrapeAdd, scrapeDefine and the scrapeReport functions mean.
 * Returns 0, a reason of request.ts, or a negative code.
 */
export function scrapeSeries(count: u32): i32 {
  scrapeLabelRows(count);
  const reason = labelsCheck();
  if (reason != 0) {
    countRefused(reason, 1);
    return <i32>reason;
  }
  if (!labelsCanonical()) return SCRAPE_MEMORY;
  hashBytes(canonicalAt, canonicalBytes, tenantLow, tenantHigh);
  return 0;
}

/** A new entry for the series of scrapeSeries; 0: memory is out. */
function addEntry(cache: Cache, low: u64, high: u64, state: u32): usize {
  if (!reserveEntry(cache)) return 0;
  const entry = entryAt(cache, cache.count);
  store<u64>(entry, low);
  store<u64>(entry, high, 8);
  store<u64>(entry, hashLow, 16);
  store<u64>(entry, hashHigh, 24);
  store<u32>(entry, 0, 32);
  store<u32>(entry, 0, 36);
  store<u32>(entry, state, 40);
  store<u32>(entry, 0, 44);
  insertSlot(cache, cache.count);
  cache.count++;
  cache.expected = cache.count;
  return entry;
}

/** Makes an unknown row known: as the series of scrapeSeries, or as dropped by relabelling. 0, or a negative code. */
export function scrapeAdd(record: usize, index: u32, dropped: u32, options: u32): i32 {
  const cache = changetype<Cache>(record);
  if (index >= expositionRowCount()) return 0;
  const row = rowAt(index);
  const entry = addEntry(cache, load<u64>(row, 24), load<u64>(row, 32), dropped != 0 ? DROPPED : KNOWN);
  if (entry == 0) return SCRAPE_MEMORY;
  meet(cache, row, entry, options);
  return 0;
}

/** Time of a row's sample in ms; NaN if it lies outside [minMs, maxMs]. */
@inline
export function timeOf(row: usize, timeMs: f64, minMs: f64, maxMs: f64): f64 {
  if ((load<u32>(row, 40) & HAS_TIME) == 0) return timeMs;
  const time = load<f64>(row, 16);
  return time >= minMs && time <= maxMs ? time : f64.NaN;
}

/**
 * Appends the sample of each row that counts to the batch of its shard. Returns how many rows belong to series that the log
 * segment does not define yet (listed in scrapeRowList; scrapeDefine appends those), or a negative code.
 */
export function scrapeAppend(record: usize, timeMs: f64, minMs: f64, maxMs: f64, options: u32): i32 {
  const cache = changetype<Cache>(record);
  const count = expositionRowCount();
  rowList.length = 0;
  let undefinedRows: i32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(i);
    const flags = load<u32>(row, 40);
    const number = load<u32>(row, 44);
    if ((flags & ROW_SKIPPED) != 0 || number == 0) continue;
    const time = timeOf(row, timeMs, minMs, maxMs);
    if (time != time) {
      outOfBounds++;
      continue;
    }
    const entry = entryAt(cache, number - 1);
    if ((flags & HAS_TIME) == 0 || (options & TRACK_TIMESTAMPS) != 0) store<u32>(entry, cache.scrape, 36);
    const low = load<u64>(entry, 16);
    const shard = shardOf(low);
    const ref = seriesFind(shard, low, load<u64>(entry, 24));
    if (ref < 0) {
      if (!listRow(i)) return SCRAPE_MEMORY;
      undefinedRows++;
    } else if (!appendRow(shard, <u32>ref, <i64>time, row, i)) {
      return SCRAPE_MEMORY;
    }
  }
  return undefinedRows;
}

/** `defined` refused the series: its tenant has as many as it may. */
const NOT_ADMITTED: i32 = -2;

/**
 * The number of an entry's series in its shard's segment, which the labels of scrapeSeries define if need be; -1: out of
 * memory. `always`: whatever the tenant's limit of series, else NOT_ADMITTED.
 */
function defined(shard: Shard, entry: usize, always: bool): i32 {
  const low = load<u64>(entry, 16);
  const high = load<u64>(entry, 24);
  const ref = seriesFind(shard, low, high);
  if (ref >= 0) return ref;
  const admitted = activeAdmit(low, high, always);
  if (admitted <= 0) return admitted == 0 ? NOT_ADMITTED : -1;
  return batchDefine(shard, low, high, labelRows, labelCount);
}

/**
 * Appends the sample of an undefined row; scrapeSeries was told its labels. 0, a reason of request.ts, or a negative
 * code.
 */
export function scrapeDefine(record: usize, index: u32, timeMs: f64): i32 {
  const cache = changetype<Cache>(record);
  if (index >= expositionRowCount()) return 0;
  const row = rowAt(index);
  const number = load<u32>(row, 44);
  if (number == 0 || number > cache.count) return 0;
  const entry = entryAt(cache, number - 1);
  const shard = shardOf(load<u64>(entry, 16));
  const ref = defined(shard, entry, false);
  if (ref == NOT_ADMITTED) {
    countRefused(SERIES_LIMIT, 1);
    return <i32>SERIES_LIMIT;
  }
  if (ref < 0) return SCRAPE_MEMORY;
  const time = (load<u32>(row, 40) & HAS_TIME) == 0 ? timeMs : load<f64>(row, 16);
  return appendRow(shard, <u32>ref, <i64>time, row, index) ? 0 : SCRAPE_MEMORY;
}

/** Low half of the text hash of the scrape's own series; the other half is their number. No text of a body has it. */
const REPORT: u64 = 0x74726f706572;

/**
 * Appends a sample of one of the scrape's own series (up, ...), by number. Returns 1 if the cache or the segment lacks the
 * series: then the caller tells scrapeSeries its labels and comes again with `labelled` 1.
 */
export function scrapeReport(record: usize, number: u32, timeMs: f64, value: f64, labelled: u32): i32 {
  const cache = changetype<Cache>(record);
  let entry = find(cache, REPORT, number);
  if (entry == 0) {
    if (labelled == 0) return 1;
    entry = addEntry(cache, REPORT, number, KNOWN);
    if (entry == 0) return SCRAPE_MEMORY;
  }
  store<u32>(entry, cache.scrape, 32);
  const shard = shardOf(load<u64>(entry, 16));
  let ref = seriesFind(shard, load<u64>(entry, 16), load<u64>(entry, 24));
  if (ref < 0) {
    if (labelled == 0) return 1;
    ref = defined(shard, entry, true); // What tells how a scrape went is stored in any case.
    if (ref < 0) return SCRAPE_MEMORY;
  }
  return batchSample(shard, <u32>ref, <i64>timeMs, reinterpret<u64>(value)) ? 0 : SCRAPE_MEMORY;
}

/** Marks one of the scrape's own series as ended, if it ever was. 0, or a negative code. */
export function scrapeReportStale(record: usize, number: u32, timeMs: f64): i32 {
  const entry = find(changetype<Cache>(record), REPORT, number);
  if (entry == 0) return 0;
  const low = load<u64>(entry, 16);
  return batchStale(shardOf(low), low, load<u64>(entry, 24), <i64>timeMs) ? 0 : SCRAPE_MEMORY;
}

/** Whether an entry's series was there before and is not now, going by its text. */
@inline
function hasEnded(cache: Cache, entry: usize): bool {
  const tracked = load<u32>(entry, 36);
  return tracked != 0 && tracked != cache.scrape && tracked >= cache.settled;
}

/** Stale marks for all series that were there before and are not now. Returns how many, or a negative code. */
export function scrapeStale(record: usize, timeMs: f64): i32 {
  const cache = changetype<Cache>(record);
  let ended: u32 = 0;
  for (let i: u32 = 0; i < cache.count; i++) ended += <u32>hasEnded(cache, entryAt(cache, i));
  if (ended == 0) return 0;
  // A text may have changed while its series stayed, as when labels change places: only ids that are gone have ended.
  if (!collectIds(cache)) return SCRAPE_MEMORY;
  let marked: i32 = 0;
  for (let i: u32 = 0; i < cache.count; i++) {
    const entry = entryAt(cache, i);
    if (!hasEnded(cache, entry) || !addId(cache, i)) continue;
    const low = load<u64>(entry, 16);
    if (!batchStale(shardOf(low), low, load<u64>(entry, 24), <i64>timeMs)) return SCRAPE_MEMORY;
    marked++;
  }
  return marked;
}

let idMask: u32 = 0;

/** A set of the ids tracked in this scrape, of u32 entry + 1. */
function collectIds(cache: Cache): bool {
  idMask = 15;
  while (idMask < cache.count * 2) idMask = idMask * 2 + 1;
  idSlots.length = 0;
  const bytes = (<usize>idMask + 1) << 2;
  if (columnReserve(idSlots, bytes) == 0) return false;
  memory.fill(idSlots.address, 0, bytes);
  for (let i: u32 = 0; i < cache.count; i++) {
    if (load<u32>(entryAt(cache, i), 36) == cache.scrape) addId(cache, i);
  }
  return true;
}

/** Adds an entry's id to the set; false if it is there already. */
function addId(cache: Cache, index: u32): bool {
  const entry = entryAt(cache, index);
  const low = load<u64>(entry, 16);
  const high = load<u64>(entry, 24);
  let slot = <u32>high & idMask;
  while (true) {
    const at = <usize>idSlots.address + (<usize>slot << 2);
    const number = load<u32>(at);
    if (number == 0) {
      store<u32>(at, index + 1);
      return true;
    }
    const other = entryAt(cache, number - 1);
    if (load<u64>(other, 16) == low && load<u64>(other, 24) == high) return false;
    slot = (slot + 1) & idMask;
  }
}

/**
 * The scrape is durable. `flush`: it had a body, so texts that were not in it are forgotten. Texts of failed scrapes are
 * forgotten too once they outnumber twice those of the last good one.
 */
export function scrapeSettle(record: usize, flush: u32): void {
  const cache = changetype<Cache>(record);
  cache.settled = cache.scrape;
  if (flush == 0 && cache.count <= cache.settledCount * 2 + 1000) return;
  let live: u32 = 0;
  for (let i: u32 = 0; i < cache.count; i++) {
    const entry = entryAt(cache, i);
    if (load<u32>(entry, 32) != cache.scrape) continue;
    if (live != i) memory.copy(entryAt(cache, live), entry, ENTRY_BYTES);
    live++;
  }
  if (live != cache.count) {
    cache.count = live;
    shrink(cache);
    if (cache.slots != 0) rebuildSlots(cache);
  }
  if (flush != 0) cache.settledCount = cache.count;
}

/** Ends a request made of scrapes: its batches can be logged. 0, or a negative code, and the request is undone. */
export function scrapeFinish(): i32 {
  return requestFinish();
}
