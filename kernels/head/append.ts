// The open chunk of a series, appended to byte-wise, and what happens to samples that come late.
//
//   ┌──────────────┬──────────────┬──────────────────────────────────────────────┐
//   │ first time   │ first value  │ steps ...                                     │
//   │ i64 ms       │ raw bits     │                                               │
//   └──────────────┴──────────────┴──────────────────────────────────────────────┘
//
// step 00nnnnnn            n+1 samples (1..64), each after the same difference of times and with the same value: one byte
//      01tvvvvv            one sample; t: a varint follows with the zigzag change of the time difference
//                          v 0: same value; v 1..8: zigzag difference of integers in v bytes; v 9: an XOR step (column.ts)
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
  allocClass,
  classBytes,
  classOf,
  count64,
  freeClass,
} from './root';
import { unzigzag, zigzag } from './bits';
import {
  decodeTimes,
  decodeValues,
  encodeColumn,
  getXor,
  putXor,
} from './column';
import {
  FLAG_LATE,
  FLAG_RUN,
  S_COLUMNS,
  S_FLAGS,
  S_LAST_BITS,
  S_LAST_DIFFERENCE,
  S_LAST_TIME,
  S_LATE,
  S_OPEN,
  S_OPEN_CLASS,
  S_OPEN_COUNT,
  S_OPEN_USED,
} from './series';

/** Tuned with bench/head.ts: longer chunks compress better, shorter ones decode faster when only the end is wanted. */
export const SAMPLES_PER_COLUMN: u32 = 240;
const OPEN_HEADER: u32 = 16;
/** The longest step: head byte, varint of 10 bytes, XOR step of 9. */
const STEP_BYTES_MAX: u32 = 20;
/** Sealing works in the upper part of the scratch region, away from the batch that is being applied. */
export const SEAL_SCRATCH: usize = SCRATCH + SCRATCH_BYTES - 1048576;
const SEAL_TIMES: usize = SEAL_SCRATCH;
const SEAL_VALUES: usize = SEAL_SCRATCH + 131072;
const SEAL_WORK: usize = SEAL_SCRATCH + 262144;
const SEAL_OUT: usize = SEAL_SCRATCH + 393216;

const LATE_CAPACITY_FIRST: u32 = 15; // with its header just a size class: 8 + 15 * 16 -> 256
const LATE_CAPACITY_MAX: u32 = 255;

// @ts-ignore: decorator
@inline
function exactInteger(value: f64): bool {
  return abs<f64>(value) < 9007199254740992 && reinterpret<u64>(f64(i64(value))) == reinterpret<u64>(value);
}

/** Whether `bits` is a number in the range where i64 conversion is defined. */
function integerDifference(bits: u64, previous: u64): i64 {
  const value = reinterpret<f64>(bits);
  const before = reinterpret<f64>(previous);
  if (!(abs<f64>(value) < 9007199254740992) || !(abs<f64>(before) < 9007199254740992)) return i64.MIN_VALUE;
  if (!exactInteger(value) || !exactInteger(before)) return i64.MIN_VALUE;
  return i64(value) - i64(before);
}

function growOpen(slot: usize, used: u32): usize {
  const sizeClass = u32(load<u8>(slot, S_OPEN_CLASS));
  const open = usize(load<u32>(slot, S_OPEN));
  const bigger = allocClass(sizeClass + 1);
  memory.copy(bigger, open, used);
  freeClass(open, sizeClass);
  store<u32>(slot, u32(bigger), S_OPEN);
  store<u8>(slot, u8(sizeClass + 1), S_OPEN_CLASS);
  return bigger;
}

function openChunk(slot: usize, time: i64, bits: u64): void {
  const open = allocClass(1);
  store<i64>(open, time);
  store<u64>(open, bits, 8);
  store<u32>(slot, u32(open), S_OPEN);
  store<u16>(slot, u16(OPEN_HEADER), S_OPEN_USED);
  store<u16>(slot, 1, S_OPEN_COUNT);
  store<u8>(slot, 1, S_OPEN_CLASS);
  store<u8>(slot, load<u8>(slot, S_FLAGS) & ~FLAG_RUN, S_FLAGS);
  store<i64>(slot, 0, S_LAST_DIFFERENCE);
  store<i64>(slot, time, S_LAST_TIME);
  store<u64>(slot, bits, S_LAST_BITS);
}

/** Writes a step that is not a pure repetition to scratch memory; returns its length. */
function encodeStep(out: usize, change: i64, bits: u64, previous: u64): u32 {
  let at = out + 1;
  let head: u32 = 0x40;
  if (change) {
    head |= 0x20;
    let rest = zigzag(change);
    while (rest >= 128) {
      store<u8>(at++, u8(rest | 128));
      rest >>= 7;
    }
    store<u8>(at++, u8(rest));
  }
  if (bits != previous) {
    const difference = integerDifference(bits, previous);
    if (difference != i64.MIN_VALUE) {
      const packed = zigzag(difference);
      const bytes = (71 - u32(clz<u64>(packed | 1))) >> 3;
      store<u64>(at, packed);
      at += bytes;
      head |= bytes;
    } else {
      head |= 9;
      at = putXor(at, previous, bits);
    }
  }
  store<u8>(out, u8(head));
  return u32(at - out);
}

function appendStep(slot: usize, change: i64, bits: u64, previous: u64): void {
  const length = encodeStep(SEAL_SCRATCH, change, bits, previous);
  let open = usize(load<u32>(slot, S_OPEN));
  const used = u32(load<u16>(slot, S_OPEN_USED));
  while (used + length > classBytes(load<u8>(slot, S_OPEN_CLASS))) open = growOpen(slot, used);
  memory.copy(open + used, SEAL_SCRATCH, length);
  store<u16>(slot, u16(used + length), S_OPEN_USED);
  store<u8>(slot, load<u8>(slot, S_FLAGS) & ~FLAG_RUN, S_FLAGS);
}

/** The sample repeats value and difference: lengthens the run, or begins one. */
function appendRepeat(slot: usize): void {
  const used = u32(load<u16>(slot, S_OPEN_USED));
  let open = usize(load<u32>(slot, S_OPEN));
  const flags = load<u8>(slot, S_FLAGS);
  if (flags & FLAG_RUN) {
    const last = open + used - 1;
    const run = load<u8>(last);
    if (run < 63) {
      store<u8>(last, run + 1);
      return;
    }
  }
  while (used + 1 > classBytes(load<u8>(slot, S_OPEN_CLASS))) open = growOpen(slot, used);
  store<u8>(open + used, 0);
  store<u16>(slot, u16(used + 1), S_OPEN_USED);
  store<u8>(slot, flags | FLAG_RUN, S_FLAGS);
}

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
  if (!load<u32>(slot, S_OPEN)) {
    openChunk(slot, time, bits);
    return;
  }
  const difference = time - last;
  const change = difference - load<i64>(slot, S_LAST_DIFFERENCE);
  const previous = load<u64>(slot, S_LAST_BITS);
  if (change == 0 && bits == previous) appendRepeat(slot);
  else appendStep(slot, change, bits, previous);
  store<i64>(slot, difference, S_LAST_DIFFERENCE);
  store<i64>(slot, time, S_LAST_TIME);
  store<u64>(slot, bits, S_LAST_BITS);
  const count = load<u16>(slot, S_OPEN_COUNT) + 1;
  store<u16>(slot, count, S_OPEN_COUNT);
  if (count >= u16(SAMPLES_PER_COLUMN)) sealOpen(slot);
}

/** Decodes an open chunk: times as i64 (or f64 with `asFloat`), values as raw bits. Returns the number of samples. */
export function decodeOpen(slot: usize, times: usize, values: usize, asFloat: bool): u32 {
  const open = usize(load<u32>(slot, S_OPEN));
  if (!open) return 0;
  const end = open + load<u16>(slot, S_OPEN_USED);
  let time = load<i64>(open);
  let bits = load<u64>(open, 8);
  let difference: i64 = 0;
  let count: u32 = 0;
  let at = open + OPEN_HEADER;
  let run: u32 = 1;
  while (true) {
    for (; run; run--) {
      const place = usize(count++) << 3;
      if (asFloat) store<f64>(times + place, f64(time));
      else store<i64>(times + place, time);
      store<u64>(values + place, bits);
      time += difference;
    }
    if (at >= end) break;
    time -= difference; // back to the last sample's
    const head = u32(load<u8>(at++));
    if (head < 0x40) {
      run = head + 1;
      time += difference;
      continue;
    }
    if (head & 0x20) {
      let rest: u64 = 0;
      let shift: u64 = 0;
      let byte: u64 = 0;
      do {
        byte = load<u8>(at++);
        rest |= (byte & 127) << shift;
        shift += 7;
      } while (byte >= 128);
      difference += unzigzag(rest);
    }
    time += difference;
    const kind = head & 31;
    if (kind == 9) {
      bits ^= getXor(at);
      at += 1 + (load<u8>(at) & 15);
    } else if (kind) {
      const packed = kind == 8 ? load<u64>(at) : load<u64>(at) & ((u64(1) << (u64(kind) << 3)) - 1);
      at += kind;
      bits = reinterpret<u64>(f64(i64(reinterpret<f64>(bits)) + unzigzag(packed)));
    }
    run = 1;
  }
  return count;
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
  const count = decodeOpen(slot, SEAL_TIMES, SEAL_VALUES, false);
  if (!count) return;
  addColumn(slot, count);
  freeClass(load<u32>(slot, S_OPEN), load<u8>(slot, S_OPEN_CLASS));
  store<u32>(slot, 0, S_OPEN);
  store<u16>(slot, 0, S_OPEN_USED);
  store<u16>(slot, 0, S_OPEN_COUNT);
  store<u8>(slot, load<u8>(slot, S_FLAGS) & ~FLAG_RUN, S_FLAGS);
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
  const open = usize(load<u32>(slot, S_OPEN));
  if (open && time >= load<i64>(open)) {
    const count = decodeOpen(slot, SEAL_TIMES, SEAL_VALUES, true);
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
