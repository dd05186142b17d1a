// All that a data directory has, as sorted lines: tenant, labels, time, the value's bits or the fields of a native histogram,
// and since when it counts.
import type { Logger } from '../../src/base/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import { type NativeHistogram, type SampleColumn, histogramFromBytes } from '../../src/model/index.ts';
import { withDirectory } from '../../src/app/tsdb-directory.ts';
import { PieceReader, metricNames, withSeries, withShards } from '../../src/app/tsdb-read.ts';
import { TENANTS } from '../../sim/workload.ts';

const EVER = 2 ** 53;

function histogramLine(h: NativeHistogram): string {
  const numbers = (list: ArrayLike<number>): string => `[${Array.from(list).join(' ')}]`;
  const { schema, resetHint, count, sum, zeroThreshold, zeroCount, positive, negative, customBounds } = h;
  const sides = [positive, negative].map(({ indexes, counts }) => `${numbers(indexes)}${numbers(counts)}`);
  const head = [schema, resetHint, count, sum, zeroThreshold, zeroCount].join(' ');
  return `histogram ${head} ${sides.join(' ')} ${numbers(customBounds)}`;
}

function columnLines(name: string, { ts, vsWords, histograms, starts }: SampleColumn, count: number): string[] {
  const texts = new Map(histograms?.at.map((at, i) => [at, histogramLine(histogramFromBytes(histograms.bytes[i]))]));
  const hex = (word: number): string => word.toString(16).padStart(8, '0');
  return Array.from({ length: count }, (_, i) => {
    const value = texts.get(i) ?? `${hex(vsWords[2 * i + 1])}${hex(vsWords[2 * i])}`;
    const startMs = starts?.of(i) ?? 0;
    return `${name} ${ts[i]} ${value}${startMs === 0 ? '' : ` since ${startMs}`}`;
  });
}

/** Opens the directory with today's code and lists what it has. */
export async function dumpStore(path: string, logger: Logger): Promise<string[]> {
  const { clock } = createRealWorld(path);
  const world = { clock, logger, print: async () => undefined, say: () => undefined };
  const lines: string[] = [];
  await withDirectory(world, path, false, (directory) =>
    withShards(directory, async (shards) => {
      const reader = new PieceReader(true);
      for (const tenant of TENANTS) {
        const selection = { tenant, matcherSets: [[]], minMs: -EVER, maxMs: EVER };
        for (const metric of await metricNames(shards, selection)) {
          await withSeries(shards, selection, metric, async (series) => {
            for (const found of series) {
              const name = `${tenant} ${found.labels}`;
              for await (const { column, count } of reader.pieces(found, -EVER, EVER)) {
                lines.push(...columnLines(name, column, count));
              }
            }
          });
        }
      }
    }),
  );
  return lines;
}
