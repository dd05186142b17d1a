// The query page's state in the address, with Prometheus' parameter names, so that links from alerts and other tools work:
// g0.expr, g0.tab (graph or 0, table or 1), g0.range_input, g0.end_input, g0.step_input, g0.stacked; g1... are more panels.
// Range, end and step are shared by all panels here; the first panel's count when reading.
import { duration, parseDuration, parseTimeText, timeText } from './format.ts';
import { settings } from './settings.ts';

export interface PanelState {
  expr: string;
  tab: 'graph' | 'table';
  stacked: boolean;
}

export interface PageState {
  panels: PanelState[];
  rangeSeconds: number;
  /** null: now. */
  endMs: number | null;
  /** null: chosen by the range. */
  stepSeconds: number | null;
  /** 0: off. */
  refreshSeconds: number;
}

const POINTS = 240;
const POINTS_MAX = 11_000;
export const DEFAULT_RANGE_SECONDS = 3600;

/** Steps that divide minutes, hours and days. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/** The step in use: as set, or the smallest round one that gives about POINTS points; never over the server's limit. */
export function stepOf({ stepSeconds, rangeSeconds }: PageState): number {
  const wanted = stepSeconds ?? rangeSeconds / POINTS;
  const step = stepSeconds ?? STEPS.find((candidate) => candidate >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400;
  return Math.max(step, Math.ceil(rangeSeconds / POINTS_MAX));
}

/** Reads the address; null if it names no query. */
export function readState(search: string): PageState | null {
  const parameters = new URLSearchParams(search);
  const panels: PanelState[] = [];
  for (let i = 0; parameters.has(`g${i}.expr`); i++) {
    const tab = parameters.get(`g${i}.tab`) ?? 'graph';
    panels.push({
      expr: parameters.get(`g${i}.expr`) ?? '',
      tab: tab === '1' || tab === 'table' ? 'table' : 'graph',
      stacked: /^(1|true)$/.test(parameters.get(`g${i}.stacked`) ?? ''),
    });
  }
  if (panels.length === 0) return null;
  const step = parseDuration(parameters.get('g0.step_input') ?? '');
  return {
    panels,
    rangeSeconds: parseDuration(parameters.get('g0.range_input') ?? '') || DEFAULT_RANGE_SECONDS,
    endMs: parseTimeText(parameters.get('g0.end_input') ?? parameters.get('g0.moment_input') ?? '', true),
    stepSeconds: step === null || step <= 0 ? null : step,
    refreshSeconds: parseDuration(parameters.get('refresh') ?? '') ?? 0,
  };
}

/** The address' query string. End times are UTC, as Prometheus has them. */
export function writeState(state: PageState): string {
  const parameters = new URLSearchParams();
  state.panels.forEach((panel, i) => {
    parameters.set(`g${i}.expr`, panel.expr);
    parameters.set(`g${i}.tab`, panel.tab);
    if (panel.stacked) parameters.set(`g${i}.stacked`, '1');
    parameters.set(`g${i}.range_input`, duration(state.rangeSeconds));
    if (state.endMs !== null) parameters.set(`g${i}.end_input`, timeText(state.endMs, true));
    if (state.stepSeconds !== null) parameters.set(`g${i}.step_input`, duration(state.stepSeconds));
  });
  if (state.refreshSeconds > 0) parameters.set('refresh', duration(state.refreshSeconds));
  if (settings.tenant !== '') parameters.set('tenant', settings.tenant);
  return `?${parameters}`;
}
