// The store of one process: data directory, shard workers, logs and intake.
import { availableParallelism } from 'node:os';
import type { Logger } from '../base/index.ts';
import type { World } from '../io/index.ts';
import { type IntakeWasmKernel, createIntakeWasm, loadKernel } from '../kernel/index.ts';
import { Intake, type ShardStats, openManifest } from '../tsdb/index.ts';
import { ShardClient } from './shard-client.ts';

/** Shards of a new data directory: one per processor, within reason. */
const SHARDS_DEFAULT_MAX = 8;
const LOCK = 'lock';

export interface DatabaseOptions {
  readonly world: World;
  readonly directory: string;
  readonly logger: Logger;
  readonly isLocked: boolean;
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
  readonly #release: () => Promise<void>;

  private constructor(
    shards: readonly ShardClient[],
    intake: Intake,
    kernel: IntakeWasmKernel,
    release: () => Promise<void>,
  ) {
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
      const [headModule, execModule, intakeModule] = await Promise.all(['head', 'exec', 'intake'].map(loadKernel));
      const done = new Array<{ done: number; total: number }>(manifest.shards).fill({ done: 0, total: 0 });
      let intake: Intake | null = null;
      const shards = done.map((_, shard) => {
        const onProgress = (segments: number, total: number) => {
          done[shard] = { done: segments, total };
          progress(summed(done));
        };
        return new ShardClient({
          clock: world.clock,
          data: { directory: options.directory, shard, headModule, execModule },
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
      return new Database(shards, intake, kernel, async () => lock?.release());
    } catch (error) {
      await lock?.release();
      throw error;
    }
  }

  stats(): Promise<ShardStats[]> {
    return Promise.all(this.shards.map((shard) => shard.stats()));
  }

  /** Writes images of all shards. */
  async flush(): Promise<void> {
    await Promise.all(this.shards.map((shard) => shard.image()));
  }

  /** Stops writes, applies what is logged, writes images, ends the workers, releases the lock. */
  async close(): Promise<void> {
    await this.intake.close();
    await Promise.all(this.shards.map((shard) => shard.stop()));
    await this.#release();
  }
}

function summed(parts: readonly { done: number; total: number }[]): ReplayProgress {
  return {
    min: 0,
    max: parts.reduce((sum, { total }) => sum + total, 0),
    current: parts.reduce((sum, { done }) => sum + done, 0),
  };
}
