// Files on a simulated disk, as one process sees them. Each operation waits, takes effect, waits again and resolves; so a
// process can end before its effect, or after it and before it knew.
import { InvariantError, TidemarkError } from '../base/index.ts';
import { cleanPath, parentPath } from './file-error.ts';
import type { Files, FileStat, OpenFile } from './ports.ts';
import { SIM_EPOCH_MS } from './sim-clock.ts';
import type { SimDisk, SimFault } from './sim-disk.ts';
import { SimInode } from './sim-inode.ts';
import type { SimOwner, SimScheduler } from './sim-scheduler.ts';
import { SimDirectory } from './sim-tree.ts';

export class SimFiles implements Files {
  readonly root: string;
  readonly disk: SimDisk;
  readonly scheduler: SimScheduler;
  readonly #owner: SimOwner;

  constructor(root: string, disk: SimDisk, scheduler: SimScheduler, owner: SimOwner) {
    this.root = root;
    this.disk = disk;
    this.scheduler = scheduler;
    this.#owner = owner;
  }

  /** Waits, does, waits, resolves. */
  async operate<T>(fault: SimFault | undefined, path: string, effect: () => T): Promise<T> {
    await this.scheduler.wait(this.#owner, this.disk.delayMs());
    let outcome: () => T;
    try {
      if (fault !== undefined) this.disk.checkFault(fault, `${this.root}/${path}`);
      const result = effect();
      outcome = () => result;
    } catch (error) {
      outcome = () => {
        throw error;
      };
    }
    await this.scheduler.wait(this.#owner, this.disk.delayMs());
    return outcome();
  }

  fail(code: string, verb: string, path: string, fact: string): never {
    throw new TidemarkError(code, `cannot ${verb} ${this.root}/${path}: ${fact}`);
  }

  #inode(path: string, verb: string): SimInode {
    const node = this.disk.find(path);
    if (node === undefined) this.fail('not_found', verb, path, 'no such file or directory');
    if (node.kind !== 'file') this.fail('io_error', verb, path, 'it is a directory');
    return node;
  }

  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile> {
    const clean = cleanPath(path);
    const inode = await this.operate('open', clean, () => this.#openInode(clean, mode));
    return new SimOpenFile(this, inode, clean, mode === 'read');
  }

  #openInode(path: string, mode: 'read' | 'write' | 'create'): SimInode {
    const present = this.disk.find(path);
    if (mode === 'create' && present !== undefined) this.fail('already_exists', 'open', path, 'it exists');
    const inode = mode === 'read' || present !== undefined ? this.#inode(path, 'open') : this.#create(path);
    inode.openCount++;
    return inode;
  }

  #create(path: string): SimInode {
    const directory = this.disk.parentOf(path, 'open');
    const inode = new SimInode();
    inode.linkCount = 1;
    inode.modifiedMs = SIM_EPOCH_MS + this.scheduler.nowMs;
    this.disk.tree.change({ directory, name: nameOf(path), node: inode });
    return inode;
  }

  async readFile(path: string): Promise<Uint8Array> {
    const clean = cleanPath(path);
    return this.operate('read', clean, () => this.#inode(clean, 'read').view().slice());
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    const clean = cleanPath(path);
    const temporary = `${clean}.tmp`;
    const file = await this.open(temporary, 'write');
    try {
      await file.truncate(0);
      await file.write(bytes, 0);
      await file.sync();
    } catch (error) {
      await file.close();
      await this.remove(temporary);
      throw error;
    }
    await file.close();
    await this.rename(temporary, clean);
    await this.syncDirectory(parentPath(clean));
  }

  async list(path: string): Promise<string[]> {
    const clean = cleanPath(path);
    return this.operate('list', clean, () => {
      const node = this.disk.find(clean);
      return node?.kind === 'directory' ? [...node.entries.keys()].sort() : [];
    });
  }

  async exists(path: string): Promise<boolean> {
    return (await this.stat(path)) !== undefined;
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const clean = cleanPath(path);
    return this.operate(undefined, clean, () => {
      const node = this.disk.find(clean);
      if (node === undefined) return undefined;
      if (node.kind === 'directory') return { sizeBytes: 4096, modifiedMs: SIM_EPOCH_MS, isDirectory: true };
      return { sizeBytes: node.sizeBytes, modifiedMs: node.modifiedMs, isDirectory: false };
    });
  }

  async makeDirectory(path: string): Promise<void> {
    const parts = cleanPath(path).split('/');
    await this.operate(undefined, path, () => {
      for (let count = 1; count <= parts.length; count++) this.#makeOne(parts.slice(0, count).join('/'));
    });
  }

  #makeOne(path: string): void {
    const present = this.disk.find(path);
    if (present?.kind === 'file') this.fail('already_exists', 'make directory', path, 'it exists');
    if (present !== undefined) return;
    const directory = this.disk.parentOf(path, 'make directory');
    this.disk.tree.change({ directory, name: nameOf(path), node: new SimDirectory() });
  }

  async remove(path: string): Promise<void> {
    const clean = cleanPath(path);
    await this.operate('remove', clean, () => this.#removeAt(clean));
  }

  // Innermost first, each name a change of its own: a crash may leave a directory half empty.
  #removeAt(path: string): void {
    const node = this.disk.find(path);
    if (node === undefined) return;
    if (node.kind === 'directory') for (const name of node.entries.keys()) this.#removeAt(`${path}/${name}`);
    this.disk.tree.change({ directory: this.disk.parentOf(path, 'remove'), name: nameOf(path), node: undefined });
    if (node.kind === 'file') this.#unlink(node);
  }

  #unlink(inode: SimInode): void {
    inode.linkCount--;
    this.disk.noteLinks(inode);
  }

  async rename(from: string, to: string): Promise<void> {
    const cleanFrom = cleanPath(from);
    const cleanTo = cleanPath(to);
    await this.operate('rename', cleanFrom, () => this.#renameNow(cleanFrom, cleanTo));
  }

  #renameNow(from: string, to: string): void {
    const node = this.disk.find(from);
    if (node === undefined) this.fail('not_found', 'rename', from, 'no such file or directory');
    const directory = this.disk.parentOf(to, 'rename');
    const replaced = this.disk.find(to);
    if (replaced === node) return;
    const isFull = replaced?.kind === 'directory' && replaced.entries.size > 0;
    if (isFull || (replaced !== undefined && replaced.kind !== node.kind)) {
      this.fail('io_error', 'rename', from, `${to} is in the way`);
    }
    this.disk.tree.change(
      { directory: this.disk.parentOf(from, 'rename'), name: nameOf(from), node: undefined },
      { directory, name: nameOf(to), node },
    );
    if (replaced?.kind === 'file') this.#unlink(replaced);
  }

  async syncDirectory(path: string): Promise<void> {
    const clean = cleanPath(path);
    const find = (): SimDirectory => {
      const node = this.disk.find(clean);
      if (node?.kind !== 'directory') this.fail('not_found', 'sync directory', clean, 'no such directory');
      return node;
    };
    const [directory, point] = await this.operate(
      undefined,
      clean,
      () => [find(), this.disk.tree.syncPoint()] as const,
    );
    await this.operate('syncDirectory', clean, () => {
      if (!this.disk.lieAboutSync) this.disk.tree.sync(directory, point);
    });
  }

  async lock(path: string): Promise<{ release(): Promise<void> }> {
    const clean = cleanPath(path);
    return this.operate(undefined, clean, () => {
      if (this.disk.locks.has(clean)) this.fail('locked', 'lock', clean, 'another process holds it');
      this.disk.locks.set(clean, this.#owner);
      return {
        release: async () => {
          if (this.disk.locks.get(clean) === this.#owner) this.disk.locks.delete(clean);
        },
      };
    });
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

class SimOpenFile implements OpenFile {
  readonly #files: SimFiles;
  readonly #inode: SimInode;
  readonly #path: string;
  readonly #isReadOnly: boolean;
  #isClosed = false;

  constructor(files: SimFiles, inode: SimInode, path: string, isReadOnly: boolean) {
    this.#files = files;
    this.#inode = inode;
    this.#path = path;
    this.#isReadOnly = isReadOnly;
  }

  async #operate<T>(fault: SimFault | undefined, verb: string, effect: () => T): Promise<T> {
    if (this.#isClosed) this.#files.fail('io_error', verb, this.#path, 'it is closed');
    return this.#files.operate(fault, this.#path, effect);
  }

  read(into: Uint8Array, offset: number): Promise<number> {
    return this.#operate('read', 'read', () => {
      const bytes = this.#inode.view().subarray(offset, offset + into.length);
      into.set(bytes);
      return bytes.length;
    });
  }

  async write(bytes: Uint8Array, offset: number): Promise<void> {
    const { disk } = this.#files;
    if (this.#isReadOnly) this.#files.fail('io_error', 'write', this.#path, 'it is open for reading');
    const copy = bytes.slice();
    const cut = (part: number): void => this.#put(copy.subarray(0, Math.floor(copy.length * part)), offset);
    disk.underWay.add(cut);
    try {
      await this.#operate('write', 'write', () => {
        disk.underWay.delete(cut);
        if (Buffer.compare(bytes, copy) !== 0) throw new InvariantError(`bytes changed while written to ${this.#path}`);
        this.#putOrFail(copy, offset);
      });
    } finally {
      disk.underWay.delete(cut);
    }
  }

  writev(chunks: readonly Uint8Array[], offset: number): Promise<void> {
    return this.write(Buffer.concat(chunks), offset);
  }

  #put(bytes: Uint8Array, offset: number): void {
    this.#inode.write(bytes, offset);
    this.#inode.modifiedMs = SIM_EPOCH_MS + this.#files.scheduler.nowMs;
  }

  #putOrFail(bytes: Uint8Array, offset: number): void {
    const { disk } = this.#files;
    const growthBytes = Math.max(0, offset + bytes.length - this.#inode.sizeBytes);
    if (growthBytes === 0 || disk.capacityBytes === Number.POSITIVE_INFINITY || growthBytes <= disk.freeBytes) {
      return this.#put(bytes, offset);
    }
    const fits = Math.min(bytes.length, Math.max(0, this.#inode.sizeBytes + disk.freeBytes - offset));
    this.#put(bytes.subarray(0, disk.random.below(fits + 1)), offset);
    this.#files.fail('disk_full', 'write', this.#path, 'no space left on device');
  }

  async sync(): Promise<void> {
    const point = await this.#operate(undefined, 'sync', () => this.#inode.syncPoint());
    await this.#operate(undefined, 'sync', () => {
      const { disk } = this.#files;
      try {
        disk.checkFault('sync', `${this.#files.root}/${this.#path}`);
      } catch (error) {
        this.#inode.failSync(disk.random);
        throw error;
      }
      if (!disk.lieAboutSync) this.#inode.sync(point);
    });
  }

  size(): Promise<number> {
    return this.#operate(undefined, 'stat', () => this.#inode.sizeBytes);
  }

  async truncate(sizeBytes: number): Promise<void> {
    if (this.#isReadOnly) this.#files.fail('io_error', 'truncate', this.#path, 'it is open for reading');
    await this.#operate('write', 'truncate', () => this.#inode.truncate(sizeBytes));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#files.operate(undefined, this.#path, () => {
      this.#inode.openCount--;
      this.#files.disk.noteLinks(this.#inode);
    });
  }
}
