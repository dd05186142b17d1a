// The reading of native histograms of remote write and remote read: the inverse of remote-write-histogram.ts.
import { corruptError } from '../base/index.ts';
import {
  type BucketCounts,
  type NativeHistogram,
  type ResetHint,
  STALE_NAN_BITS,
  newHistogram,
  shapeProblem,
  toSchema,
} from '../model/index.ts';
import { ProtoReader } from './protobuf.ts';
import type { WireHistogram } from './remote-write-histogram.ts';

/** Buckets of a side at most: spans are lengths, and a few bytes could ask for any number of them. */
const BUCKETS_MAX = 1 << 20;
const SCHEMA_STORED_MAX = 8;
const SCHEMA_MAX = 52;
const HINTS: readonly ResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];

interface Side {
  readonly spans: { readonly offset: number; readonly length: number }[];
  readonly deltas: number[];
  readonly counts: number[];
}

const newSide = (): Side => ({ spans: [], deltas: [], counts: [] });

interface Numbers {
  schema: number;
  sumBits: bigint;
  zeroThreshold: number;
  count: number;
  zeroCount: number;
  isFloat: boolean;
  hint: number;
  timestampMs: number;
}

function readNumber(input: ProtoReader, numbers: Numbers): void {
  const { field } = input;
  if (field === 1) numbers.count = input.uint();
  else if (field === 2) [numbers.count, numbers.isFloat] = [input.double(), true];
  else if (field === 3) numbers.sumBits = input.fixed64();
  else if (field === 4) numbers.schema = input.sint();
  else if (field === 5) numbers.zeroThreshold = input.double();
  else if (field === 6) numbers.zeroCount = input.uint();
  else if (field === 7) numbers.zeroCount = input.double();
  else if (field === 14) numbers.hint = input.uint();
  else if (field === 15) numbers.timestampMs = input.int();
  else input.skip();
}

/** Reads a prometheus.Histogram message. Throws corrupt errors. */
export function readHistogram(message: Uint8Array): WireHistogram {
  const input = new ProtoReader(message);
  const numbers: Numbers = {
    schema: 0,
    sumBits: 0n,
    zeroThreshold: 0,
    count: 0,
    zeroCount: 0,
    isFloat: false,
    hint: 0,
    timestampMs: 0,
  };
  const [negative, positive, bounds] = [newSide(), newSide(), [] as number[]];
  while (input.next()) {
    const { field } = input;
    const side = field < 11 ? negative : positive;
    if (field === 8 || field === 11) side.spans.push(readSpan(input.message()));
    else if (field === 9 || field === 12) input.sints(side.deltas);
    else if (field === 10 || field === 13) input.doubles(side.counts);
    else if (field === 16) input.doubles(bounds);
    else readNumber(input, numbers);
  }
  const { schema, zeroThreshold, count, zeroCount, hint, timestampMs, sumBits } = numbers;
  const histogram = newHistogram({
    schema,
    resetHint: HINTS[hint] ?? 'unknown',
    count,
    sum: floatOf(sumBits),
    zeroThreshold,
    zeroCount,
    positive: spread(positive, numbers.isFloat),
    negative: spread(negative, numbers.isFloat),
    customBounds: Float64Array.from(bounds),
  });
  return { timestampMs, histogram: checked(histogram), stale: sumBits === STALE_NAN_BITS };
}

const floatOf = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0];

/** Of a known schema, finer ones brought down to what is stored. */
function checked(h: NativeHistogram): NativeHistogram {
  const stored = h.schema > SCHEMA_STORED_MAX && h.schema <= SCHEMA_MAX ? toSchema(h, SCHEMA_STORED_MAX) : h;
  const problem = shapeProblem(stored);
  if (problem !== null) throw corruptError(`cannot decode histogram: ${problem}`);
  return stored;
}

function readSpan(input: ProtoReader): { offset: number; length: number } {
  let [offset, length] = [0, 0];
  while (input.next()) {
    if (input.field === 1) offset = input.sint();
    else if (input.field === 2) length = input.uint();
    else input.skip();
  }
  return { offset, length };
}

function spread({ spans, deltas, counts }: Side, isFloat: boolean): BucketCounts {
  const total = spans.reduce((sum, { length }) => sum + length, 0);
  const given = isFloat ? counts : deltas;
  if (total !== given.length || total > BUCKETS_MAX) {
    throw corruptError(`cannot decode histogram: spans hold ${total} buckets; got ${given.length}`);
  }
  const out = { indexes: new Int32Array(total), counts: new Float64Array(total) };
  let [index, bucket, sum] = [0, 0, 0];
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++, index++, bucket++) {
      if (index < -(2 ** 31) || index >= 2 ** 31) throw corruptError(`cannot decode histogram: no bucket ${index}`);
      sum += isFloat ? 0 : deltas[bucket];
      out.indexes[bucket] = index;
      out.counts[bucket] = isFloat ? counts[bucket] : sum;
    }
  }
  return out;
}
