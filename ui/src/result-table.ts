// A query's result as a table: one row per series, ordered as the server gave it or by a column.
import { type HistogramValue, isSeriesData, type QueryData, type Sample, type Series } from './api.ts';
import { fill, h } from './dom.ts';
import { seriesText, timeText } from './format.ts';
import { settings } from './settings.ts';

const ROWS = 500;
const BRACKETS = [
  ['(', ']'],
  ['[', ')'],
  ['(', ')'],
  ['[', ']'],
];

function histogramCell({ count, sum, buckets = [] }: HistogramValue): HTMLElement {
  const rows = buckets.map(([rule, low, high, number]) => {
    const [open, close] = BRACKETS[rule] ?? BRACKETS[2];
    return h('div', {}, `${open}${low}, ${high}${close}  ${number}`);
  });
  return h('details.histogram', {}, h('summary', {}, `histogram: count ${count}, sum ${sum}`), ...rows);
}

const sampleLine = ([seconds, value]: Sample): HTMLElement =>
  h('div', {}, value, h('span.at', {}, ` @ ${timeText(seconds * 1000, settings.utc, true)}`));

function valueCell(series: Series): Node {
  if (series.value) return document.createTextNode(series.value[1]);
  if (series.histogram) return histogramCell(series.histogram[1]);
  const floats = (series.values ?? []).map(sampleLine);
  const histograms = (series.histograms ?? []).map(([, value]) => histogramCell(value));
  return h('div', {}, ...floats, ...histograms);
}

/** The table of any result. */
export function resultTable(data: QueryData): HTMLElement {
  if (!isSeriesData(data)) {
    const [, value] = data.result;
    return h(
      'div.result',
      {},
      h('table', {}, h('tbody', {}, h('tr', {}, h('td', {}, data.resultType), h('td.number', {}, value)))),
    );
  }
  return seriesTable(data.result);
}

type Order = 'server' | 'name' | 'value';

function seriesTable(result: readonly Series[]): HTMLElement {
  const items = result.map((series) => ({ series, name: seriesText(series.metric) }));
  const element = h('div.result');
  let order: Order = 'server';
  let rows = ROWS;
  const sorted = (): typeof items => {
    if (order === 'server') return items;
    if (order === 'name') return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const numberOf = ({ series }: (typeof items)[number]): number => Number(series.value?.[1] ?? NaN);
    return items.toSorted((a, b) => numberOf(b) - numberOf(a));
  };
  const sortHead = (text: string, by: Order, className: string): HTMLElement =>
    h(
      `th.${className}`,
      {},
      h(
        'button.sort',
        {
          onclick: () => {
            order = order === by ? 'server' : by;
            draw();
          },
        },
        text,
        order === by ? (by === 'name' ? ' ↑' : ' ↓') : '',
      ),
    );
  const draw = (): void => {
    const body = sorted()
      .slice(0, rows)
      .map(({ series, name }) => h('tr', {}, h('td.name', {}, name), h('td.number', {}, valueCell(series))));
    const head = h('thead', {}, h('tr', {}, sortHead('series', 'name', 'name'), sortHead('value', 'value', 'number')));
    const showAll = (): void => {
      rows = items.length;
      draw();
    };
    const more = items.length > rows && h('button.link', { onclick: showAll }, `show all ${items.length} series`);
    fill(element, h('table', {}, head, h('tbody', {}, ...body)), more);
  };
  draw();
  return element;
}
