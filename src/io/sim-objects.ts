// An object store in memory: every put is whole and durable once it happened, whatever becomes of who asked for it.
import { TidemarkError } from '../base/index.ts';
import type { Objects } from './ports.ts';
import type { SimRandom } from './sim-random.ts';
import type { SimOwner, SimScheduler } from './sim-scheduler.ts';

/** The store itself; machines reach it through SimObjects. */
export class SimObjectStore {
  readonly objects = new Map<string, Uint8Array>();
  /** Probability that an operation fails: half of the failed puts and removals have happened all the same. */
  faultChance = 0;
  isReachable = true;
  readonly delay = { msMin: 5, msMax: 60 };
  readonly operationCounts = { put: 0, getRange: 0, size: 0, list: 0, remove: 0 };
  readonly random: SimRandom;

  constructor(random: SimRandom) {
    this.random = random;
  }

  delayMs(): number {
    return this.delay.msMin + this.random.next() * (this.delay.msMax - this.delay.msMin);
  }
}

export class SimObjects implements Objects {
  readonly #store: SimObjectStore;
  readonly #scheduler: SimScheduler;
  readonly #owner: SimOwner;

  constructor(store: SimObjectStore, scheduler: SimScheduler, owner: SimOwner) {
    this.#store = store;
    this.#scheduler = scheduler;
    this.#owner = owner;
  }

  async #operate<T>(kind: keyof SimObjectStore['operationCounts'], name: string, effect: () => T): Promise<T> {
    const store = this.#store;
    await this.#scheduler.wait(this.#owner, store.delayMs() / 2);
    store.operationCounts[kind]++;
    const isFailing = !store.isReachable || store.random.chance(store.faultChance);
    const isLost = isFailing && (!store.isReachable || store.random.chance(0.5));
    const outcome = isLost ? undefined : attempt(effect);
    await this.#scheduler.wait(this.#owner, store.delayMs() / 2);
    if (isFailing) throw new TidemarkError('io_error', `cannot ${kind} object ${name}: simulated fault`);
    return (outcome as () => T)();
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    return this.#operate('put', name, () => void this.#store.objects.set(name, copy));
  }

  #get(name: string): Uint8Array {
    const bytes = this.#store.objects.get(name);
    if (bytes === undefined) throw new TidemarkError('not_found', `cannot read object ${name}: no such object`);
    return bytes;
  }

  getRange(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#operate('getRange', name, () => this.#get(name).slice(offset, offset + length));
  }

  size(name: string): Promise<number> {
    return this.#operate('size', name, () => this.#get(name).length);
  }

  list(prefix: string): Promise<string[]> {
    const names = () => [...this.#store.objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    return this.#operate('list', prefix, names);
  }

  remove(name: string): Promise<void> {
    return this.#operate('remove', name, () => void this.#store.objects.delete(name));
  }
}

/** Runs it now; what it gave or threw comes later. */
function attempt<T>(effect: () => T): () => T {
  try {
    const result = effect();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
