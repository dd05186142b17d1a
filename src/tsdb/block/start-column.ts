// A column of values whose samples have start times: a wrapper around the column of the values (docs/formats/block.md), which may have
// native histograms among them.
//
//   ┌──────┬──────┬─────────────────────────────────┬────────────────────────────────┐
//   │ u8 0 │ u8 0 │ bytes varint, column of values  │ column of start times in ms    │
//   └──────┴──────┴─────────────────────────────────┴────────────────────────────────┘
//
// A column of values does not begin with 0, and one with histograms not with two: each of them tells itself. Start times are encoded as
// values are: of a counter that goes on they are one number; 0 stands for none.
import { ByteReader, ByteWriter, corruptError } from '../../base/index.ts';
import type { BlockKernel } from '../../kernel/index.ts';
import type { HistogramSamples, SampleColumn, StartTimes } from '../../model/index.ts';
import { countValues, decodeWithHistograms, encodeWithHistograms, hasHistograms } from './histogram-column.ts';

/** Whether a column of values has start times. */
export const hasStarts = (column: Uint8Array): boolean => column[0] === 0 && column[1] === 0;

/** Whether it is a column of plain values, which the kernel decodes. */
export const isPlain = (column: Uint8Array): boolean => column[0] !== 0;

/** The column without its start times. */
export const withoutStarts = (column: Uint8Array): Uint8Array =>
  hasStarts(column) ? takeApart(column).values : column;

function takeApart(column: Uint8Array): { values: Uint8Array; starts: Uint8Array } {
  const reader = new ByteReader(column);
  reader.u8();
  reader.u8();
  const values = reader.block();
  if (hasStarts(values)) throw corruptError('cannot decode start times: they have start times themselves');
  return { values, starts: reader.take(reader.remaining) };
}

/**
 * Encodes the kernel's first `count` values, some of which are histograms: these values are written over. `starts`: the start times of
 * the samples from place `from` on.
 */
export function encodeSamples(
  kernel: BlockKernel,
  count: number,
  histograms: HistogramSamples,
  starts: StartTimes | null,
  from: number,
): Uint8Array {
  const hasAny = starts?.any === true && starts.ms.subarray(from, from + count).some((ms) => ms !== 0);
  const values =
    histograms.at.length === 0 ? kernel.encodeValues(count) : encodeWithHistograms(kernel, count, histograms);
  if (!hasAny) return values;
  const writer = new ByteWriter(values.length + 64);
  writer.u8(0);
  writer.u8(0);
  writer.block(values);
  kernel.vs.set(starts.ms.subarray(from, from + count));
  writer.bytes(kernel.encodeValues(count));
  return writer.finish();
}

/** Samples of a column of values of any kind. */
export function countSamples(kernel: BlockKernel, column: Uint8Array): number {
  if (!hasStarts(column)) return countValues(kernel, column);
  const { values, starts } = takeApart(column);
  const samples = countValues(kernel, values);
  if (kernel.count(starts) !== samples) {
    throw corruptError('cannot decode start times: there are more or fewer than samples');
  }
  return samples;
}

/** Decodes values [from, to) of a column of any kind into `into` from element `at` on. */
export function decodeSamples(
  kernel: BlockKernel,
  column: Uint8Array,
  from: number,
  to: number,
  into: SampleColumn,
  at: number,
): void {
  if (!hasStarts(column)) {
    decodeValues(kernel, column, from, to, into, at);
    into.starts?.none(at, to - from);
    return;
  }
  const { values, starts } = takeApart(column);
  decodeValues(kernel, values, from, to, into, at);
  if (!into.starts) return;
  kernel.decodeValues(starts, from, to);
  into.starts.set(at, kernel.vs, to - from);
}

function decodeValues(
  kernel: BlockKernel,
  column: Uint8Array,
  from: number,
  to: number,
  into: SampleColumn,
  at: number,
): void {
  if (hasHistograms(column)) {
    decodeWithHistograms(kernel, column, from, to, into, at);
    return;
  }
  kernel.decodeValues(column, from, to);
  into.vsWords.set(kernel.vsWords.subarray(0, 2 * (to - from)), 2 * at);
}
