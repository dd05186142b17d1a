// The head of a shard: applies batches, finds symbols and labels, reads series. State is only in the kernel's memory, so that a copy
// of it is an image; what this class keeps besides are caches of strings.
import { invariant, utf8, utf8Text } from '../base/index.ts';
import type { LogPosition } from '../io/index.ts';
import { Labels } from '../model/index.ts';
import { HeadMemory, SCRATCH } from './head-memory.ts';

export const NO_SYMBOL = 0xffffffff;

/** Codes of kernels/head/apply.ts. */
const applyErrors: Record<number, string> = {
  [-1]: 'it is cut off',
  [-2]: 'its version is not known',
  [-3]: 'it has a section that is not known',
  [-4]: 'its numbering does not continue the segment',
  [-5]: 'it refers to what the segment does not define',
  [-6]: 'a section has bytes left over',
  [-7]: 'the series directory is full',
  [-8]: 'a time is out of range',
};

/** The newest samples of one shard: state in the linear memory of a kernel, with a view of it in objects. */
export class Head {
  readonly memory: HeadMemory;
  /** Texts of symbols, by number. Bounded by the symbols there are. */
  readonly #texts: (string | undefined)[] = [];

  constructor(module: WebAssembly.Module) {
    this.memory = new HeadMemory(module);
  }

  /** A new segment of the log begins. */
  beginSegment(): void {
    this.memory.kernel.beginSegment();
  }

  /** Applies one record of the log. `next` is the position after it. */
  apply(payload: Uint8Array, next: LogPosition): void {
    this.memory.toScratch(payload);
    const code = this.memory.kernel.applyBatch(payload.length);
    invariant(code === 0, `cannot apply batch: ${applyErrors[code] ?? code}`, next);
    this.memory.setPosition(next.segment, next.offset);
  }

  /** The text of a symbol. */
  text(symbol: number): string {
    const cached = this.#texts[symbol];
    if (cached !== undefined) return cached;
    const { kernel, bytes } = this.memory;
    const at = kernel.symbolBytes(symbol) >>> 0;
    const text = utf8Text(bytes.subarray(at, at + kernel.symbolLength(symbol)));
    this.#texts[symbol] = text;
    return text;
  }

  /** The symbol of a text, or NO_SYMBOL. */
  symbol(text: string): number {
    const bytes = utf8(text);
    this.memory.toScratch(bytes);
    return this.memory.kernel.findSymbol(SCRATCH, bytes.length) >>> 0;
  }

  /** Symbols of a series' labels: name, value, name, value, ... in the order of names. */
  labelSymbols(series: number): number[] {
    const { bytes, kernel } = this.memory;
    let at = kernel.labelsAddress(series) >>> 0;
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    varint(); // the tenant
    const symbols: number[] = [];
    for (let left = 2 * varint(); left > 0; left--) symbols.push(varint());
    return symbols;
  }

  labels(series: number): Labels {
    return Labels.fromSortedPairs(this.labelSymbols(series).map((symbol) => this.text(symbol)));
  }

  /** Back to empty, memory and all: for tests that need many heads, since each instance reserves address space. */
  reset(): void {
    this.memory.reset();
    this.#texts.length = 0;
  }
}
