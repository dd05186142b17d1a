// Rule files: groups of recording and alerting rules in YAML. What is refused, and in which words, is as in Prometheus.
//
//   groups:
//   - name: example
//     interval: 30s            absent: the global evaluation interval
//     query_offset: 10s        absent: the global one
//     limit: 100               series or alerts per rule; 0: no limit
//     labels: {team: a}        for all rules of the group; a rule's own win
//     rules:
//     - record: job:up:sum
//       expr: sum by (job) (up)
//     - alert: Down
//       expr: up == 0
//       for: 5m
//       keep_firing_for: 10m
//       labels: {severity: page}                    templates
//       annotations: {summary: "{{ $labels.job }}"}  templates
import { TidemarkError, errorText } from '../base/index.ts';
import { METRIC_NAME, type NameScheme, goQuote, isValidLabelName, isValidMetricName } from '../model/index.ts';
import { parseExpr } from '../promql/index.ts';
import { AlertTemplate } from './template/expand.ts';
import {
  type FilePlace,
  type YamlValue,
  decodeYaml,
  yamlDuration,
  yamlInt,
  yamlList,
  yamlMap,
  yamlOptional,
  yamlPlaced,
  yamlStruct,
  yamlText,
} from './yaml-decode.ts';

const ruleType = yamlStruct('rulefmt.Rule', {
  record: yamlPlaced(yamlText),
  alert: yamlPlaced(yamlText),
  expr: yamlPlaced(yamlText),
  for: yamlDuration,
  keep_firing_for: yamlDuration,
  labels: yamlMap(yamlText),
  annotations: yamlMap(yamlText),
});

const groupType = yamlStruct('rulefmt.RuleGroup', {
  name: yamlText,
  interval: yamlDuration,
  query_offset: yamlOptional(yamlDuration),
  limit: yamlInt,
  rules: yamlList(ruleType),
  labels: yamlMap(yamlText),
});

const fileType = yamlStruct('rulefmt.RuleGroups', { groups: yamlList(yamlPlaced(groupType)) });

type RuleNode = YamlValue<typeof ruleType>;
type GroupNode = YamlValue<typeof groupType>;

/** A rule as written. Exactly one of `record` and `alert` is not ''. */
export interface RuleSpec {
  readonly record: string;
  readonly alert: string;
  readonly expr: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** The rule's own; those of the group are not in it. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A group as written. */
export interface GroupSpec {
  readonly name: string;
  /** 0: the global evaluation interval. */
  readonly intervalMs: number;
  /** null: the global offset. */
  readonly queryOffsetMs: number | null;
  readonly limit: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly rules: readonly RuleSpec[];
}

/** How rule files are read. */
export interface RuleFileOptions {
  /** Names of --enable-feature that are on. */
  readonly features?: ReadonlySet<string>;
  readonly nameScheme?: NameScheme;
  readonly allowsUnknownFields?: boolean;
}

/** A file's groups; where there are errors the groups must not be used. */
export interface ParsedRuleFile {
  readonly groups: readonly GroupSpec[];
  /** Without the file's name. */
  readonly errors: readonly string[];
}

/** Reads and checks the text of a rule file. */
export function parseRuleFile(text: string, options: RuleFileOptions = {}): ParsedRuleFile {
  let nodes: YamlValue<typeof fileType>;
  try {
    nodes = decodeYaml(fileType, text, options.allowsUnknownFields);
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return { groups: [], errors: [errorText(error)] };
  }
  const errors: string[] = [];
  const seen = new Set<string>();
  for (const { value: group, place } of nodes.groups) {
    if (group.name === '') errors.push(`${placeText(place)}: Groupname must not be empty`);
    if (seen.has(group.name))
      errors.push(`${placeText(place)}: groupname: "${group.name}" is repeated in the same file`);
    seen.add(group.name);
    errors.push(...labelProblems(group.labels, options.nameScheme), ...ruleErrors(group, options));
  }
  return { groups: nodes.groups.map(({ value }) => groupSpec(value)), errors };
}

const placeText = ({ line, column }: FilePlace): string => `${line}:${column}`;

function groupSpec({ name, interval, query_offset: offset, limit, labels, rules }: GroupNode): GroupSpec {
  return { name, intervalMs: interval, queryOffsetMs: offset, limit, labels, rules: rules.map(ruleSpec) };
}

const ruleSpec = (node: RuleNode): RuleSpec => ({
  record: node.record.value,
  alert: node.alert.value,
  expr: node.expr.value,
  forMs: node.for,
  keepFiringForMs: node.keep_firing_for,
  labels: node.labels,
  annotations: node.annotations,
});

function labelProblems(labels: Readonly<Record<string, string>>, scheme?: NameScheme): string[] {
  return Object.entries(labels).flatMap(([name, value]) => [
    ...(isValidLabelName(name, scheme) && name !== METRIC_NAME ? [] : [`invalid label name: ${name}`]),
    ...(value.isWellFormed() ? [] : [`invalid label value: ${value}`]),
  ]);
}

/** What is wrong, and the places it is said to be at. */
interface Problem {
  readonly text: string;
  readonly places: readonly FilePlace[];
}

function ruleErrors(group: GroupNode, options: RuleFileOptions): string[] {
  return group.rules.flatMap((rule, i) => {
    const name = goQuote(rule.alert.value || rule.record.value);
    return ruleProblems(rule, options).map(({ text, places }) => {
      const where = places.map((place) => `${placeText(place)}: `).join('');
      return `${where}group ${goQuote(group.name)}, rule ${i + 1}, ${name}: ${text}`;
    });
  });
}

function ruleProblems(rule: RuleNode, options: RuleFileOptions): Problem[] {
  const { record, alert, labels, annotations } = rule;
  const problems: Problem[] = [];
  const say = (text: string, ...places: FilePlace[]) => problems.push({ text, places });
  if (record.value !== '' && alert.value !== '')
    say(`only one of 'record' and 'alert' must be set`, record.place, alert.place);
  if (record.value === '' && alert.value === '')
    say(`one of 'record' or 'alert' must be set`, record.place, alert.place);
  const expressionProblem = problemOfExpression(rule.expr.value, options);
  if (expressionProblem !== null) say(expressionProblem, rule.expr.place);
  if (record.value !== '') for (const text of recordProblems(rule, options.nameScheme)) say(text, record.place);
  for (const text of labelProblems(labels, options.nameScheme)) say(text);
  for (const name of Object.keys(annotations)) {
    if (!isValidLabelName(name, options.nameScheme)) say(`invalid annotation name: ${name}`);
  }
  if (alert.value === '') return problems;
  for (const [name, text] of Object.entries(labels)) checkTemplate(alert.value, `label ${goQuote(name)}`, text, say);
  for (const [name, text] of Object.entries(annotations))
    checkTemplate(alert.value, `annotation ${goQuote(name)}`, text, say);
  return problems;
}

function problemOfExpression(expr: string, { features }: RuleFileOptions): string | null {
  if (expr === '') return `field 'expr' must be set in rule`;
  try {
    parseExpr(expr, { features });
    return null;
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    return `could not parse expression: ${errorText(error)}`;
  }
}

function recordProblems(rule: RuleNode, scheme?: NameScheme): string[] {
  const name = rule.record.value;
  const problems: string[] = [];
  if (Object.keys(rule.annotations).length > 0) problems.push(`invalid field 'annotations' in recording rule`);
  if (rule.for !== 0) problems.push(`invalid field 'for' in recording rule`);
  if (rule.keep_firing_for !== 0) problems.push(`invalid field 'keep_firing_for' in recording rule`);
  if (!isValidMetricName(name, scheme)) problems.push(`invalid recording rule name: ${name}`);
  if (/[{}]/.test(name)) problems.push(`braces present in the recording rule name; should it be in expr?: ${name}`);
  return problems;
}

function checkTemplate(alert: string, what: string, text: string, say: (text: string) => void): void {
  try {
    AlertTemplate.parse(alert, text);
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    say(`${what}: ${errorText(error)}`);
  }
}
