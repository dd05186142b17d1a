// Counts behind /api/v1/status/tsdb for one shard and tenant.
import type { Shard } from '../tsdb/index.ts';
import type { ShardCardinality } from './shard-protocol.ts';

/** The largest of a list stay; the main thread adds the shards up, so more than are shown are kept. */
const KEPT = 1000;

const largest = (counts: [string, number][]): [string, number][] => counts.sort((a, b) => b[1] - a[1]).slice(0, KEPT);

export function shardCardinality(shard: Shard, tenant: string): ShardCardinality {
  const { columns, minMs, maxMs } = shard.stats();
  const labels = shard.head.cardinality(tenant);
  const pairs = labels.flatMap(({ name, values }) =>
    values.map(([value, count]): [string, number] => [`${name}=${value}`, count]),
  );
  const metrics = labels.find(({ name }) => name === '__name__')?.values ?? [];
  return {
    series: shard.head.seriesCount(tenant),
    labelPairs: pairs.length,
    chunks: columns,
    minMs,
    maxMs,
    seriesByMetric: largest([...metrics]),
    valuesByLabel: labels.map(({ name, values }) => [name, values.map(([value]) => value)]),
    seriesByPair: largest(pairs),
  };
}
