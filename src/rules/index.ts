// The door of rules: rule files, their evaluation, alerts and where they are sent.
export type { Alert, AlertState } from './alert.ts';
export { AlertingRule, type Rule } from './alerting-rule.ts';
export type { AlertmanagerGroup } from './alertmanagers.ts';
export { type NotifyAlerts, RuleGroup } from './group.ts';
export { type PreparedRules, RuleManager, type RuleManagerOptions } from './manager.ts';
export { type AlertmanagerDiscoverer, Notifier, type NotifierOptions } from './notifier.ts';
export { RecordingRule } from './recording-rule.ts';
export {
  type GroupSpec,
  type ParsedRuleFile,
  type RuleFileOptions,
  type RuleSpec,
  parseRuleFile,
} from './rule-file.ts';
export { duplicateRulesText } from './rule-lint.ts';
export { type RuleGroupsPage, type RuleSelection, activeAlertsJson, ruleGroupsPage } from './rules-json.ts';
export type { RuleQuery, RuleQueryOptions, RuleSample, RuleSink, RuleWrite } from './world.ts';
export { type UnitTestOptions, runUnitTest } from './unit-test.ts';
export { type UnitTestFile, type UnitTestGroup, parseUnitTestFile } from './unit-test-file.ts';
export { ruleSamples } from './engine-query.ts';
export { Slots } from './slots.ts';
