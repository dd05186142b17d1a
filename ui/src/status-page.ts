// The server's state: build, runtime, storage, flags, configuration.
import { api } from './api.ts';
import { fill, h, table } from './dom.ts';
import { grouped, timeText } from './format.ts';
import type { Page } from './query-page.ts';
import { settings } from './settings.ts';

type Values = Readonly<Record<string, string | number | boolean>>;
interface NameCount {
  readonly name: string;
  readonly value: number;
}
interface Tsdb {
  readonly headStats: Readonly<Record<string, number>>;
  readonly seriesCountByMetricName: readonly NameCount[];
  readonly labelValueCountByLabelName: readonly NameCount[];
  readonly memoryInBytesByLabelName: readonly NameCount[];
  readonly seriesCountByLabelValuePair: readonly NameCount[];
}

/** `storageRetention` as `Storage retention`; CWD and the like stay. */
function title(name: string): string {
  if (/^[A-Z]+$/.test(name)) return name;
  if (name === 'goVersion') return 'Runs on';
  const words = name.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
  return words[0].toUpperCase() + words.slice(1);
}

function shown(value: string | number | boolean): string {
  if (typeof value === 'number') return grouped(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return timeText(Date.parse(value), settings.utc);
  return value;
}

const card = (name: string, id: string, ...content: (Node | null)[]): HTMLElement =>
  h('section.card', { id }, h('h2', {}, name), ...content);

const valuesTable = (values: Values): HTMLElement =>
  table(
    'values',
    [],
    Object.entries(values)
      .filter(([, value]) => value !== '')
      .map(([name, value]) => [title(name), shown(value)]),
  );

function storage({ headStats }: Tsdb): HTMLElement {
  const { minTime, maxTime, ...counts } = headStats;
  const time = (ms: number): string => (Math.abs(ms) < 8.64e15 && maxTime > 0 ? timeText(ms, settings.utc) : 'none');
  return valuesTable({ ...counts, oldestSample: time(minTime), newestSample: time(maxTime) });
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

function flagsCard(flags: Readonly<Record<string, string>>): HTMLElement {
  const body = h('div');
  const search = h<HTMLInputElement>('input.search', {
    placeholder: 'Filter flags',
    'aria-label': 'Filter flags',
    oninput: () => draw(),
  });
  const draw = (): void => {
    const rows = Object.entries(flags).filter(([name, value]) => `${name} ${value}`.includes(search.value));
    fill(
      body,
      table(
        'values',
        [],
        rows.toSorted().map(([name, value]) => [`--${name}`, value]),
      ),
    );
  };
  draw();
  return card('Flags', 'flags', search, body);
}

/** Asks for one part of the page; what fails is said in its place. */
function part<T>(path: string, draw: (data: T) => HTMLElement): HTMLElement {
  const place = h('div.part');
  api<T>(path).then(
    ({ data }) => {
      const made = draw(data);
      place.replaceWith(made);
      if (made.id !== '' && location.hash === `#${made.id}`) made.scrollIntoView();
    },
    (error: Error) => fill(place, h('div.message.error', { role: 'alert' }, `${path}: ${error.message}`)),
  );
  return place;
}

/** Builds the page. */
export function statusPage(): Page {
  const copyYaml = (yaml: string): HTMLElement =>
    h('button.quiet', { onclick: () => void navigator.clipboard?.writeText(yaml) }, 'Copy');
  const element = h(
    'main.status-page',
    {},
    h('div.page-bar', {}, h('h1', {}, 'Status')),
    h(
      'div.columns',
      {},
      part<Values>('status/runtimeinfo', (data) => card('Runtime', 'runtime', valuesTable(data))),
      h(
        'div.stack',
        {},
        part<Values>('status/buildinfo', (data) => card('Build', 'build', valuesTable(data))),
        part<Tsdb>('status/tsdb?limit=1', (data) => card('Head', 'head', storage(data))),
      ),
    ),
    part<Tsdb>('status/tsdb', (data) =>
      card(
        'Cardinality',
        'storage',
        h(
          'div.columns',
          {},
          topList('Series by metric', data.seriesCountByMetricName),
          topList('Values by label', data.labelValueCountByLabelName),
          topList('Series by label pair', data.seriesCountByLabelValuePair),
          topList('Bytes by label', data.memoryInBytesByLabelName),
        ),
      ),
    ),
    part<Record<string, string>>('status/flags', flagsCard),
    part<{ yaml: string }>('status/config', ({ yaml }) =>
      card('Configuration', 'config', copyYaml(yaml), h('pre.config', {}, yaml)),
    ),
  );
  return { element, leave: () => undefined };
}
