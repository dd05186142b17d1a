// An alerting rule: every series that its expression gives is an alert, which fires when it has been there long enough (alert.ts).
// What it writes: ALERTS (1) and ALERTS_FOR_STATE (since when, seconds) of each alert that is pending or firing.
import { TidemarkError, errorText } from '../base/index.ts';
import { Labels, METRIC_NAME, compareUtf8 } from '../model/index.ts';
import { type ParsedQuery, parseExpr, printExpr } from '../promql/index.ts';
import {
  type Alert,
  type AlertState,
  type Annotations,
  RESOLVED_RETENTION_MS,
  needsSending,
  newAlert,
} from './alert.ts';
import { type RecordingRule, withLabels } from './recording-rule.ts';
import type { GroupSpec, RuleSpec } from './rule-file.ts';
import { AlertTemplate, ExpansionWorld } from './template/expand.ts';
import { type RuleEvaluation, type RuleSample, newRuleStatus } from './world.ts';

/** The label that names the rule an alert is of. */
export const ALERT_NAME = 'alertname';
const ALERT_STATE = 'alertstate';
/** Alerts whose templates are expanded in one go: some milliseconds. */
const PAUSE_EVERY = 100;
const NO_NAME: ReadonlySet<string> = new Set([METRIC_NAME]);
const RANK: Record<AlertState, number> = { inactive: 0, pending: 1, firing: 2 };

type Templates = readonly (readonly [name: string, template: AlertTemplate])[];

/** See the top of the file. Its alerts are its state; evaluations must not overlap. */
export class AlertingRule {
  readonly kind = 'alerting';
  readonly name: string;
  /** The rule's and its group's, as written. */
  readonly labels: Labels;
  /** As written. */
  readonly annotations: Annotations;
  readonly expr: ParsedQuery['expr'];
  /** The expression as Prometheus prints it. */
  readonly query: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly status = newRuleStatus();
  /** By key of their labels. */
  readonly alerts = new Map<string, Alert>();
  /** Whether the state before the last start was looked up: only then series are written, lest it be overwritten. */
  isRestored: boolean;
  readonly #labelTemplates: Templates;
  readonly #annotationTemplates: Templates;

  constructor(
    spec: RuleSpec,
    group: Pick<GroupSpec, 'labels'>,
    options: { readonly features?: ReadonlySet<string>; readonly isRestored: boolean },
  ) {
    this.name = spec.alert;
    this.labels = Labels.from({ ...group.labels, ...spec.labels });
    this.annotations = Object.entries(spec.annotations).sort(([a], [b]) => compareUtf8(a, b));
    this.expr = parseExpr(spec.expr, { features: options.features });
    this.query = printExpr(this.expr);
    this.forMs = spec.forMs;
    this.keepFiringForMs = spec.keepFiringForMs;
    this.isRestored = options.isRestored;
    const templates = (texts: Iterable<readonly [string, string]>): Templates =>
      [...texts].map(([name, text]) => [name, AlertTemplate.parse(spec.alert, text)] as const);
    this.#labelTemplates = templates(this.labels);
    this.#annotationTemplates = templates(this.annotations);
  }

  /** The highest state of its alerts. */
  get state(): AlertState {
    let state: AlertState = 'inactive';
    for (const alert of this.alerts.values()) if (RANK[alert.state] > RANK[state]) state = alert.state;
    return state;
  }

  /** Alerts that are pending or firing. */
  activeAlerts(): Alert[] {
    return [...this.alerts.values()].filter(({ resolvedAtMs }) => resolvedAtMs === null);
  }

  /** The samples to be written, at the time less the offset. Throws TidemarkError. */
  async evaluate(evaluation: RuleEvaluation): Promise<RuleSample[]> {
    const { timeMs, limit } = evaluation;
    const found = await this.#find(evaluation);
    for (const [key, alert] of found) {
      const known = this.alerts.get(key);
      if (known && known.state !== 'inactive') {
        known.value = alert.value;
        known.annotations = alert.annotations;
      } else this.alerts.set(key, alert);
    }
    const active: Alert[] = [];
    for (const [key, alert] of this.alerts) {
      if (found.has(key)) alert.keepFiringSinceMs = null;
      else if (!this.#miss(key, alert, timeMs)) continue;
      active.push(alert);
      this.#advance(alert, timeMs);
    }
    if (limit > 0 && active.length > limit) {
      this.alerts.clear();
      throw new TidemarkError('execution', `exceeded limit of ${limit} with ${active.length} alerts`);
    }
    return this.isRestored ? active.flatMap((alert) => this.#samples(alert)) : [];
  }

  /** The alerts of the expression's answer, as if each were new. */
  async #find(evaluation: RuleEvaluation): Promise<Map<string, Alert>> {
    const { timeMs, queryOffsetMs, query, signal } = evaluation;
    const samples = await query(this.query, timeMs - queryOffsetMs, { signal });
    const world = new ExpansionWorld({
      timeMs,
      externalLabels: evaluation.externalLabels,
      externalUrl: evaluation.externalUrl,
      query: (expression) => query(expression, timeMs - queryOffsetMs, { signal }),
    });
    const found = new Map<string, Alert>();
    for (const [i, sample] of samples.entries()) {
      if (i % PAUSE_EVERY === PAUSE_EVERY - 1) await evaluation.pause?.();
      const expand = async ([name, template]: Templates[number]): Promise<[string, string]> => [
        name,
        await this.#expand(template, sample, world, evaluation),
      ];
      const own = await Promise.all(this.#labelTemplates.map(expand));
      const annotations = await Promise.all(this.#annotationTemplates.map(expand));
      const labels = withLabels(sample.labels.without(NO_NAME), [...own, [ALERT_NAME, this.name]]);
      if (found.has(labels.key)) {
        const fact = 'vector contains metrics with the same labelset after applying alert labels';
        throw new TidemarkError('execution', fact);
      }
      found.set(labels.key, newAlert(labels, annotations, sample.value, timeMs));
    }
    return found;
  }

  async #expand(
    template: AlertTemplate,
    { labels, value, histogram }: RuleSample,
    world: ExpansionWorld,
    { onTemplateFailure }: RuleEvaluation,
  ): Promise<string> {
    try {
      return await template.expand(labels, histogram ?? value, world);
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'bad_template') throw error;
      onTemplateFailure?.(error);
      return `<error expanding template: ${errorText(error)}>`;
    }
  }

  /** An alert that the expression no longer gives. Whether it keeps firing nevertheless. */
  #miss(key: string, alert: Alert, timeMs: number): boolean {
    const keepsFiring = alert.state === 'firing' && this.#keepsFiring(alert, timeMs);
    const isOver = alert.resolvedAtMs !== null && timeMs - alert.resolvedAtMs > RESOLVED_RETENTION_MS;
    if (alert.state === 'pending' || isOver) this.alerts.delete(key);
    if (keepsFiring) return true;
    if (alert.state !== 'inactive') {
      alert.state = 'inactive';
      alert.resolvedAtMs = timeMs;
    }
    return false;
  }

  #keepsFiring(alert: Alert, timeMs: number): boolean {
    if (this.keepFiringForMs === 0) return false;
    alert.keepFiringSinceMs ??= timeMs;
    return timeMs - alert.keepFiringSinceMs < this.keepFiringForMs;
  }

  #advance(alert: Alert, timeMs: number): void {
    const isDue = timeMs - alert.activeAtMs >= this.forMs;
    if (alert.state === 'pending' && isDue) {
      alert.state = 'firing';
      alert.firedAtMs = timeMs;
    } else if (alert.state === 'firing' && !isDue && alert.keepFiringSinceMs === null) {
      // A reload made `for` longer than the alert has been there.
      alert.state = 'pending';
      alert.firedAtMs = null;
    }
  }

  #samples(alert: Alert): RuleSample[] {
    const { labels, state, activeAtMs } = alert;
    const named = (metric: string): [string, string][] => [
      [METRIC_NAME, metric],
      [ALERT_NAME, this.name],
    ];
    return [
      { labels: withLabels(labels, [...named('ALERTS'), [ALERT_STATE, state]]), value: 1, histogram: null },
      {
        labels: withLabels(labels, named('ALERTS_FOR_STATE')),
        value: Math.floor(activeAtMs / 1000),
        histogram: null,
      },
    ];
  }

  /** Copies of the alerts that are to be sent now; they count as sent. */
  takeUnsent(timeMs: number, resendDelayMs: number, intervalMs: number): Alert[] {
    const due = [...this.alerts.values()].filter((alert) => needsSending(alert, timeMs, resendDelayMs));
    return due.map((alert) => {
      alert.lastSentAtMs = timeMs;
      // Room for two evaluations, or sendings, that fail.
      alert.validUntilMs = timeMs + 4 * Math.max(intervalMs, resendDelayMs);
      return { ...alert };
    });
  }
}

/** A rule of a group. */
export type Rule = RecordingRule | AlertingRule;
