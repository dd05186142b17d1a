// The index of a Prometheus block, versions 1 to 3: its symbols and its series. Postings are not needed to read all of it.
//
//   ┌──────────────────┬─────────┬─────────┬────────┬───────────────────────────────────────────────┬──────────────────┐
//   │ magic 0xBAAAD700 │ version │ symbols │ series │ label indices, postings, tables: not read here │ contents, CRC32C │
//   └──────────────────┴─────────┴─────────┴────────┴───────────────────────────────────────────────┴──────────────────┘
//
//   symbols   length u32 · count u32 · (length uvarint, text)... · CRC32C
//   series    length uvarint · labels (name, value)... · chunks (min time, max time, reference)... · CRC32C
//   contents  offsets u64 of: symbols, series, label indices, label offset table, postings, postings offset table
//
// All integers big-endian. A symbol is named by its number, in version 1 by its offset in the file; a series by its offset / 16, in
// version 1 by its offset. Version 3 differs in the sections that are not read here.
import { corruptError, utf8Text } from '../base/index.ts';
import type { Files } from '../io/index.ts';
import { crc32c } from '../kernel/index.ts';
import { Labels, compareUtf8 } from '../model/index.ts';
import { BitReader, timeOf } from './prometheus-bits.ts';
import { WindowedFile } from './prometheus-file.ts';

const MAGIC = 0xbaaad700;
const VERSION_MAX = 3;
const HEADER_BYTES = 5;
const CONTENTS = 6;
const CONTENTS_BYTES = CONTENTS * 8;
const CRC_BYTES = 4;
const SERIES_ALIGNMENT = 16;
/** A uvarint of 64 bits. */
const UVARINT_BYTES_MAX = 10;

const bigEndian = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(at);

/** Where a chunk is, and the times of its samples. */
export interface ChunkReference {
  readonly minMs: number;
  readonly maxMs: number;
  /** Number of the file in chunks/, from 0. */
  readonly segment: number;
  readonly offset: number;
}

/** One series of the index. */
export interface IndexedSeries {
  /** As tombstones name it. */
  readonly reference: number;
  /** Offset of the entry, for messages. */
  readonly offset: number;
  readonly labels: Labels;
  readonly chunks: readonly ChunkReference[];
}

/** The texts of an index. Their bytes stay in memory; texts are made when they are asked for. */
class SymbolTable {
  readonly #bytes: Uint8Array;
  /** Offset of the bytes in the file. */
  readonly #base: number;
  /** Offsets of the entries by number; null where symbols are named by offset. */
  readonly #offsets: Uint32Array | null;
  readonly #texts = new Map<number, string>();
  /** Offsets at which an entry begins, where symbols are named by them. */
  readonly #starts: ReadonlySet<number> | null;

  constructor(bytes: Uint8Array, base: number, version: number) {
    this.#bytes = bytes;
    this.#base = base;
    const count = bigEndian(bytes, 0);
    // Each entry has at least one byte: what claims more is damaged.
    if (count > bytes.length - 4) throw corruptError(`${count} symbols do not fit ${bytes.length} bytes`);
    const offsets = new Uint32Array(count);
    const reader = new BitReader(bytes, 4, bytes.length);
    for (let i = 0; i < count; i++) {
      offsets[i] = reader.byteOffset;
      reader.skipBytes(reader.smallUvarint());
    }
    this.#offsets = version === 1 ? null : offsets;
    this.#starts = version === 1 ? new Set(offsets) : null;
  }

  text(symbol: number): string {
    const known = this.#texts.get(symbol);
    if (known !== undefined) return known;
    const at = this.#offsets === null ? symbol - this.#base : this.#offsets[symbol];
    if (at === undefined || (this.#starts !== null && !this.#starts.has(at))) {
      throw corruptError(`symbol ${symbol} does not exist`);
    }
    const reader = new BitReader(this.#bytes, at, this.#bytes.length);
    const length = reader.smallUvarint();
    const text = utf8Text(this.#bytes.subarray(reader.byteOffset, reader.byteOffset + length));
    this.#texts.set(symbol, text);
    return text;
  }
}

/** An open index. */
export class PrometheusIndex {
  readonly #file: WindowedFile;
  readonly #version: number;
  readonly #symbols: SymbolTable;
  readonly #seriesFrom: number;
  readonly #seriesTo: number;

  private constructor(file: WindowedFile, version: number, symbols: SymbolTable, from: number, to: number) {
    this.#file = file;
    this.#version = version;
    this.#symbols = symbols;
    this.#seriesFrom = from;
    this.#seriesTo = to;
  }

  /** Opens an index and reads its symbols. Throws a corrupt error that names the place. */
  static async open(files: Files, path: string): Promise<PrometheusIndex> {
    const file = await WindowedFile.open(files, path);
    try {
      return await PrometheusIndex.#read(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  static async #read(file: WindowedFile): Promise<PrometheusIndex> {
    const header = await file.bytes(0, HEADER_BYTES);
    if (bigEndian(header, 0) !== MAGIC) throw file.corrupt(0, 'it is no index of a Prometheus block');
    const version = header[4];
    if (version < 1 || version > VERSION_MAX) {
      throw file.corrupt(4, `version ${version} is not known; 1 to ${VERSION_MAX} are`);
    }
    const contents = await readContents(file);
    const [symbolsAt, seriesAt] = contents;
    const symbolBytes = await readSection(file, symbolsAt);
    const symbols = file.decode(symbolsAt, () => new SymbolTable(symbolBytes, symbolsAt + 4, version));
    const contentsAt = file.sizeBytes - CONTENTS_BYTES - CRC_BYTES;
    const seriesTo = Math.min(contentsAt, ...contents.filter((offset) => offset > seriesAt));
    return new PrometheusIndex(file, version, symbols, seriesAt, seriesAt === 0 ? 0 : seriesTo);
  }

  /** All series, in the order of the file. */
  async *series(): AsyncGenerator<IndexedSeries> {
    const file = this.#file;
    for (let at = this.#seriesFrom; at < this.#seriesTo; ) {
      const offset = at;
      const front = await file.bytesUpTo(at, Math.min(UVARINT_BYTES_MAX, this.#seriesTo - at));
      if (front[0] === 0) {
        at++; // Padding; no series is empty.
        continue;
      }
      const reader = new BitReader(front, 0, front.length);
      const length = file.decode(offset, () => reader.smallUvarint());
      const start = at + reader.byteOffset;
      at = start + length + CRC_BYTES;
      if (at > this.#seriesTo) throw file.corrupt(offset, `a series of ${length} bytes goes beyond its section`);
      const entry = file.peek(start, length + CRC_BYTES) ?? (await file.bytes(start, length + CRC_BYTES));
      const body = entry.subarray(0, length);
      if (crc32c(body) !== bigEndian(entry, length)) throw file.corrupt(offset, 'the checksum of a series is wrong');
      yield file.decode(offset, () => this.#decodeSeries(body, offset));
    }
  }

  #decodeSeries(body: Uint8Array, offset: number): IndexedSeries {
    const reader = new BitReader(body, 0, body.length);
    const labels = this.#labels(reader);
    const chunks = readChunkReferences(reader);
    if (reader.bytesLeft > 0) throw corruptError(`${reader.bytesLeft} bytes are left over in a series`);
    return { reference: this.#version === 1 ? offset : offset / SERIES_ALIGNMENT, offset, labels, chunks };
  }

  #labels(reader: BitReader): Labels {
    const pairs: string[] = [];
    for (let left = reader.smallUvarint(); left > 0; left--) {
      const name = this.#symbols.text(reader.smallUvarint());
      const value = this.#symbols.text(reader.smallUvarint());
      if (pairs.length > 0 && compareUtf8(pairs[pairs.length - 2], name) >= 0) {
        throw corruptError(`label ${JSON.stringify(name)} is out of order`);
      }
      if (value === '') throw corruptError(`label ${JSON.stringify(name)} is empty`);
      pairs.push(name, value);
    }
    return Labels.fromSortedPairs(pairs);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readContents(file: WindowedFile): Promise<number[]> {
  const at = file.sizeBytes - CONTENTS_BYTES - CRC_BYTES;
  const bytes = await file.bytes(at, CONTENTS_BYTES + CRC_BYTES);
  if (crc32c(bytes.subarray(0, CONTENTS_BYTES)) !== bigEndian(bytes, CONTENTS_BYTES)) {
    throw file.corrupt(at, 'the checksum of the table of contents is wrong');
  }
  return Array.from({ length: CONTENTS }, (_, i) => {
    const offset = bigEndian(bytes, 8 * i) * 2 ** 32 + bigEndian(bytes, 8 * i + 4);
    if (offset > at) throw file.corrupt(at + 8 * i, `a section begins at ${offset}, beyond the end`);
    return offset;
  });
}

/** The body of a section with length and checksum; a copy. */
async function readSection(file: WindowedFile, offset: number): Promise<Uint8Array> {
  const length = bigEndian(await file.bytes(offset, 4), 0);
  const bytes = await file.bytes(offset + 4, length + CRC_BYTES);
  const body = bytes.slice(0, length);
  if (length < 4 || crc32c(body) !== bigEndian(bytes, length)) {
    throw file.corrupt(offset, 'the checksum of the symbols is wrong');
  }
  return body;
}

function readChunkReferences(reader: BitReader): ChunkReference[] {
  const chunks: ChunkReference[] = [];
  let maxMs = 0;
  let reference = 0n;
  for (let left = reader.smallUvarint(); left > 0; left--) {
    const isFirst = chunks.length === 0;
    // Gaps are written as unsigned numbers that wrap around where chunks overlap.
    const minMs = isFirst ? timeOf(reader.varint()) : maxMs + timeOf(BigInt.asIntN(64, reader.uvarint()));
    maxMs = minMs + timeOf(reader.uvarint());
    reference = BigInt.asUintN(64, isFirst ? reader.uvarint() : reference + reader.varint());
    const offset = Number(reference & 0xffffffffn);
    chunks.push({ minMs, maxMs, segment: Number(reference >> 32n), offset });
  }
  return chunks;
}
