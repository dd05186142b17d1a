// The stores that a query reads a series from: the head, and each block. All look the same to the merged set above them.
import { Labels, type Matcher, type SampleColumn } from '../model/index.ts';
import type { BlockKernel } from '../kernel/index.ts';
import type { Block } from './block/block.ts';
import type { BlockIndex } from './block/block-index.ts';
import type { PinnedPages } from './block/block-cache.ts';
import { readColumn, readLevel, samplesMax } from './block/block-read.ts';
import type { HeadSource } from './head-source.ts';
import { NO_SERIES } from './head.ts';
import { moveHistograms, movesOf } from './histogram-moves.ts';
import { HeadTimes, type LevelRun } from './level-run.ts';
import type { Tombstone } from './tombstones.ts';

/** Series that one store selected: place i in it is series[i], with the id in ids[4i..4i+4). */
export interface Store {
  readonly series: Uint32Array;
  readonly ids: Uint32Array;
  samplesMax(place: number, minMs: number, maxMs: number): number;
  /** Decodes into `into` from element `at` on; returns how many. */
  read(place: number, minMs: number, maxMs: number, into: SampleColumn, at: number): number;
  /** Samples that level() needs room for. */
  levelRoom(place: number, minMs: number, maxMs: number): number;
  /** Tells a run what read() would give. False if that is more than one value, or dear to find out. */
  level(place: number, minMs: number, maxMs: number, scratch: SampleColumn, run: LevelRun): boolean;
  labels(place: number): Labels;
  /** Symbols of the names and values in turns; numbers of this store. */
  labelSymbols(place: number): ArrayLike<number>;
  /** The value's symbol of each place, NO_SYMBOL where the label is absent. */
  labelColumn(places: Uint32Array, name: string): Uint32Array;
  text(symbol: number): string;
  /** Makes these places readable. */
  prefetch(places: Uint32Array): Promise<void> | undefined;
  release(): void;
}

const take = (series: Uint32Array, places: Uint32Array): Uint32Array => {
  const out = new Uint32Array(places.length);
  for (let i = 0; i < places.length; i++) out[i] = series[places[i]];
  return out;
};

/** The head's part. Its numbers change at a sweep: renew() looks them up again. */
export class HeadStore implements Store {
  readonly #head: HeadSource;
  readonly #times = new HeadTimes();
  series: Uint32Array;
  readonly ids: Uint32Array;

  constructor(head: HeadSource, tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number) {
    this.#head = head;
    this.series = head.selectNumbers(tenant, matchers, minMs, maxMs);
    this.ids = head.ids(this.series);
  }

  /** Finds the series by their ids: some may have left. */
  renew(): void {
    this.series = this.#head.findIds(this.ids);
  }

  samplesMax(place: number, minMs: number, maxMs: number): number {
    const series = this.series[place];
    return series === NO_SERIES ? 0 : this.#head.samplesMaxOf(series, minMs, maxMs);
  }

  read(place: number, minMs: number, maxMs: number, into: SampleColumn, at: number): number {
    const series = this.series[place];
    return series === NO_SERIES ? 0 : this.#head.readSeries(series, minMs, maxMs, into, at);
  }

  /** They are read. */
  levelRoom(place: number, minMs: number, maxMs: number): number {
    return this.samplesMax(place, minMs, maxMs);
  }

  level(place: number, minMs: number, maxMs: number, scratch: SampleColumn, run: LevelRun): boolean {
    const series = this.series[place];
    if (series !== NO_SERIES && this.#head.mayHaveHistograms(series)) return false;
    if (series !== NO_SERIES && scratch.starts && this.#head.mayHaveStarts(series)) return false;
    return run.samples(scratch, this.read(place, minMs, maxMs, scratch, 0), this.#times);
  }

  /** Empty for a series that has left meanwhile. */
  labels(place: number): Labels {
    const series = this.series[place];
    return series === NO_SERIES ? Labels.empty : this.#head.labelsOf(series);
  }

  labelSymbols(place: number): ArrayLike<number> {
    return this.#head.labelSymbols(this.series[place]);
  }

  labelColumn(places: Uint32Array, name: string): Uint32Array {
    return this.#head.labelColumn(take(this.series, places), name);
  }

  text(symbol: number): string {
    return this.#head.text(symbol);
  }

  prefetch(): undefined {}

  release(): void {}
}

/** Time ranges that are gone, both ends included. */
type Ranges = (readonly [number, number])[];

/** What a query wants of each store. */
export interface Wanted {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly minMs: number;
  readonly maxMs: number;
}

/** A retained block with its index. */
export interface OpenBlock {
  readonly block: Block;
  readonly index: BlockIndex;
  readonly kernel: BlockKernel;
}

/** A block's part. */
export class BlockStore implements Store {
  readonly block: Block;
  /** Among the blocks that its set ever had. */
  readonly number: number;
  readonly #index: BlockIndex;
  readonly #kernel: BlockKernel;
  readonly series: Uint32Array;
  readonly ids: Uint32Array;
  /** Deleted ranges by series, where there are any. */
  readonly #gone: Map<number, Ranges> | null;
  #pages: PinnedPages | null = null;
  /** Texts of columns of times, made once: they are keys. */
  readonly #texts = new Map<number, string>();
  readonly #textOf = (times: number): string => {
    let text = this.#texts.get(times);
    if (text === undefined) this.#texts.set(times, (text = `${this.number}:${times} `));
    return text;
  };

  private constructor(
    { block, index, kernel }: OpenBlock,
    series: Uint32Array,
    gone: Map<number, Ranges> | null,
    number: number,
  ) {
    this.block = block;
    this.number = number;
    this.#index = index;
    this.#kernel = kernel;
    this.series = series;
    this.ids = index.ids(series);
    this.#gone = gone;
  }

  /** Selects in a block that the caller has retained; the store releases it. */
  static select(open: OpenBlock, wanted: Wanted, tombstones: readonly Tombstone[], number = 0): BlockStore {
    const { index } = open;
    const { tenant, matchers, minMs, maxMs } = wanted;
    const gone = goneRanges(index, tenant, tombstones);
    let series = index.filterByTime(index.select(tenant, matchers), minMs, maxMs);
    if (gone) series = series.filter((number) => !isAllGone(index, number, gone.get(number), minMs, maxMs));
    return new BlockStore(open, series, gone, number);
  }

  samplesMax(place: number, minMs: number, maxMs: number): number {
    return samplesMax(this.#index, this.series[place], minMs, maxMs);
  }

  read(place: number, minMs: number, maxMs: number, into: SampleColumn, at: number): number {
    const series = this.series[place];
    const count = readColumn(this.#index, this.#pages as PinnedPages, series, minMs, maxMs, this.#kernel, into, at);
    const gone = this.#gone?.get(series);
    return gone ? withoutRanges(into, at, count, gone) : count;
  }

  /** How its columns are encoded tells enough. */
  levelRoom(): number {
    return 0;
  }

  level(place: number, minMs: number, maxMs: number, { starts }: SampleColumn, run: LevelRun): boolean {
    const series = this.series[place];
    if (this.#gone?.has(series)) return false;
    const pages = this.#pages as PinnedPages;
    const wantsStarts = starts !== undefined;
    return readLevel(this.#index, pages, series, [minMs, maxMs], this.#kernel, run, this.#textOf, wantsStarts);
  }

  labels(place: number): Labels {
    return this.#index.labels(this.series[place]);
  }

  labelSymbols(place: number): ArrayLike<number> {
    return this.#index.labelSymbols(this.series[place]);
  }

  labelColumn(places: Uint32Array, name: string): Uint32Array {
    return this.#index.labelColumn(take(this.series, places), name);
  }

  text(symbol: number): string {
    return this.#index.text(symbol);
  }

  prefetch(places: Uint32Array): Promise<void> | undefined {
    const pages = this.block.prefetch(this.#index, take(this.series, places), 0, places.length);
    if (!(pages instanceof Promise)) {
      this.#pin(pages);
      return;
    }
    return pages.then((fetched) => this.#pin(fetched));
  }

  #pin(pages: PinnedPages): void {
    this.#pages?.release();
    this.#pages = pages;
  }

  release(): void {
    this.#pages?.release();
    this.#pages = null;
    this.block.release();
  }
}

/** Ranges that tombstones take from series of a block; null if none does. */
export function goneRanges(
  index: BlockIndex,
  tenant: string,
  tombstones: readonly Tombstone[],
): Map<number, Ranges> | null {
  let gone: Map<number, Ranges> | null = null;
  for (const tombstone of tombstones) {
    if (tombstone.tenant !== tenant) continue;
    const { matchers, minMs, maxMs } = tombstone;
    for (const series of index.filterByTime(index.select(tenant, matchers), minMs, maxMs)) {
      gone ??= new Map();
      const ranges = gone.get(series);
      if (ranges) ranges.push([minMs, maxMs]);
      else gone.set(series, [[minMs, maxMs]]);
    }
  }
  return gone;
}

/** Whether one deleted range covers all that a series has in the wanted time. */
function isAllGone(
  index: BlockIndex,
  series: number,
  ranges: Ranges | undefined,
  minMs: number,
  maxMs: number,
): boolean {
  if (!ranges) return false;
  const has = index.timeRange(series);
  const from = Math.max(minMs, has.minMs);
  const to = Math.min(maxMs, has.maxMs);
  return ranges.some(([goneFrom, goneTo]) => goneFrom <= from && goneTo >= to);
}

/** Closes the gaps that deleted ranges leave among `count` samples from `at` on; returns how many are left. */
export function withoutRanges(column: SampleColumn, at: number, count: number, ranges: Ranges): number {
  const { ts, vsWords, histograms, starts } = column;
  const moves = movesOf(histograms);
  let kept = at;
  for (let i = at; i < at + count; i++) {
    const timeMs = ts[i];
    if (ranges.some(([from, to]) => timeMs >= from && timeMs <= to)) continue;
    if (kept !== i) {
      ts[kept] = timeMs;
      vsWords[2 * kept] = vsWords[2 * i];
      vsWords[2 * kept + 1] = vsWords[2 * i + 1];
      starts?.move(i, kept);
    }
    moves?.push(i);
    kept++;
  }
  moveHistograms(histograms, at, moves);
  return kept - at;
}
