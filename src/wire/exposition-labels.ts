// The labels of one series text, `name{label="value"}` or `{"name",label="value"}`. The text is one that a parser has taken,
// so that this only finds the parts. Values of `le` of histograms and `quantile` of summaries become floats as OpenMetrics
// writes them ("1" to "1.0"), as in Prometheus 3, so that buckets keep their identity whatever format they came in.
import { TidemarkError } from '../base/index.ts';
import { METRIC_NAME, goQuote } from '../model/index.ts';
import { type MetricType, decodeText, parseFloatText } from './exposition-scan.ts';

const unescapeText = (text: string): string =>
  text.includes('\\') ? text.replace(/\\([\\n"])/g, (_, c) => (c === 'n' ? '\n' : c)) : text;

const PART =
  /[ \t]*(?:"((?:\\[^\n]|[^"\\])*)"|([a-zA-Z_][a-zA-Z0-9_]*))[ \t]*(?:=[ \t]*"((?:\\[^\n]|[^"\\])*)"[ \t]*)?,?/y;

/**
 * Name and value pairs in the order of the text, the metric's name first; empty values stay. Throws TidemarkError
 * `bad_exposition` for names that are no UTF-8 and for a label that is there twice.
 */
export function parseSeriesText(series: Uint8Array, type: MetricType): Map<string, string> {
  const text = decodeText(series);
  if (text === undefined)
    throw new TidemarkError('bad_exposition', 'invalid metric name or label names: not valid UTF-8');
  const labels = new Map<string, string>();
  const brace = text.indexOf('{');
  const name = (brace < 0 ? text : text.slice(0, brace)).trimEnd();
  if (name !== '') labels.set(METRIC_NAME, name);
  if (brace < 0) return labels;
  PART.lastIndex = brace + 1;
  for (let part = PART.exec(text); part; part = PART.exec(text)) addLabel(labels, part, type);
  return labels;
}

/** Labels of an exemplar, behind their brace: names and values in turns, as they were sent. */
export function parseExemplarLabels(labels: Uint8Array): string[] {
  const text = decodeText(labels);
  if (text === undefined) throw new TidemarkError('bad_exposition', 'invalid exemplar labels: not valid UTF-8');
  const out: string[] = [];
  PART.lastIndex = 0;
  for (let part = PART.exec(text); part; part = PART.exec(text)) {
    const [, quoted, bare, value] = part;
    out.push(quoted === undefined ? bare : unescapeText(quoted), unescapeText(value));
  }
  return out;
}

function addLabel(labels: Map<string, string>, part: RegExpExecArray, type: MetricType): void {
  const [, quoted, bare, value] = part;
  const first = quoted === undefined ? bare : unescapeText(quoted);
  const label = value === undefined ? METRIC_NAME : first;
  if (labels.has(label)) {
    throw new TidemarkError('bad_exposition', `label name ${goQuote(label)} is not unique: invalid sample`);
  }
  labels.set(label, value === undefined ? first : normalValue(type, label, unescapeText(value)));
}

function normalValue(type: MetricType, label: string, value: string): string {
  const normal = (type === 'histogram' && label === 'le') || (type === 'summary' && label === 'quantile');
  if (!normal) return value;
  const number = parseFloatText(value);
  return typeof number === 'number' ? openMetricsFloat(number) : value;
}

/** A float as OpenMetrics asks for it: shortest digits, with a point or an exponent; as Go's 'g' from 1e+06 and below 1e-04. */
export function openMetricsFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [mantissa, exponentText] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 6) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const text = String(value); // No exponent in this range.
  return text.includes('.') ? text : `${text}.0`;
}
