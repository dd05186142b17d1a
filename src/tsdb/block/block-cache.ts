// What a process part keeps in memory of its blocks: index regions, decoded chunks, pages, decoded time columns. One budget for all
// blocks; what was used longest ago goes first. Owners keep the entries and look whether the value is still there, so a hit
// costs no hashing. A value that somebody reads stays alive by his reference.

import { invariant } from '../../base/index.ts';

/** Pages in memory, raw, by number. They stay until release(), whatever the cache does. */
export class PinnedPages {
  readonly #pages = new Map<number, Uint8Array>();
  /** Bytes that are held. */
  bytes = 0;

  set(number: number, raw: Uint8Array): void {
    this.#pages.set(number, raw);
    this.bytes += raw.length;
  }

  get(number: number): Uint8Array | undefined {
    return this.#pages.get(number);
  }

  page(number: number): Uint8Array {
    const raw = this.#pages.get(number);
    invariant(raw !== undefined, 'a page is fetched before it is read', { number });
    return raw;
  }

  release(): void {
    this.#pages.clear();
    this.bytes = 0;
  }
}

/** A place in the cache. `value` is undefined once it was dropped. */
export class CacheEntry<T = unknown> {
  value: T | undefined;
  readonly bytes: number;
  older: CacheEntry | null = null;
  newer: CacheEntry | null = null;

  constructor(value: T, bytes: number) {
    this.value = value;
    this.bytes = bytes;
  }
}

export interface BlockCacheStats {
  readonly bytes: number;
  readonly bytesMax: number;
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

/** Least-recently-used cache with a byte budget. The newest entry stays even if it alone is above the budget. */
export class BlockCache {
  readonly bytesMax: number;
  #newest: CacheEntry | null = null;
  #oldest: CacheEntry | null = null;
  #bytes = 0;
  #entries = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Keeps a value of about so many bytes. */
  add<T>(value: T, bytes: number): CacheEntry<T> {
    const entry = new CacheEntry(value, bytes);
    this.#link(entry as CacheEntry);
    this.#bytes += bytes;
    this.#entries++;
    while (this.#bytes > this.bytesMax && this.#oldest !== null && this.#oldest !== this.#newest) {
      this.remove(this.#oldest);
      this.#evictions++;
    }
    return entry;
  }

  /** The entry's value, if it is still here; counts as a use. */
  use<T>(entry: CacheEntry<T> | undefined): T | undefined {
    if (entry?.value === undefined) {
      this.#misses++;
      return undefined;
    }
    this.#hits++;
    if (entry !== this.#newest) {
      this.#unlink(entry as CacheEntry);
      this.#link(entry as CacheEntry);
    }
    return entry.value;
  }

  /** Drops an entry; one that is gone already is fine. */
  remove(entry: CacheEntry<unknown> | undefined): void {
    if (entry?.value === undefined) return;
    this.#unlink(entry);
    entry.value = undefined;
    this.#bytes -= entry.bytes;
    this.#entries--;
  }

  stats(): BlockCacheStats {
    return {
      bytes: this.#bytes,
      bytesMax: this.bytesMax,
      entries: this.#entries,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    };
  }

  #link(entry: CacheEntry): void {
    entry.older = this.#newest;
    if (this.#newest !== null) this.#newest.newer = entry;
    this.#newest = entry;
    this.#oldest ??= entry;
  }

  #unlink(entry: CacheEntry): void {
    if (entry.newer !== null) entry.newer.older = entry.older;
    else this.#newest = entry.older;
    if (entry.older !== null) entry.older.newer = entry.newer;
    else this.#oldest = entry.newer;
    entry.older = null;
    entry.newer = null;
  }
}
