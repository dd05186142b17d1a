// What is scraped: targets by pool, their health and the last error.
import { h } from './dom.ts';
import { createFilterBar } from './filter-bar.ts';
import { ago, goTime, grouped, took } from './format.ts';
import { labelChips, labelsText, type LabelSet } from './labels.ts';
import { outsideLink } from './links.ts';
import { type Listing, livePage } from './live-page.ts';
import type { Page } from './query-page.ts';

interface Target {
  readonly labels: LabelSet;
  readonly discoveredLabels: LabelSet;
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

function lastScrape(target: Target): string {
  const timeMs = goTime(target.lastScrape);
  return timeMs === null ? 'never' : ago(timeMs, Date.now());
}

function targetRow(target: Target): HTMLElement {
  const tookSeconds = target.lastScrapeDuration;
  const isSlow = tookSeconds > (Number.parseFloat(target.scrapeTimeout) || Infinity) / 2;
  return h(
    'tr',
    { 'data-key': JSON.stringify([target.scrapePool, target.scrapeUrl, target.labels]) },
    h('td', {}, h(`span.badge.${target.health}`, {}, target.health)),
    h('td', {}, outsideLink(target.scrapeUrl), target.lastError !== '' && h('div.item-error', {}, target.lastError)),
    h('td', {}, labelChips(target.labels)),
    h('td.number', {}, lastScrape(target)),
    h(`td.number${isSlow ? '.slow' : ''}`, {}, tookSeconds > 0 ? took(tookSeconds) : ''),
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

const searchText = ({ scrapeUrl, labels, lastError }: Target): string =>
  [scrapeUrl, labelsText(labels), lastError].join('\n');

/** Builds the page and keeps it fresh. */
export function targetsPage(): Page {
  const filter = createFilterBar({
    parameter: 'health',
    states: ['up', 'down', 'unknown'],
    hint: 'Filter by endpoint, label or error',
    onChange: () => page.redraw(),
  });
  const list = ({ activeTargets, droppedTargetCounts }: Targets): Listing => {
    filter.count(activeTargets.map(({ health }) => health));
    const shown = activeTargets.filter((target) => filter.isShown(target.health, () => searchText(target)));
    const pools = Map.groupBy(shown, ({ scrapePool }) => scrapePool);
    const none = 'Nothing is scraped: the configuration names no targets.';
    return {
      sections: [...pools].map(([name, targets]) => ({
        rows: targets.length,
        make: () => poolSection(name, targets, droppedTargetCounts?.[name] ?? 0),
      })),
      nothing: activeTargets.length === 0 ? none : 'No target matches.',
    };
  };
  const page = livePage<Targets>({ name: 'Targets', path: 'targets', tools: filter.tools, list });
  return page;
}
