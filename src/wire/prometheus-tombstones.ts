// tombstones: what was deleted from a block of Prometheus and is still in its chunks.
//
//   ┌──────────────────┬─────────┬──────────────────────────────────────────────┬────────────┐
//   │ magic 0x0130BA30 │ version │ series uvarint · from varint · to varint ... │ CRC32C     │   big-endian
//   └──────────────────┴─────────┴──────────────────────────────────────────────┴────────────┘
//
// The CRC covers the entries only. Ranges are inclusive; times may be the ends of a 64-bit range.
import { corruptError } from '../base/index.ts';
import { crc32c } from '../kernel/index.ts';
import { BitReader } from './prometheus-bits.ts';

const MAGIC = 0x0130ba30;
const VERSION = 1;
const HEADER_BYTES = 5;
const CRC_BYTES = 4;
const TIME_MAX = 2n ** 53n;

/** A deleted range of times, both ends included. */
export interface DeletedRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Deleted ranges by the series' reference in the index. */
export type Tombstones = ReadonlyMap<number, readonly DeletedRange[]>;

const clamped = (time: bigint): number => Number(time > TIME_MAX ? TIME_MAX : time < -TIME_MAX ? -TIME_MAX : time);

/** Decodes a tombstones file. Throws a corrupt error. */
export function decodeTombstones(bytes: Uint8Array): Tombstones {
  if (bytes.length < HEADER_BYTES + CRC_BYTES) throw corruptError('the file is cut off');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.length - CRC_BYTES;
  if (view.getUint32(0) !== MAGIC) throw corruptError('it is no file of tombstones');
  if (bytes[4] !== VERSION) throw corruptError(`its version is ${bytes[4]}, not ${VERSION}`);
  if (view.getUint32(end) !== crc32c(bytes.subarray(HEADER_BYTES, end))) throw corruptError('its checksum is wrong');
  const found = new Map<number, DeletedRange[]>();
  const reader = new BitReader(bytes, HEADER_BYTES, end);
  while (reader.bytesLeft > 0) {
    const series = Number(reader.uvarint());
    const range = { minMs: clamped(reader.varint()), maxMs: clamped(reader.varint()) };
    const ranges = found.get(series);
    if (ranges) ranges.push(range);
    else found.set(series, [range]);
  }
  return found;
}
