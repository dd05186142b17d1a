// Writing the formats that a scraper reads: Prometheus text (0.0.4, and 1.0.0 which differs in its names only) and delimited
// io.prometheus.client.MetricFamily. Samples are untyped, with their times: what /federate gives.
import { ByteWriter, utf8 } from '../base/index.ts';
import { type NativeHistogram, bucketsOf, formatG, usesCustomBounds } from '../model/index.ts';
import { type NameEscaping, escapeName, isPlainName } from './exposition-names.ts';
import { putClientHistogram } from './native-histogram.ts';
import { putBytes, putDouble, putInt, putText } from './protobuf.ts';

/** One sample of a family. Labels without the metric's name, in the order they are written; values may be empty. */
export interface FamilySample {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly timestampMs: number;
  readonly value: number;
  readonly histogram: NativeHistogram | null;
}

const escapeValue = (text: string): string => text.replace(/[\\\n"]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));

const writtenName = (name: string): string => (isPlainName(name) ? name : `"${escapeValue(name)}"`);

/** The TYPE line of a family. */
export const textFamilyHead = (name: string, escaping: NameEscaping): string =>
  `# TYPE ${writtenName(escapeName(name, escaping))} untyped\n`;

/** The line of a sample. Names beyond identifiers stand in the braces. */
export function textSample(family: string, sample: FamilySample, escaping: NameEscaping): string {
  const name = escapeName(family, escaping);
  const isOutside = isPlainName(name);
  const parts = isOutside ? [] : [writtenName(name)];
  for (const [label, value] of sample.labels)
    parts.push(`${writtenName(escapeName(label, escaping))}="${escapeValue(value)}"`);
  const braces = parts.length === 0 ? '' : `{${parts.join(',')}}`;
  const value = sample.value + 0; // a negative zero is written as 0
  return `${isOutside ? name : ''}${braces} ${formatG(value)} ${sample.timestampMs}\n`;
}

/** Numbers of io.prometheus.client.MetricType. */
const TYPES = { untyped: 3, histogram: 4, gaugeHistogram: 5 } as const;

/** A family as a delimited message. All its samples are floats, or all are histograms of one kind. */
export function encodeFamily(family: string, samples: readonly FamilySample[], escaping: NameEscaping): Uint8Array {
  const out = new ByteWriter(256);
  putText(out, 1, escapeName(family, escaping));
  putInt(out, 3, TYPES[familyKind(samples[0])]);
  const metric = new ByteWriter(256);
  for (const sample of samples) {
    metric.clear();
    putMetric(metric, sample, escaping);
    putBytes(out, 4, metric.view());
  }
  const delimited = new ByteWriter(out.length + 8);
  delimited.block(out.view());
  return delimited.finish();
}

/** What a sample's family says of it. Samples of different kinds cannot share one. */
export function familyKind({ histogram }: FamilySample): keyof typeof TYPES {
  if (histogram === null) return 'untyped';
  return histogram.resetHint === 'gauge' ? 'gaugeHistogram' : 'histogram';
}

function putMetric(out: ByteWriter, { labels, timestampMs, value, histogram }: FamilySample, escaping: NameEscaping) {
  const part = new ByteWriter(64);
  for (const [name, text] of labels) {
    part.clear();
    putText(part, 1, escapeName(name, escaping));
    putBytes(part, 2, utf8(text)); // proto2: there, also if it is empty
    putBytes(out, 1, part.view());
  }
  part.clear();
  if (histogram === null) {
    putDouble(part, 1, value);
    putBytes(out, 5, part.view());
  } else {
    if (usesCustomBounds(histogram)) putClassicBuckets(part, histogram);
    else putClientHistogram(part, histogram);
    putBytes(out, 7, part.view());
  }
  putInt(out, 6, timestampMs);
}

/** Custom bounds have no form of their own in this format: they are classic buckets. */
function putClassicBuckets(out: ByteWriter, h: NativeHistogram): void {
  putDouble(out, 4, h.count);
  putDouble(out, 2, h.sum);
  const bucket = new ByteWriter(32);
  const counts = new Map(bucketsOf(h, 'positive').map(({ upper, count }) => [upper, count]));
  let total = 0;
  for (const bound of [...h.customBounds, Infinity]) {
    total += counts.get(bound) ?? 0;
    bucket.clear();
    putDouble(bucket, 4, total);
    putDouble(bucket, 2, bound);
    putBytes(out, 3, bucket.view());
  }
}
