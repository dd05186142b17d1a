// What a leaf would cost, told without reading: series by the index, samples by the bounds of the first few series.
import type { SeriesSet, SeriesSource } from '../../model/index.ts';
import { abortError } from '../errors.ts';
import type { LeafControl, LeafEstimate, LeafPlan } from '../leaf.ts';

/** Series whose bounds are looked at. */
const LOOKED_AT_MAX = 1000;
const VALUE_BYTES = 9;
const LABELS_BYTES = 128;

/**
 * Times of the samples that a leaf reads. Windows are open on the left; an extended one may look at its very edge. Whether the first
 * histogram follows a reset is told by the one before it.
 */
export function leafRange(plan: Omit<LeafPlan, 'parameters' | 'samplesMax' | 'bytesMax'>): {
  minMs: number;
  maxMs: number;
} {
  const before = plan.extension === null && !plan.findResets ? 0 : plan.lookbackMs;
  const after = plan.extension === 'smoothed' ? plan.lookbackMs : 0;
  const minMs = plan.startMs - plan.windowMs - before + 1;
  return { minMs, maxMs: plan.startMs + (plan.steps - 1) * plan.stepMs + after };
}

export async function estimateLeaf(source: SeriesSource, plan: LeafPlan, control: LeafControl): Promise<LeafEstimate> {
  const { minMs, maxMs } = leafRange(plan);
  const set = await source.select(plan.tenant, plan.matchers, minMs, maxMs);
  try {
    if (control.signal.aborted) throw abortError(control.signal);
    const ready = set.length === 0 ? 0 : set.prefetch ? await set.prefetch(0) : set.length;
    const looked = Math.min(ready, set.length, LOOKED_AT_MAX);
    let found = 0;
    for (let i = 0; i < looked; i++) found += set.samplesMax(i, minMs, maxMs);
    const samples = looked === 0 ? 0 : Math.ceil((found / looked) * set.length);
    return { series: set.length, samples, bytes: leafBytes(set, plan, samples) };
  } finally {
    set.release?.();
  }
}

/** Of what leaves the shard: a step vector per series or group, or the samples. */
function leafBytes(set: SeriesSet, { kind, fold, steps }: LeafPlan, samples: number): number {
  if (kind === 'samples') return samples * 16 + set.length * LABELS_BYTES;
  const rows = fold ? set.group(fold.mode, fold.names).groups.length : set.length;
  return rows * (steps * VALUE_BYTES + LABELS_BYTES);
}
