// Vector matching: which series of two sides belong together. Labels decide, so it is worked out once per query; which of
// the partners are there at a step is left to the operators.
import { type Labels, METRIC_NAME } from '../../model/index.ts';
import type { BinaryOperator, VectorMatching } from '../ast.ts';
import { changesMeaning } from './arithmetic.ts';
import { withoutReserved } from './vector.ts';

const SEPARATOR = '\udfff';

/** A function from labels to the text that partners share. */
export function signatureOf(matching: VectorMatching): (labels: Labels) => string {
  if (matching.on) {
    const names = matching.labels;
    return (labels) => names.map((name) => labels.get(name)).join(SEPARATOR);
  }
  const ignored = new Set([METRIC_NAME, ...matching.labels]);
  return (labels) => labels.without(ignored).key;
}

/** Both sides' series by match group. */
export interface MatchGroups {
  readonly count: number;
  readonly left: Uint32Array;
  readonly right: Uint32Array;
}

export function matchGroups(left: readonly Labels[], right: readonly Labels[], matching: VectorMatching): MatchGroups {
  const signature = signatureOf(matching);
  const ordinals = new Map<string, number>();
  const ordinal = (labels: Labels): number => {
    const key = signature(labels);
    let found = ordinals.get(key);
    if (found === undefined) ordinals.set(key, (found = ordinals.size));
    return found;
  };
  const leftGroups = Uint32Array.from(left, ordinal);
  const rightGroups = Uint32Array.from(right, ordinal);
  return { count: ordinals.size, left: leftGroups, right: rightGroups };
}

/** Rows of each group. */
export function rowsByGroup(groupOf: Uint32Array, count: number): number[][] {
  const rows: number[][] = Array.from({ length: count }, () => []);
  for (let row = 0; row < groupOf.length; row++) rows[groupOf[row]].push(row);
  return rows;
}

/** The labels that a match group shares. */
export function matchLabels(labels: Labels, matching: VectorMatching): Labels {
  if (matching.on) return labels.only(new Set(matching.labels));
  return labels.without(new Set([METRIC_NAME, ...matching.labels]));
}

/** Labels of the result of two partners; `many` is the side that may have several series in a group. */
export function resultLabels(
  op: BinaryOperator,
  matching: VectorMatching,
  many: Labels,
  one: Labels,
  dropNameNow: boolean,
): Labels {
  let out = changesMeaning(op) ? withoutReserved(many) : many;
  if (matching.card === 'one-to-one') {
    const names = new Set(matching.labels);
    out = matching.on ? out.only(names) : out.without(names);
  }
  for (const name of matching.include) out = out.with(name, one.get(name));
  return dropNameNow ? withoutReserved(out) : out;
}
