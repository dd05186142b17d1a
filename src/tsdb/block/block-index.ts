// What can be asked about the series of a block. All is synchronous; series go by number: 0 .. seriesCount - 1 in the order of
// series-order.ts, symbols too: 0 .. in the order of their bytes.
import { corruptError, utf8 } from '../../base/index.ts';
import { Labels, type Matcher } from '../../model/index.ts';
import { NO_SYMBOL } from '../head.ts';
import { NO_SERIES } from '../postings.ts';
import type { BlockCache, CacheEntry } from './block-cache.ts';
import type { BlockMeta } from './block-format.ts';
import { selectSeries } from './block-select.ts';
import { IndexChunks, type IndexSource, chunkWith } from './index-chunks.ts';
import { type TenantLabels, chunksOf, findLabel, findSorted } from './labels.ts';
import { type PageDirectory, TIME_PAGE, VALUE_PAGE } from './pages.ts';
import { type PostingsGroup, decodeList } from './postings-section.ts';
import { compareBytes } from './symbols.ts';

/** Series numbers [from, to). */
export interface SeriesRange {
  readonly from: number;
  readonly to: number;
}

/** A label of a tenant: their symbols, and the chunks [from, to) of its postings. */
interface LabelPlace extends SeriesRange {
  readonly tenant: number;
  readonly name: number;
}

/** Decoded columns of times are kept if at least so many series share one, and all of them are a small part of the cache. */
const SHARE_MIN = 4;
const CACHE_SHARE = 1 / 8;
const TEXTS_KEPT = 4096;

function keepsTimes({ samples, series }: BlockMeta, pages: PageDirectory, cache: BlockCache): boolean {
  // At least: parts may share columns of values too.
  const parts = Math.max(series, pages.columns(VALUE_PAGE));
  const columns = pages.columns(TIME_PAGE);
  return columns * SHARE_MIN <= parts && (samples / parts) * 8 * columns <= cache.bytesMax * CACHE_SHARE;
}

export class BlockIndex {
  readonly seriesCount: number;
  readonly chunks: IndexChunks;
  /** Times of the block's first and last sample. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly #source: IndexSource;
  readonly #cache: BlockCache;
  readonly #keepsTimes: boolean;
  readonly #times: (CacheEntry<Float64Array> | undefined)[] = [];
  /** Where in columns of times the range lies that was looked for last. */
  readonly #bounds = new Map<number, [from: number, to: number]>();
  #boundsMinMs = NaN;
  #boundsMaxMs = NaN;
  readonly #tenants = new Map<string, SeriesRange>();
  // Texts asked for of late, by the low bits of their number.
  readonly #textNumbers = new Uint32Array(TEXTS_KEPT).fill(NO_SYMBOL);
  readonly #texts: string[] = new Array(TEXTS_KEPT).fill('');

  constructor(source: IndexSource) {
    const { path, footer, cache } = source;
    this.#source = source;
    this.chunks = new IndexChunks(source);
    this.#cache = cache;
    this.#keepsTimes = keepsTimes(footer.meta, this.pages, cache);
    this.minMs = footer.meta.minMs;
    this.maxMs = footer.meta.maxMs;
    let at = 0;
    for (const { tenant, series } of footer.meta.tenants) {
      this.#tenants.set(tenant, { from: at, to: at + series });
      at += series;
    }
    this.seriesCount = at;
    for (const kind of [this.chunks.series, this.chunks.ids]) {
      if (kind.reduce((sum, { count }) => sum + count, 0) !== at)
        throw corruptError(`cannot read ${path}: its chunks have another number of series than its meta data`);
    }
  }

  /** The same index with another cache: a walk over all of it leaves what queries have cached alone. */
  withCache(cache: BlockCache): BlockIndex {
    return new BlockIndex({ ...this.#source, cache, entries: [] });
  }

  get byteLength(): number {
    return this.chunks.byteLength + this.pages.byteLength + TEXTS_KEPT * 16;
  }

  get pages(): PageDirectory {
    return this.chunks.pages;
  }

  get symbolCount(): number {
    const last = this.chunks.symbols.at(-1);
    return last ? last.first + last.count : 0;
  }

  /** Number of a text, or NO_SYMBOL. */
  symbol(text: string): number {
    const { symbols } = this.chunks;
    const bytes = utf8(text);
    let low = 0;
    let high = symbols.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const { key } = symbols[middle];
      if (compareBytes(key, 0, key.length, bytes, 0, bytes.length) <= 0) low = middle;
      else high = middle;
    }
    const place = symbols.length === 0 ? -1 : this.chunks.symbolChunk(low).find(bytes);
    return place < 0 ? NO_SYMBOL : symbols[low].first + place;
  }

  /** Text of a symbol. */
  text(number: number): string {
    const slot = number & (TEXTS_KEPT - 1);
    if (this.#textNumbers[slot] === number) return this.#texts[slot];
    const { symbols, path } = this.chunks;
    const place = chunkWith(symbols, number);
    if (number >= this.symbolCount) throw corruptError(`cannot read ${path}: it has no symbol ${number}`);
    const text = this.chunks.symbolChunk(place).text(number - symbols[place].first);
    this.#textNumbers[slot] = number;
    this.#texts[slot] = text;
    return text;
  }

  /** Whether columns of times are shared enough that decoded ones are kept. */
  get keepsTimes(): boolean {
    return this.#keepsTimes;
  }

  /** A decoded column of times, if it is still kept. */
  keptTimes(number: number): Float64Array | undefined {
    return this.#cache.use(this.#times[number]);
  }

  keepTimes(number: number, ts: Float64Array): void {
    this.#times[number] = this.#cache.add(ts, ts.byteLength);
  }

  /** What knowBounds() was told of a column of times since this range began to be looked for: series that share one ask in turn. */
  knownBounds(times: number, minMs: number, maxMs: number): [from: number, to: number] | undefined {
    if (minMs === this.#boundsMinMs && maxMs === this.#boundsMaxMs) return this.#bounds.get(times);
    this.#bounds.clear();
    this.#boundsMinMs = minMs;
    this.#boundsMaxMs = maxMs;
    return undefined;
  }

  knowBounds(times: number, bounds: [from: number, to: number]): void {
    this.#bounds.set(times, bounds);
  }

  /** Series of a tenant, or null. */
  tenantRange(tenant: string): SeriesRange | null {
    return this.#tenants.get(tenant) ?? null;
  }

  /** Numbers of the tenant's series that match all matchers, ascending. */
  select(tenant: string, matchers: readonly Matcher[]): Uint32Array {
    return selectSeries(this, tenant, matchers);
  }

  /** Of ascending series, those that may have samples in [minMs, maxMs]. */
  filterByTime(series: Uint32Array, minMs: number, maxMs: number): Uint32Array {
    if (minMs <= this.minMs && maxMs >= this.maxMs) return series;
    if (minMs > this.maxMs || maxMs < this.minMs) return NO_SERIES;
    const out = new Uint32Array(series.length);
    let count = 0;
    for (let i = 0; i < series.length; i++) if (this.#overlaps(series[i], minMs, maxMs)) out[count++] = series[i];
    return out.subarray(0, count);
  }

  #overlaps(series: number, minMs: number, maxMs: number): boolean {
    const chunk = this.chunks.seriesChunk(series);
    const i = series - chunk.first;
    for (let part = chunk.partStart[i]; part < chunk.partStart[i + 1]; part++) {
      const times = this.chunks.timeChunk(chunk.timesOf[part]);
      const at = chunk.timesOf[part] - times.first;
      if (times.minMs[at] <= maxMs && times.maxMs[at] >= minMs) return true;
    }
    return false;
  }

  /** Ids of series, four words each. */
  ids(series: Uint32Array): Uint32Array {
    const { ids } = this.chunks;
    const out = new Uint32Array(series.length * 4);
    let info = ids[0];
    let words = NO_SERIES;
    for (let i = 0; i < series.length; i++) {
      if (words.length === 0 || series[i] < info.first || series[i] >= info.first + info.count) {
        const place = chunkWith(ids, series[i]);
        info = ids[place];
        words = this.chunks.idsChunk(place);
      }
      const at = (series[i] - info.first) * 4;
      for (let k = 0; k < 4; k++) out[i * 4 + k] = words[at + k];
    }
    return out;
  }

  /** Symbol of a series' tenant. */
  tenantSymbol(series: number): number {
    const chunk = this.chunks.seriesChunk(series);
    return chunk.shape(series - chunk.first).tenant;
  }

  /** Symbols of a series' labels: name, value, ... by name. */
  labelSymbols(series: number): number[] {
    const out: number[] = [];
    this.readLabelSymbols(series, out);
    return out;
  }

  /** The same into `out`; returns how many numbers. */
  readLabelSymbols(series: number, out: Uint32Array | number[]): number {
    const chunk = this.chunks.seriesChunk(series);
    return chunk.symbols(series - chunk.first, out);
  }

  /** Label set of a series. */
  labels(series: number): Labels {
    const symbols = this.labelSymbols(series);
    const pairs = new Array<string>(symbols.length);
    for (let i = 0; i < pairs.length; i++) pairs[i] = this.text(symbols[i]);
    return Labels.fromSortedPairs(pairs);
  }

  /** Value symbol of a label for each series; NO_SYMBOL where it is absent. */
  labelColumn(series: Uint32Array, name: string): Uint32Array {
    const column = new Uint32Array(series.length).fill(NO_SYMBOL);
    const symbol = this.symbol(name);
    if (symbol === NO_SYMBOL) return column;
    for (let i = 0; i < series.length; ) {
      const chunk = this.chunks.seriesChunk(series[i]);
      const end = chunk.first + chunk.count;
      const places = chunk.shapes.map(({ names }) => names.indexOf(symbol));
      for (; i < series.length && series[i] >= chunk.first && series[i] < end; i++) {
        const row = series[i] - chunk.first;
        const place = places[chunk.shapeOf[row]];
        if (place >= 0) column[i] = chunk.value(row, place);
      }
    }
    return column;
  }

  /** Labels of a tenant, or undefined. */
  tenantLabels(tenant: string): TenantLabels | undefined {
    const symbol = this.tenantRange(tenant) ? this.symbol(tenant) : NO_SYMBOL;
    return symbol === NO_SYMBOL ? undefined : this.chunks.labels().get(symbol);
  }

  /** A tenant's label: who and where, or null. */
  #label(tenant: string, name: string): LabelPlace | null {
    const labels = this.tenantLabels(tenant);
    const symbol = labels ? this.symbol(name) : NO_SYMBOL;
    const place = labels && symbol !== NO_SYMBOL ? findLabel(labels, symbol) : -1;
    if (!labels || place < 0) return null;
    const chunks = chunksOf(labels, place, this.chunks.postings.length);
    return { ...chunks, tenant: this.symbol(tenant), name: symbol };
  }

  #group(label: LabelPlace, chunk: number): PostingsGroup {
    const group = this.chunks.postingsChunk(chunk).group(label.tenant, label.name);
    if (group) return group;
    throw corruptError(`cannot read ${this.chunks.path}: postings of a label are not where its directory says`);
  }

  /** Groups of a tenant's label, values ascending: each holds the postings of some values. */
  *postings(tenant: string, name: string): Generator<PostingsGroup> {
    const label = this.#label(tenant, name);
    if (label === null) return;
    for (let chunk = label.from; chunk < label.to; chunk++) yield this.#group(label, chunk);
  }

  /** Series with a value of a tenant's label, ascending. */
  postingsOf(tenant: string, name: string, value: number): Uint32Array {
    const label = this.#label(tenant, name);
    if (label === null) return NO_SERIES;
    let low = label.from;
    for (let high = label.to; high - low > 1; ) {
      const middle = (low + high) >> 1;
      if (this.chunks.postingsKeys[middle] <= value) low = middle;
      else high = middle;
    }
    const group = this.#group(label, low);
    const place = findSorted(group.values, value);
    return place < 0 ? NO_SERIES : this.list(group, place);
  }

  /** Series of value `i` of a group. */
  list(group: PostingsGroup, i: number): Uint32Array {
    return decodeList(group, i, this.seriesCount);
  }

  /** Names of a tenant's labels, sorted. */
  labelNames(tenant: string): string[] {
    const labels = this.tenantLabels(tenant);
    return labels ? Array.from(labels.names, (name) => this.text(name)) : [];
  }

  /** Values of a tenant's label, sorted. */
  labelValues(tenant: string, name: string): string[] {
    const out: string[] = [];
    for (const { values } of this.postings(tenant, name)) for (const value of values) out.push(this.text(value));
    return out;
  }

  /** The tenant's labels with their values and how many series have each. */
  cardinality(tenant: string): { name: string; values: [string, number][] }[] {
    return this.labelNames(tenant).map((name) => {
      const values: [string, number][] = [];
      for (const group of this.postings(tenant, name)) {
        for (let i = 0; i < group.values.length; i++)
          values.push([this.text(group.values[i]), this.list(group, i).length]);
      }
      return { name, values };
    });
  }

  /** From when to when a series has samples, and how many. */
  timeRange(series: number): { minMs: number; maxMs: number; count: number } {
    const chunk = this.chunks.seriesChunk(series);
    const i = series - chunk.first;
    let [minMs, maxMs, count] = [Infinity, -Infinity, 0];
    for (let part = chunk.partStart[i]; part < chunk.partStart[i + 1]; part++) {
      const times = this.chunks.timeChunk(chunk.timesOf[part]);
      const at = chunk.timesOf[part] - times.first;
      minMs = Math.min(minMs, times.minMs[at]);
      maxMs = Math.max(maxMs, times.maxMs[at]);
      count += times.samples[at];
    }
    return { minMs, maxMs, count };
  }

  /** Pages with the columns of series[from..to), ascending. */
  pagesOf(series: Uint32Array, from: number, to: number): number[] {
    const pages = new PageSet();
    for (let k = from; k < to; k++) this.#addPages(series[k], pages);
    return pages.sorted();
  }

  /** Series [from, to) whose columns lie on about so many pages, and these pages: at least those of one series. */
  batchFrom(from: number, pagesMax: number): { to: number; pages: number[] } {
    const pages = new PageSet();
    let to = from;
    while (to < this.seriesCount && pages.size < pagesMax) this.#addPages(to++, pages);
    return { to, pages: pages.sorted() };
  }

  #addPages(series: number, pages: PageSet): void {
    const chunk = this.chunks.seriesChunk(series);
    const i = series - chunk.first;
    for (let part = chunk.partStart[i]; part < chunk.partStart[i + 1]; part++) {
      const times = this.chunks.timeChunk(chunk.timesOf[part]);
      pages.add(chunk.page[part], times.page[chunk.timesOf[part] - times.first]);
    }
  }
}

/** Numbers of pages; neighbouring series mostly have the same ones. */
class PageSet {
  readonly #pages = new Set<number>();
  #values = -1;
  #times = -1;

  get size(): number {
    return this.#pages.size;
  }

  add(values: number, times: number): void {
    if (values !== this.#values) this.#pages.add((this.#values = values));
    if (times !== this.#times) this.#pages.add((this.#times = times));
  }

  sorted(): number[] {
    return [...this.#pages].sort((a, b) => a - b);
  }
}
