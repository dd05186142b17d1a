// Encoder of Prometheus' float histogram chunks (encoding 3), one sample each: what a streamed remote read carries native histograms
// in. With one sample no column is a difference to anything; the decoder is in prometheus-histogram-chunks.ts.
//
//   u16 count 1 · u8 counter reset in the upper two bits · zero threshold · varbit schema · positive and negative spans · [bounds]
//   · varbit time · count, zero count, sum and each bucket as 64 bits
import { type NativeHistogram, type ResetHint, usesCustomBounds } from '../model/index.ts';
import { spansOf } from './native-histogram.ts';

const RESETS: Readonly<Record<ResetHint, number>> = { unknown: 0, not_reset: 1, reset: 2, gauge: 3 };
/** Widths of values behind 0 to 7 ones: the last by 8 ones. */
const WIDTHS = [0, 3, 6, 9, 12, 18, 25, 56, 64];
/** Thousandths up to here have a short form. */
const BOUND_MAX = 33_554_430;

class Bits {
  readonly #bytes: number[] = [];
  #room = 0;

  put(value: bigint, count: number): void {
    for (let i = count - 1; i >= 0; i--) {
      if (this.#room === 0) this.#room = this.#bytes.push(0) > 0 ? 8 : 0;
      this.#room--;
      if ((value >> BigInt(i)) & 1n) this.#bytes[this.#bytes.length - 1] |= 1 << this.#room;
    }
  }

  float(value: number): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    this.put(view.getBigUint64(0), 64);
  }

  #prefixed(value: bigint, fits: (width: number) => boolean): void {
    const ones = WIDTHS.findIndex((width) => width === 64 || fits(width));
    for (let i = 0; i < ones; i++) this.put(1n, 1);
    if (ones < WIDTHS.length - 1) this.put(0n, 1);
    this.put(BigInt.asUintN(64, value), WIDTHS[ones]);
  }

  varbitInt(value: number): void {
    this.#prefixed(BigInt(value), (width) =>
      width === 0 ? value === 0 : value > -(2 ** (width - 1)) && value <= 2 ** (width - 1),
    );
  }

  varbitUint(value: number): void {
    this.#prefixed(BigInt(value), (width) => (width === 0 ? value === 0 : value < 2 ** width));
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

function putZeroThreshold(out: Bits, threshold: number): void {
  const exponent = Math.log2(threshold);
  const isPower = Number.isInteger(exponent) && 2 ** exponent === threshold && exponent >= -243 && exponent <= 10;
  if (threshold === 0) out.put(0n, 8);
  else if (isPower) out.put(BigInt(exponent + 244), 8);
  else {
    out.put(255n, 8);
    out.float(threshold);
  }
}

function putSpans(out: Bits, indexes: Int32Array): void {
  const spans = spansOf(indexes);
  out.varbitUint(spans.length);
  for (const { offset, length } of spans) {
    out.varbitUint(length);
    out.varbitInt(offset);
  }
}

function putBounds(out: Bits, bounds: Float64Array): void {
  out.varbitUint(bounds.length);
  for (const bound of bounds) {
    const thousandths = bound * 1000;
    const isShort = thousandths >= 0 && thousandths <= BOUND_MAX && Number.isInteger(thousandths);
    if (isShort && thousandths / 1000 === bound) out.varbitUint(thousandths + 1);
    else {
      out.put(0n, 1);
      out.float(bound);
    }
  }
}

/** A chunk of one histogram. */
export function encodeHistogramChunk(timeMs: number, h: NativeHistogram): Uint8Array {
  const out = new Bits();
  out.put(1n, 16);
  out.put(BigInt(RESETS[h.resetHint]) << 6n, 8);
  putZeroThreshold(out, h.zeroThreshold);
  out.varbitInt(h.schema);
  putSpans(out, h.positive.indexes);
  putSpans(out, h.negative.indexes);
  if (usesCustomBounds(h)) putBounds(out, h.customBounds);
  out.varbitInt(timeMs);
  for (const value of [h.count, h.zeroCount, h.sum, ...h.positive.counts, ...h.negative.counts]) out.float(value);
  return out.finish();
}
