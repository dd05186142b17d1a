// Names on the simulated disk. A change of a directory is seen at once and durable after a sync of that directory, or
// earlier. A crash keeps, in each directory, the first few of its unsynced changes in the order in which they were made.
// A rename is all or nothing, also between two directories, and therefore also bound to what came before it in both.
import type { SimInode } from './sim-inode.ts';
import type { SimRandom } from './sim-random.ts';

export class SimDirectory {
  readonly kind = 'directory';
  entries = new Map<string, SimNode>();
  durable = new Map<string, SimNode>();
}

export type SimNode = SimInode | SimDirectory;

/** One name in one directory that gets a node, or none. */
export interface SimEntry {
  readonly directory: SimDirectory;
  readonly name: string;
  readonly node: SimNode | undefined;
}

/** What changes in one piece. */
interface Change {
  readonly sequence: number;
  readonly entries: readonly SimEntry[];
}

const applyTo = (entries: Map<string, SimNode>, { name, node }: SimEntry): void => {
  if (node === undefined) entries.delete(name);
  else entries.set(name, node);
};

export class SimTree {
  readonly root = new SimDirectory();
  #pending: Change[] = [];
  #sequence = 0;

  /** Makes a change that is seen at once. */
  change(...entries: SimEntry[]): void {
    for (const entry of entries) applyTo(entry.directory.entries, entry);
    this.#pending.push({ sequence: ++this.#sequence, entries });
  }

  /** A point in history, for sync(). */
  syncPoint(): number {
    return this.#sequence;
  }

  /** Makes the changes of a directory up to a point durable, with those elsewhere that they are bound to. */
  sync(directory: SimDirectory, point: number): void {
    const bound = new Set([directory]);
    const durable = new Set<Change>();
    for (const change of this.#pending.toReversed()) {
      if (change.sequence > point || !change.entries.some((entry) => bound.has(entry.directory))) continue;
      durable.add(change);
      for (const entry of change.entries) bound.add(entry.directory);
    }
    this.#keep((change) => durable.has(change));
    this.#pending = this.#pending.filter((change) => !durable.has(change));
  }

  #keep(isKept: (change: Change) => boolean): void {
    for (const change of this.#pending) {
      if (isKept(change)) for (const entry of change.entries) applyTo(entry.directory.durable, entry);
    }
  }

  /** Power loss: from now on programs see the names that the medium kept. */
  crash(random: SimRandom): void {
    const stopped = new Set<SimDirectory>();
    const keepChance = random.pick([0, 0.5, 0.9, 1]);
    this.#keep((change) => {
      const isKept = random.chance(keepChance) && !change.entries.some((entry) => stopped.has(entry.directory));
      if (!isKept) for (const entry of change.entries) stopped.add(entry.directory);
      return isKept;
    });
    this.#pending = [];
    forEachNode(this.root, 'durable', (node) => {
      if (node.kind === 'directory') node.entries = new Map(node.durable);
    });
  }
}

/** Visits a directory and all below it. */
export function forEachNode(
  node: SimNode,
  side: 'entries' | 'durable',
  visit: (node: SimNode) => void,
  seen = new Set<SimNode>(),
): void {
  if (seen.has(node)) return;
  seen.add(node);
  visit(node);
  if (node.kind === 'directory') for (const child of node[side].values()) forEachNode(child, side, visit, seen);
}
