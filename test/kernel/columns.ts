// Seeded random columns for the tests of the exec kernels: everything that has ever made a difference between two
// implementations of the same formula.

import { setStaleAt } from '../../src/model/index.ts';
import type { Accumulator, ExecKernel } from '../../src/kernel/index.ts';

/** A small seeded generator of numbers in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface Column {
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  readonly vsWords: Uint32Array;
}

type Next = (before: number, random: () => number) => number;

const values: Record<string, Next> = {
  counter: (v, r) => (r() < 0.05 ? Math.floor(r() * 5) : Math.max(v, 0) + Math.floor(r() * 100)),
  counterWithoutReset: (v, r) => Math.abs(v) + r() * 10,
  gauge: (_, r) => (r() - 0.5) * 100,
  decimals: (_, r) => Math.round((r() - 0.5) * 1000) / 100,
  wholeNumbers: (_, r) => Math.floor((r() - 0.5) * 20),
  constant: (v) => v,
  huge: (_, r) => (r() * 2 - 1) * 1.7e308,
  tiny: (_, r) => (r() - 0.5) * 1e-310,
  mixedMagnitudes: (_, r) => (r() - 0.5) * 10 ** Math.floor(r() * 40 - 20),
  zeros: (_, r) => (r() < 0.5 ? 0 : -0),
  fewValues: (_, r) => [1, 2, -0, 0, 2][Math.floor(r() * 5)],
  nans: () => NaN,
};

const specials = [NaN, Infinity, -Infinity, 0, -0, Number.MAX_VALUE, Number.MIN_VALUE];

/** A column of at most `samplesMax` samples between 0 and a few hours, with holes, repeats and stale markers. */
export function randomColumn(random: () => number, samplesMax: number): Column {
  const n = Math.floor(random() * (samplesMax + 1));
  const vs = new Float64Array(n);
  const column: Column = { ts: new Float64Array(n), vs, vsWords: new Uint32Array(vs.buffer) };
  const intervalMs = [1, 1000, 15_000, 60_000][Math.floor(random() * 4)];
  const jitterMs = random() < 0.5 ? 0 : intervalMs / 2;
  const gaps = random() < 0.3 ? 0.05 : 0;
  const repeats = random() < 0.1 ? 0.1 : 0;
  const special = random() < 0.3 ? 0.1 : 0;
  const stale = random() < 0.3 ? 0.1 : 0;
  const kinds = Object.values(values);
  const next = kinds[Math.floor(random() * kinds.length)];
  let t = Math.floor(random() * 100_000);
  let v = next(Math.floor(random() * 1000), random);
  for (let i = 0; i < n; i++) {
    column.ts[i] = t;
    vs[i] = random() < special ? specials[Math.floor(random() * specials.length)] : v;
    if (random() < stale) setStaleAt(column.vsWords, i);
    v = next(v, random);
    if (random() >= repeats) t += Math.floor(intervalMs + random() * jitterMs);
    if (random() < gaps) t += Math.floor(random() * 20 * intervalMs);
  }
  return column;
}

/** Copies a column into a kernel, raw bits included. */
export function load(kernel: ExecKernel, column: Column): number {
  kernel.ts.set(column.ts);
  kernel.vsWords.set(column.vsWords);
  return column.ts.length;
}

/** The state of a group, in memory of its own. */
export function stateOf(accumulator: Accumulator, group: number): Float64Array {
  const state = new Float64Array(accumulator.stateLength);
  accumulator.exportState(group, state, 0);
  return state;
}
