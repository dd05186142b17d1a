// Runs of 64-bit integers, as kernels/block/integers.ts and packed.ts. All arithmetic is modulo 2^64.

import {
  ByteSink,
  type ByteSource,
  asSigned,
  asUnsigned,
  bitWidth,
  expect,
  getPackedBits,
  packedBytes,
  putPackedBits,
  unzigzag,
  zigzag,
} from './block-twin-bytes.ts';

const STEP = 4;
const ZIGZAG = 8;
const LEVEL = 16;
const HEAD_MAX = 31;
const SAVED_SHIFT = 4;
const BLOCK = 128;
const PATCHED = 128;

/** How integers are encoded, for dumps. */
export interface IntegersShape {
  readonly order: number;
  readonly step: bigint;
  readonly coder: 'packed' | 'level';
  readonly bytes: number;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestCommonDivisor(b, a % b);
}

/** The greatest g of which all differences from the first are multiples; 0 if all are equal. */
function commonStep(ks: BigInt64Array): bigint {
  let step = 0n;
  for (let i = 1; i < ks.length && step !== 1n; i++) {
    const difference = asSigned(ks[i] - ks[0]);
    step = greatestCommonDivisor(step, difference < 0n ? -difference : difference);
  }
  return step;
}

function leastOf(values: Iterable<bigint>, atMost: bigint): bigint {
  let least = atMost;
  for (const value of values) if (value < least) least = value;
  return least;
}

/** How residuals are written: of which order, and zigzag or less a base. */
interface Form {
  readonly order: number;
  readonly base: bigint | null;
  readonly residuals: bigint[];
}

const sumOf = (bits: number[]): number => bits.reduce((sum, each) => sum + each, 0);

/** The form with the fewest bits in sum, the first on a tie; second differences must save a sixteenth. */
function formOf(quotients: BigInt64Array): Form {
  const orders = [quotients.subarray(1), differencesOf(quotients), differencesOf(differencesOf(quotients))];
  let least = Number.POSITIVE_INFINITY;
  let chosen: Form | null = null;
  orders.forEach((values, order) => {
    if (order === 2) least -= least >> SAVED_SHIFT;
    const base = leastOf(values, values[0] ?? 0n);
    const offsets = Array.from(values, (value) => asUnsigned(value - base));
    for (const form of [
      { order, base, residuals: offsets },
      { order, base: null, residuals: Array.from(values, zigzag) },
    ]) {
      const bits = sumOf(form.residuals.map(bitWidth));
      if (bits >= least) continue;
      least = bits;
      chosen = form;
    }
  });
  return chosen as unknown as Form;
}

function differencesOf(values: BigInt64Array): BigInt64Array {
  return values.subarray(1).map((value, i) => value - values[i]);
}

/** The width that makes a block smallest; the greater on a tie. */
function cheapestWidth(values: bigint[]): { width: number; widest: number } {
  const widths = values.map(bitWidth);
  const widest = Math.max(...widths);
  let best = packedBytes(values.length, widest);
  let chosen = widest;
  for (let width = widest - 1; width >= 0; width--) {
    const patches = widths.filter((each) => each > width).length;
    const bytes = packedBytes(values.length, width) + 2 + patches + packedBytes(patches, widest - width);
    if (bytes >= best) continue;
    best = bytes;
    chosen = width;
  }
  return { width: chosen, widest };
}

function putBlock(sink: ByteSink, values: bigint[]): void {
  const { width, widest } = cheapestWidth(values);
  if (width === widest) {
    sink.u8(width);
    putPackedBits(sink, values, width);
    return;
  }
  const shift = BigInt(width);
  const places = [...values.keys()].filter((i) => values[i] >> shift !== 0n);
  sink.append([width | PATCHED, places.length, widest - width]);
  putPackedBits(sink, values, width);
  sink.append(places);
  const excess = places.map((i) => values[i] >> shift);
  putPackedBits(sink, excess, widest - width);
}

function getBlock(source: ByteSource, count: number): bigint[] {
  const head = source.u8();
  const width = head & 127;
  expect(width <= 64, `a block is out of range; got ${width} bits`);
  if (head < PATCHED) return getPackedBits(source, count, width);
  const patches = source.u8();
  const excess = source.u8();
  expect(patches > 0 && patches <= count, `a block of ${count} has too many patches or none; got ${patches}`);
  expect(excess > 0 && width + excess <= 64, `patches are out of range; got ${width + excess} bits`);
  const values = getPackedBits(source, count, width);
  const places = source.take(patches);
  const bits = getPackedBits(source, patches, excess);
  places.forEach((place, i) => {
    expect(place < count, `a patch is out of place; got ${place} of ${count}`);
    values[place] |= bits[i] << BigInt(width);
  });
  return values;
}

/** Encodes at least one integer. */
export function putIntegers(sink: ByteSink, ks: BigInt64Array): void {
  const body = new ByteSink();
  const step = commonStep(ks);
  let head = LEVEL;
  body.varint(zigzag(ks[0]));
  if (step === 0n) {
    body.u8(0);
  } else {
    const quotients = ks.map((k) => asSigned(k - ks[0]) / step);
    const { order, base, residuals } = formOf(quotients);
    const isLevel = base !== null && residuals.every((residual) => residual === 0n);
    head = order | (step === 1n ? 0 : STEP) | (base === null ? ZIGZAG : 0) | (isLevel ? LEVEL : 0);
    if (step !== 1n) body.varint(step);
    if (order === 2) body.varint(zigzag(quotients[1]));
    if (base !== null) body.varint(zigzag(base));
    for (let i = 0; i < residuals.length && !isLevel; i += BLOCK) putBlock(body, residuals.slice(i, i + BLOCK));
  }
  sink.u8(head);
  sink.append(body.bytes);
}

interface Head {
  readonly order: number;
  readonly isLevel: boolean;
  readonly isZigzag: boolean;
  readonly first: bigint;
  readonly step: bigint;
  readonly difference: bigint;
  readonly base: bigint;
}

function getHead(source: ByteSource): Head {
  const head = source.u8();
  const order = head & 3;
  const isLevel = (head & LEVEL) !== 0;
  const isZigzag = (head & ZIGZAG) !== 0;
  const isKnown = order <= 2 && head <= HEAD_MAX && !(isZigzag && isLevel);
  expect(isKnown, `the encoding of integers is unknown; got ${head}`);
  const first = unzigzag(source.varint());
  const step = head & STEP ? source.varint() : 1n;
  const difference = order === 2 ? unzigzag(source.varint()) : 0n;
  const base = isZigzag ? 0n : unzigzag(source.varint());
  return { order, isLevel, isZigzag, first, step, difference, base };
}

/** The first integer, without decoding the others. */
export const firstInteger = (source: ByteSource): bigint => getHead(source).first;

/** The arithmetic progression that the integers are, if they are one and nothing follows. */
export function readLine(source: ByteSource): { first: bigint; step: bigint } | null {
  const { order, isLevel, first, step, difference, base } = getHead(source);
  if (!source.isDone || !isLevel) return null;
  if (order !== 1 && base !== 0n) return null;
  return { first, step: order === 0 ? 0n : (order === 1 ? base : difference) * step };
}

function getResiduals(source: ByteSource, isLevel: boolean, count: number): bigint[] {
  if (isLevel) return new Array<bigint>(count).fill(0n);
  const values: bigint[] = [];
  for (let i = 0; i < count; i += BLOCK) values.push(...getBlock(source, Math.min(BLOCK, count - i)));
  return values;
}

/** Decodes `count` integers. */
export function getIntegers(
  source: ByteSource,
  count: number,
  onShape?: (shape: IntegersShape) => void,
): BigInt64Array {
  const from = source.at;
  const head = getHead(source);
  const { order, isLevel, isZigzag, first, step, base } = head;
  const skipped = Math.max(order, 1);
  const residuals = getResiduals(source, isLevel, Math.max(count - skipped, 0));
  onShape?.({ order, step, coder: isLevel ? 'level' : 'packed', bytes: source.at - from });
  const ks = new BigInt64Array(Math.max(count, skipped));
  ks[0] = first;
  let difference = head.difference * step;
  if (order === 2) ks[1] = first + difference;
  residuals.forEach((residual, i) => {
    const change = ((isZigzag ? unzigzag(residual) : residual) + base) * step;
    if (order === 2) difference = asSigned(difference + change);
    ks[skipped + i] = order === 0 ? first + change : ks[skipped + i - 1] + (order === 1 ? change : difference);
  });
  return ks.subarray(0, count);
}
