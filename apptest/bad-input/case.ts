// A malformed input and what must come of it. The tables beside this file list them; apptest/bad-input.test.ts sends them.
import type { Request } from '../client.ts';

export interface BadCase {
  readonly name: string;
  readonly request: Request;
  /** Allowed statuses. */
  readonly statuses: readonly number[];
  /** What the answer must say. */
  readonly message: RegExp;
  /** For addresses whose connection may be cut instead: a limit was passed while the request was being sent. */
  readonly mayCut?: boolean;
}

/** A generator of numbers in [0, 1) that gives the same ones every time. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
