// Growing blocks of results: dense step vectors row by row, or raw samples series by series. Growth is reported before it
// happens, so that a budget can refuse it.

import { type NativeHistogram, histogramBytes } from '../../model/index.ts';
import { type PackedHistograms, packHistograms } from '../leaf.ts';

/** Told of bytes that are about to be held (negative: given back). Throws to refuse. */
export type HoldBytes = (bytes: number) => void;

/** Gives the memory of an array back at once: large ones would pile up until the garbage collector comes by. */
export function freeArray(array: ArrayBufferView): void {
  const buffer = array.buffer as ArrayBuffer;
  if (!buffer.detached) buffer.transfer(0);
}

/** The array's beginning, in memory of just that size. */
const cutFloats = (array: Float64Array, length: number): Float64Array<ArrayBuffer> =>
  new Float64Array((array.buffer as ArrayBuffer).transfer(length * 8));

/** Histograms at places of a block. */
class HistogramPlaces {
  readonly #places: (readonly [number, NativeHistogram])[] = [];
  #last: NativeHistogram | null = null;

  add(at: number, h: NativeHistogram, hold: HoldBytes): void {
    hold(16 + (h === this.#last ? 0 : histogramBytes(h)));
    this.#last = h;
    this.#places.push([at, h]);
  }

  pack(): PackedHistograms | null {
    return packHistograms(this.#places);
  }
}

/** What is allocated at first, unless so many rows are not to be had. */
const FIRST_BYTES = 1 << 20;
/**
 * Up to here a block doubles. Then it becomes as large as this: pages that nobody has touched are no memory, and nothing is copied. With
 * doubling up to 16 MiB, shards under bench/isolation.ts took a fifth longer, and twice as many of their slices were too long.
 */
const DOUBLED_BYTES = 2 << 20;
const LARGE_BYTES = 256 << 20;
/** Blocks beyond this are not copied into memory of their size when they are finished. */
const CUT_BYTES = 16 << 20;

/** Rows of step vectors: values and presence. What is counted as held are rows in use, some ahead. */
export class RowBlock {
  readonly #steps: number;
  readonly #rowsMax: number;
  readonly #hold: HoldBytes;
  #values: Float64Array;
  #present: Uint8Array;
  #rows = 0;
  #capacity = 0;
  /** Rows that are counted. */
  #held = 0;
  #histograms: HistogramPlaces | null = null;
  /** Present values in all rows. */
  points = 0;

  constructor(steps: number, rowsMax: number, hold: HoldBytes) {
    this.#steps = steps;
    this.#rowsMax = rowsMax;
    this.#hold = hold;
    this.#values = new Float64Array(0);
    this.#present = new Uint8Array(0);
  }

  get rows(): number {
    return this.#rows;
  }

  #grow(): void {
    const rowBytes = this.#steps * 9;
    const few = Math.max(16, Math.floor(FIRST_BYTES / rowBytes));
    const held = Math.min(this.#rowsMax, this.#held + Math.max(few, this.#held >> 3));
    this.#hold((held - this.#held) * rowBytes);
    this.#held = held;
    if (held <= this.#capacity) return;
    const doubled = Math.max(few, this.#capacity * 2);
    const wanted =
      doubled * rowBytes <= DOUBLED_BYTES ? doubled : Math.max(doubled, Math.floor(LARGE_BYTES / rowBytes));
    const capacity = Math.min(this.#rowsMax, wanted);
    const copyBytes = this.#rows * rowBytes;
    this.#hold(copyBytes);
    const values = new Float64Array(capacity * this.#steps);
    const present = new Uint8Array(capacity * this.#steps);
    values.set(this.#values);
    present.set(this.#present);
    this.free();
    this.#values = values;
    this.#present = present;
    this.#capacity = capacity;
    this.#hold(-copyBytes);
  }

  /** Appends the first `steps` entries; `points` of them are present, which is for who wants to know. */
  add(values: Float64Array, present: Uint8Array, points = 0): void {
    if (this.#rows === this.#held) this.#grow();
    const steps = this.#steps;
    const at = this.#rows++ * steps;
    if (steps === 1) {
      this.#values[at] = values[0];
      this.#present[at] = present[0];
    } else {
      this.#values.set(values.subarray(0, steps), at);
      this.#present.set(present.subarray(0, steps), at);
    }
    this.points += points;
  }

  /** Histograms of the row that was added last. */
  addHistograms(row: readonly (NativeHistogram | null)[]): void {
    this.#histograms ??= new HistogramPlaces();
    const at = (this.#rows - 1) * this.#steps;
    for (let i = 0; i < this.#steps; i++) {
      const h = row[i];
      if (h !== null && this.#present[at + i] === 2) this.#histograms.add(at + i, h, this.#hold);
    }
  }

  finish(): { values: Float64Array; present: Uint8Array; histograms: PackedHistograms | null } {
    const length = this.#rows * this.#steps;
    const histograms = this.#histograms?.pack() ?? null;
    const [values, present] = [this.#values, this.#present];
    [this.#values, this.#present] = [new Float64Array(0), new Uint8Array(0)];
    if (this.#rows === this.#capacity) return { values, present, histograms };
    if (length * 9 > CUT_BYTES) {
      return { values: values.subarray(0, length), present: present.subarray(0, length), histograms };
    }
    const cut = new Uint8Array((present.buffer as ArrayBuffer).transfer(length));
    return { values: cutFloats(values, length), present: cut, histograms };
  }

  /** Where the block is not finished. */
  free(): void {
    freeArray(this.#values);
    freeArray(this.#present);
  }
}

const NOT_A_NUMBER = Float64Array.of(NaN);

/** Raw samples of series after series. */
export class SampleBlock {
  readonly #hold: HoldBytes;
  #ts = new Float64Array(0);
  #vs = new Float64Array(0);
  readonly #ends: number[] = [];
  #histograms: HistogramPlaces | null = null;
  length = 0;

  constructor(hold: HoldBytes) {
    this.#hold = hold;
  }

  #grow(least: number): void {
    const capacity = Math.max(256, this.#ts.length * 2, least);
    const before = this.#ts.length;
    this.#hold(capacity * 16);
    const ts = new Float64Array(capacity);
    const vs = new Float64Array(capacity);
    ts.set(this.#ts);
    vs.set(this.#vs);
    this.free();
    this.#ts = ts;
    this.#vs = vs;
    this.#hold(-before * 16);
  }

  /** Appends a sample; the value is entry `index` of `vs`. */
  add(timeMs: number, vs: Float64Array, index: number): void {
    if (this.length === this.#ts.length) this.#grow(this.length + 1);
    this.#ts[this.length] = timeMs;
    this.#vs[this.length++] = vs[index];
  }

  /** Appends samples [from, to) of a column bit for bit: stale markers stay what they are. */
  addColumn(ts: Float64Array, vs: Float64Array, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.#ts.length) this.#grow(length);
    this.#ts.set(ts.subarray(from, to), this.length);
    this.#vs.set(vs.subarray(from, to), this.length);
    this.length = length;
  }

  /** Appends a native histogram. */
  addHistogram(timeMs: number, h: NativeHistogram): void {
    this.#histograms ??= new HistogramPlaces();
    this.#histograms.add(this.length, h, this.#hold);
    this.add(timeMs, NOT_A_NUMBER, 0);
  }

  endSeries(): void {
    this.#ends.push(this.length);
  }

  finish(): { ends: Uint32Array; ts: Float64Array; vs: Float64Array; histograms: PackedHistograms | null } {
    return {
      histograms: this.#histograms?.pack() ?? null,
      ends: Uint32Array.from(this.#ends),
      ts: cutFloats(this.#ts, this.length),
      vs: cutFloats(this.#vs, this.length),
    };
  }

  /** Where the block is not finished. */
  free(): void {
    freeArray(this.#ts);
    freeArray(this.#vs);
  }
}
