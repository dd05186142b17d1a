// Native histograms as remote write sends them. The message layout is drawn in kernels/intake/histogram.ts.
import { ByteWriter } from '../base/index.ts';
import { type BucketCounts, type NativeHistogram, STALE_NAN_BITS, type ResetHint } from '../model/index.ts';
import { writeBytes, writeInt64 } from './remote-write.ts';

/** A histogram to be sent. */
export interface WireHistogram {
  /** A safe integer. */
  readonly timestampMs: number;
  readonly histogram: NativeHistogram;
  /** The series has ended, whatever `histogram` says. */
  readonly stale?: boolean;
  /** When the counter began; absent or 0: not known. Only version 2.0 has it. */
  readonly startMs?: number;
}

const HINT_NUMBERS: Readonly<Record<ResetHint, number>> = { unknown: 0, reset: 1, not_reset: 2, gauge: 3 };
/** Field numbers * 8 + wire type of a side: spans, differences, counts. */
const NEGATIVE_TAGS = [0x42, 0x4a, 0x52] as const;
const POSITIVE_TAGS = [0x5a, 0x62, 0x6a] as const;

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const total = ({ counts }: BucketCounts): number => counts.reduce((sum, count) => sum + count, 0);

/** Whether it can be sent as integers: all counts are, and buckets hold what the count says (a receiver checks that). */
function isIntegral({ count, sum, zeroCount, positive, negative }: NativeHistogram): boolean {
  const found = total(positive) + total(negative) + zeroCount;
  const agrees = Number.isNaN(sum) ? found <= count : found === count;
  return (
    agrees &&
    [count, zeroCount, found].every(isCount) &&
    [positive, negative].every((side) => side.counts.every(isCount))
  );
}

function writeDouble(out: ByteWriter, tag: number, value: number): void {
  if (Object.is(value, 0)) return;
  out.u8(tag);
  out.f64(value);
}

/** The fields of a Histogram, zeros left out where that says the same. */
export function writeHistogram(out: ByteWriter, wire: WireHistogram, version = 1): void {
  const { timestampMs, histogram: h, stale, startMs = 0 } = wire;
  const integral = isIntegral(h);
  out.u8(integral ? 0x08 : 0x11);
  if (integral) out.varint(h.count);
  else out.f64(h.count);
  if (stale) {
    out.u8(0x19);
    out.u64(STALE_NAN_BITS);
  } else writeDouble(out, 0x19, h.sum);
  out.u8(0x20);
  out.zigzag(h.schema);
  writeDouble(out, 0x29, h.zeroThreshold);
  if (!integral) writeDouble(out, 0x39, h.zeroCount);
  else if (h.zeroCount !== 0) {
    out.u8(0x30);
    out.varint(h.zeroCount);
  }
  writeSide(out, h.negative, NEGATIVE_TAGS, integral);
  writeSide(out, h.positive, POSITIVE_TAGS, integral);
  if (h.resetHint !== 'unknown') {
    out.u8(0x70);
    out.varint(HINT_NUMBERS[h.resetHint]);
  }
  out.u8(0x78);
  writeInt64(out, timestampMs);
  if (h.customBounds.length > 0) {
    out.u8(0x82);
    out.u8(0x01);
    out.varint(8 * h.customBounds.length);
    for (const bound of h.customBounds) out.f64(bound);
  }
  if (version === 2 && startMs !== 0) {
    out.u8(0x88);
    out.u8(0x01);
    writeInt64(out, startMs);
  }
}

function writeSide(
  out: ByteWriter,
  { indexes, counts }: BucketCounts,
  [spansTag, deltasTag, countsTag]: readonly [number, number, number],
  integral: boolean,
): void {
  if (counts.length === 0) return;
  for (let from = 0; from < indexes.length; ) {
    let to = from + 1;
    while (to < indexes.length && indexes[to] === indexes[to - 1] + 1) to++;
    const span = new ByteWriter(16);
    span.u8(0x08);
    span.zigzag(from === 0 ? indexes[0] : indexes[from] - indexes[from - 1] - 1);
    span.u8(0x10);
    span.varint(to - from);
    writeBytes(out, spansTag, span.view());
    from = to;
  }
  const list = new ByteWriter(counts.length * 8);
  for (let i = 0; i < counts.length; i++) {
    if (integral) list.zigzag(counts[i] - (i === 0 ? 0 : counts[i - 1]));
    else list.f64(counts[i]);
  }
  writeBytes(out, integral ? deltasTag : countsTag, list.view());
}
