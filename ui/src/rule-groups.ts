// Groups of rules as /api/v1/rules gives them, and what the pages of alerts and of rules both show of them.
import { h } from './dom.ts';
import { ago, duration, goTime, took } from './format.ts';
import { labelsText, type LabelSet } from './labels.ts';
import { pageLink } from './links.ts';
import { colouredPromql } from './promql-colors.ts';

export interface Alert {
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  readonly state: 'pending' | 'firing';
  readonly activeAt: string;
  readonly keepFiringSince?: string;
  readonly value: string;
}

interface CommonRule {
  readonly name: string;
  readonly query: string;
  readonly labels: LabelSet;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
  /** Seconds. */
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

export interface RecordingRule extends CommonRule {
  readonly type: 'recording';
}

export interface AlertingRule extends CommonRule {
  readonly type: 'alerting';
  readonly state: 'inactive' | 'pending' | 'firing' | 'unknown';
  /** Seconds; `for` of the rule file. */
  readonly duration: number;
  /** Seconds. */
  readonly keepFiringFor: number;
  readonly annotations: LabelSet;
  readonly alerts: readonly Alert[];
}

export type Rule = RecordingRule | AlertingRule;

export interface RuleGroup<R extends Rule = Rule> {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly R[];
  /** Seconds. */
  readonly interval: number;
  readonly limit: number;
  /** Seconds. */
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

export interface RuleGroups<R extends Rule = Rule> {
  readonly groups: readonly RuleGroup<R>[];
}

/** A rule with where it stands; names of rules and of groups may come more than once. */
export interface PlacedRule<R extends Rule = Rule> {
  readonly rule: R;
  readonly key: string;
}

/** The rules of a group. */
export const placedRules = <R extends Rule>({ file, name, rules }: RuleGroup<R>): PlacedRule<R>[] =>
  rules.map((rule, i) => ({ rule, key: JSON.stringify([file, name, i, rule.name]) }));

/** What a search finds a rule by. */
export const ruleText = (rule: Rule, group: RuleGroup): string =>
  [rule.name, rule.query, labelsText(rule.labels), rule.lastError ?? '', group.name, group.file].join('\n');

/** The expression; it opens on the query page. */
export const expressionLink = (query: string): HTMLElement =>
  pageLink('a.expression', 'query', { 'g0.expr': query, 'g0.tab': 'table' }, colouredPromql(query));

/** How long ago, with the word for never. */
export function lastEvaluation(time: string): string {
  const timeMs = goTime(time);
  return timeMs === null ? 'never' : ago(timeMs, Date.now());
}

export const healthBadge = (health: Rule['health']): HTMLElement => h(`span.badge.health-${health}`, {}, health);

/** The last error; null if there is none. */
export const ruleError = ({ lastError = '' }: Rule): HTMLElement | null =>
  lastError === '' ? null : h('div.item-error', {}, lastError);

/** Heading of a group: name, file, how often it is evaluated, and what else is to be said. */
export function groupHead(group: RuleGroup, ...more: (HTMLElement | null)[]): HTMLElement {
  const { interval, evaluationTime, limit } = group;
  const facts = [`every ${duration(interval)}`, `evaluated ${lastEvaluation(group.lastEvaluation)}`];
  if (evaluationTime > 0) facts.push(`took ${took(evaluationTime)}`);
  if (limit > 0) facts.push(`limit ${limit}`);
  const isSlow = evaluationTime > interval / 2;
  return h(
    'div.group-head',
    {},
    h('h2', {}, group.name, ...more),
    h(
      'span.group-facts',
      {},
      h('span.group-file', {}, group.file),
      h(`span${isSlow ? '.slow' : ''}`, {}, facts.join(' · ')),
    ),
  );
}
