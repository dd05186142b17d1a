// The head of a shard: applies batches, finds symbols and labels, reads series. State is only in the kernel's memory, so that a copy
// of it is an image; what this class keeps besides are caches of strings.
import { invariant, utf8, utf8Text } from '../base/index.ts';
import type { LogPosition } from '../io/index.ts';
import { type HistogramSamples, Labels, type StartTimes } from '../model/index.ts';
import { resolveBlobs } from './head-blobs.ts';
import { HeadMemory, READ_TIMES, READ_VALUES, SCRATCH } from './head-memory.ts';
import { joinStarts } from './head-starts.ts';

export const NO_SYMBOL = 0xffffffff;
export const NO_SERIES = 0xffffffff;

/** Times that the kernel takes: exact integers. */
export const clampMs = (ms: number): number => Math.max(-(2 ** 53), Math.min(2 ** 53, ms));

/** Numbers that the kernel takes or gives in one call. */
const LIST_PART = 1_000_000;
const ID_WORDS = 4;

/** Where samples are copied to: a SampleColumn, or the memory of the block kernel. */
interface SampleTarget {
  ts: Float64Array;
  vsWords: Uint32Array;
  readonly histograms?: HistogramSamples;
  readonly starts?: StartTimes;
}

/** Of the kernel: leaves samples in scratch memory, and says how many; -1 if they are too many. */
type Read = (series: number, minMs: number, maxMs: number) => number;

/** Labels as symbols. `pairs`: name, value, name, value, ... in the order of names. */
export interface LabelRefs {
  tenant: number;
  readonly pairs: number[];
}

/** Codes of kernels/head/apply.ts. */
const applyErrors: Record<number, string> = {
  [-1]: 'it is cut off',
  [-2]: 'its version is not known',
  [-3]: 'it has a section that is not known',
  [-4]: 'its numbering does not continue the segment',
  [-5]: 'it refers to what the segment does not define',
  [-6]: 'a section has bytes left over',
  [-7]: 'the series directory is full',
  [-8]: 'a time is out of range',
  [-9]: 'a histogram is too short',
  [-10]: 'an exemplar is malformed',
};

/** The newest samples of one shard: state in the linear memory of a kernel, with a view of it in objects. */
export class Head {
  readonly memory: HeadMemory;
  /** Texts of symbols, by number. Bounded by the symbols there are. */
  readonly #texts: (string | undefined)[] = [];
  readonly #refs: LabelRefs = { tenant: 0, pairs: [] };

  constructor(module: WebAssembly.Module) {
    this.memory = new HeadMemory(module);
  }

  /** A new segment of the log begins. */
  beginSegment(): void {
    this.memory.kernel.beginSegment();
  }

  /** Applies one record of the log; returns the least time that it touches. `next` is the position after it. */
  apply(payload: Uint8Array, next: LogPosition): number {
    this.memory.toScratch(payload);
    const code = this.memory.kernel.applyBatch(payload.length);
    invariant(code === 0, `cannot apply batch: ${applyErrors[code] ?? code}`, next);
    this.memory.setPosition(next.segment, next.offset);
    return this.memory.kernel.takeChangedFrom();
  }

  /** The text of a symbol. */
  text(symbol: number): string {
    const cached = this.#texts[symbol];
    if (cached !== undefined) return cached;
    const { kernel, bytes } = this.memory;
    const at = kernel.symbolBytes(symbol) >>> 0;
    const text = utf8Text(bytes.subarray(at, at + kernel.symbolLength(symbol)));
    this.#texts[symbol] = text;
    return text;
  }

  /** The symbol of a text, or NO_SYMBOL. */
  symbol(text: string): number {
    const bytes = utf8(text);
    this.memory.toScratch(bytes);
    return this.memory.kernel.findSymbol(SCRATCH, bytes.length) >>> 0;
  }

  /** Tenant and labels of a series, in an object that the next call fills anew. */
  labelRefs(series: number): LabelRefs {
    const { bytes, kernel, seriesCount } = this.memory;
    invariant(series < seriesCount, 'a series that is asked for its labels is there', { series, seriesCount });
    let at = kernel.labelsAddress(series) >>> 0;
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    const refs = this.#refs;
    refs.tenant = varint();
    refs.pairs.length = 0;
    for (let left = 2 * varint(); left > 0; left--) refs.pairs.push(varint());
    return refs;
  }

  /** Symbols of a series' labels: name, value, name, value, ... in the order of names. */
  labelSymbols(series: number): number[] {
    return [...this.labelRefs(series).pairs];
  }

  labels(series: number): Labels {
    return Labels.fromSortedPairs(this.labelRefs(series).pairs.map((symbol) => this.text(symbol)));
  }

  /** Ids of series, four words each. */
  ids(series: Uint32Array): Uint32Array {
    const ids = new Uint32Array(series.length * ID_WORDS);
    const { memory } = this;
    for (let from = 0; from < series.length; from += LIST_PART) {
      const part = series.subarray(from, from + LIST_PART);
      memory.listToScratch(part);
      memory.kernel.readIds(SCRATCH, part.length, SCRATCH + LIST_PART * 4);
      ids.set(memory.fromScratch(part.length * ID_WORDS, LIST_PART * 4), from * ID_WORDS);
    }
    return ids;
  }

  /** The id of a series: four words. */
  id(series: number): Uint32Array {
    return this.ids(Uint32Array.of(series));
  }

  /** Numbers of the series with these ids, four words each; NO_SERIES where there is none. */
  findIds(ids: Uint32Array): Uint32Array {
    const count = ids.length / ID_WORDS;
    const series = new Uint32Array(count);
    const { memory } = this;
    const out = LIST_PART * ID_WORDS * 4;
    for (let from = 0; from < count; from += LIST_PART) {
      const part = ids.subarray(from * ID_WORDS, (from + LIST_PART) * ID_WORDS);
      memory.listToScratch(part);
      memory.kernel.findMany(SCRATCH, part.length / ID_WORDS, SCRATCH + out);
      series.set(memory.fromScratch(part.length / ID_WORDS, out), from);
    }
    return series;
  }

  /** The series with this id of four words, or NO_SERIES. */
  findSeries(id: Uint32Array): number {
    return this.findIds(id)[0];
  }

  /**
   * Begins a cut (kernels/head/cut.ts): samples before the window of endMs (2^53: all), and all samples of series whose newest is before
   * idleBeforeMs. Returns how many series have samples in it.
   */
  cutBegin(endMs: number, idleBeforeMs: number): number {
    return this.memory.kernel.cutBegin(clampMs(endMs), clampMs(idleBeforeMs)) >>> 0;
  }

  /** Series that have cut samples in [minMs, maxMs], or any, ascending. */
  cutSeries(minMs = -Infinity, maxMs = Infinity): Uint32Array {
    const { memory } = this;
    const parts: Uint32Array[] = [];
    let from = 0;
    for (;;) {
      const count = memory.kernel.cutList(from, clampMs(minMs), clampMs(maxMs), SCRATCH, LIST_PART);
      const part = memory.fromScratch(count);
      parts.push(part);
      if (count < LIST_PART) break;
      from = part[count - 1] + 1;
    }
    const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** Beginnings of the windows in which there are cut samples, of one series or of all, ascending. */
  cutWindows(series?: number): Float64Array {
    const { kernel } = this.memory;
    const count =
      series === undefined ? kernel.cutWindows(SCRATCH, LIST_PART) : kernel.cutWindowsOf(series, SCRATCH, LIST_PART);
    invariant(count < LIST_PART, 'the windows of a cut fit the scratch memory', { count });
    return this.memory.doubles.slice(SCRATCH >> 3, (SCRATCH >> 3) + count).reverse();
  }

  /** Whether a series may have cut samples in [minMs, maxMs]. */
  hasCut(series: number, minMs: number, maxMs: number): boolean {
    return this.memory.kernel.hasCutIn(series, clampMs(minMs), clampMs(maxMs)) !== 0;
  }

  /** Copies the cut samples of a series in [minMs, maxMs], in time order, into a target that makes room. Returns how many. Histograms and start times go aside. */
  readCut(
    series: number,
    minMs: number,
    maxMs: number,
    into: SampleTarget & { reserve(samples: number): void },
    histograms?: HistogramSamples,
    starts?: StartTimes,
  ): number {
    const { kernel } = this.memory;
    into.reserve(kernel.cutSamplesMax(series, clampMs(minMs), clampMs(maxMs)) >>> 0);
    const count = this.#copy(kernel.readCut, series, clampMs(minMs), clampMs(maxMs), into, 0);
    if (this.mayHaveBlobs(series)) resolveBlobs(this.memory, into.vsWords, 0, count, histograms);
    starts?.clear();
    if (starts) this.#readStarts(kernel.readCut, series, clampMs(minMs), clampMs(maxMs), into.ts, 0, count, starts);
    return count;
  }

  /** Copies the samples of a series in [minMs, maxMs] behind the `at` samples that are there. Returns how many. */
  readSeries(series: number, minMs: number, maxMs: number, into: SampleTarget, at: number): number {
    const count = this.#copy(this.memory.kernel.read, series, clampMs(minMs), clampMs(maxMs), into, at);
    if (this.mayHaveBlobs(series)) resolveBlobs(this.memory, into.vsWords, at, at + count, into.histograms);
    if (into.starts) {
      const { read } = this.memory.kernel;
      this.#readStarts(read, series, clampMs(minMs), clampMs(maxMs), into.ts, at, count, into.starts);
    }
    return count;
  }

  /** The series whose samples are the start times of this one's; NO_SERIES if there are none. */
  startsOf(series: number): number {
    return this.memory.kernel.startsOf(series) >>> 0;
  }

  /** Start times of the samples of a series that were copied to [at, at + count). */
  #readStarts(
    read: Read,
    series: number,
    minMs: number,
    maxMs: number,
    ts: Float64Array,
    at: number,
    count: number,
    starts: StartTimes,
  ): void {
    const companion = this.startsOf(series);
    if (companion === NO_SERIES || count === 0) starts.none(at, count);
    else joinStarts(this.memory, read, companion, minMs, maxMs, ts.subarray(at, at + count), starts, at);
  }

  /** Whether there may be native histograms among the samples of a series. */
  mayHaveBlobs(series: number): boolean {
    return this.memory.kernel.hasReferences(series) !== 0;
  }

  /** Reads, and copies; a range too large for the kernel's buffers in halves. */
  #copy(read: Read, series: number, minMs: number, maxMs: number, into: SampleTarget, at: number): number {
    const count = read(series, minMs, maxMs);
    if (count < 0) {
      invariant(maxMs > minMs, 'one millisecond of a series fits the read buffers');
      const middle = Math.floor((minMs + maxMs) / 2);
      const copied = this.#copy(read, series, minMs, middle, into, at);
      return copied + this.#copy(read, series, middle + 1, maxMs, into, at + copied);
    }
    const { doubles, words, kernel } = this.memory;
    const first = kernel.readFirst();
    const times = (READ_TIMES >> 3) + first;
    const values = (READ_VALUES >> 2) + 2 * first;
    into.ts.set(doubles.subarray(times, times + count), at);
    into.vsWords.set(words.subarray(values, values + 2 * count), 2 * at);
    return count;
  }

  /**
   * Ends a cut: its samples leave the memory, and after them series that have none. Numbers of series and symbols may mean others then.
   * Returns how many series died.
   */
  cutDrop(): number {
    const { memory } = this;
    const { sweeps } = memory;
    const dead = memory.kernel.cutDrop() >>> 0;
    if (memory.sweeps !== sweeps) this.#texts.length = 0;
    return dead;
  }

  /** Forgets a cut: its samples stay for the next one. */
  cutCancel(): void {
    this.memory.kernel.cutCancel();
  }

  /**
   * Deletes the samples in [minMs, maxMs] of series: of many in one call, since each call walks over all. Returns how many samples
   * there were.
   */
  deleteRange(series: number | Uint32Array, minMs: number, maxMs: number): number {
    const list = typeof series === 'number' ? Uint32Array.of(series) : series;
    let deleted = 0;
    for (let from = 0; from < list.length; from += LIST_PART) {
      const part = list.subarray(from, from + LIST_PART);
      this.memory.listToScratch(part);
      deleted += this.memory.kernel.deleteRange(SCRATCH, part.length, clampMs(minMs), clampMs(maxMs));
    }
    return deleted;
  }

  /** Back to empty, memory and all: for tests that need many heads, since each instance reserves address space. */
  reset(): void {
    this.memory.reset();
    this.#texts.length = 0;
  }
}
