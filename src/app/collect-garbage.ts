// Columns of large queries lie outside of the JavaScript heap: the collector, which goes by the heap, comes late for them, and the
// process would hold several queries' worth beyond their budget. So a thread that had a large query asks for a collection.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../io/index.ts';
import type { ExecKernel } from '../kernel/index.ts';

/**
 * What is worth the tens of milliseconds that a collection takes. Most columns are given back at once by who drops them; with 128 MiB here
 * the hostile queries of apptest/ took no less memory, and others waited for a collection of 60 ms twice a second.
 */
const WORTHWHILE_BYTES = 512 << 20;
/** Smaller queries do not add up: the collector keeps up with them by itself. */
const LARGE_BYTES = 16 << 20;
const PAUSE_MS = 500;

/** A kernel's memory beyond this is given up when nobody uses it: one large query would leave it behind for ever. */
const KERNEL_BYTES = 32 << 20;

type Collect = (options: { type: 'major'; execution: 'async' }) => Promise<void>;

function collector(): Collect | null {
  try {
    setFlagsFromString('--expose-gc');
    return runInNewContext('gc') as Collect;
  } catch {
    return null; // a build without it: the collector comes when it comes
  }
}

export class GarbageCollector {
  readonly #clock: Clock;
  #collect: Collect | null | undefined;
  #bytes = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** So many bytes were held and are not any more. */
  dropped(bytes: number): void {
    if (bytes >= LARGE_BYTES) this.#bytes += bytes;
    if (this.#bytes < WORTHWHILE_BYTES || this.#cancelTimer) return;
    // In a later turn: what the query referred to until its end is garbage then.
    this.#cancelTimer = this.#clock.after(0, () => void this.#run());
  }

  /** Makes a kernel that nobody uses small again, if it has become large. */
  resetKernel(kernel: ExecKernel): void {
    const { memoryBytes } = kernel;
    if (memoryBytes < KERNEL_BYTES) return;
    kernel.reset();
    this.collect(); // the old memory is garbage, and no small one
  }

  /** Collects soon, whatever was dropped. */
  collect(): void {
    this.dropped(WORTHWHILE_BYTES);
  }

  async #run(): Promise<void> {
    this.#bytes = 0;
    this.#collect ??= collector();
    await this.#collect?.({ type: 'major', execution: 'async' });
    this.#cancelTimer = this.#clock.after(PAUSE_MS, () => {
      this.#cancelTimer = null;
      this.dropped(0);
    });
  }
}
