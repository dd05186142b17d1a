// A cut: samples that leave the head for block files.
//
//   cutBegin   seals what lies before a time and flags those columns (N_CUT)
//     ...      batches go on: what they bring is in other columns; readers see both; the host writes files from readCut
//   cutDrop    frees the flagged columns, marks series that are dead, and sweeps when there are many
//   cutCancel  or forgets the flags
//
// Each is one step of the shard's state, at a place that the log decides; what is between them may happen at any time.
import { R_DEAD, R_GENERATION, R_LATE_HELD, R_SAMPLES_GONE, R_SERIES_COUNT, ROOT, get32, set32 } from './root';
import { freeBlobsOf, mayHaveBlobs } from './blob';
import { freeLate, latePlace } from './late';
import { SEAL_VALUES, freeNode, sealLate, sealOpen } from './seal';
import {
  FLAG_CUT,
  N_BYTES,
  N_COLUMN,
  N_CUT,
  N_LATE,
  N_TIME,
  S_COLUMNS,
  S_FIRST_TIME,
  S_FLAGS,
  S_LAST_TIME,
  S_LATE,
  S_OPEN_COUNT,
  slotOf,
} from './series';
import { isCompanion } from './starts';
import { sweep } from './sweep';
import { markDead, tidy, updateBounds } from './tidy';
import { windowOf } from './window';

/** A head is swept when at least one in so many series is dead: so each series pays for a few moves of others. */
const SWEEP_ONE_IN: u32 = 4;
const EXACT_MAX: f64 = 9007199254740992;

/** Seals the samples before endMs that are not in columns yet. */
function sealBefore(slot: usize, endMs: i64): void {
  const late = usize(load<u32>(slot, S_LATE));
  if (late) {
    const count = load<u32>(late, 4);
    const gone = latePlace(late, endMs);
    sealLate(slot, late, gone);
    if (gone == count) freeLate(slot);
    else {
      memory.copy(late + 8, late + 8 + (usize(gone) << 4), usize(count - gone) << 4);
      store<u32>(late, count - gone, 4);
    }
  }
  // A chunk lies in one window, so its first sample decides.
  if (load<u16>(slot, S_OPEN_COUNT) && load<i64>(slot, S_FIRST_TIME) < endMs) sealOpen(slot);
}

/** Flags a series' columns before endMs. Returns whether there are any. */
function flagBefore(slot: usize, endMs: i64): bool {
  let any = false;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    if (load<i64>(node, N_TIME) >= endMs) continue;
    store<u32>(node, load<u32>(node, N_BYTES) | N_CUT, N_BYTES);
    any = true;
  }
  if (any) store<u8>(slot, load<u8>(slot, S_FLAGS) | FLAG_CUT, S_FLAGS);
  return any;
}

/**
 * Begins a cut of all samples before the window of endMs (2^53: of all), and of all samples of series whose newest is before
 * idleBeforeMs. Returns the number of series that have samples in the cut.
 */
export function cutBegin(endTime: f64, idleBefore: f64): u32 {
  const endMs = endTime >= EXACT_MAX ? i64.MAX_VALUE : windowOf(i64(endTime));
  const idleBeforeMs = i64(idleBefore);
  const count = get32(R_SERIES_COUNT);
  let touched: u32 = 0;
  for (let series: u32 = 0; series < count; series++) {
    const slot = slotOf(series);
    const end = load<i64>(slot, S_LAST_TIME) < idleBeforeMs ? i64.MAX_VALUE : endMs;
    sealBefore(slot, end);
    flagBefore(slot, end);
    touched += u32((load<u8>(slot, S_FLAGS) & FLAG_CUT) != 0 && !isCompanion(slot));
  }
  return touched;
}

/** Whether a series has cut samples in [minMs, maxMs]. */
function hasCut(slot: usize, minMs: i64, maxMs: i64): bool {
  if (!(load<u8>(slot, S_FLAGS) & FLAG_CUT)) return false;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    if (!(load<u32>(node, N_BYTES) & N_CUT)) continue;
    if (load<i64>(node, N_TIME) >= minMs && load<i64>(node + N_COLUMN, 8) <= maxMs) return true;
  }
  return false;
}

/** Whether a series has cut columns that touch [minMs, maxMs]. */
export function hasCutIn(series: u32, minTime: f64, maxTime: f64): bool {
  return hasCut(slotOf(series), i64(minTime), i64(maxTime));
}

/** Lists series from number `from` on whose cut columns touch [minMs, maxMs], ascending, at most `limit`. Returns how many. */
export function cutList(from: u32, minTime: f64, maxTime: f64, out: usize, limit: u32): u32 {
  const minMs = i64(minTime);
  const maxMs = i64(maxTime);
  const seriesCount = get32(R_SERIES_COUNT);
  let count: u32 = 0;
  for (let series = from; series < seriesCount && count < limit; series++) {
    const slot = slotOf(series);
    if (!isCompanion(slot) && hasCut(slot, minMs, maxMs)) store<u32>(out + (usize(count++) << 2), series);
  }
  return count;
}

/** Puts a window among `count` descending ones at `out`. Returns their number. */
function putWindow(out: usize, count: u32, window: f64, limit: u32): u32 {
  let place: u32 = 0;
  let high = count;
  // Lists of columns are mostly descending as well: the last place is the likeliest.
  if (count && load<f64>(out + (usize(count - 1) << 3)) > window) place = count;
  while (place < high) {
    const middle = (place + high) >> 1;
    if (load<f64>(out + (usize(middle) << 3)) > window) place = middle + 1;
    else high = middle;
  }
  const at = out + (usize(place) << 3);
  if ((place < count && load<f64>(at) == window) || count == limit) return count;
  memory.copy(at + 8, at, usize(count - place) << 3);
  store<f64>(at, window);
  return count + 1;
}

/** Lists the windows (f64 ms where they begin, descending) in which there are cut columns, at most `limit`. Returns how many. */
export function cutWindows(out: usize, limit: u32): u32 {
  const seriesCount = get32(R_SERIES_COUNT);
  let count: u32 = 0;
  for (let series: u32 = 0; series < seriesCount; series++) {
    const slot = slotOf(series);
    if (load<u8>(slot, S_FLAGS) & FLAG_CUT) count = putWindows(slot, out, count, limit);
  }
  return count;
}

function putWindows(slot: usize, out: usize, before: u32, limit: u32): u32 {
  let count = before;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    if (load<u32>(node, N_BYTES) & N_CUT) count = putWindow(out, count, f64(windowOf(load<i64>(node, N_TIME))), limit);
  }
  return count;
}

/** The same of one series. */
export function cutWindowsOf(series: u32, out: usize, limit: u32): u32 {
  return putWindows(slotOf(series), out, 0, limit);
}

/** Unlinks a node of a series that `link` points to, and frees it; blobs are the caller's. */
export function dropNode(slot: usize, link: usize, node: usize): void {
  const samples = u64(load<u16>(node + N_COLUMN));
  if (!isCompanion(slot)) store<u64>(ROOT + R_SAMPLES_GONE, load<u64>(ROOT + R_SAMPLES_GONE) + samples);
  if (load<u32>(node, N_BYTES) & N_LATE) store<u64>(ROOT + R_LATE_HELD, load<u64>(ROOT + R_LATE_HELD) - samples);
  store<u32>(link, load<u32>(node));
  freeNode(node);
}

/** Ends a cut: its columns are freed. Returns the number of series that died: they have left, or leave with the next sweep. */
export function cutDrop(): u32 {
  const deadBefore = get32(R_DEAD);
  const count = get32(R_SERIES_COUNT);
  for (let series: u32 = 0; series < count; series++) {
    const slot = slotOf(series);
    if (!(load<u8>(slot, S_FLAGS) & FLAG_CUT)) continue;
    const hasBlobs = mayHaveBlobs(slot);
    let link = slot + S_COLUMNS;
    for (let node = usize(load<u32>(link)); node; node = usize(load<u32>(link))) {
      if (load<u32>(node, N_BYTES) & N_CUT) {
        if (hasBlobs) freeBlobsOf(slot, node, SEAL_VALUES);
        dropNode(slot, link, node);
      } else link = node;
    }
    tidy(slot);
  }
  updateBounds();
  markDead();
  set32(R_GENERATION, get32(R_GENERATION) + 1);
  const dead = get32(R_DEAD);
  if (dead && dead * SWEEP_ONE_IN >= count) sweep();
  return dead - deadBefore;
}

/** Forgets a cut: its columns stay, and the next one takes them. */
export function cutCancel(): void {
  const count = get32(R_SERIES_COUNT);
  for (let series: u32 = 0; series < count; series++) {
    const slot = slotOf(series);
    if (!(load<u8>(slot, S_FLAGS) & FLAG_CUT)) continue;
    for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
      store<u32>(node, load<u32>(node, N_BYTES) & ~N_CUT, N_BYTES);
    }
    store<u8>(slot, load<u8>(slot, S_FLAGS) & ~FLAG_CUT, S_FLAGS);
  }
}
