// info(): adds the labels of info series (such as target_info) to series of the same instance and job. Which info series is
// meant may change from step to step: of several with the same name and identity the one with the newest sample counts.
import { Labels, METRIC_NAME, type Matcher, type NativeHistogram, matcherTest } from '../../model/index.ts';
import { DUPLICATE_LABELSET, executionError } from '../errors.ts';
import type { QueryRun, Work } from '../exec/query-run.ts';
import { type Vector, dropEmptyRows, newVector } from '../exec/vector.ts';

/** What says that two series are about the same thing. */
const IDENTIFYING: ReadonlySet<string> = new Set(['instance', 'job']);
const DEFAULT_NAME: Matcher = { name: METRIC_NAME, op: '=', value: 'target_info' };

const ANY_INFO_NAME: Matcher = { name: METRIC_NAME, op: '=~', value: '.+_info' };

/** Matchers of the info series to read: target_info, if no name is asked for; names ending in _info, if some are only excluded. */
export function infoMatchers(selector: readonly Matcher[]): readonly Matcher[] {
  const names = selector.filter(({ name }) => name === METRIC_NAME);
  if (names.length === 0) return [DEFAULT_NAME, ...selector];
  return names.some(({ op }) => op === '=' || op === '=~') ? selector : [ANY_INFO_NAME, ...selector];
}

/** Labels of a result series, their key and tables, about. */
const LABELS_BYTES = 512;

/** Info series by metric name and identity. */
type InfoIndex = Map<string, Map<string, number[]>>;

/** `info` holds times of samples in seconds; `selector` are the matchers of the second argument, null if there is none. */
export function enrich(base: Vector, info: Vector, selector: readonly Matcher[] | null, run: QueryRun): Work<Vector> {
  return new Enrichment(base, info, selector, run).result();
}

class Enrichment {
  readonly #base: Vector;
  readonly #info: Vector;
  readonly #run: QueryRun;
  readonly #steps: number;
  readonly #index: InfoIndex = new Map();
  /** Labels that may be added; null: all. */
  readonly #wanted: ReadonlySet<string> | null;
  /** Whether series without info series stay. */
  readonly #keepsUnmatched: boolean;
  readonly #isInfoName: (name: string) => boolean;
  readonly #rowOf = new Map<string, number>();
  readonly #labels: Labels[] = [];
  readonly #values: Float64Array[] = [];
  readonly #has: Uint8Array[] = [];
  readonly #histograms: (NativeHistogram | null)[][] = [];
  readonly #dropName: number[] = [];

  constructor(base: Vector, info: Vector, selector: readonly Matcher[] | null, run: QueryRun) {
    this.#base = base;
    this.#info = info;
    this.#run = run;
    this.#steps = base.steps;
    const matchers = infoMatchers(selector ?? []);
    const data = matchers.filter(({ name }) => name !== METRIC_NAME);
    const names = matchers.filter(({ name }) => name === METRIC_NAME).map(matcherTest);
    this.#isInfoName = (name) => names.every((test) => test(name));
    this.#wanted = data.length === 0 ? null : new Set(data.map(({ name }) => name));
    this.#keepsUnmatched = data.map(matcherTest).every((test) => test(''));
    info.labels.forEach((labels, row) => {
      const name = labels.get(METRIC_NAME);
      let byIdentity = this.#index.get(name);
      if (!byIdentity) this.#index.set(name, (byIdentity = new Map()));
      const identity = labels.only(IDENTIFYING).key;
      const rows = byIdentity.get(identity);
      if (rows) rows.push(row);
      else byIdentity.set(identity, [row]);
    });
  }

  *result(): Work<Vector> {
    for (let row = 0; row < this.#base.labels.length; row++) {
      if (this.#run.isDue(this.#steps + 64)) yield;
      const labels = this.#base.labels[row];
      if (this.#isInfoName(labels.get(METRIC_NAME))) this.#copyRow(row, labels);
      else this.#enrichRow(row, labels);
    }
    this.#run.expect(this.#labels.length * this.#steps * 9);
    const out = newVector(this.#labels, this.#steps, Uint8Array.from(this.#dropName));
    this.#values.forEach((values, row) => out.vs.set(values, row * this.#steps));
    this.#has.forEach((has, row) => out.has.set(has, row * this.#steps));
    this.#run.release(this.#labels.length * (this.#steps * 9 + LABELS_BYTES));
    return dropEmptyRows({ ...out, hs: this.#base.hs === null ? null : this.#histograms.flat() });
  }

  #copyRow(row: number, labels: Labels): void {
    for (let step = 0; step < this.#steps; step++) this.#put(row, step, this.#outRow(labels));
  }

  #enrichRow(row: number, labels: Labels): void {
    const identity = labels.only(IDENTIFYING).key;
    const candidates = identity === '' ? [] : [...this.#index.values()].map((rows) => rows.get(identity) ?? []);
    const outRows = new Map<string, number>();
    for (let step = 0; step < this.#steps; step++) {
      if (this.#base.has[row * this.#steps + step] === 0) continue;
      const chosen = candidates.map((rows) => this.#newest(rows, step)).filter((info) => info >= 0);
      if (chosen.length === 0 && !this.#keepsUnmatched) continue;
      this.#run.isDue(8);
      const key = chosen.join(' ');
      let out = outRows.get(key);
      if (out === undefined) outRows.set(key, (out = this.#outRow(this.#enriched(labels, chosen))));
      this.#put(row, step, out);
    }
  }

  /** The info series whose sample is the newest at a step; -1 if none is there. */
  #newest(rows: readonly number[], step: number): number {
    const { has, vs, labels } = this.#info;
    let best = -1;
    for (const row of rows) {
      const at = row * this.#steps + step;
      if (has[at] === 0) continue;
      const [time, bestTime] = [vs[at], best < 0 ? -Infinity : vs[best * this.#steps + step]];
      if (time === bestTime) {
        const timeMs = Math.round(time * 1000);
        throw executionError(
          `found duplicate series for info metric: existing ${labels[best]} @ ${timeMs}, new ${labels[row]} @ ${timeMs}`,
        );
      }
      if (time > bestTime) best = row;
    }
    return best;
  }

  #enriched(base: Labels, chosen: readonly number[]): Labels {
    const added = new Map<string, string>();
    for (const row of chosen) {
      for (const [name, value] of this.#info.labels[row]) {
        if (name === METRIC_NAME || (this.#wanted !== null && !this.#wanted.has(name))) continue;
        const known = added.get(name);
        if (known !== undefined && known !== value) throw executionError(`conflicting label: ${name}`);
        if (!base.has(name)) added.set(name, value);
      }
    }
    return added.size === 0 ? base : Labels.from([...base, ...added]);
  }

  #outRow(labels: Labels): number {
    const known = this.#rowOf.get(labels.key);
    if (known !== undefined) return known;
    this.#run.hold(this.#steps * 9 + LABELS_BYTES);
    this.#rowOf.set(labels.key, this.#labels.length);
    this.#values.push(new Float64Array(this.#steps));
    this.#has.push(new Uint8Array(this.#steps));
    if (this.#base.hs !== null) this.#histograms.push(new Array<null>(this.#steps).fill(null));
    this.#dropName.push(0);
    return this.#labels.push(labels) - 1;
  }

  #put(row: number, step: number, out: number): void {
    const at = row * this.#steps + step;
    if (this.#base.has[at] === 0) return;
    if (this.#has[out][step] !== 0) throw executionError(DUPLICATE_LABELSET);
    this.#values[out][step] = this.#base.vs[at];
    this.#has[out][step] = this.#base.has[at];
    if (this.#base.hs !== null) this.#histograms[out][step] = this.#base.hs[at];
    this.#dropName[out] = this.#base.dropName[row];
  }
}
