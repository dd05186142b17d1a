// The memory that answers travel in from the query worker to the sockets: slots in one buffer that both threads share, made once and
// used again and again. So a long answer passes the main thread without memory of its own there, which that thread would have to
// allocate, account for and collect. A slot is taken by the query worker, filled, named in a message, read by the socket, and
// named in a message back; who holds it is in the messages' order alone.
//
// A slow receiver holds slots: an answer gets a second one only while half of them are free, and never more than a few.

/** Four hold a piece of JSON; one holds a compressed piece. */
export const SLOT_BYTES = 64 * 1024;
/** 32 MiB. Pages that were never filled take no memory. */
const SLOTS = 512;
/** On their way to one receiver. */
const SLOTS_PER_ANSWER_MAX = 16;

/** Memory for createSlotViews and SlotPool. */
export const createSlotMemory = (): SharedArrayBuffer => new SharedArrayBuffer(SLOTS * SLOT_BYTES);

/** The slots as bytes. */
export const createSlotViews = (memory: SharedArrayBuffer): Buffer[] =>
  Array.from({ length: memory.byteLength / SLOT_BYTES }, (_, i) => Buffer.from(memory, i * SLOT_BYTES, SLOT_BYTES));

/** The free slots, kept where slots are filled. */
export class SlotPool {
  readonly #views: readonly Uint8Array[];
  /** The last one given back is the next to be taken: its memory is in the processor's cache. */
  readonly #free: number[];
  #waiting: (() => void)[] = [];

  constructor(memory: SharedArrayBuffer) {
    this.#views = createSlotViews(memory);
    this.#free = this.#views.map((_, i) => this.#views.length - 1 - i);
  }

  /** Slots nobody holds. */
  get free(): number {
    return this.#free.length;
  }

  /** Fills a slot for an answer that holds `held` already; -1: it must wait. */
  fill(held: number, bytes: Uint8Array): number {
    if (held >= SLOTS_PER_ANSWER_MAX || (held > 0 && this.#free.length <= this.#views.length / 2)) return -1;
    const slot = this.#free.pop() ?? -1;
    if (slot >= 0) this.#views[slot].set(bytes);
    return slot;
  }

  /** Resolves when slots came back. Rejects when the signal aborts. */
  async change(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.push(resolve);
    await promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** Slots that were read. */
  giveBack(slots: readonly number[]): void {
    this.#free.push(...slots);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }
}
