// Applies a batch (docs/formats/batch.md) to the head. The batch lies in scratch memory. All reads are bounds-checked; a malformed
// batch gives a negative code. What was applied before the fault stays: the host must treat the shard as broken, for a batch
// that passed its checksum and is malformed is a bug.
import {
  R_BATCHES,
  R_DEAD,
  R_SEGMENT_SERIES,
  R_SEGMENT_SYMBOLS,
  R_STALE_UNKNOWN,
  SCRATCH,
  alloc,
  count64,
  ensureVector,
  get32,
  set32,
} from './root';
import { putVarint, unzigzag } from './bits';
import { internSymbol, symbolAddress } from './symbols';
import { ALL_SERIES, addPosting, internLabel } from './postings';
import { FLAG_DEAD, NO_SERIES, S_FLAGS, S_LABELS, S_LAST_TIME, createSeries, findSeries, slotOf } from './series';
import { appendBlob, appendSample, appendStarted } from './starts';
import { FLOAT_BYTES, isBlob, newBlob } from './blob';
import { beginTimes, endTimes, noteChange, noteTime } from './clock';
import { applyExemplars } from './exemplars';
import { SEAL_SCRATCH } from './seal';

export const ERROR_TRUNCATED: i32 = -1;
export const ERROR_VERSION: i32 = -2;
export const ERROR_TAG: i32 = -3;
export const ERROR_NUMBERING: i32 = -4;
export const ERROR_REFERENCE: i32 = -5;
export const ERROR_TRAILING: i32 = -6;
export const ERROR_DIRECTORY_FULL: i32 = -7;
export const ERROR_TIME: i32 = -8;
export const ERROR_HISTOGRAM: i32 = -9;

const STALE_BITS: u64 = 0x7ff0000000000002;
const EMPTY_VALUE: u32 = 0xfffffffe;
/** Times are exact in f64: within ±(2^53 - 1). */
const TIME_MAX: i64 = 9007199254740991;

// @ts-ignore: decorator
@inline
function isTime(time: i64): bool {
  return u64(time + TIME_MAX) <= u64(2 * TIME_MAX);
}

let cursor: usize = 0;
let limit: usize = 0;
let failed: bool = false;

/** The next LEB128 of up to 64 bits; sets `failed` at the end of the input. */
function varint(): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  while (cursor < limit && shift < 64) {
    const byte = u64(load<u8>(cursor++));
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
    shift += 7;
  }
  failed = true;
  return 0;
}

// @ts-ignore: decorator
@inline
function count32(): u32 {
  const value = varint();
  if (value > 0xfffffff0) failed = true;
  return u32(value);
}

/** Steps over `bytes`; returns where they began. */
function take(bytes: u32): usize {
  const at = cursor;
  if (u64(limit - cursor) < u64(bytes)) failed = true;
  else cursor += bytes;
  return at;
}

/** Forgets the log segment's numbering: the next batch begins a new one. */
export function beginSegment(): void {
  set32(R_SEGMENT_SYMBOLS + 8, 0);
  set32(R_SEGMENT_SERIES + 8, 0);
}

function applySymbols(): i32 {
  if (count32() != get32(R_SEGMENT_SYMBOLS + 8)) return failed ? ERROR_TRUNCATED : ERROR_NUMBERING;
  const count = count32();
  for (let i: u32 = 0; i < count; i++) {
    const length = count32();
    const at = take(length);
    if (failed) return ERROR_TRUNCATED;
    const number = get32(R_SEGMENT_SYMBOLS + 8);
    ensureVector(R_SEGMENT_SYMBOLS, number + 1);
    store<u32>(usize(get32(R_SEGMENT_SYMBOLS)) + (usize(number) << 2), internSymbol(at, length));
    set32(R_SEGMENT_SYMBOLS + 8, number + 1);
  }
  return failed ? ERROR_TRUNCATED : 0;
}

/** The shard's symbol behind a segment's number. */
function segmentSymbol(number: u32): u32 {
  if (number >= get32(R_SEGMENT_SYMBOLS + 8)) {
    failed = true;
    return 0;
  }
  return load<u32>(usize(get32(R_SEGMENT_SYMBOLS)) + (usize(number) << 2));
}

/** Reads the label pairs into scratch as varints of our symbols; returns the address after them, 0 on a bad reference. */
function readLabels(tenant: u32, count: u32): usize {
  let at = putVarint(putVarint(SEAL_SCRATCH, tenant), count);
  for (let i: u32 = 0; i < count; i++) {
    at = putVarint(at, segmentSymbol(count32()));
    at = putVarint(at, segmentSymbol(count32()));
    if (failed || at > SEAL_SCRATCH + 900000) return 0;
  }
  return at;
}

/** A varint that we wrote. */
let ourCursor: usize = 0;
function ourVarint(): u32 {
  let byte = u32(load<u8>(ourCursor++));
  let value = byte & 127;
  let shift: u32 = 7;
  while (byte >= 128) {
    byte = load<u8>(ourCursor++);
    value |= (byte & 127) << shift;
    shift += 7;
  }
  return value;
}

/** Enters a new series into the index under its tenant's labels. */
function indexSeries(series: u32, labels: usize): void {
  ourCursor = labels;
  const tenant = ourVarint();
  const count = ourVarint();
  addPosting(internLabel(tenant, ALL_SERIES), EMPTY_VALUE, series);
  for (let i: u32 = 0; i < count; i++) {
    const name = ourVarint();
    addPosting(internLabel(tenant, name), ourVarint(), series);
  }
}

/** A series that is defined again lives on. */
function revive(slot: usize): void {
  const flags = load<u8>(slot, S_FLAGS);
  if (!(flags & FLAG_DEAD)) return;
  store<u8>(slot, flags & ~FLAG_DEAD, S_FLAGS);
  set32(R_DEAD, get32(R_DEAD) - 1);
}

function defineSeries(tenant: u32): i32 {
  const id = take(16);
  const labelCount = count32();
  if (failed) return ERROR_TRUNCATED;
  const end = readLabels(tenant, labelCount);
  if (!end) return ERROR_REFERENCE;
  let series = findSeries(load<u64>(id), load<u64>(id, 8));
  if (series == NO_SERIES) {
    series = createSeries(load<u64>(id), load<u64>(id, 8));
    if (series == NO_SERIES) return ERROR_DIRECTORY_FULL;
    const bytes = u32(end - SEAL_SCRATCH);
    const labels = alloc(bytes);
    memory.copy(labels, SEAL_SCRATCH, bytes);
    store<u32>(slotOf(series), u32(labels), S_LABELS);
    indexSeries(series, labels);
  } else revive(slotOf(series));
  const number = get32(R_SEGMENT_SERIES + 8);
  ensureVector(R_SEGMENT_SERIES, number + 1);
  store<u32>(usize(get32(R_SEGMENT_SERIES)) + (usize(number) << 2), u32(slotOf(series)));
  set32(R_SEGMENT_SERIES + 8, number + 1);
  return 0;
}

function applySeries(tenant: u32): i32 {
  if (count32() != get32(R_SEGMENT_SERIES + 8)) return failed ? ERROR_TRUNCATED : ERROR_NUMBERING;
  const count = count32();
  for (let i: u32 = 0; i < count; i++) {
    const code = defineSeries(tenant);
    if (code < 0) return code;
  }
  return failed ? ERROR_TRUNCATED : 0;
}

function applySamples(): i32 {
  const count = count32();
  const refsBytes = load<u32>(take(4));
  const timesBytes = failed ? 0 : load<u32>(take(4));
  if (failed) return ERROR_TRUNCATED;
  let refs = take(refsBytes);
  const refsEnd = cursor;
  let times = take(timesBytes);
  const timesEnd = cursor;
  if (failed || u64(count) * 8 > u64(limit - cursor)) return ERROR_TRUNCATED;
  let values = take(count * 8);
  const seriesCount = get32(R_SEGMENT_SERIES + 8);
  const series = usize(get32(R_SEGMENT_SERIES));
  const sectionEnd = cursor;
  const sectionLimit = limit;
  let ref: i64 = -1;
  let time: i64 = 0;
  let noted: i64 = i64.MIN_VALUE;
  if (count) beginTimes();
  for (let i: u32 = 0; i < count; i++) {
    // One byte each on the steady path: the next series of the same scrape.
    if (refs < refsEnd && load<u8>(refs) < 128) ref += 1 + unzigzag(load<u8>(refs++));
    else {
      cursor = refs;
      limit = refsEnd;
      ref += 1 + unzigzag(varint());
      refs = cursor;
    }
    if (times < timesEnd && load<u8>(times) < 128) time += unzigzag(load<u8>(times++));
    else {
      cursor = times;
      limit = timesEnd;
      time += unzigzag(varint());
      times = cursor;
    }
    if (failed) return ERROR_TRUNCATED;
    if (u64(ref) >= u64(seriesCount)) return ERROR_REFERENCE;
    if (time != noted) {
      if (!isTime(time)) return ERROR_TIME;
      noteTime(time);
      noted = time;
    }
    const bits = load<u64>(values);
    const slot = usize(load<u32>(series + (usize(ref) << 2)));
    if (!isBlob(bits)) appendSample(slot, time, bits);
    else appendBlob(slot, time, newBlob(values, FLOAT_BYTES));
    values += 8;
  }
  if (count) endTimes();
  cursor = sectionEnd;
  limit = sectionLimit;
  return refs == refsEnd && times == timesEnd ? 0 : ERROR_TRAILING;
}

/** Address behind the number that zigzagAt read. */
let behind: usize = 0;

/** The zigzag at `at`, which must end before `end`. */
function zigzagAt(at: usize, end: usize): i64 {
  cursor = at;
  limit = end;
  const value = unzigzag(varint());
  behind = cursor;
  return value;
}

function applyHistograms(): i32 {
  const count = count32();
  const refsBytes = load<u32>(take(4));
  const timesBytes = failed ? 0 : load<u32>(take(4));
  if (failed) return ERROR_TRUNCATED;
  let refs = take(refsBytes);
  const refsEnd = cursor;
  let times = take(timesBytes);
  const timesEnd = cursor;
  if (failed) return ERROR_TRUNCATED;
  let blobs = cursor;
  const sectionLimit = limit;
  const seriesCount = get32(R_SEGMENT_SERIES + 8);
  let ref: i64 = -1;
  let time: i64 = 0;
  if (count) beginTimes();
  for (let i: u32 = 0; i < count; i++) {
    ref += 1 + zigzagAt(refs, refsEnd);
    refs = behind;
    time += zigzagAt(times, timesEnd);
    times = behind;
    cursor = blobs;
    limit = sectionLimit;
    const length = count32();
    const bytes = take(length);
    blobs = cursor;
    if (failed) return ERROR_TRUNCATED;
    if (u64(ref) >= u64(seriesCount)) return ERROR_REFERENCE;
    if (!isTime(time)) return ERROR_TIME;
    if (length <= FLOAT_BYTES) return ERROR_HISTOGRAM;
    noteTime(time);
    appendBlob(load<u32>(usize(get32(R_SEGMENT_SERIES)) + (usize(ref) << 2)), time, newBlob(bytes, length));
  }
  if (count) endTimes();
  cursor = blobs;
  limit = sectionLimit;
  return refs == refsEnd && times == timesEnd ? 0 : ERROR_TRAILING;
}

/** Samples with start times: values of 8 bytes are doubles, others histograms. */
function applyStarted(): i32 {
  const count = count32();
  const refsBytes = load<u32>(take(4));
  const timesBytes = failed ? 0 : load<u32>(take(4));
  const startsBytes = failed ? 0 : load<u32>(take(4));
  if (failed) return ERROR_TRUNCATED;
  let refs = take(refsBytes);
  const refsEnd = cursor;
  let times = take(timesBytes);
  const timesEnd = cursor;
  let starts = take(startsBytes);
  const startsEnd = cursor;
  if (failed) return ERROR_TRUNCATED;
  let values = cursor;
  const sectionLimit = limit;
  const seriesCount = get32(R_SEGMENT_SERIES + 8);
  let ref: i64 = -1;
  let time: i64 = 0;
  let start: i64 = 0;
  if (count) beginTimes();
  for (let i: u32 = 0; i < count; i++) {
    ref += 1 + zigzagAt(refs, refsEnd);
    refs = behind;
    time += zigzagAt(times, timesEnd);
    times = behind;
    start += zigzagAt(starts, startsEnd);
    starts = behind;
    cursor = values;
    limit = sectionLimit;
    const length = count32();
    const bytes = take(length);
    values = cursor;
    if (failed) return ERROR_TRUNCATED;
    if (u64(ref) >= u64(seriesCount)) return ERROR_REFERENCE;
    if (!isTime(time) || !isTime(start) || !start) return ERROR_TIME;
    if (length < FLOAT_BYTES) return ERROR_HISTOGRAM;
    noteTime(time);
    const isFloat = length == FLOAT_BYTES && !isBlob(load<u64>(bytes));
    const bits = isFloat ? load<u64>(bytes) : newBlob(bytes, length);
    const slot = usize(load<u32>(usize(get32(R_SEGMENT_SERIES)) + (usize(ref) << 2)));
    if (!appendStarted(slot, time, start, bits, !isFloat)) return ERROR_DIRECTORY_FULL;
  }
  if (count) endTimes();
  cursor = values;
  limit = sectionLimit;
  return refs == refsEnd && times == timesEnd && starts == startsEnd ? 0 : ERROR_TRAILING;
}

function applyStale(): i32 {
  const count = count32();
  for (let i: u32 = 0; i < count; i++) {
    const id = take(16);
    const time = unzigzag(varint());
    if (failed) return ERROR_TRUNCATED;
    if (!isTime(time)) return ERROR_TIME;
    const series = findSeries(load<u64>(id), load<u64>(id, 8));
    if (series == NO_SERIES) {
      count64(R_STALE_UNKNOWN);
      continue;
    }
    const slot = slotOf(series);
    // A marker ends what is there; one that comes late would end what it does not know.
    const last = load<i64>(slot, S_LAST_TIME);
    if (time <= last || last == i64.MIN_VALUE) continue;
    noteChange(time);
    appendSample(slot, time, STALE_BITS);
  }
  return failed ? ERROR_TRUNCATED : 0;
}

function applySection(tag: u32, tenant: u32): i32 {
  if (tag == 1) return applySymbols();
  if (tag == 2) return applySeries(tenant);
  if (tag == 3) return applySamples();
  if (tag == 4) return applyStale();
  if (tag == 5) return applyHistograms();
  if (tag == 6) {
    const code = applyExemplars(cursor, limit);
    cursor = limit;
    return code;
  }
  if (tag == 8) return applyStarted();
  return ERROR_TAG;
}

/** Applies the batch of `bytes` at the start of scratch memory. 0, or a negative code. */
export function applyBatch(bytes: u32): i32 {
  cursor = SCRATCH;
  limit = SCRATCH + bytes;
  failed = false;
  const end = limit;
  if (bytes < 2) return ERROR_TRUNCATED;
  if (load<u8>(take(1)) != 1) return ERROR_VERSION;
  const tenantLength = count32();
  const tenantAt = take(tenantLength);
  if (failed) return ERROR_TRUNCATED;
  const tenant = internSymbol(tenantAt, tenantLength);
  let tagBefore: u32 = 0;
  while (cursor < end) {
    limit = end;
    const tag = u32(load<u8>(take(1)));
    const sectionBytes = load<u32>(take(4));
    if (failed || tag <= tagBefore || u64(end - cursor) < u64(sectionBytes)) return ERROR_TRUNCATED;
    tagBefore = tag;
    limit = cursor + sectionBytes;
    const code = applySection(tag, tenant);
    if (code < 0) return code;
    if (cursor != limit) return ERROR_TRAILING;
  }
  count64(R_BATCHES);
  return 0;
}

/** For readers: a symbol's address and length. */
export function symbolBytes(symbol: u32): usize {
  return symbolAddress(symbol) + 8;
}
export function symbolLength(symbol: u32): u32 {
  // A number from before a sweep may name no symbol now.
  const address = symbolAddress(symbol);
  return address & 1 ? 0 : load<u32>(address, 4);
}
