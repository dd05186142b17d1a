// Space of a mounted file system.
import { statfs } from 'node:fs/promises';
import { fileError } from './file-error.ts';

/** Bytes of the file system that `path` (absolute) is on: all, free, and free for users who are not root. */
export async function filesystemSpace(
  path: string,
): Promise<{ sizeBytes: number; freeBytes: number; availableBytes: number }> {
  try {
    const { bsize, blocks, bfree, bavail } = await statfs(path);
    return { sizeBytes: blocks * bsize, freeBytes: bfree * bsize, availableBytes: bavail * bsize };
  } catch (cause) {
    throw fileError('look at', path, cause);
  }
}
