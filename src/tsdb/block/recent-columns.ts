// The columns of values that a writer stored of late, found by their bytes: series that move alike (buckets of a histogram that nothing
// falls between, a count and its greatest bucket) have equal columns, and mostly stand near one another. Only near ones are remembered:
// reading a series must not lead all over the file.
//
//   ring of bytes, by offsets that only grow:   ... │ column │ column │ column │ next goes here
import { crc32c } from '../../kernel/index.ts';

/** About four pages. */
const RING_BYTES = 262_144;
/** Naming another column takes a few bytes too. */
const SHARED_BYTES_MIN = 12;

interface RecentColumn {
  readonly part: number;
  /** In the ring, without end. */
  readonly offset: number;
  readonly length: number;
}

export class RecentColumns {
  readonly #ring = new Uint8Array(RING_BYTES);
  readonly #byChecksum = new Map<number, RecentColumn>();
  #end = 0;

  /** Part with a column of these bytes, or -1; then this one is remembered as that of `part`. */
  find(column: Uint8Array, part: number): number {
    if (column.length < SHARED_BYTES_MIN || column.length > RING_BYTES / 4) return -1;
    const checksum = crc32c(column);
    const recent = this.#byChecksum.get(checksum);
    if (recent !== undefined && this.#holds(recent, column)) return recent.part;
    this.#byChecksum.set(checksum, { part, offset: this.#append(column), length: column.length });
    return -1;
  }

  #holds({ offset, length }: RecentColumn, column: Uint8Array): boolean {
    if (length !== column.length || offset < this.#end - RING_BYTES) return false;
    const from = offset % RING_BYTES;
    return Buffer.compare(this.#ring.subarray(from, from + length), column) === 0;
  }

  /** A column does not wrap: what is left at the end of the ring stays unused. */
  #append(column: Uint8Array): number {
    const left = RING_BYTES - (this.#end % RING_BYTES);
    const offset = column.length <= left ? this.#end : this.#end + left;
    this.#ring.set(column, offset % RING_BYTES);
    this.#end = offset + column.length;
    return offset;
  }

  /** Parts so far are out of reach. */
  clear(): void {
    this.#byChecksum.clear();
  }
}
