// label_replace and label_join: they change labels only, once per series.
import { RE2JS } from 're2js';
import { type Labels, METRIC_NAME, expandTemplate, isValidLabelName, parseTemplate } from '../../model/index.ts';
import type { QueryRun, Work } from '../exec/query-run.ts';
import { type Vector, mergeSameLabelsets } from '../exec/vector.ts';
import { executionError } from '../errors.ts';

/** Of a label set with a new label, beside the text. */
const LABELS_BYTES = 256;

export function labelReplace(
  v: Vector,
  target: string,
  replacement: string,
  source: string,
  pattern: string,
  run: QueryRun,
): Work<Vector> {
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(`^(?s:${pattern})$`);
  } catch (cause) {
    throw executionError(`invalid regular expression in label_replace(): ${pattern}`, cause);
  }
  if (!isValidLabelName(target)) {
    throw executionError(`invalid destination label name in label_replace(): ${target}`);
  }
  const template = parseTemplate(replacement, regex);
  const replaced = new Map<string, string | null>();
  const valueFor = (text: string): string | null => {
    let value = replaced.get(text);
    if (value !== undefined) return value;
    const matcher = regex.matcher(text);
    value = null;
    if (matcher.matches()) {
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '');
      run.expect(expandedLength(replacement, groups) * 2);
      value = expandTemplate(template, groups);
    }
    replaced.set(text, value);
    return value;
  };
  return withLabel(v, target, (labels) => valueFor(labels.get(source)), run);
}

/** At most so long is what a template becomes: no more than a reference per two of its characters. */
function expandedLength(template: string, groups: readonly string[]): number {
  const longest = groups.reduce((most, { length }) => Math.max(most, length), 0);
  const references = template.split('$').length - 1;
  return template.length + references * longest;
}

export function labelJoin(
  v: Vector,
  target: string,
  separator: string,
  sources: readonly string[],
  run: QueryRun,
): Work<Vector> {
  for (const source of sources) {
    if (!isValidLabelName(source)) throw executionError(`invalid source label name in label_join(): ${source}`);
  }
  if (!isValidLabelName(target)) {
    throw executionError(`invalid destination label name in label_join(): ${target}`);
  }
  return withLabel(v, target, (labels) => sources.map((source) => labels.get(source)).join(separator), run);
}

/** Sets a label of each series; null leaves the series alone. A series given a name keeps it. */
function* withLabel(v: Vector, target: string, value: (labels: Labels) => string | null, run: QueryRun): Work<Vector> {
  const dropName = v.dropName.slice();
  const labels = v.labels.slice();
  for (const [row, each] of v.labels.entries()) {
    run.check();
    if (run.shouldYield()) yield;
    const text = value(each);
    if (text === null) continue;
    if (target === METRIC_NAME) dropName[row] = 0;
    // The label itself, and the key that the set will have. They live as long as the query.
    run.hold(LABELS_BYTES + 4 * text.length);
    labels[row] = each.with(target, text);
  }
  return mergeSameLabelsets({ ...v, labels, dropName });
}
