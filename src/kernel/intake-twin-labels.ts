// Labels in the intake's twin: the rules of kernels/intake/labels.ts. Bytes are held as texts of one unit per byte,
// so that `<` is the order of bytes.
import { ByteWriter } from '../base/index.ts';
import type { IntakeLimits } from './intake-kernel.ts';

/** Name and value, one unit per byte. */
export type TwinLabel = readonly [name: string, value: string];

const LABELS_MAX = 4096;
const CANONICAL_BYTES_MAX = 1 << 20;
const METRIC_NAME = '__name__';
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Bytes as a text of one unit per byte. */
export function byteText(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return text;
}

/** Back to bytes. */
export const textBytes = (text: string): Uint8Array => Uint8Array.from(text, (unit) => unit.charCodeAt(0));

/** Whether the bytes are UTF-8. */
export function isUtf8(text: string): boolean {
  try {
    decoder.decode(textBytes(text));
    return true;
  } catch {
    return false; // the only way the decoder has to say so
  }
}

function checkLabel([name, value]: TwinLabel, { nameBytesMax, valueBytesMax }: IntakeLimits): number {
  if (name === '') return 2;
  if (name.length > nameBytesMax) return 6;
  if (value.length > valueBytesMax) return 7;
  return isUtf8(name) && isUtf8(value) ? 0 : 4;
}

/** The labels sorted and without empty values, or the number of the reason why they are refused. */
export function checkLabels(labels: readonly TwinLabel[], limits: IntakeLimits): TwinLabel[] | number {
  if (labels.length > Math.min(limits.labelCountMax, LABELS_MAX)) return 5;
  if (canonicalLength(labels) > CANONICAL_BYTES_MAX || textLength(labels) > limits.labelBytesMax) return 14;
  for (const label of labels) {
    const reason = checkLabel(label, limits);
    if (reason !== 0) return reason;
  }
  const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  if (sorted.some(([name], i) => i > 0 && sorted[i - 1][0] === name)) return 3;
  const kept = sorted.filter(([, value]) => value !== '');
  return kept.some(([name]) => name === METRIC_NAME) ? kept : 1;
}

const varintLength = (value: number): number => (value < 128 ? 1 : 1 + varintLength(Math.floor(value / 128)));

function labelLength([name, value]: TwinLabel): number {
  return 2 + varintLength(name.length) + name.length + varintLength(value.length) + value.length;
}

const canonicalLength = (labels: readonly TwinLabel[]): number =>
  labels.reduce((sum, label) => sum + 1 + varintLength(labelLength(label)) + labelLength(label), 0);

const textLength = (labels: readonly TwinLabel[]): number =>
  labels.reduce((sum, [name, value]) => sum + name.length + value.length, 0);

/** Canonical bytes of checked labels: what the id of a series is the hash of. */
export function canonicalLabels(labels: readonly TwinLabel[]): Uint8Array {
  const out = new ByteWriter(canonicalLength(labels));
  for (const [name, value] of labels) {
    out.u8(0x0a);
    out.varint(labelLength([name, value]));
    out.u8(0x0a);
    out.block(textBytes(name));
    out.u8(0x12);
    out.block(textBytes(value));
  }
  return out.finish();
}
