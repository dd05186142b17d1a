// Exemplars in the intake's twin: the rules of kernels/intake/exemplars.ts, and section 6 of a batch.
import { ByteWriter } from '../base/index.ts';
import type { Hash128 } from './intake-hash.ts';
import { type TwinLabel, isUtf8, textBytes } from './intake-twin-labels.ts';

const CHARS_MAX = 128;
const TEXT_BYTES_MAX = CHARS_MAX * 4;
const LABELS_MAX = 4096;
const TIME_BOUND = 2n ** 53n;

// Counters of what is refused.
const TOO_LONG = 12;
export const EXEMPLAR_BAD_LABELS = 13;
const BAD_TIME = 14;

/** An exemplar as a request has it; labels null: they could not be read. */
export interface TwinExemplar {
  readonly labels: readonly TwinLabel[] | null;
  readonly bits: bigint;
  readonly timeMs: bigint;
}

/** One that is stored, of the series with the id. */
export interface CheckedExemplar extends Hash128 {
  readonly timeMs: bigint;
  readonly hasTime: boolean;
  readonly bits: bigint;
  /** Sorted. */
  readonly labels: readonly TwinLabel[];
}

const charCount = (text: string): number => text.replace(/[\x80-\xbf]/g, '').length;

/** The labels, sorted and without empty ones; or the counter of what is wrong. */
export function checkExemplar(labels: readonly TwinLabel[], timeMs: bigint): TwinLabel[] | number {
  if (timeMs >= TIME_BOUND || timeMs <= -TIME_BOUND) return BAD_TIME;
  if (labels.length > LABELS_MAX) return TOO_LONG;
  let chars = 0;
  const kept: TwinLabel[] = [];
  for (const [name, value] of labels) {
    if (value === '') continue;
    if (name.length > TEXT_BYTES_MAX || value.length > TEXT_BYTES_MAX) return TOO_LONG;
    if (name === '' || !isUtf8(name) || !isUtf8(value)) return EXEMPLAR_BAD_LABELS;
    chars += charCount(name) + charCount(value);
    if (chars > CHARS_MAX) return TOO_LONG;
    kept.push([name, value]);
  }
  kept.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return kept.some(([name], i) => i > 0 && kept[i - 1][0] === name) ? EXEMPLAR_BAD_LABELS : kept;
}

/** Texts behind their lengths: one byte below 255, else 255 and three bytes. */
export function exemplarLabelBytes(labels: readonly TwinLabel[]): Uint8Array {
  const out = new ByteWriter(64);
  for (const text of labels.flat()) {
    if (text.length < 255) out.u8(text.length);
    else out.u32(255 + text.length * 256);
    out.bytes(textBytes(text));
  }
  return out.finish();
}

function writeZigzag(out: ByteWriter, value: bigint): void {
  let left = value >= 0n ? value * 2n : -value * 2n - 1n;
  for (; left > 127n; left >>= 7n) out.u8(Number(left & 127n) | 128);
  out.u8(Number(left));
}

/** The payload of section 6. */
export function encodeExemplars(out: ByteWriter, max: number, exemplars: readonly CheckedExemplar[]): void {
  out.varint(max);
  out.varint(exemplars.length);
  for (const { low, high, timeMs, hasTime, bits, labels } of exemplars) {
    out.u64(low);
    out.u64(high);
    writeZigzag(out, timeMs);
    out.u8(hasTime ? 1 : 0);
    out.u64(bits);
    out.block(exemplarLabelBytes(labels));
  }
}
