// Bytes as the twin of the block kernel writes and reads them: varints, bit strings, packed numbers. Readers throw corrupt errors.

import { type TidemarkError, corruptError } from '../base/index.ts';

export const asUnsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
export const asSigned = (value: bigint): bigint => BigInt.asIntN(64, value);
export const zigzag = (value: bigint): bigint => asUnsigned((value << 1n) ^ (value >> 63n));
export const unzigzag = (value: bigint): bigint => asSigned((value >> 1n) ^ -(value & 1n));

const halves = new BigUint64Array(1);
const words = new Uint32Array(halves.buffer);

/** Bits needed for an unsigned number. */
export function bitWidth(value: bigint): number {
  halves[0] = value;
  return words[1] ? 64 - Math.clz32(words[1]) : 32 - Math.clz32(words[0]);
}

export const packedBytes = (count: number, width: number): number => Math.ceil((count * width) / 8);

export const corruptColumn = (fact: string): TidemarkError => corruptError(`cannot decode a column: ${fact}`);

/** Throws a corrupt error that tells `fact` unless `condition` holds. */
export function expect(condition: boolean, fact: string): asserts condition {
  if (!condition) throw corruptColumn(fact);
}

/** Bytes that grow at their end. */
export class ByteSink {
  #bytes = new Uint8Array(256);
  length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  u8(value: number): void {
    if (this.length === this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.length++] = value;
  }

  append(bytes: Iterable<number>): void {
    for (const byte of bytes) this.u8(byte);
  }

  u64(value: bigint): void {
    for (let shift = 0n; shift < 64n; shift += 8n) this.u8(Number((value >> shift) & 255n));
  }

  varint(value: bigint | number): void {
    let rest = BigInt(value);
    while (rest >= 128n) {
      this.u8(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    this.u8(Number(rest));
  }
}

/** Bits, least significant first, to whole bytes at last. */
class BitSink {
  readonly #sink: ByteSink;
  #byte = 0;
  #used = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  put(bits: bigint, width: number): void {
    let rest = bits;
    for (let left = width; left > 0; ) {
      const taken = Math.min(8 - this.#used, left);
      this.#byte |= Number(rest & BigInt((1 << taken) - 1)) << this.#used;
      rest >>= BigInt(taken);
      left -= taken;
      this.#used += taken;
      if (this.#used === 8) this.flush();
    }
  }

  flush(): void {
    if (this.#used > 0) this.#sink.u8(this.#byte);
    this.#byte = 0;
    this.#used = 0;
  }
}

/** Packs the low `width` bits of numbers. */
export function putPackedBits(sink: ByteSink, values: Iterable<bigint>, width: number): void {
  const bits = new BitSink(sink);
  const mask = (1n << BigInt(width)) - 1n;
  for (const value of values) bits.put(value & mask, width);
  bits.flush();
}

/** Reads bytes of a part of a column, never beyond its end. */
export class ByteSource {
  readonly bytes: Uint8Array;
  at = 0;
  readonly end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.length;
  }

  get isDone(): boolean {
    return this.at === this.end;
  }

  u8(): number {
    expect(this.at < this.end, 'it ends early');
    return this.bytes[this.at++];
  }

  take(length: number): Uint8Array {
    expect(length <= this.end - this.at, 'it ends early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u64(): bigint {
    const bytes = this.take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = this.u8();
      expect(shift < 63n || byte <= 1, 'a varint has more than 64 bits');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw corruptColumn('a varint has more than 64 bits');
  }
}

/** Reads bits, least significant first; `align` goes on to the next byte. */
class BitSource {
  readonly #source: ByteSource;
  #bit = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get(width: number): bigint {
    const { bytes, at, end } = this.#source;
    expect(at * 8 + this.#bit + width <= end * 8, 'its bits end early');
    let value = 0n;
    for (let got = 0; got < width; ) {
      const offset = this.#bit & 7;
      const taken = Math.min(8 - offset, width - got);
      const bits = (bytes[at + (this.#bit >> 3)] >> offset) & ((1 << taken) - 1);
      value |= BigInt(bits) << BigInt(got);
      got += taken;
      this.#bit += taken;
    }
    return value;
  }

  align(): void {
    this.#source.take((this.#bit + 7) >> 3);
    this.#bit = 0;
  }
}

/** Unpacks `count` numbers of `width` bits. */
export function getPackedBits(source: ByteSource, count: number, width: number): bigint[] {
  const bits = new BitSource(source);
  const values = Array.from({ length: count }, () => bits.get(width));
  bits.align();
  return values;
}
