// When a target is scraped: at a phase of the interval that depends on the target, so that targets spread out and keep their
// place over restarts; then once per interval, counted from the first time, however long scrapes take.

// Timers are late by a little. Timestamps that would differ from the regular one by less than this become regular, because
// regular timestamps cost next to nothing to store, as in Prometheus.
const TOLERANCE_MS = 2;

/** Milliseconds until a target's first scrape: its phase is (hash ^ seed) mod the interval, counted from the epoch. */
export function phaseOffsetMs(nowMs: number, intervalMs: number, hash: bigint, seed: bigint): number {
  const intervalNs = BigInt(Math.round(intervalMs * 1e6));
  const phaseMs = Number(BigInt.asUintN(64, hash ^ seed) % intervalNs) / 1e6;
  const next = intervalMs - (nowMs % intervalMs) + phaseMs;
  return next > intervalMs ? next - intervalMs : next;
}

/** Regular scrape times. */
export class ScrapeSchedule {
  readonly #intervalMs: number;
  #alignedMs: number;
  #tickMs: number;

  /** Begins now: wall clock and monotonic clock. */
  constructor(intervalMs: number, nowMs: number, monotonicMs: number) {
    this.#intervalMs = intervalMs;
    this.#alignedMs = nowMs;
    this.#tickMs = monotonicMs;
  }

  /** The timestamp of a scrape that begins now: the regular one if that is near. */
  timestampMs(nowMs: number): number {
    const steps = Math.max(0, Math.round((nowMs - this.#alignedMs) / this.#intervalMs));
    const regularMs = this.#alignedMs + steps * this.#intervalMs;
    if (Math.abs(nowMs - regularMs) > Math.min(this.#intervalMs / 100, TOLERANCE_MS)) return Math.trunc(nowMs);
    this.#alignedMs = regularMs;
    return Math.trunc(regularMs);
  }

  /** Milliseconds to wait for the next tick; 0 if one has passed: those missed before it are left out. */
  waitMs(monotonicMs: number): number {
    const passed = Math.floor((monotonicMs - this.#tickMs) / this.#intervalMs);
    if (passed >= 1) {
      this.#tickMs += passed * this.#intervalMs;
      return 0;
    }
    this.#tickMs += this.#intervalMs;
    return this.#tickMs - monotonicMs;
  }

  /** Milliseconds to the next regular time, without taking it. */
  remainingMs(monotonicMs: number): number {
    const passedMs = monotonicMs - this.#tickMs;
    return passedMs < 0 ? -passedMs : this.#intervalMs - (passedMs % this.#intervalMs);
  }
}
