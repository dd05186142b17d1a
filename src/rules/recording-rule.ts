// A recording rule: the answer of its expression, under its name and with its labels.
import { TidemarkError } from '../base/index.ts';
import { Labels, METRIC_NAME } from '../model/index.ts';
import { type ParsedQuery, parseExpr, printExpr } from '../promql/index.ts';
import type { GroupSpec, RuleSpec } from './rule-file.ts';
import { type RuleEvaluation, type RuleSample, newRuleStatus } from './world.ts';

/** Sets labels over those of a sample; an empty value removes. */
export function withLabels(labels: Labels, more: Iterable<readonly [string, string]>): Labels {
  return Labels.from([...labels, ...more]);
}

/** See the top of the file. */
export class RecordingRule {
  readonly kind = 'recording';
  readonly name: string;
  /** The rule's and its group's. */
  readonly labels: Labels;
  readonly expr: ParsedQuery['expr'];
  /** The expression as Prometheus prints it. */
  readonly query: string;
  readonly status = newRuleStatus();

  constructor(spec: RuleSpec, group: Pick<GroupSpec, 'labels'>, features?: ReadonlySet<string>) {
    this.name = spec.record;
    this.labels = Labels.from({ ...group.labels, ...spec.labels });
    this.expr = parseExpr(spec.expr, { features });
    this.query = printExpr(this.expr);
  }

  /** The samples to be written, at the time less the offset. Throws TidemarkError. */
  async evaluate({ timeMs, queryOffsetMs, limit, query, signal }: RuleEvaluation): Promise<RuleSample[]> {
    const found = await query(this.query, timeMs - queryOffsetMs, { signal });
    const own = [[METRIC_NAME, this.name] as const, ...this.labels];
    const samples = found.map((sample) => ({ ...sample, labels: withLabels(sample.labels, own) }));
    if (new Set(samples.map(({ labels }) => labels.key)).size < samples.length)
      throw new TidemarkError('execution', 'vector contains metrics with the same labelset after applying rule labels');
    if (limit > 0 && samples.length > limit)
      throw new TidemarkError('execution', `exceeded limit of ${limit} with ${samples.length} series`);
    return samples;
  }
}
