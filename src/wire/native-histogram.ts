// Native histograms in protobuf. Remote write, remote read and the exposition format have messages of the same shape with other
// field numbers: counts as floats, buckets as spans (runs of indexes) and one count per bucket.
import { ByteWriter } from '../base/index.ts';
import { type BucketCounts, type NativeHistogram, type ResetHint, usesCustomBounds } from '../model/index.ts';
import { putBytes, putDouble, putInt, putSint } from './protobuf.ts';

/** Field numbers of a histogram message. */
interface Fields {
  readonly count: number;
  readonly sum: number;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly negativeSpans: number;
  readonly negativeCounts: number;
  readonly positiveSpans: number;
  readonly positiveCounts: number;
}

/** prometheus.Histogram and io.prometheus.write.v2.Histogram. */
const REMOTE: Fields = {
  count: 2,
  sum: 3,
  schema: 4,
  zeroThreshold: 5,
  zeroCount: 7,
  negativeSpans: 8,
  negativeCounts: 10,
  positiveSpans: 11,
  positiveCounts: 13,
};
const RESET_HINT = 14;
const TIMESTAMP = 15;
const CUSTOM_VALUES = 16;

/** io.prometheus.client.Histogram. */
const CLIENT: Fields = {
  count: 4,
  sum: 2,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 8,
  negativeSpans: 9,
  negativeCounts: 11,
  positiveSpans: 12,
  positiveCounts: 14,
};

const HINTS: Readonly<Record<ResetHint, number>> = { unknown: 0, reset: 1, not_reset: 2, gauge: 3 };

/** Runs of indexes: how far each begins behind the end of the one before, and how long it is. */
export function spansOf(indexes: Int32Array): { offset: number; length: number }[] {
  const spans: { offset: number; length: number }[] = [];
  let end = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last && index === end) last.length++;
    else spans.push({ offset: index - end, length: 1 });
    end = index + 1;
  }
  return spans;
}

function putDoubles(out: ByteWriter, field: number, values: Float64Array): void {
  if (values.length === 0) return;
  const packed = new ByteWriter(values.length * 8);
  for (const value of values) packed.f64(value);
  putBytes(out, field, packed.view());
}

function putBuckets(out: ByteWriter, spans: number, counts: number, buckets: BucketCounts): void {
  const span = new ByteWriter(16);
  for (const { offset, length } of spansOf(buckets.indexes)) {
    span.clear();
    putSint(span, 1, offset);
    putInt(span, 2, length);
    putBytes(out, spans, span.view());
  }
  putDoubles(out, counts, buckets.counts);
}

function putHistogram(out: ByteWriter, fields: Fields, h: NativeHistogram): void {
  putDouble(out, fields.count, h.count);
  putDouble(out, fields.sum, h.sum);
  putSint(out, fields.schema, h.schema);
  putDouble(out, fields.zeroThreshold, h.zeroThreshold);
  if (!usesCustomBounds(h)) putDouble(out, fields.zeroCount, h.zeroCount);
  putBuckets(out, fields.negativeSpans, fields.negativeCounts, h.negative);
  putBuckets(out, fields.positiveSpans, fields.positiveCounts, h.positive);
}

/** The fields of a histogram sample of remote write and remote read. */
export function putRemoteHistogram(out: ByteWriter, h: NativeHistogram, timestampMs: number): void {
  putHistogram(out, REMOTE, h);
  putInt(out, RESET_HINT, HINTS[h.resetHint]);
  putInt(out, TIMESTAMP, timestampMs);
  putDoubles(out, CUSTOM_VALUES, h.customBounds);
}

/** The fields of io.prometheus.client.Histogram. Without observations an empty span says that it is a native one. */
export function putClientHistogram(out: ByteWriter, h: NativeHistogram): void {
  putHistogram(out, CLIENT, h);
  const isBare = h.positive.counts.length + h.negative.counts.length === 0 && h.zeroThreshold === 0;
  if (isBare) putBytes(out, CLIENT.positiveSpans, new Uint8Array(0));
}
