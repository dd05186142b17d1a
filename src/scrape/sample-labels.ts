// From the labels a target exposes to the labels that are stored: the target's own labels, metric relabelling, limits. Rules
// and texts are Prometheus' (scrape/scrape.go). This runs for series that are new to a target, not for every sample.
import { TidemarkError } from '../base/index.ts';
import type { ScrapeConfig } from '../config/index.ts';
import {
  Labels,
  LabelsBuilder,
  METRIC_NAME,
  compareUtf8,
  compileRelabelRules,
  goQuote,
  isValidLabelName,
  isValidMetricName,
} from '../model/index.ts';
import { type MetricType, parseSeriesText } from '../wire/index.ts';

const EXPORTED = 'exported_';

const refuse = (text: string): TidemarkError => new TidemarkError('bad_series', text);
const utf8Length = (text: string): number => Buffer.byteLength(text);
/** At most 50 characters, as %.50s. */
const cut = (text: string): string => (text.length <= 50 ? text : [...text].slice(0, 50).join(''));

/** What a job does to the labels of samples. */
export class SampleLabels {
  readonly #config: ScrapeConfig;
  readonly #relabel: (builder: LabelsBuilder) => boolean;

  constructor(config: ScrapeConfig) {
    this.#config = config;
    this.#relabel = compileRelabelRules(config.metricRelabelConfigs, config.metricNameValidationScheme);
  }

  /** Stored labels of a series text; null: dropped. Throws TidemarkError where the scrape has to fail. */
  resolve(series: Uint8Array, type: MetricType, target: Labels): Labels | null {
    const exposed = parseSeriesText(series, type);
    const builder = new LabelsBuilder(Labels.from(exposed));
    if (this.#config.honorLabels) honor(builder, exposed, target);
    else override(builder, target);
    if (!this.#relabel(builder)) return null;
    const labels = builder.labels();
    if (labels.size === 0) return null;
    this.#check(labels);
    return labels;
  }

  #check(labels: Labels): void {
    const scheme = this.#config.metricNameValidationScheme;
    const metric = labels.get(METRIC_NAME);
    if (metric === '') throw refuse('missing metric name (__name__ label)');
    for (const [name, value] of labels) {
      const valid = name === METRIC_NAME ? isValidMetricName(value, scheme) : isValidLabelName(name, scheme);
      if (!valid || !value.isWellFormed()) throw refuse(`invalid metric name or label names: ${labels}`);
    }
    this.#checkLimits(labels, cut(metric));
  }

  #checkLimits(labels: Labels, metric: string): void {
    const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = this.#config;
    if (labelLimit > 0 && labels.size > labelLimit) {
      const detail = `metric: ${metric}, number of labels: ${labels.size}, limit: ${labelLimit}`;
      throw refuse(`label_limit exceeded (${detail})`);
    }
    if (labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return;
    for (const [name, value] of labels) {
      const where = `metric: ${metric}, label name: ${cut(name)}`;
      const nameLength = utf8Length(name);
      if (labelNameLengthLimit > 0 && nameLength > labelNameLengthLimit) {
        const detail = `${where}, length: ${nameLength}, limit: ${labelNameLengthLimit}`;
        throw refuse(`label_name_length_limit exceeded (${detail})`);
      }
      const valueLength = utf8Length(value);
      if (labelValueLengthLimit > 0 && valueLength > labelValueLengthLimit) {
        const shown = goQuote(cut(value));
        const detail = `${where}, value: ${shown}, length: ${valueLength}, limit: ${labelValueLengthLimit}`;
        throw refuse(`label_value_length_limit exceeded (${detail})`);
      }
    }
  }
}

/** honor_labels: what is exposed wins, an empty label included. */
function honor(builder: LabelsBuilder, exposed: ReadonlyMap<string, string>, target: Labels): void {
  for (const [name, value] of target) if (!exposed.has(name)) builder.set(name, value);
}

/** The target's labels win; exposed ones that they displace get a prefix. */
function override(builder: LabelsBuilder, target: Labels): void {
  const conflicts: [string, string][] = [];
  for (const [name, value] of target) {
    const exposed = builder.get(name);
    if (exposed !== '') conflicts.push([name, exposed]);
    builder.set(name, value);
  }
  conflicts.sort(([a], [b]) => utf8Length(a) - utf8Length(b));
  for (const [name, value] of conflicts) {
    let prefixed = EXPORTED + name;
    while (builder.get(prefixed) !== '') prefixed = EXPORTED + prefixed;
    builder.set(prefixed, value);
  }
}

/** Labels of one of the scrape's own series, such as `up`. */
export function reportLabels(metric: string, target: Labels): Labels {
  const pairs = [...target].flatMap(([name, value]): [string, string][] =>
    name === METRIC_NAME
      ? [
          [EXPORTED + name, metric],
          [name, value],
        ]
      : [[name, value]],
  );
  if (!target.has(METRIC_NAME)) pairs.push([METRIC_NAME, metric]);
  return Labels.fromSortedPairs(pairs.sort(([a], [b]) => compareUtf8(a, b)).flat());
}
