// What a target says about its metrics: type, help and unit by family. Families stay ten scrapes after they were last seen.
// A body whose metadata lines have not changed as a whole costs nothing here.
import type { MetadataLine } from '../wire/index.ts';

export interface FamilyMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

interface Entry {
  type: string;
  help: string;
  unit: string;
  /** The scrape that had it last, where it is absent now. */
  seen: number;
}

const SCRAPES_KEPT = 10;

export class MetadataCache {
  readonly #families = new Map<string, Entry>();
  #scrape = 0;
  /** Families that the last body lacked. */
  #absent = 0;

  /** A good scrape whose metadata is as before. */
  unchanged(): void {
    this.#scrape++;
    if (this.#absent > 0) this.#expire();
  }

  /** A good scrape with new metadata. */
  update(lines: readonly MetadataLine[]): void {
    const before = this.#scrape++;
    for (const entry of this.#families.values()) if (entry.seen < 0) entry.seen = before;
    for (const { kind, family, text } of lines) {
      let entry = this.#families.get(family);
      if (!entry) {
        entry = { type: 'unknown', help: '', unit: '', seen: -1 };
        this.#families.set(family, entry);
      }
      entry[kind] = text;
      entry.seen = -1;
    }
    this.#absent = 0;
    for (const entry of this.#families.values()) if (entry.seen >= 0) this.#absent++;
    if (this.#absent > 0) this.#expire();
  }

  #expire(): void {
    const expired: string[] = [];
    for (const [family, entry] of this.#families) {
      if (entry.seen >= 0 && this.#scrape - entry.seen > SCRAPES_KEPT) expired.push(family);
    }
    for (const family of expired) this.#families.delete(family);
    this.#absent -= expired.length;
  }

  get(family: string): FamilyMetadata | undefined {
    return this.#families.get(family);
  }

  /** Families and what is known of them. */
  entries(): IterableIterator<[string, FamilyMetadata]> {
    return this.#families.entries();
  }

  get size(): number {
    return this.#families.size;
  }
}
