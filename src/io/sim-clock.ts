// A process' clock in virtual time. Its wall clock may be wrong by `skewMs` and may jump; the monotonic one starts with it.
import type { Clock } from './ports.ts';
import { abortError } from './real-clock.ts';
import type { SimOwner, SimScheduler } from './sim-scheduler.ts';

/** Where wall clocks of a simulation start: 2024-01-01T00:00:00Z. */
export const SIM_EPOCH_MS = Date.UTC(2024, 0, 1);

/** See Clock. */
export class SimClock implements Clock {
  /** How far the wall clock is from the true time. May be changed at any moment. */
  skewMs = 0;
  readonly #scheduler: SimScheduler;
  readonly #owner: SimOwner;
  readonly #startMs: number;

  constructor(scheduler: SimScheduler, owner: SimOwner) {
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#startMs = scheduler.nowMs;
  }

  nowMs(): number {
    return Math.floor(SIM_EPOCH_MS + this.#scheduler.nowMs + this.skewMs);
  }

  monotonicMs(): number {
    return this.#scheduler.nowMs - this.#startMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const onAbort = (): void => {
        cancel();
        reject(abortError(signal));
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  after(ms: number, callback: () => void): () => void {
    return this.#scheduler.schedule(this.#owner, ms, callback);
  }

  /** Time does not pass while a thread of the simulation runs. */
  pause(): void {}

  yield(): Promise<void> {
    return this.#scheduler.wait(this.#owner, 0);
  }
}
