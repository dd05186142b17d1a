// A column of values with native histograms among them: a wrapper around the column of the others (docs/formats/block.md). A column of
// values begins with its count, which is never 0, so a first byte of 0 tells the two apart.
//
//   ┌──────┬─────────────────┬────────────────────┬────────────────────────────────────────────┬─────────┬───────┐
//   │ u8 0 │ samples, varint │ histograms, varint │ [places, bytes varint, column of the rest] │ lengths │ bytes │
//   └──────┴─────────────────┴────────────────────┴────────────────────────────────────────────┴─────────┴───────┘
//
// The part in brackets is left out if all samples are histograms. Bytes of a histogram that is as long as the one before are the
// differences to it, modulo 256: buckets that did not change are zeros, which the page's zstd takes away.
import { ByteReader, ByteWriter, corruptError } from '../../base/index.ts';
import type { BlockKernel } from '../../kernel/index.ts';
import type { HistogramSamples, SampleColumn } from '../../model/index.ts';

const MARK = 0;
/** Stands among the values where a histogram is: the NaN of Go. */
const NAN_HIGH = 0x7ff80000;
const NAN_LOW = 1;

/** Whether a column of values has histograms. */
export const hasHistograms = (bytes: Uint8Array): boolean => bytes[0] === MARK;

/** Gives the places of histograms the value before them, or the first one: the column of the rest costs least so. */
function bridge({ vsWords }: BlockKernel, count: number, at: readonly number[]): void {
  let first = 0;
  while (at[first] === first) first++;
  let low = vsWords[2 * first];
  let high = vsWords[2 * first + 1];
  for (let i = 0, h = 0; i < count; i++) {
    if (at[h] !== i) {
      low = vsWords[2 * i];
      high = vsWords[2 * i + 1];
      continue;
    }
    h++;
    vsWords[2 * i] = low;
    vsWords[2 * i + 1] = high;
  }
}

/** Encodes the kernel's first `count` values, some of which are histograms: these values are written over. */
export function encodeWithHistograms(kernel: BlockKernel, count: number, { at, bytes }: HistogramSamples): Uint8Array {
  const writer = new ByteWriter(64 + bytes.reduce((sum, { length }) => sum + length + 2, 0));
  writer.u8(MARK);
  writer.varint(count);
  writer.varint(at.length);
  if (at.length < count) {
    for (let h = 0; h < at.length; h++) writer.varint(at[h] - (h === 0 ? 0 : at[h - 1] + 1));
    bridge(kernel, count, at);
    writer.block(kernel.encodeValues(count));
  }
  for (const { length } of bytes) writer.varint(length);
  for (let h = 0; h < bytes.length; h++) writer.bytes(difference(bytes[h], bytes[h - 1]));
  return writer.finish();
}

function difference(bytes: Uint8Array, before: Uint8Array | undefined): Uint8Array {
  if (before?.length !== bytes.length) return bytes;
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < out.length; i++) out[i] = bytes[i] - before[i];
  return out;
}

/** A column taken apart. */
interface Layout {
  readonly samples: number;
  /** Places of the histograms; null: all samples are. */
  readonly places: Uint32Array | null;
  readonly rest: Uint8Array | null;
  readonly lengths: Uint32Array;
  /** All their bytes. */
  readonly data: Uint8Array;
}

function readLayout(column: Uint8Array): Layout {
  const reader = new ByteReader(column);
  reader.u8();
  const samples = reader.varint();
  const histograms = reader.varint();
  if (histograms === 0 || histograms > samples || histograms > reader.remaining) {
    throw corruptError(`cannot decode histograms: it has ${histograms} in ${samples} samples`);
  }
  let places: Uint32Array | null = null;
  let rest: Uint8Array | null = null;
  if (histograms < samples) {
    places = readPlaces(reader, histograms, samples);
    rest = reader.block();
  }
  const lengths = new Uint32Array(histograms);
  let total = 0;
  for (let h = 0; h < histograms; h++) total += lengths[h] = reader.varint();
  if (total !== reader.remaining) throw corruptError('cannot decode histograms: their lengths do not fit the column');
  return { samples, places, rest, lengths, data: reader.take(total) };
}

function readPlaces(reader: ByteReader, histograms: number, samples: number): Uint32Array {
  const places = new Uint32Array(histograms);
  let next = 0;
  for (let h = 0; h < histograms; h++) {
    next += reader.varint();
    if (next >= samples) throw corruptError('cannot decode histograms: there are fewer samples than places');
    places[h] = next++;
  }
  return places;
}

/** Samples of a column of values of either kind. */
export function countValues(kernel: BlockKernel, column: Uint8Array): number {
  if (!hasHistograms(column)) return kernel.count(column);
  const { samples, rest } = readLayout(column);
  if (rest && kernel.count(rest) !== samples) {
    throw corruptError('cannot decode histograms: the column of the rest has another number of samples');
  }
  return samples;
}

/** Decodes values [from, to) of a column with histograms into `into` from element `at` on. */
export function decodeWithHistograms(
  kernel: BlockKernel,
  column: Uint8Array,
  from: number,
  to: number,
  into: SampleColumn,
  at: number,
): void {
  const layout = readLayout(column);
  if (to > layout.samples) throw corruptError(`cannot decode histograms: it has ${layout.samples} samples, not ${to}`);
  if (layout.rest) {
    kernel.decodeValues(layout.rest, from, to);
    into.vsWords.set(kernel.vsWords.subarray(0, 2 * (to - from)), 2 * at);
  }
  const bytes = into.histograms ? readBytes(layout) : null;
  for (let h = 0; h < layout.lengths.length; h++) {
    const place = layout.places ? layout.places[h] : h;
    if (place < from || place >= to) continue;
    const target = at + place - from;
    into.vsWords[2 * target] = NAN_LOW;
    into.vsWords[2 * target + 1] = NAN_HIGH;
    into.histograms?.at.push(target);
    if (bytes) into.histograms?.bytes.push(bytes[h]);
  }
}

/** The histograms' bytes, in memory of their own. */
function readBytes({ lengths, data }: Layout): Uint8Array[] {
  // Not data.slice(), which of a Buffer is a view.
  const whole = new Uint8Array(data);
  const out: Uint8Array[] = [];
  for (let h = 0, at = 0; h < lengths.length; h++) {
    const length = lengths[h];
    if (h > 0 && length === lengths[h - 1]) for (let i = at; i < at + length; i++) whole[i] += whole[i - length];
    out.push(whole.subarray(at, at + length));
    at += length;
  }
  return out;
}
