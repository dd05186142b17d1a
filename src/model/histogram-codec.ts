// The binary form of a native histogram sample: how batches, head, blocks and query results carry it. See
// docs/formats/histogram.md. Little-endian; varints are unsigned LEB128, zigzag where signed.
//
//   u8      flags      bits 0-1 reset hint · 2 counts are integers · 3 zero bucket · 4 positive · 5 negative buckets · 6-7 zero
//   zigzag  schema
//   f64     sum
//   count   count                                           count: varint if integers, else f64
//   [bit 3] u8 threshold code, [f64 threshold], count        code 0: 0 · 1-254: 2 ** (code - 200) · 255: spelled out
//   [schema -53] varint bounds, that many f64
//   [bit 4] positive buckets, [bit 5] negative buckets:
//           varint spans; per span: first index (zigzag; later spans: varint gap to the span before), varint length - 1
//           counts: integers as the first one and zigzag differences to the one before, else f64 each
import { ByteReader, ByteWriter, corruptError, invariant } from '../base/index.ts';
import {
  type BucketCounts,
  CUSTOM_SCHEMA,
  type NativeHistogram,
  NO_BOUNDS,
  NO_BUCKETS,
  type ResetHint,
} from './histogram.ts';
import { isKnownSchema, shapeProblem } from './histogram-check.ts';
import { NORMAL_NAN_BITS } from './staleness.ts';

const HINTS: readonly ResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];
const [INTEGERS, ZERO, POSITIVE, NEGATIVE, RESERVED] = [4, 8, 16, 32, 192];

/** Integers beyond this are written as floats: differences of two must fit a varint. */
const INTEGER_MAX = 2 ** 51;
/** Buckets per sign that a decoder takes: more is no histogram. */
const BUCKETS_MAX = 1 << 20;
const INDEX_MIN = -(2 ** 31);
const INDEX_MAX = 2 ** 31 - 1;

const isPlainInteger = (value: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= INTEGER_MAX && !Object.is(value, -0);

const hasIntegers = (h: NativeHistogram): boolean =>
  isPlainInteger(h.count) &&
  isPlainInteger(h.zeroCount) &&
  h.positive.counts.every(isPlainInteger) &&
  h.negative.counts.every(isPlainInteger);

/** Appends a histogram. Every NaN becomes the one that arithmetic gives. */
export function encodeHistogram(out: ByteWriter, h: NativeHistogram): void {
  invariant(shapeProblem(h) === null, 'malformed histogram', { problem: shapeProblem(h) });
  const integers = hasIntegers(h);
  const hasZero = h.zeroThreshold !== 0 || h.zeroCount !== 0;
  out.u8(
    HINTS.indexOf(h.resetHint) |
      (integers ? INTEGERS : 0) |
      (hasZero ? ZERO : 0) |
      (h.positive.counts.length > 0 ? POSITIVE : 0) |
      (h.negative.counts.length > 0 ? NEGATIVE : 0),
  );
  out.zigzag(h.schema);
  writeFloat(out, h.sum);
  writeCount(out, h.count, integers);
  if (hasZero) {
    writeThreshold(out, h.zeroThreshold);
    writeCount(out, h.zeroCount, integers);
  }
  if (h.schema === CUSTOM_SCHEMA) {
    out.varint(h.customBounds.length);
    for (const bound of h.customBounds) out.f64(bound);
  }
  for (const side of [h.positive, h.negative]) if (side.counts.length > 0) writeBuckets(out, side, integers);
}

function writeFloat(out: ByteWriter, value: number): void {
  if (Number.isNaN(value)) out.u64(NORMAL_NAN_BITS);
  else out.f64(value);
}

function writeCount(out: ByteWriter, count: number, integers: boolean): void {
  if (integers) out.varint(count);
  else writeFloat(out, count);
}

/** The threshold as a power of two in one byte; 255 if it is none (or too far). */
function thresholdCode(threshold: number): number {
  if (threshold === 0) return 0;
  const exponent = Math.round(Math.log2(threshold));
  return exponent + 200 >= 1 && exponent + 200 <= 254 && 2 ** exponent === threshold ? exponent + 200 : 255;
}

function writeThreshold(out: ByteWriter, threshold: number): void {
  const code = thresholdCode(threshold);
  out.u8(code);
  if (code === 255) out.f64(threshold);
}

function writeBuckets(out: ByteWriter, { indexes, counts }: BucketCounts, integers: boolean): void {
  const starts: number[] = [];
  for (let i = 0; i < indexes.length; i++) if (i === 0 || indexes[i] !== indexes[i - 1] + 1) starts.push(i);
  out.varint(starts.length);
  starts.forEach((start, span) => {
    if (span === 0) out.zigzag(indexes[0]);
    else out.varint(indexes[start] - indexes[start - 1] - 1);
    out.varint((starts[span + 1] ?? indexes.length) - start - 1);
  });
  for (let i = 0; i < counts.length; i++) {
    if (!integers) writeFloat(out, counts[i]);
    else if (i === 0) out.varint(counts[0]);
    else out.zigzag(counts[i] - counts[i - 1]);
  }
}

const corrupt = (fact: string): Error => corruptError(`cannot decode histogram: ${fact}`);

/** Reads a histogram. Throws a corrupt error on anything that encodeHistogram does not write. */
export function decodeHistogram(input: ByteReader): NativeHistogram {
  const flags = input.u8();
  if ((flags & RESERVED) !== 0) throw corrupt(`flags are unknown; got ${flags}`);
  const integers = (flags & INTEGERS) !== 0;
  const schema = input.zigzag();
  if (!isKnownSchema(schema)) throw corrupt(`schema is unknown; got ${schema}`);
  const sum = input.f64();
  const count = readCount(input, integers);
  const [zeroThreshold, zeroCount] = (flags & ZERO) !== 0 ? [readThreshold(input), readCount(input, integers)] : [0, 0];
  const customBounds = schema === CUSTOM_SCHEMA ? readBounds(input) : NO_BOUNDS;
  const positive = (flags & POSITIVE) !== 0 ? readBuckets(input, integers) : NO_BUCKETS;
  const negative = (flags & NEGATIVE) !== 0 ? readBuckets(input, integers) : NO_BUCKETS;
  const resetHint = HINTS[flags & 3];
  const h = { schema, resetHint, count, sum, zeroThreshold, zeroCount, positive, negative, customBounds };
  const problem = shapeProblem(h);
  if (problem !== null) throw corrupt(problem);
  return h;
}

function readCount(input: ByteReader, integers: boolean): number {
  if (!integers) return input.f64();
  const count = input.varint();
  if (count > INTEGER_MAX) throw corrupt(`an integer count is too large; got ${count}`);
  return count;
}

function readThreshold(input: ByteReader): number {
  const code = input.u8();
  if (code === 0) return 0;
  return code === 255 ? input.f64() : 2 ** (code - 200);
}

function readBounds(input: ByteReader): Float64Array {
  const length = input.varint();
  if (length * 8 > input.remaining) throw corrupt(`custom bounds end behind the input; got ${length}`);
  const bounds = new Float64Array(length);
  for (let i = 0; i < length; i++) bounds[i] = input.f64();
  return bounds;
}

function readBuckets(input: ByteReader, integers: boolean): BucketCounts {
  const indexes = readSpans(input);
  const counts = new Float64Array(indexes.length);
  if (!integers) {
    for (let i = 0; i < counts.length; i++) counts[i] = input.f64();
    return { indexes, counts };
  }
  let count = 0;
  for (let i = 0; i < counts.length; i++) {
    count = i === 0 ? input.varint() : count + input.zigzag();
    if (!(count >= 0 && count <= INTEGER_MAX)) throw corrupt(`a count is out of range; got ${count}`);
    counts[i] = count;
  }
  return { indexes, counts };
}

/** The indexes of all spans. */
function readSpans(input: ByteReader): Int32Array {
  const spans = input.varint();
  if (spans === 0 || spans > BUCKETS_MAX) throw corrupt(`number of spans is wrong; got ${spans}`);
  const [starts, lengths]: [number[], number[]] = [[], []];
  let next = 0;
  let total = 0;
  for (let span = 0; span < spans; span++) {
    const offset = span === 0 ? input.zigzag() : input.varint();
    if (span > 0 && offset === 0) throw corrupt('two spans touch');
    next += offset;
    const length = input.varint() + 1;
    total += length;
    // A bucket takes a byte at least: what the input cannot hold is not even allocated.
    if (total > Math.min(BUCKETS_MAX, input.remaining)) throw corrupt(`a span is too long; got ${length}`);
    if (next < INDEX_MIN || next + length - 1 > INDEX_MAX) throw corrupt(`a bucket index is out of range; got ${next}`);
    starts.push(next);
    lengths.push(length);
    next += length;
  }
  const indexes = new Int32Array(total);
  for (let span = 0, at = 0; span < spans; span++) {
    for (let i = 0; i < lengths[span]; i++) indexes[at++] = starts[span] + i;
  }
  return indexes;
}

/** The binary form as bytes of its own. */
export function histogramToBytes(h: NativeHistogram): Uint8Array {
  const out = new ByteWriter(64);
  encodeHistogram(out, h);
  return out.finish();
}

/** The histogram that fills `bytes`. Trailing bytes are refused. */
export function histogramFromBytes(bytes: Uint8Array): NativeHistogram {
  const input = new ByteReader(bytes);
  const h = decodeHistogram(input);
  input.end();
  return h;
}
