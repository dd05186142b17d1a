// Late samples, which are not after their series' last one: a sorted buffer { u32 capacity, u32 count, (i64 time, bits)... }, sealed
// into columns when it is full. FLAG_LATE tells readers to merge.
//
// A sample whose time is taken is refused if it is taken by the last sample, in the buffer, in the open chunk or in the two newest
// columns. Further back nobody looks, since a walk over all columns per sample would cost the square of a backfill: such a sample is
// stored again, and readers give the first one of a time.
import {
  R_CONFLICTS,
  R_DUPLICATES,
  R_LATE_HELD,
  R_MAX_TIME,
  R_MIN_TIME,
  R_OUT_OF_ORDER,
  R_SAMPLES,
  ROOT,
  alloc,
  classOf,
  count64,
  freeClass,
} from './root';
import { sameValue } from './blob';
import { decodeTimes, decodeValues } from './column';
import { decodeOpen } from './open';
import { SEAL_TIMES, SEAL_VALUES, sealLate } from './seal';
import {
  FLAG_LATE,
  N_COLUMN,
  N_TIME,
  S_COLUMNS,
  S_FIRST_TIME,
  S_FLAGS,
  S_LAST_BITS,
  S_LAST_TIME,
  S_LATE,
  S_OPEN_COUNT,
} from './series';

const LATE_CAPACITY_FIRST: u32 = 15; // with its header just a size class: 8 + 15 * 16 -> 256
const LATE_CAPACITY_MAX: u32 = 255;
/** Newest columns in which a late sample's time is looked up. */
const LOOKUP_COLUMNS: u32 = 2;

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

/** Whether the series has a sample at `time` in its open chunk or newest columns; its value goes to foundBits. */
function findTime(slot: usize, time: i64): bool {
  if (load<u16>(slot, S_OPEN_COUNT) && time >= load<i64>(slot, S_FIRST_TIME)) {
    const count = decodeOpen<f64>(slot, SEAL_TIMES, SEAL_VALUES, time);
    if (searchTimes(SEAL_TIMES, SEAL_VALUES, count, time)) return true;
  }
  let node = usize(load<u32>(slot, S_COLUMNS));
  for (let i: u32 = 0; node && i < LOOKUP_COLUMNS; i++, node = load<u32>(node)) {
    const column = node + N_COLUMN;
    if (time > load<i64>(node, N_TIME) || time < load<i64>(column, 8)) continue;
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

export function freeLate(slot: usize): void {
  const late = usize(load<u32>(slot, S_LATE));
  if (late) freeClass(late, classOf(8 + load<u32>(late) * 16));
  store<u32>(slot, 0, S_LATE);
}

/** Makes room in a full late buffer: a bigger one, or columns of it and an empty one. Returns the buffer. */
function growLate(slot: usize, late: usize): usize {
  const capacity = late ? load<u32>(late) : 0;
  const count = late ? load<u32>(late, 4) : 0;
  if (capacity >= LATE_CAPACITY_MAX) {
    sealLate(slot, late, count);
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

/** Number of the first sample of a late buffer at or after `time`. */
export function latePlace(late: usize, time: i64): u32 {
  let place: u32 = 0;
  let high = load<u32>(late, 4);
  while (place < high) {
    const middle = (place + high) >> 1;
    if (load<i64>(late + 8 + (usize(middle) << 4)) < time) place = middle + 1;
    else high = middle;
  }
  return place;
}

/** Stores a late sample. Returns whether it did. */
export function appendLate(slot: usize, time: i64, bits: u64): bool {
  if (time == load<i64>(slot, S_LAST_TIME)) {
    countDuplicate(sameValue(bits, load<u64>(slot, S_LAST_BITS)));
    return false;
  }
  let late = usize(load<u32>(slot, S_LATE));
  let place: u32 = 0;
  if (late) {
    place = latePlace(late, time);
    if (place < load<u32>(late, 4) && load<i64>(late + 8 + (usize(place) << 4)) == time) {
      countDuplicate(sameValue(bits, load<u64>(late + 16 + (usize(place) << 4))));
      return false;
    }
  }
  if (findTime(slot, time)) {
    countDuplicate(sameValue(bits, foundBits));
    return false;
  }
  if (!late || load<u32>(late, 4) == load<u32>(late)) {
    late = growLate(slot, late);
    if (!load<u32>(late, 4)) place = 0;
  }
  insertLate(late, place, time, bits);
  store<u8>(slot, load<u8>(slot, S_FLAGS) | FLAG_LATE, S_FLAGS);
  if (time < load<i64>(ROOT + R_MIN_TIME)) store<i64>(ROOT + R_MIN_TIME, time);
  if (time > load<i64>(ROOT + R_MAX_TIME)) store<i64>(ROOT + R_MAX_TIME, time);
  count64(R_OUT_OF_ORDER);
  count64(R_LATE_HELD);
  count64(R_SAMPLES);
  return true;
}

function insertLate(late: usize, place: u32, time: i64, bits: u64): void {
  const count = load<u32>(late, 4);
  const at = late + 8 + (usize(place) << 4);
  memory.copy(at + 16, at, usize(count - place) << 4);
  store<i64>(at, time);
  store<u64>(at, bits, 8);
  store<u32>(late, count + 1, 4);
}
