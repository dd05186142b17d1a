// Active series of the tenants that have a limit of them: ids (which differ from tenant to tenant), whose they are, and
// when they were last defined in a log segment. Only definitions come here, so that samples of series that the segment
// knows cost nothing.
//
// Time is counted in epochs, which the host begins (activeNextEpoch). A log segment lasts at most two epochs, so a series
// that goes on is defined again at least every two; one that was not for EPOCHS_KEPT epochs is forgotten.
//
//   note of a series: u32 tenant number << 8 | epoch & 255

import { seriesAdd, seriesFind, seriesUndo, tableRebuild } from './dictionary';
import { Column, columnReserve } from './memory';
import { tenantHigh, tenantLow } from './request';
import { ID_TABLE_BYTES, IdTable } from './shard';

const NOT_COUNTED: u32 = 0xffffffff;
const TENANTS_MAX: u32 = 1 << 24;
const EPOCHS_KEPT: u32 = 3;

const table = changetype<IdTable>(memory.data(ID_TABLE_BYTES, 16));
const notes = changetype<Column>(memory.data(16, 16));
/** Tenants by the hash of their name, how many series each has, and where each moves in a sweep. */
const tenants = changetype<IdTable>(memory.data(ID_TABLE_BYTES, 16));
const counts = changetype<Column>(memory.data(16, 16));
const moves = changetype<Column>(memory.data(16, 16));

let epoch: u32 = 0;
/** Of the request: its tenant's limit, the tenant's number once it is known, and how many series there were. */
let seriesMax: u32 = NOT_COUNTED;
let tenant: i32 = -1;
let saved: u32 = 0;

@inline
function noteAt(series: u32): usize {
  return <usize>notes.address + (<usize>series << 2);
}

@inline
function countAt(number: u32): usize {
  return <usize>counts.address + (<usize>number << 2);
}

/** The limit of the requests that follow; 0xffffffff: there is none, and nothing is counted. */
export function setActiveSeriesMax(limit: u32): void {
  seriesMax = limit;
}

/** A request begins. */
export function activeBegin(): void {
  tenant = -1;
  saved = table.seriesCount;
  table.slotsMoved = 0;
}

/** Forgets the series that the request added. Those it only met stay as fresh as it made them. */
export function activeUndo(): void {
  const added = table.seriesCount - saved;
  if (added == 0) return;
  const count = countAt(tenant);
  store<u32>(count, load<u32>(count) - added);
  seriesUndo(table, saved);
  notes.length = saved << 2;
}

/** Finds the number of the request's tenant. False when memory is out. */
function findTenant(): bool {
  tenant = seriesFind(tenants, tenantLow, tenantHigh);
  if (tenant >= 0) return true;
  const count = columnReserve(counts, 4);
  if (count == 0 || tenants.seriesCount == TENANTS_MAX) return false;
  tenant = seriesAdd(tenants, tenantLow, tenantHigh);
  if (tenant < 0) return false;
  store<u32>(count, 0);
  counts.length += 4;
  return true;
}

/**
 * A segment is about to define a series: 1, or 0 if its tenant has as many as it may. `always`: 1 whatever the limit.
 * Negative: out of memory.
 */
export function activeAdmit(low: u64, high: u64, always: bool): i32 {
  if (seriesMax == NOT_COUNTED) return 1;
  const known = seriesFind(table, low, high);
  if (known >= 0) {
    store<u8>(noteAt(known), <u8>epoch);
    return 1;
  }
  if (tenant < 0 && !findTenant()) return -1;
  const count = countAt(tenant);
  if (!always && load<u32>(count) >= seriesMax) return 0;
  const note = columnReserve(notes, 4);
  if (note == 0 || seriesAdd(table, low, high) < 0) return -1;
  store<u32>(note, (<u32>tenant << 8) | epoch);
  notes.length += 4;
  store<u32>(count, load<u32>(count) + 1);
  return 1;
}

/** Active series of the tenant with this hash. */
export function activeOf(low: u64, high: u64): u32 {
  const number = seriesFind(tenants, low, high);
  return number < 0 ? 0 : load<u32>(countAt(number));
}

/** Begins the next epoch, and forgets series that were not met for long and tenants without series. Between requests. */
export function activeNextEpoch(): void {
  epoch = (epoch + 1) & 255;
  forgetSeries();
  forgetTenants();
  activeBegin();
}

@inline
function moveKey(from: IdTable, source: u32, target: u32): void {
  v128.store(<usize>from.keys + (<usize>target << 4), v128.load(<usize>from.keys + (<usize>source << 4)));
}

function forgetSeries(): void {
  const total = table.seriesCount;
  let kept: u32 = 0;
  for (let i: u32 = 0; i < total; i++) {
    const note = load<u32>(noteAt(i));
    if (((epoch - note) & 255) > EPOCHS_KEPT) {
      const count = countAt(note >> 8);
      store<u32>(count, load<u32>(count) - 1);
      continue;
    }
    if (kept != i) {
      moveKey(table, i, kept);
      store<u32>(noteAt(kept), note);
    }
    kept++;
  }
  if (kept == total) return;
  table.seriesCount = kept;
  table.expected = 0;
  notes.length = kept << 2;
  tableRebuild(table);
}

/** Numbers the tenants that have series anew. Without memory for that they stay as they are. */
function forgetTenants(): void {
  const total = tenants.seriesCount;
  moves.length = 0;
  const map = columnReserve(moves, <usize>total << 2);
  if (map == 0) return;
  let kept: u32 = 0;
  for (let i: u32 = 0; i < total; i++) {
    const count = load<u32>(countAt(i));
    if (count == 0) continue;
    store<u32>(map + (<usize>i << 2), kept);
    moveKey(tenants, i, kept);
    store<u32>(countAt(kept), count);
    kept++;
  }
  if (kept == total) return;
  tenants.seriesCount = kept;
  tenants.expected = 0;
  counts.length = kept << 2;
  tableRebuild(tenants);
  for (let i: u32 = 0; i < table.seriesCount; i++) {
    const at = noteAt(i);
    const note = load<u32>(at);
    store<u32>(at, (load<u32>(map + (<usize>(note >> 8) << 2)) << 8) | (note & 255));
  }
}
