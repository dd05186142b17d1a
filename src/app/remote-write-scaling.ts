// How many requests a destination is sent at once: as in Prometheus, from the rate of samples, the time that sending one takes,
// and how far behind it is.
import type { DestinationSettings } from './remote-write-settings.ts';

/** Rates are looked at so often. */
export const SCALING_MS = 10_000;
const WEIGHT = 0.2;
/** A change must be this large to be worth it. */
const TOLERANCE = 0.3;
/** Of what waits, to be caught up with each second. */
const CATCH_UP = 0.05;
/** Behind by more seconds than this, shards are not given up. */
const BEHIND_SECONDS_MAX = 10;

/** An exponentially weighted rate per second. */
class Rate {
  #rate = 0;
  #last = 0;
  #isBegun = false;

  tick(total: number): void {
    const now = ((total - this.#last) * 1000) / SCALING_MS;
    this.#last = total;
    this.#rate = this.#isBegun ? this.#rate + WEIGHT * (now - this.#rate) : now;
    this.#isBegun = true;
  }

  get value(): number {
    return this.#rate;
  }
}

/** Totals since the start. */
export interface ScalingTotals {
  readonly samplesIn: number;
  readonly samplesDropped: number;
  readonly samplesOut: number;
  readonly sendingSeconds: number;
  /** Seconds between the newest sample that came and the newest that was sent. */
  readonly behindSeconds: number;
}

export class ShardScaling {
  readonly #queue: DestinationSettings['queue'];
  readonly #in = new Rate();
  readonly #dropped = new Rate();
  readonly #out = new Rate();
  readonly #seconds = new Rate();
  desired = 0;

  constructor(queue: DestinationSettings['queue']) {
    this.#queue = queue;
  }

  /** To be called each SCALING_MS: how many shards there should be. */
  tick(shards: number, totals: ScalingTotals): number {
    this.#in.tick(totals.samplesIn);
    this.#dropped.tick(totals.samplesDropped);
    this.#out.tick(totals.samplesOut);
    this.#seconds.tick(totals.sendingSeconds);
    const out = this.#out.value;
    if (out <= 0) return shards;
    const kept = this.#in.value * (out / (this.#dropped.value + out));
    const behind = Math.max(0, totals.behindSeconds);
    this.desired = (this.#seconds.value / out) * (kept + CATCH_UP * behind * kept);
    const wanted = Math.ceil(this.desired);
    if (wanted >= shards * (1 - TOLERANCE) && wanted <= shards * (1 + TOLERANCE)) return shards;
    if (wanted < shards && behind > BEHIND_SECONDS_MAX) return shards;
    return Math.min(this.#queue.maxShards, Math.max(this.#queue.minShards, wanted));
  }
}
