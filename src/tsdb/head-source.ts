// The head as a source of queries (model/source.ts).
import {
  Labels,
  METRIC_NAME,
  type Matcher,
  type SampleColumn,
  type SeriesSet,
  type SeriesSource,
  compareUtf8,
  sortTexts,
} from '../model/index.ts';
import { type Head, NO_SERIES, NO_SYMBOL, clampMs } from './head.ts';
import { SCRATCH } from './head-memory.ts';
import { filterByTime, labelEntries, postings, selectSeries, valueEntries } from './head-select.ts';

/** Label columns are read for this many series at a time: list and output share the scratch memory. */
const COLUMN_PART = 1_000_000;

class HeadSeriesSet implements SeriesSet {
  readonly #source: HeadSource;
  readonly #head: Head;
  readonly #series: Uint32Array;

  constructor(source: HeadSource, head: Head, series: Uint32Array) {
    this.#source = source;
    this.#head = head;
    this.#series = series;
  }

  get length(): number {
    return this.#series.length;
  }

  labels(index: number): Labels {
    return this.#head.labels(this.#series[index]);
  }

  group(mode: 'by' | 'without', names: readonly string[]): { groupOf: Uint32Array; groups: Labels[] } {
    return mode === 'by' ? this.#groupBy(names) : this.#groupWithout(names);
  }

  /** Groups by columns of value symbols: no string is made but those of the groups. */
  #groupBy(names: readonly string[]): { groupOf: Uint32Array; groups: Labels[] } {
    const wanted = [...new Set(names)].sort(compareUtf8);
    let groupOf = new Uint32Array(this.length);
    let groups: number[][] = this.length === 0 ? [] : [[]];
    for (const name of wanted) {
      const column = this.#source.labelColumn(this.#series, name);
      const next = new Map<number, number>();
      const refined: number[][] = [];
      const of = new Uint32Array(this.length);
      for (let i = 0; i < column.length; i++) {
        const key = groupOf[i] * 0x100000000 + column[i];
        let group = next.get(key);
        if (group === undefined) {
          group = refined.length;
          next.set(key, group);
          refined.push([...groups[groupOf[i]], column[i]]);
        }
        of[i] = group;
      }
      groupOf = of;
      groups = refined;
    }
    return { groupOf, groups: groups.map((symbols) => this.#groupLabels(wanted, symbols)) };
  }

  #groupLabels(names: readonly string[], symbols: readonly number[]): Labels {
    const pairs: string[] = [];
    for (const [i, symbol] of symbols.entries()) {
      if (symbol !== NO_SYMBOL) pairs.push(names[i], this.#head.text(symbol));
    }
    return Labels.fromSortedPairs(pairs);
  }

  #groupWithout(names: readonly string[]): { groupOf: Uint32Array; groups: Labels[] } {
    const left = new Set([...names, METRIC_NAME].map((name) => this.#head.symbol(name)));
    const byKey = new Map<string, number>();
    const groups: Labels[] = [];
    const groupOf = new Uint32Array(this.length);
    for (let i = 0; i < this.length; i++) {
      const symbols = this.#head.labelRefs(this.#series[i]).pairs;
      const kept: number[] = [];
      for (let k = 0; k < symbols.length; k += 2) if (!left.has(symbols[k])) kept.push(symbols[k], symbols[k + 1]);
      const key = kept.join();
      let group = byKey.get(key);
      if (group === undefined) {
        group = groups.length;
        byKey.set(key, group);
        groups.push(Labels.fromSortedPairs(kept.map((symbol) => this.#head.text(symbol))));
      }
      groupOf[i] = group;
    }
    return { groupOf, groups };
  }

  samplesMax(index: number, minMs: number, maxMs: number): number {
    return this.#source.samplesMaxOf(this.#series[index], minMs, maxMs);
  }

  read(index: number, minMs: number, maxMs: number, into: SampleColumn): number {
    return this.#head.readSeries(this.#series[index], minMs, maxMs, into, 0);
  }
}

/** The head as a SeriesSource. */
export class HeadSource implements SeriesSource {
  readonly #head: Head;

  constructor(head: Head) {
    this.#head = head;
  }

  select(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): SeriesSet {
    return new HeadSeriesSet(this, this.#head, this.selectNumbers(tenant, matchers, minMs, maxMs));
  }

  /** Numbers of the tenant's series that match and may have samples in the range, ascending. */
  selectNumbers(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): Uint32Array {
    // Where all of the range is in blocks, the index need not be asked.
    if (this.#isBeside(minMs, maxMs)) return new Uint32Array(0);
    const series = selectSeries(this.#head, tenant, matchers);
    return filterByTime(this.#head, series, clampMs(minMs), clampMs(maxMs));
  }

  /** Ids of series, four words each. */
  ids(series: Uint32Array): Uint32Array {
    return this.#head.ids(series);
  }

  /** Numbers of the series with these ids; NO_SERIES where there is none. */
  findIds(ids: Uint32Array): Uint32Array {
    return this.#head.findIds(ids);
  }

  labelsOf(series: number): Labels {
    return this.#head.labels(series);
  }

  /** Symbols of a series' labels: name, value, name, value, ... in the order of names. */
  labelSymbols(series: number): number[] {
    return this.#head.labelSymbols(series);
  }

  text(symbol: number): string {
    return this.#head.text(symbol);
  }

  /** Value symbol of a label per series; NO_SYMBOL where it is absent. */
  labelColumn(series: Uint32Array, name: string): Uint32Array {
    const column = new Uint32Array(series.length).fill(NO_SYMBOL);
    const symbol = this.#head.symbol(name);
    if (symbol === NO_SYMBOL) return column;
    const { memory } = this.#head;
    for (let from = 0; from < series.length; from += COLUMN_PART) {
      const part = series.subarray(from, from + COLUMN_PART);
      memory.listToScratch(part);
      memory.kernel.labelColumn(SCRATCH, part.length, symbol, SCRATCH + COLUMN_PART * 4);
      column.set(memory.fromScratch(part.length, COLUMN_PART * 4), from);
    }
    return column;
  }

  /** At most this many samples of a series lie in [minMs, maxMs]. */
  samplesMaxOf(series: number, minMs: number, maxMs: number): number {
    return this.#head.memory.kernel.samplesMax(series, clampMs(minMs), clampMs(maxMs)) >>> 0;
  }

  /** Whether there may be native histograms among the samples of a series. */
  mayHaveHistograms(series: number): boolean {
    return this.#head.mayHaveBlobs(series);
  }

  /** Whether there may be start times among the samples of a series. */
  mayHaveStarts(series: number): boolean {
    return this.#head.startsOf(series) !== NO_SERIES;
  }

  /** Reads a series behind the `at` samples that are in the column. Returns how many. */
  readSeries(series: number, minMs: number, maxMs: number, into: SampleColumn, at: number): number {
    return this.#head.readSeries(series, minMs, maxMs, into, at);
  }

  labelNames(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): string[] {
    if (this.#isBeside(minMs, maxMs)) return [];
    const names = new Set<number>();
    if (matchers.length === 0) {
      const isAll = this.#covers(minMs, maxMs);
      const pairs = labelEntries(this.#head, tenant);
      for (let i = 0; i < pairs.length; i += 2) {
        if (isAll || this.#valuesIn(pairs[i + 1], minMs, maxMs, 1).size > 0) names.add(pairs[i]);
      }
    } else {
      for (const series of this.selectNumbers(tenant, matchers, minMs, maxMs)) {
        const symbols = this.#head.labelRefs(series).pairs;
        for (let i = 0; i < symbols.length; i += 2) names.add(symbols[i]);
      }
    }
    return this.#sortedTexts(names);
  }

  labelValues(tenant: string, name: string, matchers: readonly Matcher[], minMs: number, maxMs: number): string[] {
    if (this.#isBeside(minMs, maxMs)) return [];
    const symbol = this.#head.symbol(name);
    const tenantSymbol = this.#head.symbol(tenant);
    if (symbol === NO_SYMBOL || tenantSymbol === NO_SYMBOL) return [];
    const label = this.#head.memory.kernel.findLabel(tenantSymbol, symbol) >>> 0;
    if (label === 0) return [];
    if (matchers.length === 0) return this.#sortedTexts(this.#valuesIn(label, minMs, maxMs, Infinity));
    const values = new Set(this.labelColumn(this.selectNumbers(tenant, matchers, minMs, maxMs), name));
    values.delete(NO_SYMBOL);
    return this.#sortedTexts(values);
  }

  /** Values of a label that a series with samples in the range has, at most `limit`. */
  #valuesIn(label: number, minMs: number, maxMs: number, limit: number): Set<number> {
    const { memory } = this.#head;
    const isAll = this.#covers(minMs, maxMs);
    const pairs = valueEntries(this.#head, label);
    const values = new Set<number>();
    for (let i = 0; i < pairs.length && values.size < limit; i += 2) {
      const isIn = isAll || memory.kernel.anyInRange(pairs[i + 1], clampMs(minMs), clampMs(maxMs)) !== 0;
      if (isIn) values.add(pairs[i]);
    }
    return values;
  }

  /** Number of the tenant's series that have samples. */
  seriesCount(tenant: string): number {
    return this.#withSamples(selectSeries(this.#head, tenant, [])).length;
  }

  /** The tenant's labels with their values and how many series with samples have each. */
  cardinality(tenant: string): { name: string; values: [string, number][] }[] {
    const labels = labelEntries(this.#head, tenant);
    const out: { name: string; values: [string, number][] }[] = [];
    for (let i = 0; i < labels.length; i += 2) {
      const pairs = valueEntries(this.#head, labels[i + 1]);
      const values: [string, number][] = [];
      for (let k = 0; k < pairs.length; k += 2) {
        const count = this.#countOf(pairs[k + 1]);
        if (count > 0) values.push([this.#head.text(pairs[k]), count]);
      }
      if (values.length > 0) out.push({ name: this.#head.text(labels[i]), values });
    }
    return out;
  }

  /** How many series with samples a value entry has. */
  #countOf(entry: number): number {
    const { memory } = this.#head;
    if (memory.emptySeries === 0) return memory.kernel.postingsCount(entry);
    return this.#withSamples(postings(this.#head, entry)).length;
  }

  #withSamples(series: Uint32Array): Uint32Array {
    if (this.#head.memory.emptySeries === 0) return series;
    return filterByTime(this.#head, series, clampMs(-Infinity), clampMs(Infinity));
  }

  /** Whether there are no samples in the range. */
  #isBeside(minMs: number, maxMs: number): boolean {
    const { timeRange: range } = this.#head.memory;
    return !range || maxMs < range.minMs || minMs > range.maxMs;
  }

  /** Whether every series has samples in the range, so that none needs to be looked at. */
  #covers(minMs: number, maxMs: number): boolean {
    const { emptySeries, timeRange: range } = this.#head.memory;
    if (emptySeries > 0) return false;
    return !range || (minMs <= range.minMs && maxMs >= range.maxMs);
  }

  #sortedTexts(symbols: Iterable<number>): string[] {
    return sortTexts(Array.from(symbols, (symbol) => this.#head.text(symbol)));
  }
}
