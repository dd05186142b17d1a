// The frame of a block file (docs/formats/block.md): header, pages, index chunks, footer, tail.
//
//   ┌────────┬──────────────────────────┬──────────────────────────┬────────┬──────┐
//   │ header │ pages of columns         │ index chunks             │ footer │ tail │
//   │ 16 B   │ each zstd or raw         │ each zstd or raw         │        │ 32 B │
//   └────────┴──────────────────────────┴──────────────────────────┴────────┴──────┘
//
// The tail says where the footer is; the footer holds the meta data and the directory of chunks; the chunk `pages` is the directory of pages.
// All have CRC32Cs, so that every byte that is read is checked before use.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ByteReader, ByteWriter, TidemarkError, corruptError, freeBytes, utf8, utf8Text } from '../../base/index.ts';
import { type LogPosition, compareLogPositions } from '../../io/index.ts';
import { crc32c } from '../../kernel/index.ts';

const MAGIC = 0x4b424d54; // "TMBK"
export const BLOCK_VERSION = 1;
/** The version of blocks with start times in their columns; others are written as before, so that older builds read them. */
export const BLOCK_VERSION_STARTS = 2;
export const HEADER_BYTES = 16;
export const TAIL_BYTES = 32;

/** What the writer of a block is told about it. */
export interface BlockMetaInput {
  readonly shard: number;
  readonly windowStartMs: number;
  readonly windowEndMs: number;
  /** 0 = cut from the head; compaction counts up. */
  readonly level: number;
  /** The log up to here is in this block and those before it. */
  readonly position: LogPosition;
  /** Of a compacted block: the position of the oldest one that is in it. */
  readonly firstPosition?: LogPosition;
  /** Names of the files that this block replaces. */
  readonly sources: readonly string[];
  /** Deletes up to here have been applied. */
  readonly deletesThrough: LogPosition;
}

/** A tenant's part of a block, in the order of the series. */
export interface BlockTenant {
  readonly tenant: string;
  readonly series: number;
  readonly samples: number;
}

/** What a block says about itself. */
export interface BlockMeta extends BlockMetaInput {
  readonly version: number;
  /** Times of the first and the last sample. */
  readonly minMs: number;
  readonly maxMs: number;
  readonly series: number;
  readonly samples: number;
  readonly tenants: readonly BlockTenant[];
}

/**
 * Which of two blocks counts where they have samples of equal times: the one that begins further back in the log. A cut that is
 * written again after damage comes behind the compacted block that has it already.
 */
export function compareAge(a: BlockMetaInput, b: BlockMetaInput): number {
  return compareLogPositions(firstPositionOf(a), firstPositionOf(b)) || compareLogPositions(a.position, b.position);
}

export const firstPositionOf = ({ firstPosition, position }: BlockMetaInput): LogPosition => firstPosition ?? position;

export const CHUNK_KINDS = ['symbols', 'series', 'ids', 'times', 'labels', 'postings', 'pages'] as const;
export type ChunkKind = (typeof CHUNK_KINDS)[number];

/** Bytes as they are in the file. */
export interface StoredBytes {
  readonly stored: Uint8Array;
  readonly isCompressed: boolean;
  readonly rawBytes: number;
  readonly crc: number;
}

/** A chunk or page in the file. */
export interface Extent {
  readonly offset: number;
  readonly bytes: number;
  readonly rawBytes: number;
  readonly isCompressed: boolean;
  readonly crc: number;
}

/** A chunk of the index. */
export interface ChunkInfo extends Extent {
  readonly kind: ChunkKind;
  /** Place among all chunks. */
  readonly ordinal: number;
  /** Number of the first item of its kind, and how many there are. */
  readonly first: number;
  readonly count: number;
  /** Least text (symbols) or least value (postings). */
  readonly key: Uint8Array;
}

/** A chunk that is ready to be written. */
export interface ChunkDraft extends StoredBytes {
  readonly kind: ChunkKind;
  readonly count: number;
  readonly key: Uint8Array;
}

export interface BlockFooter {
  readonly meta: BlockMeta;
  /** Where the one read of the index starts: its first chunk, or the last page of times before it. */
  readonly indexOffset: number;
  /** Where the footer starts. */
  readonly indexEnd: number;
  readonly chunks: readonly ChunkInfo[];
}

/** Compresses when that saves at least `savingMin` of the bytes. The result does not share memory with `raw`. */
export function pack(raw: Uint8Array, level: number, savingMin: number): StoredBytes {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  let stored: Uint8Array | null = null;
  if (raw.length >= 64 && savingMin < 1) {
    // In one buffer, which is given back at once: the default ones of 16 KiB are put together in another.
    const chunkSize = raw.length + (raw.length >> 8) + 64;
    const packed = zstdCompressSync(raw, { params, pledgedSrcSize: raw.length, chunkSize });
    if (packed.length <= raw.length * (1 - savingMin)) stored = new Uint8Array(packed);
    if (packed.buffer.byteLength === chunkSize) freeBytes(new Uint8Array(packed.buffer));
  }
  const isCompressed = stored !== null;
  stored ??= raw.slice();
  return { stored, isCompressed, rawBytes: raw.length, crc: crc32c(stored) };
}

/** The raw bytes of an extent; `what` and `path` are for the error. */
export function unpack(stored: Uint8Array, extent: Extent, path: string, what: string): Uint8Array {
  const damaged = (cause?: unknown) =>
    corruptError(`cannot read ${path}: ${what} at offset ${extent.offset} is damaged`, cause);
  if (stored.length !== extent.bytes || crc32c(stored) !== extent.crc) throw damaged();
  if (!extent.isCompressed) return stored;
  try {
    // One buffer with room for a byte more: in the default ones of 16 KiB, and with one that is just full, it takes 1.7 times as long and
    // leaves twice as much garbage (pages of 64 KiB: 103 and 173 us).
    const chunkSize = Math.max(64, extent.rawBytes + 1);
    const raw = zstdDecompressSync(stored, { chunkSize, maxOutputLength: Math.max(1, extent.rawBytes) });
    // Not as a Buffer: its subarray() costs several times as much, and columns are cut from pages one by one.
    if (raw.length === extent.rawBytes) return new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
  } catch (cause) {
    throw damaged(cause);
  }
  throw damaged();
}

/** Writes an extent without its offset. */
export function encodeExtent(writer: ByteWriter, extent: StoredBytes | Extent): void {
  writer.u8(extent.isCompressed ? 1 : 0);
  writer.varint('stored' in extent ? extent.stored.length : extent.bytes);
  if (extent.isCompressed) writer.varint(extent.rawBytes);
  writer.u32(extent.crc);
}

/** Reads an extent that starts at `offset`. */
export function decodeExtent(reader: ByteReader, offset: number): Extent {
  const flag = reader.u8();
  if (flag > 1) throw corruptError(`cannot read extent at offset ${reader.offset}: its flags are not known`);
  const bytes = reader.varint();
  const rawBytes = flag === 1 ? reader.varint() : bytes;
  if (bytes > 2 ** 31 || rawBytes > 2 ** 31) throw corruptError('cannot read extent: it is too long');
  return { offset, bytes, rawBytes, isCompressed: flag === 1, crc: reader.u32() };
}

const isKnown = (version: number): boolean => version === BLOCK_VERSION || version === BLOCK_VERSION_STARTS;

export function encodeHeader(version: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, version, true);
  view.setUint32(12, crc32c(bytes.subarray(0, 12)), true);
  return bytes;
}

/** Throws a corrupt error unless it is the header of a block. */
export function checkHeader(bytes: Uint8Array, path: string): void {
  const version = bytes[4];
  const wanted = encodeHeader(version);
  if (!isKnown(version) || bytes.length !== wanted.length || bytes.some((byte, i) => byte !== wanted[i]))
    throw corruptError(`cannot read ${path}: its header at offset 0 is damaged`);
}

/** Footer and tail of a file whose chunks begin at `chunksOffset`. */
export function encodeFooter(
  meta: BlockMeta,
  chunks: readonly ChunkDraft[],
  indexOffset: number,
  chunksOffset: number,
): Uint8Array {
  const writer = new ByteWriter(4096);
  writer.block(utf8(JSON.stringify(meta)));
  writer.varint(indexOffset);
  writer.varint(chunksOffset);
  writer.varint(chunks.length);
  let end = chunksOffset;
  for (const chunk of chunks) {
    writer.u8(CHUNK_KINDS.indexOf(chunk.kind));
    encodeExtent(writer, chunk);
    writer.varint(chunk.count);
    writer.block(chunk.key);
    end += chunk.stored.length;
  }
  const footerBytes = writer.length;
  const footerCrc = crc32c(writer.view());
  const tailAt = writer.length;
  writer.f64(end + footerBytes + TAIL_BYTES);
  writer.u32(footerBytes);
  writer.u32(footerCrc);
  writer.u32(meta.version);
  writer.u32(0);
  writer.u32(crc32c(writer.view().subarray(tailAt)));
  writer.u32(MAGIC);
  return writer.finish();
}

/** Bytes of the footer, from the file's last 32 bytes. */
export function decodeTail(tail: Uint8Array, sizeBytes: number, path: string): { footerBytes: number; crc: number } {
  const offset = sizeBytes - TAIL_BYTES;
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const isGood =
    tail.length === TAIL_BYTES &&
    view.getUint32(28, true) === MAGIC &&
    view.getUint32(24, true) === crc32c(tail.subarray(0, 24)) &&
    view.getFloat64(0, true) === sizeBytes;
  if (!isGood) throw corruptError(`cannot read ${path}: its tail at offset ${offset} is damaged or cut off`);
  const version = view.getUint32(16, true);
  if (!isKnown(version))
    throw new TidemarkError('unsupported_version', `cannot read ${path}: its version is not known; got ${version}`);
  const footerBytes = view.getUint32(8, true);
  if (footerBytes > offset - HEADER_BYTES)
    throw corruptError(`cannot read ${path}: its tail at offset ${offset} is damaged`);
  return { footerBytes, crc: view.getUint32(12, true) };
}

/** The footer, which starts at `offset`. Its checksum was compared. */
export function decodeFooter(bytes: Uint8Array, offset: number): BlockFooter {
  const reader = new ByteReader(bytes);
  const meta = decodeMeta(reader.block());
  const indexOffset = reader.varint();
  let at = reader.varint();
  if (indexOffset > at || at > offset) throw corruptError('cannot read footer: its offsets are out of range');
  const count = reader.varint();
  const firsts = new Map<ChunkKind, number>();
  const chunks: ChunkInfo[] = [];
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const kind = CHUNK_KINDS[reader.u8()];
    if (kind === undefined) throw corruptError('cannot read footer: it has a kind of chunk that is not known');
    const extent = decodeExtent(reader, at);
    const items = reader.varint();
    const first = firsts.get(kind) ?? 0;
    firsts.set(kind, first + items);
    chunks.push({ ...extent, kind, ordinal, first, count: items, key: reader.block() });
    at += extent.bytes;
  }
  reader.end();
  if (at !== offset) throw corruptError('cannot read footer: the chunks do not end where it starts');
  return { meta, indexOffset, indexEnd: offset, chunks };
}

function decodeMeta(bytes: Uint8Array): BlockMeta {
  try {
    const meta = JSON.parse(utf8Text(bytes)) as BlockMeta;
    if (typeof meta === 'object' && meta !== null && isKnown(meta.version) && Array.isArray(meta.tenants)) return meta;
  } catch (cause) {
    throw corruptError('cannot read footer: its meta data is not JSON', cause);
  }
  throw corruptError('cannot read footer: its meta data has another form');
}
