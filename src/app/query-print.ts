// Values as Prometheus' tools write them: `metric{label="value"} => value @[time]`.
import { goQuote } from '../model/index.ts';
import type { ApiHistogram, ApiSeries, ApiValue } from './query-api.ts';

const LEGACY_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

function metricText(metric: Readonly<Record<string, string>>): string {
  const { __name__: name, ...labels } = metric;
  const pairs = Object.keys(labels)
    .sort()
    .map((label) => `${LEGACY_NAME.test(label) ? label : goQuote(label)}=${goQuote(labels[label])}`);
  if (name === undefined) return `{${pairs.join(', ')}}`;
  if (!LEGACY_METRIC.test(name)) return `{${[goQuote(name), ...pairs].join(', ')}}`;
  return pairs.length === 0 ? name : `${name}{${pairs.join(', ')}}`;
}

const EDGES = ['(]', '[)', '()', '[]'];

function histogramText({ count, sum, buckets = [] }: ApiHistogram): string {
  const shown = buckets.map(([rule, low, high, n]) => ` ${EDGES[rule][0]}${low},${high}${EDGES[rule][1]}:${n}`);
  return `Count: ${fixed(count)}, Sum: ${fixed(sum)}, Buckets: [${shown.join('').trimStart()}]`;
}

/** Go's %f. */
const fixed = (text: string): string => (Number.isFinite(Number(text)) ? Number(text).toFixed(6) : text);

/** A value with its time; the server writes times in seconds. */
const at = (time: number, text: string): string => `${text} @[${time}]`;

function sampleText({ metric, value, histogram }: ApiSeries): string {
  const text = value ? at(value[0], value[1]) : histogram ? at(histogram[0], histogramText(histogram[1])) : '';
  return `${metricText(metric)} => ${text}`;
}

function streamText({ metric, values = [], histograms = [] }: ApiSeries): string {
  const lines = [
    ...values.map(([time, value]) => at(time, value)),
    ...histograms.map(([time, histogram]) => at(time, histogramText(histogram))),
  ];
  return `${metricText(metric)} =>\n${lines.join('\n')}`;
}

/** A query's result, or one line per item of a list. */
export function valueText({ type, data }: ApiValue): string {
  if (type === 'scalar') {
    const [time, value] = data as [number, string];
    return `scalar: ${at(time, value)}\n`;
  }
  if (type === 'string') return `${(data as [number, string])[1]}\n`;
  const items = data as (ApiSeries | string | Record<string, string>)[];
  if (type === 'vector') return `${(items as ApiSeries[]).map(sampleText).join('\n')}\n`;
  if (type === 'matrix') return `${(items as ApiSeries[]).map(streamText).join('\n')}\n`;
  return items
    .map((item) => `${typeof item === 'string' ? item : metricText(item as Record<string, string>)}\n`)
    .join('');
}
