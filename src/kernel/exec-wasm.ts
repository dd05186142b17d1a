// The exec kernel in WebAssembly behind the interface of exec-kernel.ts. Views are made anew whenever the memory has moved.

import { TidemarkError, invariant } from '../base/index.ts';
import {
  type Accumulator,
  type ExecKernel,
  FOLD_OPERATORS,
  type FoldOperator,
  RANGE_FUNCTIONS,
  type RangeFunction,
  type Steps,
} from './exec-kernel.ts';

/** What kernels/exec/index.ts exports. Addresses are byte offsets into `memory`; negative results are errors. */
interface ExecExports {
  readonly memory: WebAssembly.Memory;
  reserve(samples: number, steps: number): number;
  tsAddress(): number;
  vsAddress(): number;
  outAddress(): number;
  presentAddress(): number;
  range(
    fn: number,
    n: number,
    startMs: number,
    stepMs: number,
    steps: number,
    rangeMs: number,
    parameter: number,
    parameter2: number,
  ): number;
  instant(n: number, startMs: number, stepMs: number, steps: number, lookbackMs: number, timestamps: number): number;
  spread(steps: number): number;
  accumulatorCreate(op: number, groups: number, steps: number): number;
  accumulatorFree(address: number): void;
  accumulatorAdd(address: number, group: number): number;
  accumulatorMerge(address: number, group: number): number;
  accumulatorExport(address: number, group: number): number;
  accumulatorFinish(address: number, group: number): number;
  accumulatorStateLength(address: number): number;
  accumulatorStateRoom(address: number): number;
}

const functionNumbers = new Map<string, number>(RANGE_FUNCTIONS.map((name, i) => [name, i]));

/** A kernel with a memory of its own, from the module `loadKernel('exec')` gives. */
export function createExecWasm(module: WebAssembly.Module): ExecKernel {
  return new ExecWasm(module);
}

function outOfMemory(what: string, amount: unknown): TidemarkError {
  return new TidemarkError('kernel_memory', `cannot reserve ${what}: the kernel's memory is full; got ${amount}`);
}

const instantiate = (module: WebAssembly.Module): ExecExports =>
  new WebAssembly.Instance(module, {}).exports as unknown as ExecExports;

class ExecWasm implements ExecKernel {
  readonly #module: WebAssembly.Module;
  #exports: ExecExports;
  #samples = 0;
  #steps = 0;
  #buffer: ArrayBufferLike | null = null;
  #ts = new Float64Array(0);
  #vs = new Float64Array(0);
  #vsWords = new Uint32Array(0);
  #out = new Float64Array(0);
  #present = new Uint8Array(0);

  constructor(module: WebAssembly.Module) {
    this.#module = module;
    this.#exports = instantiate(module);
  }

  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  reset(): void {
    this.#exports = instantiate(this.#module);
    this.#buffer = null;
    this.#samples = 0;
    this.#steps = 0;
  }

  get ts(): Float64Array {
    this.#refresh();
    return this.#ts;
  }

  get vs(): Float64Array {
    this.#refresh();
    return this.#vs;
  }

  get vsWords(): Uint32Array {
    this.#refresh();
    return this.#vsWords;
  }

  get out(): Float64Array {
    this.#refresh();
    return this.#out;
  }

  get present(): Uint8Array {
    this.#refresh();
    return this.#present;
  }

  reserve(samples: number, steps: number): void {
    if (samples <= this.#samples && steps <= this.#steps) return;
    this.#buffer = null;
    if (this.#exports.reserve(samples, steps) < 0) {
      this.#samples = 0;
      throw outOfMemory('columns and steps', `${samples} samples and ${steps} steps`);
    }
    this.#samples = Math.max(this.#samples, samples);
    this.#steps = Math.max(this.#steps, steps);
  }

  range(fn: RangeFunction, n: number, at: Steps, rangeMs: number, parameter = 0, parameter2 = 0): number {
    const number = functionNumbers.get(fn);
    invariant(number !== undefined, 'no such range function', fn);
    const { startMs, stepMs, steps } = at;
    const found = this.#exports.range(number, n, startMs, stepMs, steps, rangeMs, parameter, parameter2);
    invariant(found >= 0, 'samples or steps beyond what is reserved', { fn, n, at });
    return found;
  }

  instant(n: number, at: Steps, lookbackMs: number, timestamps = false): number {
    const found = this.#exports.instant(n, at.startMs, at.stepMs, at.steps, lookbackMs, timestamps ? 1 : 0);
    invariant(found >= 0, 'samples or steps beyond what is reserved', { n, at });
    return found;
  }

  spread(steps: number): void {
    invariant(this.#exports.spread(steps) === 0, 'more steps than reserved', { steps });
  }

  accumulator(op: FoldOperator, groups: number, steps: number): Accumulator {
    this.reserve(0, steps);
    const address = this.#exports.accumulatorCreate(FOLD_OPERATORS.indexOf(op), groups, steps) >>> 0;
    if (address === 0) throw outOfMemory(`the groups of ${op}`, `${groups} groups of ${steps} steps`);
    return new WasmAccumulator(this.#exports, address, op, groups, steps);
  }

  #refresh(): void {
    const { memory } = this.#exports;
    if (this.#buffer === memory.buffer) return;
    const { buffer } = memory;
    const vs = this.#exports.vsAddress() >>> 0;
    this.#ts = new Float64Array(buffer, this.#exports.tsAddress() >>> 0, this.#samples);
    this.#vs = new Float64Array(buffer, vs, this.#samples);
    this.#vsWords = new Uint32Array(buffer, vs, 2 * this.#samples);
    this.#out = new Float64Array(buffer, this.#exports.outAddress() >>> 0, this.#steps);
    this.#present = new Uint8Array(buffer, this.#exports.presentAddress() >>> 0, this.#steps);
    this.#buffer = buffer;
  }
}

class WasmAccumulator implements Accumulator {
  readonly op: FoldOperator;
  readonly groups: number;
  readonly steps: number;
  readonly #exports: ExecExports;
  #address: number;

  constructor(exports: ExecExports, address: number, op: FoldOperator, groups: number, steps: number) {
    this.#exports = exports;
    this.#address = address;
    this.op = op;
    this.groups = groups;
    this.steps = steps;
  }

  get byteLength(): number {
    return this.#address === 0
      ? 0
      : 16 + this.groups * new DataView(this.#exports.memory.buffer).getUint32(this.#address + 12, true);
  }

  add(group: number): void {
    this.#done(this.#exports.accumulatorAdd(this.#live(), group), group);
  }

  merge(group: number, state: Float64Array): void {
    const room = this.#stateRoom();
    invariant(state.length === room.length, 'state of another shape', { op: this.op, steps: this.steps });
    room.set(state);
    this.#done(this.#exports.accumulatorMerge(this.#address, group), group);
  }

  get stateLength(): number {
    return this.#exports.accumulatorStateLength(this.#live());
  }

  exportState(group: number, into: Float64Array, at: number): void {
    const room = this.#stateRoom();
    this.#done(this.#exports.accumulatorExport(this.#address, group), group);
    into.set(room, at);
  }

  finish(group: number): void {
    this.#done(this.#exports.accumulatorFinish(this.#live(), group), group);
  }

  free(): void {
    if (this.#address !== 0) this.#exports.accumulatorFree(this.#address);
    this.#address = 0;
  }

  #live(): number {
    invariant(this.#address !== 0, 'accumulator used after free');
    return this.#address;
  }

  #stateRoom(): Float64Array {
    const address = this.#exports.accumulatorStateRoom(this.#live()) >>> 0;
    const length = this.#exports.accumulatorStateLength(this.#address);
    if (address === 0 && length > 0) throw outOfMemory('a state', `${length} numbers`);
    return new Float64Array(this.#exports.memory.buffer, address, length);
  }

  #done(result: number, group: number): void {
    invariant(result === 0, 'no such group', { group });
  }
}
