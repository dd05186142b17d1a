// A shard: the head over its log. Its state is a pure function of the log: time comes from the records, and nothing here looks at a
// clock. Opening restores the newest good image and replays the log's tail behind it.
import { type Logger, errorText, invariant } from '../base/index.ts';
import type { Files, LogPosition } from '../io/index.ts';
import { Head } from './head.ts';
import { HeadSource } from './head-source.ts';
import type { HeadCounters } from './head-memory.ts';
import { MEMORY_BYTES_MAX, STATE_BASE } from './head-memory.ts';
import { restoreImage, writeImage } from './image.ts';
import { framedPayloads } from './log-record.ts';
import { type LogDamage, replayLog } from './log-segments.ts';

/** What a shard is opened with. */
export interface ShardOptions {
  readonly files: Files;
  readonly shard: number;
  /** The compiled head kernel. */
  readonly module: WebAssembly.Module;
  readonly logger: Logger;
  /** Makes an empty head; given where instances are reused. */
  readonly makeHead?: () => Head;
  /** Rebuilds from the log alone. */
  readonly ignoreImages?: boolean;
  /** Replay progress in segments. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Counters and sizes of a shard, for metrics and status pages. */
export interface ShardStats extends HeadCounters {
  readonly series: number;
  readonly symbols: number;
  /** Bytes of the state in memory. */
  readonly stateBytes: number;
  readonly minMs: number | null;
  readonly maxMs: number | null;
  readonly position: LogPosition;
  readonly imageBytes: number;
  readonly imageCount: number;
  readonly replayedRecords: number;
  readonly damage: readonly LogDamage[];
}

/** An image is written when the log has grown by as much as the last image had, and at least by this. */
const IMAGE_LOG_BYTES_MIN = 64 * 1024 * 1024;

/** One shard: its head, rebuilt from image and log when opened, and the images that it writes. */
export class Shard {
  readonly #options: ShardOptions;
  readonly #head: Head;
  readonly source: HeadSource;
  #damage: readonly LogDamage[] = [];
  #replayedRecords = 0;
  #bytesSinceImage = 0;
  #imageBytes = 0;
  #imageCount = 0;

  private constructor(options: ShardOptions, head: Head) {
    this.#options = options;
    this.#head = head;
    this.source = new HeadSource(head);
  }

  /** Restores the state: newest good image, then the log behind it. */
  static async open(options: ShardOptions): Promise<Shard> {
    const { files, shard, module, logger, onProgress } = options;
    const makeHead = options.makeHead ?? (() => new Head(module));
    const restored = options.ignoreImages ? null : await restoreImage(files, shard, makeHead, logger);
    const opened = new Shard(options, restored ?? makeHead());
    const handler = {
      record: (payload: Uint8Array, next: LogPosition) => opened.#replay(payload, next),
      progress: (done: number, total: number) => onProgress?.(done, total),
    };
    opened.#damage = await replayLog(files, shard, opened.position, handler, logger);
    return opened;
  }

  get position(): LogPosition {
    return this.#head.memory.position;
  }

  #replay(payload: Uint8Array, next: LogPosition): void {
    this.#apply(payload, next);
    this.#replayedRecords++;
  }

  #apply(payload: Uint8Array, next: LogPosition): void {
    // A segment's numbering begins with its first record.
    if (next.segment !== this.position.segment) this.#head.beginSegment();
    this.#head.apply(payload, next);
    this.#bytesSinceImage += payload.length;
  }

  /** Applies records that became durable: framed as in the log. */
  applyGroup(bytes: Uint8Array, position: LogPosition, next: LogPosition): void {
    const at = this.position;
    invariant(
      position.segment > at.segment || (position.segment === at.segment && position.offset >= at.offset),
      'log groups arrive in order',
      { at, position },
    );
    for (const payload of framedPayloads(bytes)) this.#apply(payload, next);
  }

  get isImageDue(): boolean {
    return this.#bytesSinceImage >= Math.max(IMAGE_LOG_BYTES_MIN, this.#imageBytes);
  }

  /** Writes an image. Nothing may be applied until it resolves; reads go on. A failure is logged: an image is a cache. */
  async writeImage(): Promise<void> {
    const { files, shard, logger } = this.#options;
    try {
      this.#imageBytes = await writeImage(files, shard, this.#head.memory);
      this.#imageCount++;
    } catch (error) {
      logger.warn('cannot write head image', { shard, error: errorText(error) });
    }
    this.#bytesSinceImage = 0;
  }

  get hasChangesSinceImage(): boolean {
    return this.#bytesSinceImage > 0;
  }

  /** Share of the memory that the state may ever have, 0..1: intake refuses writes before it is reached. */
  get fullness(): number {
    return (this.#head.memory.brk - STATE_BASE) / (MEMORY_BYTES_MAX - STATE_BASE);
  }

  stats(): ShardStats {
    const { memory } = this.#head;
    const range = memory.timeRange;
    return {
      ...memory.counters(),
      series: memory.seriesCount,
      symbols: memory.symbolCount,
      stateBytes: memory.brk - STATE_BASE,
      minMs: range?.minMs ?? null,
      maxMs: range?.maxMs ?? null,
      position: this.position,
      imageBytes: this.#imageBytes,
      imageCount: this.#imageCount,
      replayedRecords: this.#replayedRecords,
      damage: this.#damage,
    };
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
