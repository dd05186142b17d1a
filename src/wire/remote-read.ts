// Remote read: prometheus.ReadRequest in, and one of two answers out.
//
//   SAMPLES              prometheus.ReadResponse { results { timeseries { labels samples histograms } } }, snappy
//   STREAMED_XOR_CHUNKS  frames, one or more per series, series in order of their labels:
//                        ┌────────────────┬────────────────────┬───────────────────────────────┐
//                        │ varint length  │ u32 CRC-32C, big-  │ prometheus.ChunkedReadResponse │
//                        │ of the message │ endian, of message │ { chunked_series query_index } │
//                        └────────────────┴────────────────────┴───────────────────────────────┘
import { ByteWriter, TidemarkError, corruptError } from '../base/index.ts';
import type { Labels, MatchOperator, Matcher } from '../model/index.ts';
import { ProtoReader, putBytes, putFixed64, putInt, putText } from './protobuf.ts';

/** What a client can read. */
export type ReadResponseType = 'samples' | 'chunks';

/** Series by matchers and a range of times, both ends included. */
export interface ReadQuery {
  readonly startMs: number;
  readonly endMs: number;
  readonly matchers: readonly Matcher[];
}

/** A request as it is decoded. */
export interface ReadRequestMessage {
  readonly queries: readonly ReadQuery[];
  /** The first of the client's that there is. */
  readonly responseType: ReadResponseType;
}

const OPERATORS: readonly MatchOperator[] = ['=', '!=', '=~', '!~'];
const RESPONSE_TYPES: readonly ReadResponseType[] = ['samples', 'chunks'];
const RESPONSE_NAMES = ['SAMPLES', 'STREAMED_XOR_CHUNKS'];

/** Times that mean "no bound" lie beyond what a float holds exactly. */
const clampMs = (ms: number): number => Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, ms));

function decodeMatcher(input: ProtoReader): Matcher {
  let [type, name, value] = [0, '', ''];
  while (input.next()) {
    if (input.field === 1) type = input.uint();
    else if (input.field === 2) name = input.text();
    else if (input.field === 3) value = input.text();
    else input.skip();
  }
  if (!(type in OPERATORS)) throw corruptError('cannot decode read request: invalid matcher type');
  return { name, op: OPERATORS[type], value };
}

function decodeQuery(input: ProtoReader): ReadQuery {
  let [startMs, endMs] = [0, 0];
  const matchers: Matcher[] = [];
  while (input.next()) {
    if (input.field === 1) startMs = clampMs(input.int());
    else if (input.field === 2) endMs = clampMs(input.int());
    else if (input.field === 3) matchers.push(decodeMatcher(input.message()));
    else input.skip();
  }
  return { startMs, endMs, matchers };
}

/** Throws a corrupt error, or TidemarkError `bad_data` where no known type of response is accepted. */
export function decodeReadRequest(message: Uint8Array): ReadRequestMessage {
  const input = new ProtoReader(message);
  const queries: ReadQuery[] = [];
  const accepted: number[] = [];
  while (input.next()) {
    if (input.field === 1) queries.push(decodeQuery(input.message()));
    else if (input.field === 2) input.uints(accepted);
    else input.skip();
  }
  if (accepted.length === 0) return { queries, responseType: 'samples' };
  const known = accepted.find((type) => type in RESPONSE_TYPES);
  if (known !== undefined) return { queries, responseType: RESPONSE_TYPES[known] };
  const supported = RESPONSE_NAMES.map((name, i) => `${i}:${name}`).join(' ');
  throw new TidemarkError(
    'bad_data',
    `server does not support any of the requested response types: [${accepted.join(' ')}]; supported: map[${supported}]`,
  );
}

/** Appends labels as fields 1 of a series. */
export function putLabels(out: ByteWriter, labels: Labels): void {
  const part = new ByteWriter(64);
  for (const [name, value] of labels) {
    part.clear();
    putText(part, 1, name);
    putText(part, 2, value);
    putBytes(out, 1, part.view());
  }
}

/** A sample of raw value bits as field 2 of a series. */
export function putSample(out: ByteWriter, part: ByteWriter, timeMs: number, valueBits: bigint): void {
  part.clear();
  if (valueBits !== 0n) putFixed64(part, 1, valueBits);
  if (timeMs !== 0) putInt(part, 2, timeMs);
  putBytes(out, 2, part.view());
}

/** Encodings of prometheus.Chunk. */
export const CHUNK_ENCODINGS = { xor: 1, floatHistogram: 3 } as const;

/** A chunk as field 2 of a chunked series. */
export function putChunk(out: ByteWriter, minMs: number, maxMs: number, encoding: number, data: Uint8Array): void {
  const part = new ByteWriter(data.length + 32);
  putInt(part, 1, minMs);
  putInt(part, 2, maxMs);
  putInt(part, 3, encoding);
  putBytes(part, 4, data);
  putBytes(out, 2, part.view());
}

/** A frame around one chunked series. `checksum`: CRC-32C. */
export function readFrame(series: Uint8Array, queryIndex: number, checksum: (bytes: Uint8Array) => number): Uint8Array {
  const message = new ByteWriter(series.length + 16);
  putBytes(message, 1, series);
  if (queryIndex > 0) putInt(message, 2, queryIndex);
  const out = new ByteWriter(series.length + 32);
  out.varint(message.length);
  const crc = checksum(message.view());
  for (const shift of [24, 16, 8, 0]) out.u8((crc >>> shift) & 255);
  out.bytes(message.view());
  return out.finish();
}
