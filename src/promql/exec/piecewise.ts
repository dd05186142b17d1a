// Long columns are evaluated in pieces of steps, so that the kernel needs room for a piece alone: a column of 90 days at 15 s has 8 MB,
// and the kernel's room for it 27 MB. Neighbouring pieces read the samples of a window twice.
import type { ExecKernel, Steps } from '../../kernel/index.ts';
import type { LeafPlan } from '../leaf.ts';

/**
 * Samples of a piece. Columns of 290,000 samples that change, processor time per sample of rate and max_over_time: whole 3.2-3.6 and 2.7 ns,
 * pieces of 65,536 the same. With columns of 57,000, whole 3.2 and 2.5 ns, pieces of 16,384 3.7 and 2.7, of 4,096 4.3 and 3.5.
 */
export const PIECE_SAMPLES = 65_536;
/** A piece is at least so many windows long, so that little is read twice. */
const WINDOWS_MIN = 8;

/** Steps of one piece, and the times of the samples that their windows see. */
export interface Piece {
  readonly at: Steps;
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * The pieces of a leaf whose column has at most `samplesMax` samples in [minMs, maxMs]; null if it is better evaluated whole. Pieces
 * have `pieceSamples` samples where these lie evenly.
 */
export function piecesOf(
  plan: LeafPlan,
  samplesMax: number,
  minMs: number,
  maxMs: number,
  pieceSamples: number,
): Piece[] | null {
  const { kind, startMs, stepMs, steps, windowMs, extension, parameters, evalOffsetStepMs } = plan;
  if (kind === 'instant' && plan.starts) return null;
  if (samplesMax < 2 * pieceSamples || kind === 'samples' || extension !== null) return null;
  if (parameters.some(({ length }) => length > 1) || evalOffsetStepMs !== 0) return null;
  if (!Number.isInteger(startMs) || !Number.isInteger(stepMs)) return null;
  const pieceMs = (maxMs - minMs) * (pieceSamples / samplesMax);
  const stepsPerPiece = Math.floor((pieceMs - windowMs) / stepMs) + 1;
  if (pieceMs < windowMs * WINDOWS_MIN || stepsPerPiece < 2 || stepsPerPiece >= steps) return null;
  const pieces: Piece[] = [];
  for (let first = 0; first < steps; first += stepsPerPiece) {
    const at = { startMs: startMs + first * stepMs, stepMs, steps: Math.min(stepsPerPiece, steps - first) };
    pieces.push({ at, minMs: at.startMs - windowMs + 1, maxMs: at.startMs + (at.steps - 1) * stepMs });
  }
  return pieces;
}

/** A step vector that is put together from those of pieces. */
export class PieceVector {
  readonly #values: Float64Array;
  readonly #present: Uint8Array;
  #length = 0;

  constructor(steps: number) {
    this.#values = new Float64Array(steps);
    this.#present = new Uint8Array(steps);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Appends the kernel's first `steps`. */
  take({ out, present }: ExecKernel, steps: number): void {
    this.#values.set(out.subarray(0, steps), this.#length);
    this.#present.set(present.subarray(0, steps), this.#length);
    this.#length += steps;
  }

  /** Appends steps without a value. */
  skip(steps: number): void {
    this.#present.fill(0, this.#length, this.#length + steps);
    this.#length += steps;
  }

  /** Makes it the kernel's step vector. */
  give({ out, present }: ExecKernel): void {
    out.set(this.#values);
    present.set(this.#present);
  }
}

/** How many of the ascending times ts[0..n) are at most `ms`. */
export function countUpTo(ts: Float64Array, n: number, ms: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ts[middle] <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
