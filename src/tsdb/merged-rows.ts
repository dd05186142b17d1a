// Which rows of several stores are the same series. Stores (the head, each block) list the ids of the series that they selected, four
// words each; a row is one id, and knows its number in every store that has it.
//
//   ids of store 0 ─┐                    ends     ┌───┬───┬───┐         row r's parts are [ends[r-1], ends[r])
//   ids of store 1 ─┼─► table by id ─►            └───┴───┴───┘
//   ids of store 2 ─┘                    stores, places: of each part the store, and the place in its list

const EMPTY = 0xffffffff;

/** An open-addressing table from ids to rows. */
export class IdTable {
  #words: Uint32Array;
  #rows: Uint32Array;
  #mask: number;
  count = 0;

  /** For at most `idsMax` ids. */
  constructor(idsMax: number) {
    let size = 16;
    while (size < idsMax * 1.5) size *= 2;
    this.#mask = size - 1;
    this.#rows = new Uint32Array(size).fill(EMPTY);
    this.#words = new Uint32Array(idsMax * 4);
  }

  get byteLength(): number {
    return this.#rows.byteLength + this.#words.byteLength;
  }

  #place(ids: Uint32Array, at: number): number {
    const words = this.#words;
    // The low word chose the shard; the others are as good as random.
    for (let i = ids[at + 1] & this.#mask; ; i = (i + 1) & this.#mask) {
      const row = this.#rows[i];
      if (row === EMPTY) return i;
      const k = row * 4;
      if (
        words[k] === ids[at] &&
        words[k + 1] === ids[at + 1] &&
        words[k + 2] === ids[at + 2] &&
        words[k + 3] === ids[at + 3]
      )
        return i;
    }
  }

  /** The row of the id at ids[at..at+4), or -1. */
  find(ids: Uint32Array, at: number): number {
    const row = this.#rows[this.#place(ids, at)];
    return row === EMPTY ? -1 : row;
  }

  /** The row of the id, a new one if it is not there. */
  add(ids: Uint32Array, at: number): number {
    const place = this.#place(ids, at);
    if (this.#rows[place] === EMPTY) {
      this.#words.set(ids.subarray(at, at + 4), this.count * 4);
      this.#rows[place] = this.count++;
    }
    return this.#rows[place];
  }

  /** Ids of all rows, in order. */
  get ids(): Uint32Array {
    return this.#words.subarray(0, this.count * 4);
  }
}

/** Parts of rows, grouped by row; within a row in the order of the stores. */
export interface RowParts {
  readonly ends: Uint32Array;
  readonly stores: Uint16Array;
  readonly places: Uint32Array;
}

/** `rowsOf[s][i]` is the row of the i-th series of store s, or EMPTY_ROW if it has none. */
export function groupParts(rowsOf: readonly Uint32Array[], rows: number): RowParts {
  const ends = new Uint32Array(rows);
  let total = 0;
  for (const list of rowsOf) {
    for (let i = 0; i < list.length; i++) {
      if (list[i] === EMPTY) continue;
      ends[list[i]]++;
      total++;
    }
  }
  const next = new Uint32Array(rows);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    next[row] = sum;
    sum += ends[row];
    ends[row] = sum;
  }
  const stores = new Uint16Array(total);
  const places = new Uint32Array(total);
  for (const [store, list] of rowsOf.entries()) {
    for (let i = 0; i < list.length; i++) {
      if (list[i] === EMPTY) continue;
      const at = next[list[i]]++;
      stores[at] = store;
      places[at] = i;
    }
  }
  return { ends, stores, places };
}

/** The same where one store has all rows, in order. */
export function partsOfOne(rows: number): RowParts {
  const ends = new Uint32Array(rows);
  const places = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    ends[row] = row + 1;
    places[row] = row;
  }
  return { ends, stores: new Uint16Array(rows), places };
}

/** Marks a series that no row has. */
export const EMPTY_ROW = EMPTY;
