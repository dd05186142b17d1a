// What one running query shares among its operators: its limits, its annotations, its statistics, and the way to stop.
import type { ExecKernel } from '../../kernel/index.ts';
import type { Clock } from '../../io/index.ts';
import { Annotations } from '../annotations.ts';
import { abortError, timedOut, tooManySamples, wasCanceled } from '../errors.ts';
import type { LeafClient, LeafControl } from '../leaf.ts';
import { ByteBudget, createHeldMemory } from './byte-budget.ts';
import { ColumnMemory } from './column-memory.ts';
import type { Trace } from './trace.ts';

/** Longest time an operator works without letting others run. */
const SLICE_MS = 1;
/** Elementary steps (values looked at) between two looks at the clock: about 0.1 ms. */
const WORK_MAX = 32_768;

/** An operator at work: it yields when others shall run. */
export type Work<T> = Generator<void, T, void>;

export interface QueryRunOptions {
  readonly query: string;
  readonly kernel: ExecKernel;
  readonly leaves: readonly LeafClient[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Tells of a cancellation before the signal does, which needs a turn of the event loop. */
  readonly isCanceled?: () => boolean;
  readonly deadlineMs: number;
  readonly samplesMax: number;
  readonly bytesMax: number;
  readonly delayedNameRemoval: boolean;
  readonly typeAndUnitLabels: boolean;
  /** Called before others run. */
  readonly onYield?: () => void;
  /** See ColumnMemory. */
  readonly freeBytesMin?: number;
  /** Notes what operators cost. */
  readonly trace?: Trace | null;
}

export class QueryRun implements LeafControl {
  readonly kernel: ExecKernel;
  readonly leaves: readonly LeafClient[];
  readonly annotations: Annotations;
  readonly columns: ColumnMemory;
  readonly signal: AbortSignal;
  readonly delayedNameRemoval: boolean;
  readonly typeAndUnitLabels: boolean;
  readonly trace: Trace | null;
  readonly bytesMax: number;
  readonly samplesMax: number;
  /** The count that leaves share. */
  readonly held = createHeldMemory();
  readonly #budget: ByteBudget;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #isCanceled: () => boolean;
  readonly #onYield: () => void;
  #work = 0;
  #sliceStartMs: number;
  #samples = 0;
  peakBytes = 0;
  /** What ended the query from outside: a limit, a cancellation, a shard. */
  failure: unknown = null;
  peakSamples = 0;
  samplesRead = 0;
  seriesRead = 0;
  leavesRun = 0;
  leafTimeMs = 0;

  constructor(options: QueryRunOptions) {
    this.kernel = options.kernel;
    this.leaves = options.leaves;
    this.annotations = new Annotations(options.query);
    this.columns = new ColumnMemory(options.freeBytesMin);
    this.signal = options.signal;
    this.delayedNameRemoval = options.delayedNameRemoval;
    this.typeAndUnitLabels = options.typeAndUnitLabels;
    this.bytesMax = options.bytesMax;
    this.#budget = new ByteBudget(options.bytesMax, this.held);
    this.samplesMax = options.samplesMax;
    this.#clock = options.clock;
    this.#deadlineMs = options.deadlineMs;
    this.trace = options.trace ?? null;
    this.#isCanceled = options.isCanceled ?? (() => false);
    this.#onYield = options.onYield ?? (() => {});
    this.#sliceStartMs = options.clock.monotonicMs();
  }

  /** Counts bytes that are about to be held. Throws when the query's budget does not allow them. */
  hold(bytes: number): void {
    try {
      this.#budget.hold(bytes);
    } catch (error) {
      throw this.#failed(error as Error);
    }
    this.noteBytes(0);
  }

  /** The query held so many bytes beside what is counted here. */
  noteBytes(bytes: number): void {
    this.peakBytes = Math.max(this.peakBytes, this.#budget.bytes + bytes);
  }

  /** Throws unless so many more bytes could be held: asked before they are allocated by who cannot tell exactly. */
  expect(bytes: number): void {
    this.hold(bytes);
    this.release(bytes);
  }

  get bytes(): number {
    return this.#budget.bytes;
  }

  release(bytes: number): void {
    this.#budget.release(bytes);
  }

  holdSamples(count: number): void {
    this.#samples += count;
    if (this.#samples > this.samplesMax) throw this.#failed(tooManySamples());
    if (this.#samples > this.peakSamples) this.peakSamples = this.#samples;
  }

  releaseSamples(count: number): void {
    this.#samples -= count;
  }

  get bytesLeft(): number {
    return this.bytesMax - this.#budget.totalBytes;
  }

  get samplesLeft(): number {
    return this.samplesMax - this.#samples;
  }

  /** Throws if the query was canceled or is out of time. Cheap enough to ask per series. */
  check(): void {
    if (this.signal.aborted) throw this.#failed(abortError(this.signal));
    if (this.#isCanceled()) throw this.#failed(wasCanceled());
    if (this.#clock.monotonicMs() > this.#deadlineMs) throw this.#failed(timedOut());
  }

  #failed(error: Error): Error {
    this.failure = error;
    return error;
  }

  /** Asked every `work` elementary steps; true: the operator is to yield. Throws as check() does. */
  isDue(work = 1): boolean {
    this.#work += work;
    if (this.#work < WORK_MAX) return false;
    this.#work = 0;
    this.check();
    return this.shouldYield();
  }

  /** Runs an operator to its end, with pauses. `resume` is called before each piece of it. */
  async finish<T>(work: Work<T>, resume?: () => void): Promise<T> {
    try {
      for (;;) {
        resume?.();
        const next = work.next();
        if (next.done) return next.value;
        await this.yield();
        this.check();
      }
    } finally {
      // What it had in the kernel is freed, if it was left in the middle.
      work.return(undefined as T);
    }
  }

  shouldYield(): boolean {
    return this.#clock.monotonicMs() - this.#sliceStartMs > SLICE_MS;
  }

  async yield(): Promise<void> {
    this.#onYield();
    await this.#clock.yield();
    this.#sliceStartMs = this.#clock.monotonicMs();
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }
}
