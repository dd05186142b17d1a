// Chunks of native histograms of Prometheus' TSDB: of integer counts (encoding 2, with start timestamps 5) and of float counts
// (encoding 3, with start timestamps 6).
//
//   ┌─────────────┬───────────┬─────────────────┬────────────┬───────────────┬───────────────┬──────────────────┬─────────┐
//   │ samples u16 │ flags u8  │ zero threshold  │ schema     │ positive spans│ negative spans│ custom bounds    │ samples │
//   │             │           │ 1 or 9 bytes    │ varbit_int │ count, each   │               │ schema -53 only  │         │
//   └─────────────┴───────────┴─────────────────┴────────────┴───────────────┴───────────────┴──────────────────┴─────────┘
//
// With start timestamps the flags are the upper two bits of the count and the third byte is their header. One layout serves all
// samples of a chunk. Integer counts are differences of differences, in time and from bucket to bucket; float counts are XORed.
import { corruptError } from '../base/index.ts';
import { type NativeHistogram, type ResetHint, STALE_NAN_HIGH, STALE_NAN_LOW, newHistogram } from '../model/index.ts';
import { BitReader, XorFloat, timeOf } from './prometheus-bits.ts';
import { ChunkStarts } from './prometheus-float-chunks.ts';

/** `length` buckets in a row, `offset` buckets behind the end of the span before (the first one: from bucket 0). */
interface Span {
  readonly offset: number;
  readonly length: number;
}

/** One native histogram sample. */
export interface HistogramSample {
  readonly timeMs: number;
  /** The series ended; the histogram is empty. */
  readonly isStale: boolean;
  /** Counts were integers when they were stored. */
  readonly isInteger: boolean;
  readonly histogram: NativeHistogram;
  /** When the counter began; 0: not known. */
  readonly startMs: number;
}

const CUSTOM_BUCKETS_SCHEMA = -53;
const RESETS: readonly ResetHint[] = ['unknown', 'not_reset', 'reset', 'gauge'];
/** A chunk has at most 64 KiB or so; what claims more buckets than that has bits is damaged. */
const BUCKETS_MAX = 1 << 20;
const INDEX_MAX = 2 ** 31 - 1;

interface Layout {
  readonly schema: number;
  readonly zeroThreshold: number;
  /** Indexes of the buckets, ascending. */
  readonly positive: Int32Array;
  readonly negative: Int32Array;
  readonly customBounds: Float64Array;
}

function readZeroThreshold(reader: BitReader): number {
  const code = reader.byte();
  if (code === 0) return 0;
  return code === 255 ? reader.float() : 2 ** (code - 244);
}

function readSpans(reader: BitReader): Span[] {
  const spans: Span[] = [];
  for (let left = smallNumber(reader.varbitUint(), 'spans'); left > 0; left--) {
    const length = smallNumber(reader.varbitUint(), 'buckets');
    const offset = Number(BigInt.asIntN(32, reader.varbitInt()));
    if (offset < 0 && spans.length > 0) throw corruptError('the buckets of a histogram overlap');
    spans.push({ offset, length });
  }
  return spans;
}

/** Indexes of the buckets that spans list. `countMax`: what the chunk has bits for. */
function bucketIndexes(spans: readonly Span[], countMax: number): Int32Array {
  const count = spans.reduce((sum, span) => sum + span.length, 0);
  if (count > countMax) throw corruptError(`a histogram has ${count} buckets and no bits for them`);
  const indexes = new Int32Array(count);
  let at = 0;
  let index = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) indexes[at++] = index++;
  }
  if (Math.abs(index) > INDEX_MAX) throw corruptError(`a histogram has bucket ${index}`);
  return indexes;
}

function smallNumber(value: bigint, what: string): number {
  if (value > BigInt(BUCKETS_MAX)) throw corruptError(`a histogram has ${value} ${what}`);
  return Number(value);
}

/** Thousandths plus one where that is a small integer, else a zero bit and a float. */
function readBounds(reader: BitReader): Float64Array {
  const bounds: number[] = [];
  for (let left = smallNumber(reader.varbitUint(), 'custom bounds'); left > 0; left--) {
    const thousandths = reader.varbitUint();
    bounds.push(thousandths === 0n ? reader.float() : Number(thousandths - 1n) / 1000);
  }
  return Float64Array.from(bounds);
}

function readLayout(reader: BitReader, bucketsMax: number): Layout {
  const zeroThreshold = readZeroThreshold(reader);
  const schema = Number(BigInt.asIntN(32, reader.varbitInt()));
  const positive = bucketIndexes(readSpans(reader), bucketsMax);
  const negative = bucketIndexes(readSpans(reader), bucketsMax);
  const customBounds = schema === CUSTOM_BUCKETS_SCHEMA ? readBounds(reader) : NO_BOUNDS;
  return { schema, zeroThreshold, positive, negative, customBounds };
}

const NO_BOUNDS = new Float64Array(0);

/** An integer told by the difference of differences from the two before. */
class DoubleDelta {
  value = 0n;
  #delta = 0n;

  start(value: bigint): void {
    this.value = value;
  }

  next(change: bigint): void {
    this.#delta = BigInt.asIntN(64, this.#delta + change);
    this.value = BigInt.asIntN(64, this.value + this.#delta);
  }
}

/** The counts of a sample, of either kind. */
interface Counts {
  first(reader: BitReader): void;
  next(reader: BitReader): void;
  readonly isStale: boolean;
  readonly sum: number;
  readonly count: number;
  readonly zeroCount: number;
  buckets(): [positive: Float64Array, negative: Float64Array];
}

const isStaleSum = (sum: XorFloat): boolean => sum.high === STALE_NAN_HIGH && sum.low === STALE_NAN_LOW;

class IntegerCounts implements Counts {
  readonly #count = new DoubleDelta();
  readonly #zeroCount = new DoubleDelta();
  readonly #sum = new XorFloat();
  readonly #positive: DoubleDelta[];
  readonly #negative: DoubleDelta[];

  constructor(positive: number, negative: number) {
    this.#positive = Array.from({ length: positive }, () => new DoubleDelta());
    this.#negative = Array.from({ length: negative }, () => new DoubleDelta());
  }

  first(reader: BitReader): void {
    this.#count.start(reader.varbitUint());
    this.#zeroCount.start(reader.varbitUint());
    this.#sum.start(reader);
    for (const bucket of this.#positive) bucket.start(reader.varbitInt());
    for (const bucket of this.#negative) bucket.start(reader.varbitInt());
  }

  next(reader: BitReader): void {
    this.#count.next(reader.varbitInt());
    this.#zeroCount.next(reader.varbitInt());
    this.#sum.next(reader);
    if (this.isStale) return;
    for (const bucket of this.#positive) bucket.next(reader.varbitInt());
    for (const bucket of this.#negative) bucket.next(reader.varbitInt());
  }

  get isStale(): boolean {
    return isStaleSum(this.#sum);
  }
  get sum(): number {
    return this.#sum.value;
  }
  get count(): number {
    return Number(BigInt.asUintN(64, this.#count.value));
  }
  get zeroCount(): number {
    return Number(BigInt.asUintN(64, this.#zeroCount.value));
  }
  buckets(): [Float64Array, Float64Array] {
    return [absolute(this.#positive), absolute(this.#negative)];
  }
}

/** Counts from differences between neighbouring buckets. */
function absolute(buckets: readonly DoubleDelta[]): Float64Array {
  const counts = new Float64Array(buckets.length);
  let count = 0n;
  for (const [i, bucket] of buckets.entries()) {
    count += bucket.value;
    counts[i] = Number(count);
  }
  return counts;
}

class FloatCounts implements Counts {
  readonly #count = new XorFloat();
  readonly #zeroCount = new XorFloat();
  readonly #sum = new XorFloat();
  readonly #positive: XorFloat[];
  readonly #negative: XorFloat[];

  constructor(positive: number, negative: number) {
    this.#positive = Array.from({ length: positive }, () => new XorFloat());
    this.#negative = Array.from({ length: negative }, () => new XorFloat());
  }

  first(reader: BitReader): void {
    for (const value of [this.#count, this.#zeroCount, this.#sum]) value.start(reader);
    for (const bucket of this.#positive) bucket.start(reader);
    for (const bucket of this.#negative) bucket.start(reader);
  }

  next(reader: BitReader): void {
    for (const value of [this.#count, this.#zeroCount, this.#sum]) value.next(reader);
    if (this.isStale) return;
    for (const bucket of this.#positive) bucket.next(reader);
    for (const bucket of this.#negative) bucket.next(reader);
  }

  get isStale(): boolean {
    return isStaleSum(this.#sum);
  }
  get sum(): number {
    return this.#sum.value;
  }
  get count(): number {
    return this.#count.value;
  }
  get zeroCount(): number {
    return this.#zeroCount.value;
  }
  buckets(): [Float64Array, Float64Array] {
    return [Float64Array.from(this.#positive, (b) => b.value), Float64Array.from(this.#negative, (b) => b.value)];
  }
}

/** How a chunk's encoding differs. */
export interface HistogramEncoding {
  readonly isInteger: boolean;
  readonly hasStartTimes: boolean;
}

/** Decodes the data of a histogram chunk, bytes [from, to), to the end of `into`. */
export function decodeHistograms(
  bytes: Uint8Array,
  from: number,
  to: number,
  { isInteger, hasStartTimes }: HistogramEncoding,
  into: HistogramSample[],
): void {
  const reader = new BitReader(bytes, from, to);
  const first = reader.bits(16);
  const third = reader.byte();
  const total = hasStartTimes ? first & 0x3fff : first;
  const reset = RESETS[(hasStartTimes ? first >> 14 : third >> 6) & 3];
  const starts = new ChunkStarts(hasStartTimes ? third : 0);
  // Each bucket has at least these bits in the first sample: no memory is taken for what claims more.
  const layout = readLayout(reader, Math.floor(((to - from) * 8) / (isInteger ? 1 : 64)));
  const sizes = [layout.positive.length, layout.negative.length] as const;
  const counts = isInteger ? new IntegerCounts(...sizes) : new FloatCounts(...sizes);
  const time = new DoubleDelta();
  for (let i = 0; i < total; i++) {
    if (i === 0) {
      time.start(reader.varbitInt());
      counts.first(reader);
    } else {
      time.next(reader.varbitInt());
      counts.next(reader);
    }
    const timeMs = timeOf(time.value);
    const startMs = starts.next(reader, i, timeMs);
    into.push(sampleOf({ timeMs, startMs, isInteger }, hintOf(reset, i), layout, counts));
  }
}

/** Within a chunk nothing is reset; what its first sample is, the flags say, unless the chunk before may be missing. */
function hintOf(reset: ResetHint, index: number): ResetHint {
  if (reset === 'gauge') return 'gauge';
  if (index > 0) return 'not_reset';
  return reset === 'reset' ? 'reset' : 'unknown';
}

function sampleOf(
  about: Pick<HistogramSample, 'timeMs' | 'startMs' | 'isInteger'>,
  resetHint: ResetHint,
  { schema, zeroThreshold, positive, negative, customBounds }: Layout,
  counts: Counts,
): HistogramSample {
  const { isStale } = counts;
  if (isStale) return { ...about, isStale, histogram: newHistogram({ resetHint, sum: Number.NaN }) };
  const { count, zeroCount, sum } = counts;
  const [positiveCounts, negativeCounts] = counts.buckets();
  const histogram = newHistogram({
    schema,
    resetHint,
    count,
    sum,
    zeroThreshold,
    zeroCount,
    positive: { indexes: positive, counts: positiveCounts },
    negative: { indexes: negative, counts: negativeCounts },
    customBounds,
  });
  return { ...about, isStale, histogram };
}
