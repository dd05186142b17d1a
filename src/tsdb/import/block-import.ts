// History from elsewhere into block files of a data directory that no server uses: series and samples in any order, through a spool
// on disk, into one block per shard and span. Spans are windows of 2 h for the last day before the newest sample, whole days before.
// The log knows nothing of them: their positions are in segment 0, before it, in the order of the imports. So of equal timestamps the
// first import's count, and imported ones before those of the log.
import type { Files, LogPosition } from '../../io/index.ts';
import { type BlockKernel, KeyedHash } from '../../kernel/index.ts';
import { type HistogramSamples, type Labels, StartTimes } from '../../model/index.ts';
import { SampleBuffer } from '../../wire/index.ts';
import { LEVEL_SPANS_MS, WINDOW_MS, blockDirectory, blockFileName } from '../block-name.ts';
import { BlockWriter, PART_SAMPLES_MAX } from '../block/block-writer.ts';
import { decodeSamples, isPlain } from '../block/start-column.ts';
import { symbolList } from '../block/symbols.ts';
import type { BlockMeta } from '../block/block-format.ts';
import { copyHistograms } from '../histogram-moves.ts';
import { type TakenPositions, takenPositions } from '../inspect.ts';
import { listSegments, segmentPath } from '../log-segments.ts';
import type { Manifest } from '../manifest.ts';
import type { Breathe } from '../slices.ts';
import { type OrderedSeries, SeriesTable } from './series-table.ts';
import { DAY_MS, type SampleArrays, Spool, type SpooledDay } from './spool.ts';

/** A native histogram that waits to be put among the other samples. */
interface FoundHistogram {
  readonly timeMs: number;
  readonly startMs: number;
  readonly bytes: Uint8Array;
}

const NO_HISTOGRAMS: HistogramSamples = { at: [], bytes: [] };
const SPOOL = 'import.tmp';
const START: LogPosition = { segment: 0, offset: 0 };
const DAY_LEVEL = LEVEL_SPANS_MS.indexOf(DAY_MS);

/** What an import works on. */
export interface BlockImportOptions {
  readonly files: Files;
  readonly kernel: BlockKernel;
  readonly manifest: Manifest;
  readonly tenant: string;
  /** Called often; may let others run. */
  readonly breathe: Breathe;
  /** Hears of samples that are in a block now. */
  readonly onWritten: (samples: number) => void;
}

/** A block that an import wrote. */
export interface ImportedBlock {
  readonly path: string;
  readonly meta: BlockMeta;
}

interface Span {
  readonly startMs: number;
  readonly endMs: number;
  readonly level: number;
}

/** Spans of a day: whole if all of it is more than a day before the newest sample. */
function spansOf(dayMs: number, newestMs: number): Span[] {
  if (dayMs + 2 * DAY_MS <= newestMs) return [{ startMs: dayMs, endMs: dayMs + DAY_MS, level: DAY_LEVEL }];
  return Array.from({ length: DAY_MS / WINDOW_MS }, (_, i) => {
    const startMs = dayMs + i * WINDOW_MS;
    return { startMs, endMs: startMs + WINDOW_MS, level: 0 };
  });
}

/** One import: samples in, then finish() or abort(). The caller holds the directory's lock. */
export class BlockImport {
  readonly #options: BlockImportOptions;
  readonly #spool: Spool;
  readonly #table = new SeriesTable();
  readonly #merged = new SampleBuffer();
  /** Native histograms of the series at hand, and then their places among all its samples. */
  #found: FoundHistogram[] = [];
  #histograms: HistogramSamples = { at: [], bytes: [] };
  #taken: TakenPositions = { paths: new Set(), nextOffsets: [] };

  private constructor(options: BlockImportOptions, spool: Spool) {
    this.#options = options;
    this.#spool = spool;
  }

  static async open(options: BlockImportOptions): Promise<BlockImport> {
    return new BlockImport(options, await Spool.open(options.files, SPOOL, options.kernel));
  }

  /** Takes a series in; returns its number. */
  series(labels: Labels): number {
    return this.#table.add(labels);
  }

  /** Adds samples [0, count) of a series, ascending by time; values at the places of histograms do not matter. */
  samples(series: number, samples: SampleArrays, count: number, histograms: HistogramSamples = NO_HISTOGRAMS): void {
    this.#spool.add(series, samples, count, histograms);
  }

  get isFlushDue(): boolean {
    return this.#spool.isFlushDue;
  }

  /** Writes what waits in memory to the spool. */
  flush(): Promise<void> {
    return this.#spool.flush();
  }

  get sampleCount(): number {
    return this.#spool.sampleCount;
  }

  /** Writes the blocks, all or, if it fails, none; `newestMs` if a later sample than those of this import is known. */
  async finish(newestMs = -Infinity): Promise<ImportedBlock[]> {
    await this.#spool.flush();
    this.#taken = await takenPositions(this.#options.files, this.#options.manifest.shards);
    const { manifest, tenant, breathe } = this.#options;
    const identity = { tenant, hash: new KeyedHash(manifest.key), shards: manifest.shards };
    const order = await this.#table.order(identity, breathe);
    const blocks: ImportedBlock[] = [];
    try {
      await this.#writeDays(order, Math.max(newestMs, this.#spool.maxMs), blocks);
    } catch (error) {
      for (const { path } of blocks) await this.#options.files.remove(path);
      throw error;
    }
    for (const directory of ['blocks', '']) await this.#options.files.syncDirectory(directory);
    await this.#spool.remove();
    return blocks;
  }

  async #writeDays(order: OrderedSeries, newestMs: number, blocks: ImportedBlock[]): Promise<void> {
    for (const dayMs of this.#spool.days) {
      const day = await this.#spool.openDay(dayMs);
      try {
        await this.#writeDay(day, order, spansOf(dayMs, newestMs), blocks);
      } finally {
        await day.close();
      }
      await this.#spool.removeDay(dayMs);
    }
  }

  /** Removes what was spooled; blocks that are written stay. */
  abort(): Promise<void> {
    return this.#spool.remove();
  }

  async #writeDay(
    day: SpooledDay,
    order: OrderedSeries,
    spans: readonly Span[],
    blocks: ImportedBlock[],
  ): Promise<void> {
    const { series, count, offsets, firstMs, lastMs } = day.directory;
    const placeOf = (run: number) => order.placeOf[series[run]];
    const shardOf = (run: number) => order.shards[placeOf(run)];
    const sorted = new Uint32Array(count).map((_, i) => i);
    sorted.sort((a, b) => shardOf(a) - shardOf(b) || placeOf(a) - placeOf(b) || offsets[a] - offsets[b]);
    for (let from = 0; from < count; ) {
      const shard = shardOf(sorted[from]);
      let to = from + 1;
      while (to < count && shardOf(sorted[to]) === shard) to++;
      const runs = sorted.subarray(from, to);
      from = to;
      for (const span of spans) {
        const inSpan = runs.filter((run) => lastMs[run] >= span.startMs && firstMs[run] < span.endMs);
        const block = inSpan.length > 0 ? await this.#writeBlock({ day, order, span, shard, runs: inSpan }) : null;
        if (block) blocks.push(block);
      }
    }
  }

  /** Writes one block; null if the runs have gaps where the span is. */
  async #writeBlock(plan: BlockPlan): Promise<ImportedBlock | null> {
    const { files, kernel, breathe } = this.#options;
    const { order, span, shard } = plan;
    const { path, position } = await this.#freePlace(span, shard);
    const { symbols, numberOf } = symbolsOf(plan);
    const writer = await BlockWriter.create(files, path, kernel, symbols, breathe);
    try {
      for (const [place, runs] of seriesOf(plan)) {
        await this.#gather(plan, runs);
        if (this.#merged.count === 0) continue;
        const labels = order.labels(place).map((symbol) => numberOf[symbol]);
        writer.begin(numberOf[order.tenant], labels, order.ids.subarray(4 * place, 4 * place + 4));
        this.#writeSamples(writer);
        writer.end();
        if (writer.isFlushDue) await writer.flush();
        this.#options.onWritten(this.#merged.count);
        await breathe();
      }
      if (writer.seriesCount === 0) {
        await writer.abort();
        return null;
      }
      const { level, startMs: windowStartMs, endMs: windowEndMs } = span;
      const deletesThrough = await logEnd(files, shard);
      const spanMeta = { shard, windowStartMs, windowEndMs, level };
      return { path, meta: await writer.finish({ ...spanMeta, position, sources: [], deletesThrough }) };
    } catch (error) {
      await writer.abort();
      throw error;
    }
  }

  /** Samples of a series' runs within the span, ascending, into the buffer. */
  async #gather({ day, span }: BlockPlan, runs: readonly number[]): Promise<void> {
    const { kernel } = this.#options;
    const merged = this.#merged;
    merged.clear();
    this.#found = [];
    for (const number of runs) {
      const { count, times, values } = await day.run(number);
      const isWhole = day.directory.firstMs[number] >= span.startMs && day.directory.lastMs[number] < span.endMs;
      const from = isWhole ? 0 : kernel.lowerBound(times, span.startMs);
      const to = isWhole ? count : kernel.lowerBound(times, span.endMs);
      if (from >= to) continue;
      kernel.reserve(to - from);
      if (!isPlain(values)) this.#takeMixed(times, values, from, to);
      else {
        kernel.decodeTimes(times, from, to);
        kernel.decodeValues(values, from, to);
        merged.append(kernel, to - from);
      }
    }
    merged.sortByTime();
    this.#histograms = this.#found.length > 0 ? insertHistograms(merged, this.#found) : NO_HISTOGRAMS;
  }

  /** Samples [from, to) of a run with histograms, which are put aside, or start times. */
  #takeMixed(times: Uint8Array, values: Uint8Array, from: number, to: number): void {
    const { kernel } = this.#options;
    kernel.decodeTimes(times, from, to);
    const ts = kernel.ts.slice(0, to - from);
    const vs = new Float64Array(to - from);
    const histograms: HistogramSamples = { at: [], bytes: [] };
    const column = { ts, vs, vsWords: new Uint32Array(vs.buffer), histograms, starts: new StartTimes() };
    decodeSamples(kernel, values, from, to, column, 0);
    for (let i = 0, h = 0; i < ts.length; i++) {
      const startMs = column.starts.of(i);
      if (histograms.at[h] === i) this.#found.push({ timeMs: ts[i], startMs, bytes: histograms.bytes[h++] });
      else this.#merged.push(ts[i], column.vsWords[2 * i + 1], column.vsWords[2 * i], startMs);
    }
  }

  #writeSamples(writer: BlockWriter): void {
    const { kernel } = this.#options;
    const { ts, vsWords, starts, count } = this.#merged;
    for (let from = 0; from < count; from += PART_SAMPLES_MAX) {
      const to = Math.min(count, from + PART_SAMPLES_MAX);
      kernel.reserve(to - from);
      kernel.ts.set(ts.subarray(from, to));
      kernel.vsWords.set(vsWords.subarray(2 * from, 2 * to));
      const own: HistogramSamples = { at: [], bytes: [] };
      copyHistograms(this.#histograms, from, to, own, -from);
      const ownStarts = new StartTimes();
      ownStarts.copy(starts, from, to, 0);
      writer.samples(to - from, own, ownStarts);
    }
  }

  /** A place before the log, behind the imports before this one. */
  async #freePlace(span: Span, shard: number): Promise<{ path: string; position: LogPosition }> {
    const directory = blockDirectory(shard);
    await this.#options.files.makeDirectory(directory);
    for (let offset = this.#taken.nextOffsets[shard]; ; offset++) {
      const position = { segment: 0, offset };
      const path = `${directory}/${blockFileName({ ...span, position })}`;
      if (!this.#taken.paths.has(path)) return { path, position };
    }
  }
}

/** Puts histograms among sorted samples, by time; one whose time is taken is left out. Returns their places. */
function insertHistograms(samples: SampleBuffer, found: FoundHistogram[]): HistogramSamples {
  found.sort((a, b) => a.timeMs - b.timeMs);
  const ts = samples.ts.slice(0, samples.count);
  const words = samples.vsWords.slice(0, 2 * samples.count);
  const starts = samples.starts.any ? samples.starts.ms.slice(0, samples.count) : null;
  const histograms: HistogramSamples = { at: [], bytes: [] };
  samples.clear();
  for (let i = 0, h = 0; i < ts.length || h < found.length; ) {
    const takesHistogram = h < found.length && (i >= ts.length || found[h].timeMs < ts[i]);
    const timeMs = takesHistogram ? found[h].timeMs : ts[i];
    if (takesHistogram) {
      histograms.at.push(samples.count);
      histograms.bytes.push(found[h].bytes);
      samples.push(timeMs, 0, 0, found[h].startMs);
    } else {
      samples.push(timeMs, words[2 * i + 1], words[2 * i], starts?.[i]);
      i++;
    }
    while (h < found.length && found[h].timeMs <= timeMs) h++;
  }
  return histograms;
}

interface BlockPlan {
  readonly day: SpooledDay;
  readonly order: OrderedSeries;
  readonly span: Span;
  readonly shard: number;
  /** Runs that overlap the span, by the place of their series. */
  readonly runs: Uint32Array;
}

/** The runs of each series, in the order of blocks. */
function* seriesOf({ day, order, runs }: BlockPlan): Generator<[place: number, runs: number[]]> {
  const { series } = day.directory;
  for (let from = 0; from < runs.length; ) {
    const place = order.placeOf[series[runs[from]]];
    const own: number[] = [];
    for (; from < runs.length && order.placeOf[series[runs[from]]] === place; from++) own.push(runs[from]);
    yield [place, own];
  }
}

/** The texts that a block's series use, and their numbers in it. */
function symbolsOf({ day, order, runs }: BlockPlan) {
  const isUsed = new Uint8Array(order.texts.length);
  isUsed[order.tenant] = 1;
  for (const run of runs)
    for (const symbol of order.labels(order.placeOf[day.directory.series[run]])) isUsed[symbol] = 1;
  const used: string[] = [];
  const numberOf = new Uint32Array(order.texts.length);
  for (const [symbol, text] of order.texts.entries()) if (isUsed[symbol]) numberOf[symbol] = used.push(text) - 1;
  return { symbols: symbolList(used), numberOf };
}

/** The end of a shard's log: deletes up to there were meant for other samples than the ones that come now. */
async function logEnd(files: Files, shard: number): Promise<LogPosition> {
  const segment = (await listSegments(files, shard)).at(-1);
  if (segment === undefined) return START;
  return { segment, offset: (await files.stat(segmentPath(shard, segment)))?.sizeBytes ?? 0 };
}
