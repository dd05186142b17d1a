// What agent mode has in place of a database: the logs alone. Samples are logged, remote write reads them from there, and segments
// go when every destination has them, or when they are too old.
//
//   intake ─► log per shard ─► (nothing: no head, no blocks)
//                 ▲
//   remote write ─┘ follows, and tells how far it is ─► segments before that are removed
import { availableParallelism } from 'node:os';
import type { Logger, MetricRegistry } from '../base/index.ts';
import { type Clock, type DurableGroup, type Files, type LogPosition, type World, hasCode } from '../io/index.ts';
import { type IntakeWasmKernel, createIntakeWasm, loadKernel } from '../kernel/index.ts';
import { Intake, type ShardPort, listSegments, openManifest, segmentPath } from '../tsdb/index.ts';
import { LOCK, SHARDS_DEFAULT_MAX } from './database.ts';

/** There is no store to bound them: they pass through the log. */
const EXEMPLARS_MAX = 2 ** 30;

/** When segments go: see the flags --storage.agent.*. */
export interface AgentRetention {
  readonly truncateMs: number;
  /** A segment that was sent goes when nothing was written to it for so long. */
  readonly minMs: number;
  /** One that was not, too. */
  readonly maxMs: number;
}

export interface AgentStoreOptions {
  readonly world: World;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  readonly isLocked: boolean;
  readonly retention: AgentRetention;
  /** Per shard, the place before which every destination has all; null: not known. */
  readonly donePositions: () => readonly LogPosition[] | null;
}

/** Takes durable groups and forgets them. */
class NoShard implements ShardPort {
  pushed = 0;
  readonly pendingBytes = 0;
  readonly fullness = 0;
  readonly startSegment = 0;
  readonly #recycle: (buffer: SharedArrayBuffer) => void;

  constructor(recycle: (buffer: SharedArrayBuffer) => void) {
    this.#recycle = recycle;
  }

  push({ buffer }: DurableGroup): void {
    this.pushed++;
    this.#recycle(buffer);
  }
}

export class AgentStore {
  readonly intake: Intake;
  readonly kernel: IntakeWasmKernel;
  readonly #options: AgentStoreOptions;
  readonly #release: () => Promise<void>;
  #isClosed = false;
  #cancel: () => void = () => {};
  #truncating: Promise<void> = Promise.resolve();

  private constructor(
    options: AgentStoreOptions,
    intake: Intake,
    kernel: IntakeWasmKernel,
    release: () => Promise<void>,
  ) {
    this.#options = options;
    this.intake = intake;
    this.kernel = kernel;
    this.#release = release;
  }

  /** Opens the directory: takes the lock, opens the logs behind what is there. */
  static async open(options: AgentStoreOptions): Promise<AgentStore> {
    const { files, clock, random } = options.world;
    await files.makeDirectory('');
    const lock = options.isLocked ? await files.lock(LOCK) : null;
    try {
      const { shards, key } = await openManifest(files, random, Math.min(availableParallelism(), SHARDS_DEFAULT_MAX));
      const kernel = createIntakeWasm(await loadKernel('intake'), { shards, key });
      let intake: Intake | null = null;
      const ports = Array.from(
        { length: shards },
        (_, shard) => new NoShard((buffer) => intake?.recycle(shard, buffer)),
      );
      intake = await Intake.open({ files, clock, kernel, ports, logger: options.logger });
      const store = new AgentStore(options, intake, kernel, async () => lock?.release());
      store.#observe();
      store.#truncateLater();
      return store;
    } catch (error) {
      await lock?.release();
      throw error;
    }
  }

  /** Whether exemplars go into the log: when a destination wants them. */
  takeExemplars(isWanted: boolean): void {
    this.kernel.setExemplarsMax(isWanted ? EXEMPLARS_MAX : 0);
  }

  #observe(): void {
    const { metrics } = this.#options;
    for (const [shard, log] of this.intake.logs.entries()) {
      const labels = { shard: String(shard) };
      const syncs = metrics.gauge('tidemark_log_syncs', 'Group commits of the log.', labels);
      const failures = metrics.gauge('tidemark_log_failures', 'Group commits that failed.', labels);
      const pending = metrics.gauge('tidemark_log_pending_bytes', 'Bytes that wait for the log or the shard.', labels);
      metrics.beforeRender(async () => {
        syncs.set(log.syncCount);
        failures.set(log.failureCount);
        pending.set(log.pendingBytes);
      });
    }
  }

  #truncateLater(): void {
    const { world, retention } = this.#options;
    this.#cancel = world.clock.after(retention.truncateMs, () => {
      this.#truncating = this.truncate().finally(() => {
        if (!this.#isClosed) this.#truncateLater();
      });
    });
  }

  /** Removes the segments that are not needed any more. Segments that are being written are ended, to go the next time. */
  async truncate(): Promise<void> {
    const { world, logger, retention, donePositions } = this.#options;
    const done = donePositions();
    try {
      for (const [shard, log] of this.intake.logs.entries()) {
        const context = { files: world.files, clock: world.clock, shard, retention };
        const { before, unsent } = await oldSegments(context, log.end.segment, done?.[shard].segment ?? 0);
        if (unsent > 0) logger.warn('log segments removed unsent: they are too old', { shard, segments: unsent });
        await log.truncate({ segment: before, offset: 0 });
      }
    } catch (error) {
      logger.error('cannot remove old log segments', { error: String(error) });
    }
    if (!this.#isClosed) this.intake.beginSegments();
  }

  /** Stops writes and releases the lock. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await this.#truncating;
    await this.intake.close();
    await this.#release();
  }
}

interface SegmentContext {
  readonly files: Files;
  readonly clock: Clock;
  readonly shard: number;
  readonly retention: AgentRetention;
}

/** The first segment to be kept, and how many of those before it have not been sent. All from `open` on are kept. */
async function oldSegments(
  { files, clock, shard, retention }: SegmentContext,
  open: number,
  doneBefore: number,
): Promise<{ before: number; unsent: number }> {
  const nowMs = clock.nowMs();
  let unsent = 0;
  for (const segment of await listSegments(files, shard)) {
    if (segment >= open) return { before: segment, unsent };
    const isSent = segment < doneBefore;
    const ageMs = nowMs - (await modifiedMs(files, segmentPath(shard, segment), nowMs));
    if (ageMs < (isSent ? retention.minMs : retention.maxMs)) return { before: segment, unsent };
    if (!isSent) unsent++;
  }
  return { before: open, unsent };
}

async function modifiedMs(files: Files, path: string, nowMs: number): Promise<number> {
  try {
    return (await files.stat(path))?.modifiedMs ?? nowMs;
  } catch (error) {
    if (hasCode(error, 'not_found')) return nowMs;
    throw error;
  }
}
