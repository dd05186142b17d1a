// Native histograms in the protobuf form of exposition: counts as floats, buckets as spans (runs of indexes) and one count per
// bucket.
import { ByteWriter } from '../base/index.ts';
import type { BucketCounts, NativeHistogram } from '../model/index.ts';
import { putBytes, putDouble, putInt, putSint } from './protobuf.ts';

/** Field numbers of io.prometheus.client.Histogram. */
const FIELDS = {
  sum: 2,
  count: 4,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 8,
  negativeSpans: 9,
  negativeCounts: 11,
  positiveSpans: 12,
  positiveCounts: 14,
} as const;

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

/** Appends the fields of a histogram of floats. Without observations an empty span says that it is a native one. */
export function putClientHistogram(out: ByteWriter, h: NativeHistogram): void {
  putDouble(out, FIELDS.count, h.count);
  putDouble(out, FIELDS.sum, h.sum);
  putSint(out, FIELDS.schema, h.schema);
  putDouble(out, FIELDS.zeroThreshold, h.zeroThreshold);
  putDouble(out, FIELDS.zeroCount, h.zeroCount);
  putBuckets(out, FIELDS.negativeSpans, FIELDS.negativeCounts, h.negative);
  putBuckets(out, FIELDS.positiveSpans, FIELDS.positiveCounts, h.positive);
  const isBare = h.positive.counts.length + h.negative.counts.length === 0 && h.zeroThreshold === 0;
  if (isBare) putBytes(out, FIELDS.positiveSpans, new Uint8Array(0));
}
