// Distinct columns of times, numbered as they are written: series of one scrape share one. The directory says of each how many samples
// it has and from when to when, so that no column is decoded to find out what a series may have. A chunk:
//
//   offset in its page of the first column (varint) | count x samples | count x bytes | per column: first time (zigzag difference to
//   the one before), last minus first time
import { hash } from 'node:crypto';
import { ByteReader, ByteWriter, corruptError } from '../../base/index.ts';
import { type ColumnPlaces, placeColumns } from './columns.ts';
import { type PageDirectory, type PageWriter, TIME_PAGE } from './pages.ts';

export const TIMES_PER_CHUNK = 4096;
/** Columns that are remembered by content. Beyond, sharing starts afresh: memory stays bounded. */
const REMEMBERED_MAX = 262_144;
/** Columns up to this long are remembered as they are, longer ones by digest. */
const EXACT_BYTES_MAX = 40;

/** Directory entries of consecutive columns of times. */
export class TimeChunk implements ColumnPlaces {
  /** Number of the chunk's first column. */
  readonly first: number;
  readonly count: number;
  readonly samples: Uint32Array;
  readonly minMs: Float64Array;
  readonly maxMs: Float64Array;
  readonly page: Uint32Array;
  readonly offset: Uint32Array;
  readonly length: Uint32Array;

  constructor(raw: Uint8Array, first: number, count: number, directory: PageDirectory) {
    this.first = first;
    this.count = count;
    const reader = new ByteReader(raw);
    const firstOffset = reader.varint();
    if (count > reader.remaining) throw corruptError('cannot read times: the input is cut off');
    this.samples = new Uint32Array(count);
    for (let i = 0; i < count; i++) this.samples[i] = reader.varint();
    const length = new Uint32Array(count);
    for (let i = 0; i < count; i++) length[i] = reader.varint();
    this.minMs = new Float64Array(count);
    this.maxMs = new Float64Array(count);
    let before = 0;
    for (let i = 0; i < count; i++) {
      before += reader.zigzag();
      this.minMs[i] = before;
      this.maxMs[i] = before + reader.varint();
    }
    reader.end();
    const places = placeColumns(directory, TIME_PAGE, first, firstOffset, length);
    this.page = places.page;
    this.offset = places.offset;
    this.length = length;
  }

  get byteLength(): number {
    return this.samples.length * 32;
  }
}

/** Writes columns of times, each content once. */
export class TimesWriter {
  readonly #pages: PageWriter;
  readonly #numbers = new Map<string, number>();
  #samples: number[] = [];
  #lengths: number[] = [];
  #ranges: number[] = [];
  #firstOffset = 0;
  count = 0;

  constructor(pages: PageWriter) {
    this.#pages = pages;
  }

  /** The number of the column with these bytes. */
  add(bytes: Uint8Array, samples: number, minMs: number, maxMs: number): number {
    const key = keyOf(bytes);
    const present = this.#numbers.get(key);
    if (present !== undefined) return present;
    if (this.#numbers.size >= REMEMBERED_MAX) this.#numbers.clear();
    const number = this.count++;
    this.#numbers.set(key, number);
    const offset = this.#pages.append(TIME_PAGE, bytes);
    if (this.#samples.length === 0) this.#firstOffset = offset;
    this.#samples.push(samples);
    this.#lengths.push(bytes.length);
    this.#ranges.push(minMs, maxMs);
    return number;
  }

  /** Columns of the chunk that is being filled. */
  get chunkCount(): number {
    return this.#samples.length;
  }

  /** Raw bytes of the chunk; a new one begins. */
  takeChunk(): Uint8Array {
    const writer = new ByteWriter(this.#samples.length * 8);
    writer.varint(this.#firstOffset);
    for (const samples of this.#samples) writer.varint(samples);
    for (const length of this.#lengths) writer.varint(length);
    let before = 0;
    for (let i = 0; i < this.#ranges.length; i += 2) {
      writer.zigzag(this.#ranges[i] - before);
      before = this.#ranges[i];
      writer.varint(this.#ranges[i + 1] - before);
    }
    this.#samples = [];
    this.#lengths = [];
    this.#ranges = [];
    return writer.finish();
  }
}

// Columns of one length have keys of one kind; a digest is longer than any exact key.
function keyOf(bytes: Uint8Array): string {
  if (bytes.length > EXACT_BYTES_MAX) return hash('sha256', bytes, 'hex');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
