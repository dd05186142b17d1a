// Columns of small numbers: LEB128, one after another. The reader checks every bound and throws corrupt errors.
import { corruptError } from '../../base/index.ts';

const cutOff = (offset: number): Error => corruptError(`cannot read number at offset ${offset}: the input ends there`);

/** Signed 32-bit to unsigned, small magnitudes first. */
export const zigzag32 = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0;

const unzigzag32 = (value: number): number => (value >>> 1) ^ -(value & 1);

/** Reads columns of 32-bit numbers. */
export class VarintReader {
  readonly bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  u32(): number {
    const { bytes } = this;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.offset >= bytes.length) throw cutOff(this.offset);
      const byte = bytes[this.offset++];
      if (shift === 28 && byte > 15) break;
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw corruptError(`cannot read number at offset ${this.offset}: it does not fit 32 bits`);
  }

  /** `count` numbers. */
  column(count: number): Uint32Array {
    this.#check(count);
    const out = new Uint32Array(count);
    const { bytes } = this;
    let at = this.offset;
    for (let i = 0; i < count; i++) {
      // Past the end is undefined, and takes the slow way to the error.
      const byte = bytes[at];
      if (byte < 128) {
        out[i] = byte;
        at++;
        continue;
      }
      const second = bytes[at + 1];
      if (second < 128) {
        out[i] = (byte & 127) | (second << 7);
        at += 2;
        continue;
      }
      this.offset = at;
      out[i] = this.u32();
      at = this.offset;
    }
    this.offset = at;
    return out;
  }

  /** `count` numbers stored as zigzag differences, the first from `from`. */
  deltas(count: number, from = 0): Uint32Array {
    const out = this.column(count);
    let value = from;
    for (let i = 0; i < count; i++) {
      value = (value + unzigzag32(out[i])) >>> 0;
      out[i] = value;
    }
    return out;
  }

  take(count: number): Uint8Array {
    if (count < 0 || count > this.remaining) throw cutOff(this.bytes.length);
    const at = this.offset;
    this.offset += count;
    return this.bytes.subarray(at, this.offset);
  }

  /** Refuses trailing bytes. */
  end(): void {
    if (this.remaining > 0) throw corruptError(`cannot decode input: ${this.remaining} bytes follow its end`);
  }

  /** Every number takes a byte at least: a damaged count must not allocate more than that. */
  #check(count: number): void {
    if (count > this.remaining) throw cutOff(this.bytes.length);
  }
}

/** Appends columns of 32-bit numbers. */
export class VarintWriter {
  #bytes: Uint8Array;
  length = 0;

  constructor(capacityBytes = 1024) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  #reserve(count: number): void {
    if (this.length + count <= this.#bytes.length) return;
    const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count));
    bigger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = bigger;
  }

  u32(value: number): void {
    this.#reserve(5);
    const bytes = this.#bytes;
    let left = value;
    while (left >= 128 || left < 0) {
      bytes[this.length++] = (left & 127) | 128;
      left >>>= 7;
    }
    bytes[this.length++] = left;
  }

  column(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) this.u32(values[i]);
  }

  /** Zigzag differences, the first from `from`. */
  deltas(values: ArrayLike<number>, from = 0): void {
    let before = from;
    for (let i = 0; i < values.length; i++) {
      this.u32(zigzag32((values[i] - before) | 0));
      before = values[i];
    }
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.length);
    this.#bytes.set(source, this.length);
    this.length += source.length;
  }

  /** A view, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
