// The head of a shard in plain TypeScript: what applying a batch (docs/formats/batch.md) means. kernels/head does the same in flat
// memory and is fuzzed against this.
//
// - Series are numbered in the order in which the log first defined them. A segment's definition of a known id only gives it
//   a number in that segment.
// - A sample after the series' last one is appended. An earlier one is late: kept, unless its time is taken. The first sample of a
//   time wins: the same bits again are a duplicate, others a conflict.
// - A value is raw bits, or the bytes of a native histogram as hexadecimal text. The bytes decide whether two are the same.
// - A stale mark is a sample with the stale marker's bits, but only after the series' last sample: one that comes late would end what
//   it does not know. A mark for a series that the shard does not have is counted, and one without samples needs none.
// - A cut takes the samples before a window's beginning, and all of series whose newest sample is too old. It leaves with cutDrop(); until
//   then readers see it. What comes meanwhile is not part of it.
// - A series without samples that the segment does not name is dead at a drop. When a quarter of all are, a sweep removes them: those
//   that are left get new numbers in their order, and symbols that nothing names go.
// - The last sample's time stays known after it left, so that the same sample is still a duplicate; of a blob (kernels/head/blob.ts) only
//   that it was one.
//
// The kernel looks a late sample's time up in its newest columns only, and may store one again that is older. Readers see the first.
//
// - The start times of a series' samples are the samples of a companion: a series of its own number, without labels, that has the same
//   times. It begins with the first start time, with zeros for the samples that are there, and is dead as soon as it is empty at a drop.
//
// Exemplars: head-twin-exemplars.ts.
//
// Texts are byte texts: one unit per byte, so that symbols of any bytes compare and print.
import { type DecodedBatch, type SegmentState, decodeBatch, newSegmentState } from './batch-twin.ts';
import { TwinExemplars } from './head-twin-exemplars.ts';
import { type TwinLabel, byteText } from './intake-twin-labels.ts';

/** Upper half of doubles that the kernel keeps as blobs. */
const BLOB_HIGH = 0x7ff74842n;
/** A blob that has gone. */
const GONE = '';
const STALE_BITS = 0x7ff0000000000002n;
const WINDOW_MS = 7_200_000;
/** From here on a cut's end means everything. */
const ALL_MS = 2 ** 53;
const SWEEP_ONE_IN = 4;
// The clock: kernels/head/clock.ts.
const AHEAD_MS = 7_200_000;
const BEHIND_MS = 600_000;
const JUMPS_MAX = 16;

/** What became of samples and marks. */
export interface HeadTwinCounters {
  samples: number;
  duplicates: number;
  conflicts: number;
  outOfOrder: number;
  staleUnknown: number;
  batches: number;
  /** Samples that came late and are still there. */
  lateHeld: number;
  /** Samples that were dropped or deleted. */
  samplesGone: number;
}

const isBlob = (value: SampleValue): boolean => typeof value === 'string' || value >> 32n === BLOB_HIGH;

/** Whether two values are the same sample, as far as is known. */
const isSame = (a: SampleValue, b: SampleValue): boolean =>
  a === b || (isBlob(a) && isBlob(b) && (a === GONE || b === GONE));

/** A series of the shard. */
export interface HeadTwinSeries {
  /** Its number in the shard. */
  readonly number: number;
  readonly tenant: string;
  readonly labels: readonly TwinLabel[];
  readonly lastMs: number | null;
  readonly isDead: boolean;
  /** The companion with its start times; of which `labels` is empty. */
  readonly starts: { readonly number: number } | null;
}

/** Raw bits of a double, or the bytes of a histogram in hexadecimal. */
export type SampleValue = bigint | string;

/** Ms and value. */
export type Sample = [timestampMs: number, value: SampleValue];

/** A head that keeps everything in maps. */
export interface HeadTwin {
  readonly counters: Readonly<HeadTwinCounters>;
  /** All series, by number. */
  readonly series: readonly HeadTwinSeries[];
  /** Tenants, label names and values, each once. */
  readonly symbols: ReadonlySet<string>;
  readonly exemplars: TwinExemplars;
  /** A new segment of the log begins: its batches define everything anew. */
  beginSegment(): void;
  /** The time of the data; null before the first sample. */
  readonly clockMs: number | null;
  /** Samples whose values the kernel keeps as blobs. */
  readonly blobs: number;
  /** Series without samples, those of them that are dead, and how often there was a sweep. */
  readonly emptySeries: number;
  readonly deadSeries: number;
  readonly sweeps: number;
  /** Begins a cut; returns how many series have samples in it. */
  cutBegin(endMs: number, idleBeforeMs: number): number;
  /** Numbers of the series that have samples in the cut. */
  cutSeries(): number[];
  /** Beginnings of the windows that have samples in the cut, ascending. */
  cutWindows(): number[];
  /** Samples of a series that are in the cut. */
  cutSamples(series: number, minMs?: number, maxMs?: number): Sample[];
  /** The cut leaves; returns how many series died. */
  cutDrop(): number;
  cutCancel(): void;
  /** Deletes samples of series; returns how many there were. */
  deleteRange(series: readonly number[], minMs: number, maxMs: number): number;
  /** Applies a batch; a corrupt one changes nothing and throws. */
  apply(payload: Uint8Array): void;
  /** The number of the series with this id, or -1. A dead one is not found. */
  find(idLow: bigint, idHigh: bigint): number;
  /** Samples of a series in [minMs, maxMs], in time order. */
  samples(series: number, minMs?: number, maxMs?: number): Sample[];
  /** Names of a tenant's labels, sorted. */
  labelNames(tenant: string): string[];
  /** Values of a tenant's label, sorted. */
  labelValues(tenant: string, name: string): string[];
  /** Numbers of the tenant's series that have the label with this value, ascending. */
  postings(tenant: string, name: string, value: string): number[];
}

interface Row {
  number: number;
  readonly tenant: string;
  readonly labels: readonly TwinLabel[];
  readonly samples: Map<number, SampleValue>;
  /** Times of those samples that are in the cut, and of those that came late. */
  readonly cut: Set<number>;
  readonly late: Set<number>;
  lastMs: number | null;
  lastValue: SampleValue;
  isDead: boolean;
  starts: Row | null;
}

const isCompanion = ({ labels }: Row): boolean => labels.length === 0;

class Twin implements HeadTwin {
  readonly counters: HeadTwinCounters = {
    samples: 0,
    duplicates: 0,
    conflicts: 0,
    outOfOrder: 0,
    staleUnknown: 0,
    batches: 0,
    lateHeld: 0,
    samplesGone: 0,
  };
  series: Row[] = [];
  symbols = new Set<string>();
  clockMs: number | null = null;
  sweeps = 0;
  readonly exemplars = new TwinExemplars();
  #jumps = 0;
  readonly #byId = new Map<bigint, Row>();
  /** Tenant, then label name, then value. */
  #index = new Map<string, Map<string, Map<string, Row[]>>>();
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
    this.#moveClock(batch.timesMs);
    for (const [i, ref] of batch.refs.entries()) {
      this.#put(this.#segmentRows[ref], batch.timesMs[i], batch.valueBits[i], 0);
    }
    for (const { idLow, idHigh, timestampMs } of batch.stale) {
      const row = this.#byId.get(wholeId(idLow, idHigh));
      if (!row) this.counters.staleUnknown++;
      else if (row.lastMs !== null && timestampMs > row.lastMs) this.#put(row, timestampMs, STALE_BITS, 0);
    }
    this.#moveClock(Float64Array.from(batch.histograms, ({ timestampMs }) => timestampMs));
    for (const { ref, timestampMs, bytes } of batch.histograms) {
      this.#put(this.#segmentRows[ref], timestampMs, Buffer.from(bytes).toString('hex'), 0);
    }
    this.#moveClock(Float64Array.from(batch.started, ({ timestampMs }) => timestampMs));
    for (const { ref, timestampMs, startMs, value } of batch.started) {
      const row = this.#segmentRows[ref];
      row.starts ??= this.#companion(row);
      this.#put(row, timestampMs, typeof value === 'bigint' ? value : Buffer.from(value).toString('hex'), startMs);
    }
    if (batch.exemplarsMax !== null)
      this.exemplars.apply(batch.exemplarsMax, batch.exemplars, (low, high) => this.#byId.get(wholeId(low, high)));
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
      row.isDead = false;
      this.#segmentRows.push(row);
    }
  }

  #create(tenant: string, texts: readonly string[]): Row {
    const labels: TwinLabel[] = [];
    for (let i = 0; i < texts.length; i += 2) labels.push([texts[i], texts[i + 1]]);
    const row = newRow(this.series.length, tenant, labels);
    this.series.push(row);
    this.#enter(row);
    return row;
  }

  #companion(of: Row): Row {
    const row = newRow(this.series.length, '', []);
    for (const time of of.samples.keys()) row.samples.set(time, 0n);
    for (const time of of.cut) row.cut.add(time);
    for (const time of of.late) row.late.add(time);
    row.lastMs = of.lastMs;
    this.counters.lateHeld += row.late.size;
    this.series.push(row);
    return row;
  }

  #enter(row: Row): void {
    const { tenant, labels } = row;
    const byName = entry(this.#index, tenant, () => new Map<string, Map<string, Row[]>>());
    for (const [name, value] of labels) {
      const byValue = entry(byName, name, () => new Map<string, Row[]>());
      entry(byValue, value, (): Row[] => []).push(row);
    }
  }

  #put(row: Row, timestampMs: number, value: SampleValue, startMs: number): void {
    const { counters } = this;
    const there = timestampMs === row.lastMs ? row.lastValue : row.samples.get(timestampMs);
    if (there !== undefined) {
      if (isSame(there, value)) counters.duplicates++;
      else counters.conflicts++;
      return;
    }
    counters.samples++;
    if (!this.#store(row, timestampMs, value)) counters.outOfOrder++;
    if (row.starts) this.#store(row.starts, timestampMs, doubleBits(startMs));
  }

  /** Returns whether it is the newest sample. */
  #store(row: Row, timestampMs: number, value: SampleValue): boolean {
    row.samples.set(timestampMs, value);
    row.isDead = false;
    if (row.lastMs === null || timestampMs > row.lastMs) {
      row.lastMs = timestampMs;
      row.lastValue = value;
      return true;
    }
    row.late.add(timestampMs);
    this.counters.lateHeld++;
    return false;
  }

  #moveClock(timesMs: Float64Array): void {
    if (timesMs.length === 0) return;
    const { clockMs } = this;
    const bound = clockMs === null ? -Infinity : clockMs + AHEAD_MS;
    const near = Math.max(...timesMs.filter((time) => time <= bound));
    const beyond = Math.min(...timesMs.filter((time) => time > bound));
    if (clockMs === null) this.clockMs = beyond;
    else if (near >= clockMs - BEHIND_MS) {
      this.clockMs = Math.max(clockMs, near);
      this.#jumps = Math.max(0, this.#jumps - 1);
    } else if (beyond < Infinity && ++this.#jumps === JUMPS_MAX) {
      this.clockMs = beyond;
      this.#jumps = 0;
    }
  }

  get blobs(): number {
    return this.series.reduce((sum, { samples }) => sum + [...samples.values()].filter(isBlob).length, 0);
  }

  get emptySeries(): number {
    return this.series.filter(({ samples }) => samples.size === 0).length;
  }

  get deadSeries(): number {
    return this.series.filter(({ isDead }) => isDead).length;
  }

  cutBegin(endMs: number, idleBeforeMs: number): number {
    const windowMs = endMs >= ALL_MS ? Infinity : Math.floor(endMs / WINDOW_MS) * WINDOW_MS;
    for (const { lastMs, samples, cut } of this.series) {
      const end = lastMs !== null && lastMs < idleBeforeMs ? Infinity : windowMs;
      for (const time of samples.keys()) if (time < end) cut.add(time);
    }
    return this.cutSeries().length;
  }

  cutSeries(): number[] {
    return this.series.filter((row) => row.cut.size > 0 && !isCompanion(row)).map(({ number }) => number);
  }

  cutWindows(): number[] {
    const times = this.series.flatMap(({ cut }) => [...cut]);
    const windows = new Set(times.map((time) => Math.floor(time / WINDOW_MS) * WINDOW_MS));
    return [...windows].sort((a, b) => a - b);
  }

  cutSamples(series: number, minMs?: number, maxMs?: number): Sample[] {
    return this.samples(series, minMs, maxMs).filter(([time]) => this.series[series].cut.has(time));
  }

  cutDrop(): number {
    for (const row of this.series) for (const time of row.cut) this.#remove(row, time);
    const named = new Set(this.#segmentRows);
    let died = 0;
    for (const row of this.series) {
      const isDead = row.samples.size === 0 && !named.has(row);
      died += Number(isDead && !row.isDead);
      row.isDead = isDead;
    }
    const dead = this.deadSeries;
    if (dead > 0 && dead * SWEEP_ONE_IN >= this.series.length) this.#sweep();
    return died;
  }

  cutCancel(): void {
    for (const { cut } of this.series) cut.clear();
  }

  #remove(row: Row, time: number): void {
    if (time === row.lastMs && isBlob(row.lastValue)) row.lastValue = GONE;
    row.samples.delete(time);
    row.cut.delete(time);
    if (row.late.delete(time)) this.counters.lateHeld--;
    if (!isCompanion(row)) this.counters.samplesGone++;
  }

  #sweep(): void {
    this.series = this.series.filter(({ isDead }) => !isDead);
    this.symbols = new Set(this.#segment.symbols.map((symbol) => byteText(symbol)));
    this.#index = new Map();
    for (const [number, row] of this.series.entries()) {
      row.number = number;
      if (row.starts?.isDead) row.starts = null;
      if (isCompanion(row)) continue;
      this.#enter(row);
      for (const text of [row.tenant, ...row.labels.flat()]) this.symbols.add(text);
    }
    for (const [id, row] of this.#byId) if (row.isDead) this.#byId.delete(id);
    this.sweeps++;
  }

  deleteRange(series: readonly number[], minMs: number, maxMs: number): number {
    const before = this.counters.samplesGone;
    const rows = series.map((number) => this.series[number]);
    for (const row of rows.flatMap((one) => (one.starts ? [one, one.starts] : [one]))) {
      for (const time of row.samples.keys()) if (time >= minMs && time <= maxMs) this.#remove(row, time);
      if (row.lastMs === null || row.lastMs < minMs || row.lastMs > maxMs) continue;
      const left = this.samples(row.number).at(-1);
      row.lastMs = left?.[0] ?? null;
      row.lastValue = left?.[1] ?? 0n;
    }
    return this.counters.samplesGone - before;
  }

  find(idLow: bigint, idHigh: bigint): number {
    const row = this.#byId.get(wholeId(idLow, idHigh));
    return row === undefined || row.isDead ? -1 : row.number;
  }

  samples(series: number, minMs = -Infinity, maxMs = Infinity): Sample[] {
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

const newRow = (number: number, tenant: string, labels: readonly TwinLabel[]): Row => ({
  number,
  tenant,
  labels,
  samples: new Map(),
  cut: new Set(),
  late: new Set(),
  lastMs: null,
  lastValue: 0n,
  isDead: false,
  starts: null,
});

const doubleBits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0];

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
