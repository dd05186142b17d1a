// The sections of the status page.
import { fill, h, table } from './dom.ts';
import { ago, goTime, grouped, timeText } from './format.ts';
import { outsideLink } from './links.ts';
import { settings } from './settings.ts';

export type Values = Readonly<Record<string, string | number | boolean>>;
export type Flags = Readonly<Record<string, string>>;

export interface NameCount {
  readonly name: string;
  readonly value: number;
}

export interface Tsdb {
  readonly headStats: Readonly<Record<string, number>>;
  readonly seriesCountByMetricName: readonly NameCount[];
  readonly labelValueCountByLabelName: readonly NameCount[];
  readonly memoryInBytesByLabelName: readonly NameCount[];
  readonly seriesCountByLabelValuePair: readonly NameCount[];
}

export interface Alertmanagers {
  readonly activeAlertmanagers: readonly { readonly url: string }[];
  readonly droppedAlertmanagers: readonly { readonly url: string }[];
}

export interface Notification {
  readonly text: string;
  readonly date: string;
  readonly active: boolean;
}

/** Of Go's runtime; clients expect the keys, but here they say nothing. */
const GO_ONLY: ReadonlySet<string> = new Set(['goroutineCount', 'GOMEMLIMIT', 'GOGC', 'GODEBUG']);
const TITLES: Readonly<Record<string, string>> = {
  CWD: 'Working directory',
  GOMAXPROCS: 'Threads',
  goVersion: 'Runs on',
  reloadConfigSuccess: 'Last reload successful',
  lastConfigTime: 'Configuration loaded',
  numSeries: 'Series',
  numLabelPairs: 'Label pairs',
  chunkCount: 'Chunks',
};

/** `storageRetention` as `Storage retention`. */
function title(name: string): string {
  if (Object.hasOwn(TITLES, name)) return TITLES[name];
  const words = name.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
  return words[0].toUpperCase() + words.slice(1);
}

function shown(value: string | number | boolean): string {
  if (typeof value === 'number') return grouped(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return timeText(Date.parse(value), settings.utc);
  return value;
}

/** A section; it can have the focus, so that a link to it moves the reader there. */
const card = (name: string, id: string, ...content: (Node | null)[]): HTMLElement =>
  h('section.card', { id, tabindex: -1, 'aria-label': name }, h('h2', {}, name), ...content);

/** Names and values. */
export const valuesCard = (name: string, id: string, values: Values): HTMLElement =>
  card(
    name,
    id,
    table(
      'values',
      [],
      Object.entries(values)
        .filter(([key, value]) => value !== '' && !GO_ONLY.has(key))
        .map(([key, value]) => [title(key), shown(value)]),
    ),
  );

/** What is so now; null if there is nothing to say. */
export function notificationsCard(notifications: readonly Notification[]): HTMLElement | null {
  const active = notifications.filter((notification) => notification.active);
  if (active.length === 0) return null;
  const lines = active.map(({ text, date }) => {
    const sinceMs = goTime(date);
    const since = sinceMs === null ? '' : ` (since ${timeText(sinceMs, settings.utc)}, ${ago(sinceMs, Date.now())})`;
    return h('div.message.warning', { role: 'status' }, text, since);
  });
  return card('Notifications', 'notifications', ...lines);
}

/** Counts of the head. */
export function headCard({ headStats }: Tsdb): HTMLElement {
  const { minTime, maxTime, ...counts } = headStats;
  const time = (ms: number): string => (Math.abs(ms) < 8.64e15 && maxTime > 0 ? timeText(ms, settings.utc) : 'none');
  return valuesCard('Head', 'head', { ...counts, oldestSample: time(minTime), newestSample: time(maxTime) });
}

function topList(name: string, items: readonly NameCount[]): HTMLElement {
  const most = Math.max(1, ...items.map(({ value }) => value));
  const rows = items.map(({ name: label, value }) => {
    const bar = h('span.bar');
    bar.style.width = `${(value / most) * 100}%`;
    return [h('span', {}, label), h('span.bar-cell', {}, bar, h('span.bar-value', {}, grouped(value)))];
  });
  return h('div', {}, h('h3', {}, name), items.length > 0 ? table('top', [], rows) : h('p.note', {}, 'none yet'));
}

/** What most series are of. */
export const cardinalityCard = (tsdb: Tsdb): HTMLElement =>
  card(
    'Cardinality',
    'storage',
    h(
      'div.columns',
      {},
      topList('Series by metric', tsdb.seriesCountByMetricName),
      topList('Values by label', tsdb.labelValueCountByLabelName),
      topList('Series by label pair', tsdb.seriesCountByLabelValuePair),
      topList('Bytes by label', tsdb.memoryInBytesByLabelName),
    ),
  );

/** The link leads to the Alertmanager's own page. */
const alertmanagerRow = ({ url }: { readonly url: string }, state: string, badge: string): Node[] => [
  h(`span.badge.${badge}`, {}, state),
  outsideLink(url, url.replace(/\/api\/v\d+\/alerts$/, '')),
];

/** Where alerts are sent. */
export function alertmanagersCard({ activeAlertmanagers, droppedAlertmanagers }: Alertmanagers): HTMLElement {
  const rows = [
    ...activeAlertmanagers.map((manager) => alertmanagerRow(manager, 'in use', 'up')),
    ...droppedAlertmanagers.map((manager) => alertmanagerRow(manager, 'dropped', 'unknown')),
  ];
  const none = h('p.note', {}, 'None: alerts are not sent anywhere.');
  return card('Alertmanagers', 'alertmanagers', rows.length > 0 ? table('alertmanagers', [], rows) : none);
}

/** Flags and a field to find some of them. */
export function flagsCard(flags: Flags): HTMLElement {
  const body = h('div');
  const search = h<HTMLInputElement>('input.search', {
    type: 'search',
    placeholder: 'Filter flags',
    'aria-label': 'Filter flags',
    oninput: () => draw(),
  });
  const draw = (): void => {
    const rows = Object.entries(flags)
      .filter(([name, value]) => `--${name} ${value}`.includes(search.value))
      .toSorted()
      .map(([name, value]) => [`--${name}`, value]);
    fill(body, rows.length > 0 ? table('values', [], rows) : h('p.note', {}, 'No flag matches.'));
  };
  draw();
  return card('Flags', 'flags', search, body);
}

/** The configuration as text. */
export function configCard(yaml: string): HTMLElement {
  const copy = h('button.quiet', { onclick: () => void navigator.clipboard?.writeText(yaml) }, 'Copy');
  return card('Configuration', 'config', copy, h('pre.config', { tabindex: 0 }, yaml));
}
