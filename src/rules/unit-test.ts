// Runs rule unit tests: series in memory, the engine over them, and rule groups that are evaluated in virtual time, exactly as
// the server evaluates them.
//
//   for each time from the start in steps of evaluation_interval:
//     load input samples up to it ─► evaluate all groups ─► compare the alerts whose eval_time lies before the next one
//   then: the expressions, each at its eval_time
import { MetricRegistry, TidemarkError, errorText, silentLogger } from '../base/index.ts';
import { formatDuration } from '../config/index.ts';
import type { Clock } from '../io/index.ts';
import { type ExecKernel, createExecTwin } from '../kernel/index.ts';
import { type Labels, STALE_NAN_BITS, goQuote } from '../model/index.ts';
import {
  LocalLeafExecutor,
  MemorySource,
  type SequenceValue,
  createEngine,
  literalToNative,
  parseMetric,
  parseSequence,
  parseSeriesLine,
} from '../promql/index.ts';
import { AlertingRule, type Rule } from './alerting-rule.ts';
import { engineQuery } from './engine-query.ts';
import { type GroupWorld, RuleGroup } from './group.ts';
import { RecordingRule } from './recording-rule.ts';
import type { GroupSpec } from './rule-file.ts';
import { createRuleMetrics } from './rule-metrics.ts';
import { durationText } from './template/values.ts';
import {
  type ComparedAlert,
  type ComparedSample,
  alertsAreEqual,
  alertsText,
  compareAlerts,
  compareSamples,
  histogramExpression,
  indentRest,
  samplesAreEqual,
  samplesText,
  sortedPairs,
} from './unit-test-compare.ts';
import type { AlertTestCase, ExpressionTestCase, UnitTestGroup } from './unit-test-file.ts';
import type { RuleQuery, RuleSink } from './world.ts';

const INTERVAL_MS_DEFAULT = 60_000;
const SAMPLES_MAX = 10_000;
const TIMEOUT_MS = 100_000;

/** What all groups of a test file share. */
export interface UnitTestOptions {
  /** The groups of the rule files, in the order of evaluation. */
  readonly groups: readonly { readonly file: string; readonly spec: GroupSpec }[];
  /** 0: one minute. */
  readonly evaluationIntervalMs: number;
  readonly isFuzzy: boolean;
  readonly features: ReadonlySet<string>;
  readonly clock: Clock;
  /** Makes the kernel of an engine; absent: the plain one. */
  readonly kernel?: () => ExecKernel;
}

interface InputSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
  /** The next value to be loaded. */
  next: number;
}

/** Runs one entry of `tests`; resolves with what does not hold, in promtool's words. */
export async function runUnitTest(test: UnitTestGroup, options: UnitTestOptions): Promise<string[]> {
  try {
    return await new UnitTest(test, options).run();
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return [errorText(error)];
  }
}

class UnitTest {
  readonly #test: UnitTestGroup;
  readonly #options: UnitTestOptions;
  readonly #intervalMs: number;
  readonly #evaluationIntervalMs: number;
  readonly #startMs: number;
  readonly #source = new MemorySource();
  readonly #query: RuleQuery;
  readonly #input: InputSeries[];
  readonly #groups: readonly RuleGroup[];
  readonly #failures: string[] = [];

  constructor(test: UnitTestGroup, options: UnitTestOptions) {
    this.#test = test;
    this.#options = options;
    this.#intervalMs = test.interval || INTERVAL_MS_DEFAULT;
    this.#evaluationIntervalMs = options.evaluationIntervalMs || INTERVAL_MS_DEFAULT;
    this.#startMs = test.start_timestamp;
    this.#query = this.#makeQuery();
    this.#input = test.input_series.map(({ series, values }) => inputSeries(series, values));
    this.#groups = options.groups.map(({ file, spec }) => this.#makeGroup(file, spec));
  }

  #makeQuery(): RuleQuery {
    const { clock, features, kernel = createExecTwin } = this.#options;
    const engine = createEngine({
      leaves: [new LocalLeafExecutor({ source: this.#source, kernel: kernel() })],
      kernel: kernel(),
      clock,
      features,
      maxSamples: SAMPLES_MAX,
      timeoutMs: TIMEOUT_MS,
      defaultStepMs: this.#evaluationIntervalMs,
    });
    return engineQuery(engine);
  }

  #makeGroup(file: string, spec: GroupSpec): RuleGroup {
    const { features, clock } = this.#options;
    const rules = spec.rules.map(
      (rule): Rule =>
        rule.alert === ''
          ? new RecordingRule(rule, spec, features)
          : new AlertingRule(rule, spec, { features, isRestored: true }),
    );
    const world: GroupWorld = {
      clock,
      logger: silentLogger,
      metrics: createRuleMetrics(new MetricRegistry()),
      query: this.#query,
      sink: this.#sink(),
      notify: () => {},
      externalUrl: this.#test.external_url,
      resendDelayMs: 0,
      graceMs: 0,
      outageToleranceMs: 0,
      concurrency: null,
    };
    const { name, limit } = spec;
    const intervalMs = spec.intervalMs || this.#intervalMs;
    const queryOffsetMs = spec.queryOffsetMs ?? 0;
    const externalLabels = this.#test.external_labels;
    return new RuleGroup(
      { file, name, intervalMs, queryOffsetMs, limit, rules, externalLabels, shouldRestore: false },
      world,
    );
  }

  #sink(): RuleSink {
    return {
      append: async (samples) => {
        for (const { labels, timeMs, value, histogram, isStale } of samples)
          this.#source.append(labels, timeMs, isStale ? STALE_NAN_BITS : (histogram ?? value));
        return '';
      },
    };
  }

  async run(): Promise<string[]> {
    this.#checkAlertNames();
    const endMs = this.#startMs + this.#lastEvalTimeMs();
    for (let timeMs = this.#startMs; timeMs <= endMs; timeMs += this.#evaluationIntervalMs) {
      this.#load(timeMs);
      const errors = await this.#evaluate(timeMs);
      if (errors.length > 0) return [...this.#failures, ...errors];
      this.#checkAlerts(timeMs - this.#startMs);
    }
    for (const testCase of this.#test.promql_expr_test) await this.#checkExpression(testCase);
    return this.#failures;
  }

  #checkAlertNames(): void {
    const nameless = this.#test.alert_rule_test.find(({ alertname }) => alertname === '');
    if (!nameless) return;
    const where = this.#test.name === '' ? '' : ` (in TestGroup ${this.#test.name})`;
    const at = formatDuration(nameless.eval_time);
    const fact = `an item under alert_rule_test misses required attribute alertname at eval_time ${at}${where}`;
    throw new TidemarkError('bad_rules', fact);
  }

  #lastEvalTimeMs(): number {
    const { alert_rule_test: alerts, promql_expr_test: expressions } = this.#test;
    return [...alerts, ...expressions].reduce((last, { eval_time: timeMs }) => Math.max(last, timeMs), 0);
  }

  #load(untilMs: number): void {
    for (const series of this.#input) {
      for (; series.next < series.values.length; series.next++) {
        const timeMs = this.#startMs + series.next * this.#intervalMs;
        if (timeMs > untilMs) break;
        const value = series.values[series.next];
        if (value === null) continue;
        const sample = value === 'stale' ? STALE_NAN_BITS : typeof value === 'number' ? value : literalToNative(value);
        this.#source.append(series.labels, timeMs, sample);
      }
    }
  }

  async #evaluate(timeMs: number): Promise<string[]> {
    const errors: string[] = [];
    for (const group of this.#groups) {
      await group.evaluate(timeMs);
      for (const { name, status } of group.options.rules) {
        if (status.lastError === '') continue;
        const at = durationText(BigInt(timeMs - this.#startMs) * 1_000_000n);
        errors.push(`    rule: ${name}, time: ${at}, err: ${status.lastError}`);
      }
    }
    return errors;
  }

  #checkAlerts(elapsedMs: number): void {
    const cases = this.#test.alert_rule_test
      .filter(({ eval_time: at }) => elapsedMs <= at && at < elapsedMs + this.#evaluationIntervalMs)
      .sort((a, b) => a.eval_time - b.eval_time);
    for (const testCase of cases) this.#checkAlert(testCase);
  }

  #checkAlert({ alertname, eval_time: evalTimeMs, exp_alerts: wanted }: AlertTestCase): void {
    const expected: ComparedAlert[] = wanted.map(({ exp_labels: labels, exp_annotations: annotations }) => ({
      labels: sortedPairs(Object.entries({ ...labels, alertname })),
      annotations: sortedPairs(Object.entries(annotations)),
    }));
    const got = this.#firing(alertname);
    expected.sort(compareAlerts);
    got.sort(compareAlerts);
    if (alertsAreEqual(expected, got)) return;
    const [want, have] = [expected, got].map((alerts) => indentRest(alertsText(alerts), ' '.repeat(12)));
    const name = this.#test.name === '' ? '' : `    name: ${this.#test.name},\n`;
    const at = formatDuration(evalTimeMs);
    this.#failures.push(
      `${name}    alertname: ${alertname}, time: ${at}, \n        exp:${want}, \n        got:${have}`,
    );
  }

  #firing(alertname: string): ComparedAlert[] {
    return this.#groups.flatMap(({ options }) =>
      options.rules.flatMap((rule) =>
        rule instanceof AlertingRule && rule.name === alertname
          ? rule
              .activeAlerts()
              .filter(({ state }) => state === 'firing')
              .map(({ labels, annotations }) => ({ labels: [...labels], annotations }))
          : [],
      ),
    );
  }

  async #checkExpression(testCase: ExpressionTestCase): Promise<void> {
    const { expr, eval_time: evalTimeMs, exp_samples: wanted } = testCase;
    const what = `    expr: ${goQuote(expr)}, time: ${formatDuration(evalTimeMs)},`;
    try {
      const found = await this.#query(expr, this.#startMs + evalTimeMs);
      const got = found.map(
        ({ labels, value, histogram }): ComparedSample => ({
          labels: [...labels],
          value: histogram ? 0 : value,
          histogram: histogram ? histogramExpression(histogram) : '',
        }),
      );
      const expected = wanted.map(expectedSample);
      expected.sort(compareSamples);
      got.sort(compareSamples);
      if (samplesAreEqual(expected, got, this.#options.isFuzzy)) return;
      this.#failures.push(`${what}\n        exp: ${samplesText(expected)}\n        got: ${samplesText(got)}`);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      this.#failures.push(`${what} err: ${errorText(error)}`);
    }
  }
}

/** Errors of the notation's parser, as errors of a test file. */
function parsed<T>(parse: () => T, prefix = ''): T {
  try {
    return parse();
  } catch (error) {
    throw new TidemarkError('bad_rules', prefix + errorText(error), { cause: error });
  }
}

const inputSeries = (series: string, values: string): InputSeries =>
  parsed(() => {
    const { labels, items } = parseSeriesLine(`${series} ${values}`);
    return { labels, values: parseSequence(items), next: 0 };
  });

function expectedSample({ labels, value, histogram }: ExpressionTestCase['exp_samples'][number]): ComparedSample {
  const prefix = `labels ${goQuote(labels)}: `;
  const pairs = labels === '' ? [] : [...parsed(() => parseMetric(labels), prefix)];
  if (histogram === '') return { labels: pairs, value, histogram: '' };
  const sequence = parsed(() => parseSequence(histogram), prefix);
  const [literal] = sequence;
  if (sequence.length !== 1) throw new TidemarkError('bad_rules', `${prefix}expected 1 value, got ${sequence.length}`);
  if (literal === null || typeof literal !== 'object')
    throw new TidemarkError('bad_rules', `${prefix}expected histogram, got ${literal}`);
  return { labels: pairs, value, histogram: histogramExpression(literalToNative(literal)) };
}
