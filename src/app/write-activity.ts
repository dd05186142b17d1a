// Whether writes come in, seen from another thread: each shard's client on the main thread counts in shared memory what it hands over.
// Who computes makes pauses while they do, so that a thread that a write waits for need not wait for a slice of the processor to end.
import type { Clock } from '../io/index.ts';

/** How long the processor is shared after a write. */
const RECENT_MS = 1000;

export const createPushMemory = (): SharedArrayBuffer => new SharedArrayBuffer(4);

/** Counts one more group that was handed over. */
export const notePush = (memory: SharedArrayBuffer): void => {
  Atomics.add(new Int32Array(memory), 0, 1);
};

export class WriteActivity {
  readonly #counters: readonly Int32Array[];
  readonly #clock: Clock;
  #seen = 0;
  #changedMs = Number.NEGATIVE_INFINITY;

  constructor(memories: readonly SharedArrayBuffer[], clock: Clock) {
    this.#counters = memories.map((memory) => new Int32Array(memory));
    this.#clock = clock;
    this.#seen = this.#sum();
  }

  /** Writes came since it was asked last, or a moment before that. */
  get isRecent(): boolean {
    const sum = this.#sum();
    const nowMs = this.#clock.monotonicMs();
    if (sum !== this.#seen) {
      this.#seen = sum;
      this.#changedMs = nowMs;
    }
    return nowMs - this.#changedMs < RECENT_MS;
  }

  #sum(): number {
    return this.#counters.reduce((sum, counter) => (sum + Atomics.load(counter, 0)) | 0, 0);
  }
}
