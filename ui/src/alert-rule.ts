// An alerting rule: a line with its state, and below it, once opened, what it says and its active alerts.
import { fill, h, table } from './dom.ts';
import { ago, duration, goTime, grouped, plainNumber, timeText, took } from './format.ts';
import { annotationLines, labelChips } from './labels.ts';
import {
  type Alert,
  type AlertingRule,
  expressionLink,
  healthBadge,
  lastEvaluation,
  type PlacedRule,
  ruleError,
} from './rule-groups.ts';
import { settings } from './settings.ts';

/** More alerts than this are shown only when asked for. */
const ALERTS_SHOWN = 100;

/** What the reader has opened: it stays open when the page is drawn again. */
export interface Opened {
  /** Keys of rules. */
  readonly rules: Set<string>;
  /** Keys of rules all of whose alerts are shown. */
  readonly allAlerts: Set<string>;
}

function activeSince(alert: Alert): HTMLElement {
  const timeMs = goTime(alert.activeAt);
  const keptMs = goTime(alert.keepFiringSince ?? '');
  return h(
    'div',
    {},
    timeMs === null ? '' : timeText(timeMs, settings.utc),
    h('div.quiet-line', {}, timeMs === null ? '' : ago(timeMs, Date.now())),
    keptMs !== null && h('div.quiet-line', {}, `resolved ${ago(keptMs, Date.now())}, kept firing`),
  );
}

const alertRow = (alert: Alert): HTMLElement =>
  h(
    'tr',
    {},
    h('td', {}, h(`span.badge.${alert.state}`, {}, alert.state)),
    h('td', {}, labelChips(alert.labels), annotationLines(alert.annotations)),
    h('td.number', { 'data-name': 'active since' }, activeSince(alert)),
    h('td.number', { 'data-name': 'value' }, plainNumber(alert.value)),
  );

function alertsTable({ rule, key }: PlacedRule<AlertingRule>, opened: Opened, redraw: () => void): HTMLElement {
  const shown = opened.allAlerts.has(key) ? rule.alerts : rule.alerts.slice(0, ALERTS_SHOWN);
  const showAll = (): void => {
    opened.allAlerts.add(key);
    redraw();
  };
  const head = h(
    'tr',
    {},
    ...['state', 'labels and annotations'].map((text) => h('th', { scope: 'col' }, text)),
    ...['active since', 'value'].map((text) => h('th.number', { scope: 'col' }, text)),
  );
  const rest = rule.alerts.length - shown.length;
  return h(
    'div.alerts',
    {},
    h('table.stacking', {}, h('thead', {}, head), h('tbody', {}, ...shown.map(alertRow))),
    rest > 0 && h('button.link', { onclick: showAll }, `show all ${grouped(rule.alerts.length)} alerts`),
  );
}

const evaluation = (rule: AlertingRule): HTMLElement =>
  h(
    'span.inline',
    {},
    healthBadge(rule.health),
    `evaluated ${lastEvaluation(rule.lastEvaluation)}, took ${took(rule.evaluationTime)}`,
  );

function factsTable(rule: AlertingRule): HTMLElement {
  const rows: [string, Node | string][] = [['expression', expressionLink(rule.query)]];
  if (rule.duration > 0) rows.push(['for', duration(rule.duration)]);
  if (rule.keepFiringFor > 0) rows.push(['keep_firing_for', duration(rule.keepFiringFor)]);
  if (Object.keys(rule.labels).length > 0) rows.push(['labels', labelChips(rule.labels)]);
  if (Object.keys(rule.annotations).length > 0) rows.push(['annotations', annotationLines(rule.annotations)]);
  rows.push(['health', evaluation(rule)]);
  return table('facts-table.stacking', [], rows);
}

/** What the line says beside the name. */
function summaryFacts({ alerts, duration: forSeconds }: AlertingRule): string {
  const count = (state: Alert['state']): number => alerts.filter((alert) => alert.state === state).length;
  const parts = (['firing', 'pending'] as const).filter((state) => count(state) > 0);
  return [
    ...parts.map((state) => `${grouped(count(state))} ${state}`),
    ...(forSeconds > 0 ? [`for ${duration(forSeconds)}`] : []),
  ].join(' · ');
}

/** Builds the rule's line; its details are made when it is opened. */
export function alertRule(placed: PlacedRule<AlertingRule>, opened: Opened, redraw: () => void): HTMLElement {
  const { rule, key } = placed;
  const body = h('div.rule-body');
  const draw = (): void => fill(body, factsTable(rule), rule.alerts.length > 0 && alertsTable(placed, opened, redraw));
  const facts = summaryFacts(rule);
  const isOpen = opened.rules.has(key);
  if (isOpen) draw();
  const details = h<HTMLDetailsElement>(
    'details.rule',
    {
      open: isOpen,
      'data-key': key,
      ontoggle: () => {
        if (!details.open) opened.rules.delete(key);
        else if (!opened.rules.has(key)) draw();
        if (details.open) opened.rules.add(key);
      },
    },
    h(
      'summary',
      {},
      h(`span.badge.${rule.state}`, {}, rule.state),
      h('span.rule-name', {}, rule.name),
      rule.health === 'err' && healthBadge('err'),
      facts !== '' && h('span.quiet-line', {}, facts),
      h('span.summary-expression', {}, rule.query),
    ),
    ruleError(rule),
    body,
  );
  return details;
}
