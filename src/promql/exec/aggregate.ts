// Aggregations in the query process: those over operators other than leaves, and those that need all series of a group at
// once (quantile, count_values). topk and its kin are in aggregate-k.ts.
import type { FoldOperator } from '../../kernel/index.ts';
import { type Labels, goQuote, histogramText, isValidLabelName, plainDecimal } from '../../model/index.ts';
import type { Span } from '../ast.ts';
import type { Remarks } from '../annotations.ts';
import { executionError } from '../errors.ts';
import { sumHistograms } from './aggregate-histograms.ts';
import { groupLabels, groupNames, groupSeries } from './grouping.ts';
import { labelOrder } from './label-sort.ts';
import { rowsByGroup } from './matching.ts';
import type { QueryRun, Work } from './query-run.ts';
import { freeArray } from './row-block.ts';
import { selectQuantile } from './select-quantile.ts';
import { type Scalar, type Vector, dropEmptyRows, newVector, sortByLabels, takeRows, valueBytes } from './vector.ts';

/** Groups whose any member's name is to be dropped have theirs dropped. */
function groupDropNames(v: Vector, groupOf: Uint32Array, groups: number): Uint8Array {
  const dropName = new Uint8Array(groups);
  for (let row = 0; row < groupOf.length; row++) dropName[groupOf[row]] |= v.dropName[row];
  return dropName;
}

/**
 * sum, avg, min, max, count, group, stddev, stdvar: series by series into accumulators. Native histograms are added up, counted,
 * or ignored with an info, as the operator has it.
 */
export function* foldAggregate(
  op: FoldOperator,
  vector: Vector,
  without: boolean,
  names: readonly string[],
  run: QueryRun,
  remarks: Remarks,
): Work<Vector> {
  const v = foldable(op, vector, remarks);
  const { steps } = v;
  const { groupOf, groups } = groupSeries(v.labels, without, names);
  const out = newVector(groups, steps, groupDropNames(v, groupOf, groups.length));
  if (groups.length === 0) return out;
  const { kernel } = run;
  kernel.reserve(0, steps);
  run.hold(groups.length * steps * 9);
  const accumulator = kernel.accumulator(op, groups.length, steps);
  try {
    for (let row = 0; row < groupOf.length; row++) {
      if (run.isDue(steps)) yield;
      kernel.out.set(v.vs.subarray(row * steps, (row + 1) * steps));
      kernel.present.set(v.has.subarray(row * steps, (row + 1) * steps));
      accumulator.add(groupOf[row]);
    }
    for (let group = 0; group < groups.length; group++) {
      if (run.isDue(steps)) yield;
      accumulator.finish(group);
      out.vs.set(kernel.out.subarray(0, steps), group * steps);
      out.has.set(kernel.present.subarray(0, steps), group * steps);
    }
  } finally {
    accumulator.free();
    run.release(groups.length * steps * 9);
  }
  if ((op !== 'sum' && op !== 'avg') || vector.hs === null) return sortByLabels(dropEmptyRows(out));
  const mixed = sumHistograms(op, vector, rowsByGroup(groupOf, groups.length), out, run, remarks);
  return sortByLabels(dropEmptyRows(mixed));
}

/** The vector with presence 0 and 1 only: what the accumulators take. */
function foldable(op: FoldOperator, v: Vector, remarks: Remarks): Vector {
  if (v.hs === null) return v;
  if (op === 'count' || op === 'group') return { ...v, hs: null, has: v.has.map((has) => (has === 0 ? 0 : 1)) };
  const adds = op === 'sum' || op === 'avg';
  if (!adds && v.has.includes(2)) remarks.add('ignoredInAggregation', op);
  const floats = { ...v, hs: null, has: v.has.map((has) => (has === 1 ? 1 : 0)) };
  // Series of histograms alone give no group, unless they are added up.
  return adds ? floats : dropEmptyRows(floats);
}

export function* quantileAggregate(
  q: Scalar,
  v: Vector,
  without: boolean,
  names: readonly string[],
  { paramPos, childPos }: { readonly paramPos: Span | null; readonly childPos: Span },
  run: QueryRun,
): Work<Vector> {
  annotateQuantiles(q, paramPos ?? childPos, run);
  if (v.has.includes(2)) run.annotations.place([['ignoredInAggregation', 'quantile']], childPos);
  const { steps, vs, has } = v;
  const { groupOf, groups } = groupSeries(v.labels, without, names);
  const members: number[][] = groups.map(() => []);
  for (let row = 0; row < groupOf.length; row++) members[groupOf[row]].push(row);
  const out = newVector(groups, steps, groupDropNames(v, groupOf, groups.length));
  const scratch = new Float64Array(members.reduce((most, rows) => Math.max(most, rows.length), 0));
  for (const [group, rows] of members.entries()) {
    for (let step = 0; step < steps; step++) {
      if (run.isDue(rows.length * 4)) yield;
      let count = 0;
      for (let i = 0; i < rows.length; i++) {
        const at = rows[i] * steps + step;
        if (has[at] === 1) scratch[count++] = vs[at];
      }
      if (count === 0) continue;
      out.vs[group * steps + step] = selectQuantile(q.vs[step], scratch, count);
      out.has[group * steps + step] = 1;
    }
  }
  return sortByLabels(dropEmptyRows(out));
}

function annotateQuantiles(q: Scalar, pos: Span, run: QueryRun): void {
  const { least, most, hasNaN } = extremes(q.vs);
  if (hasNaN) run.annotations.invalidQuantile(NaN, pos);
  if (most > 1) run.annotations.invalidQuantile(most, pos);
  if (least < 0) run.annotations.invalidQuantile(least, pos);
}

/** Smallest and greatest value; NaN if there is a NaN. */
export function extremes(values: Float64Array): { least: number; most: number; hasNaN: boolean } {
  let least = Number.MAX_VALUE;
  let most = -Number.MAX_VALUE;
  let hasNaN = false;
  for (let i = 0; i < values.length; i++) {
    least = Math.min(least, values[i]);
    most = Math.max(most, values[i]);
    if (Number.isNaN(values[i])) hasNaN = true;
  }
  return { least, most, hasNaN };
}

/** Of labels, their key and the tables that find them, about. */
const GROUP_BYTES = 640;

/** Pieces of this size go back to the system when they are let go; columns of their own would leave the allocator full of holes. */
const PIECE_BYTES = 2 << 20;

/** Counts by row and step; rows are added one by one. */
class CountRows {
  readonly #steps: number;
  readonly #perPiece: number;
  readonly #pieces: Float64Array[] = [];
  length = 0;

  constructor(steps: number) {
    this.#steps = steps;
    this.#perPiece = Math.max(1, Math.floor(PIECE_BYTES / (steps * 8)));
  }

  add(): number {
    if (this.length % this.#perPiece === 0) this.#pieces.push(new Float64Array(this.#perPiece * this.#steps));
    return this.length++;
  }

  row(index: number): Float64Array {
    const at = (index % this.#perPiece) * this.#steps;
    return this.#pieces[Math.floor(index / this.#perPiece)].subarray(at, at + this.#steps);
  }

  count(index: number, step: number): void {
    this.#pieces[Math.floor(index / this.#perPiece)][(index % this.#perPiece) * this.#steps + step]++;
  }

  free(): void {
    this.#pieces.forEach(freeArray);
  }
}

/** count_values: one series per group and distinct value. */
export function* countValues(
  label: string,
  v: Vector,
  without: boolean,
  names: readonly string[],
  run: QueryRun,
): Work<Vector> {
  if (!isValidLabelName(label)) throw executionError(`invalid label name ${goQuote(label)}`);
  const { steps } = v;
  const wanted = groupNames(without, without ? names : [...names, label]);
  const rowOf = new Map<string, number>();
  const labels: Labels[] = [];
  const counts = new CountRows(steps);
  for (let row = 0; row < v.labels.length; row++) {
    const known = new Map<string, number>();
    for (let step = 0; step < steps; step++) {
      if (v.has[row * steps + step] === 0) continue;
      const h = v.has[row * steps + step] === 2 ? v.hs?.[row * steps + step] : null;
      const text = h ? histogramText(h) : plainDecimal(v.vs[row * steps + step]);
      let at = known.get(text);
      if (run.isDue(16)) yield;
      if (at === undefined) {
        const group = groupLabels(v.labels[row].with(label, text), without, wanted);
        at = rowOf.get(group.key);
        if (at === undefined) {
          run.hold(steps * 8 + GROUP_BYTES);
          rowOf.set(group.key, (at = counts.add()));
          labels.push(group);
        }
        known.set(text, at);
      }
      counts.count(at, step);
    }
  }
  run.expect(counts.length * steps * 9);
  const out = newVector(labels, steps);
  for (let row = 0; row < counts.length; row++) {
    if (run.isDue(steps)) yield;
    const column = counts.row(row);
    out.vs.set(column, row * steps);
    for (let i = 0; i < steps; i++) out.has[row * steps + i] = column[i] > 0 ? 1 : 0;
  }
  counts.free();
  run.release(counts.length * (steps * 8 + GROUP_BYTES));
  const order = yield* labelOrder(labels, run);
  if (order === null) return out;
  run.expect(valueBytes(out));
  return takeRows(out, order);
}
