// Start times beside the samples of a column: when the counter behind each value began, in milliseconds; 0 where that is not known.

/**
 * Start times by place in a column. While there are none nothing is written: only `ms` of a column with `any` means something. Whoever
 * fills or moves samples of a column that has these says so here, from the first place to the last.
 */
export class StartTimes {
  ms = new Float64Array(0);
  /** Whether any sample that was told of has one. */
  any = false;

  /** To be called before each read. */
  clear(): void {
    this.any = false;
  }

  #reserve(samples: number): void {
    if (this.ms.length >= samples) return;
    const bigger = new Float64Array(Math.max(samples, this.ms.length * 2, 1024));
    bigger.set(this.ms);
    this.ms = bigger;
  }

  /** Samples [at, at + count) have none. */
  none(at: number, count: number): void {
    if (!this.any) return;
    this.#reserve(at + count);
    this.ms.fill(0, at, at + count);
  }

  /** Samples [at, at + count) have these. */
  set(at: number, starts: Float64Array, count = starts.length): void {
    this.begin(at, count).set(starts.subarray(0, count), at);
  }

  /** The array, with zeros for samples [at, at + count), to be written to. */
  begin(at: number, count: number): Float64Array {
    this.#reserve(at + count);
    this.ms.fill(0, this.any ? at : 0, at + count);
    this.any = true;
    return this.ms;
  }

  /** Samples [from, to) of another column stand at `at` in this one. */
  copy(source: StartTimes, from: number, to: number, at: number): void {
    if (source.any) this.set(at, source.ms.subarray(from, to));
    else this.none(at, to - from);
  }

  /** Sample `to` is what sample `from` was. */
  move(from: number, to: number): void {
    if (this.any) this.ms[to] = this.ms[from];
  }

  /** The start time of a sample; 0: none. */
  of(place: number): number {
    return this.any ? this.ms[place] : 0;
  }
}
