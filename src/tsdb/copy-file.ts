// Copies a file piece by piece.
import type { Files } from '../io/index.ts';

const PIECE_BYTES = 1024 * 1024;

/** Copies the first `bytes` of a file; the copy is durable once its directory is. */
export async function copyFile(files: Files, from: string, to: string, bytes: number): Promise<void> {
  const source = await files.open(from, 'read');
  try {
    const target = await files.open(to, 'create');
    try {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, bytes));
      for (let offset = 0; offset < bytes; ) {
        const got = await source.read(piece.subarray(0, Math.min(piece.length, bytes - offset)), offset);
        await target.write(piece.subarray(0, got), offset);
        offset += got;
        if (got === 0) break;
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
