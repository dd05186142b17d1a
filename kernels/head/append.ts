// Appending a sample: to the open chunk (open.ts), or among the late ones.
//
// At SAMPLES_PER_COLUMN samples the chunk is sealed into a column. Late samples (not after the last one) go to a sorted buffer
// { u32 capacity, u32 count, (i64 time, bits)... }, sealed into a column of its own when it is full; FLAG_LATE tells readers to merge.
import {
  R_COLUMNS,
  R_CONFLICTS,
  R_DUPLICATES,
  R_MAX_TIME,
  R_MIN_TIME,
  R_OUT_OF_ORDER,
  R_SAMPLES,
  ROOT,
  SCRATCH,
  SCRATCH_BYTES,
  alloc,
  classOf,
  count64,
  freeClass,
} from './root';
import { decodeTimes, decodeValues, encodeColumn } from './column';
import { appendStep, clearOpen, decodeOpen, openChunk } from './open';
import {
  FLAG_LATE,
  S_COLUMNS,
  S_FIRST_TIME,
  S_FLAGS,
  S_LAST_BITS,
  S_LAST_DIFFERENCE,
  S_LAST_TIME,
  S_LATE,
  S_OPEN_COUNT,
  S_RUN,
} from './series';

/** Tuned with bench/head.ts: longer chunks compress better, shorter ones decode faster when only the end is wanted. */
export const SAMPLES_PER_COLUMN: u32 = 240;
const FIRST_COLUMN_MIN: u32 = 112;
/** Sealing works in the upper part of the scratch region, away from the batch that is being applied. */
export const SEAL_SCRATCH: usize = SCRATCH + SCRATCH_BYTES - 1048576;
const SEAL_TIMES: usize = SEAL_SCRATCH;
const SEAL_VALUES: usize = SEAL_SCRATCH + 131072;
const SEAL_WORK: usize = SEAL_SCRATCH + 262144;
const SEAL_OUT: usize = SEAL_SCRATCH + 393216;

const LATE_CAPACITY_FIRST: u32 = 15; // with its header just a size class: 8 + 15 * 16 -> 256
const LATE_CAPACITY_MAX: u32 = 255;

/** Appends a sample to a series, wherever in time it belongs. */
export function appendSample(slot: usize, time: i64, bits: u64): void {
  const last = load<i64>(slot, S_LAST_TIME);
  if (time <= last) {
    appendLate(slot, time, bits);
    return;
  }
  if (time > load<i64>(ROOT + R_MAX_TIME)) store<i64>(ROOT + R_MAX_TIME, time);
  if (time < load<i64>(ROOT + R_MIN_TIME)) store<i64>(ROOT + R_MIN_TIME, time);
  count64(R_SAMPLES);
  if (!load<u16>(slot, S_OPEN_COUNT)) {
    openChunk(slot, time, bits);
    return;
  }
  const difference = time - last;
  const change = difference - load<i64>(slot, S_LAST_DIFFERENCE);
  const previous = load<u64>(slot, S_LAST_BITS);
  store<i64>(slot, time, S_LAST_TIME);
  // A repetition touches the slot alone.
  if (change == 0 && bits == previous) store<u16>(slot, load<u16>(slot, S_RUN) + 1, S_RUN);
  else {
    appendStep(slot, change, bits, previous);
    store<i64>(slot, difference, S_LAST_DIFFERENCE);
    store<u64>(slot, bits, S_LAST_BITS);
  }
  const count = u32(load<u16>(slot, S_OPEN_COUNT)) + 1;
  store<u16>(slot, u16(count), S_OPEN_COUNT);
  if (count >= FIRST_COLUMN_MIN && isFull(slot, count)) sealOpen(slot);
}

/** A series' first column is shorter by its id, so that series which began together are not sealed all at once. */
function isFull(slot: usize, count: u32): bool {
  if (count >= SAMPLES_PER_COLUMN) return true;
  return !load<u32>(slot, S_COLUMNS) && count >= FIRST_COLUMN_MIN + (u32(load<u64>(slot) >> 32) & 127);
}

/** Puts a column over SEAL_TIMES and SEAL_VALUES in front of the series' list. */
function addColumn(slot: usize, count: u32): void {
  const bytes = encodeColumn(SEAL_OUT, SEAL_TIMES, SEAL_VALUES, count, SEAL_WORK);
  const node = alloc(16 + bytes);
  store<u32>(node, load<u32>(slot, S_COLUMNS));
  store<u32>(node, bytes, 4);
  store<i64>(node, load<i64>(SEAL_TIMES + (usize(count - 1) << 3)), 8);
  memory.copy(node + 16, SEAL_OUT, bytes);
  store<u32>(slot, u32(node), S_COLUMNS);
  count64(R_COLUMNS);
}

/** Turns the open chunk into a column. */
export function sealOpen(slot: usize): void {
  const count = decodeOpen<i64>(slot, SEAL_TIMES, SEAL_VALUES);
  if (!count) return;
  addColumn(slot, count);
  clearOpen(slot);
}

/** Bits found by findTime. */
let foundBits: u64 = 0;

/** Looks a time up in `count` ascending f64 times and their values. */
function searchTimes(times: usize, values: usize, count: u32, time: i64): bool {
  const wanted = f64(time);
  let low: u32 = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<f64>(times + (usize(middle) << 3)) < wanted) low = middle + 1;
    else high = middle;
  }
  if (low >= count || load<f64>(times + (usize(low) << 3)) != wanted) return false;
  foundBits = load<u64>(values + (usize(low) << 3));
  return true;
}

/** Whether the series has a sample at `time` in its open chunk or columns; its value goes to foundBits. */
function findTime(slot: usize, time: i64): bool {
  if (load<u16>(slot, S_OPEN_COUNT) && time >= load<i64>(slot, S_FIRST_TIME)) {
    const count = decodeOpen<f64>(slot, SEAL_TIMES, SEAL_VALUES);
    if (searchTimes(SEAL_TIMES, SEAL_VALUES, count, time)) return true;
  }
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    const column = node + 16;
    if (time > load<i64>(node, 8) || time < load<i64>(column, 8)) continue;
    decodeTimes(column, SEAL_TIMES);
    decodeValues(column, SEAL_VALUES);
    if (searchTimes(SEAL_TIMES, SEAL_VALUES, load<u16>(column), time)) return true;
  }
  return false;
}

/** Counts a sample whose time is taken: the same value again is no news, another one loses to the first. */
function countDuplicate(same: bool): void {
  count64(same ? R_DUPLICATES : R_CONFLICTS);
}

/** Makes room in a full late buffer: a bigger one, or a column of it and an empty one. Returns the buffer. */
function growLate(slot: usize, late: usize): usize {
  const capacity = late ? load<u32>(late) : 0;
  const count = late ? load<u32>(late, 4) : 0;
  if (capacity >= LATE_CAPACITY_MAX) {
    for (let i: u32 = 0; i < count; i++) {
      store<i64>(SEAL_TIMES + (usize(i) << 3), load<i64>(late + 8 + (usize(i) << 4)));
      store<u64>(SEAL_VALUES + (usize(i) << 3), load<u64>(late + 16 + (usize(i) << 4)));
    }
    addColumn(slot, count);
    store<u32>(late, 0, 4);
    return late;
  }
  const bigger = capacity ? capacity * 2 + 1 : LATE_CAPACITY_FIRST;
  const buffer = alloc(8 + bigger * 16);
  store<u32>(buffer, bigger);
  store<u32>(buffer, count, 4);
  if (late) {
    memory.copy(buffer + 8, late + 8, usize(count) << 4);
    freeClass(late, classOf(8 + capacity * 16));
  }
  store<u32>(slot, u32(buffer), S_LATE);
  return buffer;
}

function appendLate(slot: usize, time: i64, bits: u64): void {
  if (time == load<i64>(slot, S_LAST_TIME)) {
    countDuplicate(bits == load<u64>(slot, S_LAST_BITS));
    return;
  }
  let late = usize(load<u32>(slot, S_LATE));
  let place: u32 = 0;
  if (late) {
    let high = load<u32>(late, 4);
    while (place < high) {
      const middle = (place + high) >> 1;
      if (load<i64>(late + 8 + (usize(middle) << 4)) < time) place = middle + 1;
      else high = middle;
    }
    if (place < load<u32>(late, 4) && load<i64>(late + 8 + (usize(place) << 4)) == time) {
      countDuplicate(load<u64>(late + 16 + (usize(place) << 4)) == bits);
      return;
    }
  }
  if (findTime(slot, time)) {
    countDuplicate(foundBits == bits);
    return;
  }
  if (!late || load<u32>(late, 4) == load<u32>(late)) {
    late = growLate(slot, late);
    if (!load<u32>(late, 4)) place = 0;
  }
  const count = load<u32>(late, 4);
  const at = late + 8 + (usize(place) << 4);
  memory.copy(at + 16, at, usize(count - place) << 4);
  store<i64>(at, time);
  store<u64>(at, bits, 8);
  store<u32>(late, count + 1, 4);
  store<u8>(slot, load<u8>(slot, S_FLAGS) | FLAG_LATE, S_FLAGS);
  if (time < load<i64>(ROOT + R_MIN_TIME)) store<i64>(ROOT + R_MIN_TIME, time);
  count64(R_OUT_OF_ORDER);
  count64(R_SAMPLES);
}
