// The query page: time bar and panels. Its state is the address.
import { api, prefix } from './api.ts';
import { h } from './dom.ts';
import { Panel } from './panel.ts';
import { preferences } from './settings.ts';
import { type PageState, type PanelState, readState, writeState } from './state.ts';
import { createTimeBar } from './time-bar.ts';

/** A page that is shown; leave() ends what it has under way. */
export interface Page {
  readonly element: HTMLElement;
  leave(): void;
}

const CPU_BY_MODE = 'sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))';

const newPanel = (expr = ''): PanelState => ({ expr, tab: 'graph', stacked: false });

/** What is shown to someone who asks for nothing: this host's processors if they are measured, else which targets are up. */
async function firstState(): Promise<PageState> {
  const state: PageState = {
    panels: [newPanel('up')],
    rangeSeconds: 900,
    endMs: null,
    stepSeconds: null,
    refreshSeconds: 10,
  };
  try {
    const startSeconds = Math.floor(Date.now() / 1000) - state.rangeSeconds;
    const path = `label/mode/values?match[]=node_cpu_seconds_total&limit=1&start=${startSeconds}`;
    const { data } = await api<string[]>(path);
    if (data.length > 0) state.panels[0] = { expr: CPU_BY_MODE, tab: 'graph', stacked: true };
  } catch {
    // The panel's own query will say what is wrong with the server.
  }
  return state;
}

/** Builds the page for the present address. */
export async function queryPage(): Promise<Page> {
  const asked = readState(location.search);
  const page = new QueryPage(asked ?? (await firstState()));
  page.start();
  return page;
}

class QueryPage implements Page {
  readonly element: HTMLElement;
  readonly #state: PageState;
  readonly #panels: Panel[] = [];
  readonly #list = h('div.panels');
  readonly #timeBar;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #redraw = (): void => {
    for (const panel of this.#panels) panel.redraw();
  };

  constructor(state: PageState) {
    this.#state = state;
    this.#timeBar = createTimeBar(
      state,
      () => {
        this.#remember(true);
        this.#runAll();
      },
      () => {
        this.#remember(false);
        this.#schedule();
      },
    );
    const add = h('button.add', { onclick: () => this.#add(newPanel(), this.#panels.length).focus() }, '+ Add panel');
    this.element = h('main.query-page', {}, this.#timeBar.element, this.#list, add);
    for (const panel of [...state.panels]) this.#insert(panel, this.#panels.length);
  }

  start(): void {
    preferences.addEventListener('change', this.#redraw);
    this.#runAll();
    this.#schedule();
  }

  leave(): void {
    clearInterval(this.#timer);
    preferences.removeEventListener('change', this.#redraw);
    for (const panel of this.#panels) panel.destroy();
  }

  #insert(state: PanelState, index: number): Panel {
    const panel: Panel = new Panel(this.#state, state, {
      changed: () => this.#remember(true),
      zoom: (startMs, endMs) => this.#zoom(startMs, endMs),
      remove: () => this.#remove(panel),
      duplicate: () => this.#add({ ...state }, this.#panels.indexOf(panel) + 1),
    });
    this.#panels.splice(index, 0, panel);
    this.#list.insertBefore(panel.element, this.#list.children[index] ?? null);
    return panel;
  }

  #add(state: PanelState, index: number): Panel {
    this.#state.panels.splice(index, 0, state);
    const panel = this.#insert(state, index);
    this.#remember(false);
    void panel.run();
    return panel;
  }

  #remove(panel: Panel): void {
    const index = this.#panels.indexOf(panel);
    this.#panels.splice(index, 1);
    this.#state.panels.splice(index, 1);
    panel.destroy();
    panel.element.remove();
    if (this.#panels.length === 0) this.#add(newPanel(), 0).focus();
    else this.#remember(false);
  }

  #zoom(startMs: number, endMs: number): void {
    this.#state.rangeSeconds = Math.max(1, Math.round((endMs - startMs) / 1000));
    this.#state.endMs = Math.round(endMs / 1000) * 1000;
    this.#timeBar.update();
    this.#remember(true);
    this.#runAll();
  }

  /** Writes the state to the address; `step` makes it one that the browser can go back from. */
  #remember(step: boolean): void {
    const url = `${prefix}/query${writeState(this.#state)}`;
    if (url === location.pathname + location.search) return;
    if (step) history.pushState(null, '', url);
    else history.replaceState(null, '', url);
  }

  #runAll(): void {
    for (const panel of this.#panels) void panel.run();
  }

  #schedule(): void {
    clearInterval(this.#timer);
    const { refreshSeconds } = this.#state;
    if (refreshSeconds === 0) return;
    this.#timer = setInterval(() => {
      if (document.hidden || this.#state.endMs !== null) return;
      for (const panel of this.#panels) if (!panel.isRead) void panel.run();
    }, refreshSeconds * 1000);
  }
}
