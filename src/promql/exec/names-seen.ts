// The metric names of a leaf's series that gave a value: annotations speak of them. Series are grouped by name once, so that noting one
// makes no strings.
import { METRIC_NAME, type SeriesSet } from '../../model/index.ts';

export class NamesSeen {
  readonly #groupOf: Uint32Array;
  readonly #names: readonly (readonly [string, string])[];
  readonly #isSeen: Uint8Array;

  /** Of a set that was just selected. */
  constructor(set: SeriesSet) {
    const { groupOf, groups } = set.group('by', [METRIC_NAME, '__type__']);
    this.#groupOf = groupOf;
    this.#names = groups.map((labels) => [labels.get(METRIC_NAME), labels.get('__type__')] as const);
    this.#isSeen = new Uint8Array(groups.length);
  }

  get byteLength(): number {
    return this.#groupOf.byteLength + this.#names.length * 128;
  }

  note(index: number): void {
    this.#isSeen[this.#groupOf[index]] = 1;
  }

  /** Metric name and __type__ of the series that were noted, each once. */
  list(): (readonly [string, string])[] {
    return this.#names.filter((_, group) => this.#isSeen[group] === 1);
  }
}
