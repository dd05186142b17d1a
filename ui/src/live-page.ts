// Pages that show what the server does just now: asked for at once, and again every few seconds while someone looks.
import { api } from './api.ts';
import { fill, h } from './dom.ts';
import type { Page } from './query-page.ts';
import { isMarked, refill } from './refill.ts';

const REFRESH_MS = 10_000;
/** Rows, more or less, that a browser lays out again and again without being noticed. The rest is there when asked for. */
const ROWS_SHOWN = 500;

/** A part of the list, not yet made. */
export interface Section {
  readonly rows: number;
  readonly make: () => HTMLElement;
}

/** What is to be seen of an answer. */
export interface Listing {
  readonly sections: readonly Section[];
  /** What to say if there is no section. */
  readonly nothing: string;
}

export interface LivePageOptions<T> {
  /** The heading; in lower case also the class of the page. */
  readonly name: string;
  /** Below /api/v1. */
  readonly path: string;
  /** Beside the heading. */
  readonly tools: readonly HTMLElement[];
  readonly list: (data: T) => Listing;
}

export interface LivePage extends Page {
  /** Draws what is there again. */
  redraw(): void;
}

/** A message in place of what could not be had. */
export const errorMessage = (error: unknown, about = ''): HTMLElement =>
  h('div.message.error', { role: 'alert' }, about, error instanceof Error ? error.message : String(error));

/** How many sections have ROWS_SHOWN rows; one at least. */
function sectionsShown(sections: readonly Section[]): number {
  let rows = 0;
  const end = sections.findIndex((section) => {
    rows += section.rows;
    return rows > ROWS_SHOWN;
  });
  return end < 0 ? sections.length : Math.max(1, end);
}

/** Calls `load` now and again some time after each end; not while the page is hidden, and at once when it is looked at again. */
function keepFresh(load: () => Promise<void>, signal: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLoading = false;
  const next = async (): Promise<void> => {
    if (isLoading || document.hidden) return;
    clearTimeout(timer);
    isLoading = true;
    await load();
    isLoading = false;
    if (!signal.aborted) timer = setTimeout(() => void next(), REFRESH_MS);
  };
  document.addEventListener('visibilitychange', () => void next(), { signal });
  signal.addEventListener('abort', () => clearTimeout(timer));
  void next();
}

/** Builds a page and keeps it fresh. What was there stays to be seen when the server fails later. */
export function livePage<T>({ name, path, tools, list: listOf }: LivePageOptions<T>): LivePage {
  const leaving = new AbortController();
  const problem = h('div');
  const list = h('div.list', { 'aria-busy': 'true' }, h('p.empty', {}, 'Loading…'));
  let data: { readonly of: T } | null = null;
  let isAllShown = false;

  const showAll = (): void => {
    isAllShown = true;
    redraw();
  };
  const redraw = (): void => {
    if (!data) return;
    const { sections, nothing } = listOf(data.of);
    if (sections.length === 0) return refill(list, [h('p.empty', {}, nothing)]);
    const count = isAllShown ? sections.length : sectionsShown(sections);
    const shown = sections.slice(0, count).map(({ make }) => make());
    if (count < sections.length)
      shown.push(h('button.add', { onclick: showAll }, `Show all ${sections.length} groups`));
    refill(list, shown);
  };
  const load = async (): Promise<void> => {
    try {
      const reply = await api<T>(path, null, leaving.signal);
      if (leaving.signal.aborted) return;
      data = { of: reply.data };
      problem.replaceChildren();
      if (!isMarked(list)) redraw();
    } catch (error) {
      if (leaving.signal.aborted) return;
      fill(problem, errorMessage(error));
      if (!data) list.replaceChildren();
    }
    list.removeAttribute('aria-busy');
  };
  keepFresh(load, leaving.signal);

  const bar = h('div.page-bar', {}, h('h1', {}, name), ...tools);
  const element = h(`main.${name.toLowerCase()}-page`, {}, bar, problem, list);
  return { element, redraw, leave: () => leaving.abort() };
}
