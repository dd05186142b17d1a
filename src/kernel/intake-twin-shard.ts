// One shard in the intake's twin: the dictionary of its log's open segment, and the encoder of batches
// (docs/formats/batch.md).
import { ByteWriter } from '../base/index.ts';
import type { Hash128 } from './intake-hash.ts';
import { type CheckedExemplar, encodeExemplars } from './intake-twin-exemplars.ts';
import { type TwinLabel, textBytes } from './intake-twin-labels.ts';
import type { TwinSample } from './intake-twin-protobuf.ts';

interface Started {
  readonly ref: number;
  readonly timeMs: bigint;
  readonly startMs: bigint;
  /** Eight: the bits of a double. Else a histogram. */
  readonly bytes: Uint8Array;
}

interface Stale extends Hash128 {
  readonly timeMs: bigint;
}

const idKey = ({ low, high }: Hash128): bigint => (high << 64n) | low;
const zigzag = (value: bigint): bigint => (value >= 0n ? value * 2n : -value * 2n - 1n);

function writeVarint(out: ByteWriter, value: bigint): void {
  let left = value;
  for (; left > 127n; left >>= 7n) out.u8(Number(left & 127n) | 128);
  out.u8(Number(left));
}

/** A growing list that a map leads into, and that can be cut back to a length. */
class Numbering<K> {
  readonly keys: K[] = [];
  readonly #numbers = new Map<K, number>();

  find(key: K): number | undefined {
    return this.#numbers.get(key);
  }
  add(key: K): number {
    this.#numbers.set(key, this.keys.length);
    return this.keys.push(key) - 1;
  }
  cut(length: number): void {
    for (const key of this.keys.splice(length)) this.#numbers.delete(key);
  }
}

export class TwinShard {
  readonly #symbols = new Numbering<string>();
  readonly #series = new Numbering<bigint>();
  #savedSymbols = 0;
  #savedSeries = 0;
  #definitions: { id: Hash128; pairs: number[] }[] = [];
  #samples: (TwinSample & { ref: number })[] = [];
  #histograms: { ref: number; timeMs: bigint; bytes: Uint8Array }[] = [];
  #started: Started[] = [];
  #stale: Stale[] = [];
  #exemplars: CheckedExemplar[] = [];

  get seriesCount(): number {
    return this.#series.keys.length;
  }
  get symbolBytes(): number {
    return this.#symbols.keys.reduce((sum, symbol) => sum + symbol.length, 0);
  }

  get sampleCount(): number {
    return this.#samples.length + this.#histograms.length + this.#started.length;
  }

  begin(): void {
    this.#savedSymbols = this.#symbols.keys.length;
    this.#savedSeries = this.#series.keys.length;
    this.#definitions = [];
    this.#samples = [];
    this.#histograms = [];
    this.#started = [];
    this.#stale = [];
    this.#exemplars = [];
  }
  undo(): void {
    this.#symbols.cut(this.#savedSymbols);
    this.#series.cut(this.#savedSeries);
    this.begin();
  }
  rotate(): void {
    this.#symbols.cut(0);
    this.#series.cut(0);
    this.#savedSymbols = 0;
    this.#savedSeries = 0;
  }

  find(id: Hash128): number | undefined {
    return this.#series.find(idKey(id));
  }
  define(id: Hash128, labels: readonly TwinLabel[]): number {
    const pairs = labels.flat().map((symbol) => this.#symbols.find(symbol) ?? this.#symbols.add(symbol));
    this.#definitions.push({ id, pairs });
    return this.#series.add(idKey(id));
  }
  sample(ref: number, { timeMs, startMs, bits }: TwinSample): void {
    if (startMs === 0n) this.#samples.push({ ref, timeMs, startMs, bits });
    else this.#started.push({ ref, timeMs, startMs, bytes: new Uint8Array(BigUint64Array.of(bits).buffer) });
  }
  histogram(ref: number, timeMs: bigint, startMs: bigint, bytes: Uint8Array): void {
    if (startMs === 0n) this.#histograms.push({ ref, timeMs, bytes });
    else this.#started.push({ ref, timeMs, startMs, bytes });
  }
  stale(id: Hash128, timeMs: bigint): void {
    this.#stale.push({ ...id, timeMs });
  }

  exemplar(exemplar: CheckedExemplar): void {
    this.#exemplars.push(exemplar);
  }

  /** The batch; empty if there is nothing to log. */
  encode(tenant: Uint8Array, exemplarsMax: number): Uint8Array {
    const out = new ByteWriter();
    if (this.sampleCount + this.#stale.length + this.#exemplars.length === 0) return out.finish();
    out.u8(1);
    out.block(tenant);
    const symbols = this.#symbols.keys.slice(this.#savedSymbols);
    if (symbols.length > 0) section(out, 1, (to) => this.#encodeSymbols(to, symbols));
    if (this.#definitions.length > 0) section(out, 2, (to) => this.#encodeSeries(to));
    if (this.#samples.length > 0) section(out, 3, (to) => this.#encodeSamples(to));
    if (this.#stale.length > 0) section(out, 4, (to) => this.#encodeStale(to));
    if (this.#histograms.length > 0) section(out, 5, (to) => this.#encodeHistograms(to));
    if (this.#exemplars.length > 0) section(out, 6, (to) => encodeExemplars(to, exemplarsMax, this.#exemplars));
    if (this.#started.length > 0) section(out, 8, (to) => this.#encodeStarted(to));
    return out.finish();
  }

  #encodeSymbols(out: ByteWriter, symbols: readonly string[]): void {
    out.varint(this.#savedSymbols);
    out.varint(symbols.length);
    for (const symbol of symbols) out.block(textBytes(symbol));
  }
  #encodeSeries(out: ByteWriter): void {
    out.varint(this.#savedSeries);
    out.varint(this.#definitions.length);
    for (const { id, pairs } of this.#definitions) {
      out.u64(id.low);
      out.u64(id.high);
      out.varint(pairs.length / 2);
      for (const symbol of pairs) out.varint(symbol);
    }
  }
  #encodeSamples(out: ByteWriter): void {
    encodePlaces(out, this.#samples);
    for (const { bits } of this.#samples) out.u64(bits);
  }
  #encodeHistograms(out: ByteWriter): void {
    encodePlaces(out, this.#histograms);
    for (const { bytes } of this.#histograms) out.block(bytes);
  }
  #encodeStarted(out: ByteWriter): void {
    const { refs, times } = places(this.#started);
    const starts = new ByteWriter();
    let lastMs = 0n;
    for (const { startMs } of this.#started) {
      writeVarint(starts, zigzag(startMs - lastMs));
      lastMs = startMs;
    }
    out.varint(this.#started.length);
    for (const column of [refs, times, starts]) out.u32(column.length);
    for (const column of [refs, times, starts]) out.bytes(column.view());
    for (const { bytes } of this.#started) out.block(bytes);
  }
  #encodeStale(out: ByteWriter): void {
    out.varint(this.#stale.length);
    for (const { low, high, timeMs } of this.#stale) {
      out.u64(low);
      out.u64(high);
      writeVarint(out, zigzag(timeMs));
    }
  }
}

type Placed = readonly { readonly ref: number; readonly timeMs: bigint }[];

/** Series and times of samples: sections 3 and 5 begin with them. */
function encodePlaces(out: ByteWriter, samples: Placed): void {
  const { refs, times } = places(samples);
  out.varint(samples.length);
  out.u32(refs.length);
  out.u32(times.length);
  out.bytes(refs.view());
  out.bytes(times.view());
}

function places(samples: Placed): { refs: ByteWriter; times: ByteWriter } {
  const refs = new ByteWriter();
  const times = new ByteWriter();
  let nextRef = 0;
  let lastMs = 0n;
  for (const { ref, timeMs } of samples) {
    refs.zigzag(ref - nextRef);
    writeVarint(times, zigzag(timeMs - lastMs));
    nextRef = ref + 1;
    lastMs = timeMs;
  }
  return { refs, times };
}

function section(out: ByteWriter, tag: number, fill: (payload: ByteWriter) => void): void {
  const payload = new ByteWriter();
  fill(payload);
  out.u8(tag);
  out.u32(payload.length);
  out.bytes(payload.view());
}
