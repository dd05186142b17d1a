// `tidemark tsdb analyze`: what makes a store large: labels with many values, metrics with many series, series that come and go, and
// bytes per sample.
import { METRIC_NAME } from '../model/index.ts';
import { metricBytes } from '../tsdb/index.ts';
import { type ToolWorld, withDirectory } from './tsdb-directory.ts';
import { selectionOf } from './tsdb-export.ts';
import { table } from './tsdb-list.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { type FoundSeries, type Selection, metricNames, withSeries, withShards } from './tsdb-read.ts';

/** A series is live that has samples in so long before the newest one. */
const LIVE_MS = 3_600_000;
const LIMIT_DEFAULT = 20;

interface MetricCounts {
  readonly name: string;
  readonly series: number;
  readonly live: number;
}

/** Counts by label name and pair. */
class LabelCounts {
  readonly values = new Map<string, Set<string>>();
  readonly pairs = new Map<string, number>();
  readonly churnedPairs = new Map<string, number>();
  readonly churnedNames = new Map<string, number>();

  add({ labels }: FoundSeries, isLive: boolean): void {
    for (const [name, value] of labels) {
      const known = this.values.get(name);
      if (known) known.add(value);
      else this.values.set(name, new Set([value]));
      count(this.pairs, `${name}=${value}`);
      if (isLive) continue;
      count(this.churnedPairs, `${name}=${value}`);
      count(this.churnedNames, name);
    }
  }

  /** Bytes of the values of each label. */
  valueLengths(): [string, number][] {
    return [...this.values].map(([name, values]) => [name, [...values].reduce((sum, value) => sum + value.length, 0)]);
  }
}

const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** The newest time of the store: the end of what is live. */
async function newestMs(
  shards: readonly { stats(): { maxMs: number | null }; blocks(): readonly { meta: { maxMs: number } }[] }[],
) {
  let newest = -Infinity;
  for (const shard of shards) {
    newest = Math.max(newest, shard.stats().maxMs ?? -Infinity, ...shard.blocks().map(({ meta }) => meta.maxMs));
  }
  return newest;
}

export async function analyzeVerb(world: ToolWorld, args: VerbArguments): Promise<void> {
  const selection = selectionOf(args);
  const limit = Math.max(1, args.number('limit', LIMIT_DEFAULT));
  const path = args.positional[0] ?? args.text('storage.tsdb.path');
  await withDirectory(world, path, false, async (directory) => {
    const labels = new LabelCounts();
    const metrics = await withShards(directory, async (shards) => {
      const liveFromMs = Math.min(selection.maxMs, await newestMs(shards)) - LIVE_MS;
      const found: MetricCounts[] = [];
      for (const name of await metricNames(shards, selection)) {
        await withSeries(shards, selection, name, async (series) => {
          if (series.length > 0) found.push(await countMetric(name, series, liveFromMs, selection, labels));
        });
      }
      return found;
    });
    const sizes = await metricBytes(directory.files, directory.manifest.shards, selection.tenant);
    await world.print(texts(path, metrics, labels, sizes, limit));
  });
}

async function countMetric(
  name: string,
  series: readonly FoundSeries[],
  liveFromMs: number,
  { maxMs }: Selection,
  labels: LabelCounts,
): Promise<MetricCounts> {
  let live = 0;
  for (const found of series) {
    if (found.set.prefetch) await found.set.prefetch(found.index);
    const isLive = found.set.samplesMax(found.index, liveFromMs, maxMs) > 0;
    if (isLive) live++;
    labels.add(found, isLive);
  }
  return { name, series: series.length, live };
}

const largest = (counts: Iterable<[string, number]>, limit: number): [string, number][] =>
  [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, limit);

function section(title: string, counts: Iterable<[string, number]>, limit: number): string {
  const rows = largest(counts, limit).map(([key, number]) => `${number} ${key}\n`);
  return rows.length === 0 ? '' : `\n${title}:\n${rows.join('')}`;
}

function texts(
  path: string,
  metrics: readonly MetricCounts[],
  labels: LabelCounts,
  sizes: Awaited<ReturnType<typeof metricBytes>>,
  limit: number,
): string {
  const series = metrics.reduce((sum, metric) => sum + metric.series, 0);
  const live = metrics.reduce((sum, metric) => sum + metric.live, 0);
  const names = labels.values;
  const head = [
    `Directory: ${path}`,
    `Total Series: ${series}`,
    `Live Series: ${live}`,
    `Metric names: ${names.get(METRIC_NAME)?.size ?? 0}`,
    `Label names: ${names.size}`,
    `Label pairs: ${labels.pairs.size}`,
  ];
  return [
    `${head.join('\n')}\n`,
    section('Label pairs most involved in churning', labels.churnedPairs, limit),
    section('Label names most involved in churning', labels.churnedNames, limit),
    section('Most common label pairs', labels.pairs, limit),
    section('Label names with highest cumulative label value length', labels.valueLengths(), limit),
    section(
      'Highest cardinality labels',
      [...names].map(([name, values]): [string, number] => [name, values.size]),
      limit,
    ),
    section(
      'Highest cardinality metric names',
      metrics.map(({ name, series: own }): [string, number] => [name, own]),
      limit,
    ),
    metricTable(metrics, sizes, limit),
  ].join('');
}

/** The metrics with the most bytes. */
function metricTable(
  metrics: readonly MetricCounts[],
  sizes: Awaited<ReturnType<typeof metricBytes>>,
  limit: number,
): string {
  const rows = metrics.flatMap(({ name, series, live }) => {
    const size = sizes.get(name);
    return size ? [{ name, series, live, ...size }] : [];
  });
  if (rows.length === 0) return '';
  rows.sort((a, b) => b.valueBytes - a.valueBytes || (a.name < b.name ? -1 : 1));
  const shown = rows.slice(0, limit).map(({ name, series, live, samples, valueBytes }) => {
    const bytes = Math.round(valueBytes);
    return [String(bytes), (valueBytes / samples).toFixed(3), String(samples), String(series), String(live), name];
  });
  const title = ['VALUE BYTES', 'PER SAMPLE', 'SAMPLES', 'SERIES', 'LIVE', 'METRIC'];
  return `\nMetrics with most bytes in blocks:\n${table([title, ...shown])}`;
}
