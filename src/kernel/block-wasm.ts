// The block kernel in WebAssembly behind the interface of block-kernel.ts. Views are made anew whenever the memory has moved.

import { TidemarkError, corruptError, invariant } from '../base/index.ts';
import type { BlockKernel } from './block-kernel.ts';

/** What kernels/block/index.ts exports. */
interface BlockExports {
  readonly memory: WebAssembly.Memory;
  reserve(samples: number): number;
  reserveBytes(length: number): number;
  tsAddress(): number;
  vsAddress(): number;
  bytesAt(): number;
  encodeTimes(count: number): number;
  encodeValues(count: number): number;
  decodeTimes(length: number, from: number, to: number): number;
  decodeValues(length: number, from: number, to: number): number;
  countSamples(length: number): number;
  lowerBound(length: number, ms: number): number;
}

/** What a kernel has room for at first. */
const SAMPLES_MIN = 2048;

/** A kernel with a memory of its own, from the module `loadKernel('block')` gives. */
export function createBlockWasm(module: WebAssembly.Module): BlockKernel {
  return new BlockWasm(new WebAssembly.Instance(module, {}).exports as unknown as BlockExports);
}

class BlockWasm implements BlockKernel {
  readonly #exports: BlockExports;
  #samples = 0;
  #buffer: ArrayBufferLike | null = null;
  #bytesAt = 0;
  #bytes = new Uint8Array(0);
  #ts = new Float64Array(0);
  #vs = new Float64Array(0);
  #vsWords = new Uint32Array(0);

  constructor(exports: BlockExports) {
    this.#exports = exports;
    this.reserve(SAMPLES_MIN);
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

  reserve(samples: number): void {
    if (samples <= this.#samples) return;
    if (this.#exports.reserve(samples) < 0) throw full('columns', `${samples} samples`);
    this.#samples = samples;
    this.#buffer = null;
  }

  encodeTimes(count: number): Uint8Array {
    invariant(count <= this.#samples, 'times beyond what is reserved', count);
    return this.#encoded(this.#exports.encodeTimes(count));
  }

  encodeValues(count: number): Uint8Array {
    invariant(count <= this.#samples, 'values beyond what is reserved', count);
    return this.#encoded(this.#exports.encodeValues(count));
  }

  decodeTimes(bytes: Uint8Array, from: number, to: number): void {
    this.#checkRange(from, to);
    this.#take(bytes);
    check(this.#exports.decodeTimes(bytes.length, from, to), 'times', bytes);
  }

  decodeValues(bytes: Uint8Array, from: number, to: number): void {
    this.#checkRange(from, to);
    this.#take(bytes);
    check(this.#exports.decodeValues(bytes.length, from, to), 'values', bytes);
  }

  count(bytes: Uint8Array): number {
    this.#take(bytes);
    return check(this.#exports.countSamples(bytes.length), 'samples', bytes);
  }

  lowerBound(bytes: Uint8Array, ms: number): number {
    this.#take(bytes);
    return check(this.#exports.lowerBound(bytes.length, ms), 'times', bytes);
  }

  #checkRange(from: number, to: number): void {
    invariant(from >= 0 && from <= to && to - from <= this.#samples, 'no such range in what is reserved', { from, to });
  }

  #encoded(length: number): Uint8Array {
    this.#refresh();
    return this.#bytes.subarray(0, length);
  }

  /** Puts bytes where the kernel decodes; they may be the kernel's own. */
  #take(bytes: Uint8Array): void {
    this.#refresh();
    if (bytes.length > this.#bytes.length) {
      if (this.#exports.reserveBytes(bytes.length) < 0) throw full('a column', `${bytes.length} bytes`);
      this.#refresh();
    }
    this.#bytes.set(bytes);
  }

  #refresh(): void {
    const { buffer } = this.#exports.memory;
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#bytesAt = this.#exports.bytesAt();
    this.#bytes = new Uint8Array(buffer, this.#bytesAt, buffer.byteLength - this.#bytesAt - SLACK_BYTES);
    this.#ts = new Float64Array(buffer, this.#exports.tsAddress(), this.#samples);
    this.#vs = new Float64Array(buffer, this.#exports.vsAddress(), this.#samples);
    this.#vsWords = new Uint32Array(buffer, this.#exports.vsAddress(), this.#samples * 2);
  }
}

/** As SLACK in kernels/block/memory.ts: decoding may read so far behind the bytes. */
const SLACK_BYTES = 16_448;

function full(what: string, amount: string): TidemarkError {
  return new TidemarkError('kernel_memory', `cannot reserve ${what}: the kernel's memory is full; got ${amount}`);
}

function check(result: number, what: string, bytes: Uint8Array): number {
  if (result < 0) throw corruptError(`cannot decode ${what} of a column: it is malformed; got ${bytes.length} bytes`);
  return result;
}
