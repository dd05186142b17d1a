// The head of a shard in plain TypeScript: what applying a batch (docs/formats/batch.md) means. kernels/head does the same in flat
// memory and is fuzzed against this.
//
// - Series are numbered in the order in which the log first defined them. A segment's definition of a known id only gives it
//   a number in that segment.
// - A sample after the series' last one is appended. An earlier one is late: kept, unless its time is taken. The first sample of a
//   time wins: the same bits again are a duplicate, others a conflict.
// - A stale mark is a sample with the stale marker's bits, but only after the series' last sample: one that comes late would end what
//   it does not know. A mark for a series that the shard does not have is counted, and one without samples needs none.
//
// Texts are byte texts: one unit per byte, so that symbols of any bytes compare and print.
import { type DecodedBatch, type SegmentState, decodeBatch, newSegmentState } from './batch-twin.ts';
import { type TwinLabel, byteText } from './intake-twin-labels.ts';

const STALE_BITS = 0x7ff0000000000002n;

/** What became of samples and marks. */
export interface HeadTwinCounters {
  samples: number;
  duplicates: number;
  conflicts: number;
  outOfOrder: number;
  staleUnknown: number;
  batches: number;
}

/** A series of the shard. */
export interface HeadTwinSeries {
  /** Its number in the shard. */
  readonly number: number;
  readonly tenant: string;
  readonly labels: readonly TwinLabel[];
  readonly lastMs: number | null;
}

/** A head that keeps everything in maps. */
export interface HeadTwin {
  readonly counters: Readonly<HeadTwinCounters>;
  /** All series, by number. */
  readonly series: readonly HeadTwinSeries[];
  /** Tenants, label names and values, each once. */
  readonly symbols: ReadonlySet<string>;
  /** A new segment of the log begins: its batches define everything anew. */
  beginSegment(): void;
  /** Applies a batch; a corrupt one changes nothing and throws. */
  apply(payload: Uint8Array): void;
  /** The number of the series with this id, or -1. */
  find(idLow: bigint, idHigh: bigint): number;
  /** Samples of a series in [minMs, maxMs], in time order: ms and raw value bits. */
  samples(series: number, minMs?: number, maxMs?: number): [timestampMs: number, bits: bigint][];
  /** Names of a tenant's labels, sorted. */
  labelNames(tenant: string): string[];
  /** Values of a tenant's label, sorted. */
  labelValues(tenant: string, name: string): string[];
  /** Numbers of the tenant's series that have the label with this value, ascending. */
  postings(tenant: string, name: string, value: string): number[];
}

interface Row {
  readonly number: number;
  readonly tenant: string;
  readonly labels: readonly TwinLabel[];
  readonly samples: Map<number, bigint>;
  lastMs: number | null;
}

class Twin implements HeadTwin {
  readonly counters = { samples: 0, duplicates: 0, conflicts: 0, outOfOrder: 0, staleUnknown: 0, batches: 0 };
  readonly series: Row[] = [];
  readonly symbols = new Set<string>();
  readonly #byId = new Map<bigint, Row>();
  /** Tenant, then label name, then value. */
  readonly #index = new Map<string, Map<string, Map<string, Row[]>>>();
  #segment: SegmentState = newSegmentState();
  /** The series behind the segment's numbers. */
  #segmentRows: Row[] = [];

  beginSegment(): void {
    this.#segment = newSegmentState();
    this.#segmentRows = [];
  }

  apply(payload: Uint8Array): void {
    const batch = decodeBatch(payload, this.#segment);
    const tenant = byteText(batch.tenant);
    this.#define(batch, tenant);
    for (const [i, ref] of batch.refs.entries()) {
      this.#put(this.#segmentRows[ref], batch.timesMs[i], batch.valueBits[i]);
    }
    for (const { idLow, idHigh, timestampMs } of batch.stale) {
      const row = this.#byId.get(wholeId(idLow, idHigh));
      if (!row) this.counters.staleUnknown++;
      else if (row.lastMs !== null && timestampMs > row.lastMs) this.#put(row, timestampMs, STALE_BITS);
    }
    this.counters.batches++;
  }

  #define({ symbolsNew, seriesNew }: DecodedBatch, tenant: string): void {
    const { symbols, series } = this.#segment;
    this.symbols.add(tenant);
    for (const symbol of symbols.slice(symbols.length - symbolsNew)) this.symbols.add(byteText(symbol));
    for (const { idLow, idHigh, labels } of series.slice(series.length - seriesNew)) {
      const id = wholeId(idLow, idHigh);
      let row = this.#byId.get(id);
      if (!row) {
        const texts = Array.from(labels, (symbol) => byteText(symbols[symbol]));
        row = this.#create(tenant, texts);
        this.#byId.set(id, row);
      }
      this.#segmentRows.push(row);
    }
  }

  #create(tenant: string, texts: readonly string[]): Row {
    const labels: TwinLabel[] = [];
    for (let i = 0; i < texts.length; i += 2) labels.push([texts[i], texts[i + 1]]);
    const row: Row = { number: this.series.length, tenant, labels, samples: new Map(), lastMs: null };
    this.series.push(row);
    const byName = entry(this.#index, tenant, () => new Map<string, Map<string, Row[]>>());
    for (const [name, value] of labels) {
      const byValue = entry(byName, name, () => new Map<string, Row[]>());
      entry(byValue, value, (): Row[] => []).push(row);
    }
    return row;
  }

  #put(row: Row, timestampMs: number, bits: bigint): void {
    const { counters } = this;
    const there = row.samples.get(timestampMs);
    if (there !== undefined) {
      if (there === bits) counters.duplicates++;
      else counters.conflicts++;
      return;
    }
    row.samples.set(timestampMs, bits);
    counters.samples++;
    if (row.lastMs === null || timestampMs > row.lastMs) row.lastMs = timestampMs;
    else counters.outOfOrder++;
  }

  find(idLow: bigint, idHigh: bigint): number {
    return this.#byId.get(wholeId(idLow, idHigh))?.number ?? -1;
  }

  samples(series: number, minMs = -Infinity, maxMs = Infinity): [number, bigint][] {
    const all = [...this.series[series].samples].filter(([time]) => time >= minMs && time <= maxMs);
    return all.sort((a, b) => a[0] - b[0]);
  }

  labelNames(tenant: string): string[] {
    return [...(this.#index.get(tenant)?.keys() ?? [])].sort();
  }

  labelValues(tenant: string, name: string): string[] {
    return [...(this.#index.get(tenant)?.get(name)?.keys() ?? [])].sort();
  }

  postings(tenant: string, name: string, value: string): number[] {
    const rows = this.#index.get(tenant)?.get(name)?.get(value) ?? [];
    return rows.map(({ number }) => number);
  }
}

const wholeId = (idLow: bigint, idHigh: bigint): bigint => (idHigh << 64n) | idLow;

/** The value under a key, made if it is not there. */
function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** An empty head. */
export const createHeadTwin = (): HeadTwin => new Twin();
