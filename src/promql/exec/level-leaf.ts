// Series that have one value throughout: what a range function makes of them depends on the value and on how many samples each step's
// window has, and that is the same for all series with the same times. So the first series with its times is read, and its windows
// counted; the others are not read at all.
import type { ExecKernel, RangeFunction } from '../../kernel/index.ts';
import type { LevelColumn } from '../../model/index.ts';
import type { LeafPlan } from '../leaf.ts';

/** Fewer samples are as soon read, and so are those of a shorter time, which are few of what a series has. */
export const LEVEL_SAMPLES_MIN = 64;
const LEVEL_SPAN_MS_MIN = 900_000;
/** Distinct times whose windows are kept; beyond, series are read. */
const TIMES_MAX = 64;
/** Series that were looked at in vain, beyond those that were not, until it is given up: their times differ. */
const MISSES_MAX = 64;

/** What a function gives for n samples of the value v: v itself, 0, 1, n, or n times v. */
type Result = 'value' | 'zero' | 'one' | 'count' | 'sum' | 'mean';

const RESULTS: Partial<Record<RangeFunction, Result>> = {
  last_over_time: 'value',
  first_over_time: 'value',
  min_over_time: 'value',
  max_over_time: 'value',
  avg_over_time: 'mean',
  sum_over_time: 'sum',
  count_over_time: 'count',
  present_over_time: 'one',
  rate: 'zero',
  increase: 'zero',
  delta: 'zero',
  irate: 'zero',
  idelta: 'zero',
  changes: 'zero',
  resets: 'zero',
};

/** Functions that need two samples. */
const OF_TWO: ReadonlySet<RangeFunction> = new Set(['rate', 'increase', 'delta', 'irate', 'idelta']);

/** Windows of a list of times. */
interface Windows {
  readonly samples: number;
  readonly counts: Float64Array;
  readonly countMax: number;
  /** Steps with samples enough. */
  readonly present: Uint8Array;
  readonly found: number;
}

/** Evaluates series with one value for one leaf. */
export class LevelLeaf {
  readonly #kernel: ExecKernel;
  readonly #plan: LeafPlan;
  readonly #result: Result;
  readonly #least: number;
  readonly #hold: (bytes: number) => void;
  readonly #windows = new Map<string, Windows>();
  #hits = 0;
  #misses = 0;

  private constructor(plan: LeafPlan, kernel: ExecKernel, result: Result, hold: (bytes: number) => void) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#result = result;
    this.#least = plan.kind === 'range' && plan.fn !== null && OF_TWO.has(plan.fn) ? 2 : 1;
    this.#hold = hold;
  }

  /** Null for a leaf whose results it does not know. `hold` counts bytes. */
  static of(plan: LeafPlan, kernel: ExecKernel, hold: (bytes: number) => void): LevelLeaf | null {
    const { kind, fn, extension, timestamps } = plan;
    if (extension !== null || kind === 'samples') return null;
    const isInstant = kind === 'instant' || fn === null;
    const result = isInstant ? 'value' : RESULTS[fn];
    if (result === undefined || (isInstant && (timestamps || plan.starts))) return null;
    if (plan.windowMs + (plan.steps - 1) * plan.stepMs < LEVEL_SPAN_MS_MIN) return null;
    return new LevelLeaf(plan, kernel, result, hold);
  }

  /** Whether a series of at most so many samples is worth a look. */
  isWorthwhile(samplesMax: number): boolean {
    return samplesMax >= LEVEL_SAMPLES_MIN && this.#misses < this.#hits + MISSES_MAX;
  }

  /** Whether the windows of these times are to be counted: they are not known, and not too many kinds are. */
  wants({ times }: LevelColumn): boolean {
    return this.#windows.size < TIMES_MAX && !this.#windows.has(times);
  }

  /** Counts the windows of the kernel's column [0, n), which has these times. */
  learn(level: LevelColumn, n: number): void {
    if (!this.wants(level)) return;
    this.#kernel.range('count_over_time', n, this.#plan, this.#plan.windowMs);
    this.learnCounts(level, n, this.#kernel.out, this.#kernel.present);
  }

  /** Takes the counts of all windows of these times, of which there are n: what count_over_time gives. */
  learnCounts({ times }: LevelColumn, n: number, out: Float64Array, hasAny: Uint8Array): void {
    const { steps } = this.#plan;
    this.#hold(steps * 9);
    const counts = new Float64Array(steps);
    const present = new Uint8Array(steps);
    let found = 0;
    let countMax = 0;
    for (let i = 0; i < steps; i++) {
      counts[i] = hasAny[i] === 0 ? 0 : out[i];
      countMax = Math.max(countMax, counts[i]);
      if (counts[i] < this.#least) continue;
      present[i] = 1;
      found++;
    }
    this.#windows.set(times, { samples: n, counts, countMax, present, found });
  }

  /** Evaluates all steps into the kernel's step vector; null if it has to be done from samples. */
  evaluate({ value, times }: LevelColumn): { readonly samples: number; readonly found: number } | null {
    const windows = this.#windows.get(times);
    if (windows === undefined || !this.#isExact(value, windows.countMax)) {
      this.#misses++;
      return null;
    }
    this.#hits++;
    const { steps } = this.#plan;
    const { out, present } = this.#kernel;
    if (steps === 1) present[0] = windows.present[0];
    else present.set(windows.present);
    if (this.#result === 'count') out.set(windows.counts);
    else if (this.#result === 'sum') for (let i = 0; i < steps; i++) out[i] = windows.counts[i] * value;
    else out.fill(this.#result === 'zero' ? 0 : this.#result === 'one' ? 1 : value, 0, steps);
    return windows;
  }

  /** Sums are exact, in whatever order they are made, if all partial sums are integers below 2^53. */
  #isExact(value: number, countMax: number): boolean {
    if (this.#result !== 'sum' && this.#result !== 'mean') return true;
    return Number.isSafeInteger(value) && !Object.is(value, -0) && Number.isSafeInteger(value * countMax);
  }
}
