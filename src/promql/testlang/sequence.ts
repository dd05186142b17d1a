// A line of a load or of an expected result: `metric{labels} <items>`, items separated by blanks.
//
//   a  axN  a+bxN  a-bxN   one value; N+1 values a, a ± b, a ± 2b, ...
//   _  _xN                 no value; N times none
//   stale                  the staleness marker
//   {{...}}  {{...}}xN  {{...}}+{{...}}xN  {{...}}-{{...}}xN
import { Labels } from '../../model/index.ts';
import { parseSelector } from '../parse/index.ts';
import { type Histogram, addHistogram, notReadable, parseHistogram, parseNumber } from './histogram.ts';

/** null = no value at this position. */
export type SequenceValue = number | 'stale' | Histogram | null;

export interface SeriesLine {
  readonly labels: Labels;
  /** The line gives start timestamps of the next one: `metric{}@st ...`. */
  readonly isStartTimestamps: boolean;
  readonly items: string;
}

/** Splits a line into the series and its items. */
export function parseSeriesLine(line: string): SeriesLine {
  const end = metricEnd(line);
  const labels = parseMetric(line.slice(0, end));
  const rest = line.slice(end);
  const isStartTimestamps = rest.startsWith('@st');
  return { labels, isStartTimestamps, items: (isStartTimestamps ? rest.slice(3) : rest).trim() };
}

/** Offset behind name and braces. */
function metricEnd(line: string): number {
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? '';
  const gap = /^\{(?!\{)/.exec(line.slice(name.length));
  if (!gap) {
    if (name === '') throw notReadable(`not a series: ${line}`);
    return name.length;
  }
  let quote = '';
  for (let i = name.length + gap[0].length; i < line.length; i++) {
    const character = line[i];
    if (quote !== '') {
      if (character === '\\' && quote !== '`') i++;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'" || character === '`') quote = character;
    else if (character === '}') return i + 1;
  }
  throw notReadable(`unclosed brace: ${line}`);
}

/** The label set of a selector that consists of `=` only. */
export function parseMetric(text: string): Labels {
  const matchers = parseSelector(text);
  if (matchers.some(({ op }) => op !== '=')) throw notReadable(`not a series: ${text}`);
  return Labels.from(matchers.map(({ name, value }) => [name, value] as const));
}

const NUMBER = '[+-]?(?:[iI]nf|[nN]a[nN]|(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)';
const ITEM = new RegExp(`^(${NUMBER})(?:([+-])(${NUMBER.slice('[+-]?'.length)}))?(?:x(\\d+))?$`);
const GAP = /^_(?:x(\d+))?$/;
const HISTOGRAM = /^\{\{([^}]*)\}\}(?:([+-])\{\{([^}]*)\}\})?(?:x(\d+))?$/;
const ITEMS = /(?:\{\{[^}]*\}\}|\S)+/g;
/** Values a sequence may have: more would be a slip of the pen. */
const VALUES_MAX = 1_000_000;

/** All values of `items`, gaps as null. */
export function parseSequence(items: string): SequenceValue[] {
  const out: SequenceValue[] = [];
  for (const item of items.match(ITEMS) ?? []) {
    for (const value of itemValues(item)) out.push(value);
    if (out.length > VALUES_MAX) throw notReadable(`sequence has more than ${VALUES_MAX} values`);
  }
  return out;
}

function itemValues(item: string): SequenceValue[] {
  if (Number(/x(\d+)$/.exec(item)?.[1] ?? 0) > VALUES_MAX) {
    throw notReadable(`sequence has more than ${VALUES_MAX} values: ${item}`);
  }
  const gap = GAP.exec(item);
  if (gap) return Array(gap[1] === undefined ? 1 : Number(gap[1])).fill(null);
  if (item === 'stale') return ['stale'];
  const number = ITEM.exec(item);
  if (number) return numbers(number);
  const histogram = HISTOGRAM.exec(item);
  if (!histogram) throw notReadable(`not a value: ${item}`);
  return histograms(histogram);
}

function numbers([, first, sign, increment, times]: RegExpExecArray): number[] {
  if (increment !== undefined && times === undefined) throw notReadable('an increment needs a count: axN');
  const step = increment === undefined ? 0 : parseNumber(increment) * (sign === '-' ? -1 : 1);
  let value = parseNumber(first);
  const out = [value];
  for (let i = 0; i < Number(times ?? 0); i++) {
    if (increment !== undefined) value += step;
    out.push(value);
  }
  return out;
}

function histograms([, first, sign, increment, times]: RegExpExecArray): Histogram[] {
  let value = parseHistogram(first);
  const step = increment === undefined ? null : parseHistogram(increment);
  const out = [value];
  for (let i = 0; i < Number(times ?? 0); i++) {
    if (step) value = addHistogram(value, step, sign === '-' ? -1 : 1);
    out.push(value);
  }
  return out;
}
