// The operating system's files below one directory.
import fs from 'node:fs';
import { join, resolve } from 'node:path';
import { cleanPath, fileError, hasCode, parentPath } from './file-error.ts';
import type { Files, FileStat, OpenFile } from './ports.ts';
import { takeLock } from './real-lock.ts';
import { RealOpenFile } from './real-open-file.ts';

const openFlags = { read: 'r', write: fs.constants.O_RDWR | fs.constants.O_CREAT, create: 'wx+' } as const;

export class RealFiles implements Files {
  readonly root: string;

  constructor(root: string) {
    this.root = resolve(root);
  }

  #at(path: string): string {
    return join(this.root, cleanPath(path));
  }

  async #try<T>(verb: string, path: string, operation: (fullPath: string) => Promise<T>): Promise<T> {
    const fullPath = this.#at(path);
    try {
      return await operation(fullPath);
    } catch (error) {
      throw fileError(verb, fullPath, error);
    }
  }

  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile> {
    return this.#try('open', path, (fullPath) => openAt(fullPath, openFlags[mode]));
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#try('read', path, async (fullPath) => {
      const file = await openAt(fullPath, 'r');
      try {
        return await readAll(file);
      } finally {
        await file.close();
      }
    });
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    const clean = cleanPath(path);
    const temporary = `${clean}.tmp`;
    const file = await this.#try('open', temporary, (fullPath) => openAt(fullPath, 'w'));
    try {
      await file.write(bytes, 0);
      await file.sync();
    } catch (error) {
      await file.close();
      await this.remove(temporary); // gives the space back, which may be what is missing
      throw error;
    }
    await file.close();
    await this.rename(temporary, clean);
    await this.syncDirectory(parentPath(clean));
  }

  async list(path: string): Promise<string[]> {
    try {
      return (await this.#try('list', path, (fullPath) => fs.promises.readdir(fullPath))).sort();
    } catch (error) {
      if (hasCode(error, 'not_found')) return [];
      throw error;
    }
  }

  async exists(path: string): Promise<boolean> {
    return (await this.stat(path)) !== undefined;
  }

  async stat(path: string): Promise<FileStat | undefined> {
    try {
      const stat = await this.#try('stat', path, (fullPath) => fs.promises.stat(fullPath));
      return { sizeBytes: stat.size, modifiedMs: stat.mtimeMs, isDirectory: stat.isDirectory() };
    } catch (error) {
      if (hasCode(error, 'not_found')) return undefined;
      throw error;
    }
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#try('make directory', path, (fullPath) => fs.promises.mkdir(fullPath, { recursive: true }));
  }

  remove(path: string): Promise<void> {
    return this.#try('remove', path, (fullPath) => fs.promises.rm(fullPath, { recursive: true, force: true }));
  }

  rename(from: string, to: string): Promise<void> {
    const fullTo = this.#at(to);
    return this.#try('rename', from, (fullFrom) => fs.promises.rename(fullFrom, fullTo));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#try('sync directory', path, async (fullPath) => {
      const handle = await fs.promises.open(fullPath, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  lock(path: string): Promise<{ release(): Promise<void> }> {
    return this.#try('lock', path, takeLock);
  }
}

function openAt(fullPath: string, flags: string | number): Promise<RealOpenFile> {
  return new Promise((resolveOpen, reject) => {
    fs.open(fullPath, flags, 0o644, (error, fd) =>
      error ? reject(error) : resolveOpen(new RealOpenFile(fd, fullPath)),
    );
  });
}

// Up to the end, also where the size says nothing (/proc) or the file grows meanwhile.
async function readAll(file: OpenFile): Promise<Uint8Array> {
  let bytes = new Uint8Array(Math.max(1, await file.size()));
  let length = await file.read(bytes, 0);
  while (length === bytes.length) {
    const probe = new Uint8Array(4096);
    const count = await file.read(probe, length);
    if (count === 0) break;
    const bigger = new Uint8Array(Math.max(length * 2, length + count));
    bigger.set(bytes.subarray(0, length));
    bigger.set(probe.subarray(0, count), length);
    length += count;
    length += await file.read(bigger.subarray(length), length);
    bytes = bigger;
  }
  return bytes.subarray(0, length);
}
