// One instance of the head kernel (kernels/head) and views of its memory. The memory may grow at any call that applies a batch:
// views are taken anew through the getters.
import { invariant } from '../base/index.ts';

/** Exports of kernels/head/index.ts. Addresses and counts are u32. */
interface HeadExports {
  memory: WebAssembly.Memory;
  init(): void;
  applyBatch(bytes: number): number;
  beginSegment(): void;
  symbolBytes(symbol: number): number;
  symbolLength(symbol: number): number;
  findSymbol(at: number, length: number): number;
  findLabel(tenant: number, name: number): number;
  findValue(label: number, value: number): number;
  listLabels(tenant: number, out: number, limit: number): number;
  listValues(label: number, cursor: number, out: number, limit: number): number;
  postingsCount(entry: number): number;
  readPostings(entry: number, out: number): number;
  anyInRange(entry: number, minMs: number, maxMs: number): number;
  filterByTime(list: number, count: number, minMs: number, maxMs: number): number;
  labelColumn(list: number, count: number, name: number, out: number): void;
  labelsAddress(series: number): number;
  lastTime(series: number): number;
  read(series: number, minMs: number, maxMs: number): number;
  readFirst(): number;
  hasReferences(series: number): number;
  samplesMax(series: number, minMs: number, maxMs: number): number;
  findMany(list: number, count: number, out: number): void;
  readIds(list: number, count: number, out: number): void;
  cutBegin(endMs: number, idleBeforeMs: number): number;
  cutList(from: number, minMs: number, maxMs: number, out: number, limit: number): number;
  cutWindows(out: number, limit: number): number;
  cutWindowsOf(series: number, out: number, limit: number): number;
  hasCutIn(series: number, minMs: number, maxMs: number): number;
  readCut(series: number, minMs: number, maxMs: number): number;
  cutSamplesMax(series: number, minMs: number, maxMs: number): number;
  cutDrop(): number;
  cutCancel(): void;
  deleteRange(list: number, count: number, minMs: number, maxMs: number): number;
  startsOf(series: number): number;
  clockMs(): number;
  takeChangedFrom(): number;
}

// Addresses of kernels/head/root.ts and read.ts.
export const ROOT = 1024;
export const SCRATCH = 131072;
export const STATE_BASE = 67108864;
export const READ_SAMPLES_MAX = 1_000_000;
export const READ_TIMES = SCRATCH;
export const READ_VALUES = READ_TIMES + READ_SAMPLES_MAX * 8;
/** Scratch that callers may fill with batches, lists and texts. */
export const SCRATCH_BYTES = 48 * 1024 * 1024;
export const LAYOUT_VERSION = 4;
/** The most that a wasm32 memory can have. */
export const MEMORY_BYTES_MAX = 65536 * 65536;

/** Slot, labels, symbols, postings and places in tables of a series with some ten labels. */
const SERIES_BYTES = 256;

const counterOffsets = {
  samples: 368,
  duplicates: 376,
  conflicts: 384,
  outOfOrder: 392,
  staleUnknown: 400,
  columns: 408,
  batches: 432,
  liveBytes: 440,
  lateHeld: 464,
  samplesGone: 472,
  blobs: 520,
  exemplarBytes: 664,
  exemplarsAppended: 672,
  exemplarsDuplicate: 680,
  exemplarsOutOfOrder: 688,
  exemplarsUnknown: 696,
  exemplarsDropped: 704,
} as const;
export type HeadCounters = Record<keyof typeof counterOffsets, number>;

export class HeadMemory {
  readonly kernel: HeadExports;
  #bytes: Uint8Array = new Uint8Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #doubles: Float64Array = new Float64Array(0);
  #longs: BigInt64Array = new BigInt64Array(0);

  constructor(module: WebAssembly.Module) {
    this.kernel = new WebAssembly.Instance(module, {}).exports as unknown as HeadExports;
    this.kernel.init();
  }

  #refresh(): void {
    const { buffer } = this.kernel.memory;
    if (this.#bytes.buffer === buffer) return;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#longs = new BigInt64Array(buffer);
  }

  get bytes(): Uint8Array {
    this.#refresh();
    return this.#bytes;
  }
  get words(): Uint32Array {
    this.#refresh();
    return this.#words;
  }
  get doubles(): Float64Array {
    this.#refresh();
    return this.#doubles;
  }

  /** End of the used state: the image goes up to here. */
  get brk(): number {
    return this.words[(ROOT + 8) >> 2];
  }
  get seriesCount(): number {
    return this.words[(ROOT + 12) >> 2];
  }
  /** Series without samples. */
  get emptySeries(): number {
    return this.words[(ROOT + 480) >> 2];
  }
  /** Of those the ones that the next sweep takes. */
  get deadSeries(): number {
    return this.words[(ROOT + 484) >> 2];
  }
  /** Series that hold start times of others, and are not dead. */
  get companions(): number {
    return this.words[(ROOT + 528) >> 2];
  }
  /** Series that have samples or are named, start times left out. */
  get liveSeries(): number {
    return this.seriesCount - this.deadSeries - this.companions;
  }
  /** Series that the last sweep left; 0 before the first. */
  get seriesAtSweep(): number {
    return this.words[(ROOT + 488) >> 2];
  }
  get sweeps(): number {
    return this.words[(ROOT + 492) >> 2];
  }
  /** Changes when samples left, and with it possibly the meaning of series and symbol numbers. */
  get generation(): number {
    return this.words[(ROOT + 460) >> 2];
  }
  /** The time of the data (kernels/head/clock.ts); -2^53 before the first sample. */
  get clockMs(): number {
    return Math.max(this.kernel.clockMs(), -(2 ** 53));
  }
  /** Samples that came late and are still here. */
  get lateSamples(): number {
    this.#refresh();
    return Number(this.#longs[(ROOT + counterOffsets.lateHeld) >> 3]);
  }
  /**
   * Share of the memory that is in use, 0..1. What is free is used again, so it counts for nothing; unless there is nothing left to
   * grow into and not much is free.
   */
  get fullness(): number {
    this.#refresh();
    const limit = MEMORY_BYTES_MAX - STATE_BASE;
    const live = Number(this.#longs[(ROOT + counterOffsets.liveBytes) >> 3]) / limit;
    const grown = (this.brk - STATE_BASE) / limit;
    return grown > 0.97 && live > 0.7 ? grown : live;
  }
  /** What samples take, about: all that is in use, less what series and their index take. May be negative. */
  get sampleBytes(): number {
    this.#refresh();
    const live = Number(this.#longs[(ROOT + counterOffsets.liveBytes) >> 3]);
    const exemplars = Number(this.#longs[(ROOT + counterOffsets.exemplarBytes) >> 3]);
    return live - exemplars - this.seriesCount * SERIES_BYTES;
  }
  /** Numbers of symbols are below this; some may be free. */
  get symbolCount(): number {
    return this.words[(ROOT + 296) >> 2];
  }
  /** Times of the oldest and newest sample, or null if there is none. */
  get timeRange(): { minMs: number; maxMs: number } | null {
    this.#refresh();
    const minMs = Number(this.#longs[(ROOT + 416) >> 3]);
    const maxMs = Number(this.#longs[(ROOT + 424) >> 3]);
    return minMs > maxMs ? null : { minMs, maxMs };
  }
  /** Exemplars that there are, and series that have some. */
  get exemplarCount(): number {
    return this.words[(ROOT + 652) >> 2];
  }
  get exemplarSeries(): number {
    return this.words[(ROOT + 648) >> 2];
  }
  /** Address of the oldest exemplar, or 0. */
  get oldestExemplar(): number {
    return this.words[(ROOT + 656) >> 2];
  }
  get freeSymbols(): number {
    return this.words[(ROOT + 500) >> 2];
  }
  /** The log position up to which batches are applied. It is part of the image. */
  get position(): { segment: number; offset: number } {
    return { segment: this.doubles[(ROOT + 16) >> 3], offset: this.doubles[(ROOT + 24) >> 3] };
  }
  setPosition(segment: number, offset: number): void {
    this.doubles[(ROOT + 16) >> 3] = segment;
    this.doubles[(ROOT + 24) >> 3] = offset;
  }

  counters(): HeadCounters {
    this.#refresh();
    const read = (offset: number) => Number(this.#longs[(ROOT + offset) >> 3]);
    return Object.fromEntries(
      Object.entries(counterOffsets).map(([name, offset]) => [name, read(offset)]),
    ) as HeadCounters;
  }

  /** Back to the state of a new instance. */
  reset(): void {
    const end = this.kernel.memory.buffer.byteLength;
    // An image that turned out bad may have been read beyond what the root says.
    this.bytes.fill(0, 0, SCRATCH);
    this.bytes.fill(0, STATE_BASE, end);
    this.kernel.init();
  }

  /** Copies numbers to the start of scratch memory. */
  listToScratch(numbers: Uint32Array): void {
    invariant(numbers.length * 4 <= SCRATCH_BYTES, 'a list fits the scratch memory', { numbers: numbers.length });
    this.words.set(numbers, SCRATCH >> 2);
  }

  /** A copy of `count` words in scratch memory from `offset` bytes on. */
  fromScratch(count: number, offset = 0): Uint32Array {
    const from = (SCRATCH + offset) >> 2;
    return this.words.slice(from, from + count);
  }

  /** Copies bytes to the start of scratch memory. */
  toScratch(source: Uint8Array): void {
    invariant(source.length <= SCRATCH_BYTES, 'input fits the scratch memory', { bytes: source.length });
    this.bytes.set(source, SCRATCH);
  }

  /** Makes the memory hold `bytes` in all, for an image that is about to be read into it. */
  growTo(bytes: number): void {
    const missing = bytes - this.kernel.memory.buffer.byteLength;
    if (missing > 0) this.kernel.memory.grow(Math.ceil(missing / 65536));
  }
}
