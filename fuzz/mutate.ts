// Damage to good inputs: of bytes, of protobuf messages by their fields, and of texts by their tokens. What is made so gets past the first
// checks more often than noise does.
import { ByteWriter } from '../src/base/index.ts';

/** Numbers in [0, 1). */
export interface Random {
  next(): number;
}

export const below = (random: Random, end: number): number => Math.floor(random.next() * end);
export const one = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)];

const BYTES = [0, 1, 0x0a, 0x22, 0x7f, 0x80, 0xc0, 0xe2, 0xed, 0xf4, 0xfe, 0xff];
/** Lengths and counts that overflow. */
const VARINTS = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0x80, 0x80, 0x80, 0x08],
];
/** No input is longer: what must be bounded by the reader is bounded by its limits, and small inputs show it. */
const BYTES_MAX = 1 << 16;

const splice = (bytes: Uint8Array, from: number, to: number, put: Uint8Array): Uint8Array =>
  Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]);

type Damage = (random: Random, bytes: Uint8Array) => Uint8Array;

function range(random: Random, bytes: Uint8Array): [number, number] {
  const from = below(random, bytes.length + 1);
  return [from, Math.min(bytes.length, from + below(random, random.next() < 0.8 ? 9 : 200))];
}

const DAMAGES: readonly Damage[] = [
  (random, bytes) => {
    const copy = Uint8Array.from(bytes);
    copy[below(random, copy.length)] ^= 1 << below(random, 8);
    return copy;
  },
  (random, bytes) => {
    const copy = Uint8Array.from(bytes);
    copy[below(random, copy.length)] = random.next() < 0.5 ? one(random, BYTES) : below(random, 256);
    return copy;
  },
  (random, bytes) => splice(bytes, ...range(random, bytes), new Uint8Array(0)),
  (random, bytes) => {
    const [from, to] = range(random, bytes);
    const at = below(random, bytes.length + 1);
    return splice(bytes, at, at, bytes.subarray(from, to));
  },
  (random, bytes) => {
    const at = below(random, bytes.length + 1);
    return splice(bytes, at, at + below(random, 2), Uint8Array.from(one(random, VARINTS)));
  },
  (random, bytes) => bytes.subarray(0, below(random, bytes.length + 1)),
];

/** Mostly one: what is damaged once gets furthest. */
const damages = (random: Random): number => (random.next() < 0.6 ? 1 : 2 + below(random, 3));

/** Bytes with one to four damages. */
export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array {
  let mutated = bytes;
  for (let left = damages(random); left > 0 && mutated.length > 0; left--) {
    mutated = one(random, DAMAGES)(random, mutated);
    if (mutated.length > BYTES_MAX) mutated = mutated.subarray(0, BYTES_MAX);
  }
  return mutated;
}

interface Field {
  readonly number: number;
  readonly type: number;
  /** Of type 2 without its length. */
  readonly payload: Uint8Array;
}

function varintAt(bytes: Uint8Array, at: number): [value: number, next: number] | null {
  let value = 0;
  for (let scale = 1; at < bytes.length && scale < 2 ** 50; scale *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
  return null;
}

/** Null: these bytes are no message. */
function fieldsOf(bytes: Uint8Array): Field[] | null {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const key = varintAt(bytes, at);
    if (!key) return null;
    const [number, type] = [Math.floor(key[0] / 8), key[0] % 8];
    let end = key[1];
    let from = end;
    if (type === 0) end = varintAt(bytes, end)?.[1] ?? Infinity;
    else if (type === 1) end += 8;
    else if (type === 5) end += 4;
    else if (type === 2) {
      const length = varintAt(bytes, end);
      if (!length) return null;
      from = length[1];
      end = from + length[0];
    } else return null;
    if (number === 0 || end > bytes.length) return null;
    fields.push({ number, type, payload: bytes.subarray(from, end) });
    at = end;
  }
  return fields;
}

function messageOf(fields: readonly Field[]): Uint8Array {
  const out = new ByteWriter();
  for (const { number, type, payload } of fields) {
    out.varint(number * 8 + type);
    if (type === 2) out.block(payload);
    else out.bytes(payload);
  }
  return out.finish();
}

/** A message with a field that is gone, twice there, elsewhere, of another number or type, or damaged within; lengths are right. */
export function mutateMessage(random: Random, bytes: Uint8Array, depth = 0): Uint8Array {
  const fields = depth < 6 ? fieldsOf(bytes) : null;
  if (!fields || fields.length === 0 || random.next() < 0.15) return mutateBytes(random, bytes);
  const i = below(random, fields.length);
  const field = fields[i];
  const kind = below(random, 8);
  if (kind === 0) fields.splice(i, 1);
  else if (kind === 1) fields.splice(below(random, fields.length), 0, field);
  else if (kind === 2) fields[i] = { ...field, number: 1 + below(random, 20) };
  else if (kind === 3) fields[i] = { ...field, type: one(random, [0, 1, 2, 5]) };
  else fields[i] = { ...field, payload: mutateMessage(random, field.payload, depth + 1) };
  return messageOf(fields);
}

const TOKEN = /[A-Za-z_][A-Za-z0-9_]*|[0-9]+(?:\.[0-9]+)?|\s+|[\s\S]/gu;
const ODD = [
  '\0',
  '\n',
  '"',
  "'",
  '`',
  '\\',
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ':',
  '#',
  ',',
  '\u2028',
  '😀',
  '\ud800',
  'é',
  '%',
  '$',
];

/** A text with one to four of its tokens gone, twice there, swapped, or replaced by one of `words`. */
export function mutateText(random: Random, text: string, words: readonly string[]): string {
  const tokens = text.match(TOKEN) ?? [];
  for (let left = damages(random); left > 0; left--) {
    const i = below(random, tokens.length + 1);
    const kind = below(random, 8);
    if (kind === 0) tokens.splice(i, 1 + below(random, 3));
    else if (kind === 1) tokens.splice(i, 0, ...tokens.slice(i, i + 1 + below(random, 6)));
    else if (kind === 2) tokens.splice(i, 1, one(random, tokens.length > 0 ? tokens : words));
    else if (kind === 3) tokens.splice(i, 0, one(random, ODD));
    else if (kind === 4) tokens.splice(i, 0, one(random, words).repeat(random.next() < 0.02 ? below(random, 2000) : 1));
    else if (kind === 5) tokens.length = Math.min(tokens.length, i + 1);
    else tokens.splice(i, 1, one(random, words));
  }
  return tokens.join('').slice(0, BYTES_MAX);
}
