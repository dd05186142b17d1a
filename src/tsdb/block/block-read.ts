// Reading samples of a block: which parts of a series matter, where in them the wanted times lie, and decoding these. Columns of times that
// many series share are kept decoded. Everything goes through the kernel's memory in pieces, so a column may have any length.
import { TidemarkError, corruptError } from '../../base/index.ts';
import type { BlockKernel } from '../../kernel/index.ts';
import type { SampleColumn } from '../../model/index.ts';
import type { LevelRun } from '../level-run.ts';
import type { PinnedPages } from './block-cache.ts';
import type { BlockIndex } from './block-index.ts';
import type { ColumnPlaces } from './columns.ts';
import type { SeriesChunk } from './series.ts';
import { decodeSamples, isPlain, withoutStarts } from './start-column.ts';
import type { TimeChunk } from './times.ts';

/** Samples that are decoded at a time. */
export const PIECE_SAMPLES = 65_536;

/** Columns of times up to about four times as many samples are decoded to search in them. */
const SEARCH_SAMPLES_MAX = 512;

/** One part of a series: where its columns are, and what is known of its times. */
export interface Part {
  readonly series: SeriesChunk;
  readonly part: number;
  readonly times: TimeChunk;
  /** Number of the column of times in the block, and its place in `times`. */
  readonly timesNumber: number;
  readonly timesAt: number;
  readonly samples: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** Part `part` of a chunk of series. */
export function partOf(index: BlockIndex, series: SeriesChunk, part: number): Part {
  const timesNumber = series.timesOf[part];
  const times = index.chunks.timeChunk(timesNumber);
  const timesAt = timesNumber - times.first;
  const samples = times.samples[timesAt];
  return {
    series,
    part,
    times,
    timesNumber,
    timesAt,
    samples,
    minMs: times.minMs[timesAt],
    maxMs: times.maxMs[timesAt],
  };
}

function columnBytes(places: ColumnPlaces, at: number, pages: PinnedPages): Uint8Array {
  const from = places.offset[at];
  return pages.page(places.page[at]).subarray(from, from + places.length[at]);
}

/** Encoded times of a part. */
export const timeBytes = (part: Part, pages: PinnedPages): Uint8Array => columnBytes(part.times, part.timesAt, pages);

/** Encoded values of a part. */
export const valueBytes = (part: Part, pages: PinnedPages): Uint8Array => columnBytes(part.series, part.part, pages);

/** Calls a decoder; its corrupt errors get the place in the file. */
export function decodeAt<T>(index: BlockIndex, places: ColumnPlaces, at: number, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof TidemarkError)) throw cause;
    const { offset } = index.pages.extents[places.page[at]];
    const text = `cannot read ${index.chunks.path}: a column in the page at offset ${offset}: ${cause.message}`;
    throw corruptError(text, cause);
  }
}

/** First of the ascending times that is at least `ms`. */
export function lowerBound(ts: Float64Array, ms: number, from = 0, to = ts.length): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ts[middle] < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

function reserve(kernel: BlockKernel, samples: number): void {
  if (kernel.ts.length < samples) kernel.reserve(samples);
}

/**
 * Decoded times of a part that other series share; null if they are not kept, and the `wanted` samples are too few of the column
 * to decode all of it.
 */
function sharedTimes(
  index: BlockIndex,
  part: Part,
  pages: PinnedPages,
  kernel: BlockKernel,
  wanted: number,
): Float64Array | null {
  if (!index.keepsTimes || part.samples > PIECE_SAMPLES) return null;
  const kept = index.keptTimes(part.timesNumber);
  if (kept) return kept;
  if (wanted * 4 < part.samples) return null;
  reserve(kernel, part.samples);
  decodeAt(index, part.times, part.timesAt, () => kernel.decodeTimes(timeBytes(part, pages), 0, part.samples));
  const ts = kernel.ts.slice(0, part.samples);
  index.keepTimes(part.timesNumber, ts);
  return ts;
}

/** Samples [from, to) of a part, at most PIECE_SAMPLES, to `into` from element `at` on. */
export function readPiece(
  index: BlockIndex,
  part: Part,
  pages: PinnedPages,
  kernel: BlockKernel,
  from: number,
  to: number,
  into: SampleColumn,
  at: number,
): void {
  const count = to - from;
  const ts = sharedTimes(index, part, pages, kernel, count);
  reserve(kernel, count);
  if (ts) into.ts.set(ts.subarray(from, to), at);
  else {
    decodeAt(index, part.times, part.timesAt, () => kernel.decodeTimes(timeBytes(part, pages), from, to));
    into.ts.set(kernel.ts.subarray(0, count), at);
  }
  const values = valueBytes(part, pages);
  if (!isPlain(values)) {
    decodeAt(index, part.series, part.part, () => decodeSamples(kernel, values, from, to, into, at));
    return;
  }
  decodeAt(index, part.series, part.part, () => kernel.decodeValues(values, from, to));
  into.vsWords.set(kernel.vsWords.subarray(0, 2 * count), 2 * at);
  into.starts?.none(at, count);
}

/** Samples [from, to) of a part that lie in [minMs, maxMs]. */
function boundsOf(
  index: BlockIndex,
  part: Part,
  pages: PinnedPages,
  kernel: BlockKernel,
  minMs: number,
  maxMs: number,
): [number, number] {
  const fromStart = minMs <= part.minMs;
  const toEnd = maxMs >= part.maxMs;
  if (fromStart && toEnd) return [0, part.samples];
  const known = index.keepsTimes ? index.knownBounds(part.timesNumber, minMs, maxMs) : undefined;
  if (known) return known;
  const ts = sharedTimes(index, part, pages, kernel, SEARCH_SAMPLES_MAX);
  const bound = (ms: number) =>
    ts
      ? lowerBound(ts, ms)
      : decodeAt(index, part.times, part.timesAt, () => kernel.lowerBound(timeBytes(part, pages), ms));
  const bounds: [number, number] = [fromStart ? 0 : bound(minMs), toEnd ? part.samples : bound(Math.floor(maxMs) + 1)];
  if (index.keepsTimes) index.knowBounds(part.timesNumber, bounds);
  return bounds;
}

/**
 * Decodes the samples of a series in [minMs, maxMs] into `into` from element `at` on, ascending; returns how many. `pages` are those
 * that Block.prefetch gave for the series.
 */
export function readColumn(
  index: BlockIndex,
  pages: PinnedPages,
  series: number,
  minMs: number,
  maxMs: number,
  kernel: BlockKernel,
  into: SampleColumn,
  at: number,
): number {
  const chunk = index.chunks.seriesChunk(series);
  const i = series - chunk.first;
  let end = at;
  for (let number = chunk.partStart[i]; number < chunk.partStart[i + 1]; number++) {
    const part = partOf(index, chunk, number);
    if (part.minMs > maxMs || part.maxMs < minMs) continue;
    const [first, last] = boundsOf(index, part, pages, kernel, minMs, maxMs);
    for (let from = first; from < last; from += PIECE_SAMPLES) {
      const to = Math.min(from + PIECE_SAMPLES, last);
      readPiece(index, part, pages, kernel, from, to, into, end);
      end += to - from;
    }
  }
  return end - at;
}

/** Whether a column of values is one value for all its samples: docs/formats/block-column.md. */
function isUniform(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length && bytes[at] >= 128) at++;
  const head = bytes[at + 1];
  return head !== undefined && head >> 5 === 0;
}

/**
 * Tells a run what a series has in [minMs, maxMs]; false if that is more than one value. `pages` are those that Block.prefetch gave for
 * the series, `textOf` gives columns of times a text. `wantsStarts`: start times matter, so samples that have some are no level.
 */
export function readLevel(
  index: BlockIndex,
  pages: PinnedPages,
  series: number,
  range: readonly [minMs: number, maxMs: number],
  kernel: BlockKernel,
  run: LevelRun,
  textOf: (times: number) => string,
  wantsStarts: boolean,
): boolean {
  const chunk = index.chunks.seriesChunk(series);
  const i = series - chunk.first;
  for (let number = chunk.partStart[i]; number < chunk.partStart[i + 1]; number++) {
    const part = partOf(index, chunk, number);
    if (part.minMs > range[1] || part.maxMs < range[0]) continue;
    const stored = valueBytes(part, pages);
    const bytes = wantsStarts ? stored : decodeAt(index, part.series, part.part, () => withoutStarts(stored));
    if (!isPlain(bytes) || !isUniform(bytes)) return false;
    decodeAt(index, part.series, part.part, () => kernel.decodeValues(bytes, 0, 1));
    const { vsWords } = kernel;
    if (!run.part(textOf(part.timesNumber), part.minMs, part.maxMs, vsWords[0], vsWords[1])) return false;
  }
  return true;
}

/** At most this many samples of a series lie in [minMs, maxMs]. */
export function samplesMax(index: BlockIndex, series: number, minMs: number, maxMs: number): number {
  const chunk = index.chunks.seriesChunk(series);
  const i = series - chunk.first;
  let count = 0;
  for (let number = chunk.partStart[i]; number < chunk.partStart[i + 1]; number++) {
    const times = index.chunks.timeChunk(chunk.timesOf[number]);
    const at = chunk.timesOf[number] - times.first;
    if (times.minMs[at] <= maxMs && times.maxMs[at] >= minMs) count += times.samples[at];
  }
  return count;
}
