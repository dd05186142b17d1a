// Objects as files of a directory: '/' in a name makes directories. Works on any Files, so also on the simulated disk.
import { TidemarkError } from '../base/index.ts';
import { cleanPath, hasCode, parentPath } from './file-error.ts';
import type { Files, Objects } from './ports.ts';

const TEMPORARY_SUFFIX = '.tmp';

export class DirectoryObjects implements Objects {
  readonly #files: Files;
  readonly #directory: string;
  readonly #known = new Set<string>(); // directories known to be durable

  constructor(files: Files, directory: string) {
    this.#files = files;
    this.#directory = cleanPath(directory);
  }

  #path(name: string): string {
    const clean = cleanPath(name);
    if (clean === '' || clean !== name || name.endsWith(TEMPORARY_SUFFIX)) {
      throw new TidemarkError('bad_path', `cannot use object name: it must be a plain path; got ${name}`);
    }
    return this.#directory === '' ? clean : `${this.#directory}/${clean}`;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(name);
    await this.#makeDurableDirectory(parentPath(path));
    await this.#files.writeFileAtomic(path, bytes);
  }

  // Each new level is durable only when its parent was synced.
  async #makeDurableDirectory(path: string): Promise<void> {
    if (path === '' || this.#known.has(path)) return;
    const parent = parentPath(path);
    await this.#makeDurableDirectory(parent);
    await this.#files.makeDirectory(path);
    await this.#files.syncDirectory(parent);
    this.#known.add(path);
  }

  async getRange(name: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await this.#files.open(this.#path(name), 'read');
    try {
      const bytes = new Uint8Array(length);
      const count = await file.read(bytes, offset);
      return count === length ? bytes : bytes.subarray(0, count);
    } finally {
      await file.close();
    }
  }

  async size(name: string): Promise<number> {
    const stat = await this.#files.stat(this.#path(name));
    if (stat === undefined || stat.isDirectory) {
      throw new TidemarkError('not_found', `cannot stat object ${name}: no such object`);
    }
    return stat.sizeBytes;
  }

  async list(prefix: string): Promise<string[]> {
    const names: string[] = [];
    await this.#listInto(names, parentPath(prefix), prefix);
    return names.sort();
  }

  async #listInto(names: string[], directory: string, prefix: string): Promise<void> {
    const path = [this.#directory, cleanPath(directory)].filter((part) => part !== '').join('/');
    for (const entry of await this.#files.list(path)) {
      const name = directory === '' ? entry : `${directory}/${entry}`;
      if (!name.startsWith(prefix) && !prefix.startsWith(`${name}/`)) continue;
      const stat = await this.#files.stat(path === '' ? entry : `${path}/${entry}`);
      if (stat === undefined) continue; // removed meanwhile
      if (stat.isDirectory) await this.#listInto(names, name, prefix);
      else if (!name.endsWith(TEMPORARY_SUFFIX)) names.push(name);
    }
  }

  async remove(name: string): Promise<void> {
    const path = this.#path(name);
    await this.#files.remove(path);
    try {
      await this.#files.syncDirectory(parentPath(path));
    } catch (error) {
      if (!hasCode(error, 'not_found')) throw error; // no directory, no object
    }
  }
}
