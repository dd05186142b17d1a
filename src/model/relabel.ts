// Relabelling: rules that rewrite or drop a label set, one after the other, with Prometheus' actions, defaults, checks and
// error texts. Rules are plain data; compileRelabel turns a list of them into one function.
import { createHash } from 'node:crypto';
import { RE2JS } from 're2js';
import { TidemarkError, errorText } from '../base/index.ts';
import { expandTemplate, goLower, goQuote, goUpper, parseTemplate } from './go-text.ts';
import { Labels } from './labels.ts';
import { compileRegex } from './matcher.ts';
import { type NameScheme, isValidLabelName } from './names.ts';

/** What a relabelling rule may do, as written in `action`. */
export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;

/** One of RELABEL_ACTIONS. */
export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** One rule. `sourceLabels` null: not given (labeldrop and labelkeep refuse even an empty list). */
export interface RelabelConfig {
  readonly sourceLabels: readonly string[] | null;
  readonly separator: string;
  readonly regex: string;
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly action: RelabelAction;
}

/** What a rule's absent fields mean. */
export const DEFAULT_RELABEL: RelabelConfig = {
  sourceLabels: null,
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
  action: 'replace',
};

const TARGET_TEMPLATE = {
  legacy: /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))(?:\w|\$(?:\{\w+\}|\w+))*$/,
  utf8: /^(?:[^${}]|\$(?:\{[^${}]+\}|[^${}]))+$/,
};

const NEEDS_TARGET = new Set<string>(['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal']);
const NO_REPLACEMENT = new Set<string>(['lowercase', 'uppercase', 'keepequal', 'dropequal']);

function targetIsValid(config: RelabelConfig, scheme: NameScheme): boolean {
  const { action, targetLabel } = config;
  if (action === 'replace' && targetLabel.includes('$')) return TARGET_TEMPLATE[scheme].test(targetLabel);
  return isValidLabelName(targetLabel, scheme);
}

/** What is wrong with a rule, in Prometheus' words; null if nothing is. The regex is checked by checkRelabelRegex. */
export function relabelProblem(config: RelabelConfig, scheme: NameScheme = 'utf8'): string | null {
  const { action, targetLabel, replacement, modulus } = config;
  const changed = (field: keyof RelabelConfig) => config[field] !== DEFAULT_RELABEL[field];
  if ((action as string) === '') return 'relabel action cannot be empty';
  if (modulus === 0 && action === 'hashmod') return 'relabel configuration for hashmod requires non-zero modulus';
  if (NEEDS_TARGET.has(action)) {
    if (targetLabel === '') return `relabel configuration for ${action} action requires 'target_label' value`;
    if (!targetIsValid(config, scheme)) return `${goQuote(targetLabel)} is invalid 'target_label' for ${action} action`;
  }
  if (NO_REPLACEMENT.has(action) && changed('replacement')) return `'replacement' can not be set for ${action} action`;
  if (action === 'labelmap' && !(replacement.isWellFormed() && TARGET_TEMPLATE[scheme].test(replacement)))
    return `${goQuote(replacement)} is invalid 'replacement' for ${action} action`;
  if (action === 'dropequal' || action === 'keepequal') {
    if (changed('regex') || changed('modulus') || changed('separator'))
      return `${action} action requires only 'source_labels' and \`target_label\`, and no other fields`;
  }
  if (action === 'labeldrop' || action === 'labelkeep') {
    if ((['sourceLabels', 'targetLabel', 'modulus', 'separator', 'replacement'] as const).some(changed))
      return `${action} action requires only 'regex', and no other fields`;
  }
  return null;
}

/** Compiles a rule's anchored pattern; throws TidemarkError `bad_data` with Go's words. */
export function compileRelabelRegex(pattern: string): RE2JS {
  try {
    return RE2JS.compile(`^(?s:${pattern})$`);
  } catch (cause) {
    throw new TidemarkError('bad_data', errorText(cause), { cause });
  }
}

/**
 * Label sets under change. Iteration follows Prometheus' builder: labels that were there, then those set, in the order of
 * their setting. The order decides which label wins when two map to one name.
 */
export class LabelsBuilder {
  readonly #values = new Map<string, string>();
  readonly #added = new Set<string>();

  constructor(labels: Labels) {
    for (let i = 0; i < labels.pairs.length; i += 2) this.#values.set(labels.pairs[i], labels.pairs[i + 1]);
  }

  get(name: string): string {
    return this.#values.get(name) ?? '';
  }

  /** Sets a label; an empty value removes it. */
  set(name: string, value: string): void {
    if (value === '') return this.remove(name);
    if (!this.#added.has(name)) {
      this.#values.delete(name);
      this.#added.add(name);
    }
    this.#values.set(name, value);
  }

  remove(name: string): void {
    this.#values.delete(name);
    this.#added.delete(name);
  }

  /** A copy of the pairs, safe against changes while it is walked. */
  entries(): [string, string][] {
    return [...this.#values];
  }

  labels(): Labels {
    return Labels.from(this.#values);
  }
}

/** Applies one rule; false = drop the label set. */
type Rule = (builder: LabelsBuilder) => boolean;

function compileReplace(config: RelabelConfig, value: (b: LabelsBuilder) => string, scheme: NameScheme): Rule {
  const { regex, targetLabel, replacement } = config;
  const compiled = compileRelabelRegex(regex);
  const target = parseTemplate(targetLabel, compiled);
  const template = parseTemplate(replacement, compiled);
  const match = regex === DEFAULT_RELABEL.regex ? (text: string) => [text, text] : matchGroups(compiled);
  return (builder) => {
    const groups = match(value(builder));
    if (!groups) return true;
    const name = expandTemplate(target, groups);
    if (isValidLabelName(name, scheme)) builder.set(name, expandTemplate(template, groups));
    return true;
  };
}

/** The groups of a pattern's match on a whole text, or null. */
function matchGroups(compiled: RE2JS): (text: string) => string[] | null {
  const count = compiled.groupCount();
  return (text) => {
    const matcher = compiled.matcher(text);
    if (!matcher.find()) return null;
    return Array.from({ length: count + 1 }, (_, i) => matcher.group(i) ?? '');
  };
}

function compileLabelMap(config: RelabelConfig): Rule {
  const compiled = compileRelabelRegex(config.regex);
  const template = parseTemplate(config.replacement, compiled);
  const match = matchGroups(compiled);
  return (builder) => {
    for (const [name, value] of builder.entries()) {
      const groups = match(name);
      if (groups) builder.set(expandTemplate(template, groups), value);
    }
    return true;
  };
}

function compileLabelFilter(regex: string, removed: boolean): Rule {
  const test = compileRegex(regex);
  return (builder) => {
    for (const [name] of builder.entries()) if (test(name) === removed) builder.remove(name);
    return true;
  };
}

/** The last eight bytes of the MD5 of a text, big-endian, modulo `modulus`. */
function hashMod(text: string, modulus: bigint): string {
  const hash = createHash('md5').update(text, 'utf8').digest();
  return (hash.readBigUInt64BE(8) % modulus).toString();
}

function compileRule(config: RelabelConfig, scheme: NameScheme): Rule {
  const { action, regex, separator, targetLabel } = config;
  const names = config.sourceLabels ?? [];
  const value =
    names.length === 1
      ? (b: LabelsBuilder) => b.get(names[0])
      : (b: LabelsBuilder) => names.map((name) => b.get(name)).join(separator);
  const setTo = (map: (text: string) => string) => (b: LabelsBuilder) => {
    b.set(targetLabel, map(value(b)));
    return true;
  };
  switch (action) {
    case 'keep':
    case 'drop': {
      const test = compileRegex(regex);
      return (b) => test(value(b)) === (action === 'keep');
    }
    case 'keepequal':
      return (b) => b.get(targetLabel) === value(b);
    case 'dropequal':
      return (b) => b.get(targetLabel) !== value(b);
    case 'replace':
      return compileReplace(config, value, scheme);
    case 'lowercase':
      return setTo(goLower);
    case 'uppercase':
      return setTo(goUpper);
    case 'hashmod': {
      const modulus = BigInt(config.modulus);
      return setTo((text) => hashMod(text, modulus));
    }
    case 'labelmap':
      return compileLabelMap(config);
    case 'labeldrop':
      return compileLabelFilter(regex, true);
    case 'labelkeep':
      return compileLabelFilter(regex, false);
  }
}

/** One compiled rule list on a builder; false = drop. For callers that go on changing the labels. */
export function compileRelabelRules(configs: readonly RelabelConfig[], scheme: NameScheme = 'utf8'): Rule {
  for (const config of configs) {
    const problem = relabelProblem(config, scheme);
    if (problem) throw new TidemarkError('bad_data', problem);
  }
  const rules = configs.map((config) => compileRule(config, scheme));
  return (builder) => rules.every((rule) => rule(builder));
}

/**
 * Compiles rules to a function from labels to new labels, or null where a rule drops them. Throws TidemarkError `bad_data`
 * on rules that Prometheus refuses.
 */
export function compileRelabel(
  configs: readonly RelabelConfig[],
  scheme: NameScheme = 'utf8',
): (labels: Labels) => Labels | null {
  if (configs.length === 0) return (labels) => labels;
  const rules = compileRelabelRules(configs, scheme);
  return (labels) => {
    const builder = new LabelsBuilder(labels);
    return rules(builder) ? builder.labels() : null;
  };
}
