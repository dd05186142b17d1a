// What a query holds, counted together by all threads that work for it: the query's own thread and each shard's leaf have a share of one
// count in shared memory. Nobody has to know beforehand how the series are spread over the shards, and the sum never passes the limit.
import { overBudget } from '../errors.ts';

/** The shared count is kept in these, so that 32 bits are enough for 128 GiB. */
const UNIT_BYTES = 64;

/** The memory of a query's count. */
export const createHeldMemory = (): SharedArrayBuffer => new SharedArrayBuffer(4);

/** The share of one thread. */
export class ByteBudget {
  readonly limitBytes: number;
  readonly #units: Int32Array;
  /** Of the shared count, what is this share's. */
  #ownUnits = 0;
  #bytes = 0;

  /** Without `memory` the share is all there is. */
  constructor(limitBytes: number, memory: SharedArrayBuffer | null = null) {
    this.limitBytes = limitBytes;
    this.#units = new Int32Array(memory ?? new ArrayBuffer(4));
  }

  /** Held by this share. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Held by all shares: exact if the others hold nothing, else to a unit for each. */
  get totalBytes(): number {
    return this.#bytes + (Atomics.load(this.#units, 0) - this.#ownUnits) * UNIT_BYTES;
  }

  /** Throws unless so many more bytes may be held. */
  check(bytes: number): void {
    const total = this.totalBytes + bytes;
    if (total > this.limitBytes) throw overBudget(total, this.limitBytes);
  }

  /** Counts bytes that are about to be held. Throws, and counts nothing, when the limit does not allow them. */
  hold(bytes: number): void {
    this.check(bytes);
    this.#set(this.#bytes + bytes);
  }

  release(bytes: number): void {
    this.#set(this.#bytes - bytes);
  }

  /** The share holds nothing any more. */
  close(): void {
    this.#set(0);
  }

  #set(bytes: number): void {
    this.#bytes = bytes;
    const units = Math.ceil(bytes / UNIT_BYTES);
    if (units === this.#ownUnits) return;
    Atomics.add(this.#units, 0, units - this.#ownUnits);
    this.#ownUnits = units;
  }
}
