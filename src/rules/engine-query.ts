// An engine's answers as rules take them.
import { TidemarkError } from '../base/index.ts';
import { Labels } from '../model/index.ts';
import type { Engine, ResultData } from '../promql/index.ts';
import type { RuleQuery, RuleSample } from './world.ts';

/** A vector's samples, or a scalar as one. Throws TidemarkError `execution` for what no rule can use. */
export function ruleSamples(data: ResultData): RuleSample[] {
  if (data.type === 'scalar') return [{ labels: Labels.empty, value: data.value, histogram: null }];
  if (data.type !== 'vector') throw new TidemarkError('execution', 'rule result is not a vector or scalar');
  const { labels, vs, histograms } = data;
  return labels.map((set, i) => ({ labels: set, value: vs[i], histogram: histograms?.[i] ?? null }));
}

/** Queries an engine of this thread. */
export function engineQuery(engine: Engine): RuleQuery {
  return async (expression, timeMs, options) => ruleSamples((await engine.instant(expression, timeMs, options)).data);
}
