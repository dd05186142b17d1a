// Operators that look at all rows of a step after another read a vector across its rows: each value lies in another line of the
// processor's cache, and one line serves eight steps that come too late for it. So a few steps are laid out step by step first.
import type { Vector } from './vector.ts';

/** Steps that are laid out at a time: two cache lines of values. */
const TILE_STEPS = 16;

/** Some rows of a vector at a few neighbouring steps, step by step. */
export class StepTile {
  readonly #vector: Pick<Vector, 'steps' | 'vs' | 'has'>;
  readonly #rows: ArrayLike<number>;
  readonly #fullFrom: number;
  readonly #vs: Float64Array;
  readonly #has: Uint8Array;
  #from = 0;
  #to = 0;

  /**
   * Rows of the tile are `rows`, in that order; without them all rows of the vector. From step `fullFrom` on each has a float, and `has`
   * is not asked for.
   */
  constructor(vector: Vector, rows: ArrayLike<number> | null = null, fullFrom = vector.steps) {
    this.#vector = vector;
    this.#fullFrom = fullFrom;
    this.#rows = rows ?? Uint32Array.from(vector.labels, (_, row) => row);
    const cells = this.#rows.length * Math.min(TILE_STEPS, vector.steps);
    this.#vs = new Float64Array(cells);
    this.#has = new Uint8Array(fullFrom === 0 ? 0 : cells);
  }

  /** Values of the step row by row, from where `offset` says. */
  get vs(): Float64Array {
    return this.#vs;
  }

  /** Presence likewise. */
  get has(): Uint8Array {
    return this.#has;
  }

  /** Where the step begins in `vs` and `has`. Steps are asked for in rising order. */
  offset(step: number): number {
    if (step >= this.#to) this.#fill(step);
    return (step - this.#from) * this.#rows.length;
  }

  #fill(step: number): void {
    const { steps, vs, has } = this.#vector;
    const rows = this.#rows.length;
    this.#from = step;
    this.#to = Math.min(steps, step + TILE_STEPS);
    for (let row = 0; row < rows; row++) {
      const base = this.#rows[row] * steps;
      const end = base + this.#to;
      for (let at = base + step, to = row; at < end; at++, to += rows) this.#vs[to] = vs[at];
      if (step >= this.#fullFrom) continue;
      for (let at = base + step, to = row; at < end; at++, to += rows) this.#has[to] = has[at];
    }
  }
}
