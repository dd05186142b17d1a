// The clockwork of discoverers that look again and again: one look at a time, the next one an interval after the last.
import type { Clock } from '../../io/index.ts';

/** Runs `refresh` at once and then an interval after each run has ended, until stopped. */
export class Refresher {
  readonly #clock: Clock;
  readonly #refresh: (signal: AbortSignal) => Promise<void>;
  readonly #intervalMs: () => number;
  readonly #stop = new AbortController();
  #cancel: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  /** `refresh` handles its own errors; one that rejects is a bug of ours. */
  constructor(clock: Clock, intervalMs: () => number, refresh: (signal: AbortSignal) => Promise<void>) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#refresh = refresh;
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  start(): void {
    this.#running = this.#refresh(this.#stop.signal).then(() => {
      if (!this.stopped) this.#cancel = this.#clock.after(this.#intervalMs(), () => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancel();
    await this.#running;
  }
}
