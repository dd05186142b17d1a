// What flows between operators: series of step vectors, as one block. Row i (a series) occupies [i * steps, (i + 1) * steps)
// of `vs` and `has`. Labels exist once per series, never per step.
//
// `has`: 0 nothing, 1 a float, 2 a native histogram, whose object is then in `hs` at the same place (null: there are none).
// Blocks are never changed once made: operators share columns they leave as they are (often `has`).
import { type Labels, type NativeHistogram, compareLabels, histogramBytes } from '../../model/index.ts';
import { isReservedLabel } from '../leaf.ts';
import { DUPLICATE_LABELSET, executionError } from '../errors.ts';

/** Histograms of a block, at the places of presence 2. */
export type HistogramBlock = readonly (NativeHistogram | null)[];

export interface Vector {
  readonly type: 'vector';
  readonly steps: number;
  readonly labels: readonly Labels[];
  readonly vs: Float64Array;
  readonly has: Uint8Array;
  readonly hs: HistogramBlock | null;
  /** Per series: the metric name goes at the end of the query (delayed name removal). */
  readonly dropName: Uint8Array;
}

/** One value per step, always there. */
export interface Scalar {
  readonly type: 'scalar';
  readonly steps: number;
  readonly vs: Float64Array;
}

export interface Text {
  readonly type: 'string';
  readonly value: string;
}

/** Raw samples of series. */
export interface Matrix {
  readonly type: 'matrix';
  readonly labels: readonly Labels[];
  readonly ends: Uint32Array;
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  /** Per sample, null for a float; null: all are floats. */
  readonly hs: HistogramBlock | null;
}

export type Value = Vector | Scalar | Text | Matrix;

export const emptyVector = (steps: number): Vector => ({
  type: 'vector',
  steps,
  labels: [],
  vs: new Float64Array(0),
  has: new Uint8Array(0),
  hs: null,
  dropName: new Uint8Array(0),
});

/** A vector of `rows` series to be filled. */
export function newVector(labels: readonly Labels[], steps: number, dropName?: Uint8Array): Vector {
  return {
    type: 'vector',
    steps,
    labels,
    vs: new Float64Array(labels.length * steps),
    has: new Uint8Array(labels.length * steps),
    hs: null,
    dropName: dropName ?? new Uint8Array(labels.length),
  };
}

export const constantScalar = (value: number, steps: number): Scalar => ({
  type: 'scalar',
  steps,
  vs: new Float64Array(steps).fill(value),
});

/** An estimate; a histogram that stands at several steps in a row is counted once. */
function blockBytes(hs: HistogramBlock | null): number {
  if (hs === null) return 0;
  let bytes = hs.length * 8;
  for (let i = 0; i < hs.length; i++) {
    const h = hs[i];
    if (h !== null && (i === 0 || hs[i - 1] !== h)) bytes += histogramBytes(h);
  }
  return bytes;
}

/** Bytes of a value's columns, and an estimate for its labels. */
export function valueBytes(value: Value): number {
  if (value.type === 'vector') {
    return value.vs.byteLength + value.has.byteLength + value.labels.length * 128 + blockBytes(value.hs);
  }
  if (value.type === 'matrix') return value.ts.byteLength * 2 + value.labels.length * 128 + blockBytes(value.hs);
  return value.type === 'scalar' ? value.vs.byteLength : value.value.length * 2;
}

/** Present values. */
export function pointCount(value: Value): number {
  if (value.type === 'matrix') return value.ts.length;
  if (value.type !== 'vector') return value.type === 'scalar' ? value.steps : 0;
  return countPresent(value.has);
}

/** Entries of a presence column that are not 0: four at a time, each 0, 1 or 2. */
export function countPresent(has: Uint8Array): number {
  const aligned = has.byteOffset % 4 === 0 ? has.length >>> 2 : 0;
  const words = new Uint32Array(has.buffer, aligned === 0 ? 0 : has.byteOffset, aligned);
  let count = 0;
  for (let i = 0; i < aligned; i++) {
    const word = words[i];
    if (word === 0x01010101) count += 4;
    else if (word !== 0) count += Math.imul((word | (word >>> 1)) & 0x01010101, 0x01010101) >>> 24;
  }
  for (let i = aligned * 4; i < has.length; i++) if (has[i] !== 0) count++;
  return count;
}

export function rowHasAny(has: Uint8Array, row: number, steps: number): boolean {
  for (let i = row * steps, end = i + steps; i < end; i++) if (has[i] !== 0) return true;
  return false;
}

/** The listed rows, in that order. */
export function takeRows(v: Vector, rows: ArrayLike<number>): Vector {
  const { steps } = v;
  const labels: Labels[] = new Array(rows.length);
  const vs = new Float64Array(rows.length * steps);
  const has = new Uint8Array(rows.length * steps);
  const dropName = new Uint8Array(rows.length);
  const hs = v.hs === null ? null : Array.from(rows, (row) => v.hs?.slice(row * steps, (row + 1) * steps) ?? []).flat();
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    labels[i] = v.labels[row];
    dropName[i] = v.dropName[row];
    if (steps === 1) {
      vs[i] = v.vs[row];
      has[i] = v.has[row];
      continue;
    }
    vs.set(v.vs.subarray(row * steps, (row + 1) * steps), i * steps);
    has.set(v.has.subarray(row * steps, (row + 1) * steps), i * steps);
  }
  return { type: 'vector', steps, labels, vs, has, hs, dropName };
}

/** Without series that have no value at any step. */
export function dropEmptyRows(v: Vector): Vector {
  const rows: number[] = [];
  for (let row = 0; row < v.labels.length; row++) if (rowHasAny(v.has, row, v.steps)) rows.push(row);
  return rows.length === v.labels.length ? v : takeRows(v, rows);
}

/** The floats among the values; series that have none are gone. */
export function floatsOnly(v: Vector): Vector {
  if (v.hs === null) return v;
  return dropEmptyRows({ ...v, hs: null, has: v.has.map((has) => (has === 1 ? 1 : 0)) });
}

/** The vector with values of floats only. A block of histograms that nothing refers to any more is let go. */
export const withoutUnusedBlock = (v: Vector): Vector => (v.hs !== null && !v.has.includes(2) ? { ...v, hs: null } : v);

/** Rows in the order of their labels. */
export function sortByLabels(v: Vector): Vector {
  const { labels } = v;
  let sorted = true;
  for (let i = 1; i < labels.length && sorted; i++) sorted = compareLabels(labels[i - 1], labels[i]) <= 0;
  if (sorted) return v;
  const order = labels.map((_, i) => i).sort((a, b) => compareLabels(labels[a], labels[b]));
  return takeRows(v, order);
}

/** Whether some two series have the same labels. */
export function hasSameLabelset(labels: readonly Labels[]): boolean {
  // In order, as they mostly are, equal ones are neighbours, and no keys are needed.
  let inOrder = 1;
  for (; inOrder < labels.length; inOrder++) {
    const order = compareLabels(labels[inOrder - 1], labels[inOrder]);
    if (order === 0) return true;
    if (order > 0) break;
  }
  if (inOrder >= labels.length) return false;
  const seen = new Set<string>();
  for (const each of labels) {
    if (seen.has(each.key)) return true;
    seen.add(each.key);
  }
  return false;
}

/** Series with the same labels become one, if no step has a value of both. Throws the duplicate error otherwise. */
export function mergeSameLabelsets(v: Vector): Vector {
  if (!hasSameLabelset(v.labels)) return v;
  const { steps } = v;
  const first = new Map<string, number>();
  const rows: number[] = [];
  const target = new Uint32Array(v.labels.length);
  v.labels.forEach((labels, row) => {
    let at = first.get(labels.key);
    if (at === undefined) first.set(labels.key, (at = rows.push(row) - 1));
    target[row] = at;
  });
  const out = takeRows(v, rows);
  const hs = out.hs as (NativeHistogram | null)[] | null;
  for (let row = 0; row < v.labels.length; row++) {
    const to = target[row];
    if (rows[to] === row) continue;
    for (let i = 0; i < steps; i++) {
      if (v.has[row * steps + i] === 0) continue;
      if (out.has[to * steps + i] !== 0) throw executionError(DUPLICATE_LABELSET);
      out.has[to * steps + i] = v.has[row * steps + i];
      out.vs[to * steps + i] = v.vs[row * steps + i];
      if (hs) hs[to * steps + i] = v.hs?.[row * steps + i] ?? null;
    }
  }
  return out;
}

/** Labels without name, type and unit. */
export function withoutReserved(labels: Labels): Labels {
  const { pairs } = labels;
  for (let i = 0; i < pairs.length; i += 2) if (isReservedLabel(pairs[i])) return labels.without(RESERVED);
  return labels;
}

const RESERVED: ReadonlySet<string> = new Set(['__name__', '__type__', '__unit__']);

/**
 * The vector with its metric names dropped: now, or marked for the end of the query. Names that were all that told two
 * series apart make them one, which is an error where they have values of the same step.
 */
export function dropNames(v: Vector, delayed: boolean): Vector {
  if (delayed) return { ...v, dropName: new Uint8Array(v.labels.length).fill(1) };
  const labels = v.labels.map(withoutReserved);
  const dropped = { ...v, labels, dropName: new Uint8Array(labels.length).fill(1) };
  return namesDiffer(v.labels) ? mergeSameLabelsets(dropped) : dropped;
}

/** Whether series differ in name, type or unit, so that dropping these could make two the same. */
export function namesDiffer(labels: readonly Labels[]): boolean {
  let firstKey: string | null = null;
  for (const each of labels) {
    const key = `${each.get('__name__')}\0${each.get('__type__')}\0${each.get('__unit__')}`;
    if (firstKey === null) firstKey = key;
    else if (key !== firstKey) return true;
  }
  return false;
}
