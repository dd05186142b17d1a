// Samples as OpenMetrics text 1.0, one line each.
//
//   name{label="value",...} value seconds
//   # EOF
//
// Names that are no legacy identifiers are quoted within the braces. Stale markers have no form in OpenMetrics and are left out.
import {
  type Labels,
  METRIC_NAME,
  type SampleColumn,
  formatG,
  isStaleAt,
  isValidLabelName,
  isValidMetricName,
} from '../model/index.ts';

/** The last line of a document. */
export const OPEN_METRICS_END = '# EOF\n';

const escaped = (text: string): string =>
  /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`)) : text;

/** `name{label="value",...}`. */
export function openMetricsSeries(labels: Labels): string {
  const name = labels.get(METRIC_NAME);
  const isPlain = isValidMetricName(name, 'legacy');
  const parts = isPlain || name === '' ? [] : [`"${escaped(name)}"`];
  for (const [label, text] of labels) {
    if (label === METRIC_NAME) continue;
    const shown = isValidLabelName(label, 'legacy') ? label : `"${escaped(label)}"`;
    parts.push(`${shown}="${escaped(text)}"`);
  }
  return (isPlain ? name : '') + (parts.length > 0 ? `{${parts.join(',')}}` : '');
}

/** Seconds with up to three decimals. */
function seconds(timeMs: number): string {
  const whole = Math.floor(Math.abs(timeMs) / 1000);
  const rest = Math.abs(timeMs) % 1000;
  const sign = timeMs < 0 ? '-' : '';
  return rest === 0 ? `${sign}${whole}` : `${sign}${whole}.${String(rest).padStart(3, '0').replace(/0+$/, '')}`;
}

/** Lines of samples [0, count) of one series; native histograms have no form in OpenMetrics 1.0 and are left out, too. */
export function openMetricsLines(series: string, column: SampleColumn, count: number): string {
  const lines: string[] = [];
  const histograms = new Set(column.histograms?.at);
  for (let i = 0; i < count; i++) {
    if (isStaleAt(column.vsWords, i) || histograms.has(i)) continue;
    lines.push(`${series} ${formatG(column.vs[i])} ${seconds(column.ts[i])}\n`);
  }
  return lines.join('');
}
