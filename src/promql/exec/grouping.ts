// Groups of an aggregation: which series go together, by labels alone.
import { type Labels, METRIC_NAME } from '../../model/index.ts';

export interface Grouping {
  readonly groupOf: Uint32Array;
  readonly groups: Labels[];
}

/** Labels of a series' group. */
export function groupLabels(labels: Labels, without: boolean, names: ReadonlySet<string>): Labels {
  return without ? labels.without(names) : labels.only(names);
}

/** Names as a set for groupLabels: `without` takes the metric name, too. */
export const groupNames = (without: boolean, names: readonly string[]): ReadonlySet<string> =>
  new Set(without ? [...names, METRIC_NAME] : names);

export function groupSeries(series: readonly Labels[], without: boolean, names: readonly string[]): Grouping {
  const wanted = groupNames(without, names);
  const groupOf = new Uint32Array(series.length);
  const groups: Labels[] = [];
  const index = new Map<string, number>();
  for (let i = 0; i < series.length; i++) {
    const labels = groupLabels(series[i], without, wanted);
    let at = index.get(labels.key);
    if (at === undefined) index.set(labels.key, (at = groups.push(labels) - 1));
    groupOf[i] = at;
  }
  return { groupOf, groups };
}
