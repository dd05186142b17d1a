// Bytes in and out: an appending writer, a bounds-checking reader, LEB128 varints. For cold paths and formats; the hot
// ones live in kernels/.
import { corruptError } from './errors.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Text of UTF-8 bytes; throws a corrupt error on malformed bytes. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw corruptError('cannot decode text: bytes are not valid UTF-8', cause);
  }
}

/**
 * Gives memory back that nobody reads any more, if all of its buffer is meant. The garbage collector goes by the JavaScript heap and comes
 * late: hundreds of megabytes would lie there, in pieces that leave the allocator full of holes, and it would come for them alone.
 */
export function freeBytes(bytes: Uint8Array): void {
  if (bytes.byteLength > 0 && bytes.byteLength === bytes.buffer.byteLength) (bytes.buffer as ArrayBuffer).transfer(0);
}

/** Appends to a growing buffer. Little-endian. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  length = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #reserve(count: number): number {
    const at = this.length;
    this.length = at + count;
    if (this.length > this.#bytes.length) {
      const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length));
      bigger.set(this.#bytes);
      this.#bytes = bigger;
      this.#view = new DataView(bigger.buffer);
    }
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }
  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }
  u64(value: bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, true);
  }
  f64(value: number): void {
    const at = this.#reserve(8);
    this.#view.setFloat64(at, value, true);
  }
  bytes(source: Uint8Array): void {
    const at = this.#reserve(source.length);
    this.#bytes.set(source, at);
  }
  /** Unsigned LEB128; `value` is a non-negative integer up to 2^53. */
  varint(value: number): void {
    while (value >= 128) {
      this.u8((value % 128) | 128);
      value = Math.floor(value / 128);
    }
    this.u8(value);
  }
  /** Zigzag LEB128 of an integer within ±2^52. */
  zigzag(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }
  /** Length-prefixed bytes. */
  block(source: Uint8Array): void {
    this.varint(source.length);
    this.bytes(source);
  }
  /** Length-prefixed UTF-8. */
  text(text: string): void {
    this.block(utf8(text));
  }
  /** Overwrites four bytes written before. */
  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
  /** A view of what was written, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
  clear(): void {
    this.length = 0;
  }
}

/** Reads what ByteWriter wrote. Every read is bounds-checked and throws a corrupt error that names the offset. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  #take(count: number): number {
    const at = this.offset;
    if (count < 0 || at + count > this.bytes.length) {
      throw corruptError(`cannot read ${count} bytes at offset ${at}: the input ends at ${this.bytes.length}`);
    }
    this.offset = at + count;
    return at;
  }

  u8(): number {
    return this.bytes[this.#take(1)];
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }
  take(count: number): Uint8Array {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw corruptError(`cannot read varint at offset ${this.offset}: it does not fit 53 bits`);
  }
  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  block(): Uint8Array {
    return this.take(this.varint());
  }
  text(): string {
    return utf8Text(this.block());
  }
  /** Refuses trailing bytes. */
  end(): void {
    if (this.remaining > 0)
      throw corruptError(`cannot decode input: ${this.remaining} bytes follow its end at offset ${this.offset}`);
  }
}
