// The server's state: notifications, build, runtime, storage, Alertmanagers, flags, configuration.
import { api } from './api.ts';
import { h } from './dom.ts';
import { errorMessage } from './live-page.ts';
import type { Page } from './query-page.ts';
import { isAgent } from './settings.ts';
import {
  type Alertmanagers,
  alertmanagersCard,
  cardinalityCard,
  configCard,
  flagsCard,
  type Flags,
  headCard,
  type Notification,
  notificationsCard,
  type Tsdb,
  type Values,
  valuesCard,
} from './status-cards.ts';

/** A part of the page that is asked for by itself. */
interface Part {
  readonly place: HTMLElement;
  /** Resolves when it is there, or has failed. */
  readonly done: Promise<void>;
}

/** Asks for one part of the page; what fails is said in its place. */
function part<T>(path: string, draw: (data: T) => HTMLElement | null, signal: AbortSignal): Part {
  const place = h('div.part', { 'aria-busy': 'true' }, h('p.empty', {}, 'Loading…'));
  const done = api<T>(path, null, signal).then(
    ({ data }) => {
      const made = draw(data);
      if (made) place.replaceWith(made);
      else place.remove();
    },
    (error: unknown) => {
      if (!signal.aborted) place.replaceWith(errorMessage(error, `${path}: `));
    },
  );
  return { place, done };
}

/** Links to the sections; the browser's own would take the page for another one. */
function sectionLinks(sections: readonly (readonly [id: string, name: string])[]): HTMLElement {
  const links = sections.map(([id, name]) => {
    const follow = (event: Event): void => {
      event.preventDefault();
      history.replaceState(null, '', `#${id}`);
      showSection();
    };
    return h('a', { href: `#${id}`, onclick: follow }, name);
  });
  return h('nav.sections', { 'aria-label': 'Sections' }, ...links);
}

/** Goes to the section that the address names. */
function showSection(): void {
  const section = document.getElementById(location.hash.slice(1));
  section?.scrollIntoView();
  section?.focus({ preventScroll: true });
}

const ALL_SECTIONS = [
  ['runtime', 'Runtime'],
  ['build', 'Build'],
  ['head', 'Head'],
  ['storage', 'Cardinality'],
  ['alertmanagers', 'Alertmanagers'],
  ['flags', 'Flags'],
  ['config', 'Configuration'],
] as const;
/** An agent has no store and no alerts. */
const STORE_SECTIONS: ReadonlySet<string> = new Set(['head', 'storage', 'alertmanagers']);

/** Builds the page. */
export function statusPage(): Page {
  const leaving = new AbortController();
  const parts: Promise<void>[] = [];
  const ask = <T>(path: string, draw: (data: T) => HTMLElement | null): HTMLElement => {
    const { place, done } = part(path, draw, leaving.signal);
    parts.push(done);
    return place;
  };
  const ofStore = (make: () => HTMLElement): HTMLElement | null => (isAgent ? null : make());
  const element = h(
    'main.status-page',
    {},
    h(
      'div.page-bar',
      {},
      h('h1', {}, 'Status'),
      sectionLinks(ALL_SECTIONS.filter(([id]) => !isAgent || !STORE_SECTIONS.has(id))),
    ),
    ask<readonly Notification[]>('notifications', notificationsCard),
    h(
      'div.columns',
      {},
      ask<Values>('status/runtimeinfo', (data) => valuesCard('Runtime', 'runtime', data)),
      h(
        'div.stack',
        {},
        ask<Values>('status/buildinfo', (data) => valuesCard('Build', 'build', data)),
        ofStore(() => ask<Tsdb>('status/tsdb?limit=1', headCard)),
      ),
    ),
    ofStore(() => ask<Tsdb>('status/tsdb', cardinalityCard)),
    ofStore(() => ask<Alertmanagers>('alertmanagers', alertmanagersCard)),
    ask<Flags>('status/flags', flagsCard),
    ask<{ yaml: string }>('status/config', ({ yaml }) => configCard(yaml)),
  );
  // Only when all are there is a section where it stays.
  void Promise.all(parts).then(() => !leaving.signal.aborted && location.hash !== '' && showSection());
  return { element, leave: () => leaving.abort() };
}
