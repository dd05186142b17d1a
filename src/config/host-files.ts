// Files that a configuration names lie anywhere on the machine; the Files port takes paths below a root. This adapter joins
// the two.
import { resolve } from 'node:path';
import type { FileStat, Files } from '../io/index.ts';

/** Reading anywhere on the machine; relative paths start at the working directory. */
export interface HostFiles {
  readFile(path: string): Promise<Uint8Array>;
  list(path: string): Promise<string[]>;
  stat(path: string): Promise<FileStat | undefined>;
}

/** `files` is rooted at '/'. */
export function hostFiles(files: Pick<Files, 'readFile' | 'list' | 'stat'>, workingDirectory: string): HostFiles {
  const below = (path: string) => resolve(workingDirectory, path).slice(1);
  return {
    readFile: (path) => files.readFile(below(path)),
    list: (path) => files.list(below(path)),
    stat: (path) => files.stat(below(path)),
  };
}
