// The files below one directory, as if they were all there are: a snapshot is opened like this.
import type { Files } from '../src/io/index.ts';

/** Files whose root is a directory of others. */
export function filesBelow(files: Files, directory: string): Files {
  const at = (path: string): string => (path === '' ? directory : `${directory}/${path}`);
  return {
    root: `${files.root}/${directory}`,
    open: (path, mode) => files.open(at(path), mode),
    readFile: (path) => files.readFile(at(path)),
    writeFileAtomic: (path, bytes) => files.writeFileAtomic(at(path), bytes),
    list: (path) => files.list(at(path)),
    exists: (path) => files.exists(at(path)),
    stat: (path) => files.stat(at(path)),
    makeDirectory: (path) => files.makeDirectory(at(path)),
    remove: (path) => files.remove(at(path)),
    rename: (from, to) => files.rename(at(from), at(to)),
    syncDirectory: (path) => files.syncDirectory(at(path)),
    lock: (path) => files.lock(at(path)),
  };
}
