// Start times of a series in the head: they are the values of another series, which has samples at the same times (kernels/head/starts.ts).
import { invariant } from '../base/index.ts';
import type { StartTimes } from '../model/index.ts';
import { type HeadMemory, READ_TIMES, READ_VALUES } from './head-memory.ts';

/** Finds for the samples at `ts`, ascending, the start times that the companion has in [minMs, maxMs], and puts them from place `at` on. */
export function joinStarts(
  memory: HeadMemory,
  read: (series: number, minMs: number, maxMs: number) => number,
  companion: number,
  minMs: number,
  maxMs: number,
  ts: Float64Array,
  starts: StartTimes,
  at: number,
): void {
  const ms = starts.begin(at, ts.length);
  const join = (fromMs: number, toMs: number, from: number): number => {
    const count = read(companion, fromMs, toMs);
    if (count < 0) {
      invariant(toMs > fromMs, 'one millisecond of a series fits the read buffers');
      const middle = Math.floor((fromMs + toMs) / 2);
      return join(middle + 1, toMs, join(fromMs, middle, from));
    }
    const { doubles, kernel } = memory;
    const times = (READ_TIMES >> 3) + kernel.readFirst();
    const values = (READ_VALUES >> 3) + kernel.readFirst();
    let i = from;
    for (let k = 0; k < count; k++) {
      while (i < ts.length && ts[i] < doubles[times + k]) i++;
      if (i < ts.length && ts[i] === doubles[times + k]) ms[at + i] = doubles[values + k];
    }
    return i;
  };
  join(minMs, maxMs, 0);
}
