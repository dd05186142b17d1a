// What is allowed in rule files and seldom meant: the same rule twice.
import { Labels, compareLabels, compareUtf8 } from '../model/index.ts';
import type { GroupSpec } from './rule-file.ts';

interface RuleIdentity {
  readonly metric: string;
  readonly labels: Labels;
}

const compare = (a: RuleIdentity, b: RuleIdentity): number =>
  compareUtf8(a.metric, b.metric) || compareLabels(a.labels, b.labels);

function identities(groups: readonly GroupSpec[]): RuleIdentity[] {
  return groups
    .flatMap(({ labels, rules }) =>
      rules.map((rule) => ({
        metric: rule.alert || rule.record,
        labels: Labels.from({ ...labels, ...rule.labels }),
      })),
    )
    .sort(compare);
}

/** Rules of the same name and labels, each once, in promtool's words; null: there are none. */
export function duplicateRulesText(groups: readonly GroupSpec[]): string | null {
  const all = identities(groups);
  const duplicates: RuleIdentity[] = [];
  all.forEach((one, i) => {
    if (i === 0 || compare(all[i - 1], one) !== 0) return;
    const last = duplicates.at(-1);
    if (!last || compare(last, one) !== 0) duplicates.push(one);
  });
  if (duplicates.length === 0) return null;
  const texts = duplicates.map(({ metric, labels }) => {
    const lines = [...labels].map(([name, value]) => `\t${name}: ${value}\n`);
    return `Metric: ${metric}\nLabel(s):\n${lines.join('')}`;
  });
  const end = 'Might cause inconsistency while recording expressions';
  return `${duplicates.length} duplicate rule(s) found.\n${texts.join('')}${end}`;
}
