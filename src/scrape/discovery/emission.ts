// When what was found is handed on: soon after a change, but not more often than every few seconds, since every hand-over makes
// the job look at all its targets.
import type { Clock } from '../../io/index.ts';

/** As often as Prometheus takes over what its mechanisms found. */
export const EMISSION_INTERVAL_MS = 5000;
/** Changes seldom come alone. */
const GATHER_MS = 100;

/** Runs `emit` once for all requests of a while. */
export class Emission {
  readonly #clock: Clock;
  readonly #emit: () => void;
  #lastMs = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;
  #isStopped = false;

  constructor(clock: Clock, emit: () => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Something has changed. */
  request(): void {
    if (this.#cancel || this.#isStopped) return;
    const sinceMs = this.#clock.monotonicMs() - this.#lastMs;
    this.#cancel = this.#clock.after(Math.max(GATHER_MS, EMISSION_INTERVAL_MS - sinceMs), () => this.now());
  }

  /** Emits without waiting. */
  now(): void {
    if (this.#isStopped) return;
    this.#cancel?.();
    this.#cancel = null;
    this.#lastMs = this.#clock.monotonicMs();
    this.#emit();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }
}
