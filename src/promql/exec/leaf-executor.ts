// Runs leaf plans beside the data: selects series, decodes each one's column into the kernel's memory, evaluates all steps
// of it in one call, and folds the step vector into its group or appends it to the output. Work comes in slices: between
// two series the executor yields to ingest when it is asked to, and stops when the query is aborted.
import type { Accumulator, ExecKernel, FoldOperator, Steps } from '../../kernel/index.ts';
import {
  Labels,
  type LevelColumn,
  type NativeHistogram,
  type SeriesSet,
  type SeriesSource,
  isStaleAt,
} from '../../model/index.ts';
import { Remarks } from '../annotations.ts';
import { abortError, executionError, tooManySamples } from '../errors.ts';
import { extendedRange, extendedSamples } from '../functions/extended.ts';
import {
  LabelsPacker,
  type LeafClient,
  type LeafControl,
  type LeafEstimate,
  type LeafFacts,
  type LeafFold,
  type LeafPlan,
  type LeafResult,
  type LeafStats,
} from '../leaf.ts';
import { ByteBudget } from './byte-budget.ts';
import { estimateLeaf, leafRange } from './leaf-estimate.ts';
import { LevelLeaf } from './level-leaf.ts';
import { NamesSeen } from './names-seen.ts';
import { packGroups } from './pack-groups.ts';
import { LeafColumn, evaluateMixed, newestStarts } from './mixed-leaf.ts';
import { addRawSamples } from './raw-samples.ts';
import { type Piece, PIECE_SAMPLES, PieceVector, countUpTo, piecesOf } from './piecewise.ts';
import { RowBlock, SampleBlock } from './row-block.ts';
import { evaluateStepByStep } from './step-by-step.ts';

/** What a leaf executor reads from and computes with. */
export interface LeafExecutorOptions {
  readonly source: SeriesSource;
  readonly kernel: ExecKernel;
  /** Monotonic milliseconds for statistics; absent: 0. */
  readonly nowMs?: () => number;
  /** Samples of the pieces in which long columns are evaluated. */
  readonly pieceSamples?: number;
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
      await run.select(this.#options.source);
      return await run.result();
    } finally {
      run.close();
    }
  }

  estimate(plan: LeafPlan, control: LeafControl): Promise<LeafEstimate> {
    return estimateLeaf(this.#options.source, plan, control);
  }
}

const emptySet: SeriesSet = {
  length: 0,
  labels: () => Labels.empty,
  group: () => ({ groupOf: new Uint32Array(0), groups: [] }),
  samplesMax: () => 0,
  read: () => 0,
};

/** What these make of one value is the value, but for the sign of a zero. */
const GIVES_SINGLE: ReadonlySet<FoldOperator> = new Set(['sum', 'avg', 'min', 'max']);

/** A sum begins with 0, and 0 + -0 is 0. */
function addZero(values: Float64Array, steps: number): void {
  for (let i = 0; i < steps; i++) values[i] += 0;
}

/** One execution of one plan. */
class LeafRun {
  readonly #plan: LeafPlan;
  readonly #kernel: ExecKernel;
  readonly #control: LeafControl;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #set: SeriesSet = emptySet;
  /** Series below this number are ready to be read, until others have run. */
  #ready = 0;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #steps: Steps;
  #names: NamesSeen | null = null;
  readonly #remarks = new Remarks();
  readonly #column: LeafColumn;
  #levels: LevelLeaf | null;
  #vector: PieceVector | null = null;
  readonly #pieceSamples: number;
  /** Native histograms of the row that was evaluated last; null: it has none. */
  #histograms: readonly (NativeHistogram | null)[] | null = null;
  /** What the result is gathered in; finished, it holds nothing. */
  #block: RowBlock | SampleBlock | null = null;
  #accumulator: Accumulator | null = null;
  #hasHistograms = false;
  #samples = 0;
  readonly #budget: ByteBudget;
  #peakBytes = 0;

  constructor(plan: LeafPlan, { kernel, nowMs, pieceSamples }: LeafExecutorOptions, control: LeafControl) {
    this.#plan = plan;
    this.#budget = new ByteBudget(plan.bytesMax, plan.held);
    this.#pieceSamples = pieceSamples ?? PIECE_SAMPLES;
    this.#kernel = kernel;
    this.#column = new LeafColumn(kernel, plan.starts);
    this.#control = control;
    this.#nowMs = nowMs ?? (() => 0);
    this.#startedMs = this.#nowMs();
    this.#steps = { startMs: plan.startMs, stepMs: plan.stepMs, steps: plan.steps };
    const { minMs, maxMs } = leafRange(plan);
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    if (control.signal.aborted) throw abortError(control.signal);
    this.#hold(plan.steps * 9); // The kernel's step vector.
    this.#levels = LevelLeaf.of(plan, kernel, (bytes) => this.#hold(bytes));
  }

  async select(source: SeriesSource): Promise<void> {
    const { tenant, matchers } = this.#plan;
    this.#set = await source.select(tenant, matchers, this.#minMs, this.#maxMs);
    if (this.#control.signal.aborted) throw abortError(this.#control.signal);
  }

  close(): void {
    this.#accumulator?.free();
    this.#block?.free();
    this.#set.release?.();
    this.#budget.close();
  }

  result(): Promise<LeafResult> {
    const { fold, kind } = this.#plan;
    if (kind === 'samples') return this.#rawSamples();
    return fold ? this.#folded(fold) : this.#series();
  }

  /** Counts bytes that are now held (or given back, if negative). */
  #hold(bytes: number): void {
    if (bytes < 0) this.#budget.release(-bytes);
    else this.#budget.hold(bytes);
    this.#peakBytes = Math.max(this.#peakBytes, this.#budget.bytes);
  }

  /** Whether to call #pause() before series `index` is read. Throws if the query was aborted. */
  #mustPause(index: number): boolean {
    if (this.#control.signal.aborted) throw abortError(this.#control.signal);
    return index >= this.#ready || this.#control.shouldYield();
  }

  /** Lets others run if it is time, then has series `index` and some that follow it fetched. */
  async #pause(index: number): Promise<void> {
    if (this.#control.shouldYield()) await this.#control.yield();
    this.#ready = this.#set.prefetch ? await this.#set.prefetch(index) : this.#set.length;
    if (this.#control.signal.aborted) throw abortError(this.#control.signal);
  }

  /** Makes room for a series' column in the kernel; returns how many samples fit. */
  #makeRoom(index: number, minMs = this.#minMs, maxMs = this.#maxMs): number {
    const room = this.#set.samplesMax(index, minMs, maxMs);
    this.#reserve(room);
    return room;
  }

  #reserve(samples: number): void {
    this.#kernel.reserve(samples, this.#plan.steps);
    this.#column.clear();
    this.#checkColumn(samples * 16);
  }

  /** One column at a time is held; it has to fit on top of what the query holds already. */
  #checkColumn(bytes: number): void {
    this.#budget.check(bytes);
    this.#peakBytes = Math.max(this.#peakBytes, this.#budget.bytes + bytes);
  }

  /** Decodes a series' column into the kernel; returns its length. */
  #read(index: number): number {
    if (this.#makeRoom(index) === 0) return 0;
    const count = this.#set.read(index, this.#minMs, this.#maxMs, this.#column);
    if (this.#column.hasHistograms || this.#column.hasStarts) {
      const startBytes = this.#column.hasStarts ? count * 32 : 0;
      this.#checkColumn(count * 16 + startBytes + this.#column.histogramBytes);
    }
    this.#samples += count;
    return count;
  }

  /** Evaluates all steps of series `index` into the kernel's step vector; returns how many have a value. */
  #row(index: number): number {
    const levels = this.#levels;
    const samplesMax = this.#set.samplesMax(index, this.#minMs, this.#maxMs);
    let level: LevelColumn | null = null;
    if (levels?.isWorthwhile(samplesMax)) {
      this.#reserve(this.#set.levelRoom?.(index, this.#minMs, this.#maxMs) ?? samplesMax);
      level = this.#set.level?.(index, this.#minMs, this.#maxMs, this.#column) ?? null;
    }
    const pieces = piecesOf(this.#plan, samplesMax, this.#minMs, this.#maxMs, this.#pieceSamples);
    if (level && pieces && levels?.wants(level)) this.#learnInPieces(index, level, levels, pieces);
    const known = level && levels?.evaluate(level);
    if (known) {
      this.#histograms = null;
      this.#samples += known.samples;
      return known.found;
    }
    const found = pieces ? this.#inPieces(index, pieces) : null;
    if (found !== null) return found;
    const n = this.#read(index);
    if (n === 0) return 0;
    if (level) levels?.learn(level, n);
    return this.#evaluate(n, index);
  }

  /** The same, piece by piece; null if the series has native histograms or start times. */
  #inPieces(index: number, pieces: readonly Piece[]): number | null {
    this.#vector ??= this.#makeVector();
    this.#vector.clear();
    let found = 0;
    let samples = 0;
    let readUpToMs = -Infinity;
    for (const { at, minMs, maxMs } of pieces) {
      const n = this.#makeRoom(index, minMs, maxMs) === 0 ? 0 : this.#set.read(index, minMs, maxMs, this.#column);
      if (this.#column.hasHistograms || this.#column.hasStarts) return null;
      samples += n - countUpTo(this.#kernel.ts, n, readUpToMs);
      readUpToMs = maxMs;
      if (n === 0) {
        this.#vector.skip(at.steps);
        continue;
      }
      found += this.#evaluateFloats(n, at);
      this.#vector.take(this.#kernel, at.steps);
    }
    this.#vector.give(this.#kernel);
    this.#samples += samples;
    this.#histograms = null;
    return found;
  }

  /** Counts the windows of a column that has one value, piece by piece. */
  #learnInPieces(index: number, level: LevelColumn, levels: LevelLeaf, pieces: readonly Piece[]): void {
    this.#vector ??= this.#makeVector();
    this.#vector.clear();
    let samples = 0;
    let readUpToMs = -Infinity;
    for (const { at, minMs, maxMs } of pieces) {
      const n = this.#makeRoom(index, minMs, maxMs) === 0 ? 0 : this.#set.read(index, minMs, maxMs, this.#column);
      samples += n - countUpTo(this.#kernel.ts, n, readUpToMs);
      readUpToMs = maxMs;
      if (n === 0) this.#vector.skip(at.steps);
      else {
        this.#kernel.range('count_over_time', n, at, this.#plan.windowMs);
        this.#vector.take(this.#kernel, at.steps);
      }
    }
    this.#vector.give(this.#kernel);
    levels.learnCounts(level, samples, this.#kernel.out, this.#kernel.present);
  }

  #makeVector(): PieceVector {
    this.#hold(this.#plan.steps * 9);
    return new PieceVector(this.#plan.steps);
  }

  /** Evaluates all steps of series `index`, n samples, into the kernel's step vector; returns how many have a value. */
  #evaluate(n: number, index: number): number {
    this.#histograms = null;
    if (this.#plan.starts && this.#plan.kind === 'instant') {
      return newestStarts(this.#kernel, n, this.#plan, this.#column.starts);
    }
    if (this.#column.hasHistograms || this.#column.hasStarts) return this.#evaluateMixed(n, index);
    return this.#evaluateFloats(n);
  }

  /** The same for a series that has native histograms, or start times. */
  #evaluateMixed(n: number, index: number): number {
    const floats = (left: number): number => this.#evaluateFloats(left);
    const labels = this.#set.labels(index);
    const shared = { kernel: this.#kernel, plan: this.#plan, column: this.#column, remarks: this.#remarks };
    const histograms = evaluateMixed({ ...shared, n, labels, floats });
    const present = this.#kernel.present.subarray(0, this.#plan.steps);
    if (present.includes(2)) {
      this.#histograms = histograms;
      this.#hasHistograms = true;
    }
    return present.reduce((found, each) => found + (each === 0 ? 0 : 1), 0);
  }

  #evaluateFloats(n: number, at = this.#steps): number {
    const { kind, windowMs, timestamps, fn, parameters, extension } = this.#plan;
    if (extension !== null) return extendedRange(this.#kernel, n, this.#plan);
    if (kind === 'instant' || fn === null) return this.#kernel.instant(n, at, windowMs, timestamps);
    const varies = parameters.some((parameter) => parameter.length > 1) || this.#plan.evalOffsetStepMs !== 0;
    if (varies) return evaluateStepByStep(this.#kernel, n, this.#plan);
    const second = fn === 'predict_linear' ? this.#plan.evalOffsetMs : parameters[1]?.[0];
    return this.#kernel.range(fn, n, at, windowMs, parameters[0]?.[0], second);
  }

  /** Before anything is awaited: rows may lose their labels then. */
  #watchNames(): void {
    if (!this.#plan.wantNames) return;
    this.#names ??= new NamesSeen(this.#set);
    this.#hold(this.#names.byteLength);
  }

  #stats(): LeafStats {
    return {
      series: this.#set.length,
      samples: this.#samples,
      peakBytes: this.#peakBytes,
      timeMs: this.#nowMs() - this.#startedMs,
    };
  }

  #facts(): LeafFacts {
    return { names: this.#names?.list() ?? [], remarks: this.#remarks.list(), hasHistograms: this.#hasHistograms };
  }

  async #series(): Promise<LeafResult> {
    const { steps, samplesMax } = this.#plan;
    this.#watchNames();
    const packer = new LabelsPacker();
    const rows = new RowBlock(steps, this.#set.length, (bytes) => this.#hold(bytes));
    this.#block = rows;
    let packedBytes = 0;
    for (let i = 0; i < this.#set.length; i++) {
      if (this.#mustPause(i)) await this.#pause(i);
      const found = this.#row(i);
      if (found > 0) {
        rows.add(this.#kernel.out, this.#kernel.present, found);
        if (this.#histograms !== null) rows.addHistograms(this.#histograms);
        if (rows.points > samplesMax) throw tooManySamples();
        packer.add(this.#set.labels(i));
        if (this.#names && this.#hasFloat()) this.#names.note(i);
        if (packer.byteLength > packedBytes * 1.25) {
          this.#hold(packer.byteLength - packedBytes);
          packedBytes = packer.byteLength;
        }
      }
    }
    const labels = packer.finish();
    return { kind: 'series', labels, ...rows.finish(), facts: this.#facts(), stats: this.#stats() };
  }

  /** Whether the row that was evaluated last has a float. */
  #hasFloat(): boolean {
    return this.#histograms === null || this.#kernel.present.subarray(0, this.#plan.steps).includes(1);
  }

  /** Begins anew, without a fold. */
  #unfolded(heldBefore: number): Promise<LeafResult> {
    this.#accumulator?.free();
    this.#accumulator = null;
    this.#budget.release(this.#budget.bytes - heldBefore);
    this.#vector = null;
    this.#levels = LevelLeaf.of(this.#plan, this.#kernel, (bytes) => this.#hold(bytes));
    this.#samples = 0;
    this.#ready = 0;
    return this.#series();
  }

  /** Makes histograms of the current row count as values. */
  #countHistograms(): void {
    const { present } = this.#kernel;
    for (let i = 0; i < this.#plan.steps; i++) if (present[i] === 2) present[i] = 1;
  }

  async #folded(fold: LeafFold): Promise<LeafResult> {
    const { steps } = this.#plan;
    const heldBefore = this.#budget.bytes;
    this.#watchNames();
    const { groupOf, groups } = this.#set.group(fold.mode, fold.names);
    this.#hold(groupOf.byteLength + groups.length * 128);
    if (groups.length === this.#set.length && GIVES_SINGLE.has(fold.op)) {
      return this.#singles(groups, groupOf, heldBefore);
    }
    const hasValue = new Uint8Array(groups.length);
    if (groups.length > 0) {
      // What it will occupy is counted before it is allocated.
      this.#hold(groups.length * steps * 9);
      this.#kernel.reserve(0, steps);
      this.#accumulator = this.#kernel.accumulator(fold.op, groups.length, steps);
      this.#hold(Math.max(0, this.#accumulator.byteLength - groups.length * steps * 9));
    }
    for (let i = 0; i < this.#set.length; i++) {
      if (this.#mustPause(i)) await this.#pause(i);
      if (this.#row(i) > 0) {
        if (this.#names && this.#hasFloat()) this.#names.note(i);
        if (this.#histograms !== null) {
          // Only who has the series of all shards can fold histograms. Counting them is another matter.
          if (fold.op !== 'count' && fold.op !== 'group') return this.#unfolded(heldBefore);
          this.#countHistograms();
        }
        (this.#accumulator as Accumulator).add(groupOf[i]);
        hasValue[groupOf[i]] = 1;
      }
    }
    const packed = packGroups(groups, hasValue, this.#accumulator, (bytes) => this.#hold(bytes));
    return { kind: 'groups', ...packed, facts: this.#facts(), stats: this.#stats() };
  }

  /** Each series is a group of its own. */
  async #singles(groups: readonly Labels[], groupOf: Uint32Array, heldBefore: number): Promise<LeafResult> {
    const packer = new LabelsPacker();
    const rows = new RowBlock(this.#plan.steps, groups.length, (bytes) => this.#hold(bytes));
    this.#block = rows;
    const isSum = this.#plan.fold?.op === 'sum' || this.#plan.fold?.op === 'avg';
    for (let i = 0; i < this.#set.length; i++) {
      if (this.#mustPause(i)) await this.#pause(i);
      if (this.#row(i) === 0) continue;
      if (this.#histograms !== null) {
        rows.free();
        return this.#unfolded(heldBefore);
      }
      if (isSum) addZero(this.#kernel.out, this.#plan.steps);
      rows.add(this.#kernel.out, this.#kernel.present);
      packer.add(groups[groupOf[i]]);
      this.#names?.note(i);
    }
    const { values, present } = rows.finish();
    const labels = packer.finish();
    return { kind: 'singles', labels, values, present, facts: this.#facts(), stats: this.#stats() };
  }

  /** Appends the column of n samples, without stale markers; returns how many. */
  #addSamples(block: SampleBlock, n: number): number {
    const { ts, vs, vsWords } = this.#kernel;
    if (this.#plan.raw !== undefined) return addRawSamples(block, this.#column, n, this.#plan.raw);
    if (this.#column.hasHistograms) return this.#addMixedSamples(block, n);
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

  /** Likewise where some are histograms. */
  #addMixedSamples(block: SampleBlock, n: number): number {
    const { extension } = this.#plan;
    if (extension !== null) throw executionError(`${extension} modifier is not supported with histograms`);
    const { ts, vs, vsWords } = this.#kernel;
    const { at } = this.#column.histograms;
    const histograms = this.#column.decode();
    const lengthBefore = block.length;
    for (let k = 0, h = 0; k < n; k++) {
      const histogram = at[h] === k ? histograms[h++] : null;
      if (isStaleAt(vsWords, k)) continue;
      if (histogram) block.addHistogram(ts[k], histogram);
      else block.add(ts[k], vs, k);
    }
    return block.length - lengthBefore;
  }

  async #rawSamples(): Promise<LeafResult> {
    const packer = new LabelsPacker();
    const block = new SampleBlock((bytes) => this.#hold(bytes));
    this.#block = block;
    for (let i = 0; i < this.#set.length; i++) {
      if (this.#mustPause(i)) await this.#pause(i);
      const n = this.#read(i);
      if (this.#addSamples(block, n) > 0) {
        block.endSeries();
        packer.add(this.#set.labels(i));
        this.#hold(labelBytes(this.#set.labels(i).pairs.length));
      }
      if (block.length > this.#plan.samplesMax) throw tooManySamples();
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
