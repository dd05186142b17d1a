// Which rules of a group read what others of it write. Rules that depend on nothing may be evaluated beside others
// (--enable-feature=concurrent-rule-eval); the rest keep their order.
import type { Expr } from '../promql/index.ts';
import { METRIC_NAME, matcherTest, type Matcher } from '../model/index.ts';
import type { Rule } from './alerting-rule.ts';

function* selectorsOf(value: unknown): Generator<readonly Matcher[]> {
  if (value === null || typeof value !== 'object') return;
  const node = value as Partial<Expr> & { matchers?: readonly Matcher[] };
  if (node.type === 'vectorSelector' && node.matchers) {
    yield node.matchers;
    return;
  }
  for (const child of Object.values(value)) yield* selectorsOf(child);
}

/** Names of the series that a rule writes. */
const outputs = (rule: Rule): string[] => (rule.kind === 'recording' ? [rule.name] : ['ALERTS', 'ALERTS_FOR_STATE']);

/** Whether a rule may read what another one writes. Templates are not looked into: they are expanded after the fact. */
function reads(rule: Rule, other: Rule): boolean {
  for (const matchers of selectorsOf(rule.expr)) {
    const tests = matchers.filter(({ name }) => name === METRIC_NAME).map(matcherTest);
    if (outputs(other).some((name) => tests.every((test) => test(name)))) return true;
  }
  return false;
}

/**
 * The order of evaluation: the rules of a batch may run at the same time, batches follow one another. Indices into `rules`.
 * First those that read nothing of the group; then, in their order, those that others read; last those that only read.
 */
export function evaluationBatches(rules: readonly Rule[]): number[][] {
  const readsOthers = rules.map((rule) => rules.some((other) => other !== rule && reads(rule, other)));
  const isRead = rules.map((rule) => rules.some((other) => other !== rule && reads(other, rule)));
  const all = rules.map((_, i) => i);
  const first = all.filter((i) => !readsOthers[i]);
  const middle = all.filter((i) => readsOthers[i] && isRead[i]);
  const last = all.filter((i) => readsOthers[i] && !isRead[i]);
  return [first, ...middle.map((i) => [i]), last].filter((batch) => batch.length > 0);
}
