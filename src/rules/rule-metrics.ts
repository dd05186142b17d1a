// The metrics of rule evaluation, under Prometheus' names. Durations are histograms and the sum and count of Prometheus' summaries;
// their quantiles are not kept.
import {
  type Counter,
  type Gauge,
  type Histogram,
  LATENCY_BOUNDS_SECONDS,
  type MetricRegistry,
} from '../base/index.ts';

/** A duration's histogram, and its sum and count under the summary's names. */
export class DurationMetric {
  readonly #histogram: Histogram;
  readonly #sum: Counter;
  readonly #count: Counter;

  constructor(metrics: MetricRegistry, name: string, help: string) {
    this.#histogram = metrics.histogram(`${name}_histogram_seconds`, help, LATENCY_BOUNDS_SECONDS);
    this.#sum = metrics.counter(`${name}_seconds_sum`, `${help} Sum.`);
    this.#count = metrics.counter(`${name}_seconds_count`, `${help} Count.`);
  }

  observe(seconds: number): void {
    this.#histogram.observe(seconds);
    this.#sum.add(seconds);
    this.#count.inc();
  }
}

/** Of all rules. */
export interface RuleMetrics {
  readonly evaluationDuration: DurationMetric;
  readonly iterationDuration: DurationMetric;
  readonly templateExpansionFailures: Counter;
  readonly group: (key: string) => GroupMetrics;
}

/** Of one group. */
export interface GroupMetrics {
  readonly iterations: Counter;
  readonly iterationsMissed: Counter;
  readonly evaluations: Counter;
  readonly evaluationFailures: Counter;
  readonly intervalSeconds: Gauge;
  readonly lastEvaluationSeconds: Gauge;
  readonly lastDurationSeconds: Gauge;
  readonly lastRestoreSeconds: Gauge;
  readonly lastSamples: Gauge;
  readonly rules: Gauge;
}

function groupMetrics(metrics: MetricRegistry, key: string): GroupMetrics {
  const labels = { rule_group: key };
  const counter = (name: string, help: string) => metrics.counter(`prometheus_rule_${name}`, help, labels);
  const gauge = (name: string, help: string) => metrics.gauge(`prometheus_rule_group_${name}`, help, labels);
  return {
    iterations: counter(
      'group_iterations_total',
      'The total number of scheduled rule group evaluations, whether executed or missed.',
    ),
    iterationsMissed: counter(
      'group_iterations_missed_total',
      'The total number of rule group evaluations missed due to slow rule group evaluation.',
    ),
    evaluations: counter('evaluations_total', 'The total number of rule evaluations.'),
    evaluationFailures: counter('evaluation_failures_total', 'The total number of rule evaluation failures.'),
    intervalSeconds: gauge('interval_seconds', 'The interval of a rule group.'),
    lastEvaluationSeconds: gauge(
      'last_evaluation_timestamp_seconds',
      'The timestamp of the last rule group evaluation in seconds.',
    ),
    lastDurationSeconds: gauge('last_duration_seconds', 'The duration of the last rule group evaluation.'),
    lastRestoreSeconds: gauge(
      'last_restore_duration_seconds',
      'The duration of the last restoration of alerts by the ALERTS_FOR_STATE series.',
    ),
    lastSamples: gauge(
      'last_evaluation_samples',
      'The number of samples returned during the last rule group evaluation.',
    ),
    rules: gauge('rules', 'The number of rules.'),
  };
}

/** Registers the metrics. */
export function createRuleMetrics(metrics: MetricRegistry): RuleMetrics {
  return {
    evaluationDuration: new DurationMetric(
      metrics,
      'prometheus_rule_evaluation_duration',
      'The duration for a rule to execute.',
    ),
    iterationDuration: new DurationMetric(
      metrics,
      'prometheus_rule_group_duration',
      'The duration of rule group evaluations.',
    ),
    templateExpansionFailures: metrics.counter(
      'prometheus_template_text_expansion_failures_total',
      'The total number of template text expansion failures.',
    ),
    group: (key) => groupMetrics(metrics, key),
  };
}
