// Protobuf fields of a message, for the intake's twin: as strict as kernels/intake/protobuf.ts.

/** The request cannot be read: ends it with a code. */
export class IntakeFailure extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`intake code ${code}`);
    this.code = code;
  }
}

const malformed = (): IntakeFailure => new IntakeFailure(-3);

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

/** A field; `begin` is where its tag lies, [at, end) its payload, all as offsets in the body. */
export interface Field {
  readonly number: number;
  readonly type: number;
  readonly begin: number;
  readonly at: number;
  readonly end: number;
  /** Of a VARINT. */
  readonly value: bigint;
}

/** Reads a varint of up to ten bytes, bits above 64 dropped. */
export function readVarint(body: Uint8Array, at: number, end: number): { value: bigint; next: number } {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    if (at + i >= end) throw malformed();
    const byte = body[at + i];
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return { value: BigInt.asUintN(64, value), next: at + i + 1 };
  }
  throw malformed();
}

/** The fields of the message [begin, end). */
export function* fields(body: Uint8Array, begin: number, end: number): Generator<Field> {
  let at = begin;
  while (at < end) {
    const field = readField(body, at, end);
    yield field;
    at = field.end;
  }
}

function readField(body: Uint8Array, begin: number, end: number): Field {
  const tag = readVarint(body, begin, end);
  if (tag.value > 0xffffffffn || tag.value < 8n) throw malformed();
  const number = Number(tag.value >> 3n);
  const type = Number(tag.value & 7n);
  if (type === VARINT) {
    const { value, next } = readVarint(body, tag.next, end);
    return { number, type, begin, at: tag.next, end: next, value };
  }
  let at = tag.next;
  let length = type === FIXED64 ? 8n : 4n;
  if (type === BYTES) {
    const head = readVarint(body, at, end);
    at = head.next;
    length = head.value;
  } else if (type !== FIXED64 && type !== FIXED32) throw malformed();
  if (length > BigInt(end - at)) throw malformed();
  return { number, type, begin, at, end: at + Number(length), value: 0n };
}

/** Refuses a field that has another type than its number should have. */
export function expectType(field: Field, type: number): void {
  if (field.type !== type) throw malformed();
}

/** A sample: raw value bits, and milliseconds as a signed 64-bit number. */
export interface TwinSample {
  readonly bits: bigint;
  readonly timeMs: bigint;
  /** 0: none. */
  readonly startMs: bigint;
}

/** Sample { double value = 1; int64 timestamp = 2 } of both versions; `hasStart`: int64 start_timestamp = 3, too. */
export function readSample(body: Uint8Array, { at, end }: Field, hasStart = false): TwinSample {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let bits = 0n;
  let timeMs = 0n;
  let startMs = 0n;
  for (const field of fields(body, at, end)) {
    if (field.number === 1) {
      expectType(field, FIXED64);
      bits = view.getBigUint64(field.at, true);
    } else if (field.number === 2) {
      expectType(field, VARINT);
      timeMs = BigInt.asIntN(64, field.value);
    } else if (field.number === 3 && hasStart) {
      expectType(field, VARINT);
      startMs = BigInt.asIntN(64, field.value);
    }
  }
  return { bits, timeMs, startMs };
}
