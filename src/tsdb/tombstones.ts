// What was deleted and still lies in blocks: applied when they are read, and made real when they are written again. A tombstone
// concerns the samples that were logged before it: blocks whose `deletesThrough` is older. One small file per shard; the log has
// the same deletes as records, but not for as long.
import { type Logger, errorText, isCorrupt } from '../base/index.ts';
import { type Files, type LogPosition, compareLogPositions } from '../io/index.ts';
import type { Matcher } from '../model/index.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';

/** A range of time, both ends included, that is gone from the series that match. */
export interface Tombstone {
  readonly position: LogPosition;
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly minMs: number;
  readonly maxMs: number;
}

const FILE = 'tombstones.json';

export class Tombstones {
  readonly #files: Files;
  readonly #path: string;
  #list: readonly Tombstone[] = [];
  /** Changes of the file, one after the other: a delete may come while a compaction prunes. */
  #changing: Promise<void> = Promise.resolve();

  private constructor(files: Files, directory: string) {
    this.#files = files;
    this.#path = `${directory}/${FILE}`;
  }

  static async open(files: Files, directory: string, logger: Logger): Promise<Tombstones> {
    const tombstones = new Tombstones(files, directory);
    try {
      const file = (await readJsonFile(files, tombstones.#path)) as { tombstones: Tombstone[] } | null;
      tombstones.#list = file?.tombstones ?? [];
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      logger.error('tombstones are damaged: deleted samples may come back', { error: errorText(error) });
    }
    return tombstones;
  }

  /** The newest delete that is known. */
  get newestPosition(): LogPosition {
    const positions = this.#list.map(({ position }) => position);
    return positions.reduce((a, b) => (compareLogPositions(a, b) < 0 ? b : a), { segment: 0, offset: 0 });
  }

  /** Writes the tombstones for a copy of the blocks. */
  async copyTo(directory: string): Promise<void> {
    if (this.#list.length === 0) return;
    await writeJsonFile(this.#files, `${directory}/${FILE}`, { version: 1, tombstones: this.#list });
  }

  get length(): number {
    return this.#list.length;
  }

  /** Those that came after what a block has applied already. */
  after(position: LogPosition): readonly Tombstone[] {
    return this.#list.filter((tombstone) => compareLogPositions(tombstone.position, position) > 0);
  }

  /** Adds one, unless a replay brings it again. */
  add(tombstone: Tombstone): Promise<void> {
    return this.#change((list) => {
      const isKnown = list.some(({ position }) => compareLogPositions(position, tombstone.position) === 0);
      return isKnown ? list : [...list, tombstone];
    });
  }

  /** Of those up to a log position, drops the ones that every block has applied. */
  prune(upTo: LogPosition, deletesThrough: () => readonly LogPosition[]): Promise<void> {
    return this.#change((list) => {
      const positions = deletesThrough();
      const isNeeded = ({ position, minMs, maxMs }: Tombstone): boolean =>
        minMs <= maxMs && positions.some((through) => compareLogPositions(position, through) > 0);
      return list.filter((tombstone) => compareLogPositions(tombstone.position, upTo) > 0 || isNeeded(tombstone));
    });
  }

  #change(make: (list: readonly Tombstone[]) => readonly Tombstone[]): Promise<void> {
    const changed = this.#changing.then(() => this.#write(make(this.#list)));
    this.#changing = changed.catch(() => undefined); // whoever asked for the change hears of it
    return changed;
  }

  async #write(list: readonly Tombstone[]): Promise<void> {
    if (list.length === this.#list.length) return;
    await writeJsonFile(this.#files, this.#path, { version: 1, tombstones: list });
    this.#list = list;
  }
}
