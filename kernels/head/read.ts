// Reading a series: its sealed columns that touch the range, its late samples and its open chunk, merged into time order; of samples
// at the same time the first that was stored. Output goes to scratch memory: times as f64 milliseconds, then raw value bits.
import { SCRATCH } from './root';
import { COLUMN_HEADER, decodeTimes, decodeValues } from './column';
import { mayHaveBlobs } from './blob';
import { decodeOpen } from './open';
import { firstPosting, nextPosting } from './postings';
import {
  FLAG_CUT,
  FLAG_EMPTY,
  FLAG_LATE,
  N_BYTES,
  N_COLUMN,
  N_CUT,
  N_TIME,
  NO_SERIES,
  S_COLUMNS,
  S_FIRST_TIME,
  S_FLAGS,
  S_LABELS,
  S_LAST_DIFFERENCE,
  S_LAST_TIME,
  S_LATE,
  S_OPEN_COUNT,
  S_RUN,
  slotOf,
} from './series';

/** Samples that a read may yield: times, values and a merge copy of both fit into scratch beside the sealing area. */
export const READ_SAMPLES_MAX: u32 = 1000000;
/** Results of read(): at READ_TIMES and READ_VALUES, from sample number readFirst() on. */
export const READ_TIMES: usize = SCRATCH;
export const READ_VALUES: usize = READ_TIMES + (usize(READ_SAMPLES_MAX) << 3);
const MERGE_TIMES: usize = READ_VALUES + (usize(READ_SAMPLES_MAX) << 3);
const MERGE_VALUES: usize = MERGE_TIMES + (usize(READ_SAMPLES_MAX) << 3);
/** Addresses of the columns to decode, newest first; above the merge copies. */
const PLAN: usize = MERGE_VALUES + (usize(READ_SAMPLES_MAX) << 3);
const PLAN_MAX: u32 = 524288;

let first: u32 = 0;

/** Number of the first wanted sample in the arrays, after read(). */
export function readFirst(): u32 {
  return first;
}

/** An upper bound of the samples in [minMs, maxMs]; integers within 2^53. */
export function samplesMax(series: u32, minMs: f64, maxMs: f64): u32 {
  return samplesBetween(slotOf(series), i64(minMs), i64(maxMs));
}

/** The same of the cut columns alone. */
export function cutSamplesMax(series: u32, minMs: f64, maxMs: f64): u32 {
  return columnSamples(slotOf(series), N_CUT, i64(minMs), i64(maxMs));
}

// @ts-ignore: decorator
@inline
function touchesOpen(slot: usize, minMs: i64, maxMs: i64): bool {
  return load<i64>(slot, S_FIRST_TIME) <= maxMs && load<i64>(slot, S_LAST_TIME) >= minMs;
}

/** An upper bound of the open chunk's samples in the range: exact if it begins in the run at the end. */
function openSamples(slot: usize, minMs: i64, maxMs: i64): u32 {
  const count = u32(load<u16>(slot, S_OPEN_COUNT));
  if (!count || !touchesOpen(slot, minMs, maxMs)) return 0;
  if (load<i64>(slot, S_FIRST_TIME) >= minMs) return count;
  const last = load<i64>(slot, S_LAST_TIME);
  const difference = load<i64>(slot, S_LAST_DIFFERENCE);
  const steps = difference ? (last - minMs) / difference : 0;
  return steps < i64(load<u16>(slot, S_RUN)) ? u32(steps) + 1 : count;
}

/** Samples in columns, of those with the flags `wanted`, that touch the range. */
function columnSamples(slot: usize, wanted: u32, minMs: i64, maxMs: i64): u32 {
  const isLate = load<u8>(slot, S_FLAGS) & FLAG_LATE;
  let count: u32 = 0;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    if (load<i64>(node, N_TIME) < minMs) {
      if (isLate) continue;
      break;
    }
    const isWanted = (load<u32>(node, N_BYTES) & wanted) == wanted;
    if (isWanted && load<i64>(node + N_COLUMN, 8) <= maxMs) count += load<u16>(node + N_COLUMN);
  }
  return count;
}

function samplesBetween(slot: usize, minMs: i64, maxMs: i64): u32 {
  const late = usize(load<u32>(slot, S_LATE));
  const lateSamples = late ? load<u32>(late, 4) : 0;
  return columnSamples(slot, 0, minMs, maxMs) + openSamples(slot, minMs, maxMs) + lateSamples;
}

/** Lists the columns with the flags `wanted` that touch the range at PLAN, newest first; returns how many, or -1 if there are too many. */
function plan(slot: usize, wanted: u32, minMs: i64, maxMs: i64): i32 {
  const isLate = load<u8>(slot, S_FLAGS) & FLAG_LATE;
  let count: u32 = 0;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    if (load<i64>(node, N_TIME) < minMs) {
      if (isLate) continue;
      break;
    }
    if ((load<u32>(node, N_BYTES) & wanted) != wanted || load<i64>(node + N_COLUMN, 8) > maxMs) continue;
    if (count == PLAN_MAX) return -1;
    store<u32>(PLAN + (usize(count++) << 2), u32(node + N_COLUMN));
  }
  return i32(count);
}

/** Copies the late buffer behind sample number `count`. */
function decodeLate(late: usize, count: u32): u32 {
  const n = late ? load<u32>(late, 4) : 0;
  for (let i: u32 = 0; i < n; i++) {
    const place = usize(count + i) << 3;
    store<f64>(READ_TIMES + place, f64(load<i64>(late + 8 + (usize(i) << 4))));
    store<u64>(READ_VALUES + place, load<u64>(late + 16 + (usize(i) << 4)));
  }
  return count + n;
}

/** Merges two adjacent ascending runs [begin, middle) and [middle, to) through the merge area; of equal times the first run's comes first. */
function mergeRuns(begin: u32, middle: u32, to: u32): void {
  if (begin == middle || middle == to) return;
  const second = load<f64>(READ_TIMES + (usize(middle) << 3));
  if (load<f64>(READ_TIMES + (usize(middle - 1) << 3)) < second) return;
  // What is before the second run stays where it is.
  const from = lowerBound(begin, middle, second);
  memory.copy(MERGE_TIMES, READ_TIMES + (usize(from) << 3), usize(middle - from) << 3);
  memory.copy(MERGE_VALUES, READ_VALUES + (usize(from) << 3), usize(middle - from) << 3);
  let a: u32 = 0;
  const aEnd = middle - from;
  let b = middle;
  let out = from;
  while (a < aEnd) {
    const fromB = b < to && load<f64>(READ_TIMES + (usize(b) << 3)) < load<f64>(MERGE_TIMES + (usize(a) << 3));
    const place = usize(out++) << 3;
    if (fromB) {
      store<f64>(READ_TIMES + place, load<f64>(READ_TIMES + (usize(b) << 3)));
      store<u64>(READ_VALUES + place, load<u64>(READ_VALUES + (usize(b) << 3)));
      b++;
    } else {
      store<f64>(READ_TIMES + place, load<f64>(MERGE_TIMES + (usize(a) << 3)));
      store<u64>(READ_VALUES + place, load<u64>(MERGE_VALUES + (usize(a) << 3)));
      a++;
    }
  }
}

/** Keeps the first of the samples at each time. Returns how many are left. */
function dropRepeated(count: u32): u32 {
  let kept: u32 = 0;
  let before = f64.NaN;
  for (let i: u32 = 0; i < count; i++) {
    const time = load<f64>(READ_TIMES + (usize(i) << 3));
    if (time == before) continue;
    before = time;
    if (kept != i) {
      store<f64>(READ_TIMES + (usize(kept) << 3), time);
      store<u64>(READ_VALUES + (usize(kept) << 3), load<u64>(READ_VALUES + (usize(i) << 3)));
    }
    kept++;
  }
  return kept;
}

/** First sample at or after `time` among ascending times [low, high). */
function lowerBound(low: u32, high: u32, time: f64): u32 {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<f64>(READ_TIMES + (usize(middle) << 3)) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Decodes columns number `oldest` down to `newest` of the plan behind `count` samples, in halves that are merged, since late columns
 * may lie in any order. Returns the samples then.
 */
function decodePlan(oldest: i32, newest: i32, count: u32, isLate: bool): u32 {
  if (oldest < newest) return count;
  if (oldest == newest) {
    const column = usize(load<u32>(PLAN + (usize(oldest) << 2)));
    decodeTimes(column, READ_TIMES + (usize(count) << 3));
    decodeValues(column, READ_VALUES + (usize(count) << 3));
    return count + load<u16>(column);
  }
  const middle = (oldest + newest + 1) >> 1;
  const half = decodePlan(oldest, middle, count, isLate);
  const end = decodePlan(middle - 1, newest, half, isLate);
  if (isLate) mergeRuns(count, half, end);
  return end;
}

/** Narrows `count` samples to those in the range: sets `first`, returns how many. */
function narrow(count: u32, isLate: bool, minMs: i64, maxMs: i64): i32 {
  const distinct = isLate ? dropRepeated(count) : count;
  first = lowerBound(0, distinct, f64(minMs));
  return i32(lowerBound(first, distinct, f64(maxMs) + 0.5) - first);
}

/**
 * Decodes the samples in [minMs, maxMs], in time order. Returns how many (they begin at number readFirst()), or -1 if the range
 * holds more than READ_SAMPLES_MAX: the caller asks for parts of it.
 */
export function read(series: u32, minTime: f64, maxTime: f64): i32 {
  const slot = slotOf(series);
  const minMs = i64(minTime);
  const maxMs = i64(maxTime);
  if (samplesBetween(slot, minMs, maxMs) > READ_SAMPLES_MAX) return -1;
  const columns = plan(slot, 0, minMs, maxMs);
  if (columns < 0) return -1;
  const isLate = (load<u8>(slot, S_FLAGS) & FLAG_LATE) != 0;
  let count = decodePlan(columns - 1, 0, 0, isLate);
  if (load<u16>(slot, S_OPEN_COUNT) && touchesOpen(slot, minMs, maxMs)) {
    const before = count;
    count += decodeOpen<f64>(slot, READ_TIMES + (usize(count) << 3), READ_VALUES + (usize(count) << 3), minMs);
    if (isLate) mergeRuns(0, before, count);
  }
  if (isLate) {
    const before = count;
    count = decodeLate(load<u32>(slot, S_LATE), count);
    mergeRuns(0, before, count);
  }
  return narrow(count, isLate, minMs, maxMs);
}

/** read() of the cut columns alone. */
export function readCut(series: u32, minTime: f64, maxTime: f64): i32 {
  const slot = slotOf(series);
  const minMs = i64(minTime);
  const maxMs = i64(maxTime);
  first = 0;
  if (!(load<u8>(slot, S_FLAGS) & FLAG_CUT)) return 0;
  if (columnSamples(slot, N_CUT, minMs, maxMs) > READ_SAMPLES_MAX) return -1;
  const columns = plan(slot, N_CUT, minMs, maxMs);
  if (columns < 0) return -1;
  const isLate = (load<u8>(slot, S_FLAGS) & FLAG_LATE) != 0;
  return narrow(decodePlan(columns - 1, 0, 0, isLate), isLate, minMs, maxMs);
}

/** Whether values of the series may be references (blob.ts). */
export function hasReferences(series: u32): bool {
  return mayHaveBlobs(slotOf(series));
}

/** Time of the newest sample; i64.MIN_VALUE if there is none. As f64. */
export function lastTime(series: u32): f64 {
  return f64(load<i64>(slotOf(series), S_LAST_TIME));
}

/** Address of a series' labels: varints (series.ts). */
export function labelsAddress(series: u32): usize {
  return load<u32>(slotOf(series), S_LABELS);
}

function firstTimeOf(slot: usize): i64 {
  let time = load<u16>(slot, S_OPEN_COUNT) ? load<i64>(slot, S_FIRST_TIME) : i64.MAX_VALUE;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    time = min<i64>(time, load<i64>(node + N_COLUMN, 8));
  }
  const late = usize(load<u32>(slot, S_LATE));
  if (late && load<u32>(late, 4)) time = min<i64>(time, load<i64>(late, 8));
  return time;
}

// @ts-ignore: decorator
@inline
function mayHaveSamples(slot: usize, minMs: i64, maxMs: i64): bool {
  if (load<u8>(slot, S_FLAGS) & FLAG_EMPTY) return false;
  return load<i64>(slot, S_LAST_TIME) >= minMs && firstTimeOf(slot) <= maxMs;
}

/** Whether a series of a value entry may have samples in [minMs, maxMs]. */
export function anyInRange(entry: usize, minTime: f64, maxTime: f64): bool {
  const minMs = i64(minTime);
  const maxMs = i64(maxTime);
  for (let series = firstPosting(entry); series != NO_SERIES; series = nextPosting()) {
    if (mayHaveSamples(slotOf(series), minMs, maxMs)) return true;
  }
  return false;
}

/** Keeps of `count` series numbers at `list` those that may have samples in [minMs, maxMs]. Returns how many. */
export function filterByTime(list: usize, count: u32, minTime: f64, maxTime: f64): u32 {
  const minMs = i64(minTime);
  const maxMs = i64(maxTime);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const series = load<u32>(list + (usize(i) << 2));
    if (!mayHaveSamples(slotOf(series), minMs, maxMs)) continue;
    store<u32>(list + (usize(kept++) << 2), series);
  }
  return kept;
}

/**
 * The value symbol of a label for each of `count` series numbers at `list`: u32s at `out`, 0xffffffff where the series lacks it.
 */
export function labelColumn(list: usize, count: u32, name: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    let at = usize(load<u32>(slotOf(load<u32>(list + (usize(i) << 2))), S_LABELS));
    at = skipVarint(at);
    let pairs = u32(load<u8>(at));
    if (pairs < 128) at++;
    else {
      pairs = longVarint(at);
      at = skipVarint(at);
    }
    let value: u32 = 0xffffffff;
    for (let k: u32 = 0; k < pairs; k++) {
      const symbol = longVarint(at);
      at = skipVarint(at);
      if (symbol == name) {
        value = longVarint(at);
        break;
      }
      at = skipVarint(at);
    }
    store<u32>(out + (usize(i) << 2), value);
  }
}

// @ts-ignore: decorator
@inline
function skipVarint(at: usize): usize {
  while (load<u8>(at++) >= 128) {}
  return at;
}

// @ts-ignore: decorator
@inline
function longVarint(at: usize): u32 {
  let byte = u32(load<u8>(at));
  let value = byte & 127;
  let shift: u32 = 7;
  while (byte >= 128) {
    byte = load<u8>(++at);
    value |= (byte & 127) << shift;
    shift += 7;
  }
  return value;
}

/** Bytes that a column's fixed part takes; for bench and dumps. */
export function columnHeaderBytes(): u32 {
  return COLUMN_HEADER;
}
