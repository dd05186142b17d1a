// One graph: uPlot with a tooltip for the line nearest to the pointer and a legend table below. Dragging chooses a time range.
import uPlot from 'uplot';
import type { Columns, Line } from './columns.ts';
import { stacked } from './stack.ts';
import { fill, h } from './dom.ts';
import { shortNumber, timeText } from './format.ts';
import { isDark, settings } from './settings.ts';

const HEIGHT = 300;
const LEGEND_ROWS = 50;
const LINES_MAX = 500;
const LIGHT = [
  '#0f766e',
  '#ea580c',
  '#4f46e5',
  '#ca8a04',
  '#db2777',
  '#0284c7',
  '#65a30d',
  '#9333ea',
  '#dc2626',
  '#64748b',
  '#92400e',
  '#059669',
];
const DARK = [
  '#2dd4bf',
  '#fb923c',
  '#818cf8',
  '#facc15',
  '#f472b6',
  '#38bdf8',
  '#a3e635',
  '#c084fc',
  '#f87171',
  '#94a3b8',
  '#d6a77a',
  '#34d399',
];

export interface GraphOptions {
  readonly columns: Columns;
  readonly stacked: boolean;
  /** Names of lines that are not drawn; the legend changes it. */
  readonly hidden: Set<string>;
  readonly onZoom: (startMs: number, endMs: number) => void;
}

export interface Graph {
  readonly element: HTMLElement;
  destroy(): void;
}

const colorOf = (index: number): string => {
  const palette = isDark() ? DARK : LIGHT;
  return palette[index % palette.length];
};

const variable = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Times below the axis: as much of the clock as the distance of the ticks needs, and the date where it changes. */
function timeTicks(_: uPlot, splits: number[], __: number, ___: number, distance: number): string[] {
  let before = '';
  return splits.map((seconds) => {
    const [day, clock] = timeText(seconds * 1000, settings.utc).split(' ');
    const isNewDay = day !== before && before !== '';
    const isFirst = before === '';
    before = day;
    if (distance >= 86_400) return day.slice(5);
    const text = distance < 60 ? clock : clock.slice(0, 5);
    return isNewDay || (isFirst && distance >= 3600) ? `${text}\n${day.slice(5)}` : text;
  });
}

function yRange(isStacked: boolean): uPlot.Range.Function {
  return (_, min, max) => {
    if (min === null || max === null) return [0, 1];
    const nearZero = min >= 0 && (isStacked || min < max * 0.6 || min === max);
    const [low, high] = uPlot.rangeNum(nearZero ? 0 : min, max, 0.08, true);
    return [nearZero ? 0 : low, high];
  };
}

/** Points without neighbours are no line: they get a dot. */
function lonePoints(u: uPlot, seriesIndex: number): number[] {
  const values = u.data[seriesIndex];
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  }
  return found;
}

const axis = (extra: uPlot.Axis): uPlot.Axis => ({
  stroke: variable('--muted'),
  grid: { stroke: variable('--grid'), width: 1 },
  ticks: { show: false },
  font: '11.5px system-ui, sans-serif',
  ...extra,
});

function plotOptions(
  options: GraphOptions,
  lines: readonly Line[],
  hooks: uPlot.Hooks.Arrays,
  width: number,
): uPlot.Options {
  const isStacked = options.stacked;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    tzDate: (seconds) => (settings.utc ? uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC') : new Date(seconds * 1000)),
    cursor: {
      drag: { x: true, y: false, setScale: false },
      focus: { prox: isStacked ? -1 : 40 },
      sync: { key: 'tidemark', scales: ['x', null] },
      points: { size: 7 },
      y: false,
    },
    focus: { alpha: lines.length > 1 && !isStacked ? 0.3 : 1 },
    scales: { x: { time: true }, y: { range: yRange(isStacked) } },
    axes: [
      axis({
        values: timeTicks,
        space: 80,
        lineGap: 1.4,
        size: (_, values) => (values?.some((text) => text.includes('\n')) ? 44 : 28),
      }),
      axis({
        values: (_, splits) => splits.map(shortNumber),
        size: (_, values) => 18 + 7 * Math.max(3, ...(values ?? []).map((text) => text.length)),
      }),
    ],
    series: [
      {},
      ...lines.map(({ name }, i) => ({
        label: name,
        show: !options.hidden.has(name),
        stroke: colorOf(i),
        width: 1.5,
        fill: isStacked ? `${colorOf(i)}66` : undefined,
        points: { show: true, size: 4, fill: colorOf(i), filter: lonePoints },
      })),
    ],
    bands: isStacked ? lines.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) : [],
    hooks,
  };
}

/** The line of a stack whose area is under the pointer. */
function areaAt(
  u: uPlot,
  sums: readonly (readonly (number | null)[])[],
  isShown: (index: number) => boolean,
): number | null {
  const at = u.cursor.idx;
  if (at == null || u.cursor.top == null) return null;
  const value = u.posToVal(u.cursor.top, 'y');
  const found = sums.findIndex((column, i) => isShown(i) && (column[at] ?? 0) >= value);
  return found < 0 ? null : found;
}

/** Builds a graph; it follows the width of its element. */
export function createGraph(options: GraphOptions): Graph {
  const { columns } = options;
  const lines = columns.lines.slice(0, LINES_MAX);
  const tooltip = h('div.tooltip', { hidden: true });
  const plotElement = h('div.plot', {}, tooltip);
  const element = h('div.graph', {}, plotElement);
  const sums = options.stacked ? stacked(lines) : null;
  const legend = createLegend(lines, columns.lines.length, {
    hidden: options.hidden,
    onShow: (index, show) => plot?.setSeries(index + 1, { show }),
    onFocus: (index) => plot?.setSeries(index === null ? (null as never) : index + 1, { focus: true }),
  });
  let plot: uPlot | null = null;
  let focused: number | null = null;

  const hooks: uPlot.Hooks.Arrays = {
    setSeries: [(_, index) => void (focused = index === null ? null : index - 1)],
    setCursor: [
      (u) => {
        legend.showAt(u.cursor.idx ?? null);
        if (sums) focused = areaAt(u, sums, (index) => u.series[index + 1].show !== false);
        placeTooltip(tooltip, u, focused === null ? null : lines[focused], focused ?? 0);
      },
    ],
    setSelect: [
      (u) => {
        if (u.select.width < 4) return;
        const [from, to] = [u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')];
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        options.onZoom(Math.round(from * 1000), Math.round(to * 1000));
      },
    ],
  };
  const data = [columns.times, ...(sums ?? lines.map(({ values }) => values))];
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width === 0) return;
    if (plot) plot.setSize({ width, height: HEIGHT });
    else plot = new uPlot(plotOptions(options, lines, hooks, width), data as uPlot.AlignedData, plotElement);
  });
  observer.observe(plotElement);
  element.append(legend.element);
  return {
    element,
    destroy: () => {
      observer.disconnect();
      plot?.destroy();
    },
  };
}

function placeTooltip(tooltip: HTMLElement, u: uPlot, line: Line | null, index: number): void {
  const at = u.cursor.idx;
  const value = at == null ? null : line?.values[at];
  // Cursors of other graphs are synchronised: only the graph under the pointer shows a tooltip.
  tooltip.hidden = at == null || line === null || value == null || !u.root.matches(':hover');
  if (tooltip.hidden || at == null || !line || value == null) return;
  const swatch = h('span.swatch');
  swatch.style.background = colorOf(index);
  fill(
    tooltip,
    h('div.tooltip-time', {}, timeText(u.data[0][at] * 1000, settings.utc)),
    h('div.tooltip-line', {}, swatch, h('span', {}, line.name), h('b', {}, String(Number(value.toPrecision(12))))),
  );
  const left = (u.cursor.left ?? 0) + u.over.offsetLeft;
  const isRight = left > u.root.clientWidth / 2;
  tooltip.style.left = isRight ? '' : `${left + 14}px`;
  tooltip.style.right = isRight ? `${u.root.clientWidth - left + 14}px` : '';
  tooltip.style.top = `${Math.min((u.cursor.top ?? 0) + 12, HEIGHT - 110)}px`;
}

interface LegendActions {
  readonly hidden: Set<string>;
  readonly onShow: (index: number, show: boolean) => void;
  readonly onFocus: (index: number | null) => void;
}

interface Legend {
  readonly element: HTMLElement;
  /** Shows values at a step in the column of newest values; null: the newest again. */
  showAt(step: number | null): void;
}

function createLegend(lines: readonly Line[], total: number, actions: LegendActions): Legend {
  const shown = lines.map(({ name }) => !actions.hidden.has(name));
  const rows: HTMLElement[] = [];
  const cells: HTMLElement[] = [];
  const head = h('th.number', {}, 'last');
  const body = h('tbody');

  const update = (): void => {
    rows.forEach((row, i) => row.classList.toggle('off', !shown[i]));
  };
  const toggle = (index: number, alone: boolean): void => {
    const isAlone = shown.every((show, i) => show === (i === index));
    shown.forEach((show, i) => {
      const next = alone ? isAlone || i === index : i === index ? !show : show;
      if (next !== show) actions.onShow(i, next);
      shown[i] = next;
      if (next) actions.hidden.delete(lines[i].name);
      else actions.hidden.add(lines[i].name);
    });
    update();
  };
  const addRow = (line: Line, i: number): void => {
    const swatch = h('span.swatch');
    swatch.style.background = colorOf(i);
    const cell = h('td.number', {}, line.last === null ? '' : shortNumber(line.last));
    const row = h(
      'tr',
      {
        title: 'click: show only this one; Ctrl-click: hide or show it',
        onclick: (event) => toggle(i, !((event as MouseEvent).ctrlKey || (event as MouseEvent).metaKey)),
        onmouseenter: () => actions.onFocus(i),
        onmouseleave: () => actions.onFocus(null),
      },
      h('td.name', {}, swatch, h('span', {}, line.name)),
      cell,
      ...[line.min, line.avg, line.max].map((value) =>
        h('td.number', {}, Number.isFinite(value) ? shortNumber(value) : ''),
      ),
    );
    rows.push(row);
    cells.push(cell);
    body.append(row);
  };
  lines.slice(0, LEGEND_ROWS).forEach(addRow);
  update();
  const more = h(
    'button.link',
    {
      hidden: lines.length <= LEGEND_ROWS,
      onclick: () => {
        lines.slice(rows.length).forEach((line) => addRow(line, rows.length));
        more.remove();
        update();
      },
    },
    `show all ${lines.length} series`,
  );
  const note = total > lines.length ? h('p.note', {}, `The first ${lines.length} of ${total} series are drawn.`) : null;
  const columnHeads = ['min', 'avg', 'max'].map((text) => h('th.number', {}, text));
  const tableHead = h('thead', {}, h('tr', {}, h('th', {}, 'series'), head, ...columnHeads));
  const element = h('div.legend', {}, h('table', {}, tableHead, body), more, note);
  return {
    element,
    showAt: (step) => {
      head.textContent = step === null ? 'last' : 'here';
      cells.forEach((cell, i) => {
        const value = step === null ? lines[i].last : lines[i].values[step];
        cell.textContent = value == null ? '' : shortNumber(value);
      });
    },
  };
}
