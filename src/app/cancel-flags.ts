// Which queries were cancelled, in memory that the main thread and the query worker share: an operator at work sees it at its next
// look, while a message waits until the worker's event loop turns. A slot has the number of the query that was cancelled last of those
// that share it. One that another overwrites is still told by message.
const SLOTS = 1024;

export const createCancelMemory = (): SharedArrayBuffer => new SharedArrayBuffer(SLOTS * 4);

export class CancelFlags {
  readonly #slots: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#slots = new Int32Array(memory);
  }

  cancel(id: number): void {
    Atomics.store(this.#slots, id % SLOTS, id | 0);
  }

  isCanceled(id: number): boolean {
    return Atomics.load(this.#slots, id % SLOTS) === (id | 0);
  }
}
