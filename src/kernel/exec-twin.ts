// The twin of kernels/exec: the same numbers in plain TypeScript. It is the specification (tests compare the kernel with it
// bit by bit) and runs where WebAssembly modules are not at hand.

import { invariant } from '../base/index.ts';
import { isStaleAt } from '../model/index.ts';
import type { Accumulator, ExecKernel, FoldOperator, RangeFunction, Steps } from './exec-kernel.ts';
import { TwinAccumulator } from './exec-twin-accumulator.ts';
import { WINDOW_FUNCTIONS, type Window, markRule } from './exec-twin-window.ts';

/** A kernel in plain TypeScript. */
export function createExecTwin(): ExecKernel {
  return new ExecTwin();
}

class ExecTwin implements ExecKernel {
  ts = new Float64Array(0);
  vs = new Float64Array(0);
  vsWords = new Uint32Array(0);
  out = new Float64Array(0);
  present = new Uint8Array(0);

  // The column without stale markers, and what is derived from it.
  #ts = new Float64Array(0);
  #vs = new Float64Array(0);
  #marks = new Uint32Array(0);
  #scratch = new Float64Array(0);

  reserve(samples: number, steps: number): void {
    if (samples > this.ts.length) {
      const capacity = Math.max(samples, 1024, 2 * this.ts.length);
      this.ts = new Float64Array(capacity);
      this.vs = new Float64Array(capacity);
      this.vsWords = new Uint32Array(this.vs.buffer);
      this.#ts = new Float64Array(capacity);
      this.#vs = new Float64Array(capacity);
      this.#marks = new Uint32Array(capacity);
      this.#scratch = new Float64Array(capacity);
    }
    if (steps > this.out.length) {
      const capacity = Math.max(steps, 256, 2 * this.out.length);
      const { out, present } = this;
      this.out = new Float64Array(capacity);
      this.present = new Uint8Array(capacity);
      this.out.set(out);
      this.present.set(present);
    }
  }

  range(fn: RangeFunction, n: number, at: Steps, rangeMs: number, parameter = 0, parameter2 = 0): number {
    this.#check(n, at);
    const kept = this.#dropStale(n);
    this.#mark(fn, kept);
    const evaluate = WINDOW_FUNCTIONS[fn];
    const w: Window = {
      ts: this.#ts,
      vs: this.#vs,
      from: 0,
      to: 0,
      endMs: 0,
      rangeMs,
      parameter,
      parameter2,
      marks: this.#marks,
      scratch: this.#scratch,
      value: 0,
    };
    let found = 0;
    for (let i = 0; i < at.steps; i++) {
      w.endMs = at.startMs + i * at.stepMs;
      while (w.to < kept && w.ts[w.to] <= w.endMs) w.to++;
      while (w.from < w.to && w.ts[w.from] <= w.endMs - rangeMs) w.from++;
      const has = w.from < w.to && evaluate(w);
      this.present[i] = has ? 1 : 0;
      if (!has) continue;
      this.out[i] = w.value;
      found++;
    }
    return found;
  }

  instant(n: number, at: Steps, lookbackMs: number, timestamps = false): number {
    this.#check(n, at);
    let found = 0;
    for (let i = 0, next = 0; i < at.steps; i++) {
      const t = at.startMs + i * at.stepMs;
      while (next < n && this.ts[next] <= t) next++;
      const newest = next - 1;
      const has = newest >= 0 && this.ts[newest] > t - lookbackMs && !isStaleAt(this.vsWords, newest);
      this.present[i] = has ? 1 : 0;
      if (!has) continue;
      this.out[i] = timestamps ? this.ts[newest] / 1000 : this.vs[newest];
      found++;
    }
    return found;
  }

  spread(steps: number): void {
    invariant(steps >= 1 && steps <= this.out.length, 'more steps than reserved', { steps });
    this.out.fill(this.out[0], 1, steps);
    this.present.fill(this.present[0], 1, steps);
  }

  /** What it has is the collector's. */
  readonly memoryBytes = 0;

  reset(): void {}

  accumulator(op: FoldOperator, groups: number, steps: number): Accumulator {
    this.reserve(0, steps);
    return new TwinAccumulator(this, op, groups, steps);
  }

  #check(n: number, at: Steps): void {
    invariant(n >= 0 && n <= this.ts.length, 'more samples than reserved', { n });
    invariant(at.steps >= 0 && at.steps <= this.out.length, 'more steps than reserved', at);
    invariant(at.stepMs >= 0, 'steps go backwards', at);
  }

  /** Copies the samples that are not stale markers; returns how many. */
  #dropStale(n: number): number {
    let kept = 0;
    for (let i = 0; i < n; i++) {
      if (isStaleAt(this.vsWords, i)) continue;
      this.#ts[kept] = this.ts[i];
      this.#vs[kept++] = this.vs[i];
    }
    return kept;
  }

  /** Running count of changes or resets up to each sample, so that a window's is a difference. */
  #mark(fn: RangeFunction, n: number): void {
    const isMark = markRule(fn);
    if (isMark === null || n === 0) return;
    this.#marks[0] = 0;
    for (let i = 1; i < n; i++) {
      this.#marks[i] = this.#marks[i - 1] + (isMark(this.#vs[i - 1], this.#vs[i]) ? 1 : 0);
    }
  }
}
