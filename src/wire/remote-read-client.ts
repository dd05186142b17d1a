// The other side of remote-read.ts: requests out, and both kinds of answers in. Answers come from outside: whatever they say, memory
// is that of their samples, and what is malformed ends in a corrupt error.
import { ByteReader, ByteWriter, TidemarkError, crc32c, corruptError } from '../base/index.ts';
import { Labels, type MatchOperator, type NativeHistogram, compareUtf8, histogramBytes } from '../model/index.ts';
import { decodeSnappy } from '../kernel/index.ts';
import { type ChunkSamples, decodeChunk } from './prometheus-chunk-files.ts';
import { SampleBuffer } from './prometheus-float-chunks.ts';
import { ProtoReader, putBytes, putInt, putText } from './protobuf.ts';
import type { ReadQuery } from './remote-read.ts';
import { readHistogram } from './remote-write-histogram-read.ts';
import { compressSnappy } from './snappy.ts';

const OPERATORS: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];
/** By their numbers: STREAMED_XOR_CHUNKS, then SAMPLES. */
const ACCEPTED = [1, 0];

/** A histogram of a remote series. */
export interface RemoteHistogram {
  readonly timeMs: number;
  /** Null: the series has ended. */
  readonly histogram: NativeHistogram | null;
}

/** Samples of a series in an answer; the same series may come several times. */
export interface RemoteReadSeries {
  readonly labels: Labels;
  readonly floats: SampleBuffer;
  readonly histograms: readonly RemoteHistogram[];
}

/** A request of one query for the answers that can be read here, compressed. */
export function encodeReadRequest({ startMs, endMs, matchers }: ReadQuery): Uint8Array {
  const query = new ByteWriter();
  putInt(query, 1, startMs);
  putInt(query, 2, endMs);
  for (const { name, op, value } of matchers) {
    const matcher = new ByteWriter();
    putInt(matcher, 1, OPERATORS.indexOf(op));
    putText(matcher, 2, name);
    putText(matcher, 3, value);
    putBytes(query, 3, matcher.view());
  }
  const out = new ByteWriter();
  putBytes(out, 1, query.view());
  for (const type of ACCEPTED) putInt(out, 2, type);
  return compressSnappy(out.view());
}

/** Whether a Content-Type announces frames of chunks. */
export const isChunkedAnswer = (contentType: string): boolean =>
  /^\s*application\/x-streamed-protobuf/i.test(contentType);

/** Error code of answers with more samples than were allowed: a few bytes may stand for many. */
export const TOO_MANY_REMOTE_SAMPLES = 'too_many_remote_samples';

/** A histogram counts as so many samples as have its size, about. */
const SAMPLE_BYTES = 64;

/** How many samples a histogram counts as. */
export const histogramWeight = (h: NativeHistogram | null): number =>
  h === null ? 1 : Math.ceil(histogramBytes(h) / SAMPLE_BYTES);

/** Adds up the samples of an answer. */
class SampleLimit {
  readonly #max: number;
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(count: number): void {
    this.#count += count;
    if (this.#count <= this.#max) return;
    const text = `cannot decode read response: it has more than ${this.#max} samples`;
    throw new TidemarkError(TOO_MANY_REMOTE_SAMPLES, text);
  }
}

/**
 * The series of an answer of samples. `bytesMax`: of the decompressed message. Throws corrupt errors, and TidemarkError
 * TOO_MANY_REMOTE_SAMPLES.
 */
export function decodeReadResponse(body: Uint8Array, bytesMax: number, samplesMax: number): RemoteReadSeries[] {
  const message = decodeSnappy(body, bytesMax);
  if (!(message instanceof Uint8Array)) {
    throw corruptError(
      `cannot decode read response: ${message === -1 ? 'snappy: corrupt input' : `it is larger than ${bytesMax} bytes`}`,
    );
  }
  const input = new ProtoReader(message);
  const limit = new SampleLimit(samplesMax);
  const out: RemoteReadSeries[] = [];
  while (input.next()) {
    if (input.field !== 1) input.skip();
    else for (const series of repeated(input.message(), 1)) out.push(readSeries(series, limit));
  }
  return out;
}

/** The messages of a repeated field. */
function* repeated(input: ProtoReader, field: number): Generator<ProtoReader> {
  while (input.next()) {
    if (input.field === field) yield input.message();
    else input.skip();
  }
}

function readSeries(input: ProtoReader, limit: SampleLimit): RemoteReadSeries {
  const pairs: [string, string][] = [];
  const floats = new SampleBuffer(INITIAL_SAMPLES);
  const histograms: RemoteHistogram[] = [];
  while (input.next()) {
    if (input.field === 1) pairs.push(readLabel(input.message()));
    else if (input.field === 2) readSample(input.message(), floats);
    else if (input.field === 4) {
      const { timestampMs, histogram, stale } = readHistogram(input.bytes());
      histograms.push({ timeMs: timestampMs, histogram: stale ? null : histogram });
      limit.add(histogramWeight(histogram));
    } else input.skip();
  }
  limit.add(floats.count);
  return { labels: labelsOf(pairs), floats, histograms };
}

/** Most series are short. */
const INITIAL_SAMPLES = 64;

function readLabel(input: ProtoReader): [string, string] {
  let [name, value] = ['', ''];
  while (input.next()) {
    if (input.field === 1) name = input.text();
    else if (input.field === 2) value = input.text();
    else input.skip();
  }
  return [name, value];
}

/** Sorted; a name that is there twice makes no series. */
function labelsOf(pairs: readonly [string, string][]): Labels {
  const sorted = [...pairs].sort(([a], [b]) => compareUtf8(a, b));
  const twice = sorted.find(([name], i) => i > 0 && sorted[i - 1][0] === name);
  if (twice) throw corruptError(`cannot decode read response: label ${twice[0]} is there twice`);
  return Labels.from(sorted.filter(([, value]) => value !== ''));
}

function readSample(input: ProtoReader, into: SampleBuffer): void {
  let [bits, timeMs] = [0n, 0];
  while (input.next()) {
    if (input.field === 1) bits = input.fixed64();
    else if (input.field === 2) timeMs = input.int();
    else input.skip();
  }
  into.push(timeMs, Number(bits >> 32n), Number(bits & 0xffff_ffffn));
}

/** The series of an answer of chunks. `frameBytesMax`: of one frame. Throws as decodeReadResponse(). */
export function decodeReadFrames(body: Uint8Array, frameBytesMax: number, samplesMax: number): RemoteReadSeries[] {
  const input = new ByteReader(body);
  const limit = new SampleLimit(samplesMax);
  const out: RemoteReadSeries[] = [];
  while (input.remaining > 0) {
    const length = input.varint();
    if (length > frameBytesMax) {
      throw corruptError(
        `cannot decode read response: frame size exceeded the limit ${frameBytesMax} bytes; got ${length}`,
      );
    }
    const [a, b, c, d] = input.take(4);
    const message = input.take(length);
    const checksum = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if (crc32c(message) >>> 0 !== checksum)
      throw corruptError('cannot decode read response: a frame fails its checksum');
    for (const series of repeated(new ProtoReader(message), 1)) out.push(readChunkedSeries(series, limit));
  }
  return out;
}

function readChunkedSeries(input: ProtoReader, limit: SampleLimit): RemoteReadSeries {
  const pairs: [string, string][] = [];
  const samples: ChunkSamples = { floats: new SampleBuffer(INITIAL_SAMPLES), histograms: [] };
  while (input.next()) {
    if (input.field === 1) pairs.push(readLabel(input.message()));
    else if (input.field === 2) readChunk(input.message(), samples, limit);
    else input.skip();
  }
  const histograms = samples.histograms.map(({ timeMs, isStale, histogram }) => ({
    timeMs,
    histogram: isStale ? null : histogram,
  }));
  return { labels: labelsOf(pairs), floats: samples.floats, histograms };
}

function readChunk(input: ProtoReader, into: ChunkSamples, limit: SampleLimit): void {
  let encoding = 0;
  let data = new Uint8Array(0);
  while (input.next()) {
    if (input.field === 3) encoding = input.uint();
    else if (input.field === 4) data = input.bytes() as Uint8Array<ArrayBuffer>;
    else input.skip();
  }
  const before = { floats: into.floats.count, histograms: into.histograms.length };
  decodeChunk(encoding, data, 0, data.length, into);
  const added = into.histograms.slice(before.histograms);
  limit.add(into.floats.count - before.floats);
  limit.add(added.reduce((sum, { histogram }) => sum + histogramWeight(histogram), 0));
}
