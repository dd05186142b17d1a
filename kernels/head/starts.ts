// Start times of samples: when the counter behind a value began. The start times of a series are the values of a companion, a series
// like any other: its samples have the same times, and as values the milliseconds of the start, 0 where there is none. So start
// times are packed, sealed, cut and merged like values, and one that stays the same costs nothing.
//
//   series, FLAG_STARTS ──► id with START_ID ──► companion, without labels: no index knows it
//
// A companion begins with the first start time of its series, with a zero for each sample that is there, and in columns like the
// series': from then on both have samples at the same times, and lose them at the same steps. What the series refuses as a
// duplicate the companion never sees, so that value and start time of a sample stay together.
import {
  R_COMPANIONS,
  R_CONFLICTS,
  R_DUPLICATES,
  R_LATE_HELD,
  R_OUT_OF_ORDER,
  R_SAMPLES,
  ROOT,
  alloc,
  get32,
  set32,
} from './root';
import { appendValue } from './append';
import { dropNewBlob } from './blob';
import { decodeTimes } from './column';
import { decodeOpen } from './open';
import { SEAL_TIMES, SEAL_VALUES, addColumn, encodeNode } from './seal';
import {
  FLAG_BLOBS,
  FLAG_STARTS,
  N_BYTES,
  N_COLUMN,
  N_FLAGS_MASK,
  N_LATE,
  NO_SERIES,
  S_COLUMNS,
  S_FLAGS,
  S_LABELS,
  S_LAST_TIME,
  S_LATE,
  S_OPEN_COUNT,
  createSeries,
  findSeries,
  slotOf,
} from './series';
import { fillFlags } from './tidy';

/** What a companion's id differs in: "start-ms". */
const START_ID: u64 = 0x736d2d7472617473;

/** Whether a slot is a companion's. */
// @ts-ignore: decorator
@inline
export function isCompanion(slot: usize): bool {
  return !load<u32>(slot, S_LABELS);
}

/** The companion of a series, NO_SERIES if it has none. */
export function companionOf(slot: usize): u32 {
  if (!(load<u8>(slot, S_FLAGS) & FLAG_STARTS)) return NO_SERIES;
  return findSeries(load<u64>(slot), load<u64>(slot, 8) ^ START_ID);
}

/** Number of the series that has the start times of another; NO_SERIES if there are none. */
export function startsOf(series: u32): u32 {
  return companionOf(slotOf(series));
}

function countLate(samples: u32): void {
  store<u64>(ROOT + R_LATE_HELD, load<u64>(ROOT + R_LATE_HELD) + samples);
}

function zeros(count: u32): void {
  memory.fill(SEAL_VALUES, 0, usize(count) << 3);
}

/** Gives an empty companion a column of zeros for each column of its series. */
function fillColumns(slot: usize, companion: usize): void {
  let link = companion + S_COLUMNS;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
    const count = u32(load<u16>(node + N_COLUMN));
    decodeTimes(node + N_COLUMN, SEAL_TIMES);
    for (let at = SEAL_TIMES, end = SEAL_TIMES + (usize(count) << 3); at < end; at += 8) {
      store<i64>(at, i64(load<f64>(at)));
    }
    zeros(count);
    const flags = load<u32>(node, N_BYTES) & N_FLAGS_MASK;
    if (flags & N_LATE) countLate(count);
    const copy = encodeNode(0, flags, count);
    store<u32>(link, u32(copy));
    link = copy;
  }
}

function fillLate(slot: usize, companion: usize): void {
  const late = usize(load<u32>(slot, S_LATE));
  if (!late) return;
  const bytes = 8 + load<u32>(late) * 16;
  const copy = alloc(bytes);
  memory.copy(copy, late, bytes);
  const count = load<u32>(late, 4);
  countLate(count);
  for (let i: u32 = 0; i < count; i++) store<u64>(copy + 16 + (usize(i) << 4), 0);
  store<u32>(companion, u32(copy), S_LATE);
}

/** A companion with a zero for each sample of its series; NO_SERIES when the directory is full. */
function createCompanion(slot: usize): u32 {
  const series = createSeries(load<u64>(slot), load<u64>(slot, 8) ^ START_ID);
  if (series == NO_SERIES) return series;
  const companion = slotOf(series);
  set32(R_COMPANIONS, get32(R_COMPANIONS) + 1);
  store<u8>(slot, load<u8>(slot, S_FLAGS) | FLAG_STARTS, S_FLAGS);
  store<i64>(companion, load<i64>(slot, S_LAST_TIME), S_LAST_TIME);
  fillColumns(slot, companion);
  if (load<u16>(slot, S_OPEN_COUNT)) {
    const count = decodeOpen<i64>(slot, SEAL_TIMES, SEAL_VALUES, i64.MIN_VALUE);
    zeros(count);
    addColumn(companion, 0, count);
  }
  fillLate(slot, companion);
  fillFlags(companion);
  return series;
}

/** Appends the start time of a sample that its series has just taken. Counters count samples, not their start times. */
function appendStart(companion: usize, time: i64, start: i64): void {
  const samples = load<u64>(ROOT + R_SAMPLES);
  const duplicates = load<u64>(ROOT + R_DUPLICATES);
  const conflicts = load<u64>(ROOT + R_CONFLICTS);
  const outOfOrder = load<u64>(ROOT + R_OUT_OF_ORDER);
  appendValue(companion, time, reinterpret<u64>(f64(start)));
  store<u64>(ROOT + R_SAMPLES, samples);
  store<u64>(ROOT + R_DUPLICATES, duplicates);
  store<u64>(ROOT + R_CONFLICTS, conflicts);
  store<u64>(ROOT + R_OUT_OF_ORDER, outOfOrder);
}

/** The series has start times, and this sample has none. */
function appendNoStart(slot: usize, time: i64): void {
  const series = companionOf(slot);
  if (series != NO_SERIES) appendStart(slotOf(series), time, 0);
  // It lost all its samples, and left with a sweep.
  else store<u8>(slot, load<u8>(slot, S_FLAGS) & ~FLAG_STARTS, S_FLAGS);
}

/** Appends a sample without a start time. Returns whether it was stored: its time may be taken. */
export function appendSample(slot: usize, time: i64, bits: u64): bool {
  const isStored = appendValue(slot, time, bits);
  if (isStored && load<u8>(slot, S_FLAGS) & FLAG_STARTS) appendNoStart(slot, time);
  return isStored;
}

/** Appends a sample whose value is a new blob. */
export function appendBlob(slot: usize, time: i64, bits: u64): void {
  if (appendSample(slot, time, bits)) store<u8>(slot, load<u8>(slot, S_FLAGS) | FLAG_BLOBS, S_FLAGS);
  else dropNewBlob(bits);
}

/** Appends a sample with a start time; `isBlob`: its value is a new blob. False when the directory is full. */
export function appendStarted(slot: usize, time: i64, start: i64, bits: u64, isBlob: bool): bool {
  let series = companionOf(slot);
  if (series == NO_SERIES) series = createCompanion(slot);
  if (series == NO_SERIES) return false;
  if (appendValue(slot, time, bits)) {
    if (isBlob) store<u8>(slot, load<u8>(slot, S_FLAGS) | FLAG_BLOBS, S_FLAGS);
    appendStart(slotOf(series), time, start);
  } else if (isBlob) dropNewBlob(bits);
  return true;
}
