// A shard: head and blocks over its log. Its state is a pure function of the log: time comes from the records, and nothing here looks
// at a clock but to share the processor. Opening restores the newest good image and replays the log's tail behind it.
import { type Logger, errorText, invariant, isCorrupt } from '../base/index.ts';
import { type Clock, type Files, type LogPosition, compareLogPositions } from '../io/index.ts';
import { type BlockKernel, createBlockWasm } from '../kernel/index.ts';
import type { SeriesSource, SourceChanges } from '../model/index.ts';
import { batchTenant } from './batch-tenant.ts';
import type { Block } from './block/block.ts';
import { BlockCache, type BlockCacheStats } from './block/block-cache.ts';
import type { BlockMeta } from './block/block-format.ts';
import { type BadBlock, BlockSet } from './block-set.ts';
import { decodeCommand, isCommand } from './command.ts';
import { Head } from './head.ts';
import { HeadSource } from './head-source.ts';
import { type ExemplarSelection, type SeriesExemplars, oldestExemplarMs, selectExemplars } from './head-exemplars.ts';
import type { HeadCounters } from './head-memory.ts';
import { STATE_BASE } from './head-memory.ts';
import { restoreImage, writeImage } from './image.ts';
import { LifeCycle, type LifeCycleStats, type Retention } from './life-cycle.ts';
import { LIFE_CYCLE_POLICY_DEFAULT, type LifeCyclePolicy } from './life-cycle-policy.ts';
import { RECORD_HEADER_BYTES, framedPayloads } from './log-record.ts';
import { type LogDamage, listSegments, removeSegmentsBefore, replayLog } from './log-segments.ts';
import { MergedSource, type ShardView } from './merged-source.ts';
import { ShardState } from './shard-state.ts';
import type { Breathe } from './slices.ts';
import { Tombstones } from './tombstones.ts';

/** What a shard is opened with. */
export interface ShardOptions {
  readonly files: Files;
  readonly shard: number;
  readonly clock: Clock;
  /** The compiled head kernel. */
  readonly module: WebAssembly.Module;
  /** The compiled block kernel. */
  readonly blockModule: WebAssembly.Module;
  readonly logger: Logger;
  readonly retention?: Retention;
  /** When samples leave the head. All that read a log, whenever, must have the same. */
  readonly policy?: LifeCyclePolicy;
  /** Bytes of blocks to keep in memory. */
  readonly cacheBytesMax?: number;
  /** Called when blocks were written and compacted: much memory is garbage then. */
  readonly afterWork?: () => void;
  /** Lets others run during long work; absent: by the clock. */
  readonly breathe?: Breathe;
  /** Makes an empty head; given where instances are reused. */
  readonly makeHead?: () => Head;
  /** The log does not lie in the directory: what comes after the start begins at the shard's position, whatever the blocks have. */
  readonly isLogElsewhere?: boolean;
  /** Rebuilds from the log alone. */
  readonly ignoreImages?: boolean;
  /** Replay progress in segments. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A block file, for status pages. */
export interface BlockInfo {
  readonly name: string;
  readonly sizeBytes: number;
  readonly meta: BlockMeta;
}

/** Counters and sizes of a shard, for metrics and status pages. */
export interface ShardStats extends HeadCounters {
  readonly series: number;
  readonly symbols: number;
  /** Exemplars kept, and series that have some. */
  readonly exemplars: number;
  readonly exemplarSeries: number;
  /** Time of the oldest; 0 if there is none. */
  readonly oldestExemplarMs: number;
  /** Bytes of the state in memory. */
  readonly stateBytes: number;
  /** The shard's clock: the time of its data. */
  readonly clockMs: number;
  readonly minMs: number | null;
  readonly maxMs: number | null;
  readonly position: LogPosition;
  readonly imageBytes: number;
  readonly imageCount: number;
  /** Whether an image was restored at start. */
  readonly isFromImage: boolean;
  readonly replayedRecords: number;
  readonly damage: readonly LogDamage[];
  readonly blocks: readonly BlockInfo[];
  readonly blockCount: number;
  readonly blockBytes: number;
  readonly blockSamples: number;
  readonly blockSeries: number;
  readonly blockMinMs: number | null;
  readonly badBlocks: readonly BadBlock[];
  readonly tombstones: number;
  readonly lifeCycle: LifeCycleStats;
  readonly cache: BlockCacheStats;
}

/** An image is written when the log has grown by as much as the last image had, and at least by this. */
const IMAGE_LOG_BYTES_MIN = 64 * 1024 * 1024;

const NO_RETENTION: Retention = { timeMs: 0, sizeBytes: 0 };
const CACHE_BYTES_DEFAULT = 64 * 1024 * 1024;
/** Background work lets ingest and queries in after this long, and gives the processor away for a moment. */
const SLICE_MS = 1;
const PAUSE_MS = 0.1;

/** Background work in slices by the clock. */
function breatheBy(clock: Clock): Breathe {
  let sliceEndMs = clock.monotonicMs() + SLICE_MS;
  const pause = async (): Promise<void> => {
    await clock.yield();
    clock.pause(PAUSE_MS);
    sliceEndMs = clock.monotonicMs() + SLICE_MS;
  };
  return () => (clock.monotonicMs() < sliceEndMs ? undefined : pause());
}

interface ShardParts {
  readonly options: ShardOptions;
  readonly head: Head;
  readonly blocks: BlockSet;
  readonly tombstones: Tombstones;
  readonly cache: BlockCache;
  readonly isFromImage: boolean;
  readonly isBlind: boolean;
}

/** One shard: its head, rebuilt from image and log when opened, and the images and blocks that it writes. */
export class Shard implements ShardView {
  readonly #options: ShardOptions;
  readonly #head: Head;
  readonly #state: ShardState;
  readonly #blocks: BlockSet;
  readonly #tombstones: Tombstones;
  readonly #lifeCycle: LifeCycle;
  readonly #cache: BlockCache;
  readonly kernel: BlockKernel;
  /** The head alone. */
  readonly head: HeadSource;
  /** Head and blocks. */
  readonly source: SeriesSource;
  readonly #isFromImage: boolean;
  #damage: readonly LogDamage[] = [];
  #replayedRecords = 0;
  #bytesSinceImage = 0;
  #imageBytes = 0;
  #imageCount = 0;

  private constructor(parts: ShardParts) {
    const { options, head, blocks, tombstones, cache, isFromImage, isBlind } = parts;
    this.#isFromImage = isFromImage;
    this.#options = options;
    this.#head = head;
    this.#blocks = blocks;
    this.#tombstones = tombstones;
    this.#cache = cache;
    this.#state = new ShardState(head.memory);
    this.kernel = createBlockWasm(options.blockModule);
    this.head = new HeadSource(head);
    this.source = new MergedSource(this);
    this.#lifeCycle = new LifeCycle({
      ...options,
      head,
      state: this.#state,
      blocks,
      tombstones,
      kernel: this.kernel,
      breathe: options.breathe ?? breatheBy(options.clock),
      retention: options.retention ?? NO_RETENTION,
      policy: options.policy ?? LIFE_CYCLE_POLICY_DEFAULT,
      isBlind,
    });
  }

  /** Restores the state: newest good image, blocks, then the log behind it. */
  static async open(options: ShardOptions): Promise<Shard> {
    const { files, shard, module, logger, onProgress } = options;
    const makeHead = options.makeHead ?? (() => new Head(module));
    const restored = options.ignoreImages ? null : await restoreImage(files, shard, makeHead, logger);
    const cache = new BlockCache(options.cacheBytesMax ?? CACHE_BYTES_DEFAULT);
    const blocks = await BlockSet.open({ files, shard, cache, logger });
    const tombstones = await Tombstones.open(files, blocks.directory, logger);
    // From its first segment on the log tells everything.
    const isFromImage = restored !== null;
    const isBlind = !isFromImage && ((await listSegments(files, shard))[0] ?? 1) > 1;
    const opened = new Shard({
      options,
      head: restored ?? makeHead(),
      blocks,
      tombstones,
      cache,
      isFromImage,
      isBlind,
    });
    opened.#lifeCycle.resume();
    const handler = {
      record: (payload: Uint8Array, next: LogPosition) => opened.#replay(payload, next),
      progress: (done: number, total: number) => onProgress?.(done, total),
    };
    opened.#damage = await replayLog(files, shard, opened.position, handler, logger);
    if (!options.isLogElsewhere) opened.#skipLostLog();
    return opened;
  }

  /** Blocks without the log that they came from (a snapshot): what is logged now comes behind them. */
  #skipLostLog(): void {
    for (const { segment, offset } of [this.#blocks.newestPosition, this.#tombstones.newestPosition]) {
      if (compareLogPositions(this.position, { segment, offset }) < 0) this.#head.memory.setPosition(segment, offset);
    }
  }

  get position(): LogPosition {
    return this.#head.memory.position;
  }

  #replay(payload: Uint8Array, next: LogPosition): Promise<void> | null {
    this.#replayedRecords++;
    return this.#apply(payload, next);
  }

  /** Applies a record. A promise means: the next one has to wait for it. */
  #apply(payload: Uint8Array, next: LogPosition): Promise<void> | null {
    // A segment's numbering begins with its first record.
    if (next.segment !== this.position.segment) this.#head.beginSegment();
    this.#bytesSinceImage += payload.length;
    if (isCommand(payload)) return this.#execute(payload, next);
    this.#blocks.changes.note(this.#head.apply(payload, next), batchTenant(payload));
    const position = { segment: next.segment, offset: next.offset - payload.length - RECORD_HEADER_BYTES };
    return this.#lifeCycle.afterBatch(position, next, payload.length);
  }

  async #execute(payload: Uint8Array, next: LogPosition): Promise<void> {
    const command = decodeCommand(payload);
    // What the command does is of this position: blocks that it writes are named by it.
    this.#head.memory.setPosition(next.segment, next.offset);
    if (command.type === 'flush') await this.#lifeCycle.flush(next);
    else if (command.type === 'delete') await this.#lifeCycle.delete(command, next);
    else await this.#lifeCycle.clean();
  }

  /**
   * Applies records that became durable: framed as in the log. A promise means that block files have to be complete before the rest is
   * applied; call again only when it has resolved.
   */
  applyGroup(bytes: Uint8Array, position: LogPosition, next: LogPosition): Promise<void> | null {
    const at = this.position;
    invariant(
      position.segment > at.segment || (position.segment === at.segment && position.offset >= at.offset),
      'log groups arrive in order',
      { at, position },
    );
    let offset = position.offset;
    // A list: to leave a loop over a generator ends the generator, and what it had left would never be applied.
    const payloads = [...framedPayloads(bytes)];
    for (const [i, payload] of payloads.entries()) {
      offset += RECORD_HEADER_BYTES + payload.length;
      const waiting = this.#apply(payload, { segment: next.segment, offset });
      if (waiting) return this.#applyRest(waiting, payloads.slice(i + 1), { segment: next.segment, offset });
    }
    return null;
  }

  async #applyRest(waiting: Promise<void>, payloads: readonly Uint8Array[], from: LogPosition): Promise<void> {
    await waiting;
    let { offset } = from;
    for (const payload of payloads) {
      offset += RECORD_HEADER_BYTES + payload.length;
      await this.#apply(payload, { segment: from.segment, offset });
    }
  }

  /** Since the shard was opened. */
  get changes(): SourceChanges {
    return this.#blocks.changes;
  }

  get generation(): number {
    return this.#blocks.generation;
  }

  blocks(): readonly Block[] {
    return this.#blocks.visible(this.#lifeCycle.pendingCut);
  }

  missing(minMs: number, maxMs: number): readonly string[] {
    return this.#blocks.missing(minMs, maxMs);
  }

  tombstonesAfter(position: LogPosition): ReturnType<Tombstones['after']> {
    return this.#tombstones.after(position);
  }

  async setAside(block: Block, error: unknown): Promise<void> {
    if (!isCorrupt(error)) throw error;
    await this.#blocks.setAside(block.path, error);
  }

  /** Exemplars by series, in no order of these. */
  exemplars(selection: ExemplarSelection, breathe: Breathe): Promise<SeriesExemplars[]> {
    return selectExemplars(this.#head, selection, breathe);
  }

  get isImageDue(): boolean {
    return this.#bytesSinceImage >= Math.max(IMAGE_LOG_BYTES_MIN, this.#imageBytes);
  }

  /** Writes an image. Nothing may be applied until it resolves; reads go on. A failure is logged: an image is a cache. */
  async writeImage(): Promise<void> {
    const { files, shard, logger } = this.#options;
    try {
      const image = await writeImage(files, shard, this.#head.memory);
      this.#imageBytes = image.bytes;
      this.#imageCount++;
      await this.#truncateLog(image.oldest);
    } catch (error) {
      logger.warn('cannot write head image', { shard, error: errorText(error) });
    }
    this.#bytesSinceImage = 0;
  }

  /** Removes log segments that neither the images nor, should they be lost, the blocks need. */
  async #truncateLog(oldestImage: LogPosition): Promise<void> {
    const { files, shard } = this.#options;
    const needed = this.#state.logNeededFrom;
    const from = compareLogPositions(needed, oldestImage) < 0 ? needed : oldestImage;
    await removeSegmentsBefore(files, shard, from.segment);
  }

  get hasChangesSinceImage(): boolean {
    return this.#bytesSinceImage > 0;
  }

  /** Share of the memory that the state may ever have, 0..1: intake refuses writes before it is reached. */
  get fullness(): number {
    return this.#head.memory.fullness;
  }

  stats(): ShardStats {
    const { memory } = this.#head;
    const range = memory.timeRange;
    return {
      ...memory.counters(),
      series: memory.seriesCount - memory.companions,
      symbols: memory.symbolCount,
      exemplars: memory.exemplarCount,
      exemplarSeries: memory.exemplarSeries,
      oldestExemplarMs: oldestExemplarMs(this.#head),
      stateBytes: memory.brk - STATE_BASE,
      clockMs: memory.clockMs,
      minMs: range?.minMs ?? null,
      maxMs: range?.maxMs ?? null,
      position: this.position,
      imageBytes: this.#imageBytes,
      imageCount: this.#imageCount,
      isFromImage: this.#isFromImage,
      replayedRecords: this.#replayedRecords,
      damage: this.#damage,
      blocks: this.#blocks.all.map(({ path, sizeBytes, meta }) => ({ name: path, sizeBytes, meta })),
      ...this.#blockStats(),
      badBlocks: this.#blocks.bad,
      tombstones: this.#tombstones.length,
      lifeCycle: { ...this.#lifeCycle.stats },
      cache: this.#cache.stats(),
    };
  }

  #blockStats(): Pick<ShardStats, 'blockCount' | 'blockBytes' | 'blockSamples' | 'blockSeries' | 'blockMinMs'> {
    const { all, sizeBytes } = this.#blocks;
    const sum = (of: (block: Block) => number) => all.reduce((total, block) => total + of(block), 0);
    return {
      blockCount: all.length,
      blockBytes: sizeBytes,
      blockSamples: sum(({ meta }) => meta.samples),
      blockSeries: sum(({ meta }) => meta.series),
      blockMinMs: all.length === 0 ? null : Math.min(...all.map(({ meta }) => meta.minMs)),
    };
  }

  /** Copies the blocks, and what was deleted from them, into a directory below the data directory. */
  async snapshot(directory: string): Promise<void> {
    const target = `${directory}/${this.#blocks.directory}`;
    await this.#options.files.makeDirectory(target);
    const blocks = this.blocks();
    for (const block of blocks) block.retain();
    try {
      await this.#tombstones.copyTo(target);
      for (const block of blocks) await block.copyTo(`${directory}/${block.path}`);
      await this.#options.files.syncDirectory(target);
    } finally {
      for (const block of blocks) block.release();
    }
  }

  /** Waits for the writing of blocks that is under way. */
  close(): Promise<void> {
    return this.#lifeCycle.close();
  }

  /** A copy of the state's bytes: tests compare replicas by it. */
  stateBytes(): Uint8Array {
    const { memory } = this.#head;
    const root = memory.bytes.slice(0, 98304);
    const state = memory.bytes.subarray(STATE_BASE, memory.brk);
    const all = new Uint8Array(root.length + state.length);
    all.set(root);
    all.set(state, root.length);
    return all;
  }
}
