// The sealed column (docs/formats/column.md) in plain TypeScript. The encoder gives the bytes that kernels/head/column.ts gives; the
// decoder checks all that it reads, so tools may use it on files. Values are raw bits throughout: a NaN keeps its payload.
import { type TidemarkError, corruptError, invariant } from '../base/index.ts';

/** Most samples in one column: their count is 16 bits wide. */
export const COLUMN_SAMPLES_MAX = 65535;
const HEADER_BYTES = 24;
const SLACK_BYTES = 8;
const EXPONENT_MAX = 9;
const INTEGER_BOUND = 2 ** 53;
const TIMES = { constant: 0, packed: 1 } as const;
const VALUES = { constant: 0, delta: 1, packed: 2, xor: 3 } as const;
const XOR_LENGTH_MAX = 8;

/** The samples of a column: times in ms, ascending, and raw value bits. */
export interface DecodedColumn {
  readonly ts: Float64Array;
  readonly bits: BigUint64Array;
}

/** How a column is encoded, for dumps. */
export interface ColumnShape {
  readonly samples: number;
  readonly times: keyof typeof TIMES;
  readonly values: keyof typeof VALUES;
  readonly exponent: number;
  readonly timeBytes: number;
  readonly valueBytes: number;
}

const doubles = new Float64Array(1);
const doubleBits = new BigUint64Array(doubles.buffer);

function bitsOf(value: number): bigint {
  doubles[0] = value;
  return doubleBits[0];
}

function numberOf(bits: bigint): number {
  doubleBits[0] = bits;
  return doubles[0];
}

const bitWidth = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
const packedBytes = (count: number, width: number): number => Math.ceil((count * width) / 8);

/** The nearest integer, ties to even. */
function nearest(value: number): number {
  if (!(Math.abs(value) < 2 ** 52)) return value;
  const shift = value < 0 ? -(2 ** 52) : 2 ** 52;
  return value + shift - shift;
}

/** Non-negative numbers of `width` bits each, least significant bit first. */
function pack(numbers: readonly bigint[], width: number): Uint8Array {
  const out = new Uint8Array(packedBytes(numbers.length, width));
  let at = 0;
  let held = 0n;
  let heldBits = 0;
  for (const number of numbers) {
    held |= number << BigInt(heldBits);
    for (heldBits += width; heldBits >= 8; heldBits -= 8) {
      out[at++] = Number(held & 255n);
      held >>= 8n;
    }
  }
  if (heldBits > 0) out[at] = Number(held);
  return out;
}

function* unpack(bytes: Uint8Array, count: number, width: number): Generator<bigint> {
  const mask = (1n << BigInt(width)) - 1n;
  let at = 0;
  let held = 0n;
  let heldBits = 0;
  for (let i = 0; i < count; i++) {
    for (; heldBits < width; heldBits += 8) held |= BigInt(bytes[at++]) << BigInt(heldBits);
    yield held & mask;
    held >>= BigInt(width);
    heldBits -= width;
  }
}

/** The least number, and the numbers as offsets from it in as many bits as the greatest offset needs. */
function offsets(numbers: readonly bigint[]): { least: bigint; width: number; packed: Uint8Array } {
  let [least, greatest] = [numbers[0], numbers[0]];
  for (const number of numbers) {
    if (number < least) least = number;
    if (number > greatest) greatest = number;
  }
  const width = bitWidth(greatest - least);
  const from = numbers.map((number) => number - least);
  return { least, width, packed: pack(from, width) };
}

const differences = (numbers: readonly bigint[]): bigint[] => numbers.slice(1).map((number, i) => number - numbers[i]);

interface Encoded {
  readonly kind: number;
  readonly width: number;
  readonly exponent: number;
  readonly payload: Uint8Array;
}

function payloadOf(heads: readonly bigint[], tail: Uint8Array): Uint8Array {
  const payload = new Uint8Array(heads.length * 8 + tail.length);
  const view = new DataView(payload.buffer);
  heads.forEach((head, i) => view.setBigUint64(i * 8, BigInt.asUintN(64, head), true));
  payload.set(tail, heads.length * 8);
  return payload;
}

const nothing = new Uint8Array(0);

function encodeTimes(ts: Float64Array): Encoded {
  if (ts.length === 1) return { kind: TIMES.constant, width: 0, exponent: 0, payload: nothing };
  const { least, width, packed } = offsets(differences(Array.from(ts, BigInt)));
  const kind = width === 0 ? TIMES.constant : TIMES.packed;
  return { kind, width, exponent: 0, payload: payloadOf([least], packed) };
}

/** The k of values that all are k / 10^exponent to the bit with |k| < 2^53, or null. */
function asIntegers(bits: BigUint64Array, exponent: number): bigint[] | null {
  const scale = 10 ** exponent;
  const integers: bigint[] = [];
  for (const wanted of bits) {
    const k = nearest(numberOf(wanted) * scale);
    // -0 has no integer: its bits differ from those of 0 / scale.
    if (!(Math.abs(k) < INTEGER_BOUND) || bitsOf((k + 0) / scale) !== wanted) return null;
    integers.push(BigInt(k));
  }
  return integers;
}

/** The first exponent that makes integers of all values. */
function decimals(bits: BigUint64Array): { integers: bigint[]; exponent: number } | null {
  for (let exponent = 0; exponent <= EXPONENT_MAX; exponent++) {
    const integers = asIntegers(bits, exponent);
    if (integers !== null) return { integers, exponent };
  }
  return null;
}

function encodeXor(bits: BigUint64Array): Encoded {
  const tail: number[] = [];
  for (let i = 1; i < bits.length; i++) {
    let x = bits[i] ^ bits[i - 1];
    let trailing = 0;
    for (; x !== 0n && (x & 255n) === 0n; x >>= 8n) trailing++;
    const length = Math.ceil(bitWidth(x) / 8);
    tail.push((trailing << 4) | length);
    for (let k = 0; k < length; k++, x >>= 8n) tail.push(Number(x & 255n));
  }
  return { kind: VALUES.xor, width: 0, exponent: 0, payload: payloadOf([bits[0]], Uint8Array.from(tail)) };
}

function encodeIntegers(integers: bigint[], exponent: number): Encoded {
  const plain = offsets(integers);
  const delta = offsets(differences(integers));
  if (16 + delta.packed.length < 8 + plain.packed.length) {
    const payload = payloadOf([integers[0], delta.least], delta.packed);
    return { kind: VALUES.delta, width: delta.width, exponent, payload };
  }
  return { kind: VALUES.packed, width: plain.width, exponent, payload: payloadOf([plain.least], plain.packed) };
}

/** The smallest encoding by exact cost; XOR if it is no larger than integers. */
function encodeValues(bits: BigUint64Array): Encoded {
  if (bits.every((value) => value === bits[0])) {
    return { kind: VALUES.constant, width: 0, exponent: 0, payload: payloadOf([bits[0]], nothing) };
  }
  const xor = encodeXor(bits);
  const found = decimals(bits);
  if (found === null) return xor;
  const integers = encodeIntegers(found.integers, found.exponent);
  return integers.payload.length < xor.payload.length ? integers : xor;
}

/** Encodes 1..65535 samples: times are integers within ±2^53, ascending. */
export function encodeColumn(ts: Float64Array, bits: BigUint64Array): Uint8Array {
  const count = ts.length;
  invariant(count >= 1 && count <= COLUMN_SAMPLES_MAX && bits.length === count, 'a column has 1..65535 samples', count);
  const times = encodeTimes(ts);
  const values = encodeValues(bits);
  const out = new Uint8Array(HEADER_BYTES + times.payload.length + values.payload.length + SLACK_BYTES);
  const view = new DataView(out.buffer);
  view.setUint16(0, count, true);
  out.set([times.kind, values.kind, times.width, values.width, values.exponent, 0], 2);
  view.setBigInt64(8, BigInt(ts[0]), true);
  view.setUint32(16, times.payload.length, true);
  view.setUint32(20, values.payload.length, true);
  out.set(times.payload, HEADER_BYTES);
  out.set(values.payload, HEADER_BYTES + times.payload.length);
  return out;
}

const corrupt = (at: number, fact: string): TidemarkError =>
  corruptError(`cannot decode column at offset ${at}: ${fact}`);

function check(condition: boolean, at: number, fact: string): asserts condition {
  if (!condition) throw corrupt(at, fact);
}

/** Header and payloads, with lengths that agree with each other and with the input. */
interface Parts {
  readonly count: number;
  readonly timesKind: number;
  readonly valuesKind: number;
  readonly timeWidth: number;
  readonly valueWidth: number;
  readonly exponent: number;
  readonly firstMs: bigint;
  readonly times: Uint8Array;
  readonly values: Uint8Array;
}

function split(bytes: Uint8Array): Parts {
  check(bytes.length >= HEADER_BYTES + SLACK_BYTES, 0, `it is shorter than its header; got ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint16(0, true);
  const [timesKind, valuesKind, timeWidth, valueWidth, exponent, flags] = bytes.subarray(2, 8);
  const timeBytes = view.getUint32(16, true);
  const valueBytes = view.getUint32(20, true);
  check(count > 0, 0, 'it has no samples');
  check(timesKind <= TIMES.packed, 2, `the encoding of times is unknown; got ${timesKind}`);
  check(valuesKind <= VALUES.xor, 3, `the encoding of values is unknown; got ${valuesKind}`);
  check(timesKind === TIMES.packed ? timeWidth >= 1 && timeWidth <= 64 : timeWidth === 0, 4, `time bits ${timeWidth}`);
  const isInteger = valuesKind === VALUES.delta || valuesKind === VALUES.packed;
  check(isInteger ? valueWidth <= 64 : valueWidth === 0, 5, `value bits ${valueWidth}`);
  check(exponent <= (isInteger ? EXPONENT_MAX : 0), 6, `the exponent is out of range; got ${exponent}`);
  check(flags === 0, 7, `flags are unknown; got ${flags}`);
  const length = HEADER_BYTES + timeBytes + valueBytes + SLACK_BYTES;
  check(length === bytes.length, 16, `its parts take ${length} bytes; got ${bytes.length}`);
  const slackAt = length - SLACK_BYTES;
  check(view.getBigUint64(slackAt, true) === 0n, slackAt, 'the slack is not zero');
  const times = bytes.subarray(HEADER_BYTES, HEADER_BYTES + timeBytes);
  const values = bytes.subarray(HEADER_BYTES + timeBytes, slackAt);
  const firstMs = view.getBigInt64(8, true);
  return { count, timesKind, valuesKind, timeWidth, valueWidth, exponent, firstMs, times, values };
}

/** The i64 number `index` of a payload. */
const longAt = (bytes: Uint8Array, index: number): bigint =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigInt64(index * 8, true);

const isExact = (integer: bigint): boolean => integer > -(2n ** 53n) && integer < 2n ** 53n;

function decodeTimes({ count, timesKind, timeWidth, firstMs, times }: Parts): Float64Array {
  const isPacked = timesKind === TIMES.packed;
  const wanted = count === 1 ? (isPacked ? -1 : 0) : 8 + packedBytes(count - 1, timeWidth);
  check(times.length === wanted, 16, `times of this encoding take ${wanted} bytes; got ${times.length}`);
  check(isExact(firstMs), 8, `the time ${firstMs} is out of range`);
  const ts = new Float64Array(count);
  ts[0] = Number(firstMs);
  if (count === 1) return ts;
  const least = longAt(times, 0);
  let time = firstMs;
  let i = 1;
  for (const offset of unpack(times.subarray(8), count - 1, timeWidth)) {
    const next = time + least + offset;
    check(next > time && isExact(next), HEADER_BYTES, `the time ${next} of sample ${i} is out of range or order`);
    ts[i++] = Number((time = next));
  }
  return ts;
}

function decodeIntegers(parts: Parts, at: number): BigUint64Array {
  const { count, valuesKind, valueWidth, exponent, values } = parts;
  const isDelta = valuesKind === VALUES.delta;
  const head = isDelta ? 16 : 8;
  const packedCount = isDelta ? count - 1 : count;
  const wanted = head + packedBytes(packedCount, valueWidth);
  check(values.length === wanted, 20, `values of this encoding take ${wanted} bytes; got ${values.length}`);
  const numbers = new Float64Array(count);
  const base = longAt(values, 0);
  const least = isDelta ? longAt(values, 1) : 0n;
  let k = base;
  let i = 0;
  const put = (integer: bigint) => {
    check(isExact(integer), at, `the integer ${integer} of sample ${i} is out of range`);
    numbers[i++] = Number(integer) / 10 ** exponent;
  };
  if (isDelta) put(k);
  for (const offset of unpack(values.subarray(head), packedCount, valueWidth)) {
    k = isDelta ? k + least + offset : base + offset;
    put(k);
  }
  return new BigUint64Array(numbers.buffer);
}

function decodeXor({ count, values }: Parts, at: number): BigUint64Array {
  check(values.length >= 8, 20, `values of this encoding take at least 8 bytes; got ${values.length}`);
  const bits = new BigUint64Array(count);
  bits[0] = BigInt.asUintN(64, longAt(values, 0));
  let from = 8;
  for (let i = 1; i < count; i++) {
    check(from < values.length, at + from, `it ends at sample ${i} of ${count}`);
    const length = values[from] & 15;
    const trailing = values[from] >> 4;
    const isStep = length > 0 ? trailing + length <= XOR_LENGTH_MAX : trailing === 0;
    check(isStep, at + from, `an XOR step of ${length} bytes before ${trailing} zero bytes is none`);
    check(from + 1 + length <= values.length, at + from, `it ends in sample ${i} of ${count}`);
    let x = 0n;
    for (let k = length; k > 0; k--) x = (x << 8n) | BigInt(values[from + k]);
    bits[i] = bits[i - 1] ^ (x << BigInt(trailing * 8));
    from += 1 + length;
  }
  check(from === values.length, at + from, `${values.length - from} bytes follow the last value`);
  return bits;
}

function decodeValues(parts: Parts): BigUint64Array {
  const { count, valuesKind, values, times } = parts;
  const at = HEADER_BYTES + times.length;
  if (valuesKind === VALUES.xor) return decodeXor(parts, at);
  if (valuesKind !== VALUES.constant) return decodeIntegers(parts, at);
  check(values.length === 8, 20, `values of this encoding take 8 bytes; got ${values.length}`);
  return new BigUint64Array(count).fill(BigInt.asUintN(64, longAt(values, 0)));
}

/** Decodes a whole column. Throws a corrupt error that names the offset. */
export function decodeColumn(bytes: Uint8Array): DecodedColumn {
  const parts = split(bytes);
  return { ts: decodeTimes(parts), bits: decodeValues(parts) };
}

const nameOf = <Names extends Record<string, number>>(names: Names, kind: number): keyof Names =>
  Object.keys(names).find((name) => names[name] === kind) as keyof Names;

/** How a column is encoded. Checks its header, not its samples. */
export function columnShape(bytes: Uint8Array): ColumnShape {
  const { count, timesKind, valuesKind, exponent, times, values } = split(bytes);
  return {
    samples: count,
    times: nameOf(TIMES, timesKind),
    values: nameOf(VALUES, valuesKind),
    exponent,
    timeBytes: times.length,
    valueBytes: values.length,
  };
}
