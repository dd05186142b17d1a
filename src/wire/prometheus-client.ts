// The protobuf exposition format: delimited io.prometheus.client.MetricFamily messages, as client libraries send them. It is made
// into text format 0.0.4, which the kernel parses: one way for all scrapes. A classic histogram gives _count, _sum and _bucket
// lines, in the order in which Prometheus takes them. Native buckets have no lines: where they are wanted, they are given beside the
// text, as the fields of remote write's histograms. Exemplars are given by the row of the text they belong to.
//
//   body      (varint length, MetricFamily) ...
//   family    1 name · 2 help · 3 type · 4 metrics · 5 unit
//   exemplar  1 labels · 2 value · 3 timestamp (1 seconds · 2 nanoseconds)      of counters (2), buckets (3), histograms (16)
//   metric    1 labels · 2 gauge · 3 counter · 4 summary · 5 untyped · 6 time in ms · 7 histogram
import { ByteReader, ByteWriter, TidemarkError, corruptError, errorText, isCorrupt, utf8 } from '../base/index.ts';
import { formatG } from '../model/index.ts';
import { isPlainName } from './exposition-names.ts';
import { type ExposedExemplar, readClientExemplar, sortExemplars } from './prometheus-exemplars.ts';
import { ProtoReader, putBytes, putDouble, putInt } from './protobuf.ts';

const TYPES = ['counter', 'gauge', 'summary', 'untyped', 'histogram', 'gaugehistogram'] as const;
type FamilyType = (typeof TYPES)[number];

/** A line to be: suffix of the name, one more label, the value. */
type Line = readonly [
  suffix: string,
  label: string,
  labelValue: string,
  value: number,
  exemplar?: ExposedExemplar | null,
];

interface FamilyHead {
  name: string;
  help: string;
  type: FamilyType;
  readonly metrics: Uint8Array[];
}

/** What is to be made of histograms that have native buckets. */
export interface ProtobufOptions {
  /** Native ones are wanted. */
  readonly native: boolean;
  /** Classic ones too, where both are there. */
  readonly alwaysClassic: boolean;
}

/** A native histogram of a body. */
export interface ExposedHistogram {
  /** The series as a line of text begins: name and labels. */
  readonly series: Uint8Array;
  /** Null: that of the scrape. */
  readonly timestampMs: number | null;
  /** When it began to count; 0: not known. */
  readonly startMs: number;
  /** Fields of prometheus.Histogram, all but the timestamp. */
  readonly fields: Uint8Array;
  /** Those that have a time of their own, in order. */
  readonly exemplars: readonly ExposedExemplar[];
}

/** A body taken apart. */
export interface ExposedProtobuf {
  readonly text: Uint8Array;
  readonly histograms: readonly ExposedHistogram[];
  /** By the number of the sample line in the text. */
  readonly exemplars: ReadonlyMap<number, ExposedExemplar>;
  /** Start times of the text's sample lines, in ms, 0 for none; null: there are none. */
  readonly starts: Float64Array | null;
}

const CLASSIC_ONLY: ProtobufOptions = { native: false, alwaysClassic: false };

/** The body as text. Throws TidemarkError `bad_exposition`. */
export const protobufToText = (body: Uint8Array): Uint8Array => readProtobufExposition(body, CLASSIC_ONLY).text;

/** The body as text and native histograms. Throws TidemarkError `bad_exposition`. */
export function readProtobufExposition(body: Uint8Array, options: ProtobufOptions): ExposedProtobuf {
  try {
    const out: Output = {
      text: new ByteWriter(body.length * 4 + 1024),
      histograms: [],
      exemplars: new Map(),
      starts: [],
      options,
    };
    const input = new ByteReader(body);
    while (input.remaining > 0) writeFamily(out, input.block());
    const starts = out.starts.some((ms) => ms !== 0) ? Float64Array.from(out.starts) : null;
    return { text: out.text.finish(), histograms: out.histograms, exemplars: out.exemplars, starts };
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw new TidemarkError('bad_exposition', errorText(error), { cause: error });
  }
}

interface Output {
  readonly text: ByteWriter;
  readonly histograms: ExposedHistogram[];
  readonly exemplars: Map<number, ExposedExemplar>;
  /** By sample line. */
  readonly starts: number[];
  readonly options: ProtobufOptions;
}

function familyHead(message: Uint8Array): FamilyHead {
  const input = new ProtoReader(message);
  const head: FamilyHead = { name: '', help: '', type: 'counter', metrics: [] };
  while (input.next()) {
    if (input.field === 1) head.name = input.text();
    else if (input.field === 2) head.help = input.text();
    else if (input.field === 3) head.type = typeOf(input.uint());
    else if (input.field === 4) head.metrics.push(input.bytes());
    else input.skip();
  }
  if (head.name === '') throw corruptError('cannot decode metric family: it has no name');
  return head;
}

function typeOf(number: number): FamilyType {
  if (number in TYPES) return TYPES[number];
  throw corruptError(`cannot decode metric family: unknown metric type ${number}`);
}

const escapeHelp = (text: string): string => text.replace(/[\\\n]/g, (char) => (char === '\n' ? '\\n' : '\\\\'));
const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', '\\"');
const shownName = (name: string): string => (isPlainName(name) ? name : `"${escapeValue(name)}"`);

function writeFamily(out: Output, message: Uint8Array): void {
  const { name, help, type, metrics } = familyHead(message);
  const shown = shownName(name);
  if (help !== '') out.text.bytes(utf8(`# HELP ${shown} ${escapeHelp(help)}\n`));
  out.text.bytes(utf8(`# TYPE ${shown} ${type}\n`));
  for (const metric of metrics) writeMetric(out, name, type, metric);
}

function writeMetric(out: Output, name: string, type: FamilyType, message: Uint8Array): void {
  const input = new ProtoReader(message);
  const labels: string[] = [];
  let value: Uint8Array | null = null;
  let timestampMs: number | null = null;
  while (input.next()) {
    if (input.field === 1) labels.push(labelText(input.message()));
    else if (input.field === 6) timestampMs = input.int();
    else if (input.field === valueField(type)) value = input.bytes();
    else input.skip();
  }
  if (value === null) return;
  const isHistogram = type === 'histogram' || type === 'gaugehistogram';
  const fields = out.options.native && isHistogram ? nativeFields(value, type) : null;
  const startMs = createdMs(type, value);
  if (fields) {
    const exemplars = nativeExemplars(new ProtoReader(value));
    out.histograms.push({ series: utf8(seriesText(name, labels)), timestampMs, startMs, fields, exemplars });
  }
  if (fields && !out.options.alwaysClassic) return;
  const time = timestampMs === null ? '' : ` ${timestampMs}`;
  for (const [suffix, label, labelValue, number, exemplar] of linesOf(type, new ProtoReader(value))) {
    const more = label === '' ? labels : [...labels, `${label}="${labelValue}"`];
    out.text.bytes(utf8(`${seriesText(name + suffix, more)} ${formatG(number)}${time}\n`));
    if (exemplar) out.exemplars.set(out.starts.length, exemplar);
    out.starts.push(startMs);
  }
}

/** Which field of what a metric holds says when it began to count. */
const CREATED_FIELDS: Partial<Record<FamilyType, number>> = { counter: 3, summary: 4, histogram: 15 };

/** That time, 0 if there is none. */
function createdMs(type: FamilyType, message: Uint8Array): number {
  const created = CREATED_FIELDS[type];
  let ms = 0;
  for (const input = new ProtoReader(message); input.next(); ) {
    if (input.field === created) ms = timestampOf(input.message());
    else input.skip();
  }
  return ms;
}

/** google.protobuf.Timestamp: seconds and nanoseconds. */
function timestampOf(input: ProtoReader): number {
  let [seconds, nanos] = [0, 0];
  while (input.next()) {
    if (input.field === 1) seconds = input.int();
    else if (input.field === 2) nanos = input.int();
    else input.skip();
  }
  return seconds * 1000 + Math.floor(nanos / 1e6);
}

/** By field of io.prometheus.client.Histogram: that of prometheus.Histogram. */
const NATIVE_FIELDS: Readonly<Record<number, number>> = {
  2: 3,
  5: 4,
  6: 5,
  9: 8,
  10: 9,
  11: 10,
  12: 11,
  13: 12,
  14: 13,
};
const RESET_HINT = 14;
const GAUGE = 3;

/** The native buckets as fields of remote write; null: there are none, the histogram is a classic one. */
function nativeFields(message: Uint8Array, type: FamilyType): Uint8Array | null {
  const input = new ProtoReader(message);
  const out = new ByteWriter(message.length + 32);
  const counts = { whole: 0, float: 0, zeroWhole: 0, zeroFloat: 0 };
  let isNative = false;
  while (input.next()) {
    const { field } = input;
    if (field === 1) counts.whole = input.uint();
    else if (field === 4) counts.float = input.double();
    else if (field === 7) counts.zeroWhole = input.uint();
    else if (field === 8) counts.zeroFloat = input.double();
    else if (field === 9 || field === 12) {
      const span = input.bytes();
      isNative = true;
      if (span.length > 0) putBytes(out, NATIVE_FIELDS[field], span); // an empty one only says that it is a native one
    } else if (field in NATIVE_FIELDS) {
      if (field === 6) isNative = true;
      input.copy(out, NATIVE_FIELDS[field]);
    } else input.skip();
  }
  if (!isNative && counts.zeroWhole === 0 && counts.zeroFloat === 0) return null;
  putCounts(out, counts);
  if (type === 'gaugehistogram') putInt(out, RESET_HINT, GAUGE);
  return out.finish();
}

/** Counts are whole numbers, or floats if a float is there. */
function putCounts(
  out: ByteWriter,
  { whole, float, zeroWhole, zeroFloat }: Readonly<Record<'whole' | 'float' | 'zeroWhole' | 'zeroFloat', number>>,
): void {
  const isFloat = float > 0 || zeroFloat > 0;
  if (isFloat) {
    putDouble(out, 2, float);
    putDouble(out, 7, zeroFloat);
  } else {
    putInt(out, 1, whole);
    putInt(out, 6, zeroWhole);
  }
}

/** Names beyond identifiers stand in the braces. */
function seriesText(name: string, labels: readonly string[]): string {
  if (!isPlainName(name)) return `{${[shownName(name), ...labels].join(',')}}`;
  return labels.length === 0 ? name : `${name}{${labels.join(',')}}`;
}

function labelText(input: ProtoReader): string {
  let [name, value] = ['', ''];
  while (input.next()) {
    if (input.field === 1) name = input.text();
    else if (input.field === 2) value = input.text();
    else input.skip();
  }
  return `${shownName(name)}="${escapeValue(value)}"`;
}

/** Which field of a metric holds what its family's type says. */
function valueField(type: FamilyType): number {
  switch (type) {
    case 'gauge':
      return 2;
    case 'counter':
      return 3;
    case 'summary':
      return 4;
    case 'untyped':
      return 5;
    default:
      return 7;
  }
}

function linesOf(type: FamilyType, input: ProtoReader): Line[] {
  if (type === 'summary') return summaryLines(input);
  if (type === 'histogram' || type === 'gaugehistogram') return histogramLines(input);
  let value = 0;
  let exemplar: ExposedExemplar | null = null;
  while (input.next()) {
    if (input.field === 1) value = input.double();
    else if (input.field === 2 && type === 'counter') exemplar = readClientExemplar(input.message());
    else input.skip();
  }
  return [['', '', '', value, exemplar]];
}

/** Two numbers of a message. */
function pair(input: ProtoReader, first: (field: number) => number | null): { value: number; bound: number } {
  let [value, bound] = [0, 0];
  while (input.next()) {
    const found = first(input.field);
    if (found !== null) value = found;
    else if (input.field === 2) bound = input.double();
    else input.skip();
  }
  return { value, bound };
}

function summaryLines(input: ProtoReader): Line[] {
  let [count, sum] = [0, 0];
  const quantiles: Line[] = [];
  while (input.next()) {
    if (input.field === 1) count = input.uint();
    else if (input.field === 2) sum = input.double();
    else if (input.field === 3) {
      const message = input.message();
      const { value: of, bound: value } = pair(message, (field) => (field === 1 ? message.double() : null));
      quantiles.push(['', 'quantile', formatG(of), value]);
    } else input.skip();
  }
  return [['_count', '', '', count], ['_sum', '', '', sum], ...quantiles];
}

interface Bucket {
  value: number;
  bound: number;
  exemplar: ExposedExemplar | null;
}

function bucketOf(input: ProtoReader): Bucket {
  const bucket: Bucket = { value: 0, bound: 0, exemplar: null };
  while (input.next()) {
    if (input.field === 1) bucket.value = input.uint();
    else if (input.field === 2) bucket.bound = input.double();
    else if (input.field === 3) bucket.exemplar = readClientExemplar(input.message());
    else if (input.field === 4) bucket.value = input.double();
    else input.skip();
  }
  return bucket;
}

const NATIVE_EXEMPLARS = 16;

/** Those of the histogram, or if it has none those of its buckets; without a time of their own they are left out, as Prometheus does. */
function nativeExemplars(input: ProtoReader): ExposedExemplar[] {
  const own: ExposedExemplar[] = [];
  const ofBuckets: ExposedExemplar[] = [];
  while (input.next()) {
    if (input.field === NATIVE_EXEMPLARS) own.push(readClientExemplar(input.message()));
    else if (input.field === 3) {
      const { exemplar } = bucketOf(input.message());
      if (exemplar) ofBuckets.push(exemplar);
    } else input.skip();
  }
  return sortExemplars((own.length > 0 ? own : ofBuckets).filter(({ timestampMs }) => timestampMs !== undefined));
}

function histogramLines(input: ProtoReader): Line[] {
  let [count, floatCount, sum] = [0, 0, 0];
  let hasInfinite = false;
  const buckets: Line[] = [];
  while (input.next()) {
    if (input.field === 1) count = input.uint();
    else if (input.field === 2) sum = input.double();
    else if (input.field === 4) floatCount = input.double();
    else if (input.field === 3) {
      const { value, bound, exemplar } = bucketOf(input.message());
      hasInfinite ||= bound === Infinity;
      buckets.push(['_bucket', 'le', formatG(bound), value, exemplar]);
    } else input.skip();
  }
  // A histogram has one kind of counts: floats if they are not zero.
  const total = floatCount > 0 ? floatCount : count;
  if (!hasInfinite) buckets.push(['_bucket', 'le', '+Inf', total]);
  return [['_count', '', '', total], ['_sum', '', '', sum], ...buckets];
}
