// load_with_nhcb: classic histograms (series _bucket, _sum, _count) of a load, put together as native ones with custom buckets
// under their base name.
import { Labels, METRIC_NAME } from '../../../src/model/index.ts';
import type { Histogram } from '../../../src/promql/testlang/histogram.ts';
import { parseNumber } from '../../../src/promql/testlang/histogram.ts';
import type { LoadedSeries } from './runner.ts';

/** What is known of one histogram at one time. */
interface Parts {
  readonly buckets: Map<number, number>;
  count: number | null;
  sum: number;
}

interface Collected {
  readonly labels: Labels;
  readonly byTime: Map<number, Parts>;
}

const SUFFIX = /^(.+)_(bucket|sum|count)$/;

/** An upper bound; null if the text is none. */
function boundOf(text: string): number | null {
  try {
    const bound = parseNumber(text);
    return Number.isNaN(bound) ? null : bound;
  } catch {
    return null;
  }
}

/** The series to be stored beside those of the load. */
export function customHistograms(series: readonly LoadedSeries[]): LoadedSeries[] {
  const all = new Map<string, Collected>();
  for (const { labels, points } of series) {
    const match = SUFFIX.exec(labels.get(METRIC_NAME));
    const bound = match?.[2] === 'bucket' ? boundOf(labels.get('le')) : 0;
    if (!match || bound === null) continue;
    const base = Labels.from([...labels.without(new Set(['le'])), [METRIC_NAME, match[1]]]);
    let collected = all.get(base.key);
    if (!collected) all.set(base.key, (collected = { labels: base, byTime: new Map() }));
    for (const { timeMs, value } of points) {
      if (typeof value !== 'number') continue;
      let parts = collected.byTime.get(timeMs);
      if (!parts) collected.byTime.set(timeMs, (parts = { buckets: new Map(), count: null, sum: 0 }));
      if (match[2] === 'bucket') parts.buckets.set(bound, value);
      else if (match[2] === 'count') parts.count = value;
      else parts.sum = value;
    }
  }
  return [...all.values()].map(({ labels, byTime }) => ({
    labels,
    points: [...byTime].sort(([a], [b]) => a - b).map(([timeMs, parts]) => ({ timeMs, value: custom(parts) })),
  }));
}

function custom({ buckets, count, sum }: Parts): Histogram {
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const total = count ?? Math.max(0, ...buckets.values());
  if (bounds.at(-1) !== Infinity) {
    bounds.push(Infinity);
    buckets.set(Infinity, total);
  }
  const counts = bounds.map(
    (bound, i) => (buckets.get(bound) ?? 0) - (i === 0 ? 0 : (buckets.get(bounds[i - 1]) ?? 0)),
  );
  if (counts.some((each) => each < 0)) throw new Error(`bucket counts fall: ${counts.join(' ')}`);
  if (buckets.get(Infinity) !== total) throw new Error(`count ${total} is not that of the last bucket`);
  return {
    schema: -53,
    count: total,
    sum,
    zeroCount: 0,
    zeroThreshold: 0,
    positive: { offset: 0, counts },
    negative: { offset: 0, counts: [] },
    customValues: bounds.slice(0, -1),
  };
}
