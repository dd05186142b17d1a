// The process' own metrics: counters, gauges and histograms in a registry that renders text format 0.0.4. A metric is looked
// up once by name and labels and then kept by its user: increments touch one number and allocate nothing.
import { invariant } from './errors.ts';

/** Label names and values of one metric of a family. */
export type MetricLabels = Readonly<Record<string, string>>;

/** Only goes up. */
export class Counter {
  value = 0;
  inc(): void {
    this.value++;
  }
  /** `amount` is not negative. */
  add(amount: number): void {
    this.value += amount;
  }
}

/** Goes up and down. */
export class Gauge {
  value = 0;
  set(value: number): void {
    this.value = value;
  }
  add(amount: number): void {
    this.value += amount;
  }
}

/** Counts observations in buckets with inclusive upper bounds, in the metric's base unit. */
export class Histogram {
  readonly bounds: readonly number[];
  /** Per bucket, not cumulative; the last one has no upper bound. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]) bucket++;
    this.counts[bucket]++;
    this.sum += value;
  }
}

/** From 1 ms to 1 min: what an answer over HTTP may take. Seconds. */
export const LATENCY_BOUNDS_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** From 0.1 ms to 10 s: what a disk may take. Seconds. */
export const DISK_BOUNDS_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];

type Kind = 'counter' | 'gauge' | 'histogram';
type Metric = Counter | Gauge | Histogram | (() => number);

interface Family {
  readonly kind: Kind;
  readonly help: string;
  /** By rendered labels: `a="1",b="2"`, or ''. */
  readonly metrics: Map<string, Metric>;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const escapeHelp = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
const escapeValue = (text: string): string => escapeHelp(text).replace(/"/g, '\\"');

function renderLabels(labels: MetricLabels): string {
  const names = Object.keys(labels).sort();
  for (const name of names) invariant(LABEL.test(name), 'own metric has a malformed label name', { name });
  return names.map((name) => `${name}="${escapeValue(labels[name])}"`).join(',');
}

function renderNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

/** All metrics of the process. */
export class MetricRegistry {
  readonly #families = new Map<string, Family>();
  readonly #beforeRender: (() => void | Promise<void>)[] = [];

  /** The counter of this name and labels; made at the first call. */
  counter(name: string, help: string, labels: MetricLabels = {}): Counter {
    return this.#metric('counter', name, help, labels, () => new Counter());
  }

  /** The gauge of this name and labels; made at the first call. */
  gauge(name: string, help: string, labels: MetricLabels = {}): Gauge {
    return this.#metric('gauge', name, help, labels, () => new Gauge());
  }

  /** The histogram of this name and labels; made at the first call. `bounds` ascend, without +Inf. */
  histogram(name: string, help: string, bounds: readonly number[], labels: MetricLabels = {}): Histogram {
    return this.#metric('histogram', name, help, labels, () => new Histogram(bounds));
  }

  /** A histogram that somebody else keeps. A second one of the same name and labels replaces it. */
  attach(name: string, help: string, histogram: Histogram, labels: MetricLabels = {}): void {
    this.#family('histogram', name, help).metrics.set(renderLabels(labels), histogram);
  }

  /** A gauge or counter whose value is asked for at each rendering. A second one of the same name and labels replaces it. */
  observed(
    kind: 'gauge' | 'counter',
    name: string,
    help: string,
    value: () => number,
    labels: MetricLabels = {},
  ): void {
    this.#family(kind, name, help).metrics.set(renderLabels(labels), value);
  }

  /** Awaited before each collect(), to refresh gauges that are read together. */
  beforeRender(callback: () => void | Promise<void>): void {
    this.#beforeRender.push(callback);
  }

  /** render() with all that has to be asked for. */
  async collect(): Promise<string> {
    await Promise.all(this.#beforeRender.map(async (callback) => callback()));
    return this.render();
  }

  /** Text format 0.0.4, families and metrics sorted. */
  render(): string {
    const lines: string[] = [];
    for (const name of [...this.#families.keys()].sort()) {
      const family = this.#families.get(name) as Family;
      if (family.help !== '') lines.push(`# HELP ${name} ${escapeHelp(family.help)}`);
      lines.push(`# TYPE ${name} ${family.kind}`);
      for (const labels of [...family.metrics.keys()].sort()) {
        renderMetric(lines, name, labels, family.metrics.get(labels) as Metric);
      }
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #family(kind: Kind, name: string, help: string): Family {
    let family = this.#families.get(name);
    if (!family) {
      invariant(NAME.test(name), 'own metric has a malformed name', { name });
      family = { kind, help, metrics: new Map() };
      this.#families.set(name, family);
    }
    invariant(family.kind === kind, 'own metric is registered as two kinds', { name, kind, before: family.kind });
    return family;
  }

  #metric<M extends Metric>(kind: Kind, name: string, help: string, labels: MetricLabels, make: () => M): M {
    const family = this.#family(kind, name, help);
    const key = renderLabels(labels);
    let metric = family.metrics.get(key);
    if (!metric) {
      metric = make();
      family.metrics.set(key, metric);
    }
    return metric as M;
  }
}

function renderMetric(lines: string[], name: string, labels: string, metric: Metric): void {
  if (metric instanceof Histogram) {
    renderHistogram(lines, name, labels, metric);
    return;
  }
  const value = typeof metric === 'function' ? metric() : metric.value;
  lines.push(`${name}${labels === '' ? '' : `{${labels}}`} ${renderNumber(value)}`);
}

function renderHistogram(lines: string[], name: string, labels: string, histogram: Histogram): void {
  const { bounds, counts } = histogram;
  const front = labels === '' ? '' : `${labels},`;
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    total += counts[i];
    lines.push(`${name}_bucket{${front}le="${renderNumber(bounds[i] ?? Infinity)}"} ${total}`);
  }
  const braces = labels === '' ? '' : `{${labels}}`;
  lines.push(`${name}_sum${braces} ${renderNumber(histogram.sum)}`, `${name}_count${braces} ${total}`);
}
