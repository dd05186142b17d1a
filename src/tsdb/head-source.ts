// The head as a source of queries (model/source.ts).
import { invariant } from '../base/index.ts';
import {
  Labels,
  METRIC_NAME,
  type Matcher,
  type SampleColumn,
  type SeriesSet,
  type SeriesSource,
  compareUtf8,
} from '../model/index.ts';
import { type Head, NO_SYMBOL } from './head.ts';
import { READ_TIMES, READ_VALUES, SCRATCH } from './head-memory.ts';
import { filterByTime, labelEntries, selectSeries, valueEntries } from './head-select.ts';

/** Times that the kernel takes: exact integers. */
const clampMs = (ms: number): number => Math.max(-(2 ** 53), Math.min(2 ** 53, ms));

/** Label columns are read for this many series at a time: list and output share the scratch memory. */
const COLUMN_PART = 1_000_000;

class HeadSeriesSet implements SeriesSet {
  readonly #head: Head;
  readonly #series: Uint32Array;

  constructor(head: Head, series: Uint32Array) {
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
      const column = this.#labelColumn(name);
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
      const symbols = this.#head.labelSymbols(this.#series[i]);
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

  /** Value symbol of a label per series; NO_SYMBOL where it is absent. */
  #labelColumn(name: string): Uint32Array {
    const column = new Uint32Array(this.length).fill(NO_SYMBOL);
    const symbol = this.#head.symbol(name);
    if (symbol === NO_SYMBOL) return column;
    const { memory } = this.#head;
    for (let from = 0; from < this.length; from += COLUMN_PART) {
      const part = this.#series.subarray(from, from + COLUMN_PART);
      memory.words.set(part, SCRATCH >> 2);
      const out = SCRATCH + COLUMN_PART * 4;
      memory.kernel.labelColumn(SCRATCH, part.length, symbol, out);
      column.set(memory.words.subarray(out >> 2, (out >> 2) + part.length), from);
    }
    return column;
  }

  samplesMax(index: number, minMs: number, maxMs: number): number {
    return this.#head.memory.kernel.samplesMax(this.#series[index], clampMs(minMs), clampMs(maxMs));
  }

  read(index: number, minMs: number, maxMs: number, into: SampleColumn): number {
    return this.#read(index, clampMs(minMs), clampMs(maxMs), into, 0);
  }

  /** Reads behind the `at` samples that are there; a range too large for the kernel's buffers in halves. */
  #read(index: number, minMs: number, maxMs: number, into: SampleColumn, at: number): number {
    const { kernel } = this.#head.memory;
    const count = kernel.read(this.#series[index], minMs, maxMs);
    if (count < 0) {
      invariant(maxMs > minMs, 'one millisecond of a series fits the read buffers');
      const middle = Math.floor((minMs + maxMs) / 2);
      const read = this.#read(index, minMs, middle, into, at);
      return read + this.#read(index, middle + 1, maxMs, into, at + read);
    }
    const { doubles, words } = this.#head.memory;
    const times = (READ_TIMES >> 3) + kernel.readFirst();
    const values = (READ_VALUES >> 3) + kernel.readFirst();
    into.ts.set(doubles.subarray(times, times + count), at);
    into.vsWords.set(words.subarray(2 * values, 2 * (values + count)), 2 * at);
    return count;
  }
}

/** The head as a SeriesSource. */
export class HeadSource implements SeriesSource {
  readonly #head: Head;

  constructor(head: Head) {
    this.#head = head;
  }

  select(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): SeriesSet {
    const series = selectSeries(this.#head, tenant, matchers);
    return new HeadSeriesSet(this.#head, filterByTime(this.#head, series, clampMs(minMs), clampMs(maxMs)));
  }

  labelNames(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): string[] {
    const names = new Set<number>();
    if (matchers.length === 0 && this.#covers(minMs, maxMs)) {
      const pairs = labelEntries(this.#head, tenant);
      for (let i = 0; i < pairs.length; i += 2) names.add(pairs[i]);
    } else {
      for (const series of this.#numbers(tenant, matchers, minMs, maxMs)) {
        const symbols = this.#head.labelSymbols(series);
        for (let i = 0; i < symbols.length; i += 2) names.add(symbols[i]);
      }
    }
    return this.#sortedTexts(names);
  }

  labelValues(tenant: string, name: string, matchers: readonly Matcher[], minMs: number, maxMs: number): string[] {
    const symbol = this.#head.symbol(name);
    const tenantSymbol = this.#head.symbol(tenant);
    if (symbol === NO_SYMBOL || tenantSymbol === NO_SYMBOL) return [];
    const label = this.#head.memory.kernel.findLabel(tenantSymbol, symbol) >>> 0;
    if (label === 0) return [];
    const values = new Set<number>();
    if (matchers.length === 0 && this.#covers(minMs, maxMs)) {
      const pairs = valueEntries(this.#head, label);
      for (let i = 0; i < pairs.length; i += 2) values.add(pairs[i]);
    } else {
      for (const series of this.#numbers(tenant, matchers, minMs, maxMs)) {
        const symbols = this.#head.labelSymbols(series);
        for (let i = 0; i < symbols.length; i += 2) if (symbols[i] === symbol) values.add(symbols[i + 1]);
      }
    }
    return this.#sortedTexts(values);
  }

  /** Number of the tenant's series. */
  seriesCount(tenant: string): number {
    return selectSeries(this.#head, tenant, []).length;
  }

  /** The tenant's labels with their values and how many series have each. */
  cardinality(tenant: string): { name: string; values: [string, number][] }[] {
    const labels = labelEntries(this.#head, tenant);
    const out: { name: string; values: [string, number][] }[] = [];
    for (let i = 0; i < labels.length; i += 2) {
      const pairs = valueEntries(this.#head, labels[i + 1]);
      const values: [string, number][] = [];
      for (let k = 0; k < pairs.length; k += 2) {
        values.push([this.#head.text(pairs[k]), this.#head.memory.kernel.postingsCount(pairs[k + 1])]);
      }
      out.push({ name: this.#head.text(labels[i]), values });
    }
    return out;
  }

  /** Whether the range takes in all samples there are, so that no series needs to be looked at. */
  #covers(minMs: number, maxMs: number): boolean {
    const range = this.#head.memory.timeRange;
    return !range || (minMs <= range.minMs && maxMs >= range.maxMs);
  }

  #numbers(tenant: string, matchers: readonly Matcher[], minMs: number, maxMs: number): Uint32Array {
    const series = selectSeries(this.#head, tenant, matchers);
    return filterByTime(this.#head, series, clampMs(minMs), clampMs(maxMs));
  }

  #sortedTexts(symbols: Iterable<number>): string[] {
    return Array.from(symbols, (symbol) => this.#head.text(symbol)).sort(compareUtf8);
  }
}
