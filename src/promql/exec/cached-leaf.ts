// Leaves of range queries that are asked again and again: the steps that cannot have changed are taken from what the last one gave, and
// only the rest is worked out. It sits beside the data, so it knows to the sample what has changed: the store's changes tell from what
// time on samples came, went or were deleted since the entry was made, and a step whose window ends before that is what it was.
//
//   kept      |----------------------|
//   asked          |----------------------|
//   changed                     |~~~~~~~~~~~~~      taken from the entry: the steps that were asked, kept and not changed
//
// An entry is of one selector, function, step and phase (start modulo step). Left out: single steps, raw samples, native histograms,
// what has annotations, and what does not depend on the window alone (arguments that change from step to step, `@`).
import type { SourceChanges } from '../../model/index.ts';
import { tooManySamples } from '../errors.ts';
import type { LeafClient, LeafControl, LeafEstimate, LeafPlan, LeafResult } from '../leaf.ts';
import { numberText } from '../plan/build.ts';
import { ByteBudget } from './byte-budget.ts';
import { type CacheEntry, LeafCache, type LeafCacheStats } from './leaf-cache.ts';
import { type KeptResult, type Part, asLeafResult, copyOf, keptBytes, keptResult, splice } from './leaf-splice.ts';

/** What a CachedLeaf works with. */
export interface CachedLeafOptions {
  readonly executor: LeafClient;
  readonly changes: SourceChanges;
  readonly bytesMax: number;
  /** Results for which fewer samples were read are not kept: reading them again is as cheap. */
  readonly samplesMin?: number;
}

const SAMPLES_MIN = 4096;

/** A leaf executor that remembers. */
export class CachedLeaf implements LeafClient {
  readonly #options: CachedLeafOptions;
  readonly #samplesMin: number;
  readonly #cache: LeafCache;

  constructor(options: CachedLeafOptions) {
    this.#options = options;
    this.#samplesMin = options.samplesMin ?? SAMPLES_MIN;
    this.#cache = new LeafCache(options.bytesMax);
  }

  stats(): LeafCacheStats {
    return this.#cache.stats();
  }

  estimate(plan: LeafPlan, control: LeafControl): Promise<LeafEstimate> {
    const { executor } = this.#options;
    return executor.estimate?.(plan, control) ?? Promise.resolve({ series: 0, samples: 0, bytes: 0 });
  }

  async execute(plan: LeafPlan, control: LeafControl): Promise<LeafResult> {
    const { executor, changes } = this.#options;
    const key = cacheKey(plan);
    if (key === null) return executor.execute(plan, control);
    const { version } = changes;
    const entry = this.#cache.get(plan.tenant, key);
    const head = entry && this.#reusable(entry, plan);
    if (!head) {
      this.#cache.noteMiss();
      const result = await executor.execute(plan, control);
      // Labels are looked at only if it is worth it.
      const isWorthwhile = result.stats.samples >= this.#samplesMin && this.#cache.fits(columnBytes(result));
      const kept = isWorthwhile ? keptResult(result, plan) : null;
      if (kept) this.#keep(key, plan, kept, version, result.stats.samples);
      return result;
    }
    this.#cache.noteHit(head.steps);
    if (head.steps === plan.steps) return this.#answer(plan, [head], null);
    const rest = { ...plan, startMs: plan.startMs + head.steps * plan.stepMs, steps: plan.steps - head.steps };
    const result = await executor.execute(rest, control);
    const tail = keptResult(result, rest);
    // Histograms or annotations have come, or a second series of a group: then all of it is worked out.
    if (tail?.kind !== head.of.kind) {
      this.#cache.remove(plan.tenant, key);
      return executor.execute(plan, control);
    }
    const parts = [head, { of: tail, from: 0, steps: rest.steps }];
    return this.#answer(plan, parts, result, (all) => this.#keep(key, plan, all, version, entry.samples));
  }

  /** The first steps of the plan that are kept and have not changed. */
  #reusable(entry: CacheEntry, plan: LeafPlan): Part | null {
    const { startMs, stepMs, result, version } = entry;
    const aheadMs = plan.extension === 'smoothed' ? plan.lookbackMs : 0;
    const changedMs = this.#options.changes.changedFromMs(version, plan.tenant);
    const from = (plan.startMs - startMs) / stepMs;
    let to = Math.min(result.steps, from + plan.steps);
    // Steps before the change: startMs + i * stepMs + aheadMs < changedMs.
    if (changedMs !== Infinity) to = Math.min(to, Math.ceil((changedMs - aheadMs - startMs) / stepMs));
    return from >= 0 && to > from ? { of: result, from, steps: to - from } : null;
  }

  #answer(
    plan: LeafPlan,
    parts: readonly Part[],
    tail: LeafResult | null,
    keep: (all: KeptResult) => void = () => {},
  ): LeafResult {
    const { result, points } = splice(parts);
    const bytes = keptBytes(result);
    new ByteBudget(plan.bytesMax, plan.held).check(bytes);
    if (result.kind === 'series' && points > plan.samplesMax) throw tooManySamples();
    keep(result);
    const own = { series: result.labels.length, samples: 0, peakBytes: bytes, timeMs: 0 };
    const stats = tail ? { ...tail.stats, peakBytes: Math.max(bytes, tail.stats.peakBytes) } : own;
    return asLeafResult(result, plan, stats);
  }

  #keep(key: string, plan: LeafPlan, result: KeptResult, version: number, samples: number): void {
    const bytes = keptBytes(result);
    if (samples < this.#samplesMin || !this.#cache.fits(bytes)) return;
    const { startMs, stepMs, tenant } = plan;
    this.#cache.put(tenant, key, { startMs, stepMs, version, result: copyOf(result), samples }, bytes);
  }
}

const columnBytes = (result: LeafResult): number => {
  if (result.kind === 'groups') return result.states.byteLength;
  return result.kind === 'samples' ? Infinity : result.values.byteLength + result.present.byteLength;
};

/** What makes two leaves the same but for their times; null for one that is not remembered. */
function cacheKey(plan: LeafPlan): string | null {
  const { kind, fn, steps, startMs, stepMs, parameters, evalOffsetStepMs, noCache, raw } = plan;
  if (noCache || kind === 'samples' || raw !== undefined || plan.refuseHistograms) return null;
  if (steps < 2 || !(stepMs > 0) || evalOffsetStepMs !== 0) return null;
  if (!Number.isSafeInteger(startMs) || !Number.isSafeInteger(stepMs)) return null;
  // Its arguments are checked where there are samples, whether or not they give values.
  if (fn === 'double_exponential_smoothing' || parameters.some(({ length }) => length > 1)) return null;
  const { matchers, windowMs, evalOffsetMs, timestamps, starts, extension, lookbackMs, fold, wantNames, findResets } =
    plan;
  const phaseMs = ((startMs % stepMs) + stepMs) % stepMs;
  const of = { matchers, kind, fn, windowMs, evalOffsetMs, timestamps, starts, extension };
  const what = { ...of, fold, wantNames, findResets };
  const times = [phaseMs, stepMs, extension === null ? 0 : lookbackMs];
  return `${JSON.stringify(what)} ${times.join(' ')} ${parameters.map(([value]) => numberText(value)).join(' ')}`;
}
