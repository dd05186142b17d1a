// A group of rules and its clockwork. All groups of one interval are spread over it by a hash of file and name, and keep their
// phase over restarts:
//
//   evaluation times: k * interval + phase
//
// At each time the rules run in their order, each with its results durable before the next begins (see dependencies.ts for those
// that may run side by side). Times that pass during an evaluation are left out and counted.
import { createHash } from 'node:crypto';
import { type Logger, TidemarkError, errorText } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import type { Labels } from '../model/index.ts';
import type { Alert } from './alert.ts';
import { AlertingRule, type Rule } from './alerting-rule.ts';
import { evaluationBatches } from './dependencies.ts';
import { restoreRule } from './restore.ts';
import type { GroupMetrics, RuleMetrics } from './rule-metrics.ts';
import type { Slots } from './slots.ts';
import type { RuleQuery, RuleSample, RuleSink, RuleWrite } from './world.ts';

/** Sends alerts of a rule; `query` is its expression. */
export type NotifyAlerts = (query: string, alerts: readonly Alert[]) => void;

/** What all groups share. */
export interface GroupWorld {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RuleMetrics;
  readonly query: RuleQuery;
  readonly sink: RuleSink;
  readonly notify: NotifyAlerts;
  readonly externalUrl: string;
  readonly resendDelayMs: number;
  readonly graceMs: number;
  readonly outageToleranceMs: number;
  /** Rules beyond the first of a group that may run at the same time; null: one after the other. */
  readonly concurrency: Slots | null;
}

/** One group with its rules made. */
export interface GroupOptions {
  readonly file: string;
  readonly name: string;
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly limit: number;
  readonly rules: readonly Rule[];
  readonly externalLabels: Readonly<Record<string, string>>;
  /** Whether alerts' state of before the program's start is to be looked up. */
  readonly shouldRestore: boolean;
}

/** What names a group: files may have groups of the same name. */
export const groupKey = (file: string, name: string): string => `${file};${name}`;

/** The last time slot at or before `nowMs`. */
export function lastSlotMs(nowMs: number, intervalMs: number, key: string): number {
  const hash = createHash('md5').update(key, 'utf8').digest().readBigUInt64BE(8);
  const phaseMs = Number(hash % BigInt(intervalMs));
  const shifted = nowMs - phaseMs;
  return shifted - (((shifted % intervalMs) + intervalMs) % intervalMs) + phaseMs;
}

/** See the top of the file. */
export class RuleGroup {
  readonly options: GroupOptions;
  readonly key: string;
  /** Of the last evaluation. */
  evaluationSeconds = 0;
  /** When it was, on the wall clock; null: not yet. */
  lastEvaluationMs: number | null = null;
  readonly #world: GroupWorld;
  readonly #metrics: GroupMetrics;
  readonly #batches: readonly (readonly number[])[];
  /** Series that each rule wrote at its last evaluation, by key of their labels. */
  readonly #written: Map<string, Labels>[];
  /** Series of rules that are no more: to be marked. */
  #ended: Labels[] = [];
  #shouldRestore: boolean;
  /** Ends the loop. */
  readonly #stop = new AbortController();
  /** Breaks off queries. */
  readonly #abort = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: GroupOptions, world: GroupWorld) {
    this.options = options;
    this.#world = world;
    this.key = groupKey(options.file, options.name);
    this.#metrics = world.metrics.group(this.key);
    this.#metrics.rules.set(options.rules.length);
    this.#metrics.intervalSeconds.set(options.intervalMs / 1000);
    this.#written = options.rules.map(() => new Map());
    this.#batches = world.concurrency ? evaluationBatches(options.rules) : options.rules.map((_, i) => [i]);
    this.#shouldRestore = options.shouldRestore;
  }

  /** Begins to evaluate at the group's next time. */
  start(): void {
    this.#running = this.#run();
  }

  /** Ends the loop. `finish`: after the evaluation under way; `abort`: that is broken off. */
  async stop(mode: 'finish' | 'abort'): Promise<void> {
    this.#stop.abort();
    if (mode === 'abort') this.#abort.abort(new TidemarkError('canceled', 'rule evaluation was canceled'));
    await this.#running;
  }

  /** Takes over what a group of the same file and name has come to; that one has been stopped. */
  copyState(from: RuleGroup): void {
    this.evaluationSeconds = from.evaluationSeconds;
    this.lastEvaluationMs = from.lastEvaluationMs;
    this.#ended = from.#ended;
    const before = new Map<string, number[]>();
    from.options.rules.forEach((rule, i) => {
      const key = nameAndLabels(rule);
      before.set(key, [...(before.get(key) ?? []), i]);
    });
    this.options.rules.forEach((rule, i) => {
      const index = before.get(nameAndLabels(rule))?.shift();
      if (index === undefined) return;
      this.#written[i] = from.#written[index];
      const old = from.options.rules[index];
      if (!(rule instanceof AlertingRule) || !(old instanceof AlertingRule)) return;
      for (const [key, alert] of old.alerts) rule.alerts.set(key, alert);
      rule.isRestored ||= old.isRestored;
    });
    for (const left of before.values()) for (const i of left) this.#ended.push(...from.#written[i].values());
    // A group that was replaced before it could look its alerts up has left that to do.
    this.#shouldRestore ||= from.#shouldRestore;
  }

  /** Marks all series of a group that was removed, after two intervals: another group may have taken them over. */
  async endSeries(signal: AbortSignal): Promise<void> {
    const { clock } = this.#world;
    const timeMs = clock.nowMs();
    for (const written of this.#written) {
      this.#ended.push(...written.values());
      written.clear();
    }
    if (this.#ended.length === 0) return;
    try {
      await clock.sleep(2 * this.options.intervalMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await this.#markEnded(timeMs);
  }

  async #run(): Promise<void> {
    const { clock } = this.#world;
    const { intervalMs } = this.options;
    let slotMs = lastSlotMs(clock.nowMs(), intervalMs, this.key) + intervalMs;
    if (!(await this.#sleepUntil(slotMs))) return;
    await this.#iterate(slotMs);
    // Not before the second evaluation: what alerts depend on may have to be scraped or recorded first.
    for (let count = 2; ; count++) {
      if (!(await this.#sleepUntil(slotMs + intervalMs))) return;
      const missed = Math.max(0, Math.floor((clock.nowMs() - slotMs) / intervalMs) - 1);
      this.#metrics.iterationsMissed.add(missed);
      this.#metrics.iterations.add(missed);
      slotMs += (missed + 1) * intervalMs;
      await this.#iterate(slotMs);
      if (this.#shouldRestore && count >= 2) await this.#restore();
    }
  }

  /** False: the group is stopped. */
  async #sleepUntil(timeMs: number): Promise<boolean> {
    const { signal } = this.#stop;
    if (signal.aborted) return false;
    const { clock } = this.#world;
    // A wall clock that was set back must not stop evaluation for longer than an interval.
    const waitMs = Math.min(timeMs - clock.nowMs(), this.options.intervalMs);
    if (waitMs <= 0) await clock.yield();
    else await clock.sleep(waitMs, signal).catch((error: unknown) => this.#unlessStopped(error));
    return !signal.aborted;
  }

  #unlessStopped(error: unknown): void {
    if (!this.#stop.signal.aborted) throw error;
  }

  async #restore(): Promise<void> {
    const { clock, query, logger, graceMs, outageToleranceMs } = this.#world;
    const { signal } = this.#abort;
    const startedMs = clock.monotonicMs();
    const options = { query, logger, graceMs, outageToleranceMs, signal };
    for (const rule of this.options.rules) {
      if (signal.aborted) return;
      if (rule instanceof AlertingRule && !rule.isRestored) await restoreRule(rule, clock.nowMs(), options);
    }
    this.#metrics.lastRestoreSeconds.set((clock.monotonicMs() - startedMs) / 1000);
    this.#shouldRestore = false;
  }

  async #iterate(slotMs: number): Promise<void> {
    const { clock, metrics } = this.#world;
    this.#metrics.iterations.inc();
    const startedMs = clock.monotonicMs();
    const startedAtMs = clock.nowMs();
    await this.evaluate(slotMs);
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    metrics.iterationDuration.observe(seconds);
    this.evaluationSeconds = seconds;
    this.lastEvaluationMs = startedAtMs;
    this.#metrics.lastDurationSeconds.set(seconds);
    this.#metrics.lastEvaluationSeconds.set(startedAtMs / 1000);
  }

  /** Evaluates all rules for a time slot. What fails is in the rules' status. */
  async evaluate(slotMs: number): Promise<void> {
    let samples = 0;
    for (const batch of this.#batches) {
      const counts = await Promise.all(batch.map((index) => this.#withSlot(() => this.#evaluateRule(index, slotMs))));
      samples += counts.reduce((sum, count) => sum + count, 0);
    }
    this.#metrics.lastSamples.set(samples);
    if (!this.#abort.signal.aborted) await this.#markEnded(slotMs);
  }

  #withSlot(work: () => Promise<number>): Promise<number> {
    const { concurrency } = this.#world;
    return concurrency ? concurrency.run(work) : work();
  }

  /** The number of samples. */
  async #evaluateRule(index: number, slotMs: number): Promise<number> {
    if (this.#abort.signal.aborted) return 0;
    const { clock, metrics } = this.#world;
    const rule = this.options.rules[index];
    const startedMs = clock.monotonicMs();
    const startedAtMs = clock.nowMs();
    this.#metrics.evaluations.inc();
    let count = 0;
    try {
      const samples = await this.#results(rule, slotMs);
      count = samples.length;
      this.#settle(rule, await this.#write(index, samples, slotMs - this.options.queryOffsetMs));
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      this.#settle(rule, errorText(error));
    }
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    metrics.evaluationDuration.observe(seconds);
    rule.status.evaluationSeconds = seconds;
    rule.status.lastEvaluationMs = startedAtMs;
    return count;
  }

  async #results(rule: Rule, slotMs: number): Promise<RuleSample[]> {
    const { query, externalUrl, metrics, logger, notify, resendDelayMs } = this.#world;
    const { queryOffsetMs, limit, externalLabels, intervalMs } = this.options;
    const group = { file: this.options.file, name: this.options.name };
    const samples = await rule.evaluate({
      timeMs: slotMs,
      queryOffsetMs,
      limit,
      query: (expression, timeMs, options) => query(expression, timeMs, { ...options, group }),
      externalLabels,
      externalUrl,
      signal: this.#abort.signal,
      pause: () => this.#world.clock.yield(),
      onTemplateFailure: (error) => {
        metrics.templateExpansionFailures.inc();
        logger.warn('cannot expand alert template', { group: this.key, alertname: rule.name, error: errorText(error) });
      },
    });
    if (rule instanceof AlertingRule) {
      const unsent = rule.takeUnsent(slotMs, resendDelayMs, intervalMs);
      if (unsent.length > 0) notify(rule.query, unsent);
    }
    return samples;
  }

  #settle(rule: Rule, problem: string): void {
    rule.status.health = problem === '' ? 'ok' : 'err';
    rule.status.lastError = problem;
    if (problem === '' || this.#abort.signal.aborted) return;
    this.#metrics.evaluationFailures.inc();
    this.#world.logger.warn('rule evaluation failed', { group: this.key, rule: rule.name, error: problem });
  }

  /** Writes a rule's results, and the ends of series that it gave before and does not give now. */
  async #write(index: number, samples: readonly RuleSample[], timeMs: number): Promise<string> {
    const before = this.#written[index];
    const now = new Map(samples.map(({ labels }) => [labels.key, labels]));
    const writes: RuleWrite[] = samples.map((sample) => ({ ...sample, timeMs, isStale: false }));
    for (const [key, labels] of before) if (!now.has(key)) writes.push(staleMark(labels, timeMs));
    const refusal = writes.length === 0 ? '' : await this.#world.sink.append(writes);
    this.#written[index] = now;
    return refusal;
  }

  async #markEnded(slotMs: number): Promise<void> {
    if (this.#ended.length === 0) return;
    const timeMs = slotMs - this.options.queryOffsetMs;
    const living = new Set(this.#written.flatMap((written) => [...written.keys()]));
    const marks = this.#ended.filter(({ key }) => !living.has(key)).map((labels) => staleMark(labels, timeMs));
    try {
      if (marks.length > 0) await this.#world.sink.append(marks);
      this.#ended = [];
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      this.#world.logger.warn('cannot mark series of rules that are gone', {
        group: this.key,
        error: errorText(error),
      });
    }
  }
}

const staleMark = (labels: Labels, timeMs: number): RuleWrite => ({
  labels,
  value: Number.NaN,
  histogram: null,
  timeMs,
  isStale: true,
});

const nameAndLabels = (rule: Rule): string => `${rule.name}${rule.labels}`;
