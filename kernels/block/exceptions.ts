// Values that no integer stands for, in runs: a varint of runs, then of each
//
//   ┌──────────────────────────────┬────────────────────┬──────┬─────────────────────┐
//   │ values since the run before, │ length - 1, varint │ kind │ [the bits: 8 bytes] │
//   │ varint                       │                    │ u8   │ kind 0              │
//   └──────────────────────────────┴────────────────────┴──────┴─────────────────────┘
import { getVarint, putVarint, varint } from './bits';

const GIVEN: u32 = 0;
const KINDS: u32 = 7;

/** The bits of a kind: the stale marker, Go's and IEEE's NaN, -0 and the infinities. */
function bitsOf(kind: u32): u64 {
  if (kind == 1) return 0x7ff0000000000002;
  if (kind == 2) return 0x7ff8000000000001;
  if (kind == 3) return 0x7ff8000000000000;
  if (kind == 4) return 0x8000000000000000;
  return kind == 5 ? 0x7ff0000000000000 : 0xfff0000000000000;
}

/** Appends a run; `at` is where the runs go, their number is written by the caller. */
export function putRun(at: usize, gap: u32, length: u32, bits: u64): usize {
  at = putVarint(putVarint(at, gap), length - 1);
  for (let kind = GIVEN + 1; kind < KINDS; kind++) {
    if (bitsOf(kind) != bits) continue;
    store<u8>(at, u8(kind));
    return at + 1;
  }
  store<u8>(at, u8(GIVEN));
  store<u64>(at, bits, 1);
  return at + 9;
}

/** Passes over the runs; returns the address after them, or 0. */
export function skipRuns(at: usize, end: usize, count: u32): usize {
  return walkRuns(at, end, 0, count);
}

/** Writes the exceptions into `count` raw values; returns the address after the runs, or 0. */
export function patchRuns(at: usize, end: usize, values: usize, count: u32): usize {
  return walkRuns(at, end, values, count);
}

function walkRuns(at: usize, end: usize, values: usize, count: u32): usize {
  if (!(at = getVarint(at, end)) || varint > u64(count)) return 0;
  let place: u64 = 0;
  for (let runs = u32(varint); runs; runs--) {
    if (!(at = getVarint(at, end)) || varint > u64(count)) return 0;
    place += varint;
    if (!(at = getVarint(at, end)) || varint >= u64(count)) return 0;
    const after = place + varint + 1;
    if (after > u64(count) || at >= end) return 0;
    const kind = u32(load<u8>(at++));
    if (kind >= KINDS || (kind == GIVEN && at + 8 > end)) return 0;
    const bits = kind == GIVEN ? load<u64>(at) : bitsOf(kind);
    if (kind == GIVEN) at += 8;
    if (values) for (; place < after; place++) store<u64>(values + (usize(place) << 3), bits);
    place = after;
  }
  return at;
}
