// Slots for queries: at most so many run, and those that wait are let in tenant by tenant in turn, so that one tenant's flood does not
// keep the others out. Waiting can be given up.
export interface FairQueueOptions {
  /** Running at once. */
  readonly slots: number;
  /** Waiting at most, per tenant. */
  readonly waitingMax: number;
}

interface Waiting {
  readonly enter: () => void;
}

export class FairQueue {
  #slots: number;
  readonly #waitingMax: number;
  readonly #tenants = new Map<string, Waiting[]>();
  running = 0;

  constructor({ slots, waitingMax }: FairQueueOptions) {
    this.#slots = slots;
    this.#waitingMax = waitingMax;
  }

  set slots(slots: number) {
    this.#slots = slots;
    this.#admit();
  }

  /** Resolves when it is the tenant's turn; false: too many of the tenant wait already. Rejects when the signal aborts. */
  async enter(tenant: string, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (this.running < this.#slots) {
      this.running++;
      return true;
    }
    const queue = this.#tenants.get(tenant) ?? [];
    if (queue.length >= this.#waitingMax) return false;
    this.#tenants.set(tenant, queue);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { enter: resolve };
    queue.push(waiting);
    const onAbort = () => {
      queue.splice(queue.indexOf(waiting), 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    signal.removeEventListener('abort', onAbort);
    return true;
  }

  /** A query has ended. */
  leave(): void {
    this.running--;
    this.#admit();
  }

  #admit(): void {
    while (this.running < this.#slots) {
      const next = this.#tenants.entries().next();
      if (next.done) return;
      const [tenant, queue] = next.value;
      // To the end of the round.
      this.#tenants.delete(tenant);
      const waiting = queue.shift();
      if (queue.length > 0) this.#tenants.set(tenant, queue);
      if (!waiting) continue;
      this.running++;
      waiting.enter();
    }
  }
}
