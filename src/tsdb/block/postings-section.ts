// Postings of a block: per tenant and label name its values in the order of their texts, and per value the series that have it. A chunk
// is a number of groups; a label whose values do not fit one group goes on in the next chunk:
//
//   groups | per group: tenant, name, values, values x symbol (differences), values x first series (zigzag differences),
//            values x bytes of the list, the lists
//
// A list says what follows the first series: nothing if that is all; else how many series follow it without a gap, then runs:
// (gap - 1) * 2 + 1 if more than one series, and then their number - 2. Values with one series, the most by far, cost a byte or two.
import { corruptError } from '../../base/index.ts';
import type { Breathe } from '../slices.ts';
import { VarintReader, VarintWriter } from './varints.ts';

export const POSTINGS_CHUNK_BYTES = 32_768;
/** Entries between two breaths, less one. */
const SLICE_MASK = 0x7fff;

/** Values of one label in a chunk. */
export interface PostingsGroup {
  readonly tenant: number;
  readonly name: number;
  /** Ascending. */
  readonly values: Uint32Array;
  readonly firsts: Uint32Array;
  /** List i is bytes[starts[i] .. starts[i + 1]). */
  readonly starts: Uint32Array;
  readonly bytes: Uint8Array;
}

/** Decoded groups of a chunk. */
export class PostingsChunk {
  readonly groups: readonly PostingsGroup[];
  readonly byteLength: number;

  constructor(raw: Uint8Array) {
    const reader = new VarintReader(raw);
    const groups: PostingsGroup[] = [];
    for (let left = reader.u32(); left > 0; left--) groups.push(decodeGroup(reader));
    reader.end();
    this.groups = groups;
    this.byteLength = raw.length + groups.reduce((sum, { values }) => sum + values.length * 12, 0);
  }

  /** The group of a label, or undefined. */
  group(tenant: number, name: number): PostingsGroup | undefined {
    return this.groups.find((group) => group.tenant === tenant && group.name === name);
  }
}

function decodeGroup(reader: VarintReader): PostingsGroup {
  const tenant = reader.u32();
  const name = reader.u32();
  const count = reader.u32();
  const values = reader.column(count);
  for (let i = 1; i < count; i++) values[i] += values[i - 1];
  const firsts = reader.deltas(count);
  const lengths = reader.column(count);
  const starts = new Uint32Array(count + 1);
  let at = reader.offset;
  for (let i = 0; i < count; i++) {
    starts[i] = at;
    at += lengths[i];
    if (at > reader.bytes.length) throw corruptError('cannot read postings: a list is cut off');
  }
  starts[count] = at;
  reader.take(at - reader.offset);
  return { tenant, name, values, firsts, starts, bytes: reader.bytes };
}

let scratch = new Uint32Array(4096);

function roomFor(count: number): void {
  if (count <= scratch.length) return;
  const bigger = new Uint32Array(Math.max(count, scratch.length * 2));
  bigger.set(scratch);
  scratch = bigger;
}

/** Series of value `i` of a group, ascending; all below `seriesCount`. */
export function decodeList(group: PostingsGroup, i: number, seriesCount: number): Uint32Array {
  const first = group.firsts[i];
  const end = group.starts[i + 1];
  if (first >= seriesCount) throw corruptError('cannot read postings: a series is out of range');
  if (group.starts[i] === end) return Uint32Array.of(first);
  const reader = new VarintReader(group.bytes, group.starts[i]);
  let next = first;
  let count = 0;
  let run = reader.u32() + 1;
  for (;;) {
    if (run > seriesCount - next) throw corruptError('cannot read postings: a series is out of range');
    roomFor(count + run);
    for (; run > 0; run--) scratch[count++] = next++;
    if (reader.offset >= end) break;
    const token = reader.u32();
    next += (token >>> 1) + 1;
    run = token & 1 ? reader.u32() + 2 : 1;
  }
  if (reader.offset !== end) throw corruptError('cannot read postings: a list reaches beyond its end');
  return scratch.slice(0, count);
}

/** Appends what follows the first series of list[from..to). */
function encodeList(writer: VarintWriter, list: Uint32Array, from: number, to: number): void {
  if (to - from === 1) return;
  let at = from;
  let before = list[from] - 1;
  while (at < to) {
    const start = list[at];
    let run = 1;
    while (at + run < to && list[at + run] === start + run) run++;
    if (at === from) writer.u32(run - 1);
    else {
      writer.u32((((start - before - 2) << 1) | (run > 1 ? 1 : 0)) >>> 0);
      if (run > 1) writer.u32(run - 2);
    }
    before = start + run - 1;
    at += run;
  }
}

/** The values of one label as they are collected: pairs of value symbol and series, the series ascending. */
export class LabelPostings {
  readonly name: number;
  #values = new Uint32Array(64);
  #series = new Uint32Array(64);
  length = 0;

  constructor(name: number) {
    this.name = name;
  }

  get byteLength(): number {
    return this.#values.byteLength * 2;
  }

  push(value: number, series: number): void {
    if (this.length === this.#values.length) {
      this.#values = grown(this.#values);
      this.#series = grown(this.#series);
    }
    this.#values[this.length] = value;
    this.#series[this.length++] = series;
  }

  /**
   * Values ascending, with the ends of their lists in `series`. `counts` has a zero per symbol, and has again afterwards; nobody else
   * uses it meanwhile.
   */
  async sorted(counts: Uint32Array, breathe: Breathe): Promise<SortedPostings> {
    const { length } = this;
    let distinct = 0;
    const found = new Uint32Array(length);
    for (let i = 0; i < length; i++) {
      if (counts[this.#values[i]]++ === 0) found[distinct++] = this.#values[i];
      if ((i & SLICE_MASK) === SLICE_MASK) await breathe();
    }
    const values = await ascending(found.subarray(0, distinct), counts, breathe);
    const ends = new Uint32Array(distinct);
    let at = 0;
    for (let i = 0; i < distinct; i++) {
      const count = counts[values[i]];
      counts[values[i]] = at;
      at += count;
      ends[i] = at;
      if ((i & SLICE_MASK) === SLICE_MASK) await breathe();
    }
    const series = new Uint32Array(length);
    for (let i = 0; i < length; i++) {
      series[counts[this.#values[i]]++] = this.#series[i];
      if ((i & SLICE_MASK) === SLICE_MASK) await breathe();
    }
    for (let i = 0; i < distinct; i++) counts[values[i]] = 0;
    return { values, ends, series };
  }
}

/** Postings of a label: value i has series[ends[i - 1] .. ends[i]). */
interface SortedPostings {
  readonly values: Uint32Array;
  readonly ends: Uint32Array;
  readonly series: Uint32Array;
}

/** The found values in order: where they lie close, those with a count are read off; else they are sorted. */
async function ascending(found: Uint32Array, counts: Uint32Array, breathe: Breathe): Promise<Uint32Array> {
  let low = 0xffffffff;
  let high = 0;
  for (let i = 0; i < found.length; i++) {
    if (found[i] < low) low = found[i];
    if (found[i] > high) high = found[i];
  }
  if (high - low > found.length * 16) return found.slice().sort();
  const values = new Uint32Array(found.length);
  let at = 0;
  for (let value = low; value <= high; value++) {
    if (counts[value] !== 0) values[at++] = value;
    if ((value & SLICE_MASK) === SLICE_MASK) await breathe();
  }
  return values;
}

function grown(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const bigger = new Uint32Array(array.length * 2);
  bigger.set(array);
  return bigger;
}

/** Raw bytes of a chunk that is full, and the value its first group starts with. */
export interface PostingsChunkDraft {
  readonly raw: Uint8Array;
  readonly groups: number;
  readonly firstValue: number;
}

/** Cuts the labels' postings into chunks, and hands each to `emit`. */
export class PostingsWriter {
  readonly #emit: (chunk: PostingsChunkDraft) => void;
  readonly #groups = new VarintWriter(POSTINGS_CHUNK_BYTES);
  readonly #values = new VarintWriter();
  readonly #firsts = new VarintWriter();
  readonly #lengths = new VarintWriter();
  readonly #lists = new VarintWriter(POSTINGS_CHUNK_BYTES);
  readonly #all = new VarintWriter(POSTINGS_CHUNK_BYTES);
  #groupCount = 0;
  #firstValue = 0;
  /** Chunks handed out so far. */
  chunkCount = 0;

  constructor(emit: (chunk: PostingsChunkDraft) => void) {
    this.#emit = emit;
  }

  /** Appends one label's postings. Returns the chunk they start in, how many more they go on to, and how many values there are. */
  async add(
    tenant: number,
    postings: LabelPostings,
    counts: Uint32Array,
    breathe: Breathe,
  ): Promise<{ chunk: number; span: number; values: number }> {
    const { values, ends, series } = await postings.sorted(counts, breathe);
    if (this.#groups.length > POSTINGS_CHUNK_BYTES / 2) this.endChunk();
    const chunk = this.chunkCount;
    let from = 0;
    let span = -1;
    while (from < values.length) {
      span++;
      const to = this.#fill(values, ends, series, from);
      this.#endGroup(tenant, postings.name, values[from], to - from);
      if (to < values.length) this.endChunk();
      from = to;
      await breathe();
    }
    return { chunk, span, values: values.length };
  }

  /** Collects values from `from` on while the chunk has room; at least one. */
  #fill(values: Uint32Array, ends: Uint32Array, series: Uint32Array, from: number): number {
    let valueBefore = 0;
    let firstBefore = 0;
    let to = from;
    for (; to < values.length; to++) {
      if (to > from && this.#bytes >= POSTINGS_CHUNK_BYTES) break;
      const start = to === 0 ? 0 : ends[to - 1];
      const at = this.#lists.length;
      encodeList(this.#lists, series, start, ends[to]);
      this.#values.u32(values[to] - valueBefore);
      this.#firsts.deltas([series[start]], firstBefore);
      this.#lengths.u32(this.#lists.length - at);
      valueBefore = values[to];
      firstBefore = series[start];
    }
    return to;
  }

  get #bytes(): number {
    return this.#groups.length + this.#values.length + this.#firsts.length + this.#lengths.length + this.#lists.length;
  }

  #endGroup(tenant: number, name: number, firstValue: number, count: number): void {
    if (this.#groupCount++ === 0) this.#firstValue = firstValue;
    this.#groups.column([tenant, name, count]);
    for (const part of [this.#values, this.#firsts, this.#lengths, this.#lists]) {
      this.#groups.bytes(part.view());
      part.clear();
    }
  }

  endChunk(): void {
    if (this.#groupCount === 0) return;
    this.#all.clear();
    this.#all.u32(this.#groupCount);
    this.#all.bytes(this.#groups.view());
    this.#emit({ raw: this.#all.view(), groups: this.#groupCount, firstValue: this.#firstValue });
    this.chunkCount++;
    this.#groups.clear();
    this.#groupCount = 0;
  }
}
