// Symbols of a block: all tenants, label names and label values, sorted by bytes and numbered in that order, so that order of numbers
// is order of texts. A chunk holds neighbours without the bytes that each shares with the one before:
//
//   count x shared bytes (varint) | count x further bytes (varint) | the further bytes, one after another
import { corruptError, utf8, utf8Text } from '../../base/index.ts';
import { compareUtf8 } from '../../model/index.ts';
import { VarintReader, VarintWriter } from './varints.ts';

/** Texts as bytes, one after another, sorted and each once: text i ends at ends[i]. */
export interface SymbolList {
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

const CHUNK_BYTES = 32_768;

/** A symbol list of texts in any order. */
export function symbolList(texts: Iterable<string>): SymbolList {
  const sorted = [...new Set(texts)].sort(compareUtf8).map(utf8);
  const bytes = new Uint8Array(sorted.reduce((sum, text) => sum + text.length, 0));
  const ends = new Uint32Array(sorted.length);
  let at = 0;
  for (const [i, text] of sorted.entries()) {
    bytes.set(text, at);
    at += text.length;
    ends[i] = at;
  }
  return { count: sorted.length, bytes, ends };
}

/** Order of a[aFrom..aTo) and b[bFrom..bTo). */
export function compareBytes(
  a: Uint8Array,
  aFrom: number,
  aTo: number,
  b: Uint8Array,
  bFrom: number,
  bTo: number,
): number {
  const length = Math.min(aTo - aFrom, bTo - bFrom);
  for (let i = 0; i < length; i++) {
    const difference = a[aFrom + i] - b[bFrom + i];
    if (difference !== 0) return difference;
  }
  return aTo - aFrom - (bTo - bFrom);
}

/** Number of a text in the list, or -1. */
export function findSymbol(symbols: SymbolList, text: string): number {
  const wanted = utf8(text);
  let low = 0;
  let high = symbols.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const from = middle === 0 ? 0 : symbols.ends[middle - 1];
    const order = compareBytes(symbols.bytes, from, symbols.ends[middle], wanted, 0, wanted.length);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1;
}

/** Text of a number in the list. */
export const symbolText = (symbols: SymbolList, number: number): string =>
  utf8Text(symbols.bytes.subarray(number === 0 ? 0 : symbols.ends[number - 1], symbols.ends[number]));

/** Bytes that neighbours share at their beginning. `from` is where the second one starts. */
function sharedBytes(bytes: Uint8Array, before: number, from: number, to: number): number {
  const limit = Math.min(from - before, to - from);
  let shared = 0;
  while (shared < limit && bytes[before + shared] === bytes[from + shared]) shared++;
  return shared;
}

/** A chunk of symbols from number `from` on. */
export interface SymbolChunkDraft {
  readonly raw: Uint8Array;
  readonly count: number;
  /** The shortest text that is above all symbols before the chunk and not above its first. */
  readonly key: Uint8Array;
}

export function encodeSymbolChunk(symbols: SymbolList, from: number): SymbolChunkDraft {
  const { bytes, ends } = symbols;
  const startOf = (number: number) => (number === 0 ? 0 : ends[number - 1]);
  const start = startOf(from);
  const writer = new VarintWriter(CHUNK_BYTES);
  const lengths = new VarintWriter();
  const rest = new VarintWriter(CHUNK_BYTES);
  let to = from;
  for (let before = start; to < symbols.count && (to === from || ends[to] - start <= CHUNK_BYTES); to++) {
    const at = startOf(to);
    const shared = to === from ? 0 : sharedBytes(bytes, before, at, ends[to]);
    writer.u32(shared);
    lengths.u32(ends[to] - at - shared);
    rest.bytes(bytes.subarray(at + shared, ends[to]));
    before = at;
  }
  writer.bytes(lengths.view());
  writer.bytes(rest.view());
  const separator = from === 0 ? 0 : sharedBytes(bytes, startOf(from - 1), start, ends[from]) + 1;
  return { raw: writer.view(), count: to - from, key: bytes.slice(start, Math.min(start + separator, ends[from])) };
}

/** Symbols in memory: text i is bytes[starts[i] .. starts[i + 1]). */
export class SymbolChunk {
  /** Number of the chunk's first symbol. */
  readonly first: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly #buffer: Buffer;
  readonly #isAscii: boolean;

  constructor(raw: Uint8Array, first: number, count: number) {
    this.first = first;
    const reader = new VarintReader(raw);
    const shared = reader.column(count);
    const further = reader.column(count);
    const starts = new Uint32Array(count + 1);
    for (let i = 0; i < count; i++) {
      const length = i === 0 ? 0 : starts[i] - starts[i - 1];
      if (shared[i] > length || further[i] > reader.remaining)
        throw corruptError('cannot read symbols: a length is wrong');
      starts[i + 1] = starts[i] + shared[i] + further[i];
      if (starts[i + 1] < starts[i]) throw corruptError('cannot read symbols: a length is wrong');
    }
    this.count = count;
    this.starts = starts;
    this.bytes = joinTexts(reader, starts, shared, further);
    this.#buffer = Buffer.from(this.bytes.buffer);
    this.#isAscii = isAscii(this.bytes);
  }

  get byteLength(): number {
    return this.bytes.length + this.starts.byteLength;
  }

  text(i: number): string {
    const from = this.starts[i];
    const to = this.starts[i + 1];
    return this.#isAscii ? this.#buffer.toString('latin1', from, to) : utf8Text(this.bytes.subarray(from, to));
  }

  /** Number in the chunk of a text, or -1. */
  find(text: Uint8Array): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = compareBytes(this.bytes, this.starts[middle], this.starts[middle + 1], text, 0, text.length);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }
}

function joinTexts(reader: VarintReader, starts: Uint32Array, shared: Uint32Array, further: Uint32Array): Uint8Array {
  const count = shared.length;
  const bytes = new Uint8Array(starts[count]);
  const source = reader.bytes;
  let at = reader.offset;
  for (let i = 0; i < count; i++) {
    let to = starts[i];
    const before = i === 0 ? 0 : starts[i - 1];
    for (let k = 0; k < shared[i]; k++) bytes[to++] = bytes[before + k];
    const end = at + further[i];
    if (end > source.length) throw corruptError('cannot read symbols: the input ends within a text');
    while (at < end) bytes[to++] = source[at++];
  }
  if (at !== source.length) throw corruptError('cannot read symbols: bytes follow the last one');
  return bytes;
}

function isAscii(bytes: Uint8Array): boolean {
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) bits |= bytes[i];
  return bits < 128;
}
