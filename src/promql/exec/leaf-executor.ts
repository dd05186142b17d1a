// Runs leaf plans beside the data: selects series, decodes each one's column into the kernel's memory, evaluates all steps
// of it in one call, and folds the step vector into its group or appends it to the output. Work comes in slices: between
// two series the executor yields to ingest when it is asked to, and stops when the query is aborted.
import type { Accumulator, ExecKernel, RangeFunction, Steps } from '../../kernel/index.ts';
import { type SeriesSet, type SeriesSource, isStaleAt } from '../../model/index.ts';
import { abortError, overBudget, tooManySamples } from '../errors.ts';
import { extendedRange, extendedSamples } from '../functions/extended.ts';
import {
  LabelsPacker,
  type LeafClient,
  type LeafControl,
  type LeafFold,
  type LeafPlan,
  type LeafResult,
  type LeafStats,
} from '../leaf.ts';
import { RowBlock, SampleBlock } from './row-block.ts';

/** A set that can be kept from going stale while the executor lets others run. */
interface HoldableSet extends SeriesSet {
  hold?(): void;
  release?(): void;
}

/** What a leaf executor reads from and computes with. */
export interface LeafExecutorOptions {
  readonly source: SeriesSource;
  readonly kernel: ExecKernel;
  /** Monotonic milliseconds for statistics; absent: 0. */
  readonly nowMs?: () => number;
}

/** Runs leaf plans in this thread, over one source of series. Throws what errors.ts lists. */
export class LocalLeafExecutor implements LeafClient {
  readonly #options: LeafExecutorOptions;

  constructor(options: LeafExecutorOptions) {
    this.#options = options;
  }

  async execute(plan: LeafPlan, control: LeafControl): Promise<LeafResult> {
    const run = new LeafRun(plan, this.#options, control);
    try {
      return await run.result();
    } finally {
      run.close();
    }
  }
}

/** One execution of one plan. */
class LeafRun {
  readonly #plan: LeafPlan;
  readonly #kernel: ExecKernel;
  readonly #control: LeafControl;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  readonly #set: HoldableSet;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #steps: Steps;
  readonly #names = new Map<string, readonly [string, string]>();
  readonly #isHeld: boolean;
  #accumulator: Accumulator | null = null;
  #samples = 0;
  #bytes = 0;
  #peakBytes = 0;

  constructor(plan: LeafPlan, { source, kernel, nowMs }: LeafExecutorOptions, control: LeafControl) {
    this.#plan = plan;
    this.#kernel = kernel;
    this.#control = control;
    this.#nowMs = nowMs ?? (() => 0);
    this.#startedMs = this.#nowMs();
    this.#steps = { startMs: plan.startMs, stepMs: plan.stepMs, steps: plan.steps };
    const before = plan.extension === null ? 0 : plan.lookbackMs;
    const after = plan.extension === 'smoothed' ? plan.lookbackMs : 0;
    // Windows are open on the left; an extended one may look at its very edge.
    this.#minMs = plan.startMs - plan.windowMs - before + 1;
    this.#maxMs = plan.startMs + (plan.steps - 1) * plan.stepMs + after;
    if (control.signal.aborted) throw abortError(control.signal);
    this.#hold(plan.steps * 9); // The kernel's step vector.
    this.#set = source.select(plan.tenant, plan.matchers, this.#minMs, this.#maxMs);
    this.#isHeld = this.#set.hold !== undefined;
    this.#set.hold?.();
  }

  close(): void {
    this.#accumulator?.free();
    if (this.#isHeld) this.#set.release?.();
  }

  result(): Promise<LeafResult> {
    const { fold, kind } = this.#plan;
    if (kind === 'samples') return this.#rawSamples();
    return fold ? this.#folded(fold) : this.#series();
  }

  /** Counts bytes that are now held (or given back, if negative). */
  #hold(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#plan.bytesMax) throw overBudget(this.#bytes, this.#plan.bytesMax);
    if (this.#bytes > this.#peakBytes) this.#peakBytes = this.#bytes;
  }

  /** Whether the executor is to let others run before the next series. Throws if the query was aborted. */
  #sliceEnds(): boolean {
    if (this.#control.signal.aborted) throw abortError(this.#control.signal);
    return this.#control.shouldYield();
  }

  async #slice(): Promise<void> {
    await this.#control.yield();
    if (this.#control.signal.aborted) throw abortError(this.#control.signal);
  }

  /** Decodes a series' column into the kernel; returns its length. */
  #read(index: number): number {
    const room = this.#set.samplesMax(index, this.#minMs, this.#maxMs);
    this.#kernel.reserve(room, this.#plan.steps);
    if (room === 0) return 0;
    // One column at a time is held; it has to fit on top of what the query holds already.
    if (this.#bytes + room * 16 > this.#plan.bytesMax) throw overBudget(this.#bytes + room * 16, this.#plan.bytesMax);
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes + room * 16);
    const count = this.#set.read(index, this.#minMs, this.#maxMs, this.#kernel);
    this.#samples += count;
    return count;
  }

  /** Evaluates all steps of the column of n samples into the kernel's step vector; returns how many have a value. */
  #evaluate(n: number): number {
    const { kind, windowMs, timestamps, fn, parameters, extension } = this.#plan;
    if (extension !== null) return extendedRange(this.#kernel, n, this.#plan);
    if (kind === 'instant' || fn === null) return this.#kernel.instant(n, this.#steps, windowMs, timestamps);
    const varies = parameters.some((parameter) => parameter.length > 1) || this.#plan.evalOffsetStepMs !== 0;
    if (varies) return this.#evaluateStepByStep(n);
    const second = fn === 'predict_linear' ? this.#plan.evalOffsetMs : parameters[1]?.[0];
    return this.#kernel.range(fn, n, this.#steps, windowMs, parameters[0]?.[0], second);
  }

  /** For parameters that change from step to step. */
  #evaluateStepByStep(n: number): number {
    const { startMs, stepMs, steps, windowMs, fn, parameters, evalOffsetMs, evalOffsetStepMs } = this.#plan;
    const kernel = this.#kernel;
    const values = new Float64Array(steps);
    const present = new Uint8Array(steps);
    const parameter = (p: number, i: number): number | undefined => parameters[p]?.[parameters[p].length > 1 ? i : 0];
    let found = 0;
    for (let i = 0; i < steps; i++) {
      const at = { startMs: startMs + i * stepMs, stepMs: 1, steps: 1 };
      const second = fn === 'predict_linear' ? evalOffsetMs + i * evalOffsetStepMs : parameter(1, i);
      if (kernel.range(fn as RangeFunction, n, at, windowMs, parameter(0, i), second) === 0) continue;
      values[i] = kernel.out[0];
      present[i] = 1;
      found++;
    }
    kernel.out.set(values);
    kernel.present.set(present);
    return found;
  }

  #noteName(index: number): void {
    const labels = this.#set.labels(index);
    const entry = [labels.get('__name__'), labels.get('__type__')] as const;
    this.#names.set(entry.join('\0'), entry);
  }

  #stats(): LeafStats {
    return {
      series: this.#set.length,
      samples: this.#samples,
      peakBytes: this.#peakBytes,
      timeMs: this.#nowMs() - this.#startedMs,
    };
  }

  #facts(): { names: (readonly [string, string])[] } {
    return { names: [...this.#names.values()] };
  }

  async #series(): Promise<LeafResult> {
    const { steps, wantNames, samplesMax } = this.#plan;
    const packer = new LabelsPacker();
    const rows = new RowBlock(steps, this.#set.length, (bytes) => this.#hold(bytes));
    let packedBytes = 0;
    for (let i = 0; i < this.#set.length; i++) {
      const n = this.#read(i);
      if (n > 0 && this.#evaluate(n) > 0) {
        rows.add(this.#kernel.out, this.#kernel.present);
        if (rows.points > samplesMax) throw tooManySamples();
        packer.add(this.#set.labels(i));
        if (wantNames) this.#noteName(i);
        if (packer.byteLength > packedBytes * 1.25) {
          this.#hold(packer.byteLength - packedBytes);
          packedBytes = packer.byteLength;
        }
      }
      if (this.#sliceEnds()) await this.#slice();
    }
    const labels = packer.finish();
    return { kind: 'series', labels, ...rows.finish(), histograms: null, facts: this.#facts(), stats: this.#stats() };
  }

  async #folded(fold: LeafFold): Promise<LeafResult> {
    const { steps, wantNames } = this.#plan;
    const { groupOf, groups } = this.#set.group(fold.mode, fold.names);
    this.#hold(groupOf.byteLength + groups.length * 128);
    const hasValue = new Uint8Array(groups.length);
    if (groups.length > 0) {
      // What it will occupy is counted before it is allocated.
      this.#hold(groups.length * steps * 9);
      this.#kernel.reserve(0, steps);
      this.#accumulator = this.#kernel.accumulator(fold.op, groups.length, steps);
      this.#hold(Math.max(0, this.#accumulator.byteLength - groups.length * steps * 9));
    }
    for (let i = 0; i < this.#set.length; i++) {
      const n = this.#read(i);
      if (n > 0 && this.#evaluate(n) > 0) {
        (this.#accumulator as Accumulator).add(groupOf[i]);
        hasValue[groupOf[i]] = 1;
        if (wantNames) this.#noteName(i);
      }
      if (this.#sliceEnds()) await this.#slice();
    }
    const packer = new LabelsPacker();
    let states = new Float64Array(0);
    let used = 0;
    const filled = hasValue.reduce((sum, value) => sum + value, 0);
    for (let g = 0; g < groups.length; g++) {
      if (hasValue[g] === 0) continue;
      packer.add(groups[g]);
      const state = (this.#accumulator as Accumulator).exportState(g);
      if (used === 0) {
        this.#hold(state.byteLength * filled);
        states = new Float64Array(state.length * filled);
      }
      // States carry raw bits; set() copies them as they are.
      states.set(state, used);
      used += state.length;
    }
    return { kind: 'groups', labels: packer.finish(), states, facts: this.#facts(), stats: this.#stats() };
  }

  /** Appends the column of n samples, without stale markers; returns how many. */
  #addSamples(block: SampleBlock, n: number): number {
    const { ts, vs, vsWords } = this.#kernel;
    if (this.#plan.extension !== null) {
      const samples = extendedSamples(this.#kernel, n, this.#plan);
      for (const [timeMs, value] of samples) block.add(timeMs, Float64Array.of(value), 0);
      return samples.length;
    }
    let added = 0;
    for (let k = 0; k < n; k++) {
      if (isStaleAt(vsWords, k)) continue;
      block.add(ts[k], vs, k);
      added++;
    }
    return added;
  }

  async #rawSamples(): Promise<LeafResult> {
    const packer = new LabelsPacker();
    const block = new SampleBlock((bytes) => this.#hold(bytes));
    for (let i = 0; i < this.#set.length; i++) {
      const n = this.#read(i);
      if (this.#addSamples(block, n) > 0) {
        block.endSeries();
        packer.add(this.#set.labels(i));
        this.#hold(labelBytes(this.#set.labels(i).pairs.length));
      }
      if (block.length > this.#plan.samplesMax) throw tooManySamples();
      if (this.#sliceEnds()) await this.#slice();
    }
    return {
      kind: 'samples',
      labels: packer.finish(),
      ...block.finish(),
      facts: this.#facts(),
      stats: this.#stats(),
    };
  }
}

/** Estimate of what a label set of so many names and values occupies. */
export const labelBytes = (texts: number): number => 64 + texts * 16;
