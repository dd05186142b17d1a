// Writes a block file, series by series in their order. Pages go to disk as they fill (flush), index chunks are compressed as they fill and
// wait in memory: some ten bytes per series. Nothing but the input decides the bytes: no clock, no randomness.
import { freeBytes, invariant } from '../../base/index.ts';
import type { Files, OpenFile } from '../../io/index.ts';
import type { BlockKernel } from '../../kernel/index.ts';
import { type HistogramSamples, METRIC_NAME, type StartTimes } from '../../model/index.ts';
import {
  BLOCK_VERSION,
  BLOCK_VERSION_STARTS,
  type BlockMeta,
  type BlockMetaInput,
  encodeFooter,
  encodeHeader,
} from './block-format.ts';
import { copyHistograms, firstHistogram } from '../histogram-moves.ts';
import type { Breathe } from '../slices.ts';
import { IndexWriter } from './index-writer.ts';
import { PageWriter, TIME_PAGE, VALUE_PAGE } from './pages.ts';
import { RecentColumns } from './recent-columns.ts';
import { compareSeries } from './series-order.ts';
import { encodeSamples, hasStarts } from './start-column.ts';
import { type SymbolList, encodeSymbolChunk, findSymbol, symbolText } from './symbols.ts';
import { TIMES_PER_CHUNK, TimesWriter } from './times.ts';

/** Samples of one part of a series: longer series are written, and read, in several. */
export const PART_SAMPLES_MAX = 262_144;
/** Bytes of native histograms of one part: it is decoded as a whole. */
export const PART_HISTOGRAM_BYTES = 131_072;
/** Sealed pages that wait beyond this are due to be written. */
const FLUSH_BYTES = 1 << 20;
const SYMBOL_SAVING_MIN = 0.03;

const noHistograms: HistogramSamples = { at: [], bytes: [] };
const stay: Breathe = () => undefined;

/** Parent directory of a path. */
export const directoryOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** Where the part ends that begins with sample `from`. */
function partEnd(from: number, count: number, histograms: HistogramSamples): number {
  const { at, bytes } = histograms;
  const end = Math.min(from + PART_SAMPLES_MAX, count);
  const first = firstHistogram(histograms, from);
  let total = 0;
  for (let h = first; h < at.length && at[h] < end; h++) {
    total += bytes[h].length;
    if (total > PART_HISTOGRAM_BYTES && h > first) return at[h];
  }
  return end;
}

/** One block file in the making, at `path`.tmp until it is finished. */
export class BlockWriter {
  readonly path: string;
  readonly #files: Files;
  readonly #file: OpenFile;
  readonly #kernel: BlockKernel;
  readonly #symbols: SymbolList;
  readonly #pages = new PageWriter();
  readonly #times = new TimesWriter(this.#pages);
  readonly #recent = new RecentColumns();
  readonly #index: IndexWriter;
  readonly #metricName: number;
  readonly #breathe: Breathe;
  #written = 0;
  /** Columns of values that are stored. */
  #columns = 0;
  #samples = 0;
  #minMs = Infinity;
  #maxMs = -Infinity;
  #tenants: { symbol: number; series: number; samples: number }[] = [];
  #labelsBefore: number[] = [];
  #tenantBefore = -1;
  #isOpen = false;
  #partsOfSeries = 0;
  #hasStarts = false;

  private constructor(
    files: Files,
    path: string,
    file: OpenFile,
    kernel: BlockKernel,
    symbols: SymbolList,
    breathe: Breathe,
  ) {
    this.#files = files;
    this.path = path;
    this.#file = file;
    this.#kernel = kernel;
    this.#symbols = symbols;
    this.#breathe = breathe;
    this.#metricName = findSymbol(symbols, METRIC_NAME);
    this.#index = new IndexWriter(symbols.count);
  }

  /**
   * Opens `path`.tmp for writing; one that a crash left is overwritten. `symbols` has every tenant, label name and label value that
   * will be used; more do no harm.
   */
  static async create(
    files: Files,
    path: string,
    kernel: BlockKernel,
    symbols: SymbolList,
    breathe: Breathe = stay,
  ): Promise<BlockWriter> {
    const file = await files.open(`${path}.tmp`, 'write');
    try {
      await file.truncate(0);
      const writer = new BlockWriter(files, path, file, kernel, symbols, breathe);
      await file.write(encodeHeader(BLOCK_VERSION), 0);
      writer.#written = writer.#pages.offset;
      await writer.#writeSymbols();
      return writer;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #writeSymbols(): Promise<void> {
    for (let from = 0; from < this.#symbols.count; ) {
      const { raw, count, key } = encodeSymbolChunk(this.#symbols, from);
      this.#index.addChunk('symbols', raw, count, key, SYMBOL_SAVING_MIN);
      from += count;
      await this.#breathe();
    }
  }

  /**
   * The next series, with its samples in kernel.ts and kernel.vs [0, count). `labels` are name, value, ... as symbol numbers, ascending
   * by name; `id` is four words; values at the places of `histograms` do not matter. `starts`: start times, null for none. Series come
   * in the order of compareSeries.
   */
  add(
    tenant: number,
    labels: ArrayLike<number>,
    id: Uint32Array,
    count: number,
    histograms: HistogramSamples = noHistograms,
    starts: StartTimes | null = null,
  ): void {
    this.begin(tenant, labels, id);
    this.samples(count, histograms, starts);
    this.end();
  }

  /** Starts a series whose samples come in parts. */
  begin(tenant: number, labels: ArrayLike<number>, id: Uint32Array): void {
    invariant(!this.#isOpen, 'a series is begun when the one before has ended');
    const order = this.#tenantBefore < 0 ? 1 : this.#orderAfterLast(tenant, labels);
    invariant(order > 0, 'series are added to a block in their order', { tenant, labels: Array.from(labels) });
    if (tenant !== this.#tenantBefore) this.#tenants.push({ symbol: tenant, series: 0, samples: 0 });
    this.#tenantBefore = tenant;
    this.#labelsBefore.length = labels.length;
    for (let i = 0; i < labels.length; i++) this.#labelsBefore[i] = labels[i];
    this.#index.begin(tenant, labels, id);
    this.#isOpen = true;
    this.#partsOfSeries = 0;
  }

  #orderAfterLast(tenant: number, labels: ArrayLike<number>): number {
    return compareSeries(
      this.#metricName,
      tenant,
      labels,
      labels.length,
      this.#tenantBefore,
      this.#labelsBefore,
      this.#labelsBefore.length,
    );
  }

  /** The next samples of the series, in kernel.ts and kernel.vs [0, count), later than those before: a part, or several. */
  samples(count: number, histograms: HistogramSamples = noHistograms, starts: StartTimes | null = null): void {
    invariant(this.#isOpen && count > 0, 'samples belong to a series', { count });
    if (partEnd(0, count, histograms) === count) this.#part(count, histograms, starts, 0);
    else this.#inParts(count, histograms, starts);
  }

  #inParts(count: number, histograms: HistogramSamples, starts: StartTimes | null): void {
    const ts = this.#kernel.ts.slice(0, count);
    const words = this.#kernel.vsWords.slice(0, 2 * count);
    for (let from = 0; from < count; ) {
      const to = partEnd(from, count, histograms);
      this.#kernel.ts.set(ts.subarray(from, to));
      this.#kernel.vsWords.set(words.subarray(2 * from, 2 * to));
      const own: HistogramSamples = { at: [], bytes: [] };
      copyHistograms(histograms, from, to, own, -from);
      this.#part(to - from, own, starts, from);
      from = to;
    }
  }

  #part(count: number, histograms: HistogramSamples, starts: StartTimes | null, from: number): void {
    const { ts } = this.#kernel;
    const times = this.#addTimes(this.#kernel.encodeTimes(count), count, ts[0], ts[count - 1]);
    this.#addValues(encodeSamples(this.#kernel, count, histograms, starts, from), count, times);
  }

  /** The next part as columns that were encoded before: a copy of another block's. */
  encodedSamples(times: Uint8Array, values: Uint8Array, count: number, minMs: number, maxMs: number): void {
    invariant(this.#isOpen, 'samples belong to a series');
    this.#addValues(values, count, this.#addTimes(times, count, minMs, maxMs));
  }

  #addTimes(column: Uint8Array, count: number, minMs: number, maxMs: number): number {
    if (minMs < this.#minMs) this.#minMs = minMs;
    if (maxMs > this.#maxMs) this.#maxMs = maxMs;
    const times = this.#times.add(column, count, minMs, maxMs);
    if (this.#times.chunkCount >= TIMES_PER_CHUNK) this.#endTimes();
    return times;
  }

  #addValues(column: Uint8Array, count: number, times: number): void {
    this.#hasStarts ||= hasStarts(column);
    const part = this.#index.chunkParts;
    if (part === 0) this.#recent.clear();
    const equal = this.#recent.find(column, part);
    if (equal >= 0) this.#index.sharedPart(part - equal, times);
    else this.#index.part(this.#columns++, this.#pages.append(VALUE_PAGE, column), column.length, times);
    this.#samples += count;
    this.#tenants[this.#tenants.length - 1].samples += count;
    this.#partsOfSeries++;
  }

  end(): void {
    invariant(this.#partsOfSeries > 0, 'a series in a block has samples');
    this.#index.end();
    this.#tenants[this.#tenants.length - 1].series++;
    this.#isOpen = false;
  }

  #endTimes(): void {
    const count = this.#times.chunkCount;
    if (count > 0) this.#index.addChunk('times', this.#times.takeChunk(), count);
  }

  /** Series so far. */
  get seriesCount(): number {
    return this.#index.seriesCount;
  }

  get samplesCount(): number {
    return this.#samples;
  }

  /** Bytes that wait for flush(). */
  get pendingBytes(): number {
    return this.#pages.pendingBytes;
  }

  /** Whether enough waits that flush() should be awaited before the next series. */
  get isFlushDue(): boolean {
    return this.pendingBytes >= FLUSH_BYTES;
  }

  /** Writes the pages that are complete. */
  async flush(): Promise<void> {
    const pages = this.#pages.takeSealed();
    if (pages.length === 0) return;
    await this.#file.writev(pages, this.#written);
    pages.forEach(freeBytes);
    this.#written = this.#pages.offset;
  }

  /** Writes what is left, the index and the footer; makes all durable and gives the file its name. There must be a series. */
  async finish(meta: BlockMetaInput): Promise<BlockMeta> {
    invariant(!this.#isOpen && this.seriesCount > 0, 'a block is finished when it has a series and none is open');
    this.#pages.seal(VALUE_PAGE);
    // The last page of times stands next to the index: both come with one read.
    const lastTimes = this.#pages.seal(TIME_PAGE);
    await this.flush();
    this.#endTimes();
    await this.#index.finish(this.#breathe);
    this.#index.addChunk('pages', this.#pages.encodeDirectory(), 1);
    const full = this.#meta(meta);
    await this.#writeIndex(full, this.#written - lastTimes);
    if (this.#hasStarts) await this.#file.write(encodeHeader(full.version), 0);
    await this.#file.sync();
    await this.#file.close();
    await this.#files.rename(`${this.path}.tmp`, this.path);
    await this.#files.syncDirectory(directoryOf(this.path));
    return full;
  }

  async #writeIndex(meta: BlockMeta, indexOffset: number): Promise<void> {
    const { chunks } = this.#index;
    const chunksOffset = this.#written;
    let group: Uint8Array[] = [];
    let groupBytes = 0;
    const write = async () => {
      await this.#file.writev(group, this.#written);
      this.#written += groupBytes;
      group = [];
      groupBytes = 0;
    };
    for (const { stored } of chunks) {
      group.push(stored);
      groupBytes += stored.length;
      if (groupBytes >= FLUSH_BYTES) await write();
    }
    group.push(encodeFooter(meta, chunks, indexOffset, chunksOffset));
    groupBytes += group[group.length - 1].length;
    await write();
  }

  #meta(input: BlockMetaInput): BlockMeta {
    return {
      version: this.#hasStarts ? BLOCK_VERSION_STARTS : BLOCK_VERSION,
      shard: input.shard,
      windowStartMs: input.windowStartMs,
      windowEndMs: input.windowEndMs,
      level: input.level,
      minMs: this.#minMs,
      maxMs: this.#maxMs,
      position: { segment: input.position.segment, offset: input.position.offset },
      ...(input.firstPosition && {
        firstPosition: { segment: input.firstPosition.segment, offset: input.firstPosition.offset },
      }),
      deletesThrough: { segment: input.deletesThrough.segment, offset: input.deletesThrough.offset },
      sources: [...input.sources],
      series: this.seriesCount,
      samples: this.#samples,
      tenants: this.#tenants.map(({ symbol, series, samples }) => ({
        tenant: symbolText(this.#symbols, symbol),
        series,
        samples,
      })),
    };
  }

  /** Closes and removes the unfinished file. */
  async abort(): Promise<void> {
    await this.#file.close();
    await this.#files.remove(`${this.path}.tmp`);
  }
}
