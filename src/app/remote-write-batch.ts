// Samples of one request of remote write, and how they become its body.
import { ByteWriter } from '../base/index.ts';
import { STALE_NAN_BITS, histogramFromBytes } from '../model/index.ts';
import {
  type WireExemplar,
  type WireHistogram,
  type WireMetadata,
  type WireSample,
  type WireSeries,
  compressSnappy,
  encodeRemoteWriteV2,
  exemplarMessage,
  writeBytes,
  writeHistogram,
} from '../wire/index.ts';
import type { RemoteSeries } from './remote-write-series.ts';

/** Records of a log whose samples are not all sent yet count down to zero. */
export interface LogMark {
  left: number;
}

/** What is sent of a series at a time. */
export interface RemoteSample {
  readonly series: RemoteSeries;
  readonly timeMs: number;
  /** 0: none is known. */
  readonly startMs: number;
  /** Raw bits of a float, a histogram in its binary form, or null: exemplars alone. */
  readonly value: bigint | Uint8Array | null;
  readonly exemplars: readonly WireExemplar[];
}

/** Appended to until it is full, then sent as a whole. */
export class WriteBatch {
  readonly #max: number;
  readonly #series: RemoteSeries[] = [];
  readonly #marks: LogMark[] = [];
  readonly #times: Float64Array;
  readonly #bits: BigUint64Array;
  readonly #histograms = new Map<number, Uint8Array>();
  readonly #exemplars = new Map<number, readonly WireExemplar[]>();
  readonly #bare = new Set<number>();
  exemplarCount = 0;
  /** Start times by place. */
  readonly #starts = new Map<number, number>();
  /** Monotonic time of the first sample. */
  readonly startedMs: number;
  highestMs = -Infinity;

  constructor(samplesMax: number, startedMs: number) {
    this.#max = samplesMax;
    this.#times = new Float64Array(samplesMax);
    this.#bits = new BigUint64Array(samplesMax);
    this.startedMs = startedMs;
  }

  get length(): number {
    return this.#series.length;
  }

  get isFull(): boolean {
    return this.length >= this.#max;
  }

  get histogramCount(): number {
    return this.#histograms.size;
  }

  /** Entries that are exemplars only. */
  get bareCount(): number {
    return this.#bare.size;
  }

  /** Appends a float of raw bits, or a histogram in its binary form, or nothing, and exemplars with it. */
  add({ series, timeMs, startMs, value, exemplars }: RemoteSample, mark: LogMark): void {
    const at = this.#series.push(series) - 1;
    this.#marks.push(mark);
    this.#times[at] = timeMs;
    if (typeof value === 'bigint') this.#bits[at] = value;
    else if (value === null) this.#bare.add(at);
    else this.#histograms.set(at, value);
    if (exemplars.length > 0) {
      this.#exemplars.set(at, exemplars);
      this.exemplarCount += exemplars.length;
    }
    if (startMs !== 0) this.#starts.set(at, startMs);
    if (timeMs > this.highestMs) this.highestMs = timeMs;
  }

  /** Its samples need no more attention. */
  settle(): void {
    for (const mark of this.#marks) mark.left--;
  }

  /** How many of the samples are older; they are left out of encode() with the same bound. */
  olderThan(timeMs: number): number {
    let count = 0;
    for (let i = 0; i < this.length; i++) if (this.#times[i] < timeMs) count++;
    return count;
  }

  /** The compressed body, without samples before `minMs`. `metadata`: of the metric names of a version 2 body. */
  encode(version: 1 | 2, minMs: number, metadata: readonly WireMetadata[]): Uint8Array {
    const places = [...this.#series.keys()].filter((i) => this.#times[i] >= minMs);
    return compressSnappy(version === 1 ? this.#version1(places) : this.#version2(places, metadata));
  }

  #version1(places: readonly number[]): Uint8Array {
    const out = new ByteWriter(1 << 17);
    const series = new ByteWriter(1024);
    const part = new ByteWriter(1024);
    for (const i of places) {
      series.clear();
      part.clear();
      series.bytes(this.#series[i].encoded);
      const histogram = this.#histogram(i);
      if (histogram) writeHistogram(part, histogram);
      else if (!this.#bare.has(i)) {
        part.u8(0x09);
        part.u64(this.#bits[i]);
        part.u8(0x10);
        writeTime(part, this.#times[i]);
      }
      if (part.length > 0) writeBytes(series, histogram ? 0x22 : 0x12, part.view());
      for (const exemplar of this.#exemplars.get(i) ?? []) writeBytes(series, 0x1a, exemplarMessage(exemplar));
      writeBytes(out, 0x0a, series.view());
    }
    return out.finish();
  }

  #version2(places: readonly number[], metadata: readonly WireMetadata[]): Uint8Array {
    const all = places.map((i): WireSeries => {
      const histogram = this.#histogram(i);
      const labels = [...(this.#series[i].labels ?? [])];
      const exemplars = this.#exemplars.get(i) ?? [];
      if (histogram) return { labels, samples: [], histograms: [histogram], exemplars };
      return { labels, samples: this.#bare.has(i) ? [] : [this.#sample(i)], exemplars };
    });
    return encodeRemoteWriteV2(all, metadata);
  }

  #sample(i: number): WireSample {
    floatBits[0] = this.#bits[i];
    return {
      timestampMs: this.#times[i],
      value: floatValue[0],
      stale: this.#bits[i] === STALE_NAN_BITS,
      startMs: this.#starts.get(i),
    };
  }

  #histogram(i: number): WireHistogram | null {
    const bytes = this.#histograms.get(i);
    if (!bytes) return null;
    return { timestampMs: this.#times[i], histogram: histogramFromBytes(bytes), startMs: this.#starts.get(i) };
  }

  /** Metric names of the series. */
  names(): Set<string> {
    return new Set(this.#series.map(({ labels }) => labels?.get('__name__') ?? ''));
  }
}

const floatBits = new BigUint64Array(1);
const floatValue = new Float64Array(floatBits.buffer);

function writeTime(out: ByteWriter, timeMs: number): void {
  if (timeMs >= 0) return out.varint(timeMs);
  let left = BigInt.asUintN(64, BigInt(timeMs));
  for (; left > 127n; left >>= 7n) out.u8(Number(left & 127n) | 128);
  out.u8(Number(left));
}
