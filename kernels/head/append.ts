// Appending a sample: to the open chunk (open.ts), or among the late ones (late.ts).
//
// A chunk lies in one window. Within it, it is sealed into a column when it has both samples and bytes enough to pay for one: a series
// that does not change costs no bytes, and has one column per window.
import { R_COMPANIONS, R_DEAD, R_EMPTY, R_MAX_TIME, R_MIN_TIME, R_SAMPLES, ROOT, count64, get32, set32 } from './root';
import { appendLate } from './late';
import { appendStep, openChunk } from './open';
import { OPEN_SAMPLES_MAX, sealOpen } from './seal';
import {
  FLAG_DEAD,
  FLAG_EMPTY,
  FLAG_SEALED,
  S_FLAGS,
  S_LABELS,
  S_LAST_BITS,
  S_LAST_DIFFERENCE,
  S_LAST_TIME,
  S_OPEN_COUNT,
  S_OPEN_USED,
  S_RUN,
} from './series';
import { WINDOW_MS, windowOf } from './window';

/** Tuned with bench/head.ts: longer chunks compress better, shorter ones decode faster when only the end is wanted. */
export const SAMPLES_PER_COLUMN: u32 = 240;
const FIRST_COLUMN_MIN: u32 = 112;
/** With so many bytes a chunk is sealed as soon as it has this many samples: as a column most of such values take a third. */
const OPEN_BYTES_MAX: u32 = 336;
const COLUMN_MIN: u32 = 32;
/** Less than this a chunk of many samples stays open: its column, with head and node, would be no smaller. */
const OPEN_BYTES_MIN: u32 = 144;

// The window that samples came for last: only saves divisions, and so is no state.
let windowFrom: i64 = 0;
let windowTo: i64 = 0;

/** Appends a time and a value to a series, wherever in time they belong. Returns whether it did: the time may be taken. */
export function appendValue(slot: usize, time: i64, bits: u64): bool {
  const last = load<i64>(slot, S_LAST_TIME);
  if (time <= last) {
    const isStored = appendLate(slot, time, bits);
    if (isStored) leaveEmpty(slot);
    return isStored;
  }
  if (time > load<i64>(ROOT + R_MAX_TIME)) store<i64>(ROOT + R_MAX_TIME, time);
  if (time < load<i64>(ROOT + R_MIN_TIME)) store<i64>(ROOT + R_MIN_TIME, time);
  count64(R_SAMPLES);
  if (last < windowFrom || time >= windowTo) enterWindow(slot, last, time);
  if (!load<u16>(slot, S_OPEN_COUNT)) {
    leaveEmpty(slot);
    openChunk(slot, time, bits);
    return true;
  }
  const difference = time - last;
  const change = difference - load<i64>(slot, S_LAST_DIFFERENCE);
  const previous = load<u64>(slot, S_LAST_BITS);
  store<i64>(slot, time, S_LAST_TIME);
  // A repetition touches the slot's first half alone.
  if (change == 0 && bits == previous) store<u16>(slot, load<u16>(slot, S_RUN) + 1, S_RUN);
  else {
    appendStep(slot, change, bits, previous);
    store<i64>(slot, difference, S_LAST_DIFFERENCE);
    store<u64>(slot, bits, S_LAST_BITS);
  }
  const count = u32(load<u16>(slot, S_OPEN_COUNT)) + 1;
  store<u16>(slot, u16(count), S_OPEN_COUNT);
  if (count >= COLUMN_MIN && isFull(slot, count)) {
    sealOpen(slot);
    store<u8>(slot, load<u8>(slot, S_FLAGS) | FLAG_SEALED, S_FLAGS);
  }
  return true;
}

/** The sample after `last` is at `time`: where a window lies between them, the open chunk is sealed. */
function enterWindow(slot: usize, last: i64, time: i64): void {
  windowFrom = windowOf(time);
  windowTo = windowFrom + WINDOW_MS;
  if (last >= windowFrom) return;
  sealOpen(slot);
  store<u8>(slot, load<u8>(slot, S_FLAGS) & ~FLAG_SEALED, S_FLAGS);
}

/** A window's first column is shorter by the series' id, so that series which began together are not sealed all at once. */
function isFull(slot: usize, count: u32): bool {
  const used = u32(load<u16>(slot, S_OPEN_USED));
  if (used < OPEN_BYTES_MIN) return count >= OPEN_SAMPLES_MAX;
  const isFirst = !(load<u8>(slot, S_FLAGS) & FLAG_SEALED);
  const part = u32(load<u64>(slot) >> 32) & 127;
  if (used >= (isFirst ? OPEN_BYTES_MAX - part : OPEN_BYTES_MAX)) return true;
  return count >= (isFirst ? FIRST_COLUMN_MIN + part : SAMPLES_PER_COLUMN);
}

/** The series has samples from now on. */
function leaveEmpty(slot: usize): void {
  const flags = load<u8>(slot, S_FLAGS);
  if (!(flags & FLAG_EMPTY)) return;
  set32(R_EMPTY, get32(R_EMPTY) - 1);
  if (flags & FLAG_DEAD) {
    set32(R_DEAD, get32(R_DEAD) - 1);
    if (!load<u32>(slot, S_LABELS)) set32(R_COMPANIONS, get32(R_COMPANIONS) + 1);
  }
  store<u8>(slot, flags & ~(FLAG_EMPTY | FLAG_DEAD), S_FLAGS);
}
