// What leaves gave, by what they asked: bounded in bytes. Where room is short, the tenant that has most gives up what it used least lately.
import type { KeptResult } from './leaf-splice.ts';

/** A result over steps startMs, startMs + stepMs, ..., as the store was at `version`. */
export interface CacheEntry {
  readonly startMs: number;
  readonly stepMs: number;
  readonly version: number;
  readonly result: KeptResult;
  readonly bytes: number;
  /** Samples that were read for it when it was worked out whole. */
  readonly samples: number;
}

/** For metrics. */
export interface LeafCacheStats {
  readonly bytes: number;
  readonly entries: number;
  /** Leaves that found some of their steps. */
  readonly hits: number;
  readonly misses: number;
  readonly stepsReused: number;
}

/** An entry takes at most this part of the whole. */
const SHARE_MAX = 1 / 4;
const ENTRY_BYTES = 512;

interface TenantEntries {
  bytes: number;
  /** The one used last at the end. */
  readonly entries: Map<string, CacheEntry>;
}

export class LeafCache {
  readonly #bytesMax: number;
  readonly #tenants = new Map<string, TenantEntries>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;
  #stepsReused = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(tenant: string, key: string): CacheEntry | null {
    const own = this.#tenants.get(tenant);
    const entry = own?.entries.get(key);
    if (!own || !entry) return null;
    own.entries.delete(key);
    own.entries.set(key, entry);
    return entry;
  }

  /** Whether something of this size may be put at all. */
  fits(bytes: number): boolean {
    return bytes <= this.#bytesMax * SHARE_MAX;
  }

  put(tenant: string, key: string, entry: Omit<CacheEntry, 'bytes'>, resultBytes: number): void {
    this.remove(tenant, key);
    if (!this.fits(resultBytes)) return;
    const bytes = resultBytes + ENTRY_BYTES + 2 * key.length;
    let own = this.#tenants.get(tenant);
    if (!own) this.#tenants.set(tenant, (own = { bytes: 0, entries: new Map() }));
    own.entries.set(key, { ...entry, bytes });
    own.bytes += bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) this.#evict();
  }

  remove(tenant: string, key: string): void {
    const own = this.#tenants.get(tenant);
    const entry = own?.entries.get(key);
    if (!own || !entry) return;
    own.entries.delete(key);
    own.bytes -= entry.bytes;
    this.#bytes -= entry.bytes;
    if (own.entries.size === 0) this.#tenants.delete(tenant);
  }

  #evict(): void {
    let [most, bytes] = ['', -1];
    for (const [tenant, own] of this.#tenants) if (own.bytes > bytes) [most, bytes] = [tenant, own.bytes];
    const oldest = this.#tenants.get(most)?.entries.keys().next();
    if (oldest && !oldest.done) this.remove(most, oldest.value);
  }

  noteHit(steps: number): void {
    this.#hits++;
    this.#stepsReused += steps;
  }

  noteMiss(): void {
    this.#misses++;
  }

  stats(): LeafCacheStats {
    let entries = 0;
    for (const own of this.#tenants.values()) entries += own.entries.size;
    return { bytes: this.#bytes, entries, hits: this.#hits, misses: this.#misses, stepsReused: this.#stepsReused };
  }
}
