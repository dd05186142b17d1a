// Deleting samples of a range of time from series: their columns are encoded anew without them.
import { R_GENERATION, R_LATE_HELD, R_SAMPLES_GONE, ROOT, get32, set32 } from './root';
import { freeBlob, mayHaveBlobs } from './blob';
import { decodeTimes, decodeValues } from './column';
import { dropNode } from './cut';
import { latePlace } from './late';
import { clearOpen, decodeOpen } from './open';
import { SEAL_TIMES, SEAL_VALUES, addColumn, encodeNode, freeNode } from './seal';
import {
  N_BYTES,
  N_COLUMN,
  N_FLAGS_MASK,
  N_LATE,
  N_TIME,
  NO_SERIES,
  S_COLUMNS,
  S_FIRST_TIME,
  S_LAST_BITS,
  S_LAST_TIME,
  S_LATE,
  S_OPEN_COUNT,
  slotOf,
} from './series';
import { companionOf, isCompanion } from './starts';
import { tidy, updateBounds } from './tidy';

/** Keeps of the samples over SEAL_TIMES and SEAL_VALUES those outside [minMs, maxMs]; blobs of the others are freed. Returns how many. */
function keepOutside(slot: usize, count: u32, minMs: i64, maxMs: i64): u32 {
  let kept: u32 = 0;
  const hasBlobs = mayHaveBlobs(slot);
  for (let i: u32 = 0; i < count; i++) {
    const time = load<i64>(SEAL_TIMES + (usize(i) << 3));
    if (time >= minMs && time <= maxMs) {
      if (hasBlobs) freeBlob(slot, load<u64>(SEAL_VALUES + (usize(i) << 3)));
      continue;
    }
    store<i64>(SEAL_TIMES + (usize(kept) << 3), time);
    store<u64>(SEAL_VALUES + (usize(kept) << 3), load<u64>(SEAL_VALUES + (usize(i) << 3)));
    kept++;
  }
  return kept;
}

function countGone(slot: usize, samples: u32, isLate: bool): void {
  if (!isCompanion(slot)) store<u64>(ROOT + R_SAMPLES_GONE, load<u64>(ROOT + R_SAMPLES_GONE) + samples);
  if (isLate) store<u64>(ROOT + R_LATE_HELD, load<u64>(ROOT + R_LATE_HELD) - samples);
}

/** Rewrites the node that `link` points to without the range. Returns the link to the next one. */
function deleteFromNode(slot: usize, link: usize, node: usize, minMs: i64, maxMs: i64): usize {
  const column = node + N_COLUMN;
  if (load<i64>(node, N_TIME) < minMs || load<i64>(column, 8) > maxMs) return node;
  const count = u32(load<u16>(column));
  decodeTimes(column, SEAL_TIMES);
  decodeValues(column, SEAL_VALUES);
  for (let at = SEAL_TIMES, end = SEAL_TIMES + (usize(count) << 3); at < end; at += 8) {
    store<i64>(at, i64(load<f64>(at)));
  }
  const kept = keepOutside(slot, count, minMs, maxMs);
  if (!kept) {
    dropNode(slot, link, node);
    return link;
  }
  if (kept == count) return node;
  const flags = load<u32>(node, N_BYTES) & N_FLAGS_MASK;
  const rest = encodeNode(load<u32>(node), flags, kept);
  store<u32>(link, u32(rest));
  freeNode(node);
  countGone(slot, count - kept, (flags & N_LATE) != 0);
  return rest;
}

function deleteFromOpen(slot: usize, minMs: i64, maxMs: i64): void {
  if (!load<u16>(slot, S_OPEN_COUNT)) return;
  if (load<i64>(slot, S_FIRST_TIME) > maxMs || load<i64>(slot, S_LAST_TIME) < minMs) return;
  const count = decodeOpen<i64>(slot, SEAL_TIMES, SEAL_VALUES, i64.MIN_VALUE);
  const kept = keepOutside(slot, count, minMs, maxMs);
  if (kept == count) return;
  if (kept) addColumn(slot, 0, kept);
  clearOpen(slot);
  countGone(slot, count - kept, false);
}

function deleteFromLate(slot: usize, minMs: i64, maxMs: i64): void {
  const late = usize(load<u32>(slot, S_LATE));
  if (!late) return;
  const count = load<u32>(late, 4);
  const from = latePlace(late, minMs);
  const to = latePlace(late, maxMs + 1);
  if (mayHaveBlobs(slot)) {
    for (let i = from; i < to; i++) freeBlob(slot, load<u64>(late + 16 + (usize(i) << 4)));
  }
  memory.copy(late + 8 + (usize(from) << 4), late + 8 + (usize(to) << 4), usize(count - to) << 4);
  store<u32>(late, count - (to - from), 4);
  countGone(slot, to - from, true);
}

/** Sets the last time and value to those of the newest sample that the series has: it has no open chunk. */
function findLast(slot: usize): void {
  let last = i64.MIN_VALUE;
  let newest: usize = 0;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    // The oldest column of those that end at the same time has the sample that counts.
    if (load<i64>(node, N_TIME) < last) continue;
    last = load<i64>(node, N_TIME);
    newest = node;
  }
  const late = usize(load<u32>(slot, S_LATE));
  const count = late ? load<u32>(late, 4) : 0;
  const lateLast = late + (usize(count) << 4) - 8;
  if (count && load<i64>(lateLast) > last) {
    store<i64>(slot, load<i64>(lateLast), S_LAST_TIME);
    store<u64>(slot, load<u64>(lateLast, 8), S_LAST_BITS);
    return;
  }
  store<i64>(slot, last, S_LAST_TIME);
  if (!newest) return;
  decodeValues(newest + N_COLUMN, SEAL_VALUES);
  store<u64>(slot, load<u64>(SEAL_VALUES + (usize(load<u16>(newest + N_COLUMN) - 1) << 3)), S_LAST_BITS);
}

function deleteFrom(slot: usize, minMs: i64, maxMs: i64): void {
  let link = slot + S_COLUMNS;
  for (let node = usize(load<u32>(link)); node; node = usize(load<u32>(link))) {
    link = deleteFromNode(slot, link, node, minMs, maxMs);
  }
  deleteFromOpen(slot, minMs, maxMs);
  deleteFromLate(slot, minMs, maxMs);
  const last = load<i64>(slot, S_LAST_TIME);
  if (last >= minMs && last <= maxMs) findLast(slot);
  tidy(slot);
}

/** Deletes the samples in [minMs, maxMs] of `count` series, whose numbers are at `list`. Returns how many samples there were. */
export function deleteRange(list: usize, count: u32, minTime: f64, maxTime: f64): f64 {
  const before = load<u64>(ROOT + R_SAMPLES_GONE);
  for (let i: u32 = 0; i < count; i++) {
    const slot = slotOf(load<u32>(list + (usize(i) << 2)));
    deleteFrom(slot, i64(minTime), i64(maxTime));
    const companion = companionOf(slot);
    if (companion != NO_SERIES) deleteFrom(slotOf(companion), i64(minTime), i64(maxTime));
  }
  updateBounds();
  set32(R_GENERATION, get32(R_GENERATION) + 1);
  return f64(load<u64>(ROOT + R_SAMPLES_GONE) - before);
}
