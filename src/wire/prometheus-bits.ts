// Reading of what Go's encoders of Prometheus' TSDB write: a stream of bits from the highest bit of each byte down, variable bit
// widths of integers, and floats as the XOR of neighbours. Cold paths: a chunk is decoded once, when it is imported.
//
//   varbit_int   0                          0
//                10       +  3 bits         -3 ... 4
//                110      +  6 bits         -31 ... 32
//                1110     +  9 bits         and so on: 12, 18, 25, 56 bits behind one more 1 each
//                11111111 + 64 bits
//   varbit_uint  the same widths, unsigned
//
// 64-bit integers are bigint where they may exceed 2^53 (counts of histograms), else numbers (times).
import { corruptError } from '../base/index.ts';

const VARBIT_WIDTHS = [0, 3, 6, 9, 12, 18, 25, 56, 64];
const VARBIT_ONES_MAX = 8;

/** A time as a number; refuses what a number cannot hold. */
export function timeOf(value: bigint): number {
  const time = Number(value);
  if (!Number.isSafeInteger(time)) throw corruptError(`time ${value} is out of range`);
  return time;
}

/** Reads bits of bytes [from, to). Every read is bounds-checked and throws a corrupt error. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #endBit: number;
  /** Position in bits from the start of the bytes. */
  #bit: number;
  /** Halves of what bits64() read last. */
  high = 0;
  low = 0;

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes;
    this.#bit = from * 8;
    this.#endBit = to * 8;
  }

  /** The next `count` bits, 0 to 32, as an unsigned number. */
  bits(count: number): number {
    const at = this.#bit;
    if (at + count > this.#endBit) throw corruptError(`the bits end early, at byte ${Math.floor(this.#endBit / 8)}`);
    this.#bit = at + count;
    if (count === 0) return 0;
    const bytes = this.#bytes;
    const byte = Math.floor(at / 8);
    const shift = at % 8;
    // Bytes beyond the end read as nothing; the check above has seen to it that none of their bits is kept.
    const word = (bytes[byte] << 24) | (bytes[byte + 1] << 16) | (bytes[byte + 2] << 8) | bytes[byte + 3];
    const aligned = shift === 0 ? word : (word << shift) | (bytes[byte + 4] >>> (8 - shift));
    return aligned >>> (32 - count);
  }

  /** Whole bytes that are left. */
  get bytesLeft(): number {
    return Math.floor((this.#endBit - this.#bit) / 8);
  }

  /** Offset of the next byte; the position must be at one. */
  get byteOffset(): number {
    return this.#bit / 8;
  }

  skipBytes(count: number): void {
    if (count > this.bytesLeft) throw corruptError(`${count} bytes are wanted and ${this.bytesLeft} are left`);
    this.#bit += count * 8;
  }

  bit(): number {
    return this.bits(1);
  }

  /** The next `count` bits, 0 to 64, into `high` and `low`. */
  bits64(count: number): void {
    this.high = count > 32 ? this.bits(count - 32) : 0;
    this.low = this.bits(Math.min(count, 32));
  }

  bigUint(count: number): bigint {
    this.bits64(count);
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  byte(): number {
    return this.bits(8);
  }

  /** A float of 64 bits whose payload does not matter. */
  float(): number {
    this.bits64(64);
    floatWords[0] = this.low;
    floatWords[1] = this.high;
    return floatValue[0];
  }

  /** How many bits are set before the next zero bit; at most `max`, and then no zero bit follows. */
  ones(max: number): number {
    for (let count = 0; count < max; count++) if (this.bit() === 0) return count;
    return max;
  }

  /** Unsigned LEB128, as Go's binary.Uvarint. */
  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        if (value >= 1n << 64n) break;
        return value;
      }
    }
    throw corruptError('a varint does not fit 64 bits');
  }

  /** An unsigned LEB128 that is a length, a count or a number of something: below 2^32. */
  smallUvarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value >= 2 ** 32) break;
        return value;
      }
    }
    throw corruptError('a varint does not fit 32 bits');
  }

  /** Zigzag LEB128, as Go's binary.Varint. */
  varint(): bigint {
    const value = this.uvarint();
    return (value & 1n) === 1n ? -(value >> 1n) - 1n : value >> 1n;
  }

  varbitUint(): bigint {
    return this.bigUint(VARBIT_WIDTHS[this.ones(VARBIT_ONES_MAX)]);
  }

  varbitInt(): bigint {
    const width = VARBIT_WIDTHS[this.ones(VARBIT_ONES_MAX)];
    if (width === 64) return BigInt.asIntN(64, this.bigUint(64));
    return this.signedUp(width);
  }

  /** `width` bits for a range from -(2^(width-1) - 1) to 2^(width-1). */
  signedUp(width: number): bigint {
    const value = this.bigUint(width);
    return width > 0 && value > 1n << BigInt(width - 1) ? value - (1n << BigInt(width)) : value;
  }

  /** A two's complement of `width` bits. */
  signed(width: number): bigint {
    return BigInt.asIntN(width, this.bigUint(width));
  }
}

const floatValue = new Float64Array(1);
const floatWords = new Uint32Array(floatValue.buffer);

/** A float that is told by its difference from the one before. */
export class XorFloat {
  high = 0;
  low = 0;
  #leading = 0;
  #trailing = 0;

  /** The first value: all bits. */
  start(reader: BitReader): void {
    reader.bits64(64);
    this.high = reader.high;
    this.low = reader.low;
  }

  /** `0`: unchanged, `10`: the same window of bits as before, `11`: a new one. */
  next(reader: BitReader): void {
    if (reader.bit() === 0) return;
    if (reader.bit() === 1) this.newWindow(reader);
    else this.sameWindow(reader);
  }

  /** Bits within the window that was used last. */
  sameWindow(reader: BitReader): void {
    this.#change(reader, 64 - this.#leading - this.#trailing);
  }

  /** How many leading zeros, how many bits, the bits. */
  newWindow(reader: BitReader): void {
    const leading = reader.bits(5);
    const width = reader.bits(6) || 64;
    if (leading + width > 64) throw corruptError(`a value has ${leading} leading zeros and ${width} bits`);
    this.#leading = leading;
    this.#trailing = 64 - leading - width;
    this.#change(reader, width);
  }

  #change(reader: BitReader, width: number): void {
    reader.bits64(width);
    const shift = this.#trailing;
    if (shift >= 32) {
      this.high = (this.high ^ (reader.low << (shift - 32))) >>> 0;
      return;
    }
    const carried = shift === 0 ? 0 : reader.low >>> (32 - shift);
    this.high = (this.high ^ ((reader.high << shift) | carried)) >>> 0;
    this.low = (this.low ^ (reader.low << shift)) >>> 0;
  }

  /** The value as a number; the payload of a NaN may get lost. */
  get value(): number {
    floatWords[0] = this.low;
    floatWords[1] = this.high;
    return floatValue[0];
  }
}
