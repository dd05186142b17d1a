// Samples for readers that are no queries (remote read, federation): as they are stored, stale markers included, or the newest
// of each series.
import { isStaleAt } from '../../model/index.ts';
import type { LeafColumn } from './mixed-leaf.ts';
import type { SampleBlock } from './row-block.ts';

/** Appends the column of n samples, or its newest sample unless that is a stale marker; returns how many. */
export function addRawSamples(block: SampleBlock, column: LeafColumn, n: number, mode: 'all' | 'newest'): number {
  const from = mode === 'all' ? 0 : Math.max(0, n - 1);
  if (n === 0 || (mode === 'newest' && isStaleAt(column.vsWords, from))) return 0;
  const { ts, vs } = column;
  const { at } = column.histograms;
  const first = at.findIndex((place) => place >= from);
  if (first < 0) {
    block.addColumn(ts, vs, from, n);
    return n - from;
  }
  const histograms = column.decode();
  for (let k = from, h = first; k < n; k++) {
    if (at[h] === k) block.addHistogram(ts[k], histograms[h++]);
    else block.addColumn(ts, vs, k, k + 1);
  }
  return n - from;
}
