// One request: its tenant, limits, counters, what was refused and where; begin, finish, undo.
//
// Counters are u32 words that the host reads in place (src/kernel/intake-kernel.ts names them):
//
//   0 samples stored   1 new series   2 histograms stored   3 exemplars stored   4 samples refused   5 metadata rows   6 rows left
// out   7 how many refusals have a row   12, 13, 14 exemplars refused for their length, labels, time (exemplars.ts)
//   16 + reason: series (reasons about series) or samples (reasons about samples) refused for it
//   48 + reason: samples refused for it
//   80 + 4 * n: the n-th refusal's reason, series index, offset of that series' message in the decoded body, its bytes

import { Column, columnReserve } from './memory';
import { activeBegin, activeUndo, setActiveSeriesMax } from './active';
import { batchClear, batchFinish } from './batch';
import { hashBytes, hashHigh, hashLow } from './hash';
import { seriesUndo } from './dictionary';
import { symbolsUndo } from './symbols';
import { columnOf, OUTPUT, Shard, shardAt, shardCount } from './shard';

/** Codes of a request that is refused as a whole. -1 and -2 are snappy's. */
export const MALFORMED: i32 = -3;
export const OUT_OF_MEMORY: i32 = -4;
export const TOO_EXPENSIVE: i32 = -5;

/** Reasons of refused series and samples. */
export const NO_METRIC_NAME: u32 = 1;
export const EMPTY_LABEL_NAME: u32 = 2;
export const DUPLICATE_LABEL_NAME: u32 = 3;
export const INVALID_UTF8: u32 = 4;
export const TOO_MANY_LABELS: u32 = 5;
export const LABEL_NAME_TOO_LONG: u32 = 6;
export const LABEL_VALUE_TOO_LONG: u32 = 7;
export const TOO_OLD: u32 = 8;
export const TOO_NEW: u32 = 9;
export const TIME_OUT_OF_RANGE: u32 = 10;
export const BAD_SYMBOL_REF: u32 = 11;
export const ODD_LABEL_REFS: u32 = 12;
export const NO_SAMPLES: u32 = 13;
export const LABELS_TOO_LONG: u32 = 14;
export const SERIES_LIMIT: u32 = 15;
export const HISTOGRAM_SCHEMA: u32 = 16;
export const HISTOGRAM_SPAN_OFFSET: u32 = 17;
export const HISTOGRAM_SPANS: u32 = 18;
export const HISTOGRAM_NEGATIVE: u32 = 19;
export const HISTOGRAM_COUNT_SMALL: u32 = 20;
export const HISTOGRAM_COUNT_DIFFERS: u32 = 21;
export const HISTOGRAM_BOUNDS: u32 = 22;
export const HISTOGRAM_BOUNDS_FEW: u32 = 23;
export const HISTOGRAM_CUSTOM: u32 = 24;
export const HISTOGRAM_EXPONENTIAL_BOUNDS: u32 = 25;
export const HISTOGRAM_RANGE: u32 = 26;

export const SAMPLES: u32 = 0;
export const SERIES_NEW: u32 = 1;
export const HISTOGRAMS: u32 = 2;
export const EXEMPLARS: u32 = 3;
const SAMPLES_REFUSED: u32 = 4;
export const METADATA_ROWS: u32 = 5;
export const METADATA_LEFT_OUT: u32 = 6;
const REFUSALS: u32 = 7;
const REASONS: u32 = 16;
const REASON_SAMPLES: u32 = 48;
const REFUSAL_ROWS: u32 = 80;
const REFUSAL_ROWS_MAX: u32 = 8;
const COUNTERS: u32 = 112;

const TIME_BOUND: i64 = 9007199254740992;
const TIME_BOUND_F64: f64 = 9007199254740991;
const LABELS_MAX: u32 = 4096;
/** A batch beyond this is not made: a record of the log, and what the head applies at once, have an end. */
const BATCH_BYTES_MAX: u32 = 40 << 20;

export const counters: usize = memory.data(448, 16);

/** Limits of the request. */
export let labelCountMax: u32 = LABELS_MAX;
export let nameBytesMax: u32 = 0xffffffff;
export let valueBytesMax: u32 = 0xffffffff;
export let labelBytesMax: u32 = 0xffffffff;
let minTimeMs: i64 = -TIME_BOUND;
let maxTimeMs: i64 = TIME_BOUND;

/** Where offsets of the body count from. */
export let bodyAt: usize = 0;

const tenantColumn = changetype<Column>(memory.data(16, 16));
let tenantLength: u32 = 0;
/** Hash of the tenant's bytes: the tweak of its series' ids. */
export let tenantLow: u64 = 0;
export let tenantHigh: u64 = 0;

@inline
export function count(counter: u32, by: u32 = 1): void {
  const at = counters + (<usize>counter << 2);
  store<u32>(at, load<u32>(at) + by);
}

/** Sets the limits; times in milliseconds, given as float64 integers. */
export function setLimits(
  labels: u32, nameBytes: u32, valueBytes: u32, labelBytes: u32, activeSeries: u32, minMs: f64, maxMs: f64,
): void {
  labelCountMax = min<u32>(labels, LABELS_MAX);
  nameBytesMax = nameBytes;
  valueBytesMax = valueBytes;
  labelBytesMax = labelBytes;
  setActiveSeriesMax(activeSeries);
  minTimeMs = minMs > -TIME_BOUND_F64 ? <i64>min<f64>(minMs, TIME_BOUND_F64) : 1 - TIME_BOUND;
  maxTimeMs = maxMs < TIME_BOUND_F64 ? <i64>max<f64>(maxMs, -TIME_BOUND_F64) : TIME_BOUND - 1;
}

/** Says from where on offsets of the request's body count. */
export function setBody(address: usize): void {
  bodyAt = address;
}

@inline
function refusalRow(index: u32): usize {
  return counters + (<usize>(REFUSAL_ROWS + index * 4) << 2);
}

/** Remembers where a refusal happened, if it is one of the first. */
function addRefusal(reason: u32, series: u32, at: usize, bytes: u32): void {
  const index = load<u32>(counters + (REFUSALS << 2));
  if (index == REFUSAL_ROWS_MAX) return;
  const row = refusalRow(index);
  store<u32>(row, reason);
  store<u32>(row, series, 4);
  store<u32>(row, <u32>(at - bodyAt), 8);
  store<u32>(row, bytes, 12);
  count(REFUSALS);
}

/** Address of a remembered refusal's message in the body; 0 if there is none. Its length: refusalBytes. */
export function refusalAt(index: u32): usize {
  if (index >= load<u32>(counters + (REFUSALS << 2))) return 0;
  return bodyAt + load<u32>(refusalRow(index), 8);
}

export function refusalBytes(index: u32): u32 {
  return load<u32>(refusalRow(index), 12);
}

/** Counts what is refused, without a place. */
export function countRefused(reason: u32, samples: u32): void {
  count(REASONS + reason);
  count(REASON_SAMPLES + reason, samples);
  count(SAMPLES_REFUSED, samples);
}

/** Refuses a series with all its samples. `at`, `bytes`: its message in the body. */
export function refuseSeries(reason: u32, samples: u32, series: u32, at: usize, bytes: u32): void {
  countRefused(reason, samples);
  addRefusal(reason, series, at, bytes);
}

/** Whether a sample's time is within limits. */
@inline
export function timeAccepted(timeMs: i64): bool {
  return timeMs >= minTimeMs && timeMs <= maxTimeMs;
}

/** Whether a time can be stored at all. */
@inline
export function isTime(timeMs: i64): bool {
  return timeMs < TIME_BOUND && timeMs > -TIME_BOUND;
}

/** Refuses a sample because of its time. */
export function refuseSample(timeMs: i64, series: u32, at: usize, bytes: u32): void {
  const reason = !isTime(timeMs) ? TIME_OUT_OF_RANGE : timeMs < minTimeMs ? TOO_OLD : TOO_NEW;
  refuseSeries(reason, 1, series, at, bytes);
}

/** A place for `length` tenant bytes, to be filled before requestBegin; 0 when memory is out. */
export function tenantBuffer(length: u32): usize {
  return columnReserve(tenantColumn, length);
}

function saveShard(shard: Shard): void {
  shard.savedSeries = shard.seriesCount;
  shard.savedSymbols = shard.symbolCount;
  shard.savedSymbolBytes = shard.symbolBytesLength;
  shard.slotsMoved = 0;
  shard.symbolSlotsMoved = 0;
  batchClear(shard);
}

/** Begins a request of the tenant in the tenant buffer: empty batches, counters at zero. */
export function requestBegin(length: u32): void {
  tenantLength = length;
  hashBytes(tenantColumn.address, length, 0, 0);
  tenantLow = hashLow;
  tenantHigh = hashHigh;
  memory.fill(counters, 0, <usize>COUNTERS << 2);
  activeBegin();
  for (let i: u32 = 0; i < shardCount; i++) saveShard(shardAt(i));
}

/** Puts the batches together. Negative: out of memory, or one is too long, and the request is undone. */
export function requestFinish(): i32 {
  for (let i: u32 = 0; i < shardCount; i++) {
    if (!batchFinish(shardAt(i), tenantColumn.address, tenantLength)) return requestFail(OUT_OF_MEMORY);
    if (shardAt(i).outputLength > BATCH_BYTES_MAX) return requestFail(TOO_EXPENSIVE);
  }
  return 0;
}

/** Forgets what the request since requestBegin defined, and its batches. */
export function requestUndo(): void {
  activeUndo();
  for (let i: u32 = 0; i < shardCount; i++) {
    const shard = shardAt(i);
    if (shard.seriesCount != shard.savedSeries || shard.symbolCount != shard.savedSymbols) shard.recentCount = 0;
    seriesUndo(shard, shard.savedSeries);
    symbolsUndo(shard, shard.savedSymbols, shard.savedSymbolBytes);
    saveShard(shard);
  }
}

/** Ends a request that is refused as a whole: undone, counters at zero. Returns the code. */
export function requestFail(code: i32): i32 {
  requestUndo();
  memory.fill(counters, 0, <usize>COUNTERS << 2);
  return code;
}

export function batchAddress(index: u32): u32 {
  return columnOf(shardAt(index), OUTPUT).address;
}

export function batchLength(index: u32): u32 {
  return shardAt(index).outputLength;
}
