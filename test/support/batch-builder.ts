// Writes batches (docs/formats/batch.md) for tests, without the intake kernel: one segment dictionary, series by number.
import { ByteWriter } from '../../src/base/index.ts';

export interface TestSample {
  readonly series: number;
  readonly timeMs: number;
  readonly value: number;
  /** Raw bits in place of the value. */
  readonly bits?: bigint;
}

export interface TestHistogram {
  readonly series: number;
  readonly timeMs: number;
  readonly bytes: Uint8Array;
}

export interface TestExemplar {
  readonly series: number;
  readonly timeMs: number;
  readonly hasTime: boolean;
  readonly value: number;
  readonly labels: readonly (readonly [string, string])[];
}

/** A sample with a start time: a value, or the bytes of a histogram. */
export interface TestStarted {
  readonly series: number;
  readonly timeMs: number;
  readonly startMs: number;
  readonly value: number | Uint8Array;
}

type Placed = Omit<TestSample, 'value'>;

export interface TestSeries {
  readonly labels: readonly (readonly [string, string])[];
}

/** The id that the builder gives to a series: any 128 bits do, as long as they differ. */
export const testId = (series: number): readonly [bigint, bigint] => [
  (BigInt(series + 1) * 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn,
  BigInt(series),
];

/** Dictionary of one log segment. */
export class BatchBuilder {
  readonly #symbols = new Map<string, number>();
  readonly #numbers = new Map<number, number>();
  readonly #series: readonly TestSeries[];

  constructor(series: readonly TestSeries[]) {
    this.#series = series;
  }

  /** A new segment: everything is defined anew. */
  rotate(): void {
    this.#symbols.clear();
    this.#numbers.clear();
  }

  build(
    tenant: string,
    samples: readonly TestSample[],
    stale: readonly Placed[] = [],
    histograms: readonly TestHistogram[] = [],
    started: readonly TestStarted[] = [],
    exemplars: readonly TestExemplar[] = [],
    exemplarsMax = 1000,
  ): Uint8Array {
    const symbolsBefore = this.#symbols.size;
    const seriesBefore = this.#numbers.size;
    const symbols: string[] = [];
    const definitions = new ByteWriter();
    for (const { series } of [...samples, ...histograms, ...started]) this.#define(series, symbols, definitions);
    const out = new ByteWriter();
    out.u8(1);
    out.text(tenant);
    const section = (tag: number, fill: (writer: ByteWriter) => void) => {
      const payload = new ByteWriter();
      fill(payload);
      out.u8(tag);
      out.u32(payload.length);
      out.bytes(payload.view());
    };
    if (symbols.length > 0) {
      section(1, (writer) => {
        writer.varint(symbolsBefore);
        writer.varint(symbols.length);
        for (const symbol of symbols) writer.text(symbol);
      });
    }
    if (this.#numbers.size > seriesBefore) {
      section(2, (writer) => {
        writer.varint(seriesBefore);
        writer.varint(this.#numbers.size - seriesBefore);
        writer.bytes(definitions.view());
      });
    }
    if (samples.length > 0) section(3, (writer) => this.#samples(writer, samples));
    if (stale.length > 0) section(4, (writer) => this.#stale(writer, stale));
    if (histograms.length > 0) section(5, (writer) => this.#histograms(writer, histograms));
    if (exemplars.length > 0) section(6, (writer) => putExemplars(writer, exemplars, exemplarsMax));
    if (started.length > 0) section(8, (writer) => this.#started(writer, started));
    return out.finish();
  }

  #symbol(text: string, added: string[]): number {
    let number = this.#symbols.get(text);
    if (number === undefined) {
      number = this.#symbols.size;
      this.#symbols.set(text, number);
      added.push(text);
    }
    return number;
  }

  #define(series: number, symbols: string[], out: ByteWriter): void {
    if (this.#numbers.has(series)) return;
    this.#numbers.set(series, this.#numbers.size);
    const { labels } = this.#series[series];
    for (const half of testId(series)) out.u64(half);
    out.varint(labels.length);
    for (const pair of labels) for (const text of pair) out.varint(this.#symbol(text, symbols));
  }

  #places(writer: ByteWriter, samples: readonly Placed[]): void {
    const { refs, times } = this.#columns(samples);
    writer.varint(samples.length);
    writer.u32(refs.length);
    writer.u32(times.length);
    writer.bytes(refs.view());
    writer.bytes(times.view());
  }

  #started(writer: ByteWriter, samples: readonly TestStarted[]): void {
    const { refs, times } = this.#columns(samples);
    const starts = new ByteWriter();
    for (const [i, { startMs }] of samples.entries()) starts.zigzag(startMs - (i === 0 ? 0 : samples[i - 1].startMs));
    writer.varint(samples.length);
    for (const column of [refs, times, starts]) writer.u32(column.length);
    for (const column of [refs, times, starts]) writer.bytes(column.view());
    for (const { value } of samples) {
      writer.block(typeof value === 'number' ? new Uint8Array(Float64Array.of(value).buffer) : value);
    }
  }

  #columns(samples: readonly Placed[]): { refs: ByteWriter; times: ByteWriter } {
    const refs = new ByteWriter();
    const times = new ByteWriter();
    let refBefore = -1;
    let timeBefore = 0;
    for (const { series, timeMs } of samples) {
      const ref = this.#numbers.get(series) as number;
      refs.zigzag(ref - (refBefore + 1));
      times.zigzag(timeMs - timeBefore);
      refBefore = ref;
      timeBefore = timeMs;
    }
    return { refs, times };
  }

  #samples(writer: ByteWriter, samples: readonly TestSample[]): void {
    this.#places(writer, samples);
    for (const { value, bits } of samples) {
      if (bits === undefined) writer.f64(value);
      else writer.u64(bits);
    }
  }

  #histograms(writer: ByteWriter, histograms: readonly TestHistogram[]): void {
    this.#places(writer, histograms);
    for (const { bytes } of histograms) writer.block(bytes);
  }

  #stale(writer: ByteWriter, stale: readonly Placed[]): void {
    writer.varint(stale.length);
    for (const { series, timeMs } of stale) {
      for (const half of testId(series)) writer.u64(half);
      writer.zigzag(timeMs);
    }
  }
}

function putExemplars(writer: ByteWriter, exemplars: readonly TestExemplar[], max: number): void {
  writer.varint(max);
  writer.varint(exemplars.length);
  for (const { series, timeMs, hasTime, value, labels } of exemplars) {
    for (const half of testId(series)) writer.u64(half);
    writer.zigzag(timeMs);
    writer.u8(hasTime ? 1 : 0);
    writer.f64(value);
    const texts = labels.flat().map((text) => textBytesOf(text));
    writer.block(Buffer.concat(texts));
  }
}

/** A text of less than 255 bytes behind its length. */
function textBytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}
