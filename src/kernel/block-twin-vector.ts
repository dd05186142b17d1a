// Vectors of a column, as kernels/block/vector.ts, scale.ts and exceptions.ts: places of changes, exceptions, integers, corrections.

import { ByteSink, ByteSource, asSigned, asUnsigned, bitWidth, expect, unzigzag, zigzag } from './block-twin-bytes.ts';
import { type IntegersShape, firstInteger, getIntegers, putIntegers, readLine } from './block-twin-integers.ts';

export const VECTOR_SAMPLES_MAX = 2047;
const RAW = 30;
const EXPONENT_CHOSEN_MAX = 15;
const EXPONENT_MAX = 22;
const CORRECTION_MAX = 255n;
/** Powers of ten, all exact. */
const POWERS = Array.from({ length: EXPONENT_MAX + 1 }, (_, i) => Number(`1e${i}`));
const SAMPLED = 32;
const DIGIT_COST = 33;
const BIT_COST = 10;
const EXCEPTION_COST = 800;
const SPARSE_RATIO = 8;
const MODE = { same: 0, every: 1, bitmap: 2, gaps: 3 } as const;
const MORE = 128;
const HAS_EXCEPTIONS = 1;
const HAS_CORRECTIONS = 2;
const INTEGER_BOUND = 2 ** 53;
const NEGATIVE_ZERO = 1n << 63n;
/** Bits of exceptions by kind; kind 0 gives its own. */
const KIND_BITS = [
  null,
  0x7ff0000000000002n,
  0x7ff8000000000001n,
  0x7ff8000000000000n,
  NEGATIVE_ZERO,
  0x7ff0000000000000n,
  0xfff0000000000000n,
];

/** How a vector is encoded, for dumps. */
export interface VectorShape {
  readonly samples: number;
  readonly bytes: number;
  readonly mode: keyof typeof MODE;
  /** Distinct neighbours: the integers that are stored. */
  readonly changes: number;
  /** Values are integers / 10^exponent; null if the integers are raw bits. */
  readonly exponent: number | null;
  readonly hasExceptions: boolean;
  readonly integers: IntegersShape | null;
  readonly corrections: IntegersShape | null;
}

const double = new Float64Array(1);
const doubleBits = new BigUint64Array(double.buffer);

export function bitsOf(value: number): bigint {
  double[0] = value;
  return doubleBits[0];
}

export function numberOf(bits: bigint): number {
  doubleBits[0] = bits;
  return double[0];
}

/** To the nearest integer, to even on a tie, as WebAssembly's f64.nearest. */
function nearest(value: number): number {
  const size = Math.abs(value);
  if (!(size < 2 ** 52)) return value;
  const rounded = size + 2 ** 52 - 2 ** 52;
  return value < 0 ? -rounded : rounded;
}

const isOrdinary = (bits: bigint): boolean => Math.abs(numberOf(bits)) < INTEGER_BOUND && bits !== NEGATIVE_ZERO;

const correctionOf = (bits: bigint, k: number, power: number): bigint => asSigned(bits - bitsOf(k / power));

function sizeOf(off: bigint): bigint {
  return asUnsigned(off < 0n ? -off : off);
}

/** Cost of an exponent per value in tenths of a bit; Infinity if it will not do. */
function costOf(exponent: number, values: BigUint64Array, stride: number): number {
  const power = POWERS[exponent];
  let used = 0;
  let bad = 0;
  let greatest = 0n;
  for (let i = 0; i < values.length; i += stride) {
    if (!isOrdinary(values[i])) continue;
    used++;
    const k = nearest(numberOf(values[i]) * power);
    if (!(Math.abs(k) < INTEGER_BOUND)) return Infinity;
    const size = sizeOf(correctionOf(values[i], k, power));
    if (size > CORRECTION_MAX) bad++;
    else if (size > greatest) greatest = size;
  }
  if (used === 0 || bad * 8 > used) return Infinity;
  return exponent * DIGIT_COST + bitWidth(greatest << 1n) * BIT_COST + Math.floor((bad * EXCEPTION_COST) / used);
}

function chooseExponent(values: BigUint64Array, stride: number): number {
  let best = Infinity;
  let chosen = RAW;
  for (let exponent = 0; exponent <= EXPONENT_CHOSEN_MAX && exponent * DIGIT_COST < best; exponent++) {
    const cost = costOf(exponent, values, stride);
    if (cost >= best) continue;
    best = cost;
    chosen = exponent;
  }
  return chosen;
}

/** Distinct values as integers. */
interface Scaled {
  readonly exponent: number;
  readonly integers: BigInt64Array;
  readonly corrections: BigInt64Array;
  readonly isException: boolean[];
  readonly exceptions: number;
  readonly isCorrected: boolean;
}

function scaleBy(exponent: number, values: BigUint64Array): Scaled | null {
  const power = POWERS[exponent];
  const integers = new BigInt64Array(values.length);
  const corrections = new BigInt64Array(values.length);
  const isException: boolean[] = [];
  let integer = 0n;
  values.forEach((bits, i) => {
    const k = nearest(numberOf(bits) * power);
    let off = CORRECTION_MAX + 1n;
    if (isOrdinary(bits) && Math.abs(k) < INTEGER_BOUND) off = correctionOf(bits, k, power);
    const isFit = sizeOf(off) <= CORRECTION_MAX;
    if (isFit) {
      integer = BigInt(k);
      corrections[i] = off;
    }
    integers[i] = integer;
    isException.push(!isFit);
  });
  const exceptions = isException.filter(Boolean).length;
  if (exceptions > 2 + (values.length >> 4)) return null;
  return {
    exponent,
    integers,
    corrections,
    isException,
    exceptions,
    isCorrected: corrections.some((off) => off !== 0n),
  };
}

function toIntegers(values: BigUint64Array): Scaled {
  const stride = Math.max(Math.floor(values.length / SAMPLED), 1);
  const strides = stride > 1 ? [stride, 1] : [1];
  for (const each of strides) {
    const exponent = chooseExponent(values, each);
    if (exponent === RAW) break;
    const scaled = scaleBy(exponent, values);
    if (scaled !== null) return scaled;
  }
  const integers = new BigInt64Array(values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength));
  const isException = new Array<boolean>(values.length).fill(false);
  const corrections = new BigInt64Array(values.length);
  return { exponent: RAW, integers, corrections, isException, exceptions: 0, isCorrected: false };
}

/** Encodes one value that stands for any number of samples. */
export function putSame(sink: ByteSink, bits: bigint): void {
  const { exponent, integers, exceptions, isCorrected } = toIntegers(BigUint64Array.of(bits));
  const scaled = new ByteSink();
  scaled.u8(exponent);
  scaled.varint(zigzag(integers[0]));
  if (exponent !== RAW && exceptions === 0 && !isCorrected && scaled.length <= 8) {
    sink.append(scaled.bytes);
  } else {
    sink.u8(RAW);
    sink.u64(bits);
  }
}

interface Run {
  readonly place: number;
  readonly length: number;
  readonly bits: bigint;
}

function putRuns(sink: ByteSink, runs: Run[]): void {
  sink.varint(runs.length);
  let after = 0;
  for (const { place, length, bits } of runs) {
    sink.varint(place - after);
    sink.varint(length - 1);
    const kind = Math.max(KIND_BITS.indexOf(bits), 0);
    sink.u8(kind);
    if (kind === 0) sink.u64(bits);
    after = place + length;
  }
}

function putHead(sink: ByteSink, mode: number, { exponent, exceptions, isCorrected }: Scaled): void {
  const more = (exceptions ? HAS_EXCEPTIONS : 0) | (isCorrected ? HAS_CORRECTIONS : 0);
  sink.u8(exponent | (mode << 5) | (more ? MORE : 0));
  if (more) sink.u8(more);
}

function bitmapOf(places: number[], count: number): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(count / 8));
  for (const place of places) bitmap[place >> 3] |= 1 << (place & 7);
  return bitmap;
}

function putSparse(sink: ByteSink, distinct: BigUint64Array, places: number[], count: number, scaled: Scaled): void {
  const gaps = new ByteSink();
  gaps.varint(places.length);
  const steps = places.slice(1).map((place, i) => BigInt(place - places[i]));
  putIntegers(gaps, BigInt64Array.from(steps));
  const isGaps = gaps.length <= Math.ceil(count / 8);
  putHead(sink, isGaps ? MODE.gaps : MODE.bitmap, scaled);
  sink.append(isGaps ? gaps.bytes : bitmapOf(places, count));
  const runs = [...places.keys()]
    .filter((i) => scaled.isException[i])
    .map((place) => ({ place, length: 1, bits: distinct[place] }));
  if (runs.length) putRuns(sink, runs);
  putIntegers(sink, scaled.integers);
  if (scaled.isCorrected) putIntegers(sink, scaled.corrections);
}

function putEvery(sink: ByteSink, distinct: BigUint64Array, places: number[], count: number, scaled: Scaled): void {
  const lengths = places.map((place, i) => (places[i + 1] ?? count) - place);
  const spread = (values: BigInt64Array): BigInt64Array =>
    BigInt64Array.from(lengths.flatMap((length, i) => new Array<bigint>(length).fill(values[i])));
  putHead(sink, MODE.every, scaled);
  const runs = places
    .map((place, i) => ({ place, length: lengths[i], bits: distinct[i] }))
    .filter((_, i) => scaled.isException[i]);
  if (runs.length) putRuns(sink, runs);
  putIntegers(sink, spread(scaled.integers));
  if (scaled.isCorrected) putIntegers(sink, spread(scaled.corrections));
}

/** Encodes 1..2047 raw values in the smaller form; every value on a tie. */
export function putVector(sink: ByteSink, values: BigUint64Array): void {
  const count = values.length;
  const places = [...values.keys()].filter((i) => i === 0 || values[i] !== values[i - 1]);
  if (places.length === 1) {
    putSame(sink, values[0]);
    return;
  }
  const distinct = BigUint64Array.from(places, (place) => values[place]);
  const scaled = toIntegers(distinct);
  const sparse = new ByteSink();
  const full = new ByteSink();
  if ((count - places.length) * SPARSE_RATIO >= count) putSparse(sparse, distinct, places, count, scaled);
  if (places.length * SPARSE_RATIO >= count) putEvery(full, distinct, places, count, scaled);
  const isFull = full.length > 0 && (sparse.length === 0 || full.length <= sparse.length);
  sink.append((isFull ? full : sparse).bytes);
}

/** Encodes times: every value, exponent 0. */
export function putTimes(sink: ByteSink, times: Float64Array): void {
  sink.u8(MODE.every << 5);
  putIntegers(
    sink,
    BigInt64Array.from(times, (ms) => BigInt(ms)),
  );
}

const isExponent = (exponent: number): boolean => exponent <= EXPONENT_MAX || exponent === RAW;

/** The bits of the one value that stands for all samples, or null if the vector is of another mode. */
export function readSame(bytes: Uint8Array): bigint | null {
  const source = new ByteSource(bytes);
  const exponent = source.u8();
  if (exponent >= 1 << 5) return null;
  expect(isExponent(exponent), `the exponent is out of range; got ${exponent}`);
  const bits = exponent === RAW ? source.u64() : bitsOf(Number(unzigzag(source.varint())) / POWERS[exponent]);
  expect(source.isDone, 'bytes follow its value');
  return bits;
}

/** The integers of a vector of times, or null if it is none. */
export function timesOf(bytes: Uint8Array): ByteSource | null {
  return bytes[0] === MODE.every << 5 ? new ByteSource(bytes.subarray(1)) : null;
}

/** The line that a vector is, if it is one: an arithmetic progression of any length. */
export function lineOf(bytes: Uint8Array): { first: bigint; step: bigint } | null {
  const integers = timesOf(bytes);
  return integers && readLine(integers);
}

/** The first time of a vector of times. */
export function firstTime(bytes: Uint8Array): bigint {
  const integers = timesOf(bytes);
  expect(integers !== null, 'it has no times');
  return firstInteger(integers);
}

function getPlaces(source: ByteSource, mode: number, count: number): number[] | null {
  if (mode === MODE.every) return null;
  if (mode === MODE.bitmap) {
    const bitmap = source.take(Math.ceil(count / 8));
    expect((bitmap[0] & 1) === 1, 'its first value is no change');
    const places = Array.from({ length: bitmap.length * 8 }, (_, i) => i).filter(
      (i) => bitmap[i >> 3] & (1 << (i & 7)),
    );
    expect(places[places.length - 1] < count, 'a change is out of place');
    return places;
  }
  const changes = source.varint();
  expect(changes >= 2n && changes <= BigInt(count), `its changes are out of range; got ${changes}`);
  const places = [0];
  for (const gap of getIntegers(source, Number(changes) - 1)) {
    expect(gap >= 1n && gap < BigInt(count), `a gap is out of range; got ${gap}`);
    places.push(places[places.length - 1] + Number(gap));
  }
  expect(places[places.length - 1] < count, 'a change is out of place');
  return places;
}

function getRuns(source: ByteSource, count: number): Run[] {
  const runs: Run[] = [];
  let place = 0;
  const number = source.varint();
  expect(number <= BigInt(count), `its exceptions are out of range; got ${number} runs`);
  while (runs.length < number) {
    const gap = source.varint();
    const more = source.varint();
    expect(gap <= BigInt(count) && more < BigInt(count), 'an exception is out of range');
    const run = { place: place + Number(gap), length: Number(more) + 1 };
    place = run.place + run.length;
    expect(place <= count, 'an exception is out of place');
    const kind = source.u8();
    expect(kind < KIND_BITS.length, `the kind of an exception is unknown; got ${kind}`);
    runs.push({ ...run, bits: KIND_BITS[kind] ?? source.u64() });
  }
  return runs;
}

/** Decodes the `count` raw values of a vector. */
export function getVector(bytes: Uint8Array, count: number, onShape?: (shape: VectorShape) => void): BigUint64Array {
  const source = new ByteSource(bytes);
  const head = source.u8();
  const mode = (head >> 5) & 3;
  const exponent = head & 31;
  const shape = { samples: count, bytes: bytes.length, exponent: exponent === RAW ? null : exponent };
  const modeName = (Object.keys(MODE) as (keyof typeof MODE)[])[mode];
  if (mode === MODE.same) {
    const same = readSame(bytes);
    expect(same !== null, 'its head is unknown');
    onShape?.({ ...shape, mode: modeName, changes: 1, hasExceptions: false, integers: null, corrections: null });
    return new BigUint64Array(count).fill(same);
  }
  const more = head & MORE ? source.u8() : 0;
  expect(more <= (HAS_EXCEPTIONS | HAS_CORRECTIONS) && isExponent(exponent), 'its head is unknown');
  expect(exponent !== RAW || (more & HAS_CORRECTIONS) === 0, 'raw bits have corrections');
  const places = getPlaces(source, mode, count);
  const changes = places?.length ?? count;
  const runs = more & HAS_EXCEPTIONS ? getRuns(source, changes) : [];
  const shapes: IntegersShape[] = [];
  const integers = getIntegers(source, changes, (each) => shapes.push(each));
  const corrections = more & HAS_CORRECTIONS ? getIntegers(source, changes, (each) => shapes.push(each)) : null;
  expect(source.isDone, 'bytes follow its values');
  onShape?.({
    ...shape,
    mode: modeName,
    changes,
    hasExceptions: runs.length > 0,
    integers: shapes[0],
    corrections: shapes[1] ?? null,
  });
  const distinct = valuesOf(integers, corrections, exponent);
  for (const { place, length, bits } of runs) distinct.fill(bits, place, place + length);
  return places === null ? distinct : spreadOver(distinct, places, count);
}

function valuesOf(integers: BigInt64Array, corrections: BigInt64Array | null, exponent: number): BigUint64Array {
  const power = POWERS[exponent];
  return BigUint64Array.from(integers, (integer, i) => {
    if (exponent === RAW) return asUnsigned(integer);
    return asUnsigned(bitsOf(Number(integer) / power) + (corrections?.[i] ?? 0n));
  });
}

function spreadOver(distinct: BigUint64Array, places: number[], count: number): BigUint64Array {
  const values = new BigUint64Array(count);
  places.forEach((place, i) => values.fill(distinct[i], place, places[i + 1] ?? count));
  return values;
}
