// When a shard's open log segment has to end although it is not full. Its dictionary keeps every series that the segment
// defined, and the head can let a series go only when the open segment does not name it. So a segment ends when it is
// mostly a list of the dead, and when it is old.
//
// Mostly dead, told by what the intake sees: many series were defined, a good part of them late. That part is the
// definitions in the second half of the segment's samples; for it the count of definitions is noted every so many samples,
// ever more as the segment grows.

/** A segment ends when it is older: that is how long a dead series can be held in the head. */
const AGE_MAX_MS = 30 * 60_000;
/** Below it a dictionary is not worth defining the living again. */
const DEFINED_MIN = 65_536;
/** Samples per definition that pay for defining again. */
const SAMPLES_PER_SERIES_MIN = 3;
/** Share of the definitions that came in the second half. */
const LATE_SHARE_MIN = 0.25;
const MARKS = 64;
const STRIDE_FIRST = 4096;

/** What is in the open segment of one shard. */
export class SegmentLife {
  #startedMs: number | null = null;
  #samples = 0;
  #defined = 0;
  /** marks[i]: how many series were defined when (i + 1) * stride samples were in. */
  readonly #marks = new Float64Array(MARKS);
  #markCount = 0;
  #stride = STRIDE_FIRST;

  /** A batch went to the log: so many samples, and `defined` series in the segment since its begin. */
  add(samples: number, defined: number, nowMs: number): void {
    this.#startedMs ??= nowMs;
    this.#samples += samples;
    this.#defined = defined;
    while (this.#samples >= (this.#markCount + 1) * this.#stride) {
      this.#marks[this.#markCount++] = defined;
      if (this.#markCount === MARKS) this.#thin();
    }
  }

  /** Every second mark goes. */
  #thin(): void {
    for (let i = 0; i < MARKS / 2; i++) this.#marks[i] = this.#marks[2 * i + 1];
    this.#markCount = MARKS / 2;
    this.#stride *= 2;
  }

  /** Another segment begins. */
  reset(): void {
    this.#startedMs = null;
    this.#samples = 0;
    this.#defined = 0;
    this.#markCount = 0;
    this.#stride = STRIDE_FIRST;
  }

  /** Whether the segment has to end; an empty one never has. */
  isOver(nowMs: number): boolean {
    if (this.#startedMs === null) return false;
    return nowMs - this.#startedMs >= AGE_MAX_MS || this.#isMostlyDead();
  }

  #isMostlyDead(): boolean {
    const defined = this.#defined;
    if (defined < DEFINED_MIN || this.#samples < SAMPLES_PER_SERIES_MIN * defined) return false;
    return defined - this.#definedAt(this.#samples / 2) >= LATE_SHARE_MIN * defined;
  }

  /** Series defined when there were so many samples; at the next mark, so rather too many. */
  #definedAt(samples: number): number {
    const mark = Math.max(0, Math.ceil(samples / this.#stride) - 1);
    return mark < this.#markCount ? this.#marks[mark] : this.#defined;
  }
}
