// Reading all of a data directory for tools: metric by metric, series by series in the order of their labels, samples in pieces. Memory
// holds the series of one metric and one piece of samples.
import {
  type HistogramSamples,
  METRIC_NAME,
  type Labels,
  type Matcher,
  type SampleColumn,
  type SeriesSet,
  StartTimes,
  compareLabels,
  compareUtf8,
} from '../model/index.ts';
import type { Shard } from '../tsdb/index.ts';
import type { HeldDirectory } from './tsdb-directory.ts';

/** Samples that are read at once. */
const PIECE_SAMPLES_MAX = 1 << 18;

/** What to read. */
export interface Selection {
  readonly tenant: string;
  /** Alternatives; one empty list = everything. */
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly minMs: number;
  readonly maxMs: number;
}

/** Opens all shards of a directory for `use`. */
export async function withShards<T>(
  directory: HeldDirectory,
  use: (shards: readonly Shard[]) => Promise<T>,
): Promise<T> {
  const shards: Shard[] = [];
  try {
    for (let i = 0; i < directory.manifest.shards; i++) shards.push(await directory.openShard(i));
    return await use(shards);
  } finally {
    for (const shard of shards) await shard.close();
  }
}

/** A series that was found, and where. */
export interface FoundSeries {
  readonly labels: Labels;
  readonly set: SeriesSet;
  readonly index: number;
}

/** Names of the metrics of a selection, sorted; '' for series without a name. */
export async function metricNames(
  shards: readonly Shard[],
  { tenant, matcherSets, minMs, maxMs }: Selection,
): Promise<string[]> {
  const names = new Set<string>(['']);
  for (const { source } of shards) {
    for (const matchers of matcherSets) {
      for (const name of await source.labelValues(tenant, METRIC_NAME, matchers, minMs, maxMs)) names.add(name);
    }
  }
  return [...names].sort(compareUtf8);
}

/** The series of one metric, sorted, for `use`. */
export async function withSeries<T>(
  shards: readonly Shard[],
  { tenant, matcherSets, minMs, maxMs }: Selection,
  metric: string,
  use: (series: readonly FoundSeries[]) => Promise<T>,
): Promise<T> {
  const found = new Map<string, FoundSeries>();
  const sets: SeriesSet[] = [];
  const named: Matcher = { name: METRIC_NAME, op: '=', value: metric };
  try {
    for (const { source } of shards) {
      for (const matchers of matcherSets) {
        const set = await source.select(tenant, [...matchers, named], minMs, maxMs);
        sets.push(set);
        await addSeries(found, set);
      }
    }
    return await use([...found.values()].sort((a, b) => compareLabels(a.labels, b.labels)));
  } finally {
    for (const set of sets) set.release?.();
  }
}

async function addSeries(found: Map<string, FoundSeries>, set: SeriesSet): Promise<void> {
  let ready = set.prefetch ? 0 : set.length;
  for (let index = 0; index < set.length; index++) {
    if (index >= ready && set.prefetch) ready = await set.prefetch(index);
    const labels = set.labels(index);
    if (!found.has(labels.key)) found.set(labels.key, { labels, set, index });
  }
}

/** A column that grows. */
class Column implements SampleColumn {
  readonly histograms: HistogramSamples = { at: [], bytes: [] };
  readonly starts?: StartTimes;
  ts = new Float64Array(1024);
  vs = new Float64Array(1024);
  vsWords = new Uint32Array(this.vs.buffer);

  constructor(hasStarts: boolean) {
    if (hasStarts) this.starts = new StartTimes();
  }

  /** Room for a read, which begins without histograms and start times. */
  reserve(count: number): void {
    this.starts?.clear();
    this.histograms.at.length = 0;
    this.histograms.bytes.length = 0;
    if (count <= this.ts.length) return;
    const room = Math.max(count, 2 * this.ts.length);
    this.ts = new Float64Array(room);
    this.vs = new Float64Array(room);
    this.vsWords = new Uint32Array(this.vs.buffer);
  }
}

/** Reads series piece by piece, oldest first. A piece is valid until the next. */
export class PieceReader {
  readonly #column: Column;

  /** `hasStarts`: pieces tell start times, too. */
  constructor(hasStarts = false) {
    this.#column = new Column(hasStarts);
  }

  async *pieces(
    { set, index }: FoundSeries,
    minMs: number,
    maxMs: number,
  ): AsyncGenerator<{ column: SampleColumn; count: number }> {
    const ranges: [number, number][] = [[minMs, maxMs]];
    for (let range = ranges.pop(); range; range = ranges.pop()) {
      const [from, to] = range;
      // Ready for this turn only: whoever takes the piece lets others run.
      if (set.prefetch) await set.prefetch(index);
      const room = set.samplesMax(index, from, to);
      if (room === 0) continue;
      if (room > PIECE_SAMPLES_MAX && from < to) {
        const middle = Math.floor((from + to) / 2);
        ranges.push([middle + 1, to], [from, middle]);
        continue;
      }
      this.#column.reserve(room);
      const count = set.read(index, from, to, this.#column);
      if (count > 0) yield { column: this.#column, count };
    }
  }
}
