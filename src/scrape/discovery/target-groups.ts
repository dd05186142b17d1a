// Target groups as files and HTTP endpoints give them: a list of {targets: [...], labels: {...}}, in JSON or YAML, read
// strictly.
import { type StaticConfig, parseTargetGroups } from '../../config/index.ts';
import { TidemarkError } from '../../base/index.ts';
import { Labels, isValidLabelName } from '../../model/index.ts';
import type { TargetGroup } from './discoverer.ts';

const problem = (text: string) => new TidemarkError('bad_discovery', text);

function readTargets(value: unknown, at: string): string[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw problem(`${at}.targets: want a list of texts`);
  for (const [i, target] of value.entries()) {
    if (typeof target !== 'string') throw problem(`${at}.targets[${i}]: want a text; got ${JSON.stringify(target)}`);
  }
  return value;
}

function readLabels(value: unknown, at: string): Record<string, string> {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw problem(`${at}.labels: want a mapping of texts`);
  for (const [name, label] of Object.entries(value)) {
    if (!isValidLabelName(name)) throw problem(`${at}.labels: ${JSON.stringify(name)} is not a valid label name`);
    if (typeof label !== 'string') throw problem(`${at}.labels.${name}: want a text; got ${JSON.stringify(label)}`);
  }
  return value as Record<string, string>;
}

function readGroup(value: unknown, index: number): StaticConfig {
  const at = `[${index}]`;
  if (value === null) throw problem(`nil target group item found (index ${index})`);
  if (typeof value !== 'object' || Array.isArray(value)) throw problem(`${at}: want a target group`);
  for (const name of Object.keys(value)) {
    if (name !== 'targets' && name !== 'labels') throw problem(`${at}: unknown field ${JSON.stringify(name)}`);
  }
  const { targets, labels } = value as { targets?: unknown; labels?: unknown };
  return { targets: readTargets(targets, at), labels: readLabels(labels, at) };
}

/** Groups of a JSON text. Throws TidemarkError `bad_discovery`. */
export function groupsOfJson(text: string): StaticConfig[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TidemarkError('bad_discovery', `cannot parse JSON: ${(cause as Error).message}`, { cause });
  }
  if (value === null) return [];
  if (!Array.isArray(value)) throw problem('want a list of target groups');
  return value.map(readGroup);
}

/** Groups of a YAML text. Throws TidemarkError `bad_config` with line and column. */
export const groupsOfYaml = (text: string, file: string): StaticConfig[] => parseTargetGroups(text, file);

/** Groups of a file, by the ending of its name. Throws TidemarkError. */
export const groupsOfFile = (text: string, file: string): StaticConfig[] =>
  file.toLowerCase().endsWith('.json') ? groupsOfJson(text) : groupsOfYaml(text, file);

/** Target groups with source `<name>:<index>` and one more label. */
export function targetGroups(
  groups: readonly StaticConfig[],
  name: string,
  extra: Readonly<Record<string, string>> = {},
): TargetGroup[] {
  return groups.map(({ targets, labels }, i) => ({
    source: name === '' ? String(i) : `${name}:${i}`,
    targets: targets.map((address) => Labels.from({ __address__: address })),
    labels: Labels.from({ ...labels, ...extra }),
  }));
}
