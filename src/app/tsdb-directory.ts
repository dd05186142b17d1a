// A data directory for tools: locked, so that no server and no other tool uses it meanwhile.
import { availableParallelism } from 'node:os';
import { type Logger, TidemarkError, errorText } from '../base/index.ts';
import { type Clock, type Files, createRealWorld, hasCode } from '../io/index.ts';
import { createBlockWasm, loadKernel } from '../kernel/index.ts';
import { MANIFEST, type Manifest, Shard, openManifest } from '../tsdb/index.ts';
import { LOCK, SHARDS_DEFAULT_MAX } from './database.ts';

/** What a verb works with. */
export interface ToolWorld {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Writes to standard output, and waits while it is full. */
  readonly print: (text: string) => Promise<void>;
  /** Writes a line to standard error. */
  readonly say: (line: string) => void;
}

/** A directory that is held. */
export interface HeldDirectory {
  readonly path: string;
  readonly files: Files;
  readonly manifest: Manifest;
  /** Opens a shard for reading: head, log and blocks. */
  openShard(shard: number): Promise<Shard>;
}

/** Runs `use` with the directory locked. `isNew`: it may be made. */
export async function withDirectory<T>(
  world: ToolWorld,
  path: string,
  isNew: boolean,
  use: (directory: HeldDirectory) => Promise<T>,
): Promise<T> {
  const { files, random } = createRealWorld(path);
  if (isNew) await files.makeDirectory('');
  else if (!(await files.exists(MANIFEST))) {
    throw new TidemarkError('not_found', `cannot open ${path}: it is no data directory, for it has no ${MANIFEST}`);
  }
  const lock = await takeLock(files, path);
  try {
    const manifest = await openManifest(files, random, Math.min(availableParallelism(), SHARDS_DEFAULT_MAX));
    const openShard = async (shard: number): Promise<Shard> => {
      const [module, blockModule] = await Promise.all([loadKernel('head'), loadKernel('block')]);
      return Shard.open({ files, clock: world.clock, shard, module, blockModule, logger: world.logger });
    };
    return await use({ path, files, manifest, openShard });
  } finally {
    await lock.release();
  }
}

async function takeLock(files: Files, path: string): Promise<{ release(): Promise<void> }> {
  try {
    return await files.lock(LOCK);
  } catch (cause) {
    if (!hasCode(cause, 'locked')) throw cause;
    const text = `cannot open ${path}: a running server or tool uses it (${errorText(cause)}); stop it first`;
    throw new TidemarkError('locked', text, { cause });
  }
}

/** A block kernel of its own. */
export const blockKernel = async () => createBlockWasm(await loadKernel('block'));
