// One query with its answer: editor, graph or table, and what the server said about it.
import { ApiError, api, isSeriesData, type QueryData, type Reply, type Series } from './api.ts';
import { toColumns } from './columns.ts';
import { fill, h } from './dom.ts';
import { createEditor, type Editor } from './editor.ts';
import { duration, grouped, timeText } from './format.ts';
import { createGraph, type Graph } from './graph.ts';
import { resultTable } from './result-table.ts';
import { settings } from './settings.ts';
import { type PageState, type PanelState, stepOf } from './state.ts';

export interface PanelActions {
  /** The panel's state changed: remember it. */
  changed(): void;
  zoom(startMs: number, endMs: number): void;
  remove(): void;
  duplicate(): void;
}

/** The place of `1:5: parse error` or `(1:5)` in a text: line and column from 1. */
export function placeOf(text: string): { line: number; column: number } | null {
  const match = /(?:^|: )(\d+):(\d+): |\((\d+):(\d+)\)$/.exec(text);
  return match ? { line: Number(match[1] ?? match[3]), column: Number(match[2] ?? match[4]) } : null;
}

export class Panel {
  readonly element: HTMLElement;
  readonly state: PanelState;
  readonly #page: PageState;
  readonly #actions: PanelActions;
  readonly #editor: Editor;
  readonly #messages = h('div.messages');
  readonly #body = h('div.panel-body');
  readonly #facts = h('span.facts');
  readonly #tabs = h('div.tabs', { role: 'tablist' });
  /** Lines switched off in the legend; forgotten with another expression. */
  readonly #hidden = new Set<string>();
  #graph: Graph | null = null;
  #abort: AbortController | null = null;
  #redraw: () => void = () => undefined;

  constructor(page: PageState, state: PanelState, actions: PanelActions) {
    this.#page = page;
    this.state = state;
    this.#actions = actions;
    this.#editor = createEditor(state.expr, () => this.#submit());
    const runButton = h('button.primary', { onclick: () => this.#submit(), title: 'Enter' }, 'Run');
    const tool = (text: string, title: string, onclick: () => void): HTMLElement =>
      h('button.quiet', { title, 'aria-label': title, onclick }, text);
    this.element = h(
      'section.panel',
      {},
      h('div.query-row', {}, this.#editor.element, runButton),
      h(
        'div.panel-bar',
        {},
        this.#tabs,
        this.#facts,
        h(
          'span.tools',
          {},
          tool('Format', 'Lay the expression out', () => void this.#format()),
          tool('Duplicate', 'Add a panel with this query', actions.duplicate),
          tool('Remove', 'Remove this panel', actions.remove),
        ),
      ),
      this.#messages,
      this.#body,
    );
    this.#drawTabs();
  }

  focus(): void {
    this.#editor.focus();
  }

  /** Whether someone reads values off the graph: no moment to move it. */
  get isRead(): boolean {
    return this.#body.querySelector('.u-over:hover') !== null;
  }

  /** Draws again what is there: colours or time zone changed. */
  redraw(): void {
    this.#redraw();
  }

  destroy(): void {
    this.#abort?.abort();
    this.#graph?.destroy();
    this.#editor.destroy();
  }

  #submit(): void {
    if (this.state.expr !== this.#editor.text()) this.#hidden.clear();
    this.state.expr = this.#editor.text();
    this.#actions.changed();
    void this.run();
  }

  #drawTabs(): void {
    const tab = (name: PanelState['tab'], text: string): HTMLElement =>
      h(
        'button',
        { role: 'tab', 'aria-selected': String(this.state.tab === name), onclick: () => this.#show(name) },
        text,
      );
    const toggleStack = (): void => {
      this.state.stacked = !this.state.stacked;
      this.#actions.changed();
      this.#drawTabs();
      this.#redraw();
    };
    const stack = h('button.toggle', { 'aria-pressed': String(this.state.stacked), onclick: toggleStack }, 'Stacked');
    fill(this.#tabs, tab('graph', 'Graph'), tab('table', 'Table'), this.state.tab === 'graph' && stack);
  }

  #show(tab: PanelState['tab']): void {
    if (this.state.tab === tab) return;
    this.state.tab = tab;
    this.#actions.changed();
    this.#drawTabs();
    this.#clear();
    void this.run();
  }

  async #format(): Promise<void> {
    try {
      const { data } = await api<string>('format_query', { query: this.#editor.text() });
      this.#editor.setText(data);
    } catch (error) {
      this.#showError(error);
    }
  }

  #clear(): void {
    this.#graph?.destroy();
    this.#graph = null;
    this.#redraw = () => undefined;
    this.#body.replaceChildren();
    this.#facts.textContent = '';
  }

  /** Asks the server; a newer call cancels an older one. */
  async run(): Promise<void> {
    this.#abort?.abort();
    if (this.state.expr.trim() === '') {
      this.#clear();
      this.#messages.replaceChildren();
      fill(
        this.#body,
        h('p.empty', {}, 'Enter an expression, such as up or rate(node_network_receive_bytes_total[5m]).'),
      );
      return;
    }
    const abort = new AbortController();
    this.#abort = abort;
    this.element.classList.add('loading');
    const startedMs = performance.now();
    try {
      const show =
        this.state.tab === 'graph' ? await this.#askRange(abort.signal) : await this.#askInstant(abort.signal);
      if (abort.signal.aborted) return;
      this.#editor.mark(null);
      show(performance.now() - startedMs);
    } catch (error) {
      if (!abort.signal.aborted) this.#showError(error);
    } finally {
      if (this.#abort === abort) this.element.classList.remove('loading');
    }
  }

  async #askRange(signal: AbortSignal): Promise<(tookMs: number) => void> {
    const stepMs = stepOf(this.#page) * 1000;
    // Steps are aligned, so that a refresh moves the graph and does not sample it elsewhere.
    const endMs = Math.floor((this.#page.endMs ?? Date.now()) / stepMs) * stepMs;
    const startMs = endMs - Math.floor((this.#page.rangeSeconds * 1000) / stepMs) * stepMs;
    const seconds = (ms: number): string => String(ms / 1000);
    const form = { query: this.state.expr, start: seconds(startMs), end: seconds(endMs), step: seconds(stepMs) };
    const reply = await api<QueryData>('query_range', form, signal);
    const result = reply.data.result as readonly Series[];
    return (tookMs) => {
      this.#showMessages(reply);
      const columns = toColumns(result, startMs, endMs, stepMs);
      const facts = [`${grouped(result.length)} series`, `${duration(stepMs / 1000)} step`, `${Math.round(tookMs)} ms`];
      if (columns.histogramCount > 0) facts.unshift('averages of native histograms');
      this.#facts.textContent = facts.join(' · ');
      this.#redraw = () => {
        this.#graph?.destroy();
        this.#graph = null;
        if (result.length === 0) return this.#showEmpty(startMs, endMs);
        const onZoom = (fromMs: number, toMs: number): void => this.#actions.zoom(fromMs, toMs);
        const legendTop = this.#body.querySelector('.legend')?.scrollTop ?? 0;
        this.#graph = createGraph({ columns, stacked: this.state.stacked, hidden: this.#hidden, onZoom });
        fill(this.#body, this.#graph.element);
        this.#body.querySelector('.legend')?.scrollTo(0, legendTop);
      };
      this.#redraw();
    };
  }

  async #askInstant(signal: AbortSignal): Promise<(tookMs: number) => void> {
    const timeMs = this.#page.endMs ?? Date.now();
    const reply = await api<QueryData>('query', { query: this.state.expr, time: String(timeMs / 1000) }, signal);
    const { data } = reply;
    const isSeries = isSeriesData(data);
    return (tookMs) => {
      this.#showMessages(reply);
      const what = isSeries ? `${grouped(data.result.length)} series` : data.resultType;
      this.#facts.textContent = `${what} · at ${timeText(timeMs, settings.utc)} · ${Math.round(tookMs)} ms`;
      this.#redraw = () => {
        if (isSeries && data.result.length === 0) this.#showEmpty(timeMs, timeMs);
        else fill(this.#body, resultTable(data));
      };
      this.#redraw();
    };
  }

  #showEmpty(startMs: number, endMs: number): void {
    const [start, end] = [timeText(startMs, settings.utc), timeText(endMs, settings.utc)];
    const when = startMs === endMs ? `at ${end}` : `between ${start} and ${end}`;
    fill(this.#body, h('p.empty', {}, `No series match this expression ${when}.`));
  }

  #showMessages({ warnings, infos }: Pick<Reply<unknown>, 'warnings' | 'infos'>): void {
    fill(
      this.#messages,
      ...warnings.map((text) => h('div.message.warning', { role: 'status' }, text)),
      ...infos.map((text) => h('div.message.info', { role: 'status' }, text)),
    );
  }

  /** The error, and below it the line of the query with a mark at the place, where the server names one. */
  #showError(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const type = error instanceof ApiError ? error.type : 'error';
    const place = placeOf(text);
    const lines = this.state.expr.split('\n');
    const line = place ? lines[place.line - 1] : undefined;
    this.#clear();
    const message = h('div.message.error', { role: 'alert' }, h('b', {}, `${type}: `), text);
    if (place && line !== undefined) {
      message.append(h('pre', {}, `${line}\n${' '.repeat(Math.max(0, place.column - 1))}^`));
      const before = lines.slice(0, place.line - 1).reduce((sum, { length }) => sum + length + 1, 0);
      this.#editor.mark({ from: before + place.column - 1, message: text });
    }
    fill(this.#messages, message);
  }
}
