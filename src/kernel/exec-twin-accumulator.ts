// Group accumulators of the twin: what exec-twin-fold.ts says about one value, for groups x steps.

import { invariant } from '../base/index.ts';
import type { Accumulator, ExecKernel, FoldOperator } from './exec-kernel.ts';
import { FOLDS, type Fold, type Planes, stateLength } from './exec-twin-fold.ts';

export class TwinAccumulator implements Accumulator {
  readonly op: FoldOperator;
  readonly groups: number;
  readonly steps: number;
  readonly #fold: Fold;
  readonly #kernel: ExecKernel;
  #freed = false;
  #seen: Uint8Array;
  #planes: Planes;

  constructor(kernel: ExecKernel, op: FoldOperator, groups: number, steps: number) {
    this.#kernel = kernel;
    this.op = op;
    this.groups = groups;
    this.steps = steps;
    this.#fold = FOLDS[op];
    this.#seen = new Uint8Array(groups * steps);
    this.#planes = Array.from({ length: this.#fold.planes }, () => new Float64Array(groups * steps));
  }

  get byteLength(): number {
    return this.#seen.byteLength + this.#planes.reduce((bytes, plane) => bytes + plane.byteLength, 0);
  }

  add(group: number): void {
    const at = this.#at(group);
    const { out, present } = this.#kernel;
    for (let i = 0; i < this.steps; i++) {
      if (present[i] === 0) continue;
      if (this.#seen[at + i] === 0) this.#fold.first(this.#planes, at + i, out[i]);
      else this.#fold.next(this.#planes, at + i, out[i]);
      this.#seen[at + i] = 1;
    }
  }

  merge(group: number, state: Float64Array): void {
    const at = this.#at(group);
    const { steps } = this;
    const { planes, counted } = this.#fold;
    invariant(state.length === stateLength(this.#fold, steps), 'state of another shape', { op: this.op, steps });
    const bits = state.subarray(planes === 0 ? 0 : state.length - planes * steps);
    const from = Array.from({ length: planes }, (_, p) => bits.subarray(p * steps, (p + 1) * steps));
    for (let i = 0; i < steps; i++) {
      const there = counted ? from[0][i] !== 0 : ((state[i >>> 5] >>> (i & 31)) & 1) === 1;
      if (!there) continue;
      if (this.#seen[at + i] === 0) for (let p = 0; p < planes; p++) this.#planes[p][at + i] = from[p][i];
      else this.#fold.merge(this.#planes, at + i, from, i);
      this.#seen[at + i] = 1;
    }
  }

  get stateLength(): number {
    return stateLength(this.#fold, this.steps);
  }

  exportState(group: number, into: Float64Array, to: number): void {
    const at = this.#at(group);
    const { steps } = this;
    const state = into.subarray(to, to + this.stateLength).fill(0);
    if (!this.#fold.counted) {
      const words = new Uint32Array(Math.ceil(steps / 32));
      for (let i = 0; i < steps; i++) words[i >>> 5] |= this.#seen[at + i] << (i & 31);
      state.set(words);
    }
    const { planes } = this.#fold;
    for (let p = 0; p < planes; p++) {
      state.set(this.#planes[p].subarray(at, at + steps), state.length - (planes - p) * steps);
    }
  }

  finish(group: number): void {
    const at = this.#at(group);
    const { out, present } = this.#kernel;
    for (let i = 0; i < this.steps; i++) {
      present[i] = this.#seen[at + i];
      if (present[i] === 1) out[i] = this.#fold.result(this.#planes, at + i);
    }
  }

  free(): void {
    this.#freed = true;
    this.#seen = new Uint8Array(0);
    this.#planes = [];
  }

  #at(group: number): number {
    invariant(!this.#freed, 'accumulator used after free');
    invariant(group >= 0 && group < this.groups, 'no such group', { group });
    return group * this.steps;
  }
}
