// One block of a merge: stands at a series, whose labels it gives in the numbers of the outcome, and reads its samples piece by piece.
import type { BlockKernel } from '../../kernel/index.ts';
import { type HistogramSamples, type SampleColumn, StartTimes } from '../../model/index.ts';
import type { Block } from './block.ts';
import type { PinnedPages } from './block-cache.ts';
import type { BlockIndex } from './block-index.ts';
import type { DeletedRanges, MergeOptions } from './block-merge.ts';
import { moveHistograms, movesOf } from '../histogram-moves.ts';
import { type Part, PIECE_SAMPLES, partOf, readPiece } from './block-read.ts';

/** Pages that are fetched ahead. */
const PAGES_AHEAD = 8;

type MergeColumn = SampleColumn & { readonly histograms: HistogramSamples; readonly starts: StartTimes };

export class MergeInput {
  readonly block: Block;
  readonly index: BlockIndex;
  readonly #ranks: Uint32Array;
  readonly #kernel: BlockKernel;
  readonly #goneOf: MergeOptions['gone'];
  #gone: ReadonlyMap<number, DeletedRanges> | null = null;
  #series = -1;
  #tenantBefore = -1;
  #pages: PinnedPages | null = null;
  /** Series below have their pages fetched. */
  #fetchedTo = 0;
  tenant = 0;
  /** Labels of the series: name, value, ... */
  labels: number[] = [];
  /** Samples that were read and not yet taken: [at, end) of the column. */
  readonly column: MergeColumn = {
    ts: new Float64Array(0),
    vs: new Float64Array(0),
    vsWords: new Uint32Array(0),
    histograms: { at: [], bytes: [] },
    starts: new StartTimes(),
  };
  at = 0;
  end = 0;
  #part = 0;
  #partEnd = 0;
  #sample = 0;
  #ranges: DeletedRanges | undefined;

  constructor(block: Block, index: BlockIndex, ranks: Uint32Array, kernel: BlockKernel, gone: MergeOptions['gone']) {
    this.block = block;
    this.index = index;
    this.#ranks = ranks;
    this.#kernel = kernel;
    this.#goneOf = gone;
    this.next();
  }

  get isAtEnd(): boolean {
    return this.#series >= this.index.seriesCount;
  }

  /** Four words. */
  get id(): Uint32Array {
    return this.index.ids(Uint32Array.of(this.#series));
  }

  /** Goes to the next series. */
  next(): void {
    this.#series++;
    if (this.isAtEnd) return;
    const { index } = this;
    const tenant = index.tenantSymbol(this.#series);
    if (tenant !== this.#tenantBefore) {
      this.#gone = this.#goneOf?.(this.block, index, index.text(tenant)) ?? null;
      this.#tenantBefore = tenant;
    }
    this.tenant = this.#ranks[tenant];
    this.labels.length = index.readLabelSymbols(this.#series, this.labels);
    for (let i = 0; i < this.labels.length; i++) this.labels[i] = this.#ranks[this.labels[i]];
    const chunk = index.chunks.seriesChunk(this.#series);
    this.#part = chunk.partStart[this.#series - chunk.first];
    this.#partEnd = chunk.partStart[this.#series - chunk.first + 1];
    this.#sample = 0;
    this.#ranges = this.#gone?.get(this.#series);
    this.at = 0;
    this.end = 0;
  }

  /** Whether the series' columns can be read without fetch(). */
  get isFetched(): boolean {
    return this.#series < this.#fetchedTo;
  }

  /** Makes the series' columns readable. */
  async fetch(): Promise<void> {
    const { pages, to } = this.index.batchFrom(this.#series, PAGES_AHEAD);
    const before = this.#pages;
    this.#pages = await this.block.fetch(this.index, pages, { keep: false, reuse: before });
    before?.release();
    this.#fetchedTo = to;
  }

  /** Whether all samples stay, so that columns may be copied as they are. */
  get isWhole(): boolean {
    return this.#ranges === undefined;
  }

  get pages(): PinnedPages {
    return this.#pages as PinnedPages;
  }

  /** Parts of the series, for a copy. */
  *parts(): Generator<Part> {
    for (let part = this.#part; part < this.#partEnd; part++) yield this.#partAt(part);
  }

  #partAt(part: number): Part {
    return partOf(this.index, this.index.chunks.seriesChunk(this.#series), part);
  }

  /** Reads samples until there is one to take; false at the end of the series. */
  fill(): boolean {
    while (this.at === this.end && this.#part < this.#partEnd) {
      const part = this.#partAt(this.#part);
      const from = this.#sample;
      const to = Math.min(from + PIECE_SAMPLES, part.samples);
      this.#reserve(to - from);
      this.column.histograms.at.length = 0;
      this.column.histograms.bytes.length = 0;
      this.column.starts.clear();
      readPiece(this.index, part, this.pages, this.#kernel, from, to, this.column, 0);
      this.at = 0;
      this.end = this.#ranges ? withoutRanges(this.column, to - from, this.#ranges) : to - from;
      this.#sample = to;
      if (to === part.samples) {
        this.#part++;
        this.#sample = 0;
      }
    }
    return this.at < this.end;
  }

  #reserve(samples: number): void {
    if (this.column.ts.length >= samples) return;
    const vs = new Float64Array(Math.min(PIECE_SAMPLES, samples * 2));
    this.column.ts = new Float64Array(vs.length);
    this.column.vs = vs;
    this.column.vsWords = new Uint32Array(vs.buffer);
  }
}

/** Closes the gaps that deleted ranges leave among the first `count` samples; returns how many are left. */
function withoutRanges(
  { ts, vsWords, histograms, starts }: SampleColumn,
  count: number,
  ranges: DeletedRanges,
): number {
  const moves = movesOf(histograms);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const timeMs = ts[i];
    if (ranges.some(([from, to]) => timeMs >= from && timeMs <= to)) continue;
    ts[kept] = timeMs;
    vsWords[2 * kept] = vsWords[2 * i];
    vsWords[2 * kept + 1] = vsWords[2 * i + 1];
    starts?.move(i, kept);
    moves?.push(i);
    kept++;
  }
  moveHistograms(histograms, 0, moves);
  return kept;
}
