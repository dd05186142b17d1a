// A shard as a source of queries: head and blocks together. A series is found by its id in whatever stores have it; its samples come
// in the order of the log positions of the stores, which for samples in order is the order of time, and equal timestamps count once:
// the one that was stored first.
import type { BlockKernel } from '../kernel/index.ts';
import { compareLogPositions, type LogPosition } from '../io/index.ts';
import { compareAge } from './block/block-format.ts';
import {
  Labels,
  type LevelColumn,
  type Matcher,
  type SampleColumn,
  type SeriesSet,
  type SeriesSource,
  type SourceChanges,
  mergeTexts,
  sortTexts,
} from '../model/index.ts';
import type { Block } from './block/block.ts';
import type { BlockIndex } from './block/block-index.ts';
import type { HeadSource } from './head-source.ts';
import { moveHistograms, movesOf } from './histogram-moves.ts';
import { LevelRun } from './level-run.ts';
import { MergedGroups } from './merged-groups.ts';
import { EMPTY_ROW, IdTable, type RowParts, groupParts, partsOfOne } from './merged-rows.ts';
import { NO_SERIES } from './head.ts';
import { BlockStore, HeadStore, type Store, type Wanted } from './stores.ts';
import type { Tombstone } from './tombstones.ts';

/** What a shard shows to its queries. */
export interface ShardView {
  readonly head: HeadSource;
  readonly kernel: BlockKernel;
  readonly changes: SourceChanges;
  /** Changes when samples have left the head, or blocks have come or gone. */
  readonly generation: number;
  /** Blocks whose samples are not in the head. */
  blocks(): readonly Block[];
  /** Damaged blocks that would have samples in the range. */
  missing(minMs: number, maxMs: number): readonly string[];
  /** Deletes that a block has not applied. */
  tombstonesAfter(position: LogPosition): readonly Tombstone[];
  /** A block could not be read: if it is damaged, the rest is served without it; another error is thrown again. */
  setAside(block: Block, error: unknown): Promise<void>;
}

/** Parts of rows that are fetched at once. */
const PARTS_FETCHED = 512;

const overlaps = ({ meta }: Block, minMs: number, maxMs: number): boolean => meta.minMs <= maxMs && meta.maxMs >= minMs;

class MergedSet implements SeriesSet {
  readonly #view: ShardView;
  readonly #wanted: Wanted;
  readonly #head: HeadStore;
  readonly #blocks: BlockStore[] = [];
  /** Blocks first, by position, then the head. */
  #stores: Store[] = [];
  /** Rows by id; null while one store has all of them, in its order. */
  #table: IdTable | null = null;
  #parts: RowParts = { ends: new Uint32Array(0), stores: new Uint16Array(0), places: new Uint32Array(0) };
  #generation = -1;
  #blocksEver = 0;
  readonly #run = new LevelRun();
  #fetchedFrom = 0;
  #fetchedTo = 0;
  length = 0;

  constructor(view: ShardView, wanted: Wanted) {
    this.#view = view;
    this.#wanted = wanted;
    this.#head = new HeadStore(view.head, wanted.tenant, wanted.matchers, wanted.minMs, wanted.maxMs);
  }

  /** Selects in all stores; rows are numbered. */
  async open(): Promise<void> {
    await this.#takeBlocks(this.#view.blocks());
    while (this.#generation !== this.#view.generation) {
      await this.#takeBlocks(this.#view.blocks());
      this.#head.renew();
    }
    const stores = this.#orderedStores();
    if (stores.length === 1 && !stores[0].series.includes(NO_SERIES)) {
      this.#stores = stores;
      this.length = stores[0].series.length;
      this.#parts = partsOfOne(this.length);
      return;
    }
    this.#table = tableOf(stores);
    this.length = this.#table.count;
    this.#group(stores, this.#table);
  }

  #orderedStores(): Store[] {
    this.#blocks.sort((a, b) => compareAge(a.block.meta, b.block.meta));
    return [...this.#blocks, this.#head].filter(({ series }) => series.length > 0);
  }

  #group(stores: Store[], table: IdTable): void {
    const rowsOf = stores.map(({ ids, series }) => {
      const rows = new Uint32Array(series.length);
      for (let i = 0; i < rows.length; i++) {
        const row = series[i] === NO_SERIES ? -1 : table.find(ids, i * 4);
        rows[i] = row < 0 ? EMPTY_ROW : row;
      }
      return rows;
    });
    this.#stores = stores;
    this.#parts = groupParts(rowsOf, this.length);
    this.#fetchedFrom = 0;
    this.#fetchedTo = 0;
  }

  /** Selects in the blocks that overlap and are not in the set yet. A block that is damaged is set aside, and the rest is served. */
  async #takeBlocks(blocks: readonly Block[]): Promise<void> {
    const { minMs, maxMs } = this.#wanted;
    const newest = this.#newest;
    this.#generation = this.#view.generation;
    // What a compaction made of blocks that this set holds brings nothing new.
    const wanted = blocks.filter(
      (block) => overlaps(block, minMs, maxMs) && (!newest || compareLogPositions(block.meta.position, newest) > 0),
    );
    await eachRetained(this.#view, wanted, async (block, tombstones) => {
      try {
        const index = await block.index();
        const open = { block, index, kernel: this.#view.kernel };
        this.#blocks.push(BlockStore.select(open, this.#wanted, tombstones, this.#blocksEver++));
        block.retain(); // until the store is released
      } catch (error) {
        await this.#view.setAside(block, error);
      }
    });
  }

  /** Position of the newest block that the set has. */
  get #newest(): LogPosition | undefined {
    let newest: LogPosition | undefined;
    for (const { block } of this.#blocks) {
      if (!newest || compareLogPositions(block.meta.position, newest) > 0) newest = block.meta.position;
    }
    return newest;
  }

  /** Blocks came, or series left the head, while others ran: the rows stay, their parts are looked up again. */
  async #refresh(): Promise<void> {
    this.#table ??= tableOf(this.#stores);
    while (this.#generation !== this.#view.generation) await this.#takeBlocks(this.#view.blocks());
    this.#head.renew();
    this.#group(this.#orderedStores(), this.#table);
  }

  async #prefetch(from: number): Promise<number> {
    for (;;) {
      if (this.#generation !== this.#view.generation) await this.#refresh();
      const to = this.#fetchEnd(from);
      if (from < this.#fetchedFrom || to > this.#fetchedTo) await this.#fetch(from, to);
      if (this.#generation !== this.#view.generation) continue;
      this.#fetchedFrom = from;
      this.#fetchedTo = to;
      return to;
    }
  }

  async #prefetchLabels(): Promise<number> {
    while (this.#generation !== this.#view.generation) await this.#refresh();
    return this.length;
  }

  prefetch(from: number, what: 'samples' | 'labels' = 'samples'): number | Promise<number> {
    if (what === 'labels') return this.#prefetchLabels();
    const isReady = this.#generation === this.#view.generation && from >= this.#fetchedFrom && from < this.#fetchedTo;
    return isReady ? this.#fetchedTo : this.#prefetch(from);
  }

  #fetchEnd(from: number): number {
    const { ends } = this.#parts;
    if (this.#blocks.length === 0) return this.length;
    const limit = (from === 0 ? 0 : ends[from - 1]) + PARTS_FETCHED;
    let to = from + 1;
    while (to < this.length && ends[to] <= limit) to++;
    return to;
  }

  async #fetch(from: number, to: number): Promise<void> {
    const { ends, stores, places } = this.#parts;
    const first = from === 0 ? 0 : ends[from - 1];
    const lists: number[][] = this.#stores.map(() => []);
    for (let part = first; part < ends[to - 1]; part++) lists[stores[part]].push(places[part]);
    for (const [i, list] of lists.entries()) {
      if (list.length === 0) continue;
      try {
        const fetching = this.#stores[i].prefetch(Uint32Array.from(list).sort());
        if (fetching) await fetching;
      } catch (error) {
        await this.#setAside(this.#stores[i] as BlockStore, error);
        return;
      }
    }
  }

  /** A block is damaged: the view's generation changes, so that the rows are grouped anew without it. */
  async #setAside(store: BlockStore, error: unknown): Promise<void> {
    await this.#view.setAside(store.block, error);
    this.#blocks.splice(this.#blocks.indexOf(store), 1);
    store.release();
  }

  /** What the answer lacks, in words. */
  get warnings(): readonly string[] {
    const { minMs, maxMs } = this.#wanted;
    return this.#view.missing(minMs, maxMs).map((path) => `samples are missing: ${path} is damaged`);
  }

  /** Empty if the series was deleted since it was selected. */
  labels(index: number): Labels {
    const part = index === 0 ? 0 : this.#parts.ends[index - 1];
    if (part === this.#parts.ends[index]) return Labels.empty;
    return this.#stores[this.#parts.stores[part]].labels(this.#parts.places[part]);
  }

  group(mode: 'by' | 'without', names: readonly string[]): { groupOf: Uint32Array; groups: Labels[] } {
    const groups = new MergedGroups(this.#stores, this.#parts, this.length);
    return mode === 'by' ? groups.by(names) : groups.without(names);
  }

  samplesMax(index: number, minMs: number, maxMs: number): number {
    const { ends, stores, places } = this.#parts;
    let sum = 0;
    for (let part = index === 0 ? 0 : ends[index - 1]; part < ends[index]; part++) {
      sum += this.#stores[stores[part]].samplesMax(places[part], minMs, maxMs);
    }
    return sum;
  }

  levelRoom(index: number, minMs: number, maxMs: number): number {
    const { ends, stores, places } = this.#parts;
    let most = 0;
    for (let part = index === 0 ? 0 : ends[index - 1]; part < ends[index]; part++) {
      most = Math.max(most, this.#stores[stores[part]].levelRoom(places[part], minMs, maxMs));
    }
    return most;
  }

  level(index: number, minMs: number, maxMs: number, scratch: SampleColumn): LevelColumn | null {
    const { ends, stores, places } = this.#parts;
    const run = this.#run;
    run.clear();
    for (let part = index === 0 ? 0 : ends[index - 1]; part < ends[index]; part++) {
      if (!this.#stores[stores[part]].level(places[part], minMs, maxMs, scratch, run)) return null;
    }
    return run.column();
  }

  read(index: number, minMs: number, maxMs: number, into: SampleColumn): number {
    const { ends, stores, places } = this.#parts;
    let count = 0;
    for (let part = index === 0 ? 0 : ends[index - 1]; part < ends[index]; part++) {
      const read = this.#stores[stores[part]].read(places[part], minMs, maxMs, into, count);
      if (read === 0) continue;
      const isInOrder = count === 0 || into.ts[count - 1] < into.ts[count];
      count = isInOrder ? count + read : mergeRuns(into, count, count + read);
    }
    return count;
  }

  release(): void {
    for (const store of this.#blocks) store.release();
    this.#blocks.length = 0;
  }
}

/** Rows in the order of the store that has most of them: its pages are read one after the other. */
function tableOf(stores: readonly Store[]): IdTable {
  const table = new IdTable(stores.reduce((sum, { series }) => sum + series.length, 0));
  for (const { ids, series } of [...stores].sort((a, b) => b.series.length - a.series.length)) {
    for (let i = 0; i < series.length; i++) if (series[i] !== NO_SERIES) table.add(ids, i * 4);
  }
  return table;
}

/** Merges the ascending runs [0, middle) and [middle, end); of equal times the first run's stays. Returns how many are left. */
export function mergeRuns({ ts, vsWords, histograms, starts }: SampleColumn, middle: number, end: number): number {
  const moves = movesOf(histograms);
  const oldTs = ts.slice(0, middle);
  const oldWords = vsWords.slice(0, 2 * middle);
  const startsMs = starts?.any ? starts.ms : null;
  const oldStarts = startsMs?.slice(0, middle);
  let a = 0;
  let b = middle;
  let out = 0;
  while (a < middle || b < end) {
    const takesA = b >= end || (a < middle && oldTs[a] <= ts[b]);
    if (takesA) {
      if (b < end && oldTs[a] === ts[b]) b++;
      // The rest may be in place; writing never overtakes reading, for b >= out.
      ts[out] = oldTs[a];
      vsWords[2 * out] = oldWords[2 * a];
      vsWords[2 * out + 1] = oldWords[2 * a + 1];
      if (startsMs && oldStarts) startsMs[out] = oldStarts[a];
      moves?.push(a);
      a++;
    } else {
      ts[out] = ts[b];
      vsWords[2 * out] = vsWords[2 * b];
      vsWords[2 * out + 1] = vsWords[2 * b + 1];
      if (startsMs) startsMs[out] = startsMs[b];
      moves?.push(b);
      b++;
    }
    out++;
  }
  moveHistograms(histograms, 0, moves);
  return out;
}

/** Head and blocks of a shard as a SeriesSource. */
export class MergedSource implements SeriesSource {
  readonly #view: ShardView;

  get changes(): SourceChanges {
    return this.#view.changes;
  }

  constructor(view: ShardView) {
    this.#view = view;
  }

  async select(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): Promise<SeriesSet> {
    const set = new MergedSet(this.#view, { tenant, matchers, minMs, maxMs });
    try {
      await set.open();
    } catch (error) {
      set.release();
      throw error;
    }
    return set;
  }

  labelNames(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): Promise<string[]> {
    const inHead = this.#view.head.labelNames(tenant, matchers, minMs, maxMs);
    return this.#texts({ tenant, matchers, minMs, maxMs }, inHead, null, (index) => index.labelNames(tenant));
  }

  labelValues(
    tenant: string,
    name: string,
    matchers: readonly Matcher[],
    minMs: number,
    maxMs: number,
  ): Promise<string[]> {
    const inHead = this.#view.head.labelValues(tenant, name, matchers, minMs, maxMs);
    return this.#texts({ tenant, matchers, minMs, maxMs }, inHead, name, (index) => index.labelValues(tenant, name));
  }

  /** Names (label null) or values of a label, in head and blocks; `all`: those of a block's index, sorted. */
  async #texts(
    selection: Wanted,
    inHead: readonly string[],
    label: string | null,
    all: (index: BlockIndex) => readonly string[],
  ): Promise<string[]> {
    const lists = [inHead];
    const selected = new Set<string>();
    await this.#eachBlock(selection.minMs, selection.maxMs, (store, index) => {
      if (selection.matchers.length === 0) lists.push(all(index));
      else addTexts(selected, store(selection), label);
    });
    lists.push(sortTexts([...selected]));
    return [...mergeTexts(lists)];
  }

  async #eachBlock(
    minMs: number,
    maxMs: number,
    visit: (select: SelectStore, index: BlockIndex) => void,
  ): Promise<void> {
    const blocks = this.#view.blocks().filter((block) => overlaps(block, minMs, maxMs));
    await eachRetained(this.#view, blocks, async (block, tombstones) => {
      try {
        const index = await block.index();
        const open = { block, index, kernel: this.#view.kernel };
        visit((wanted) => BlockStore.select(open, wanted, tombstones), index);
      } catch (error) {
        await this.#view.setAside(block, error);
      }
    });
  }
}

/**
 * Visits blocks one after the other, with their tombstones; none of them goes meanwhile. The tombstones are of the beginning: a compaction
 * that takes a block away takes those, too.
 */
async function eachRetained(
  view: ShardView,
  blocks: readonly Block[],
  visit: (block: Block, tombstones: readonly Tombstone[]) => Promise<void>,
): Promise<void> {
  const tombstones = blocks.map(({ meta }) => view.tombstonesAfter(meta.deletesThrough));
  for (const block of blocks) block.retain();
  try {
    for (const [i, block] of blocks.entries()) await visit(block, tombstones[i]);
  } finally {
    for (const block of blocks) block.release();
  }
}

type SelectStore = (wanted: Wanted) => Store;

/** Adds the names of all labels of a store's series, or the values of one label. */
function addTexts(into: Set<string>, store: Store, name: string | null): void {
  const symbols = new Set<number>();
  if (name !== null) {
    const places = Uint32Array.from({ length: store.series.length }, (_, i) => i);
    for (const symbol of store.labelColumn(places, name)) symbols.add(symbol);
    symbols.delete(0xffffffff);
  } else {
    for (let place = 0; place < store.series.length; place++) {
      const pairs = store.labelSymbols(place);
      for (let i = 0; i < pairs.length; i += 2) symbols.add(pairs[i]);
    }
  }
  for (const symbol of symbols) into.add(store.text(symbol));
}
