// A disk that may lie, tear, fill up, fail and rot, all by the seed. It holds the state; sim-files.ts gives programs their
// view of it. Three ways in which a program can end:
//
//   kill()   kill -9: the machine runs on, so what was written stays; a write under way is cut anywhere
//   crash()  power loss: of what was not synced, any sectors and any first few changes of a directory survive
//   (both)   operations under way never resolve, locks are free
import { TidemarkError, invariant } from '../base/index.ts';
import { cleanPath, parentPath } from './file-error.ts';
import type { SimInode } from './sim-inode.ts';
import type { SimOwner } from './sim-scheduler.ts';
import type { SimRandom } from './sim-random.ts';
import { type SimDirectory, SimTree, forEachNode, type SimNode } from './sim-tree.ts';

/** Operations that can be made to fail. */
export type SimFault = 'open' | 'read' | 'write' | 'sync' | 'rename' | 'remove' | 'list' | 'syncDirectory';

interface NextFault {
  readonly fault: SimFault;
  readonly pathPart: string;
  readonly code: string;
}

/** A simulated disk. Its switches may be changed at any moment. */
export class SimDisk {
  /** Space for content. Beyond it writes are cut short and end with `disk_full`. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Probability that an operation of a kind fails with `io_error`. */
  readonly faultChance: Partial<Record<SimFault, number>> = {};
  /** Breaks promise 1 on purpose: sync() makes nothing durable. For tests of tests. */
  lieAboutSync = false;
  /** Bounds of an operation's delay, and how often it takes a hundred times as long. */
  readonly delay = { msMin: 0.02, msMax: 0.5, stallChance: 0.005 };
  readonly tree = new SimTree();
  readonly locks = new Map<string, SimOwner>();
  /** Writes that may be cut where they are when their program ends. */
  readonly underWay = new Set<(cutAt: number) => void>();
  readonly random: SimRandom;
  #nextFaults: NextFault[] = [];
  /** How many operations of each kind there were. */
  readonly operationCounts = new Map<string, number>();

  constructor(random: SimRandom) {
    this.random = random;
  }

  get usedBytes(): number {
    let sum = 0;
    forEachNode(this.tree.root, 'entries', (node) => {
      if (node.kind === 'file') sum += node.sizeBytes;
    });
    for (const inode of this.#unlinked) sum += inode.sizeBytes;
    return sum;
  }

  readonly #unlinked = new Set<SimInode>();

  get freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.usedBytes);
  }

  /** The next operation of a kind on a path that contains `pathPart` fails. */
  failNext(fault: SimFault, pathPart = '', code = 'io_error'): void {
    this.#nextFaults.push({ fault, pathPart, code });
  }

  /** Throws when this operation shall fail. */
  checkFault(fault: SimFault, path: string): void {
    this.operationCounts.set(fault, (this.operationCounts.get(fault) ?? 0) + 1);
    const at = this.#nextFaults.findIndex((next) => next.fault === fault && path.includes(next.pathPart));
    const [next] = at < 0 ? [] : this.#nextFaults.splice(at, 1);
    if (next === undefined && !this.random.chance(this.faultChance[fault] ?? 0)) return;
    throw new TidemarkError(next?.code ?? 'io_error', `cannot ${fault} ${path}: simulated fault`);
  }

  delayMs(): number {
    const { msMin, msMax, stallChance } = this.delay;
    const ms = msMin + this.random.next() * (msMax - msMin);
    return this.random.chance(stallChance) ? ms * 100 : ms;
  }

  /** What is at a path, or undefined. */
  find(path: string): SimNode | undefined {
    let node: SimNode | undefined = this.tree.root;
    for (const name of cleanPath(path).split('/')) {
      if (name === '') continue;
      node = node?.kind === 'directory' ? node.entries.get(name) : undefined;
    }
    return node;
  }

  /** The directory that a path is in, which must exist. */
  parentOf(path: string, verb: string): SimDirectory {
    const parent = this.find(parentPath(path));
    if (parent?.kind === 'directory') return parent;
    throw new TidemarkError('not_found', `cannot ${verb} ${path}: no such directory`);
  }

  /** To be called when a file may have lost its last name or its last opener. */
  noteLinks(inode: SimInode): void {
    if (inode.linkCount === 0 && inode.openCount > 0) this.#unlinked.add(inode);
    else this.#unlinked.delete(inode);
  }

  #endPrograms(): void {
    for (const cut of this.underWay) cut(this.random.next());
    this.underWay.clear();
    this.locks.clear();
    this.#unlinked.clear();
  }

  /** The program ends, the machine runs on. */
  kill(): void {
    this.#endPrograms();
    forEachNode(this.tree.root, 'entries', (node) => {
      if (node.kind === 'file') node.openCount = 0;
    });
  }

  /** Power loss. */
  crash(): void {
    this.#endPrograms();
    this.tree.crash(this.random);
    forEachNode(this.tree.root, 'entries', (node) => {
      if (node.kind === 'file') node.crash(this.random);
    });
    forEachNode(this.tree.root, 'entries', (node) => {
      if (node.kind === 'file') node.linkCount = 1;
    });
  }

  /** Bit rot: flips one bit of a file, anywhere or at an offset. Returns the offset. */
  flipBit(path: string, offset?: number): number {
    const node = this.find(path);
    invariant(node?.kind === 'file' && node.sizeBytes > 0, 'bit rot needs a file with content', { path });
    const at = offset ?? this.random.below(node.sizeBytes);
    node.flipBit(at, this.random.below(8));
    return at;
  }
}
