// Files that are looked at in the middle of what cannot wait: a TLS handshake, the head of a request. They are small and few;
// looking takes some microseconds.
import fs from 'node:fs';
import { resolve } from 'node:path';

/** Small files anywhere on the machine, read at once. */
export interface FreshFiles {
  /** Throws Error if there is none. */
  read(path: string): Uint8Array;
  /** Differs when the file does; '' if there is none. */
  stamp(path: string): string;
}

/** Paths start at the working directory. */
export const freshFiles: FreshFiles = {
  read: (path) => fs.readFileSync(resolve(path)),
  stamp: (path) => {
    const stat = fs.statSync(resolve(path), { throwIfNoEntry: false, bigint: true });
    return stat ? `${stat.ino}/${stat.size}/${stat.mtimeNs}` : '';
  },
};
