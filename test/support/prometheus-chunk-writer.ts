// Chunks of Prometheus' TSDB in every encoding that src/wire reads, for tests.
import type { BucketCounts } from '../../src/model/index.ts';
import type { HistogramSample } from '../../src/wire/index.ts';
import { BitWriter, XorWriter, fits, floatBits } from './prometheus-bit-writer.ts';

/** A float sample; the value as raw bits. */
export interface FloatPoint {
  readonly timeMs: number;
  readonly bits: bigint;
  /** Start time; 0 = none. */
  readonly startMs?: number;
}

export const STALE_BITS = 0x7ff0000000000002n;

export function encodeXorChunk(points: readonly FloatPoint[]): Uint8Array {
  const out = new BitWriter();
  out.bits(BigInt(points.length), 16);
  let value = new XorWriter(0n);
  let step = 0n;
  for (const [i, { timeMs, bits }] of points.entries()) {
    if (i === 0) {
      out.varint(BigInt(timeMs));
      out.bits(bits, 64);
      value = new XorWriter(bits);
      continue;
    }
    const next = BigInt(timeMs - points[i - 1].timeMs);
    if (i === 1) out.uvarint(next);
    else writeStepChange(out, next - step);
    step = next;
    value.plain(bits, out);
  }
  return out.finish();
}

function writeStepChange(out: BitWriter, change: bigint): void {
  const widths = [0, 14, 17, 20, 64];
  const index =
    change === 0n
      ? 0
      : Math.max(
          1,
          widths.findIndex((w) => w === 64 || (w > 0 && fits(change, w))),
        );
  out.ones(index, 4);
  out.bits(change, widths[index]);
}

/** Start times behind the samples: the first one, then from the first change on each as a change of the distance. */
class StartWriter {
  header = 0;
  #start = 0;
  #distance = 0;
  #isChanging = false;

  write(out: BitWriter, index: number, timeMs: number, previousMs: number, startMs: number): void {
    if (index === 0) {
      if (startMs !== 0) {
        this.header = 0x80;
        out.varint(BigInt(timeMs - startMs));
      }
    } else if (this.#isChanging || startMs !== this.#start || index === 127) {
      const distance = previousMs - startMs;
      out.varbitInt(BigInt(this.#isChanging ? distance - this.#distance : distance));
      if (!this.#isChanging) this.header |= index;
      this.#isChanging = true;
      this.#distance = distance;
    }
    this.#start = startMs;
  }
}

export function encodeXor2Chunk(points: readonly FloatPoint[]): Uint8Array {
  const out = new BitWriter();
  out.bits(BigInt(points.length), 16);
  out.byte(0);
  const starts = new StartWriter();
  let value = new XorWriter(0n);
  let step = 0n;
  const free = (bits: bigint) => {
    if (bits === STALE_BITS) return out.bits(7n, 3);
    value.next(bits, out, { same: () => out.bit(0), again: () => out.bits(2n, 2), window: () => out.bits(6n, 3) });
  };
  for (const [i, { timeMs, bits, startMs }] of points.entries()) {
    const next = i === 0 ? 0n : BigInt(timeMs - points[i - 1].timeMs);
    const change = next - step;
    if (i === 0) {
      out.varint(BigInt(timeMs));
      out.bits(bits, 64);
      value = new XorWriter(bits === STALE_BITS ? 0n : bits);
    } else if (i === 1) {
      out.uvarint(next);
      free(bits);
    } else if (change === 0n) {
      if (bits === STALE_BITS) out.ones(5, 5);
      else if (bits === value.previous) out.bit(0);
      else {
        out.bits(2n, 2);
        value.next(bits, out, { same: () => {}, again: () => out.bit(0), window: () => out.bit(1) });
      }
    } else {
      const width = change >= -4096n && change <= 4095n ? 2 : change >= -524288n && change <= 524287n ? 3 : 4;
      out.ones(width, 5);
      out.bits(change, [0, 0, 13, 20, 64][width]);
      free(bits);
    }
    step = next;
    starts.write(out, i, timeMs, points[i - 1]?.timeMs ?? 0, startMs ?? 0);
  }
  const bytes = out.finish();
  bytes[2] = starts.header;
  return bytes;
}

/** Runs of neighbouring buckets, and an empty one where there is a gap of several: writers may do so. */
function spansOf(indexes: Int32Array): { offset: number; length: number }[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last && index === next) last.length++;
    else if (last && index > next + 3) spans.push({ offset: 1, length: 0 }, { offset: index - next - 1, length: 1 });
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

function writeSpans(out: BitWriter, indexes: Int32Array): void {
  const spans = spansOf(indexes);
  out.varbitUint(BigInt(spans.length));
  for (const { length, offset } of spans) {
    out.varbitUint(BigInt(length));
    out.varbitInt(BigInt(offset));
  }
}

function writeZeroThreshold(out: BitWriter, threshold: number): void {
  const exponent = Math.log2(threshold);
  if (threshold === 0) out.byte(0);
  else if (Number.isInteger(exponent) && exponent >= -243 && exponent <= 10) out.byte(exponent + 244);
  else {
    out.byte(255);
    out.float(threshold);
  }
}

function writeBounds(out: BitWriter, bounds: Float64Array): void {
  out.varbitUint(BigInt(bounds.length));
  for (const bound of bounds) {
    const thousandths = bound * 1000;
    if (thousandths >= 0 && thousandths <= 33554430 && Number.isInteger(thousandths)) {
      out.varbitUint(BigInt(thousandths + 1));
    } else {
      out.bit(0);
      out.float(bound);
    }
  }
}

class DoubleDeltaWriter {
  #value: bigint;
  #delta = 0n;
  constructor(first: bigint) {
    this.#value = first;
  }
  next(value: bigint, out: BitWriter): void {
    const delta = value - this.#value;
    out.varbitInt(delta - this.#delta);
    this.#delta = delta;
    this.#value = value;
  }
}

const toDeltas = ({ counts }: BucketCounts): bigint[] =>
  Array.from(counts, (c, i) => BigInt(c - (i > 0 ? counts[i - 1] : 0)));

/** The layout is that of the first sample. A stale sample writes no buckets. `startMs` per sample turns start times on. */
export function encodeHistogramChunk(samples: readonly HistogramSample[], startsMs?: readonly number[]): Uint8Array {
  const out = new BitWriter();
  const { isInteger, timeMs: firstMs, histogram: first } = samples[0];
  const reset = { unknown: 0, not_reset: 1, reset: 2, gauge: 3 }[first.resetHint];
  out.bits(BigInt(samples.length | (startsMs ? reset << 14 : 0)), 16);
  out.byte(startsMs ? 0 : reset << 6);
  writeZeroThreshold(out, first.zeroThreshold);
  out.varbitInt(BigInt(first.schema));
  writeSpans(out, first.positive.indexes);
  writeSpans(out, first.negative.indexes);
  if (first.schema === -53) writeBounds(out, first.customBounds);
  const starts = new StartWriter();
  const time = new DoubleDeltaWriter(BigInt(firstMs));
  const body = isInteger ? new IntegerBody() : new FloatBody();
  for (const [i, sample] of samples.entries()) {
    if (i === 0) out.varbitInt(BigInt(sample.timeMs));
    else time.next(BigInt(sample.timeMs), out);
    body.write(out, sample, i === 0);
    if (startsMs) starts.write(out, i, sample.timeMs, samples[i - 1]?.timeMs ?? 0, startsMs[i]);
  }
  const bytes = out.finish();
  if (startsMs) bytes[2] = starts.header;
  return bytes;
}

const sumBits = (sample: HistogramSample): bigint => (sample.isStale ? STALE_BITS : floatBits(sample.histogram.sum));

class IntegerBody {
  #count = new DoubleDeltaWriter(0n);
  #zero = new DoubleDeltaWriter(0n);
  #sum = new XorWriter(0n);
  #buckets: DoubleDeltaWriter[] = [];

  write(out: BitWriter, sample: HistogramSample, isFirst: boolean): void {
    const { positive, negative, count, zeroCount } = sample.histogram;
    const deltas = [...toDeltas(positive), ...toDeltas(negative)];
    if (isFirst) {
      this.#count = new DoubleDeltaWriter(BigInt(count));
      this.#zero = new DoubleDeltaWriter(BigInt(zeroCount));
      this.#sum = new XorWriter(sumBits(sample));
      this.#buckets = deltas.map((delta) => new DoubleDeltaWriter(delta));
      out.varbitUint(BigInt(count));
      out.varbitUint(BigInt(zeroCount));
      out.bits(sumBits(sample), 64);
      for (const delta of deltas) out.varbitInt(delta);
      return;
    }
    if (sample.isStale) out.bits(0n, 2);
    else {
      this.#count.next(BigInt(count), out);
      this.#zero.next(BigInt(zeroCount), out);
    }
    this.#sum.plain(sumBits(sample), out);
    if (!sample.isStale) for (const [i, delta] of deltas.entries()) this.#buckets[i].next(delta, out);
  }
}

class FloatBody {
  #values: XorWriter[] = [];

  write(out: BitWriter, sample: HistogramSample, isFirst: boolean): void {
    const { count, zeroCount, positive, negative } = sample.histogram;
    const front = [floatBits(count), floatBits(zeroCount), sumBits(sample)];
    const values = [...front, ...Array.from([...positive.counts, ...negative.counts], floatBits)];
    if (isFirst) {
      this.#values = values.map((bits) => new XorWriter(bits));
      for (const bits of values) out.bits(bits, 64);
    } else {
      for (const [i, bits] of values.entries()) this.#values[i].plain(bits, out);
    }
  }
}
