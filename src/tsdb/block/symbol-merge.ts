// Symbols of several blocks as one list, and what each block's numbers become. All lists are sorted, so are the outcome's numbers.
import type { Breathe } from '../slices.ts';
import type { BlockIndex } from './block-index.ts';
import { type SymbolChunk, type SymbolList, compareBytes } from './symbols.ts';

/** Where one block's list stands. */
class SymbolCursor {
  readonly index: BlockIndex;
  /** New numbers, by old ones. */
  readonly ranks: Uint32Array;
  number = 0;
  #place = -1;
  chunk: SymbolChunk | null = null;

  constructor(index: BlockIndex) {
    this.index = index;
    this.ranks = new Uint32Array(index.symbolCount);
    this.#enter();
  }

  #enter(): void {
    this.chunk = null;
    if (this.number < this.ranks.length) this.chunk = this.index.chunks.symbolChunk(++this.#place);
  }

  next(): void {
    const { chunk } = this;
    this.number++;
    if (chunk && this.number >= chunk.first + chunk.count) this.#enter();
  }
}

function compare(a: SymbolCursor, b: SymbolCursor): number {
  const chunkA = a.chunk as SymbolChunk;
  const chunkB = b.chunk as SymbolChunk;
  const i = a.number - chunkA.first;
  const k = b.number - chunkB.first;
  return compareBytes(
    chunkA.bytes,
    chunkA.starts[i],
    chunkA.starts[i + 1],
    chunkB.bytes,
    chunkB.starts[k],
    chunkB.starts[k + 1],
  );
}

/** A symbol list that grows. */
class SymbolListBuilder {
  #bytes = new Uint8Array(65_536);
  #ends = new Uint32Array(4096);
  #length = 0;
  count = 0;

  add(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes.length));
      bigger.set(this.#bytes);
      this.#bytes = bigger;
    }
    if (this.count === this.#ends.length) {
      const bigger = new Uint32Array(this.count * 2);
      bigger.set(this.#ends);
      this.#ends = bigger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    this.#ends[this.count++] = this.#length;
  }

  finish(): SymbolList {
    return {
      count: this.count,
      bytes: this.#bytes.subarray(0, this.#length),
      ends: this.#ends.subarray(0, this.count),
    };
  }
}

/** The symbols of all, and per block its ranks: new numbers by old ones. */
export async function mergeSymbols(
  indexes: readonly BlockIndex[],
  breathe: Breathe,
): Promise<{ symbols: SymbolList; ranks: Uint32Array[] }> {
  const cursors = indexes.map((index) => new SymbolCursor(index));
  const builder = new SymbolListBuilder();
  for (;;) {
    let least: SymbolCursor[] = [];
    for (const cursor of cursors) {
      if (cursor.chunk === null) continue;
      const order = least.length === 0 ? -1 : compare(cursor, least[0]);
      if (order < 0) least = [cursor];
      else if (order === 0) least.push(cursor);
    }
    if (least.length === 0) break;
    const { chunk, number } = least[0];
    if (chunk)
      builder.add(chunk.bytes.subarray(chunk.starts[number - chunk.first], chunk.starts[number - chunk.first + 1]));
    for (const cursor of least) {
      cursor.ranks[cursor.number] = builder.count - 1;
      cursor.next();
    }
    if ((builder.count & 255) === 0) await breathe();
  }
  return { symbols: builder.finish(), ranks: cursors.map(({ ranks }) => ranks) };
}
