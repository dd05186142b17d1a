// `tidemark check ...`: what promtool checks, by its names.
import { type CheckRuleFiles, checkConfigVerb } from './check-config.ts';
import { checkDiscoveryVerb } from './check-discovery.ts';
import { checkMetricsVerb } from './check-metrics.ts';
import { checkServerVerbs } from './check-server.ts';
import { checkWebConfigVerb } from './check-web-config.ts';
import { type Tool, type ToolVerb, runVerbs } from './verb-command.ts';

/** Says so where rules are not looked into: silence would be taken for praise. */
const leaveRules: CheckRuleFiles = async (tool, files) => {
  for (const file of files) tool.print(`Checking ${file}\n  WARNING: the rules in it are not checked\n\n`);
  return { hasErrors: false, hasLint: false };
};

const VERBS: readonly ToolVerb[] = [
  checkConfigVerb(leaveRules),
  checkDiscoveryVerb,
  checkWebConfigVerb,
  checkMetricsVerb,
  ...checkServerVerbs,
];

/** Runs `tidemark check` with the arguments behind the word; returns the exit code. */
export const runCheck = (args: readonly string[], tool?: Tool): Promise<number> =>
  runVerbs('check', 'Check the resources for validity.', VERBS, args, tool);
