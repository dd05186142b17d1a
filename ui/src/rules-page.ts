// All rules by group: what they say, whether they could be evaluated, when, and how long it took.
import { h } from './dom.ts';
import { createFilterBar } from './filter-bar.ts';
import { duration, took } from './format.ts';
import { labelChips } from './labels.ts';
import { pageLink } from './links.ts';
import { type Listing, livePage, type Section } from './live-page.ts';
import type { Page } from './query-page.ts';
import {
  expressionLink,
  groupHead,
  healthBadge,
  lastEvaluation,
  type PlacedRule,
  placedRules,
  type Rule,
  ruleError,
  type RuleGroup,
  type RuleGroups,
  ruleText,
} from './rule-groups.ts';

/** Alerts have a page of their own, which their name leads to. */
const ruleName = ({ type, name }: Rule): Node =>
  type === 'alerting' ? pageLink('a.rule-name', 'alerts', { search: name }, name) : h('span.rule-name', {}, name);

function waits(rule: Rule): string {
  if (rule.type === 'recording') return 'record';
  const parts = ['alert'];
  if (rule.duration > 0) parts.push(`for ${duration(rule.duration)}`);
  if (rule.keepFiringFor > 0) parts.push(`keep firing for ${duration(rule.keepFiringFor)}`);
  return parts.join(' · ');
}

const ruleRow = ({ rule, key }: PlacedRule): HTMLElement =>
  h(
    'tr',
    { 'data-key': key },
    h('td', {}, healthBadge(rule.health)),
    h(
      'td',
      {},
      h('div.rule-line', {}, ruleName(rule), h('span.quiet-line', {}, waits(rule))),
      expressionLink(rule.query),
      Object.keys(rule.labels).length > 0 && labelChips(rule.labels),
      ruleError(rule),
    ),
    h('td.number', { 'data-name': 'evaluated' }, lastEvaluation(rule.lastEvaluation)),
    h('td.number', { 'data-name': 'took' }, rule.evaluationTime > 0 ? took(rule.evaluationTime) : ''),
  );

function groupSection(group: RuleGroup, rules: readonly PlacedRule[]): HTMLElement {
  const failed = group.rules.filter(({ health }) => health === 'err').length;
  const count = failed > 0 ? h('span.count.bad', {}, `${failed} of ${group.rules.length} failed`) : null;
  const head = h(
    'tr',
    {},
    ...['health', 'rule'].map((text) => h('th', { scope: 'col' }, text)),
    ...['evaluated', 'took'].map((text) => h('th.number', { scope: 'col' }, text)),
  );
  return h(
    'section.card.group',
    {},
    groupHead(group, count),
    h('table.rules.stacking', {}, h('thead', {}, head), h('tbody', {}, ...rules.map(ruleRow))),
  );
}

/** Builds the page and keeps it fresh. */
export function rulesPage(): Page {
  const filter = createFilterBar({
    parameter: 'health',
    states: ['ok', 'err', 'unknown'],
    hint: 'Filter by name, expression, label or error',
    onChange: () => page.redraw(),
  });
  const section = (group: RuleGroup): Section => {
    const shown = placedRules(group).filter(({ rule }) => filter.isShown(rule.health, () => ruleText(rule, group)));
    return { rows: shown.length, make: () => groupSection(group, shown) };
  };
  const list = ({ groups }: RuleGroups): Listing => {
    const healths = groups.flatMap(({ rules }) => rules.map(({ health }) => health));
    filter.count(healths);
    return {
      sections: groups.map(section).filter(({ rows }) => rows > 0),
      nothing: healths.length === 0 ? 'No rules: the configuration names no rule files.' : 'No rule matches.',
    };
  };
  const page = livePage<RuleGroups>({ name: 'Rules', path: 'rules?exclude_alerts=true', tools: filter.tools, list });
  return page;
}
