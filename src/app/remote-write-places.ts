// Where a destination of remote write stands in the log of each shard, kept over restarts.
import { type Logger, errorText, isCorrupt } from '../base/index.ts';
import type { Files, LogPosition } from '../io/index.ts';
import { readJsonFile, writeJsonFile } from '../tsdb/index.ts';
import { type DestinationSettings, destinationText, positionFile } from './remote-write-settings.ts';

const DIRECTORY = 'remote-write';

export class SavedPlaces {
  readonly #files: Files;
  readonly #settings: DestinationSettings;
  readonly #logger: Logger;
  #savedText = '';
  #saving: Promise<void> = Promise.resolve();

  constructor(files: Files, settings: DestinationSettings, logger: Logger) {
    this.#files = files;
    this.#settings = settings;
    this.#logger = logger;
  }

  /** One position per shard; null: there are none for so many. */
  async load(shards: number): Promise<LogPosition[] | null> {
    const path = positionFile(this.#settings);
    try {
      const saved = (await readJsonFile(this.#files, path)) as { positions?: LogPosition[] } | null;
      const positions = saved?.positions;
      return Array.isArray(positions) && positions.length === shards ? positions : null;
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      const remote = destinationText(this.#settings);
      this.#logger.warn('remote write begins anew', { remote, error: errorText(error) });
      return null;
    }
  }

  /** Saves what `positions` gives once those saved before are on disk. */
  save(positions: () => readonly LogPosition[]): Promise<void> {
    const saving = this.#saving.then(() => this.#save(positions()));
    this.#saving = saving.catch(() => {}); // who called hears of it
    return saving;
  }

  async #save(positions: readonly LogPosition[]): Promise<void> {
    const text = JSON.stringify(positions);
    if (text === this.#savedText) return;
    await this.#files.makeDirectory(DIRECTORY);
    await writeJsonFile(this.#files, positionFile(this.#settings), { url: this.#settings.url, positions });
    this.#savedText = text;
  }
}
