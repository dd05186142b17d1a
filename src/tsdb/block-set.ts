// The block files of one shard: opens them at start, sets bad ones aside, takes new ones in, and removes those that were compacted
// or are too old. A compacted block names its sources, so that a crash between its rename and their removal leaves nothing to
// guess: a source that is named by a whole block is removed at start.
import { type Logger, errorText, isCorrupt } from '../base/index.ts';
import { type Files, type LogPosition, compareLogPositions } from '../io/index.ts';
import { ChangeLog } from '../model/index.ts';
import { Block } from './block/block.ts';
import type { BlockCache } from './block/block-cache.ts';
import { blockDirectory, isBlockFileName, spanOfName } from './block-name.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import type { CompactionPoint } from './shard-state.ts';

/** Positions of the newest cuts whose blocks are all written, and of the newest compaction that came to its end. */
const CUTS_FILE = 'cuts.json';
/** More than lie in the log that is kept. */
const CUTS_KEPT = 256;
const BAD_SUFFIX = '.bad';

/** A cut whose blocks are all written: where in the log it was made, and what it took. */
export interface CutRecord extends LogPosition {
  readonly endMs: number;
  readonly idleBeforeMs: number;
}

/** A compaction that came to its end: position in the log, and the stage there. */
interface CompactedRecord extends LogPosition {
  readonly stage: number;
}

interface CutsFile {
  readonly cuts: readonly CutRecord[];
  readonly compacted?: CompactedRecord;
}

/** A block file that could not be used. */
export interface BadBlock {
  readonly path: string;
  readonly text: string;
}

export interface BlockSetOptions {
  readonly files: Files;
  readonly shard: number;
  readonly cache: BlockCache;
  readonly logger: Logger;
}

export class BlockSet {
  readonly #options: BlockSetOptions;
  readonly directory: string;
  /** Oldest span first; of one span the older position first. */
  #blocks: readonly Block[] = [];
  readonly #bad: BadBlock[] = [];
  /** Their files could not be removed. */
  readonly #left: Block[] = [];
  #cuts: readonly CutRecord[] = [];
  /** Of all samples of the shard: head, blocks, deletes. */
  readonly changes = new ChangeLog();
  #compacted: CompactedRecord | undefined;
  /** Changes of the file, one after the other: a cut may be written beside a compaction. */
  #noting: Promise<void> = Promise.resolve();
  /** Changes whenever the blocks do. */
  generation = 0;

  private constructor(options: BlockSetOptions) {
    this.#options = options;
    this.directory = blockDirectory(options.shard);
  }

  static async open(options: BlockSetOptions): Promise<BlockSet> {
    const set = new BlockSet(options);
    await options.files.makeDirectory(set.directory);
    // Each directory above a block must be durable before the block counts as durable.
    await options.files.syncDirectory('blocks');
    await options.files.syncDirectory('');
    await set.#readCuts();
    for (const name of await options.files.list(set.directory)) {
      const path = `${set.directory}/${name}`;
      if (name.endsWith('.tmp')) await options.files.remove(path);
      else if (name.endsWith(BAD_SUFFIX)) set.#bad.push({ path, text: 'it was set aside earlier' });
      else if (isBlockFileName(name)) await set.#openOne(path);
    }
    await set.#removeSources();
    return set;
  }

  get all(): readonly Block[] {
    return this.#blocks;
  }

  get bad(): readonly BadBlock[] {
    return this.#bad;
  }

  /** Names of damaged blocks that would have samples in [minMs, maxMs]: what answers lack. */
  missing(minMs: number, maxMs: number): string[] {
    return this.#bad.flatMap(({ path }) => {
      const span = spanOfName(path.slice(this.directory.length + 1));
      return span && span.startMs <= maxMs && span.endMs > minMs ? [path] : [];
    });
  }

  /** The cut at this position, if all its blocks were written once. */
  cutAt(position: LogPosition): CutRecord | undefined {
    return this.isBeyondCuts(position) ? undefined : this.#cuts.find((cut) => compareLogPositions(cut, position) === 0);
  }

  /** Whether the position is behind all cuts that are recorded. If not, a log is replayed. */
  isBeyondCuts(position: LogPosition): boolean {
    const last = this.#cuts.at(-1);
    return !last || compareLogPositions(position, last) > 0;
  }

  /** Behind everything in the log that the blocks know of. */
  get newestPosition(): LogPosition {
    const known = [...this.#blocks.flatMap(({ meta }) => [meta.position, meta.deletesThrough]), ...this.#cuts];
    return known.reduce((a, b) => (compareLogPositions(a, b) < 0 ? b : a), { segment: 0, offset: 0 });
  }

  get sizeBytes(): number {
    return this.#blocks.reduce((sum, block) => sum + block.sizeBytes, 0);
  }

  /**
   * All blocks but those that the pending cut was written to: their samples are still in the head. Others of later positions are there
   * when a log is replayed without an image; they may have what the log has no more.
   */
  visible(pendingCut: LogPosition | null): readonly Block[] {
    if (!pendingCut) return this.#blocks;
    return this.#blocks.filter(
      ({ meta }) => meta.sources.length > 0 || compareLogPositions(meta.position, pendingCut) !== 0,
    );
  }

  async #readCuts(): Promise<void> {
    const { files, logger } = this.#options;
    try {
      const file = (await readJsonFile(files, `${this.directory}/${CUTS_FILE}`)) as CutsFile | null;
      this.#cuts = file?.cuts ?? [];
      this.#compacted = file?.compacted;
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      // Without it a replay writes blocks again that are there already: more work, the same answers (compareAge).
      logger.warn('cannot read the positions of cuts', { error: errorText(error) });
    }
  }

  async #openOne(path: string): Promise<void> {
    try {
      this.#insert(await this.#openBlock(path));
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      await this.setAside(path, error);
    }
  }

  #openBlock(path: string): Promise<Block> {
    return Block.open(this.#options.files, path, this.#options.cache);
  }

  #insert(block: Block): void {
    const rest = this.#blocks.filter(({ path }) => path !== block.path);
    this.#blocks = [...rest, block].sort(
      (a, b) =>
        a.meta.windowStartMs - b.meta.windowStartMs ||
        compareLogPositions(a.meta.position, b.meta.position) ||
        a.meta.level - b.meta.level ||
        (a.path < b.path ? -1 : 1),
    );
    this.generation++;
  }

  /** A crash came between the rename of a compacted block and the removal of what it was made of. */
  async #removeSources(): Promise<void> {
    const sources = new Set(this.#blocks.flatMap(({ meta }) => meta.sources));
    await this.remove(this.#blocks.filter(({ path }) => sources.has(path.slice(this.directory.length + 1))));
  }

  /** Takes a new file in, in place of its sources. */
  async add(path: string, replaced: readonly Block[] = []): Promise<void> {
    this.#insert(await this.#openBlock(path));
    await this.remove(replaced);
  }

  /** Takes blocks out. Who reads one goes on. */
  async remove(blocks: readonly Block[]): Promise<void> {
    if (blocks.length === 0) return;
    this.#blocks = this.#blocks.filter((block) => !blocks.includes(block));
    this.generation++;
    for (const block of blocks) {
      try {
        await block.remove();
      } catch (error) {
        this.#options.logger.warn('cannot remove block', { path: block.path, error: errorText(error) });
        this.#left.push(block);
      }
    }
  }

  /** Up to where deletes are applied to each block that there is, or may come back with the next start. */
  deletesThrough(): LogPosition[] {
    return [...this.#blocks, ...this.#left].map(({ meta }) => meta.deletesThrough);
  }

  /** Whether the compaction of this point of the log came to its end once. If so, a log is replayed. */
  isCompacted({ position, stage }: CompactionPoint): boolean {
    const last = this.#compacted;
    if (!last) return false;
    const order = compareLogPositions(position, last);
    return order < 0 || (order === 0 && stage <= last.stage);
  }

  /** Notes that all blocks of a cut are there. */
  finishCut({ segment, offset, endMs, idleBeforeMs }: CutRecord): Promise<void> {
    return this.#note(() => {
      const cuts = [...this.#cuts, { segment, offset, endMs, idleBeforeMs }].sort(compareLogPositions);
      return { cuts: cuts.slice(-CUTS_KEPT), compacted: this.#compacted };
    });
  }

  /** Notes that a compaction came to its end. */
  finishCompaction({ position: { segment, offset }, stage }: CompactionPoint): Promise<void> {
    return this.#note(() => ({ cuts: this.#cuts, compacted: { segment, offset, stage } }));
  }

  #note(make: () => CutsFile): Promise<void> {
    const noted = this.#noting.then(async () => {
      const { cuts, compacted } = make();
      await writeJsonFile(this.#options.files, `${this.directory}/${CUTS_FILE}`, { version: 1, cuts, compacted });
      this.#cuts = cuts;
      this.#compacted = compacted;
    });
    this.#noting = noted.catch(() => undefined); // whoever asked for it hears of it
    return noted;
  }

  /** A block is bad: it is named `.bad`, reported, and not read again. */
  async setAside(path: string, error: unknown): Promise<void> {
    const { files, logger } = this.#options;
    const text = errorText(error);
    logger.error('block is damaged and set aside', { path, error: text });
    const block = this.#blocks.find((candidate) => candidate.path === path);
    this.#blocks = this.#blocks.filter((candidate) => candidate.path !== path);
    this.generation++;
    if (block) this.changes.note(block.meta.minMs);
    this.#bad.push({ path: `${path}${BAD_SUFFIX}`, text });
    try {
      await files.rename(path, `${path}${BAD_SUFFIX}`);
      await files.syncDirectory(this.directory);
    } catch (renameError) {
      logger.warn('cannot rename damaged block', { path, error: errorText(renameError) });
    }
    block?.release();
  }
}
