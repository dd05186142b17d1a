// What scraped targets say about their metrics, for destinations of remote write: by the name of the family, each once.
import type { WireMetadata } from '../wire/index.ts';

/** Ends of series names of one family. */
const SUFFIXES = /_(?:bucket|count|sum|total|created|info)$/;

export class MetadataTable {
  #byName = new Map<string, WireMetadata>();

  set(metadata: readonly WireMetadata[]): void {
    this.#byName = new Map(metadata.map((one) => [one.name, one]));
  }

  all(): WireMetadata[] {
    return [...this.#byName.values()];
  }

  /** Of series names, under these names: that of the name itself, else that of its family. */
  ofNames(names: Iterable<string>): WireMetadata[] {
    const found: WireMetadata[] = [];
    for (const name of names) {
      const about = this.#byName.get(name) ?? this.#byName.get(name.replace(SUFFIXES, ''));
      if (about) found.push({ ...about, name });
    }
    return found;
  }
}
