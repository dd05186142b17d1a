// Protobuf (encoding of proto2 and proto3), for cold paths: a reader that walks a message field by field, and writers of single
// fields. What arrives hot is taken apart by the intake kernel.
//
//   message   field field ...        field   varint (number << 3 | wire type), then by wire type
//   0 varint · 1 eight bytes · 2 varint length and bytes (text, message, packed numbers) · 5 four bytes
import { ByteReader, type ByteWriter, corruptError, utf8, utf8Text } from '../base/index.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const FIELD_MAX = 2 ** 29 - 1;

/** Walks the fields of one message. Values are read by the type the schema says; what is not read must be skipped. */
export class ProtoReader {
  readonly #in: ByteReader;
  #wire = 0;
  /** Number of the current field. */
  field = 0;

  constructor(bytes: Uint8Array) {
    this.#in = new ByteReader(bytes);
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (this.#in.remaining === 0) return false;
    const at = this.#in.offset;
    const key = this.#in.varint();
    this.#wire = key & 7;
    this.field = Math.floor(key / 8);
    if (this.field === 0 || this.field > FIELD_MAX) throw corruptError(`cannot decode message: no field at ${at}`);
    return true;
  }

  #expect(wire: number): void {
    if (this.#wire === wire) return;
    const fact = `field ${this.field} has wire type ${this.#wire}, not ${wire}`;
    throw corruptError(`cannot decode message at offset ${this.#in.offset}: ${fact}`);
  }

  skip(): void {
    if (this.#wire === VARINT) this.#varint();
    else if (this.#wire === FIXED64) this.#in.take(8);
    else if (this.#wire === BYTES) this.#in.block();
    else if (this.#wire === FIXED32) this.#in.take(4);
    else throw corruptError(`cannot decode message at offset ${this.#in.offset}: wire type ${this.#wire} is unknown`);
  }

  bytes(): Uint8Array {
    this.#expect(BYTES);
    return this.#in.block();
  }

  text(): string {
    return utf8Text(this.bytes());
  }

  /** A nested message. */
  message(): ProtoReader {
    return new ProtoReader(this.bytes());
  }

  double(): number {
    this.#expect(FIXED64);
    return this.#in.f64();
  }

  /** The raw bits of a double, or a fixed64. */
  fixed64(): bigint {
    this.#expect(FIXED64);
    return this.#in.u64();
  }

  bool(): boolean {
    return this.uint() !== 0;
  }

  /** Appends the current field as it is, under another number. */
  copy(out: ByteWriter, field: number): void {
    key(out, field, this.#wire);
    const from = this.#in.offset;
    this.skip();
    out.bytes(this.#in.bytes.subarray(from, this.#in.offset));
  }

  /** uint32, uint64 and enums. Above 2^53 the nearest float. */
  uint(): number {
    this.#expect(VARINT);
    return Number(this.#varint());
  }

  /** int32, int64. Beyond ±2^53 the nearest float. */
  int(): number {
    this.#expect(VARINT);
    return Number(BigInt.asIntN(64, this.#varint()));
  }

  /** sint32, sint64. Beyond ±2^53 the nearest float. */
  sint(): number {
    this.#expect(VARINT);
    return zigzag(this.#varint());
  }

  #varint(): bigint {
    return readVarint(this.#in);
  }

  /** A repeated double, packed or one of several. */
  doubles(into: number[]): void {
    if (this.#wire === FIXED64) into.push(this.#in.f64());
    else this.#packed((input) => into.push(input.f64()));
  }

  /** A repeated fixed64 of counts, likewise. */
  fixed64s(into: number[]): void {
    if (this.#wire === FIXED64) into.push(Number(this.#in.u64()));
    else this.#packed((input) => into.push(Number(input.u64())));
  }

  /** A repeated uint32, uint64 or enum, likewise. */
  uints(into: number[]): void {
    if (this.#wire === VARINT) into.push(Number(this.#varint()));
    else this.#packed((input) => into.push(Number(readVarint(input))));
  }

  /** A repeated sint32 or sint64, likewise. */
  sints(into: number[]): void {
    if (this.#wire === VARINT) into.push(zigzag(this.#varint()));
    else this.#packed((input) => into.push(zigzag(readVarint(input))));
  }

  #packed(read: (input: ByteReader) => void): void {
    const input = new ByteReader(this.bytes());
    while (input.remaining > 0) read(input);
  }
}

const zigzag = (value: bigint): number => Number(value & 1n ? -(value >> 1n) - 1n : value >> 1n);

/** An unsigned varint of up to ten bytes. */
function readVarint(input: ByteReader): bigint {
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = input.u8();
    low |= (byte & 127) << shift;
    if (byte < 128) return BigInt(low);
  }
  let value = BigInt(low);
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = input.u8();
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asUintN(64, value);
  }
  throw corruptError(`cannot read varint at offset ${input.offset}: it is longer than ten bytes`);
}

const key = (out: ByteWriter, field: number, wire: number): void => out.varint(field * 8 + wire);

/** A field of bytes: a text, a nested message, packed numbers. */
export function putBytes(out: ByteWriter, field: number, bytes: Uint8Array): void {
  key(out, field, BYTES);
  out.block(bytes);
}

/** A text; left out if empty, as proto3 does. */
export function putText(out: ByteWriter, field: number, text: string): void {
  if (text !== '') putBytes(out, field, utf8(text));
}

/** A double; written even if zero. */
export function putDouble(out: ByteWriter, field: number, value: number): void {
  key(out, field, FIXED64);
  out.f64(value);
}

/** A double of raw bits. */
export function putFixed64(out: ByteWriter, field: number, bits: bigint): void {
  key(out, field, FIXED64);
  out.u64(bits);
}

/** An integer up to ±2^53 as uint, int or enum; written even if zero. */
export function putInt(out: ByteWriter, field: number, value: number): void {
  key(out, field, VARINT);
  if (value >= 0) return out.varint(value);
  let left = BigInt.asUintN(64, BigInt(value));
  for (; left > 127n; left >>= 7n) out.u8(Number(left & 127n) | 128);
  out.u8(Number(left));
}

/** An integer within ±2^52 as sint. */
export function putSint(out: ByteWriter, field: number, value: number): void {
  key(out, field, VARINT);
  out.zigzag(value);
}
