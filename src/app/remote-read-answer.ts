// Remote read: raw samples of series in one of the two answers that src/wire/remote-read.ts draws. Memory is that of the samples,
// which the query's budget bounds; what is sent is encoded piece by piece.
import type { HandlerAnswer, JsonWriter, Pieces, ReadRequest } from '../api/index.ts';
import { ByteWriter, TidemarkError } from '../base/index.ts';
import { crc32c } from '../kernel/index.ts';
import { Labels, type Matcher } from '../model/index.ts';
import type { LeafClient } from '../promql/index.ts';
import {
  CHUNK_ENCODINGS,
  CHUNK_SAMPLES_MAX,
  XorChunkWriter,
  compressSnappy,
  encodeHistogramChunk,
  putBytes,
  putChunk,
  putLabels,
  putSample,
  readFrame,
  writeHistogram,
} from '../wire/index.ts';
import { type BulkSeries, bulkSeries } from './bulk-samples.ts';
import type { BulkLimits } from './federate-answer.ts';

const SAMPLE_BYTES = 16;
/** Encoded samples on top of their columns, for the answer that is compressed as a whole. */
const ENCODED_SAMPLE_BYTES = 20;

type ExternalLabels = ReadRequest['externalLabels'];

/** Matchers without those that ask for what is added to every series anyway. */
export function ownMatchers(matchers: readonly Matcher[], external: ExternalLabels): Matcher[] {
  const values = new Map(external);
  return matchers.filter(({ name, op, value }) => op !== '=' || value !== (values.get(name) ?? ''));
}

function withExternal(labels: Labels, external: ExternalLabels): Labels {
  const added = external.filter(([name]) => !labels.has(name));
  return added.length === 0 ? labels : Labels.from([...labels, ...added]);
}

const sampleCount = (series: readonly BulkSeries[]): number => series.reduce((sum, { from, to }) => sum + to - from, 0);

/** Throws TidemarkError `bad_data` over the sample limit, else what leaves throw. */
export async function remoteReadAnswer(
  leaves: readonly LeafClient[],
  request: ReadRequest,
  limits: BulkLimits,
  signal: AbortSignal,
): Promise<HandlerAnswer> {
  const { queries, externalLabels, responseType } = request;
  const isLimited = responseType === 'samples' && request.samplesMax > 0;
  const results: BulkSeries[][] = [];
  let bytesLeft = limits.bytesMax;
  for (const { matchers, startMs, endMs } of queries) {
    const selection = { tenant: request.tenant, matchers: ownMatchers(matchers, externalLabels), startMs, endMs };
    const samplesMax = isLimited ? request.samplesMax : Number.MAX_SAFE_INTEGER;
    const series = await read(leaves, { ...selection, raw: 'all', samplesMax, bytesMax: bytesLeft }, signal);
    if (isLimited && sampleCount(series) > request.samplesMax) throw overLimit(request.samplesMax);
    results.push(series);
    bytesLeft -= sampleCount(series) * SAMPLE_BYTES;
  }
  const samples = results.reduce((sum, series) => sum + sampleCount(series), 0);
  if (responseType === 'chunks') {
    const heldBytes = samples * SAMPLE_BYTES;
    return { status: 200, heldBytes, write: (out) => framePieces(out, results, request) };
  }
  if (samples * ENCODED_SAMPLE_BYTES > bytesLeft)
    throw new TidemarkError('execution', 'remote read needs more memory than a query may have');
  const body = compressSnappy(encodeResponse(results, externalLabels));
  return { status: 200, heldBytes: body.length, write: (out) => bodyPieces(out, body) };
}

const overLimit = (limit: number): TidemarkError => new TidemarkError('bad_data', `exceeded sample limit (${limit})`);

async function read(...[leaves, selection, signal]: Parameters<typeof bulkSeries>): Promise<BulkSeries[]> {
  try {
    return await bulkSeries(leaves, selection, signal);
  } catch (error) {
    const isSampleLimit = error instanceof TidemarkError && error.message.includes('too many samples');
    throw isSampleLimit ? overLimit(selection.samplesMax) : error;
  }
}

const BODY_PIECE_BYTES = 1 << 18;

function* bodyPieces(out: JsonWriter, body: Uint8Array): Pieces {
  for (let at = 0; at < body.length; at += BODY_PIECE_BYTES) {
    out.rawBytes(body.subarray(at, at + BODY_PIECE_BYTES));
    if (out.isFull) yield;
  }
}

const bitsAt = (words: Uint32Array, i: number): bigint => (BigInt(words[2 * i + 1]) << 32n) | BigInt(words[2 * i]);

function encodeResponse(results: readonly (readonly BulkSeries[])[], external: ExternalLabels): Uint8Array {
  const out = new ByteWriter(1 << 16);
  const result = new ByteWriter(1 << 16);
  const one = new ByteWriter(1 << 12);
  const part = new ByteWriter(64);
  for (const all of results) {
    result.clear();
    for (const series of all) {
      one.clear();
      putLabels(one, withExternal(series.labels, external));
      putSamples(one, part, series);
      putBytes(result, 1, one.view());
    }
    putBytes(out, 1, result.view());
  }
  return out.finish();
}

/** Floats as field 2, native histograms as field 4. */
function putSamples(out: ByteWriter, part: ByteWriter, { ts, words, from, to, histograms }: BulkSeries): void {
  for (let i = from; i < to; i++) if (!histograms.has(i)) putSample(out, part, ts[i], bitsAt(words, i));
  for (let i = from; i < to && histograms.size > 0; i++) {
    const histogram = histograms.get(i);
    if (!histogram) continue;
    part.clear();
    writeHistogram(part, { timestampMs: ts[i], histogram });
    putBytes(out, 4, part.view());
  }
}

function* framePieces(out: JsonWriter, results: readonly (readonly BulkSeries[])[], request: ReadRequest): Pieces {
  const encoder = new XorChunkWriter();
  for (const [queryIndex, all] of results.entries()) {
    for (const series of all) {
      for (const frame of framesOf(series, encoder, queryIndex, request)) {
        out.rawBytes(frame);
        if (out.isFull) yield;
      }
    }
  }
}

/** The frames of one series: a new one begins where a chunk would make it too long. */
function* framesOf(
  series: BulkSeries,
  encoder: XorChunkWriter,
  queryIndex: number,
  { externalLabels, frameBytesMax }: ReadRequest,
): Generator<Uint8Array> {
  const message = new ByteWriter(4096);
  putLabels(message, withExternal(series.labels, externalLabels));
  const labels = message.finish();
  for (let at = series.from; at < series.to; ) {
    if (message.length > labels.length && message.length >= frameBytesMax) {
      yield readFrame(message.view(), queryIndex, crc32c);
      message.clear();
      message.bytes(labels);
    }
    at = putNextChunk(message, encoder, series, at);
  }
  if (message.length > labels.length) yield readFrame(message.view(), queryIndex, crc32c);
}

/** Appends the chunk that begins with sample `at`; returns where the next one begins. */
function putNextChunk(out: ByteWriter, encoder: XorChunkWriter, series: BulkSeries, at: number): number {
  const { ts, words, to, histograms } = series;
  const histogram = histograms.get(at);
  if (histogram) {
    putChunk(out, ts[at], ts[at], CHUNK_ENCODINGS.floatHistogram, encodeHistogramChunk(ts[at], histogram));
    return at + 1;
  }
  let end = at + 1;
  while (end < to && end - at < CHUNK_SAMPLES_MAX && !histograms.has(end)) end++;
  putChunk(out, ts[at], ts[end - 1], CHUNK_ENCODINGS.xor, encoder.encode(ts, words, at, end));
  return end;
}
