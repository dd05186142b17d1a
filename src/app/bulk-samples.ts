// Raw samples of series from all shards, for readers that are no queries: federation and remote read.
import type { Labels, Matcher, NativeHistogram } from '../model/index.ts';
import { compareLabels } from '../model/index.ts';
import {
  type LeafClient,
  type LeafPlan,
  type SamplesLeafResult,
  unpackHistograms,
  unpackLabels,
} from '../promql/index.ts';

/** Samples [from, to) of columns that series of one shard share. `words`: the values as words; stale markers keep their bits. */
export interface BulkSeries {
  readonly labels: Labels;
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  readonly words: Uint32Array;
  readonly from: number;
  readonly to: number;
  /** Native histograms by their place in the columns. */
  readonly histograms: ReadonlyMap<number, NativeHistogram>;
}

export interface BulkSelection {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  /** Both ends included. */
  readonly startMs: number;
  readonly endMs: number;
  readonly raw: 'all' | 'newest';
  readonly samplesMax: number;
  readonly bytesMax: number;
}

const planOf = (selection: BulkSelection): LeafPlan => ({
  tenant: selection.tenant,
  matchers: selection.matchers,
  kind: 'samples',
  raw: selection.raw,
  startMs: selection.endMs,
  stepMs: 1,
  steps: 1,
  windowMs: selection.endMs - selection.startMs + 1,
  fn: null,
  parameters: [],
  evalOffsetMs: 0,
  evalOffsetStepMs: 0,
  timestamps: false,
  extension: null,
  lookbackMs: 0,
  fold: null,
  wantNames: false,
  findResets: false,
  samplesMax: selection.samplesMax,
  bytesMax: selection.bytesMax,
});

function seriesOf({ labels, ends, ts, vs, histograms }: SamplesLeafResult): BulkSeries[] {
  const words = new Uint32Array(vs.buffer, vs.byteOffset, vs.length * 2);
  const places = new Map(histograms ? unpackHistograms(histograms) : []);
  return unpackLabels(labels).map((set, i) => ({
    labels: set,
    ts,
    vs,
    words,
    from: i === 0 ? 0 : ends[i - 1],
    to: ends[i],
    histograms: places,
  }));
}

/** Series of all shards, sorted by labels; shards share the budget. Throws what leaves throw. */
export async function bulkSeries(
  leaves: readonly LeafClient[],
  selection: BulkSelection,
  signal: AbortSignal,
): Promise<BulkSeries[]> {
  if (selection.endMs < selection.startMs) return [];
  const bytesMax = Math.floor(selection.bytesMax / Math.max(1, leaves.length));
  const plan = planOf({ ...selection, bytesMax });
  const control = { signal, shouldYield: () => false, yield: () => Promise.resolve() };
  const results = await Promise.all(leaves.map((leaf) => leaf.execute(plan, control)));
  const all = results.flatMap((result) => seriesOf(result as SamplesLeafResult));
  return all.sort((a, b) => compareLabels(a.labels, b.labels));
}
