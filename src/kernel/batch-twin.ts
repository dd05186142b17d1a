// Decoder of batches (docs/formats/batch.md) in plain TypeScript: for tests, for dumps of the log, and for the
// shard's twin. A SegmentState carries what the batches of a log segment have defined so far; a corrupt batch leaves
// it as it was.
import { ByteReader, TidemarkError, corruptError, errorText, isCorrupt } from '../base/index.ts';
import { histogramFromBytes } from '../model/index.ts';
import { type BatchExemplar, decodeExemplars } from './batch-twin-exemplars.ts';
import { byteText } from './intake-twin-labels.ts';

const VERSION = 1;
const TAGS = { symbols: 1, series: 2, samples: 3, stale: 4, histograms: 5, exemplars: 6, started: 8 } as const;
const TIME_BOUND = 2n ** 53n;

/** A series that a segment defined. */
export interface SegmentSeries {
  readonly idLow: bigint;
  readonly idHigh: bigint;
  /** Symbol numbers: name, value, name, value, ... sorted by name. */
  readonly labels: Uint32Array;
}

/** A series ended at a time. */
export interface StaleMark {
  readonly idLow: bigint;
  readonly idHigh: bigint;
  readonly timestampMs: number;
}

/** A native histogram of series `ref`; `bytes` as in docs/formats/histogram.md. */
export interface BatchHistogram {
  readonly ref: number;
  readonly timestampMs: number;
  readonly bytes: Uint8Array;
}

/** A sample of series `ref` with a start time: raw bits of a double, or the bytes of a native histogram. */
export interface BatchStarted {
  readonly ref: number;
  readonly timestampMs: number;
  readonly startMs: number;
  readonly value: bigint | Uint8Array;
}

/** What the batches of a log segment have defined, by number. */
export interface SegmentState {
  readonly symbols: Uint8Array[];
  readonly series: SegmentSeries[];
}

/** The state at the start of a segment: no symbols, no series. */
export const newSegmentState = (): SegmentState => ({ symbols: [], series: [] });

/** A batch in rows: sample i is of series refs[i] at timesMs[i] with the raw value bits valueBits[i]. */
export interface DecodedBatch {
  readonly tenant: Uint8Array;
  /** How many of the segment's symbols and series this batch defined: the last ones. */
  readonly symbolsNew: number;
  readonly seriesNew: number;
  readonly refs: Uint32Array;
  readonly timesMs: Float64Array;
  readonly valueBits: BigUint64Array;
  readonly stale: readonly StaleMark[];
  readonly histograms: readonly BatchHistogram[];
  /** How many exemplars the shard keeps from here on; null: the batch has none, and nothing changes. */
  readonly exemplarsMax: number | null;
  readonly exemplars: readonly BatchExemplar[];
  readonly started: readonly BatchStarted[];
}

/** The labels of a segment's series as text. */
export function segmentLabels(segment: SegmentState, ref: number): [name: string, value: string][] {
  const { labels } = segment.series[ref];
  const text = (symbol: number): string => new TextDecoder().decode(segment.symbols[symbol]);
  return Array.from({ length: labels.length / 2 }, (_, i) => [text(labels[2 * i]), text(labels[2 * i + 1])]);
}

/** Decodes a batch and adds its definitions to the segment. Throws a corrupt error that names the offset. */
export function decodeBatch(payload: Uint8Array, segment: SegmentState): DecodedBatch {
  const reader = new ByteReader(payload);
  const version = reader.u8();
  if (version !== VERSION) throw newer(`version ${version}`, 0);
  const tenant = reader.block();
  const { symbols, series } = segment;
  const before = { symbols: symbols.length, series: series.length };
  try {
    const body = decodeSections(reader, segment);
    const symbolsNew = symbols.length - before.symbols;
    return { tenant, symbolsNew, seriesNew: series.length - before.series, ...body };
  } catch (error) {
    symbols.length = before.symbols;
    series.length = before.series;
    throw error;
  }
}

type Body = Omit<DecodedBatch, 'tenant' | 'symbolsNew' | 'seriesNew'>;
type Samples = Pick<Body, 'refs' | 'timesMs' | 'valueBits'>;
type Exemplars = Pick<Body, 'exemplarsMax' | 'exemplars'>;

function decodeSections(reader: ByteReader, segment: SegmentState): Body {
  let samples: Samples = {
    refs: new Uint32Array(0),
    timesMs: new Float64Array(0),
    valueBits: new BigUint64Array(0),
  };
  let stale: StaleMark[] = [];
  let histograms: BatchHistogram[] = [];
  let exemplars: Exemplars = { exemplarsMax: null, exemplars: [] };
  let started: BatchStarted[] = [];
  let last = 0;
  while (reader.remaining > 0) {
    const at = reader.offset;
    const tag = reader.u8();
    if (tag <= last) throw corrupt(`section ${tag} follows section ${last}`, at);
    last = tag;
    const length = reader.u32();
    reader.take(length);
    const payload = new ByteReader(reader.bytes.subarray(0, reader.offset), reader.offset - length);
    if (tag === TAGS.symbols) decodeSymbols(payload, segment);
    else if (tag === TAGS.series) decodeSeries(payload, segment);
    else if (tag === TAGS.samples) samples = decodeSamples(payload, segment.series.length);
    else if (tag === TAGS.stale) stale = decodeStale(payload);
    else if (tag === TAGS.histograms) histograms = decodeHistograms(payload, segment.series.length);
    else if (tag === TAGS.exemplars) exemplars = decodeExemplars(payload);
    else if (tag === TAGS.started) started = decodeStarted(payload, segment.series.length);
    else throw newer(`section ${tag}`, at);
    payload.end();
  }
  return { ...samples, stale, histograms, started, ...exemplars };
}

/** The first number and the count of definitions; they must go on where the segment stands. */
function definitions(reader: ByteReader, kind: string, have: number, itemBytesMin: number): number {
  const at = reader.offset;
  const first = reader.varint();
  if (first !== have) throw corrupt(`the first ${kind} is number ${first} where the segment has ${have}`, at);
  return countOf(reader, itemBytesMin);
}

/** A count that the bytes behind it can hold. */
function countOf(reader: ByteReader, itemBytesMin: number): number {
  const at = reader.offset;
  const count = reader.varint();
  if (count * itemBytesMin > reader.remaining) throw corrupt(`a count of ${count} exceeds its section`, at);
  return count;
}

function decodeSymbols(reader: ByteReader, { symbols }: SegmentState): void {
  const count = definitions(reader, 'symbol', symbols.length, 1);
  for (let i = 0; i < count; i++) symbols.push(reader.block().slice());
}

function decodeSeries(reader: ByteReader, { symbols, series }: SegmentState): void {
  const count = definitions(reader, 'series', series.length, 17);
  for (let i = 0; i < count; i++) {
    const idLow = reader.u64();
    const idHigh = reader.u64();
    const labels = new Uint32Array(countOf(reader, 2) * 2);
    for (let j = 0; j < labels.length; j++) labels[j] = symbolNumber(reader, symbols.length);
    checkOrder(labels, symbols, reader.offset);
    series.push({ idLow, idHigh, labels });
  }
}

function symbolNumber(reader: ByteReader, symbolCount: number): number {
  const at = reader.offset;
  const symbol = reader.varint();
  if (symbol >= symbolCount) throw corrupt(`symbol ${symbol} is not defined`, at);
  return symbol;
}

function checkOrder(labels: Uint32Array, symbols: readonly Uint8Array[], at: number): void {
  for (let i = 0; i < labels.length; i += 2) {
    const name = byteText(symbols[labels[i]]);
    if (name === '' || symbols[labels[i + 1]].length === 0) throw corrupt('a label is empty', at);
    if (i > 0 && byteText(symbols[labels[i - 2]]) >= name) throw corrupt('labels are not sorted', at);
  }
}

function decodeSamples(reader: ByteReader, seriesCount: number): Samples {
  const count = countOf(reader, 10);
  const refsBytes = reader.u32();
  const timesBytes = reader.u32();
  const refs = decodeRefs(sub(reader, refsBytes), count, seriesCount);
  const timesMs = decodeTimes(sub(reader, timesBytes), count);
  const values = reader.take(count * 8).slice();
  return { refs, timesMs, valueBits: new BigUint64Array(values.buffer) };
}

function decodeHistograms(reader: ByteReader, seriesCount: number): BatchHistogram[] {
  const count = countOf(reader, 14);
  const refsBytes = reader.u32();
  const timesBytes = reader.u32();
  const refs = decodeRefs(sub(reader, refsBytes), count, seriesCount);
  const timesMs = decodeTimes(sub(reader, timesBytes), count);
  return Array.from(refs, (ref, i) => {
    const at = reader.offset;
    const bytes = reader.block().slice();
    checkHistogram(bytes, at);
    return { ref, timestampMs: timesMs[i], bytes };
  });
}

function decodeStarted(reader: ByteReader, seriesCount: number): BatchStarted[] {
  const count = countOf(reader, 12);
  const [refsBytes, timesBytes, startsBytes] = [reader.u32(), reader.u32(), reader.u32()];
  const refs = decodeRefs(sub(reader, refsBytes), count, seriesCount);
  const timesMs = decodeTimes(sub(reader, timesBytes), count);
  const startsMs = decodeTimes(sub(reader, startsBytes), count);
  return Array.from(refs, (ref, i) => {
    const at = reader.offset;
    const bytes = reader.block().slice();
    if (startsMs[i] === 0) throw corrupt('a start time is 0', at);
    if (bytes.length !== 8) checkHistogram(bytes, at);
    const value = bytes.length === 8 ? new BigUint64Array(bytes.buffer)[0] : bytes;
    return { ref, timestampMs: timesMs[i], startMs: startsMs[i], value };
  });
}

/** Shorter ones are what the head keeps doubles as. */
const HISTOGRAM_BYTES_MIN = 9;

function checkHistogram(bytes: Uint8Array, at: number): void {
  if (bytes.length < HISTOGRAM_BYTES_MIN) throw corrupt(`a histogram has ${bytes.length} bytes`, at);
  try {
    histogramFromBytes(bytes);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw corrupt(`a histogram is malformed: ${errorText(error)}`, at);
  }
}

/** A reader that ends `length` bytes on; offsets stay those of the batch. */
function sub(reader: ByteReader, length: number): ByteReader {
  const at = reader.offset;
  reader.take(length);
  return new ByteReader(reader.bytes.subarray(0, reader.offset), at);
}

function decodeRefs(reader: ByteReader, count: number, seriesCount: number): Uint32Array {
  const refs = new Uint32Array(count);
  let next = 0;
  for (let i = 0; i < count; i++) {
    const at = reader.offset;
    const ref = next + reader.zigzag();
    if (ref < 0 || ref >= seriesCount) throw corrupt(`series ${ref} is not defined`, at);
    refs[i] = ref;
    next = ref + 1;
  }
  reader.end();
  return refs;
}

function decodeTimes(reader: ByteReader, count: number): Float64Array {
  const timesMs = new Float64Array(count);
  let time = 0n;
  for (let i = 0; i < count; i++) {
    time = checkTime(time + readZigzag(reader), reader.offset);
    timesMs[i] = Number(time);
  }
  reader.end();
  return timesMs;
}

function decodeStale(reader: ByteReader): StaleMark[] {
  const count = countOf(reader, 17);
  return Array.from({ length: count }, () => {
    const idLow = reader.u64();
    const idHigh = reader.u64();
    return { idLow, idHigh, timestampMs: Number(checkTime(readZigzag(reader), reader.offset)) };
  });
}

function checkTime(time: bigint, at: number): bigint {
  if (time >= TIME_BOUND || time <= -TIME_BOUND) throw corrupt(`the time ${time} is out of range`, at);
  return time;
}

/** Zigzag of differences of times: up to 55 bits, more than ByteReader's. */
function readZigzag(reader: ByteReader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 63n; shift += 7n) {
    const byte = reader.u8();
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  }
  throw corrupt('a time is longer than nine bytes', reader.offset);
}

const corrupt = (fact: string, at: number): TidemarkError =>
  corruptError(`cannot decode batch at offset ${at}: ${fact}`);

const newer = (what: string, at: number): TidemarkError =>
  new TidemarkError('newer_version', `cannot decode batch at offset ${at}: ${what} is of a newer version`);
