// The `for` state of alerts over a restart. It lies in the series ALERTS_FOR_STATE: since when an alert has been active. How long
// the program was down does not count, and after a start an alert has at least the grace period before it fires:
//
//   remaining = for - (last sample - active since)
//   remaining <= 0       it was firing: it fires again at the next evaluation
//   remaining < grace    it fires when the grace period is over
//   else                 it fires after what remained
import { TidemarkError, errorText, type Logger } from '../base/index.ts';
import { METRIC_NAME, goQuote } from '../model/index.ts';
import type { AlertingRule } from './alerting-rule.ts';
import { ALERT_NAME } from './alerting-rule.ts';
import type { RuleQuery } from './world.ts';

export interface RestoreOptions {
  readonly query: RuleQuery;
  readonly logger: Logger;
  readonly graceMs: number;
  readonly outageToleranceMs: number;
  readonly signal?: AbortSignal;
}

const NO_NAME: ReadonlySet<string> = new Set([METRIC_NAME]);

/** Where an alert's time is counted from, by what was stored of it. */
export function restoredActiveAtMs(
  storedActiveAtMs: number,
  lastSampleMs: number,
  nowMs: number,
  forMs: number,
  graceMs: number,
): number {
  const remainingMs = forMs - (lastSampleMs - storedActiveAtMs);
  if (remainingMs <= 0) return storedActiveAtMs;
  if (remainingMs < graceMs) return nowMs + graceMs - forMs;
  return storedActiveAtMs + (nowMs - lastSampleMs);
}

/** Restores a rule's alerts, and from then on lets it write its series. */
export async function restoreRule(rule: AlertingRule, timeMs: number, options: RestoreOptions): Promise<void> {
  const { graceMs, logger } = options;
  // A shorter `for` is over before the grace period would be.
  if (rule.forMs >= graceMs && rule.alerts.size > 0) {
    try {
      await restoreAlerts(rule, timeMs, options);
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error;
      logger.error(`cannot restore the 'for' state of alerts`, { alertname: rule.name, error: errorText(error) });
    }
  }
  rule.isRestored = true;
}

async function restoreAlerts(rule: AlertingRule, timeMs: number, options: RestoreOptions): Promise<void> {
  const { query, graceMs, outageToleranceMs: lookbackMs, signal } = options;
  const series = `ALERTS_FOR_STATE{${ALERT_NAME}=${goQuote(rule.name)}}`;
  // A series that was marked as ended has no value at this time, however far one looks back.
  const [values, times] = await Promise.all(
    [series, `timestamp(${series})`].map((text) => query(text, timeMs, { signal, lookbackMs })),
  );
  const lastMs = new Map(times.map(({ labels, value }) => [labels.without(NO_NAME).key, Math.floor(value) * 1000]));
  for (const { labels, value } of values) {
    const { key } = labels.without(NO_NAME);
    const alert = rule.alerts.get(key);
    const sampleMs = lastMs.get(key);
    if (!alert || sampleMs === undefined || !Number.isFinite(value)) continue;
    alert.activeAtMs = restoredActiveAtMs(Math.trunc(value) * 1000, sampleMs, timeMs, rule.forMs, graceMs);
  }
}
