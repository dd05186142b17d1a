// Sealing: samples become a column in front of their series' list (node.ts in series.ts). Works in the upper part of the scratch
// region, away from the batch that is being applied.
import { R_COLUMNS, ROOT, SCRATCH, SCRATCH_BYTES, alloc, classOf, count64, freeClass } from './root';
import { COLUMN_HEADER, COLUMN_SLACK, encodeColumn } from './column';
import { clearOpen, decodeOpen } from './open';
import {
  N_BYTES,
  N_COLUMN,
  N_FLAGS_MASK,
  N_LATE,
  N_TIME,
  S_COLUMNS,
  S_FIRST_BITS,
  S_FIRST_TIME,
  S_LAST_BITS,
  S_LAST_DIFFERENCE,
  S_LAST_TIME,
  S_OPEN_COUNT,
  S_OPEN_USED,
  S_RUN,
} from './series';
import { WINDOW_MS, windowOf } from './window';

/** Most samples of an open chunk, and so of a column of the head: the areas below hold them. */
export const OPEN_SAMPLES_MAX: u32 = 16000;
export const SEAL_SCRATCH: usize = SCRATCH + SCRATCH_BYTES - 1048576;
export const SEAL_TIMES: usize = SEAL_SCRATCH;
export const SEAL_VALUES: usize = SEAL_SCRATCH + 131072;
const SEAL_WORK: usize = SEAL_SCRATCH + 262144;
const SEAL_OUT: usize = SEAL_SCRATCH + 393216;

/** A node for the `bytes` of a column at SEAL_OUT, before `next`. */
function makeNode(next: u32, flags: u32, bytes: u32, lastTime: i64): usize {
  const node = alloc(u32(N_COLUMN) + bytes);
  store<u32>(node, next);
  store<u32>(node, bytes | flags, N_BYTES);
  store<i64>(node, lastTime, N_TIME);
  memory.copy(node + N_COLUMN, SEAL_OUT, bytes);
  count64(R_COLUMNS);
  return node;
}

/** A node with a column of the `count` samples over SEAL_TIMES and SEAL_VALUES. */
export function encodeNode(next: u32, flags: u32, count: u32): usize {
  const bytes = encodeColumn(SEAL_OUT, SEAL_TIMES, SEAL_VALUES, count, SEAL_WORK);
  return makeNode(next, flags, bytes, load<i64>(SEAL_TIMES + (usize(count - 1) << 3)));
}

/** Puts a column of the samples over SEAL_TIMES and SEAL_VALUES in front of the series' list. */
export function addColumn(slot: usize, flags: u32, count: u32): void {
  store<u32>(slot, u32(encodeNode(load<u32>(slot, S_COLUMNS), flags, count)), S_COLUMNS);
}

/** Gives a node's memory back; the caller has unlinked it. */
export function freeNode(node: usize): void {
  freeClass(node, classOf(u32(N_COLUMN) + (load<u32>(node, N_BYTES) & ~N_FLAGS_MASK)));
  store<u64>(ROOT + R_COLUMNS, load<u64>(ROOT + R_COLUMNS) - 1);
}

/** Whether the open chunk is its first sample and one run of the same value and difference: a constant, regular series. */
function isOneRun(slot: usize, count: u32): bool {
  return (
    count > 1 &&
    u32(load<u16>(slot, S_RUN)) + 2 == count &&
    !load<u16>(slot, S_OPEN_USED) &&
    load<u64>(slot, S_FIRST_BITS) == load<u64>(slot, S_LAST_BITS)
  );
}

/** The column of one run, as encodeColumn would write it, without the samples being spelled out. */
function encodeOneRun(slot: usize, count: u32): u32 {
  memory.fill(SEAL_OUT, 0, COLUMN_HEADER + 16 + COLUMN_SLACK);
  store<u16>(SEAL_OUT, u16(count));
  store<i64>(SEAL_OUT, load<i64>(slot, S_FIRST_TIME), 8);
  store<u32>(SEAL_OUT, 8, 16);
  store<u32>(SEAL_OUT, 8, 20);
  store<i64>(SEAL_OUT + COLUMN_HEADER, load<i64>(slot, S_LAST_DIFFERENCE));
  store<u64>(SEAL_OUT + COLUMN_HEADER, load<u64>(slot, S_LAST_BITS), 8);
  return COLUMN_HEADER + 16 + COLUMN_SLACK;
}

/** Turns the open chunk, if there is one, into a column. */
export function sealOpen(slot: usize): void {
  const count = u32(load<u16>(slot, S_OPEN_COUNT));
  if (!count) return;
  if (isOneRun(slot, count)) {
    const bytes = encodeOneRun(slot, count);
    const node = makeNode(load<u32>(slot, S_COLUMNS), 0, bytes, load<i64>(slot, S_LAST_TIME));
    store<u32>(slot, u32(node), S_COLUMNS);
  } else {
    decodeOpen<i64>(slot, SEAL_TIMES, SEAL_VALUES, i64.MIN_VALUE);
    addColumn(slot, 0, count);
  }
  clearOpen(slot);
}

/** Seals the first `count` samples of a late buffer, a column for each window that they touch. The buffer keeps them. */
export function sealLate(slot: usize, late: usize, count: u32): void {
  let windowEnd = i64.MIN_VALUE;
  let n: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = late + 8 + (usize(i) << 4);
    const time = load<i64>(at);
    if (time >= windowEnd) {
      if (n) addColumn(slot, N_LATE, n);
      n = 0;
      windowEnd = windowOf(time) + WINDOW_MS;
    }
    store<i64>(SEAL_TIMES + (usize(n) << 3), time);
    store<u64>(SEAL_VALUES + (usize(n) << 3), load<u64>(at, 8));
    n++;
  }
  if (n) addColumn(slot, N_LATE, n);
}
