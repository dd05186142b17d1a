// What start times say about counters, as Prometheus with use-start-timestamps. A start time of 0 is none.

/** Two samples in a row: when they were taken, and when their counters started. */
interface Pair {
  readonly beforeMs: number;
  readonly beforeStart: number;
  readonly nowMs: number;
  readonly nowStart: number;
}

/**
 * Whether a counter started anew between two samples. A start at the sample before is one if that is a delta: if the start of the
 * sample before is known, and before it.
 */
export function isStartReset({ beforeMs, beforeStart, nowMs, nowStart }: Pair): boolean {
  if (nowStart === 0 || nowStart >= nowMs || nowStart < beforeMs) return false;
  return nowStart > beforeMs || (beforeStart !== 0 && beforeStart < beforeMs);
}

/** Whether a sample claims time that the one before it counted, too. */
export const overlaps = ({ beforeMs, beforeStart, nowStart }: Pair): boolean =>
  nowStart !== 0 && nowStart < beforeMs && nowStart !== beforeStart;

/** Samples i - 1 and i. */
export const pairAt = (ts: ArrayLike<number>, starts: ArrayLike<number>, i: number): Pair => ({
  beforeMs: ts[i - 1],
  beforeStart: starts[i - 1],
  nowMs: ts[i],
  nowStart: starts[i],
});

/** Where the counter of a window's first sample started, if that is within the window: it was zero then. 0: not known. */
export function zeroPoint(start: number, firstMs: number, windowStartMs: number): number {
  return start > windowStartMs && start < firstMs ? start : 0;
}
