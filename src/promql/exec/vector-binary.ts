// Arithmetic and comparison between two vectors. One side may have several series per match group (many), the other one
// (one): but at each step for itself. A series that is absent at a step conflicts with nobody there, so groups with several
// series on the `one` side are legal as long as no step has two of them.
import { type Labels, type NativeHistogram, compareLabels } from '../../model/index.ts';
import type { BinaryOperator, Span, VectorMatching } from '../ast.ts';
import { DUPLICATE_LABELSET, executionError } from '../errors.ts';
import { COMPARISONS, TRIMS, arithmetic, compare } from './arithmetic.ts';
import { Complaints, type Element } from './histogram-binary.ts';
import { matchGroups, matchLabels, resultLabels, rowsByGroup } from './matching.ts';
import type { QueryRun, Work } from './query-run.ts';
import { elementOf } from './scalar-binary.ts';
import { type Vector, dropEmptyRows, emptyVector, newVector, withoutUnusedBlock } from './vector.ts';

/** Two series (or a series and a fill value) and where both are. Row -1: the fill value. */
interface Pair {
  readonly many: number;
  readonly one: number;
  readonly group: number;
  readonly labels: Labels;
}

/** Of a pair: its object, its labels and their key, about. */
const PAIR_BYTES = 256;
/** Making labels takes as long as looking at so many values. */
const PAIR_WORK = 64;

/** A step vector of one constant. */
interface Fill {
  readonly vs: Float64Array;
  readonly value: number;
}

export function vectorBinary(
  op: BinaryOperator,
  left: Vector,
  right: Vector,
  matching: VectorMatching,
  bool: boolean,
  pos: Span,
  run: QueryRun,
): Work<Vector> {
  return new VectorBinary(op, left, right, matching, bool, run).result(pos);
}

class VectorBinary {
  readonly #op: BinaryOperator;
  readonly #matching: VectorMatching;
  readonly #bool: boolean;
  readonly #run: QueryRun;
  readonly #swapped: boolean;
  readonly #many: Vector;
  readonly #one: Vector;
  readonly #steps: number;
  readonly #manyFill: Fill | null;
  readonly #oneFill: Fill | null;
  /** Rows of each match group. */
  readonly #manyRows: number[][];
  readonly #oneRows: number[][];
  readonly #complaints = new Complaints();
  /** Native histograms of the result; null: neither side has some. */
  #hs: (NativeHistogram | null)[] | null = null;
  #heldBytes = 0;

  constructor(op: BinaryOperator, left: Vector, right: Vector, matching: VectorMatching, bool: boolean, run: QueryRun) {
    this.#op = op;
    this.#matching = matching;
    this.#bool = bool;
    this.#run = run;
    this.#steps = left.steps;
    this.#swapped = matching.card === 'one-to-many';
    const groups = matchGroups(left.labels, right.labels, matching);
    const leftRows = rowsByGroup(groups.left, groups.count);
    const rightRows = rowsByGroup(groups.right, groups.count);
    const fill = (value: number | null): Fill | null =>
      value === null ? null : { value, vs: new Float64Array(left.steps).fill(value) };
    const leftFill = fill(matching.fillLeft);
    const rightFill = fill(matching.fillRight);
    [this.#many, this.#one] = this.#swapped ? [right, left] : [left, right];
    [this.#manyRows, this.#oneRows] = this.#swapped ? [rightRows, leftRows] : [leftRows, rightRows];
    // As Prometheus: fill values belong to the sides after the swap.
    [this.#manyFill, this.#oneFill] = [leftFill, rightFill];
  }

  *result(pos: Span): Work<Vector> {
    yield* this.#checkOneSide();
    yield* this.#checkOneToOne();
    const isMixed = this.#many.hs !== null || this.#one.hs !== null;
    if (TRIMS.has(this.#op) && !isMixed) {
      if ((yield* this.#pairs()).length > 0) this.#run.annotations.incompatibleTypes('float', this.#op, 'float', pos);
      return emptyVector(this.#steps);
    }
    const out = yield* this.#evaluate(yield* this.#pairs(), isMixed);
    this.#complaints.place(this.#run.annotations, this.#op, pos);
    return withoutUnusedBlock(out);
  }

  /** Whether the `many` side has anything at a step: where it has not, nothing is looked at. */
  #anyMany(step: number): boolean {
    if (this.#manyFill !== null || this.#oneFill !== null) return true;
    const { has, labels } = this.#many;
    for (let row = 0; row < labels.length; row++) if (has[row * this.#steps + step] !== 0) return true;
    return false;
  }

  /** Two series of a group on the `one` side at the same step: the error names both. */
  *#checkOneSide(): Work<void> {
    let firstStep = this.#steps;
    let conflict: readonly [number, number] | null = null;
    for (const rows of this.#oneRows) {
      if (rows.length < 2) continue;
      for (let step = 0; step < firstStep; step++) {
        if (this.#run.isDue(rows.length)) yield;
        const first = rows.findIndex((row) => this.#one.has[row * this.#steps + step] !== 0);
        if (first < 0) continue;
        const second = rows.findIndex((row, i) => i > first && this.#one.has[row * this.#steps + step] !== 0);
        if (second < 0 || !this.#anyMany(step)) continue;
        firstStep = step;
        conflict = [rows[first], rows[second]];
      }
    }
    if (conflict === null) return;
    const [first, second] = conflict.map((row) => this.#one.labels[row]).sort(compareLabels);
    const group = matchLabels(second, this.#matching);
    const side = this.#swapped ? 'left' : 'right';
    throw executionError(
      `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: ` +
        `[${first}, ${second}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  }

  /** Whether a row of the `one` side's group is there at a step. */
  #oneAt(group: number, step: number): boolean {
    return this.#oneFill !== null || this.#oneRows[group].some((row) => this.#one.has[row * this.#steps + step] !== 0);
  }

  /** One-to-one: two series of a group on the other side, both with a partner at the same step. */
  *#checkOneToOne(): Work<void> {
    if (this.#matching.card !== 'one-to-one') return;
    for (const [group, rows] of this.#manyRows.entries()) {
      if (rows.length < 2 || (this.#oneRows[group].length === 0 && this.#oneFill === null)) continue;
      for (let step = 0; step < this.#steps; step++) {
        if (this.#run.isDue(rows.length + this.#oneRows[group].length)) yield;
        let there = 0;
        for (const row of rows) if (this.#many.has[row * this.#steps + step] !== 0) there++;
        if (there < 2 || !this.#oneAt(group, step)) continue;
        throw executionError(
          'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
        );
      }
    }
  }

  *#pairs(): Work<Pair[]> {
    const pairs: Pair[] = [];
    for (let group = 0; group < this.#manyRows.length; group++) {
      const ones = this.#oneRows[group];
      for (const many of this.#manyRows[group]) {
        const labels = this.#many.labels[many];
        for (const one of ones) {
          if (this.#run.isDue(PAIR_WORK)) yield;
          this.#addPair(pairs, group, many, one, labels, this.#one.labels[one]);
        }
        if (this.#run.isDue(PAIR_WORK)) yield;
        if (this.#oneFill === null) continue;
        this.#addPair(pairs, group, many, -1, labels, matchLabels(labels, this.#matching));
      }
      if (this.#manyFill === null) continue;
      for (const one of ones) {
        if (this.#run.isDue(PAIR_WORK)) yield;
        const labels = this.#one.labels[one];
        this.#addPair(pairs, group, -1, one, matchLabels(labels, this.#matching), labels);
      }
    }
    return pairs;
  }

  #addPair(pairs: Pair[], group: number, many: number, one: number, manyLabels: Labels, oneLabels: Labels): void {
    if (!this.#meets(group, many, one)) return;
    const dropNow = this.#bool && !this.#run.delayedNameRemoval;
    const labels = resultLabels(this.#op, this.#matching, manyLabels, oneLabels, dropNow);
    this.#run.hold(PAIR_BYTES);
    this.#heldBytes += PAIR_BYTES;
    pairs.push({ many, one, group, labels });
  }

  #meets(group: number, many: number, one: number): boolean {
    for (let step = 0; step < this.#steps; step++) {
      if (!this.#matchedAt(group, many, one, step)) continue;
      this.#run.isDue(step);
      return true;
    }
    this.#run.isDue(this.#steps);
    return false;
  }

  /** Whether the pair is evaluated at a step. A fill value stands in only where its side's group has nobody. */
  #matchedAt(group: number, many: number, one: number, step: number): boolean {
    const steps = this.#steps;
    if (many < 0) {
      if (this.#one.has[one * steps + step] === 0) return false;
      return !this.#manyRows[group].some((row) => this.#many.has[row * steps + step] !== 0);
    }
    if (this.#many.has[many * steps + step] === 0) return false;
    if (one >= 0) return this.#one.has[one * steps + step] !== 0;
    return !this.#oneRows[group].some((row) => this.#one.has[row * steps + step] !== 0);
  }

  *#evaluate(pairs: readonly Pair[], isMixed: boolean): Work<Vector> {
    const steps = this.#steps;
    const rowOf = new Map<string, number>();
    const labels: Labels[] = [];
    const pairsOfRow: Pair[][] = [];
    for (const pair of pairs) {
      if (this.#run.isDue(PAIR_WORK)) yield;
      let row = rowOf.get(pair.labels.key);
      if (row === undefined) {
        rowOf.set(pair.labels.key, (row = labels.push(pair.labels) - 1));
        pairsOfRow.push([]);
      }
      pairsOfRow[row].push(pair);
    }
    this.#run.hold(labels.length * (steps * 9 + 128));
    const out = newVector(labels, steps, new Uint8Array(labels.length).fill(this.#bool ? 1 : 0));
    this.#heldBytes += labels.length * (steps * 9 + 128);
    if (isMixed) this.#hs = new Array<NativeHistogram | null>(out.vs.length).fill(null);
    const vs = new Float64Array(steps);
    const keep = new Uint8Array(steps);
    for (const [row, list] of pairsOfRow.entries()) {
      if (list.length > 1) yield* this.#checkRow(list);
      for (const pair of list) {
        if (this.#run.isDue(steps)) yield;
        if (isMixed) {
          this.#writeMixedPair(pair, out, row);
          continue;
        }
        this.#evaluatePair(pair, vs, keep);
        this.#writePair(pair, vs, keep, out, row);
      }
    }
    this.#run.release(this.#heldBytes);
    return dropEmptyRows({ ...out, hs: this.#hs });
  }

  /** The value of a side at a step; row -1: its fill value. */
  #element(v: Vector, row: number, fill: Fill | null, step: number): Element {
    if (row < 0) return (fill as Fill).value;
    const at = row * this.#steps + step;
    return v.has[at] === 2 ? (v.hs?.[at] as NativeHistogram) : v.vs[at];
  }

  /** A pair of which one side may have native histograms, step by step. */
  #writeMixedPair({ many, one, group }: Pair, out: Vector, row: number): void {
    // Prometheus goes through the `many` side, then through those of the other side that have no partner.
    const order = many >= 0 ? many : this.#many.labels.length + one;
    for (let step = 0; step < this.#steps; step++) {
      if (!this.#matchedAt(group, many, one, step)) continue;
      const ofMany = this.#element(this.#many, many, this.#manyFill, step);
      const ofOne = this.#element(this.#one, one, this.#oneFill, step);
      const [a, b] = this.#swapped ? [ofOne, ofMany] : [ofMany, ofOne];
      const { value, keep, complaint } = elementOf(this.#op, a, b);
      if (complaint !== null) this.#complaints.note(step, order, complaint);
      if (value !== null && (keep || this.#bool)) this.#put(out, row, step, this.#bool ? (keep ? 1 : 0) : value);
    }
  }

  #put(out: Vector, row: number, step: number, value: Element): void {
    const at = row * this.#steps + step;
    if (out.has[at] !== 0) throw executionError(DUPLICATE_LABELSET);
    out.has[at] = typeof value === 'number' ? 1 : 2;
    if (typeof value === 'number') out.vs[at] = value;
    else if (this.#hs) this.#hs[at] = value;
  }

  /** Several pairs with one result series: no step may have two of the same group matched. */
  *#checkRow(list: readonly Pair[]): Work<void> {
    if (this.#matching.card === 'one-to-one') return;
    for (let step = 0; step < this.#steps; step++) {
      const groups = new Set<number>();
      for (const { group, many, one } of list) {
        if (this.#run.isDue(4)) yield;
        if (!this.#matchedAt(group, many, one, step)) continue;
        if (groups.has(group)) {
          throw executionError('multiple matches for labels: grouping labels must ensure unique matches');
        }
        groups.add(group);
      }
    }
  }

  /** Values at all steps, and which of them stay. */
  #evaluatePair({ many, one }: Pair, vs: Float64Array, keep: Uint8Array): void {
    const steps = this.#steps;
    const manyVs = many < 0 ? (this.#manyFill as Fill).vs : this.#many.vs;
    const oneVs = one < 0 ? (this.#oneFill as Fill).vs : this.#one.vs;
    const manyAt = many < 0 ? 0 : many * steps;
    const oneAt = one < 0 ? 0 : one * steps;
    const [a, aAt, b, bAt] = this.#swapped ? [oneVs, oneAt, manyVs, manyAt] : [manyVs, manyAt, oneVs, oneAt];
    if (!COMPARISONS.has(this.#op)) {
      arithmetic(this.#op, a, aAt, b, bAt, vs, 0, steps);
      keep.fill(1);
      return;
    }
    compare(this.#op, a, aAt, b, bAt, keep, 0, steps);
    if (this.#bool) {
      vs.set(keep);
      keep.fill(1);
    } else {
      vs.set(a.subarray(aAt, aAt + steps));
    }
  }

  #writePair({ many, one, group }: Pair, vs: Float64Array, keep: Uint8Array, out: Vector, row: number): void {
    const steps = this.#steps;
    const at = row * steps;
    const plain = many >= 0 && one >= 0;
    for (let i = 0; i < steps; i++) {
      const matched = plain
        ? (this.#many.has[many * steps + i] & this.#one.has[one * steps + i]) !== 0
        : this.#matchedAt(group, many, one, i);
      if (!matched || keep[i] === 0) continue;
      if (out.has[at + i] !== 0) throw executionError(DUPLICATE_LABELSET);
      out.vs[at + i] = vs[i];
      out.has[at + i] = 1;
    }
  }
}
