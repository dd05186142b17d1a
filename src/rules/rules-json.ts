// Rules and alerts in the JSON of Prometheus' API.
import { createHash } from 'node:crypto';
import { TidemarkError } from '../base/index.ts';
import { type Labels, type Matcher, matcherTest } from '../model/index.ts';
import type { Alert } from './alert.ts';
import { AlertingRule, type Rule } from './alerting-rule.ts';
import type { RuleGroup } from './group.ts';
import { exponentialText } from './template/float-text.ts';

/** Which rules are asked for; empty lists and texts: all. */
export interface RuleSelection {
  readonly type: '' | 'alert' | 'record';
  readonly ruleNames: readonly string[];
  readonly ruleGroups: readonly string[];
  readonly files: readonly string[];
  readonly excludeAlerts: boolean;
  /** A rule must match one of the sets, by its labels as written. */
  readonly matcherSets?: readonly (readonly Matcher[])[];
  /** Groups in the answer at most; 0: all. */
  readonly groupLimit?: number;
  /** Where the answer before this one ended; '': from the beginning. */
  readonly groupNextToken?: string;
}

/** A page of groups, and how to ask for the next; '': there is none. */
export interface RuleGroupsPage {
  readonly groups: readonly object[];
  readonly groupNextToken: string;
}

const NEVER = '0001-01-01T00:00:00Z';
const timeText = (timeMs: number | null): string => (timeMs === null ? NEVER : new Date(timeMs).toISOString());

/** One active alert. */
export function alertJson(alert: Alert): object {
  return {
    labels: alert.labels.toObject(),
    annotations: Object.fromEntries(alert.annotations),
    state: alert.state,
    activeAt: timeText(alert.activeAtMs),
    ...(alert.keepFiringSinceMs === null ? {} : { keepFiringSince: timeText(alert.keepFiringSinceMs) }),
    value: exponentialText(alert.value, null),
  };
}

function ruleJson(rule: Rule, excludeAlerts: boolean): object {
  const { health, lastError, evaluationSeconds, lastEvaluationMs } = rule.status;
  const common = {
    name: rule.name,
    query: rule.query,
    labels: rule.labels.toObject(),
    health,
    ...(lastError === '' ? {} : { lastError }),
    evaluationTime: evaluationSeconds,
    lastEvaluation: timeText(lastEvaluationMs),
    type: rule.kind,
  };
  if (!(rule instanceof AlertingRule)) return common;
  return {
    state: lastEvaluationMs === null ? 'unknown' : rule.state,
    ...common,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    annotations: Object.fromEntries(rule.annotations),
    alerts: excludeAlerts ? [] : rule.activeAlerts().map(alertJson),
  };
}

const tokenOf = ({ options }: RuleGroup): string =>
  createHash('sha256').update(`${options.file};${options.name}`, 'utf8').digest('hex');

const matches = (labels: Labels, matchers: readonly Matcher[]): boolean =>
  matchers.every((matcher) => matcherTest(matcher)(labels.get(matcher.name)));

function selectedRules({ options }: RuleGroup, selection: RuleSelection): Rule[] {
  const { type, ruleNames, matcherSets = [] } = selection;
  const kind = type === 'alert' ? 'alerting' : 'recording';
  return options.rules.filter(
    (rule) =>
      (type === '' || rule.kind === kind) &&
      (ruleNames.length === 0 || ruleNames.includes(rule.name)) &&
      (matcherSets.length === 0 || matcherSets.some((matchers) => matches(rule.labels, matchers))),
  );
}

/** Groups with the rules that are asked for. Throws TidemarkError `bad_data` for a token that leads nowhere. */
export function ruleGroupsPage(groups: readonly RuleGroup[], selection: RuleSelection): RuleGroupsPage {
  const { ruleGroups, files, excludeAlerts, groupLimit = 0, groupNextToken = '' } = selection;
  const start = groupNextToken === '' ? 0 : groups.findIndex((group) => tokenOf(group) === groupNextToken);
  if (start < 0)
    throw new TidemarkError('bad_data', `invalid group_next_token '${groupNextToken}'. were rule groups changed?`);
  const page: object[] = [];
  for (const group of groups.slice(start)) {
    const { name, file, intervalMs, limit } = group.options;
    if (ruleGroups.length > 0 && !ruleGroups.includes(name)) continue;
    if (files.length > 0 && !files.includes(file)) continue;
    const rules = selectedRules(group, selection);
    if (rules.length === 0) continue;
    if (groupLimit > 0 && page.length === groupLimit) return { groups: page, groupNextToken: tokenOf(group) };
    page.push({
      name,
      file,
      rules: rules.map((rule) => ruleJson(rule, excludeAlerts)),
      interval: intervalMs / 1000,
      limit,
      evaluationTime: group.evaluationSeconds,
      lastEvaluation: timeText(group.lastEvaluationMs),
    });
  }
  return { groups: page, groupNextToken: '' };
}

/** All alerts that are pending or firing. */
export function activeAlertsJson(groups: readonly RuleGroup[]): object[] {
  return groups.flatMap(({ options }) =>
    options.rules.flatMap((rule) => (rule instanceof AlertingRule ? rule.activeAlerts().map(alertJson) : [])),
  );
}
