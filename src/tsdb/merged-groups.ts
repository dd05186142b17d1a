// Groups the rows of a merged set by labels. Stores number their symbols differently: a symbol's text is looked up once per store, and
// what is compared per row are numbers.
import { Labels, METRIC_NAME, compareUtf8 } from '../model/index.ts';
import { NO_SYMBOL } from './head.ts';
import type { RowParts } from './merged-rows.ts';
import type { Store } from './stores.ts';

interface Groups {
  groupOf: Uint32Array;
  groups: Labels[];
}

/** Texts of all stores, each with one number. */
class Texts {
  readonly #stores: readonly Store[];
  readonly #numbers: Map<number, number>[];
  readonly #byText = new Map<string, number>();
  readonly #texts: string[] = [];

  constructor(stores: readonly Store[]) {
    this.#stores = stores;
    this.#numbers = stores.map(() => new Map());
  }

  number(store: number, symbol: number): number {
    const known = this.#numbers[store].get(symbol);
    if (known !== undefined) return known;
    const text = this.#stores[store].text(symbol);
    let number = this.#byText.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#byText.set(text, number);
    }
    this.#numbers[store].set(symbol, number);
    return number;
  }

  text(number: number): string {
    return this.#texts[number];
  }
}

export class MergedGroups {
  readonly #stores: readonly Store[];
  readonly #texts: Texts;
  readonly #rows: number;
  /** Per store the rows that are read from it for their labels, and their places. */
  readonly #rowsOf: Uint32Array[];
  readonly #placesOf: Uint32Array[];

  constructor(stores: readonly Store[], parts: RowParts, rows: number) {
    this.#stores = stores;
    this.#texts = new Texts(stores);
    this.#rows = rows;
    const counts = new Uint32Array(stores.length);
    const firstPart = (row: number) => (row === 0 ? 0 : parts.ends[row - 1]);
    for (let row = 0; row < rows; row++) counts[parts.stores[firstPart(row)]]++;
    this.#rowsOf = stores.map((_, s) => new Uint32Array(counts[s]));
    this.#placesOf = stores.map((_, s) => new Uint32Array(counts[s]));
    counts.fill(0);
    for (let row = 0; row < rows; row++) {
      const part = firstPart(row);
      const store = parts.stores[part];
      this.#rowsOf[store][counts[store]] = row;
      this.#placesOf[store][counts[store]++] = parts.places[part];
    }
  }

  /** Per row the number of its value of a label, NO_SYMBOL where it has none. */
  #column(name: string): Uint32Array {
    const column = new Uint32Array(this.#rows);
    for (const [s, store] of this.#stores.entries()) {
      const symbols = store.labelColumn(this.#placesOf[s], name);
      const rows = this.#rowsOf[s];
      for (let i = 0; i < rows.length; i++) {
        column[rows[i]] = symbols[i] === NO_SYMBOL ? NO_SYMBOL : this.#texts.number(s, symbols[i]);
      }
    }
    return column;
  }

  by(names: readonly string[]): Groups {
    const wanted = [...new Set(names)].sort(compareUtf8);
    let groupOf = new Uint32Array(this.#rows);
    let groups: number[][] = this.#rows === 0 ? [] : [[]];
    for (const name of wanted) {
      const column = this.#column(name);
      const next = new Map<number, number>();
      const refined: number[][] = [];
      const of = new Uint32Array(this.#rows);
      for (let row = 0; row < of.length; row++) {
        const key = groupOf[row] * 0x100000000 + column[row];
        let group = next.get(key);
        if (group === undefined) {
          group = refined.push([...groups[groupOf[row]], column[row]]) - 1;
          next.set(key, group);
        }
        of[row] = group;
      }
      groupOf = of;
      groups = refined;
    }
    return { groupOf, groups: groups.map((values) => this.#labels(wanted, values)) };
  }

  #labels(names: readonly string[], values: readonly number[]): Labels {
    const pairs: string[] = [];
    for (const [i, value] of values.entries()) if (value !== NO_SYMBOL) pairs.push(names[i], this.#texts.text(value));
    return Labels.fromSortedPairs(pairs);
  }

  without(names: readonly string[]): Groups {
    const left = new Set([...names, METRIC_NAME]);
    const byKey = new Map<string, number>();
    const groups: Labels[] = [];
    const groupOf = new Uint32Array(this.#rows);
    for (const [s, store] of this.#stores.entries()) {
      const rows = this.#rowsOf[s];
      for (let i = 0; i < rows.length; i++) {
        const kept = this.#kept(s, store.labelSymbols(this.#placesOf[s][i]), left);
        const key = kept.join();
        let group = byKey.get(key);
        if (group === undefined) {
          group = groups.push(Labels.fromSortedPairs(kept.map((text) => this.#texts.text(text)))) - 1;
          byKey.set(key, group);
        }
        groupOf[rows[i]] = group;
      }
    }
    return { groupOf, groups };
  }

  #kept(store: number, symbols: ArrayLike<number>, left: ReadonlySet<string>): number[] {
    const kept: number[] = [];
    for (let k = 0; k < symbols.length; k += 2) {
      const name = this.#texts.number(store, symbols[k]);
      if (!left.has(this.#texts.text(name))) kept.push(name, this.#texts.number(store, symbols[k + 1]));
    }
    return kept;
  }
}
