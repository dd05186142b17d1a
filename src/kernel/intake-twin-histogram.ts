// Native histograms of remote write for the intake's twin: the rules of kernels/intake/histogram.ts. The binary form is
// model/histogram-codec.ts's.
import { type BucketCounts, CUSTOM_SCHEMA, NO_BOUNDS, type NativeHistogram, histogramToBytes } from '../model/index.ts';
import {
  BYTES,
  expectType,
  type Field,
  FIXED64,
  fields,
  IntakeFailure,
  readVarint,
  VARINT,
} from './intake-twin-protobuf.ts';

const LIST_MAX = 1 << 20;
const [SCHEMA_MIN, SCHEMA_MAX, SCHEMA_REDUCED_MAX] = [-4, 8, 52];
const INDEX_MIN = -(2 ** 31);
const INDEX_MAX = 2 ** 31 - 1;
const STALE_BITS = 0x7ff0000000000002n;
const REASON = {
  schema: 16,
  spanOffset: 17,
  spans: 18,
  negative: 19,
  countSmall: 20,
  countDiffers: 21,
  bounds: 22,
  boundsFew: 23,
  custom: 24,
  exponentialBounds: 25,
  range: 26,
} as const;

interface Span {
  readonly offset: number;
  readonly length: number;
}

/** One side as it came. */
interface Side {
  readonly spans: Span[];
  readonly deltas: bigint[];
  readonly counts: number[];
}

const newSide = (): Side => ({ spans: [], deltas: [], counts: [] });

/** A histogram as a request has it. */
export class TwinHistogram {
  timeMs = 0n;
  /** 0: none. */
  startMs = 0n;
  /** Its hint about counter resets; the others speak of a sample before, which need not be the one that comes before it here. */
  isGauge = false;
  schema = 0;
  sumBits = 0n;
  threshold = 0;
  /** The count, and whether it is a double's bits. */
  count = 0n;
  isFloat = false;
  zeroCount = 0n;
  isZeroFloat = false;
  readonly negative = newSide();
  readonly positive = newSide();
  readonly bounds: number[] = [];

  get isStale(): boolean {
    return this.sumBits === STALE_BITS;
  }
}

const toFloat = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0];
const unzigzag = (value: bigint): bigint => (value & 1n ? -(value >> 1n) - 1n : value >> 1n);
const int32 = (value: bigint): number => Number(BigInt.asIntN(32, unzigzag(BigInt.asUintN(32, value))));

/** Reads a Histogram of either version; `hasStart`: the version has start times. */
export function readHistogram(body: Uint8Array, { at, end }: Field, hasStart = false): TwinHistogram {
  const h = new TwinHistogram();
  for (const field of fields(body, at, end)) {
    const { number } = field;
    if (number === 17 && hasStart) {
      expectType(field, VARINT);
      h.startMs = BigInt.asIntN(64, field.value);
      continue;
    }
    if (number > 16) continue;
    const side = number < 11 ? h.negative : h.positive;
    if (number === 8 || number === 11) side.spans.push(readSpan(body, field));
    else if (number === 9 || number === 12) readDeltas(body, field, side.deltas);
    else if (number === 10 || number === 13) readDoubles(body, field, side.counts);
    else if (number === 16) readDoubles(body, field, h.bounds);
    else readNumber(h, body, field);
  }
  return h;
}

function readSpan(body: Uint8Array, field: Field): Span {
  expectType(field, BYTES);
  const numbers = [0n, 0n, 0n];
  for (const inner of fields(body, field.at, field.end)) {
    if (inner.number > 2) continue;
    expectType(inner, VARINT);
    numbers[inner.number] = inner.value;
  }
  return { offset: int32(numbers[1]), length: Number(BigInt.asUintN(32, numbers[2])) };
}

function readDeltas(body: Uint8Array, field: Field, deltas: bigint[]): void {
  if (field.type === VARINT) {
    deltas.push(unzigzag(field.value));
    return;
  }
  expectType(field, BYTES);
  for (let at = field.at; at < field.end; ) {
    const { value, next } = readVarint(body, at, field.end);
    deltas.push(unzigzag(value));
    at = next;
  }
}

const doubleAt = (body: Uint8Array, at: number): bigint =>
  new DataView(body.buffer, body.byteOffset).getBigUint64(at, true);

function readDoubles(body: Uint8Array, field: Field, doubles: number[]): void {
  if (field.type !== FIXED64) expectType(field, BYTES);
  const length = field.end - field.at;
  if (length % 8 !== 0) throw new IntakeFailure(-3);
  for (let at = field.at; at < field.end; at += 8) doubles.push(toFloat(doubleAt(body, at)));
}

function readNumber(h: TwinHistogram, body: Uint8Array, field: Field): void {
  const { number } = field;
  const isDouble = [2, 3, 5, 7].includes(number);
  expectType(field, isDouble ? FIXED64 : VARINT);
  const bits = isDouble ? doubleAt(body, field.at) : field.value;
  if (number <= 2) {
    h.count = bits;
    h.isFloat = isDouble;
  } else if (number === 3) h.sumBits = bits;
  else if (number === 4) h.schema = int32(bits);
  else if (number === 5) h.threshold = toFloat(bits);
  else if (number <= 7) {
    h.zeroCount = bits;
    h.isZeroFloat = isDouble;
  } else if (number === 14) h.isGauge = bits === 3n;
  else h.timeMs = BigInt.asIntN(64, bits);
}

function spansProblem(spans: readonly Span[], buckets: number, isCustom: boolean): number {
  if (spans.some(({ offset }, i) => offset < 0 && (isCustom || i > 0))) return REASON.spanOffset;
  return spans.reduce((sum, { length }) => sum + length, 0) === buckets ? 0 : REASON.spans;
}

const boundsProblem = (bounds: readonly number[]): number =>
  bounds.every((bound, i) => bound > (bounds[i - 1] ?? -Infinity)) && bounds.at(-1) !== Infinity ? 0 : REASON.bounds;

/** What is wrong with schema, spans and bounds; 0: nothing. */
function layoutProblem(h: TwinHistogram, zeroCount: number): number {
  const { schema, positive, negative, bounds, isFloat } = h;
  const buckets = ({ deltas, counts }: Side): number => (isFloat ? counts : deltas).length;
  if (schema === CUSTOM_SCHEMA) {
    const problem = boundsProblem(bounds) || spansProblem(positive.spans, buckets(positive), true);
    if (problem !== 0) return problem;
    if (bounds.length + 1 < positive.spans.reduce((sum, { offset, length }) => sum + offset + length, 0)) {
      return REASON.boundsFew;
    }
    const isPure = zeroCount === 0 && h.threshold === 0 && negative.spans.length + buckets(negative) === 0;
    return isPure ? 0 : REASON.custom;
  }
  if (schema < SCHEMA_MIN || schema > SCHEMA_REDUCED_MAX) return REASON.schema;
  const problem =
    spansProblem(positive.spans, buckets(positive), false) || spansProblem(negative.spans, buckets(negative), false);
  return problem || (bounds.length > 0 ? REASON.exponentialBounds : 0);
}

/** A side with its buckets spread out. */
interface Spread {
  readonly problem: number;
  readonly buckets: BucketCounts;
  /** Observations, if they are integers. */
  readonly total: bigint;
}

function spread({ spans, deltas, counts }: Side, isFloat: boolean, coarser: number): Spread {
  const indexes: number[] = [];
  const amounts: number[] = [];
  let [index, bucket, sum, total, problem] = [0, 0, 0n, 0n, 0];
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++, index++, bucket++) {
      sum = isFloat ? 0n : BigInt.asIntN(64, sum + deltas[bucket]);
      total = BigInt.asUintN(64, total + sum);
      const amount = isFloat ? counts[bucket] : Number(sum);
      if (amount < 0) return { problem: REASON.negative, buckets: NOTHING, total };
      if (index < INDEX_MIN || index > INDEX_MAX) problem = REASON.range;
      const target = coarser === 0 ? index : Math.floor((index - 1) / 2 ** coarser) + 1;
      if (indexes.at(-1) === target) amounts[amounts.length - 1] += amount;
      else {
        indexes.push(target);
        amounts.push(amount);
      }
    }
  }
  return { problem, buckets: { indexes: Int32Array.from(indexes), counts: Float64Array.from(amounts) }, total };
}

const NOTHING: BucketCounts = { indexes: new Int32Array(0), counts: new Float64Array(0) };

/** Checks a histogram and gives its binary form, or the number of the reason why it is refused. */
export function checkHistogram(h: TwinHistogram): Uint8Array | number {
  const lists = [h.negative, h.positive].flatMap(({ spans, deltas, counts }) => [spans, deltas, counts]);
  if ([...lists, h.bounds].some(({ length }) => length > LIST_MAX)) return REASON.range;
  const zeros = h.isFloat === h.isZeroFloat ? h.zeroCount : 0n;
  const toCount = (bits: bigint): number => (h.isFloat ? toFloat(bits) : Number(bits));
  const layout = layoutProblem(h, toCount(zeros));
  if (layout !== 0) return layout;
  const coarser = h.schema === CUSTOM_SCHEMA ? 0 : Math.max(0, h.schema - SCHEMA_MAX);
  const negative = spread(h.negative, h.isFloat, coarser);
  const positive = negative.problem !== 0 ? negative : spread(h.positive, h.isFloat, coarser);
  if (positive.problem !== 0) return positive.problem;
  if (!(h.threshold >= 0)) return REASON.range;
  if (toCount(zeros) < 0 || toCount(h.count) < 0) return REASON.negative;
  const sum = toFloat(h.sumBits);
  const inBuckets = BigInt.asUintN(64, negative.total + positive.total + zeros);
  if (!h.isFloat && Number.isNaN(sum) && inBuckets > h.count) return REASON.countSmall;
  if (!h.isFloat && !Number.isNaN(sum) && inBuckets !== h.count) return REASON.countDiffers;
  const checked: NativeHistogram = {
    schema: Math.min(h.schema, SCHEMA_MAX),
    resetHint: h.isGauge ? 'gauge' : 'unknown',
    count: toCount(h.count),
    sum,
    zeroThreshold: h.threshold,
    zeroCount: toCount(zeros),
    positive: positive.buckets,
    negative: negative.buckets,
    customBounds: h.schema === CUSTOM_SCHEMA ? Float64Array.from(h.bounds) : NO_BOUNDS,
  };
  return histogramToBytes(checked);
}
