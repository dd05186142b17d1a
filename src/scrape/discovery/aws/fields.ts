// Labels from the fields of AWS' XML answers, whose names follow from those of the fields: `MultiAZ` -> `multi_az`.
import type { XmlElement } from '../../../base/index.ts';
import { sanitizeLabelName } from '../labels.ts';

/** Label names, without their prefix, by paths of fields. */
export type FieldTable = ReadonlyMap<string, string>;

const snakeCase = (name: string): string =>
  name
    .replaceAll('/', '_')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();

/** A table of fields, separated by white space. `named`: those whose labels do not follow from their names. */
export const fieldTable = (paths: string, named: Readonly<Record<string, string>> = {}): FieldTable =>
  new Map([
    ...paths
      .trim()
      .split(/\s+/)
      .map((path): [string, string] => [path, snakeCase(path)]),
    ...Object.entries(named),
  ]);

/** A time is shown without fractions of a second, as Go's RFC 3339 has it. */
const shown = (text: string): string =>
  text.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+(Z|[+-]\d\d:\d\d)$/, '$1$2');

/** Labels of an element's fields. */
export function fieldLabels(prefix: string, element: XmlElement, table: FieldTable): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [path, label] of table) out[prefix + label] = shown(element.textAt(path));
  return out;
}

/** Labels of a list of tags. */
export function tagLabels(prefix: string, tags: readonly XmlElement[]): Record<string, string> {
  const all = tags.map((tag) => [prefix + sanitizeLabelName(tag.textAt('Key')), tag.textAt('Value')]);
  return Object.fromEntries(all);
}
