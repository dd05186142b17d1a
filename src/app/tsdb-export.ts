// `tidemark tsdb export` (OpenMetrics text, which `import openmetrics` and promtool read) and `tidemark tsdb dump` (a line per sample
// with the raw time in milliseconds, stale markers included).
import { type Labels, type SampleColumn, formatG, histogramFromBytes, histogramText } from '../model/index.ts';
import { parseSelector } from '../promql/index.ts';
import { OPEN_METRICS_END, openMetricsLines, openMetricsSeries } from '../wire/index.ts';
import { type ToolWorld, withDirectory } from './tsdb-directory.ts';
import { tenantOf } from './tsdb-import.ts';
import type { VerbArguments } from './tsdb-options.ts';
import { PieceReader, type Selection, metricNames, withSeries, withShards } from './tsdb-read.ts';

const TIME_MAX = 2 ** 53;

/** What the flags --match, --min-time, --max-time and --tenant select. */
export function selectionOf(args: VerbArguments): Selection {
  const selectors = args.list('match');
  return {
    tenant: tenantOf(args),
    matcherSets: selectors.length === 0 ? [[]] : selectors.map(parseSelector),
    minMs: args.number('min-time', -TIME_MAX),
    maxMs: args.number('max-time', TIME_MAX),
  };
}

type Format = (series: string, column: SampleColumn, count: number) => string;

async function printAll(world: ToolWorld, args: VerbArguments, name: (labels: Labels) => string, format: Format) {
  const selection = selectionOf(args);
  const path = args.positional[0] ?? args.text('storage.tsdb.path');
  await withDirectory(world, path, false, (directory) =>
    withShards(directory, async (shards) => {
      const reader = new PieceReader();
      for (const metric of await metricNames(shards, selection)) {
        await withSeries(shards, selection, metric, async (series) => {
          for (const found of series) {
            const text = name(found.labels);
            for await (const { column, count } of reader.pieces(found, selection.minMs, selection.maxMs)) {
              await world.print(format(text, column, count));
            }
          }
        });
      }
    }),
  );
}

/** `export`: OpenMetrics text on standard output. */
export async function exportVerb(world: ToolWorld, args: VerbArguments): Promise<void> {
  await printAll(world, args, openMetricsSeries, openMetricsLines);
  await world.print(OPEN_METRICS_END);
}

/** `dump`: as promtool's. */
export function dumpVerb(world: ToolWorld, args: VerbArguments): Promise<void> {
  return printAll(world, args, String, (series, { ts, vs, histograms }, count) => {
    const texts = new Map(histograms?.at.map((at, i) => [at, histogramText(histogramFromBytes(histograms.bytes[i]))]));
    let text = '';
    for (let i = 0; i < count; i++) text += `${series} ${texts.get(i) ?? formatG(vs[i])} ${ts[i]}\n`;
    return text;
  });
}
