// What is known of series from outside their samples - flags, counts, time bounds - made true again after samples left.
import {
  R_COMPANIONS,
  R_DEAD,
  R_EMPTY,
  R_MAX_TIME,
  R_MIN_TIME,
  R_SEGMENT_SERIES,
  R_SERIES_COUNT,
  ROOT,
  get32,
  set32,
} from './root';
import { freeLate } from './late';
import {
  FLAG_BLOBS,
  FLAG_CUT,
  FLAG_DEAD,
  FLAG_EMPTY,
  FLAG_LATE,
  FLAG_NAMED,
  N_BYTES,
  N_COLUMN,
  N_CUT,
  N_LATE,
  N_TIME,
  S_COLUMNS,
  S_FIRST_TIME,
  S_FLAGS,
  S_LABELS,
  S_LAST_TIME,
  S_LATE,
  S_OPEN_COUNT,
  slotOf,
} from './series';

/** Sets a series' flags by what it has, and frees a late buffer without samples. */
export function tidy(slot: usize): void {
  const late = usize(load<u32>(slot, S_LATE));
  if (late && !load<u32>(late, 4)) freeLate(slot);
  fillFlags(slot);
}

/** Sets a series' flags by what it has. */
export function fillFlags(slot: usize): void {
  let all: u32 = 0;
  for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) all |= load<u32>(node, N_BYTES);
  const before = load<u8>(slot, S_FLAGS);
  let flags = before & ~(FLAG_LATE | FLAG_CUT | FLAG_EMPTY);
  if (load<u32>(slot, S_LATE) || all & N_LATE) flags |= FLAG_LATE;
  if (all & N_CUT) flags |= FLAG_CUT;
  if (!load<u32>(slot, S_COLUMNS) && !load<u32>(slot, S_LATE) && !load<u16>(slot, S_OPEN_COUNT)) {
    flags = (flags | FLAG_EMPTY) & ~FLAG_BLOBS;
  }
  if ((flags & ~before) & FLAG_EMPTY) set32(R_EMPTY, get32(R_EMPTY) + 1);
  if ((before & ~flags) & FLAG_EMPTY) set32(R_EMPTY, get32(R_EMPTY) - 1);
  store<u8>(slot, flags, S_FLAGS);
}

function widen(minTime: i64, maxTime: i64): void {
  store<i64>(ROOT + R_MIN_TIME, min<i64>(load<i64>(ROOT + R_MIN_TIME), minTime));
  store<i64>(ROOT + R_MAX_TIME, max<i64>(load<i64>(ROOT + R_MAX_TIME), maxTime));
}

/** Finds the times of the oldest and the newest sample. */
export function updateBounds(): void {
  store<i64>(ROOT + R_MIN_TIME, i64.MAX_VALUE);
  store<i64>(ROOT + R_MAX_TIME, i64.MIN_VALUE);
  const count = get32(R_SERIES_COUNT);
  for (let series: u32 = 0; series < count; series++) {
    const slot = slotOf(series);
    if (load<u8>(slot, S_FLAGS) & FLAG_EMPTY) continue;
    if (load<u16>(slot, S_OPEN_COUNT)) widen(load<i64>(slot, S_FIRST_TIME), load<i64>(slot, S_LAST_TIME));
    for (let node = usize(load<u32>(slot, S_COLUMNS)); node; node = load<u32>(node)) {
      widen(load<i64>(node + N_COLUMN, 8), load<i64>(node, N_TIME));
    }
    const late = usize(load<u32>(slot, S_LATE));
    if (late) widen(load<i64>(late, 8), load<i64>(late + (usize(load<u32>(late, 4)) << 4) - 8));
  }
}

/** Marks the series that have no samples and no name in the log's segment. */
export function markDead(): void {
  const named = usize(get32(R_SEGMENT_SERIES));
  const end = named + (usize(get32(R_SEGMENT_SERIES + 8)) << 2);
  for (let at = named; at < end; at += 4) {
    const slot = usize(load<u32>(at));
    store<u8>(slot, load<u8>(slot, S_FLAGS) | FLAG_NAMED, S_FLAGS);
  }
  const count = get32(R_SERIES_COUNT);
  let dead: u32 = 0;
  let companions: u32 = 0;
  for (let series: u32 = 0; series < count; series++) {
    const slot = slotOf(series);
    const flags = load<u8>(slot, S_FLAGS);
    const isDead = (flags & (FLAG_EMPTY | FLAG_NAMED)) == FLAG_EMPTY;
    dead += u32(isDead);
    companions += u32(!isDead && !load<u32>(slot, S_LABELS));
    store<u8>(slot, (flags & ~(FLAG_NAMED | FLAG_DEAD)) | (isDead ? FLAG_DEAD : 0), S_FLAGS);
  }
  set32(R_DEAD, dead);
  set32(R_COMPANIONS, companions);
}
