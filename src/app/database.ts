// The store of one process: data directory, shard workers, logs and intake.
import { availableParallelism } from 'node:os';
import type { Logger } from '../base/index.ts';
import type { Files, World } from '../io/index.ts';
import type { Matcher } from '../model/index.ts';
import { type IntakeWasmKernel, createIntakeWasm, loadKernel } from '../kernel/index.ts';
import { type Command, Intake, MANIFEST, type Retention, openManifest } from '../tsdb/index.ts';
import { ShardClient } from './shard-client.ts';
import type { ShardReport } from './shard-protocol.ts';

/** Shards of a new data directory: one per processor, within reason. */
export const SHARDS_DEFAULT_MAX = 8;
/** The file that a process holds. */
export const LOCK = 'lock';
/** Of blocks, over all shards: indexes, pages, decoded times. What is not in it comes from the system's page cache. */
const CACHE_BYTES = 128 * 1024 * 1024;

/** More than a shard's memory has room for. */
const EXEMPLARS_PER_SHARD_MAX = 2 ** 30;

export interface DatabaseOptions {
  readonly world: World;
  readonly directory: string;
  readonly logger: Logger;
  readonly isLocked: boolean;
  readonly retention: Retention;
  /** Bytes of leaf results to keep in memory, over all shards. */
  readonly resultCacheBytes: number;
  readonly onDeath: (error: Error) => void;
}

export interface ReplayProgress {
  readonly min: number;
  readonly max: number;
  readonly current: number;
}

export class Database {
  readonly shards: readonly ShardClient[];
  readonly intake: Intake;
  readonly kernel: IntakeWasmKernel;
  /** Exemplars that are kept, over all shards. */
  exemplarsMax = 0;
  readonly #files: Files;
  readonly #release: () => Promise<void>;

  private constructor(
    files: Files,
    shards: readonly ShardClient[],
    intake: Intake,
    kernel: IntakeWasmKernel,
    release: () => Promise<void>,
  ) {
    this.#files = files;
    this.shards = shards;
    this.intake = intake;
    this.kernel = kernel;
    this.#release = release;
  }

  /** Opens the directory: takes the lock, restores every shard, opens the logs. `progress` hears of the replay. */
  static async open(options: DatabaseOptions, progress: (replay: ReplayProgress) => void): Promise<Database> {
    const { world, logger, isLocked } = options;
    const { files, random } = world;
    await files.makeDirectory('');
    const lock = isLocked ? await files.lock(LOCK) : null;
    try {
      const manifest = await openManifest(files, random, Math.min(availableParallelism(), SHARDS_DEFAULT_MAX));
      const [headModule, blockModule, execModule, intakeModule] = await Promise.all(
        ['head', 'block', 'exec', 'intake'].map(loadKernel),
      );
      const retention = perShard(options.retention, manifest.shards);
      const cacheBytesMax = Math.floor(CACHE_BYTES / manifest.shards);
      const done = new Array<{ done: number; total: number }>(manifest.shards).fill({ done: 0, total: 0 });
      let intake: Intake | null = null;
      const shards = done.map((_, shard) => {
        const onProgress = (segments: number, total: number) => {
          done[shard] = { done: segments, total };
          progress(summed(done));
        };
        return new ShardClient({
          clock: world.clock,
          data: {
            directory: options.directory,
            shard,
            headModule,
            blockModule,
            execModule,
            retention,
            cacheBytesMax,
            resultCacheBytesMax: Math.floor(options.resultCacheBytes / manifest.shards),
          },
          logger,
          onProgress,
          onBuffers: (buffers) => {
            for (const buffer of buffers) intake?.recycle(shard, buffer);
          },
          onDeath: options.onDeath,
        });
      });
      const kernel = createIntakeWasm(intakeModule, { shards: manifest.shards, key: manifest.key });
      await Promise.all(shards.map(({ ready }) => ready));
      intake = await Intake.open({ files, clock: world.clock, kernel, ports: shards, logger });
      return new Database(files, shards, intake, kernel, async () => lock?.release());
    } catch (error) {
      await lock?.release();
      throw error;
    }
  }

  /** Changes how long and how much is kept. */
  retain(retention: Retention): void {
    for (const shard of this.shards) shard.retain(perShard(retention, this.shards.length));
  }

  /** Changes how many exemplars are kept; 0: none are taken any more. */
  keepExemplars(max: number): void {
    const perShard = Math.min(Math.ceil(max / this.shards.length), EXEMPLARS_PER_SHARD_MAX);
    this.exemplarsMax = perShard * this.shards.length;
    this.kernel.setExemplarsMax(perShard);
  }

  stats(): Promise<ShardReport[]> {
    return Promise.all(this.shards.map((shard) => shard.stats()));
  }

  /** Logs a command, and resolves when every shard has obeyed it. */
  async #command(command: Command): Promise<void> {
    await this.intake.command(command);
    await Promise.all(this.shards.map((shard) => shard.settled()));
  }

  /** Moves the heads into blocks and compacts them; then images, so that the next start has nothing to replay. */
  async flush(): Promise<void> {
    await this.#command({ type: 'flush' });
    await Promise.all(this.shards.map((shard) => shard.image()));
  }

  /** Deletes samples: each set of matchers chooses series of the tenant; both ends of the range are included. */
  async delete(
    tenant: string,
    matcherSets: readonly (readonly Matcher[])[],
    minMs: number,
    maxMs: number,
  ): Promise<void> {
    for (const matchers of matcherSets) await this.#command({ type: 'delete', tenant, matchers, minMs, maxMs });
  }

  /** Writes blocks again without what was deleted. */
  cleanTombstones(): Promise<void> {
    return this.#command({ type: 'clean' });
  }

  /** Copies all blocks into snapshots/<name>, a data directory of its own; with the heads, unless they are to be skipped. */
  async snapshot(name: string, isHeadSkipped: boolean): Promise<void> {
    if (!isHeadSkipped) await this.#command({ type: 'flush' });
    const directory = `snapshots/${name}`;
    await this.#files.makeDirectory(directory);
    await Promise.all(this.shards.map((shard) => shard.snapshot(directory)));
    await this.#files.writeFileAtomic(`${directory}/${MANIFEST}`, await this.#files.readFile(MANIFEST));
  }

  /** Stops writes, applies what is logged, writes images, ends the workers, releases the lock. */
  async close(): Promise<void> {
    await this.intake.close();
    await Promise.all(this.shards.map((shard) => shard.stop()));
    await this.#release();
  }
}

const perShard = ({ timeMs, sizeBytes }: Retention, shards: number): Retention => ({
  timeMs,
  sizeBytes: Math.ceil(sizeBytes / shards),
});

function summed(parts: readonly { done: number; total: number }[]): ReplayProgress {
  return {
    min: 0,
    max: parts.reduce((sum, { total }) => sum + total, 0),
    current: parts.reduce((sum, { done }) => sum + done, 0),
  };
}
