// Building of batches, one per shard and request: docs/formats/batch.md. Samples go to three columns (refs, times,
// values), new symbols and series to two more, stale marks and exemplars to one each, histograms to three, samples with start
// times to four; batchFinish puts them together.

import { columnReserve, Column } from './memory';
import {
  HISTOGRAM_BYTES, HISTOGRAM_REFS, HISTOGRAM_TIMES, OUTPUT, REFS, RECENT_MAX, SERIES, STALE, STARTED_BYTES, STARTED_REFS,
  STARTED_STARTS, STARTED_TIMES, SYMBOLS, Shard, TIMES, VALUES, columnOf, recentOf,
} from './shard';
import { seriesAdd } from './dictionary';
import { exemplarSection, exemplarSectionBytes } from './exemplars';
import { symbolIs, symbolOf } from './symbols';
import { storeVarint, varintBytes, zigzag } from './varint';

const VERSION: u8 = 1;
const TAG_SYMBOLS: u8 = 1;
const TAG_SERIES: u8 = 2;
const TAG_SAMPLES: u8 = 3;
const TAG_STALE: u8 = 4;
const TAG_HISTOGRAMS: u8 = 5;
const TAG_EXEMPLARS: u8 = 6;
const TAG_STARTED: u8 = 8;

const REF_BYTES_MAX: u32 = 5;
const TIME_BYTES_MAX: u32 = 10;

/** Begins an empty batch. */
export function batchClear(shard: Shard): void {
  for (let kind = SYMBOLS; kind <= OUTPUT; kind++) columnOf(shard, kind).length = 0;
  shard.room = 0;
  shard.nextRef = 0;
  shard.samples = 0;
  shard.staleCount = 0;
  shard.lastTimeMs = 0;
  shard.histograms = 0;
  shard.histogramNextRef = 0;
  shard.histogramLastTimeMs = 0;
  shard.exemplars = 0;
  shard.started = 0;
  shard.startedNextRef = 0;
  shard.startedLastTimeMs = 0;
  shard.startedLastStartMs = 0;
  shard.outputLength = 0;
}

/** Takes the lengths of the sample columns from where they are written. */
function settleColumns(shard: Shard): void {
  if (shard.samples == 0) return;
  const refs = columnOf(shard, REFS);
  const times = columnOf(shard, TIMES);
  const values = columnOf(shard, VALUES);
  refs.length = shard.refsAt - refs.address;
  times.length = shard.timesAt - times.address;
  values.length = shard.valuesAt - values.address;
}

function growColumns(shard: Shard): bool {
  settleColumns(shard);
  const more = max<u32>(128, shard.samples);
  const refsAt = columnReserve(columnOf(shard, REFS), more * REF_BYTES_MAX);
  const timesAt = columnReserve(columnOf(shard, TIMES), more * TIME_BYTES_MAX);
  const valuesAt = columnReserve(columnOf(shard, VALUES), more * 8);
  if (refsAt == 0 || timesAt == 0 || valuesAt == 0) return false;
  shard.refsAt = <u32>refsAt;
  shard.timesAt = <u32>timesAt;
  shard.valuesAt = <u32>valuesAt;
  shard.room = more;
  return true;
}

/** Appends a sample of series `ref`; false when memory is out. The time lies within +-2^53. */
@inline
export function batchSample(shard: Shard, ref: u32, timeMs: i64, bits: u64): bool {
  if (shard.room == 0 && !growColumns(shard)) return false;
  shard.room--;
  shard.samples++;
  store<u64>(shard.valuesAt, bits);
  shard.valuesAt += 8;
  const skip = <i64>ref - <i64>shard.nextRef;
  const wait = timeMs - shard.lastTimeMs;
  shard.nextRef = ref + 1;
  shard.lastTimeMs = timeMs;
  const refsAt = shard.refsAt;
  const timesAt = shard.timesAt;
  if ((skip | wait) == 0) {
    store<u8>(refsAt, 0);
    store<u8>(timesAt, 0);
    shard.refsAt = refsAt + 1;
    shard.timesAt = timesAt + 1;
  } else {
    shard.refsAt = <u32>storeVarint(refsAt, zigzag(skip));
    shard.timesAt = <u32>storeVarint(timesAt, zigzag(wait));
  }
  return true;
}

/** Appends a varint to a column; false when memory is out. */
function appendVarint(column: Column, value: u64): bool {
  const at = columnReserve(column, TIME_BYTES_MAX);
  if (at == 0) return false;
  column.length += <u32>(storeVarint(at, value) - at);
  return true;
}

/** Appends bytes behind their length; false when memory is out. */
function appendBlock(column: Column, from: usize, bytes: u32): bool {
  if (!appendVarint(column, bytes)) return false;
  const at = columnReserve(column, bytes);
  if (at == 0) return false;
  memory.copy(at, from, bytes);
  column.length += bytes;
  return true;
}

/**
 * Appends a sample of series `ref` with its start time, which is not 0: the bits of a double, 8 `bytes`, or a histogram's binary form.
 * False when memory is out.
 */
export function batchStarted(shard: Shard, ref: u32, timeMs: i64, startMs: i64, from: usize, bytes: u32): bool {
  const skip = <i64>ref - <i64>shard.startedNextRef;
  if (!appendVarint(columnOf(shard, STARTED_REFS), zigzag(skip))) return false;
  if (!appendVarint(columnOf(shard, STARTED_TIMES), zigzag(timeMs - shard.startedLastTimeMs))) return false;
  if (!appendVarint(columnOf(shard, STARTED_STARTS), zigzag(startMs - shard.startedLastStartMs))) return false;
  if (!appendBlock(columnOf(shard, STARTED_BYTES), from, bytes)) return false;
  shard.startedNextRef = ref + 1;
  shard.startedLastTimeMs = timeMs;
  shard.startedLastStartMs = startMs;
  shard.started++;
  return true;
}

/** Appends a histogram of series `ref` in its binary form; false when memory is out. */
export function batchHistogram(shard: Shard, ref: u32, timeMs: i64, bytes: Column): bool {
  const skip = <i64>ref - <i64>shard.histogramNextRef;
  const wait = timeMs - shard.histogramLastTimeMs;
  if (!appendVarint(columnOf(shard, HISTOGRAM_REFS), zigzag(skip))) return false;
  if (!appendVarint(columnOf(shard, HISTOGRAM_TIMES), zigzag(wait))) return false;
  if (!appendBlock(columnOf(shard, HISTOGRAM_BYTES), bytes.address, bytes.length)) return false;
  shard.histogramNextRef = ref + 1;
  shard.histogramLastTimeMs = timeMs;
  shard.histograms++;
  return true;
}

/** Marks a series, named by id, as ended at a time; false when memory is out. */
export function batchStale(shard: Shard, low: u64, high: u64, timeMs: i64): bool {
  const column = columnOf(shard, STALE);
  const at = columnReserve(column, 26);
  if (at == 0) return false;
  store<u64>(at, low);
  store<u64>(at, high, 8);
  column.length += <u32>(storeVarint(at + 16, zigzag(timeMs)) - at);
  shard.staleCount++;
  return true;
}

/**
 * Defines a series that the segment does not know. `labels` are rows of {u32 name, u32 name bytes, u32 value, u32
 * value bytes}, sorted. Returns its number, -1 when memory is out. Neighbours in a request share most labels, so
 * those of the series defined last are compared before symbols are looked up.
 */
export function batchDefine(shard: Shard, low: u64, high: u64, labels: usize, count: u32): i32 {
  const column = columnOf(shard, SERIES);
  const begin = columnReserve(column, 26 + <usize>count * 10);
  if (begin == 0) return -1;
  store<u64>(begin, low);
  store<u64>(begin, high, 8);
  let out = storeVarint(begin + 16, count);
  const recent = recentOf(shard);
  const recentCount = shard.recentCount;
  let cursor: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = labels + (<usize>i << 4);
    const nameAt = load<u32>(row);
    const nameBytes = load<u32>(row, 4);
    const valueAt = load<u32>(row, 8);
    const valueBytes = load<u32>(row, 12);
    let name: i32 = -1;
    let value: i32 = -1;
    for (let ahead = cursor; ahead < recentCount && ahead < cursor + 3; ahead++) {
      const pair = recent + (<usize>ahead << 3);
      if (!symbolIs(shard, load<u32>(pair), nameAt, nameBytes)) continue;
      name = load<i32>(pair);
      if (symbolIs(shard, load<u32>(pair, 4), valueAt, valueBytes)) value = load<i32>(pair, 4);
      cursor = ahead + 1;
      break;
    }
    if (name < 0) name = symbolOf(shard, nameAt, nameBytes);
    if (value < 0) value = symbolOf(shard, valueAt, valueBytes);
    if (name < 0 || value < 0) return -1;
    // Row i is read already: its numbers can replace it, to become the recent ones below.
    store<i32>(row, name);
    store<i32>(row, value, 4);
    out = storeVarint(out, <u64>name);
    out = storeVarint(out, <u64>value);
  }
  const kept = min<u32>(count, RECENT_MAX);
  for (let i: u32 = 0; i < kept; i++) store<u64>(recent + (<usize>i << 3), load<u64>(labels + (<usize>i << 4)));
  shard.recentCount = kept;
  const ref = seriesAdd(shard, low, high);
  if (ref >= 0) column.length += <u32>(out - begin);
  return ref;
}

@inline
function section(at: usize, tag: u8, bytes: u32): usize {
  store<u8>(at, tag);
  store<u32>(at, bytes, 1);
  return at + 5;
}

@inline
function append(at: usize, column: Column): usize {
  memory.copy(at, column.address, column.length);
  return at + column.length;
}

/** A section of definitions: first number, count, payload. */
function definitions(at: usize, tag: u8, first: u32, count: u32, column: Column): usize {
  if (count == first) return at;
  const begin = section(at, tag, varintBytes(first) + varintBytes(count - first) + column.length);
  return append(storeVarint(storeVarint(begin, first), count - first), column);
}

/** Puts the batch together in the OUTPUT column; its length is 0 if there is nothing to log. False: memory is out. */
export function batchFinish(shard: Shard, tenant: usize, tenantBytes: u32): bool {
  if (shard.samples + shard.staleCount + shard.histograms + shard.exemplars + shard.started == 0) return true;
  settleColumns(shard);
  let total: usize = 128 + <usize>tenantBytes;
  for (let kind = SYMBOLS; kind < OUTPUT; kind++) total += columnOf(shard, kind).length;
  const output = columnOf(shard, OUTPUT);
  const begin = columnReserve(output, total);
  if (begin == 0) return false;
  store<u8>(begin, VERSION);
  let at = storeVarint(begin + 1, tenantBytes);
  memory.copy(at, tenant, tenantBytes);
  at += tenantBytes;
  at = definitions(at, TAG_SYMBOLS, shard.savedSymbols, shard.symbolCount, columnOf(shard, SYMBOLS));
  at = definitions(at, TAG_SERIES, shard.savedSeries, shard.seriesCount, columnOf(shard, SERIES));
  if (shard.samples != 0) {
    const refs = columnOf(shard, REFS);
    const times = columnOf(shard, TIMES);
    const values = columnOf(shard, VALUES);
    const head = varintBytes(shard.samples) + 8;
    at = storeVarint(section(at, TAG_SAMPLES, head + refs.length + times.length + values.length), shard.samples);
    store<u32>(at, refs.length);
    store<u32>(at, times.length, 4);
    at = append(append(append(at + 8, refs), times), values);
  }
  if (shard.staleCount != 0) {
    const stale = columnOf(shard, STALE);
    at = storeVarint(section(at, TAG_STALE, varintBytes(shard.staleCount) + stale.length), shard.staleCount);
    at = append(at, stale);
  }
  if (shard.histograms != 0) {
    const refs = columnOf(shard, HISTOGRAM_REFS);
    const times = columnOf(shard, HISTOGRAM_TIMES);
    const bytes = columnOf(shard, HISTOGRAM_BYTES);
    const head = varintBytes(shard.histograms) + 8;
    at = section(at, TAG_HISTOGRAMS, head + refs.length + times.length + bytes.length);
    at = storeVarint(at, shard.histograms);
    store<u32>(at, refs.length);
    store<u32>(at, times.length, 4);
    at = append(append(append(at + 8, refs), times), bytes);
  }
  if (shard.exemplars != 0) at = exemplarSection(shard, section(at, TAG_EXEMPLARS, exemplarSectionBytes(shard)));
  if (shard.started != 0) at = startedSection(at, shard);
  shard.outputLength = <u32>(at - begin);
  return true;
}

function startedSection(begin: usize, shard: Shard): usize {
  const refs = columnOf(shard, STARTED_REFS);
  const times = columnOf(shard, STARTED_TIMES);
  const starts = columnOf(shard, STARTED_STARTS);
  const bytes = columnOf(shard, STARTED_BYTES);
  const head = varintBytes(shard.started) + 12;
  let at = section(begin, TAG_STARTED, head + refs.length + times.length + starts.length + bytes.length);
  at = storeVarint(at, shard.started);
  store<u32>(at, refs.length);
  store<u32>(at, times.length, 4);
  store<u32>(at, starts.length, 8);
  return append(append(append(append(at + 12, refs), times), starts), bytes);
}
