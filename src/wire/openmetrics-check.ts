// Strict validation of OpenMetrics 1.0 text, for `check metrics`. Scraping takes more than the specification allows
// (openmetrics-text.ts); this adds its rules on families and metrics:
//
//   a family    lines together, metadata before samples and each kind once, names that no other family uses
//   a metric    (family and labels without le, quantile, state): lines together, timestamps on all or none and not falling
//   a point     what openmetrics-check-point.ts says for its type
//
// Source: OpenMetrics 1.0.0, sections "Text format" and "Data model".
import { TidemarkError } from '../base/index.ts';
import { goQuote } from '../model/index.ts';
import {
  EXEMPLAR_SUFFIXES,
  POINT_LABEL,
  SUFFIXES,
  type CheckedSample,
  checkPoint,
  checkSample,
} from './openmetrics-check-point.ts';
import { parseSeriesText } from './exposition-labels.ts';
import {
  type ExpositionMetadata,
  type ExpositionSample,
  type MetricType,
  decodeText,
  expositionError,
} from './exposition-scan.ts';
import { parseOpenMetricsText } from './openmetrics-text.ts';

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const EXEMPLAR_CHARS_MAX = 128;

interface Metric {
  timed: boolean;
  lastSeconds: number;
  /** Samples of the point that is being read. */
  point: CheckedSample[];
}

interface Family {
  readonly name: string;
  type: MetricType;
  unit: string;
  readonly kinds: Set<string>;
  readonly metrics: Map<string, Metric>;
  /** The metric whose lines are being read. */
  current: string | undefined;
}

/** Throws TidemarkError `bad_exposition` with the first rule that a document breaks, and the line. */
export function checkOpenMetrics(body: Uint8Array): void {
  new OpenMetricsCheck(body).run();
}

class OpenMetricsCheck {
  readonly #body: Uint8Array;
  readonly #families = new Map<string, Family>();
  /** Every name that samples of a family seen so far may have, and whose it is. */
  readonly #names = new Map<string, string>();
  #family: Family | undefined;
  #offset = 0;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  run(): void {
    const { samples, metadata } = parseOpenMetricsText(this.#body);
    const entries = [...samples, ...metadata].sort((a, b) => offsetOf(a) - offsetOf(b));
    for (const entry of entries) {
      this.#offset = offsetOf(entry);
      try {
        if ('kind' in entry) this.#metadata(entry);
        else this.#sample(entry);
      } catch (error) {
        throw this.#placed(error);
      }
    }
    try {
      this.#closeFamily();
    } catch (error) {
      throw this.#placed(error);
    }
  }

  /** The line for rules that were found broken without one. */
  #placed(error: unknown): unknown {
    return error instanceof TidemarkError && !/\(line \d+\)$/.test(error.message)
      ? expositionError(error.message, this.#body, this.#offset)
      : error;
  }

  #text(start: number, end: number): string {
    return decodeText(this.#body.subarray(start, end)) ?? '';
  }

  #metadata({ kind, nameStart, nameEnd, textStart, textEnd }: ExpositionMetadata): void {
    const name = this.#text(nameStart, nameEnd);
    const text = this.#text(textStart, textEnd);
    if (this.#body[nameStart - 1] === 34 || !METRIC_NAME.test(name)) fail(`invalid metric name ${goQuote(name)}`);
    const family = this.#enter(name);
    if (family.metrics.size > 0) fail(`${kind} of ${name} follows its samples`);
    if (family.kinds.has(kind)) fail(`second ${kind} of ${name}`);
    family.kinds.add(kind);
    if (kind === 'type') family.type = text as MetricType;
    if (kind === 'unit') family.unit = text;
  }

  /** The family of a name, which is read now: a new one, or the one before. */
  #enter(name: string): Family {
    if (this.#family?.name === name) return this.#family;
    this.#closeFamily();
    if (this.#families.has(name)) fail(`lines of ${name} are not together`);
    const family: Family = {
      name,
      type: 'unknown',
      unit: '',
      kinds: new Set(),
      metrics: new Map(),
      current: undefined,
    };
    this.#families.set(name, family);
    this.#family = family;
    return family;
  }

  #closeFamily(): void {
    const family = this.#family;
    if (!family) return;
    this.#family = undefined;
    const { name, type, unit } = family;
    if (unit !== '' && (type === 'info' || type === 'stateset')) fail(`${type} ${name} has a unit`);
    this.#closeMetric(family);
    for (const sample of new Set([name, ...SUFFIXES[type].map((suffix) => name + suffix)])) {
      const owner = this.#names.get(sample);
      if (owner !== undefined) fail(`names of ${name} and ${owner} clash: ${sample}`);
      this.#names.set(sample, name);
    }
  }

  #closeMetric(family: Family): void {
    const metric = family.current === undefined ? undefined : family.metrics.get(family.current);
    if (metric) checkPoint(family.type, family.name, metric.point);
    family.current = undefined;
  }

  /** The family that a sample's name belongs to: the one that is being read, if a suffix of its type fits. */
  #familyOf(name: string): { family: Family; suffix: string } {
    const family = this.#family;
    if (family && name.startsWith(family.name)) {
      const suffix = name.slice(family.name.length);
      if (SUFFIXES[family.type].includes(suffix)) return { family, suffix };
      if (family.kinds.has('type') && suffix === '') fail(`${family.type} ${family.name} has no sample of that name`);
    }
    return { family: this.#enter(name), suffix: '' };
  }

  #sample(row: ExpositionSample): void {
    const end = row.start + row.length;
    const labels = parseSeriesText(this.#body.subarray(row.start, end), 'unknown');
    const name = labels.get('__name__') ?? '';
    labels.delete('__name__');
    checkBraces(this.#text(row.start, end), 'labels');
    if (this.#body[row.start] === 123 || !METRIC_NAME.test(name)) fail(`invalid metric name ${goQuote(name)}`);
    for (const label of labels.keys()) if (!LABEL_NAME.test(label)) fail(`invalid label name ${goQuote(label)}`);
    const { family, suffix } = this.#familyOf(name);
    const sample: CheckedSample = { suffix, labels, value: row.value };
    checkSample(family.type, family.name, sample);
    const newline = this.#body.indexOf(10, end);
    const rest = this.#text(end, newline < 0 ? this.#body.length : newline);
    this.#exemplar(family, suffix, rest);
    // As text: points may be closer than a millisecond.
    this.#point(family, sample, row.timestampMs === undefined ? undefined : Number(rest.split(' ')[2]));
  }

  /** Adds a sample to the point of its metric, or begins the next point. */
  #point(family: Family, sample: CheckedSample, seconds: number | undefined): void {
    const own = POINT_LABEL[family.type]?.(family.name, sample.suffix);
    const key = JSON.stringify([...sample.labels].filter(([label]) => label !== own).sort());
    const timed = seconds !== undefined;
    let metric = family.metrics.get(key);
    if (family.current !== key) {
      this.#closeMetric(family);
      if (metric) fail(`samples of one metric of ${family.name} are not together`);
      metric = { timed, lastSeconds: seconds ?? 0, point: [] };
      family.metrics.set(key, metric);
      family.current = key;
    }
    if (!metric) return;
    if (metric.timed !== timed) fail(`a metric of ${family.name} has samples with and without timestamps`);
    if (seconds !== undefined) {
      if (seconds < metric.lastSeconds) fail(`timestamps of a metric of ${family.name} fall`);
      if (seconds > metric.lastSeconds) {
        checkPoint(family.type, family.name, metric.point);
        metric.point = [];
      }
      metric.lastSeconds = seconds;
    }
    metric.point.push(sample);
  }

  /** `rest`: the line behind the series. */
  #exemplar(family: Family, suffix: string, rest: string): void {
    const at = rest.indexOf(' # {');
    if (at < 0) return;
    if (!EXEMPLAR_SUFFIXES[family.type]?.includes(suffix)) fail(`${family.name}${suffix} may not have an exemplar`);
    const braces = rest.slice(at + 3, rest.lastIndexOf('}') + 1);
    checkBraces(braces, 'labels of an exemplar');
    const text = new TextEncoder().encode(`x${braces}`);
    const labels = parseSeriesText(text, 'unknown');
    labels.delete('__name__');
    let chars = 0;
    for (const [label, value] of labels) {
      if (!LABEL_NAME.test(label)) fail(`invalid label name ${goQuote(label)}`);
      chars += [...label].length + [...value].length;
    }
    if (chars > EXEMPLAR_CHARS_MAX)
      fail(`labels of an exemplar have ${chars} characters, more than ${EXEMPLAR_CHARS_MAX}`);
  }
}

const offsetOf = (entry: ExpositionSample | ExpositionMetadata): number =>
  'kind' in entry ? entry.nameStart : entry.start;

/** Names in quotes came after OpenMetrics 1.0. `text` is well formed, and quotes are in it around values and names only. */
function checkBraces(text: string, what: string): void {
  if (/,\s*\}$/.test(text)) fail(`${what} end with a comma`);
  const withoutValues = text.replace(/="(?:[^"\\]|\\.)*"/gs, '=');
  const quoted = /[{,]\s*("[^=]*)/s.exec(withoutValues);
  if (quoted) fail(`invalid label name ${goQuote(quoted[1].replace(/^"|"$/g, ''))}: names are not in quotes`);
}

function fail(text: string): never {
  throw new TidemarkError('rule', text);
}
