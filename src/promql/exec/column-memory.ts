// Which columns are in use. Values share columns (see vector.ts), so what counts is the buffer: when the last value that has it is let go,
// its memory is given back at once. Otherwise what a query has used up would stay until the garbage collector comes by, and that goes by
// the JavaScript heap, of which columns are no part: a process would hold several times its queries' budget.
import { freeArray } from './row-block.ts';
import type { Value } from './vector.ts';

const BYTES_MIN_DEFAULT = 65_536;

const columnsOf = (value: Value): readonly (Float64Array | Uint8Array)[] => {
  switch (value.type) {
    case 'vector':
      return [value.vs, value.has];
    case 'matrix':
      return [value.ts, value.vs];
    case 'scalar':
      return [value.vs];
    case 'string':
      return [];
  }
};

export class ColumnMemory {
  readonly #uses = new Map<ArrayBufferLike, number>();
  readonly #bytesMin: number;

  /** Buffers below `bytesMin` are left to the collector. */
  constructor(bytesMin = BYTES_MIN_DEFAULT) {
    this.#bytesMin = bytesMin;
  }

  /** The value is in use. */
  take(value: Value): void {
    for (const { buffer } of columnsOf(value)) {
      if (buffer.byteLength >= this.#bytesMin) this.#uses.set(buffer, (this.#uses.get(buffer) ?? 0) + 1);
    }
  }

  /** Nothing is used any more. */
  dropAll(): void {
    for (const buffer of this.#uses.keys()) if (!(buffer as ArrayBuffer).detached) (buffer as ArrayBuffer).transfer(0);
    this.#uses.clear();
  }

  /**
   * The value is not used any more, nor is any view of its columns that is not itself taken. `kept`: a column that has another owner
   * from now on.
   */
  drop(value: Value, kept: Float64Array | null = null): void {
    for (const column of columnsOf(value)) {
      const uses = this.#uses.get(column.buffer);
      if (uses === undefined) continue;
      if (uses > 1) {
        this.#uses.set(column.buffer, uses - 1);
        continue;
      }
      this.#uses.delete(column.buffer);
      if (column !== kept) freeArray(column);
    }
  }
}
