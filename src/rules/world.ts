// What rules are evaluated with: where answers come from and where results go.
import type { Labels, NativeHistogram } from '../model/index.ts';

/** One series of an instant query's answer. */
export interface RuleSample {
  readonly labels: Labels;
  /** NaN where there is a histogram. */
  readonly value: number;
  readonly histogram: NativeHistogram | null;
}

/** How a rule's query is asked. */
export interface RuleQueryOptions {
  readonly signal?: AbortSignal;
  /** Absent: the server's own. */
  readonly lookbackMs?: number;
  /** The group that the rule is in. */
  readonly group?: { readonly file: string; readonly name: string };
}

/**
 * Answers an instant query: a vector, or a scalar as one sample without labels. Sees every sample that was acknowledged before
 * the call. Throws TidemarkError.
 */
export type RuleQuery = (
  expression: string,
  timeMs: number,
  options?: RuleQueryOptions,
) => Promise<readonly RuleSample[]>;

/** A sample to be written, or the end of a series. */
export interface RuleWrite extends RuleSample {
  readonly timeMs: number;
  /** The series ends here: the stale marker, whatever the value says. */
  readonly isStale: boolean;
}

/** Takes results. */
export interface RuleSink {
  /**
   * Resolves when all is durable: with '' or, if some samples were refused, with the reason. Rejects with a TidemarkError if
   * nothing was stored.
   */
  append(samples: readonly RuleWrite[]): Promise<string>;
}

/** What the evaluation of one rule depends on. */
export interface RuleEvaluation {
  /** The time slot. Queries are at timeMs - queryOffsetMs, and so are results. */
  readonly timeMs: number;
  readonly queryOffsetMs: number;
  /** Series or alerts; 0: no limit. */
  readonly limit: number;
  readonly query: RuleQuery;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly externalUrl: string;
  readonly signal?: AbortSignal;
  /** Lets others have the thread. */
  readonly pause?: () => Promise<void>;
  /** Told of templates that could not be expanded. */
  readonly onTemplateFailure?: (error: Error) => void;
}

/** `unknown` before the first evaluation. */
export type RuleHealth = 'unknown' | 'ok' | 'err';

/** How a rule's last evaluation went. */
export interface RuleStatus {
  health: RuleHealth;
  lastError: string;
  evaluationSeconds: number;
  /** Milliseconds since the epoch; null: never. */
  lastEvaluationMs: number | null;
}

/** A status before the first evaluation. */
export const newRuleStatus = (): RuleStatus => ({
  health: 'unknown',
  lastError: '',
  evaluationSeconds: 0,
  lastEvaluationMs: null,
});
