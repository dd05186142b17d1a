// The clock of the shard: the time of its data, from the records alone, so that replicas agree on when a window is over.
//
// It begins with the least time of the first batch. A batch whose newest sample lies near the clock sets it forward. One that lies wholly beyond the clock by more than
// AHEAD_MS is a sender with a wrong time, or the end of a long pause: after JUMPS_MAX such batches, less those of good time between
// them, the clock follows to the least of their times. Samples far ahead in a batch of others count for nothing, nor do old ones.
import { R_CLOCK, R_CLOCK_JUMPS, ROOT, get32, set32 } from './root';

const AHEAD_MS: i64 = 7200000;
/** What is older than the clock by this says nothing of the present. */
const BEHIND_MS: i64 = 600000;
const JUMPS_MAX: u32 = 16;
/** The clock before the first sample. */
const UNSET: i64 = i64.MIN_VALUE;

// Of the batch that is being applied.
let bound: i64 = 0;
let near: i64 = 0;
let beyond: i64 = 0;

/** Least time of what was applied since it was asked for last. Not part of the state. */
let changedFrom: i64 = i64.MAX_VALUE;

export function noteChange(time: i64): void {
  changedFrom = min<i64>(changedFrom, time);
}

/** Samples before this time (ms) are what they were when this was asked last. */
export function takeChangedFrom(): f64 {
  const from = changedFrom;
  changedFrom = i64.MAX_VALUE;
  return from == i64.MAX_VALUE ? Infinity : f64(from);
}

/** Before the samples of a batch. */
export function beginTimes(): void {
  const clock = load<i64>(ROOT + R_CLOCK);
  bound = clock == UNSET ? UNSET : clock + AHEAD_MS;
  near = i64.MIN_VALUE;
  beyond = i64.MAX_VALUE;
}

/** Takes note of a sample's time. */
export function noteTime(time: i64): void {
  noteChange(time);
  if (time > bound) beyond = min<i64>(beyond, time);
  else near = max<i64>(near, time);
}

function setClock(time: i64): void {
  store<i64>(ROOT + R_CLOCK, time);
}

/** After the samples of a batch. */
export function endTimes(): void {
  const clock = load<i64>(ROOT + R_CLOCK);
  const jumps = get32(R_CLOCK_JUMPS);
  if (clock == UNSET) setClock(beyond);
  else if (near != i64.MIN_VALUE && near >= clock - BEHIND_MS) {
    if (near > clock) setClock(near);
    if (jumps) set32(R_CLOCK_JUMPS, jumps - 1);
  } else if (beyond != i64.MAX_VALUE) {
    const isReal = jumps + 1 >= JUMPS_MAX;
    if (isReal) setClock(beyond);
    set32(R_CLOCK_JUMPS, isReal ? 0 : jumps + 1);
  }
}

/** The clock in ms; below -2^53 if there was no sample yet. */
export function clockMs(): f64 {
  return f64(load<i64>(ROOT + R_CLOCK));
}
