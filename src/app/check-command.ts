// `tidemark check ...`: what promtool checks, by its names.
import { checkConfigVerb } from './check-config.ts';
import { checkDiscoveryVerb } from './check-discovery.ts';
import { checkMetricsVerb } from './check-metrics.ts';
import { checkRuleFiles, checkRulesVerb } from './check-rules.ts';
import { checkServerVerbs } from './check-server.ts';
import { checkWebConfigVerb } from './check-web-config.ts';
import { type Tool, type ToolVerb, runVerbs } from './verb-command.ts';

const VERBS: readonly ToolVerb[] = [
  checkConfigVerb(checkRuleFiles),
  checkRulesVerb,
  checkDiscoveryVerb,
  checkWebConfigVerb,
  checkMetricsVerb,
  ...checkServerVerbs,
];

/** Runs `tidemark check` with the arguments behind the word; returns the exit code. */
export const runCheck = (args: readonly string[], tool?: Tool): Promise<number> =>
  runVerbs('check', 'Check the resources for validity.', VERBS, args, tool);
