// Listings over all shards: series, label names, label values, and the counts of status/tsdb.
import {
  type HandlerListings,
  type Listing,
  type ListingSelection,
  MAX_TIME_MS,
  MIN_TIME_MS,
  type NameCount,
  type TsdbStatus,
} from '../api/index.ts';
import { Labels, compareLabels, compareUtf8, mergeTexts } from '../model/index.ts';
import { unpackLabels } from '../promql/index.ts';
import type { RemoteShard } from './remote-leaves.ts';
import type { ShardSelection } from './shard-protocol.ts';

const selectionOf = ({ tenant, matcherSets, startMs, endMs, limit }: ListingSelection): ShardSelection => ({
  tenant,
  matcherSets,
  startMs,
  endMs,
  limit,
});

/** Of lists that are sorted. */
function merged(lists: readonly (readonly string[])[], limit: number): Listing<string> {
  const items = mergeTexts(lists);
  return { items: limit > 0 ? items.slice(0, limit + 1) : items, warnings: [] };
}

/** In order, each once: several alternatives may select the same. Shards have no series in common. */
function sorted(series: Labels[], alternatives: number): Labels[] {
  series.sort(compareLabels);
  if (alternatives <= 1) return series;
  return series.filter((labels, i) => i === 0 || compareLabels(labels, series[i - 1]) !== 0);
}

/** `keepsExemplars`: without, there are none. */
export function createListings(
  shards: readonly RemoteShard[],
  after: readonly number[],
  keepsExemplars: boolean,
): HandlerListings {
  return {
    async series(request, signal) {
      const selection = selectionOf(request);
      const packed = await Promise.all(shards.map((shard, i) => shard.series(after[i], selection, signal)));
      const items = sorted(
        packed.flatMap((part) => unpackLabels(part)),
        request.matcherSets.length,
      );
      return { items: request.limit > 0 ? items.slice(0, request.limit + 1) : items, warnings: [] };
    },
    async labelNames(request, signal) {
      const selection = selectionOf(request);
      return merged(
        await Promise.all(shards.map((shard, i) => shard.labelNames(after[i], selection, signal))),
        request.limit,
      );
    },
    async labelValues(name, request, signal) {
      const selection = selectionOf(request);
      const lists = await Promise.all(shards.map((shard, i) => shard.labelValues(after[i], name, selection, signal)));
      return merged(lists, request.limit);
    },
    async exemplars(request, signal) {
      if (!keepsExemplars) return [];
      const selection = selectionOf(request);
      const parts = await Promise.all(shards.map((shard, i) => shard.exemplars(after[i], selection, signal)));
      const all = parts.flatMap(({ series }) => series);
      const keyed = all.map((one) => ({ one, labels: Labels.fromSortedPairs(one.seriesLabels) }));
      return keyed.sort((a, b) => compareLabels(a.labels, b.labels)).map(({ one }) => one);
    },
  };
}

function summed(lists: readonly (readonly (readonly [string, number])[])[], limit: number): NameCount[] {
  const sums = new Map<string, number>();
  for (const [name, count] of lists.flat()) sums.set(name, (sums.get(name) ?? 0) + count);
  return largest(sums, limit);
}

function largest(counts: Iterable<[string, number]>, limit: number): NameCount[] {
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || compareUtf8(a[0], b[0]));
  return sorted.slice(0, limit).map(([name, value]) => ({ name, value }));
}

/** Counts for /api/v1/status/tsdb; the `limit` largest of each list. */
export async function tsdbStatus(
  shards: readonly RemoteShard[],
  after: readonly number[],
  tenant: string,
  limit: number,
): Promise<TsdbStatus> {
  const { signal } = new AbortController();
  const parts = await Promise.all(shards.map((shard, i) => shard.cardinality(after[i], tenant, signal)));
  const values = new Map<string, Set<string>>();
  for (const [name, texts] of parts.flatMap(({ valuesByLabel }) => valuesByLabel)) {
    const all = values.get(name) ?? new Set<string>();
    for (const text of texts) all.add(text);
    values.set(name, all);
  }
  const bytes = (texts: Set<string>) => [...texts].reduce((sum, text) => sum + text.length, 0);
  const add = (count: (part: (typeof parts)[number]) => number) => parts.reduce((sum, part) => sum + count(part), 0);
  const times = (pick: (part: (typeof parts)[number]) => number | null) => parts.map(pick).filter((ms) => ms !== null);
  return {
    headStats: {
      numSeries: add(({ series }) => series),
      numLabelPairs: [...values.values()].reduce((sum, texts) => sum + texts.size, 0),
      chunkCount: add(({ chunks }) => chunks),
      // As an empty head of Prometheus says it: the greatest and the least time there are.
      minTime: Math.min(MAX_TIME_MS, ...times(({ minMs }) => minMs)),
      maxTime: Math.max(MIN_TIME_MS, ...times(({ maxMs }) => maxMs)),
    },
    seriesCountByMetricName: summed(
      parts.map(({ seriesByMetric }) => seriesByMetric),
      limit,
    ),
    labelValueCountByLabelName: largest(
      Array.from(values, ([name, texts]): [string, number] => [name, texts.size]),
      limit,
    ),
    memoryInBytesByLabelName: largest(
      Array.from(values, ([name, texts]): [string, number] => [name, bytes(texts)]),
      limit,
    ),
    seriesCountByLabelValuePair: summed(
      parts.map(({ seriesByPair }) => seriesByPair),
      limit,
    ),
  };
}
