// Whether a series has one value throughout a range of time, found out without decoding it: most series of real exporters do. Its parts are
// told in the order of time; of blocks only the columns' first bytes are looked at, of the head all samples.
import type { LevelColumn, SampleColumn } from '../model/index.ts';

/** Distinct lists of times in the head that are remembered. */
const HEAD_TIMES_MAX = 64;

/** Gives lists of times numbers: equal lists have the same. */
export class HeadTimes {
  readonly #known: Float64Array[] = [];

  /** The number of ts[0..count), or -1 if there are too many lists. */
  number(ts: Float64Array, count: number): number {
    const found = this.#known.findIndex((list) => isSame(list, ts, count));
    if (found >= 0 || this.#known.length >= HEAD_TIMES_MAX) return found;
    return this.#known.push(ts.slice(0, count)) - 1;
  }
}

function isSame(list: Float64Array, ts: Float64Array, count: number): boolean {
  if (list.length !== count) return false;
  for (let i = 0; i < count; i++) if (list[i] !== ts[i]) return false;
  return true;
}

const words = new Uint32Array(2);
const double = new Float64Array(words.buffer);

/** Infinities, NaN, and with them stale markers. */
const isOrdinary = (high: number): boolean => (high & 0x7ff00000) !== 0x7ff00000;

/** One series while it is looked at. Every method returns whether it may still have one value. */
export class LevelRun {
  #low = 0;
  #high = 0;
  #isEmpty = true;
  #lastMs = -Infinity;
  #times = '';

  #value(low: number, high: number): boolean {
    if (!this.#isEmpty) return low === this.#low && high === this.#high;
    this.#isEmpty = false;
    this.#low = low;
    this.#high = high;
    return isOrdinary(high);
  }

  /** Begins anew. */
  clear(): void {
    this.#isEmpty = true;
    this.#lastMs = -Infinity;
    this.#times = '';
  }

  /** A part of a block that has one value, and whose times are those of all parts of the set with the same text. */
  part(times: string, minMs: number, maxMs: number, low: number, high: number): boolean {
    if (minMs <= this.#lastMs) return false;
    this.#lastMs = maxMs;
    this.#times = this.#times === '' ? times : this.#times + times;
    return this.#value(low, high);
  }

  /** Samples [0, count) of the head. */
  samples({ ts, vsWords }: SampleColumn, count: number, known: HeadTimes): boolean {
    if (count === 0) return true;
    if (ts[0] <= this.#lastMs || !this.#value(vsWords[0], vsWords[1])) return false;
    for (let i = 2; i < 2 * count; i += 2) {
      if (vsWords[i] !== this.#low || vsWords[i + 1] !== this.#high) return false;
    }
    const times = known.number(ts, count);
    this.#lastMs = ts[count - 1];
    this.#times += `head:${times}`;
    return times >= 0;
  }

  /** What was found, or null if there were no samples. */
  column(): LevelColumn | null {
    if (this.#isEmpty) return null;
    words[0] = this.#low;
    words[1] = this.#high;
    return { value: double[0], times: this.#times };
  }
}
