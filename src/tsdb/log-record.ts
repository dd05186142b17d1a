// A record of the log, and the header of a segment file (docs/formats/log.md).
//
//   segment   ┌────────┬────────┬────────┬─────────┬────────┬────────┐
//   header    │ "TMLG" │version │ shard  │ segment │ zero   │ CRC32C │   24 bytes
//             └────────┴────────┴────────┴─────────┴────────┴────────┘
//   record    ┌────────┬────────┬────────┬─────────┐
//             │ length │ synced │ CRC32C │ payload │                     12 bytes + length
//             └────────┴────────┴────────┴─────────┘
//
// All integers u32, little-endian. `synced` is the offset up to which the segment was known durable when the record was written: a
// record that fails its checksum before such an offset is corruption, one after it is a torn tail. The CRC covers length, synced, payload.
import { corruptError } from '../base/index.ts';
import { crc32c } from '../kernel/index.ts';

export const SEGMENT_HEADER_BYTES = 24;
export const RECORD_HEADER_BYTES = 12;
/** A request may have 32 MiB; its batch for one shard stays below. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;
const MAGIC = 0x474c4d54;
const VERSION = 1;

export function encodeSegmentHeader(shard: number, segment: number): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, shard, true);
  view.setUint32(12, segment, true);
  view.setUint32(20, crc32c(bytes.subarray(0, 20)), true);
  return bytes;
}

/** Throws a corrupt error unless `bytes` begins with a good header of this shard and segment. */
export function checkSegmentHeader(bytes: Uint8Array, shard: number, segment: number): void {
  const place = `segment ${segment} of shard ${shard}`;
  if (bytes.length < SEGMENT_HEADER_BYTES) throw corruptError(`cannot read ${place}: its header is cut off`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES);
  if (view.getUint32(20, true) !== crc32c(bytes.subarray(0, 20)))
    throw corruptError(`cannot read ${place}: its header's checksum is wrong`);
  if (view.getUint32(0, true) !== MAGIC) throw corruptError(`cannot read ${place}: it is no log segment`);
  const version = view.getUint32(4, true);
  if (version !== VERSION) throw corruptError(`cannot read ${place}: version ${version} is not ${VERSION}`);
  if (view.getUint32(8, true) !== shard || view.getUint32(12, true) !== segment)
    throw corruptError(`cannot read ${place}: it belongs to another place`);
}

/** Writes a record at `offset` of `target`, which has room. Returns the offset after it. */
export function putRecord(target: Uint8Array, offset: number, payload: Uint8Array, synced: number): number {
  const end = offset + RECORD_HEADER_BYTES + payload.length;
  const view = new DataView(target.buffer, target.byteOffset + offset, RECORD_HEADER_BYTES);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, synced, true);
  target.set(payload, offset + RECORD_HEADER_BYTES);
  view.setUint32(8, crc32c(payload, crc32c(target.subarray(offset, offset + 8))), true);
  return end;
}

export interface RecordView {
  readonly payload: Uint8Array;
  readonly synced: number;
  /** Offset after the record. */
  readonly end: number;
}

/** The record at `offset`, or null if there is no whole one with a right checksum. */
export function recordAt(bytes: Uint8Array, offset: number): RecordView | null {
  if (offset + RECORD_HEADER_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, RECORD_HEADER_BYTES);
  const length = view.getUint32(0, true);
  const end = offset + RECORD_HEADER_BYTES + length;
  if (length === 0 || length > RECORD_BYTES_MAX || end > bytes.length) return null;
  const payload = bytes.subarray(offset + RECORD_HEADER_BYTES, end);
  const crc = crc32c(payload, crc32c(bytes.subarray(offset, offset + 8)));
  if (crc !== view.getUint32(8, true)) return null;
  return { payload, synced: view.getUint32(4, true), end };
}

/** Payload lengths of framed records that are known to be good, in order: what a live shard receives. */
export function* framedPayloads(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset < bytes.length; ) {
    const start = offset + RECORD_HEADER_BYTES;
    offset = start + view.getUint32(offset, true);
    yield bytes.subarray(start, offset);
  }
}
