// Samples per second of one tenant: a bucket that fills at the rate, up to the burst. Who finds anything in it may take all
// that a request has, and may leave it in debt: so a request is refused before it is decoded, one larger than the burst is
// not refused for ever, and how long to wait is known. Over any time t at most burst + rate * t samples and one request pass.

/** What adding up fractions may lack of a whole sample. */
const TOLERANCE = 1e-6;

/** A token bucket; times are those of a monotonic clock, in ms. */
export class TokenBucket {
  #perSecond: number;
  #burst: number;
  #tokens: number;
  #atMs: number;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** Goes on with another rate and burst; what was taken stays taken. */
  configure(perSecond: number, burst: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens = Math.min(burst, this.#tokens + Math.max(0, burst - this.#burst));
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Milliseconds until there is something in it again; 0: there is. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    const missing = 1 - this.#tokens;
    return missing <= TOLERANCE ? 0 : Math.max(1, Math.ceil(((missing - TOLERANCE) / this.#perSecond) * 1000));
  }

  /** Takes samples out, or gives them back (negative). */
  take(samples: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens - samples);
  }

  #fill(nowMs: number): void {
    const gained = (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#atMs = nowMs;
  }
}
