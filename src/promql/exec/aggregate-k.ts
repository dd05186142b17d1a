// topk, bottomk, limitk, limit_ratio: aggregations that pass series through. Which series a step keeps where values tie
// follows from the heap, so this is Go's container/heap with Prometheus' order (NaN is below everything).
import type { Span } from '../ast.ts';
import { executionError } from '../errors.ts';
import { labelsHash } from '../functions/labels-hash.ts';
import { extremes } from './aggregate.ts';
import { groupSeries } from './grouping.ts';
import type { QueryRun, Work } from './query-run.ts';
import { StepTile } from './step-tiles.ts';
import { type Scalar, type Vector, dropEmptyRows, emptyVector, takeRows } from './vector.ts';

const INT64_LIMIT = 2 ** 63;

/** A heap of rows by their value at one step; the root is the one to go first. */
class RowHeap {
  readonly #sign: 1 | -1;
  readonly rows: number[] = [];
  readonly #values: number[] = [];

  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  #less(i: number, j: number): boolean {
    const a = this.#values[i];
    return Number.isNaN(a) || a * this.#sign < this.#values[j] * this.#sign;
  }

  #swap(i: number, j: number): void {
    [this.rows[i], this.rows[j]] = [this.rows[j], this.rows[i]];
    [this.#values[i], this.#values[j]] = [this.#values[j], this.#values[i]];
  }

  clear(): void {
    this.rows.length = 0;
    this.#values.length = 0;
  }

  push(row: number, value: number): void {
    let at = this.rows.push(row) - 1;
    this.#values.push(value);
    for (;;) {
      const parent = Math.trunc((at - 1) / 2);
      if (parent === at || !this.#less(at, parent)) return;
      this.#swap(parent, at);
      at = parent;
    }
  }

  /** Whether a value is to be preferred to the root's. */
  wants(value: number): boolean {
    const root = this.#values[0];
    if (this.#sign === 1 ? root < value : root > value) return true;
    return Number.isNaN(root) && !Number.isNaN(value);
  }

  replaceRoot(row: number, value: number): void {
    this.rows[0] = row;
    this.#values[0] = value;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.rows.length) return;
      if (child + 1 < this.rows.length && this.#less(child + 1, child)) child++;
      if (!this.#less(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  /** Rows, the preferred ones first, NaN last. */
  sorted(): number[] {
    const order = this.rows.map((_, i) => i);
    const rank = (i: number): number => (Number.isNaN(this.#values[i]) ? -Infinity : this.#values[i] * this.#sign);
    const nan = (i: number): number => (Number.isNaN(this.#values[i]) ? 1 : 0);
    order.sort((a, b) => nan(a) - nan(b) || (rank(a) === rank(b) ? 0 : rank(b) - rank(a)));
    return order.map((i) => this.rows[i]);
  }
}

function checkCount(k: Scalar): void {
  const { least, most, hasNaN } = extremes(k.vs);
  if (hasNaN) throw executionError('Parameter value is NaN');
  if (least <= -INT64_LIMIT) throw executionError(`Scalar value ${goExponent(least)} underflows int64`);
  if (most >= INT64_LIMIT) throw executionError(`Scalar value ${goExponent(most)} overflows int64`);
}

/** A large float as Go's %v prints it. */
function goExponent(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** topk and bottomk. */
export function* rankAggregate(
  op: 'topk' | 'bottomk',
  k: Scalar,
  v: Vector,
  without: boolean,
  names: readonly string[],
  pos: Span,
  run: QueryRun,
): Work<Vector> {
  if (extremes(k.vs).most < 1) return emptyVector(v.steps);
  checkCount(k);
  const { steps } = v;
  const { groupOf, groups } = groupSeries(v.labels, without, names);
  const has = new Uint8Array(v.has.length);
  let ignored = false;
  const heaps = groups.map(() => new RowHeap(op === 'topk' ? 1 : -1));
  let order: number[] = [];
  const tile = new StepTile(v);
  for (let step = 0; step < steps; step++) {
    if (run.isDue(groupOf.length)) yield;
    const limit = Math.min(Math.trunc(k.vs[step]), groupOf.length);
    if (limit < 1) continue;
    for (const heap of heaps) heap.clear();
    const offset = tile.offset(step);
    for (let row = 0; row < groupOf.length; row++) {
      const present = tile.has[offset + row];
      if (present === 2) ignored = true;
      if (present !== 1) continue;
      const heap = heaps[groupOf[row]];
      const value = tile.vs[offset + row];
      if (heap.rows.length < limit) heap.push(row, value);
      else if (heap.wants(value)) heap.replaceRoot(row, value);
    }
    for (const heap of heaps) for (const row of heap.rows) has[row * steps + step] = 1;
    if (steps === 1) order = heaps.flatMap((heap) => heap.sorted());
  }
  if (ignored) run.annotations.place([['ignoredInAggregation', op]], pos);
  const kept = { ...v, has, hs: null };
  return steps === 1 ? takeRows(kept, order) : dropEmptyRows(kept);
}

/** limitk: the first k series of each group. */
export function* limitAggregate(
  k: Scalar,
  v: Vector,
  without: boolean,
  names: readonly string[],
  run: QueryRun,
): Work<Vector> {
  if (extremes(k.vs).most < 1) return emptyVector(v.steps);
  checkCount(k);
  const { steps } = v;
  const { groupOf, groups } = groupSeries(v.labels, without, names);
  const has = new Uint8Array(v.has.length);
  run.expect(groups.length * steps * 4);
  const taken = new Uint32Array(groups.length * steps);
  for (let row = 0; row < groupOf.length; row++) {
    if (run.isDue(steps)) yield;
    for (let step = 0; step < steps; step++) {
      const at = row * steps + step;
      const group = groupOf[row] * steps + step;
      if (v.has[at] === 0 || taken[group] >= Math.trunc(k.vs[step])) continue;
      taken[group]++;
      has[at] = v.has[at];
    }
  }
  return dropEmptyRows({ ...v, has });
}

/** limit_ratio: a share of the series, chosen by the hash of their labels; a negative ratio is the complement. */
export function* ratioAggregate(ratio: Scalar, v: Vector, paramPos: Span, run: QueryRun): Work<Vector> {
  const { least, most, hasNaN } = extremes(ratio.vs);
  if (most === 0 && least === 0) return emptyVector(v.steps);
  if (hasNaN) throw executionError('Ratio value is NaN');
  if (most > 1) run.annotations.invalidRatio(most, 1, paramPos);
  if (least < -1) run.annotations.invalidRatio(least, -1, paramPos);
  const { steps } = v;
  const has = new Uint8Array(v.has.length);
  for (let row = 0; row < v.labels.length; row++) {
    if (run.isDue(steps + 100)) yield;
    const offset = Number(labelsHash(v.labels[row])) / 2 ** 64;
    for (let step = 0; step < steps; step++) {
      const r = Math.max(-1, Math.min(1, ratio.vs[step]));
      if (r === 0) continue;
      const kept = r > 0 ? offset < r : offset >= 1 + r;
      if (kept) has[row * steps + step] = v.has[row * steps + step];
    }
  }
  return dropEmptyRows({ ...v, has });
}
