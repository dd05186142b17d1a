// What the intake keeps per shard, one flat record in linear memory: the dictionary of the shard's open log segment
// (series and symbols), the batch being built, and the point to which a request can be undone.

import { Column, allocate, classOf } from './memory';

/** Columns of a shard's batch. */
export const SYMBOLS: u32 = 0;
export const SERIES: u32 = 1;
export const REFS: u32 = 2;
export const TIMES: u32 = 3;
export const VALUES: u32 = 4;
export const STALE: u32 = 5;
/** Of histograms: refs, times, and their bytes behind their lengths. */
export const HISTOGRAM_REFS: u32 = 6;
export const HISTOGRAM_TIMES: u32 = 7;
export const HISTOGRAM_BYTES: u32 = 8;
/** Of samples and histograms with start times: refs, times, start times, and bytes behind their lengths. */
export const STARTED_REFS: u32 = 9;
export const STARTED_TIMES: u32 = 10;
export const STARTED_STARTS: u32 = 11;
export const STARTED_BYTES: u32 = 12;
export const EXEMPLARS: u32 = 13;
export const OUTPUT: u32 = 14;
const COLUMNS: u32 = 15;

/** Labels remembered of the series defined last. */
export const RECENT_MAX: u32 = 48;

/** 128-bit ids -> numbers (dictionary.ts). All zero when empty. */
@unmanaged
export class IdTable {
  /** keys[ref] = {u64 low, u64 high}, in order of addition. Slots of {u32 fingerprint, u32 ref + 1}. */
  keys: u32;
  keysClass: u32;
  seriesCount: u32;
  slots: u32;
  slotsClass: u32;
  slotsMask: u32;
  /** The id looked for next, if the sender keeps its order: the one behind the last found. */
  expected: u32;
  /** The slots were moved since the request began. */
  slotsMoved: u32;
}
export const ID_TABLE_BYTES: i32 = 32;

/** Series are numbered in order of definition. */
@unmanaged
export class Shard extends IdTable {
  /** Symbols: ends[n] = end of symbol n in the bytes. Slots of {u32 fingerprint, u32 number + 1}. */
  symbolEnds: u32;
  symbolEndsClass: u32;
  symbolCount: u32;
  symbolSlots: u32;
  symbolSlotsClass: u32;
  symbolSlotsMask: u32;
  symbolBytes: u32;
  symbolBytesClass: u32;
  symbolBytesLength: u32;
  /** Counts when the request began; symbol slots were moved since. */
  savedSeries: u32;
  savedSymbols: u32;
  savedSymbolBytes: u32;
  symbolSlotsMoved: u32;
  /** The batch: samples that fit before the columns must grow, where they are written, and what deltas refer to. */
  room: u32;
  refsAt: u32;
  timesAt: u32;
  valuesAt: u32;
  nextRef: u32;
  samples: u32;
  staleCount: u32;
  lastTimeMs: i64;
  outputLength: u32;
  /** Labels of the series defined last: pairs of symbol numbers behind the columns. */
  recentCount: u32;
  /** The batch's histograms, and what deltas refer to. */
  histograms: u32;
  histogramNextRef: u32;
  histogramLastTimeMs: i64;
  exemplars: u32;
  /** The same of samples with start times. */
  started: u32;
  startedNextRef: u32;
  startedLastTimeMs: i64;
  startedLastStartMs: i64;
}

const COLUMNS_AT: usize = 192;
const RECENT_AT: usize = COLUMNS_AT + <usize>COLUMNS * 16;
const SHARD_BYTES: usize = RECENT_AT + <usize>RECENT_MAX * 8;

let shards: usize = 0;
/** How many shards there are: 1..64. */
export let shardCount: u32 = 0;

/** Makes the records. False when memory is out. */
export function shardsInit(count: u32): bool {
  shards = allocate(classOf(<usize>count * SHARD_BYTES));
  if (shards == 0) return false;
  memory.fill(shards, 0, <usize>count * SHARD_BYTES);
  shardCount = count;
  return true;
}

@inline
export function shardAt(index: u32): Shard {
  return changetype<Shard>(shards + <usize>index * SHARD_BYTES);
}

/** The shard of a series: the lower 32 bits of its id modulo the number of shards. */
@inline
export function shardOf(idLow: u64): Shard {
  return shardAt(<u32>idLow % shardCount);
}

@inline
export function columnOf(shard: Shard, kind: u32): Column {
  return changetype<Column>(changetype<usize>(shard) + COLUMNS_AT + (<usize>kind << 4));
}

@inline
export function recentOf(shard: Shard): usize {
  return changetype<usize>(shard) + RECENT_AT;
}
