// Alerting rules by group, their state, and the alerts that are active.
import { type Opened, alertRule } from './alert-rule.ts';
import { h } from './dom.ts';
import { createFilterBar } from './filter-bar.ts';
import { labelsText } from './labels.ts';
import { type Listing, livePage, type Section } from './live-page.ts';
import type { Page } from './query-page.ts';
import { type AlertingRule, groupHead, placedRules, type RuleGroup, type RuleGroups, ruleText } from './rule-groups.ts';

type AlertGroup = RuleGroup<AlertingRule>;

const searchText = (rule: AlertingRule, group: AlertGroup): string =>
  [
    ruleText(rule, group),
    labelsText(rule.annotations),
    ...rule.alerts.map(({ labels, annotations }) => `${labelsText(labels)}\n${labelsText(annotations)}`),
  ].join('\n');

/** How many rules of a group need attention. */
function attention({ rules }: AlertGroup): (HTMLElement | null)[] {
  const count = (state: AlertingRule['state'], look: string): HTMLElement | null => {
    const found = rules.filter((rule) => rule.state === state).length;
    return found > 0 ? h(`span.count.${look}`, {}, `${found} ${state}`) : null;
  };
  return [count('firing', 'bad'), count('pending', 'warn')];
}

/** Builds the page and keeps it fresh. */
export function alertsPage(): Page {
  const opened: Opened = { rules: new Set(), allAlerts: new Set() };
  const redraw = (): void => page.redraw();
  const filter = createFilterBar({
    parameter: 'state',
    states: ['firing', 'pending', 'inactive'],
    rareStates: ['unknown'],
    hint: 'Filter by name, expression, label or annotation',
    onChange: redraw,
  });

  const section = (group: AlertGroup): Section => {
    const shown = placedRules(group).filter(({ rule }) => filter.isShown(rule.state, () => searchText(rule, group)));
    const make = (): HTMLElement =>
      h(
        'section.card.group',
        {},
        groupHead(group, ...attention(group)),
        ...shown.map((placed) => alertRule(placed, opened, redraw)),
      );
    return { rows: shown.length, make };
  };
  const list = ({ groups }: RuleGroups<AlertingRule>): Listing => {
    const states = groups.flatMap(({ rules }) => rules.map(({ state }) => state));
    filter.count(states);
    const none = 'No alerting rules: the configuration names no rule files with any.';
    return {
      sections: groups.map(section).filter(({ rows }) => rows > 0),
      nothing: states.length === 0 ? none : 'No alert matches.',
    };
  };
  const page = livePage<RuleGroups<AlertingRule>>({
    name: 'Alerts',
    path: 'rules?type=alert',
    tools: filter.tools,
    list,
  });
  return page;
}
