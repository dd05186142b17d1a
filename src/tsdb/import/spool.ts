// Samples on their way into blocks: one file per day, in a directory that goes when the import ends. A run is a piece of one series,
// encoded as a block would, so that the spool takes about the room of the blocks. Which windows the blocks have is known only when
// all samples have been seen.
//
//   run   ┌────────┬───────┬────────────┬─────────────┬──────────┬─────────┬────────────┬──────────────┬───────┬────────┐
//         │ series │ count │ time bytes │ value bytes │ first ms │ last ms │ CRC32C of  │ CRC32C of    │ times │ values │
//         │ u32    │ u32   │ u32        │ u32         │ f64      │ f64     │ the columns│ what is left │       │        │
//         └────────┴───────┴────────────┴─────────────┴──────────┴─────────┴────────────┴──────────────┴───────┴────────┘
//
// Little-endian.
import { corruptError } from '../../base/index.ts';
import type { Files, OpenFile } from '../../io/index.ts';
import { type BlockKernel, crc32c } from '../../kernel/index.ts';
import type { HistogramSamples, StartTimes } from '../../model/index.ts';
import { encodeSamples } from '../block/start-column.ts';
import { copyHistograms, firstHistogram } from '../histogram-moves.ts';

export const DAY_MS = 86_400_000;
const HEADER_BYTES = 40;
const BODY_CRC = 32;
const HEADER_CRC = 36;
/** Runs wait in memory up to this, for all days together. */
const PENDING_BYTES_MAX = 16 << 20;
/** A run has at most so many samples: what is decoded at once. */
export const RUN_SAMPLES_MAX = 65_536;
/** Bytes of native histograms beyond which a run ends. */
const RUN_HISTOGRAM_BYTES = 1 << 20;
/** A day's file up to this size is read whole. */
const WHOLE_BYTES_MAX = 256 << 20;
const SCAN_BYTES = 4 << 20;

/** Samples of one series: times in ms, values as words. */
export interface SampleArrays {
  readonly ts: Float64Array;
  readonly vsWords: Uint32Array;
  readonly starts?: StartTimes;
}

interface Day {
  readonly startMs: number;
  bytes: number;
  pending: Uint8Array[];
}

/** Runs of one day, by number. */
export interface RunDirectory {
  readonly count: number;
  readonly series: Uint32Array;
  readonly firstMs: Float64Array;
  readonly lastMs: Float64Array;
  /** Offsets of the headers. */
  readonly offsets: Float64Array;
}

/** One run, decoded on demand. */
export interface Run {
  readonly count: number;
  readonly times: Uint8Array;
  readonly values: Uint8Array;
}

/** Writes runs, and gives them back by day. */
export class Spool {
  readonly #files: Files;
  readonly #directory: string;
  readonly #kernel: BlockKernel;
  readonly #days = new Map<number, Day>();
  #pendingBytes = 0;
  sampleCount = 0;
  maxMs = -Infinity;

  private constructor(files: Files, directory: string, kernel: BlockKernel) {
    this.#files = files;
    this.#directory = directory;
    this.#kernel = kernel;
  }

  /** An empty spool; what an earlier import left in the directory goes. */
  static async open(files: Files, directory: string, kernel: BlockKernel): Promise<Spool> {
    await files.remove(directory);
    await files.makeDirectory(directory);
    return new Spool(files, directory, kernel);
  }

  /** Adds samples [0, count) of a series, ascending by time; values at the places of histograms do not matter. */
  add(series: number, samples: SampleArrays, count: number, histograms: HistogramSamples): void {
    const { ts } = samples;
    for (let start = 0; start < count; ) {
      const dayMs = Math.floor(ts[start] / DAY_MS) * DAY_MS;
      let end = start + 1;
      while (end < count && end - start < RUN_SAMPLES_MAX && ts[end] < dayMs + DAY_MS) end++;
      end = lightEnd(histograms, start, end);
      const own: HistogramSamples = { at: [], bytes: [] };
      copyHistograms(histograms, start, end, own, -start);
      this.#addRun(dayMs, series, samples, start, end, own);
      start = end;
    }
  }

  #addRun(
    dayMs: number,
    series: number,
    { ts, vsWords, starts }: SampleArrays,
    from: number,
    to: number,
    histograms: HistogramSamples,
  ): void {
    const kernel = this.#kernel;
    const count = to - from;
    kernel.reserve(count);
    kernel.ts.set(ts.subarray(from, to));
    kernel.vsWords.set(vsWords.subarray(2 * from, 2 * to));
    const times = kernel.encodeTimes(count).slice();
    const values = encodeSamples(kernel, count, histograms, starts ?? null, from);
    const run = new Uint8Array(HEADER_BYTES + times.length + values.length);
    run.set(times, HEADER_BYTES);
    run.set(values, HEADER_BYTES + times.length);
    const view = new DataView(run.buffer);
    for (const [i, word] of [series, count, times.length, values.length].entries()) view.setUint32(4 * i, word, true);
    view.setFloat64(16, ts[from], true);
    view.setFloat64(24, ts[to - 1], true);
    view.setUint32(BODY_CRC, crc32c(run.subarray(HEADER_BYTES)), true);
    view.setUint32(HEADER_CRC, crc32c(run.subarray(0, HEADER_CRC)), true);
    const day = this.#days.get(dayMs) ?? { startMs: dayMs, bytes: 0, pending: [] };
    this.#days.set(dayMs, day);
    day.pending.push(run);
    this.#pendingBytes += run.length;
    this.sampleCount += count;
    this.maxMs = Math.max(this.maxMs, ts[to - 1]);
  }

  get isFlushDue(): boolean {
    return this.#pendingBytes >= PENDING_BYTES_MAX;
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    for (const day of this.#days.values()) {
      if (day.pending.length === 0) continue;
      const file = await this.#files.open(this.#path(day.startMs), 'write');
      try {
        await file.writev(day.pending, day.bytes);
      } finally {
        await file.close();
      }
      for (const run of day.pending) day.bytes += run.length;
      day.pending = [];
    }
    this.#pendingBytes = 0;
  }

  #path(dayMs: number): string {
    return `${this.#directory}/${dayMs}.spool`;
  }

  /** Days that have samples, ascending. */
  get days(): number[] {
    return [...this.#days.keys()].sort((a, b) => a - b);
  }

  /** Opens a day's runs. All has been flushed. */
  async openDay(dayMs: number): Promise<SpooledDay> {
    const bytes = this.#days.get(dayMs)?.bytes ?? 0;
    return SpooledDay.open(this.#files, this.#path(dayMs), bytes);
  }

  /** A day is done. */
  removeDay(dayMs: number): Promise<void> {
    this.#days.delete(dayMs);
    return this.#files.remove(this.#path(dayMs));
  }

  remove(): Promise<void> {
    return this.#files.remove(this.#directory);
  }
}

/** Where a run of [start, end) must end for its histograms. */
function lightEnd(histograms: HistogramSamples, start: number, end: number): number {
  const { at, bytes } = histograms;
  const first = firstHistogram(histograms, start);
  let total = 0;
  for (let h = first; h < at.length && at[h] < end; h++) {
    total += bytes[h].length;
    if (total > RUN_HISTOGRAM_BYTES && h > first) return at[h];
  }
  return end;
}

/** The runs of one day. */
export class SpooledDay {
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #whole: Uint8Array | null;
  readonly directory: RunDirectory;

  private constructor(file: OpenFile, path: string, whole: Uint8Array | null, directory: RunDirectory) {
    this.#file = file;
    this.#path = path;
    this.#whole = whole;
    this.directory = directory;
  }

  static async open(files: Files, path: string, sizeBytes: number): Promise<SpooledDay> {
    const file = await files.open(path, 'read');
    try {
      const whole = sizeBytes <= WHOLE_BYTES_MAX ? await readExactly(file, path, 0, sizeBytes) : null;
      return new SpooledDay(file, path, whole, await scan(file, path, whole, sizeBytes));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Run `number`. Throws a corrupt error if the disk gave back something else than was written. */
  async run(number: number): Promise<Run> {
    const offset = this.directory.offsets[number];
    const header = headerView(await this.#read(offset, HEADER_BYTES));
    const timeBytes = header.getUint32(8, true);
    const body = await this.#read(offset + HEADER_BYTES, timeBytes + header.getUint32(12, true));
    if (crc32c(body) !== header.getUint32(BODY_CRC, true)) throw damaged(this.#path, offset);
    return { count: header.getUint32(4, true), times: body.subarray(0, timeBytes), values: body.subarray(timeBytes) };
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    return this.#whole?.subarray(offset, offset + length) ?? readExactly(this.#file, this.#path, offset, length);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readExactly(file: OpenFile, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  if ((await file.read(bytes, offset)) < length) throw corruptError(`cannot read ${path}: it is cut off`);
  return bytes;
}

const damaged = (path: string, offset: number) =>
  corruptError(`cannot read ${path}: the run at offset ${offset} is damaged`);

const headerView = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);

/** Reads all headers. */
async function scan(file: OpenFile, path: string, whole: Uint8Array | null, sizeBytes: number): Promise<RunDirectory> {
  const series: number[] = [];
  const firstMs: number[] = [];
  const lastMs: number[] = [];
  const offsets: number[] = [];
  let window = whole ?? new Uint8Array(0);
  let windowAt = 0;
  for (let at = 0; at < sizeBytes; ) {
    if (at + HEADER_BYTES > windowAt + window.length) {
      window = await readExactly(file, path, at, Math.max(HEADER_BYTES, Math.min(SCAN_BYTES, sizeBytes - at)));
      windowAt = at;
    }
    const bytes = window.subarray(at - windowAt, at - windowAt + HEADER_BYTES);
    const header = headerView(bytes);
    if (crc32c(bytes.subarray(0, HEADER_CRC)) !== header.getUint32(HEADER_CRC, true)) throw damaged(path, at);
    series.push(header.getUint32(0, true));
    firstMs.push(header.getFloat64(16, true));
    lastMs.push(header.getFloat64(24, true));
    offsets.push(at);
    at += HEADER_BYTES + header.getUint32(8, true) + header.getUint32(12, true);
  }
  return {
    count: series.length,
    series: Uint32Array.from(series),
    firstMs: Float64Array.from(firstMs),
    lastMs: Float64Array.from(lastMs),
    offsets: Float64Array.from(offsets),
  };
}
