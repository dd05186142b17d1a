// What is scraped: targets by pool, their health and the last error.
import { api } from './api.ts';
import { fill, h } from './dom.ts';
import { ago, duration, grouped } from './format.ts';
import type { Page } from './query-page.ts';

const REFRESH_MS = 10_000;

interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly discoveredLabels: Readonly<Record<string, string>>;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly lastError: string;
  readonly lastScrape: string;
  readonly lastScrapeDuration: number;
  readonly health: 'up' | 'down' | 'unknown';
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
}

interface Targets {
  readonly activeTargets: readonly Target[];
  readonly droppedTargetCounts: Readonly<Record<string, number>> | null;
}

const labelChips = (labels: Readonly<Record<string, string>>): HTMLElement =>
  h('span.chips', {}, ...Object.entries(labels).map(([name, value]) => h('span.chip', {}, `${name}="${value}"`)));

function lastScrape(target: Target): string {
  const timeMs = Date.parse(target.lastScrape);
  return timeMs > 0 ? ago(timeMs, Date.now()) : 'never';
}

function targetRow(target: Target): HTMLElement {
  const tookSeconds = target.lastScrapeDuration;
  const isSlow = tookSeconds > (Number.parseFloat(target.scrapeTimeout) || Infinity) / 2;
  return h(
    'tr',
    {},
    h('td', {}, h(`span.badge.${target.health}`, {}, target.health)),
    h(
      'td',
      {},
      h('a', { href: target.scrapeUrl, rel: 'noreferrer', target: '_blank' }, target.scrapeUrl),
      target.lastError !== '' && h('div.scrape-error', {}, target.lastError),
    ),
    h('td', {}, labelChips(target.labels)),
    h('td.number', {}, lastScrape(target)),
    h(`td.number${isSlow ? '.slow' : ''}`, {}, tookSeconds > 0 ? duration(Math.max(0.001, tookSeconds)) : ''),
    h('td.number', {}, target.scrapeInterval),
  );
}

function poolSection(name: string, targets: readonly Target[], dropped: number): HTMLElement {
  const up = targets.filter(({ health }) => health === 'up').length;
  const heads = ['state', 'endpoint', 'labels', 'last scrape', 'took', 'every'];
  const numbers = new Set(['last scrape', 'took', 'every']);
  const note = dropped > 0 ? ` · ${grouped(dropped)} dropped by relabelling` : '';
  return h(
    'section.card',
    {},
    h('h2', {}, name, h(`span.count${up < targets.length ? '.bad' : ''}`, {}, `${up} of ${targets.length} up${note}`)),
    h(
      'table.targets',
      {},
      h('thead', {}, h('tr', {}, ...heads.map((text) => h(numbers.has(text) ? 'th.number' : 'th', {}, text)))),
      h('tbody', {}, ...targets.map(targetRow)),
    ),
  );
}

type Filter = 'all' | Target['health'];

/** Builds the page and keeps it fresh. */
export function targetsPage(): Page {
  let data: Targets = { activeTargets: [], droppedTargetCounts: null };
  let filter: Filter = 'all';
  const search = h<HTMLInputElement>('input.search', {
    placeholder: 'Filter by endpoint, label or error',
    'aria-label': 'Filter',
    oninput: () => draw(),
  });
  const filters = h('span.presets');
  const list = h('div.pools');
  const problem = h('div');

  const isShown = (target: Target): boolean => {
    if (filter !== 'all' && target.health !== filter) return false;
    const words = search.value.toLowerCase();
    return (
      words === '' || JSON.stringify([target.scrapeUrl, target.labels, target.lastError]).toLowerCase().includes(words)
    );
  };
  const draw = (): void => {
    const count = (name: Filter): number =>
      data.activeTargets.filter(({ health }) => name === 'all' || health === name).length;
    const choose = (name: Filter) => (): void => {
      filter = name;
      draw();
    };
    const names: readonly Filter[] = ['all', 'up', 'down', 'unknown'];
    const buttons = names.map((name) =>
      h('button', { 'aria-pressed': String(filter === name), onclick: choose(name) }, `${name} ${count(name)}`),
    );
    fill(filters, ...buttons);
    const pools = Map.groupBy(data.activeTargets.filter(isShown), ({ scrapePool }) => scrapePool);
    const sections = [...pools].map(([name, targets]) =>
      poolSection(name, targets, data.droppedTargetCounts?.[name] ?? 0),
    );
    const nothing =
      data.activeTargets.length === 0
        ? 'Nothing is scraped: the configuration names no targets.'
        : 'No target matches.';
    fill(list, ...(sections.length > 0 ? sections : [h('p.empty', {}, nothing)]));
  };
  const load = async (): Promise<void> => {
    try {
      ({ data } = await api<Targets>('targets'));
      problem.replaceChildren();
      draw();
    } catch (error) {
      fill(problem, h('div.message.error', { role: 'alert' }, error instanceof Error ? error.message : String(error)));
    }
  };
  void load();
  const timer = setInterval(() => !document.hidden && void load(), REFRESH_MS);
  const element = h(
    'main.targets-page',
    {},
    h('div.page-bar', {}, h('h1', {}, 'Targets'), filters, search),
    problem,
    list,
  );
  return { element, leave: () => clearInterval(timer) };
}
