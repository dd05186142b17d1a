// Puts the shards' answers to one leaf together. Shards hold different series, so series are laid side by side; groups of
// the same labels are merged by their accumulator states.
import type { Labels, NativeHistogram } from '../../model/index.ts';
import { compareLabels } from '../../model/index.ts';
import { invariant } from '../../base/index.ts';
import {
  type LeafFold,
  type LeafResult,
  type PackedHistograms,
  freeLeafResult,
  unpackHistograms,
  unpackLabels,
} from '../leaf.ts';
import type { Accumulator } from '../../kernel/index.ts';
import type { QueryRun, Work } from './query-run.ts';
import { freeArray } from './row-block.ts';
import { type Matrix, type Vector, dropEmptyRows, newVector } from './vector.ts';

/** Positions of all results' series in the order of their labels. */
function labelOrder(labels: readonly Labels[]): Uint32Array {
  const order = Uint32Array.from(labels, (_, i) => i);
  for (let i = 1; i < labels.length; i++) {
    if (compareLabels(labels[i - 1], labels[i]) > 0) return order.sort((a, b) => compareLabels(labels[a], labels[b]));
  }
  return order;
}

/** Series of all shards, sorted by their full labels so that the order does not depend on the sharding. */
export function* mergeSeries(results: readonly LeafResult[], steps: number, run: QueryRun): Work<Vector> {
  const labels: Labels[] = [];
  const shardOf: number[] = [];
  const rowOf: number[] = [];
  results.forEach((result, shard) => {
    invariant(result.kind === 'series', 'leaf answered with something else', { kind: result.kind });
    unpackLabels(result.labels).forEach((each, row) => {
      labels.push(each);
      shardOf.push(shard);
      rowOf.push(row);
    });
  });
  const order = labelOrder(labels);
  const out = newVector(
    Array.from(order, (at) => labels[at]),
    steps,
  );
  for (let i = 0; i < order.length; i++) {
    const result = results[shardOf[order[i]]];
    if (result.kind !== 'series') continue;
    if (run.isDue(steps)) yield;
    const row = rowOf[order[i]];
    if (steps === 1) {
      out.vs[i] = result.values[row];
      out.has[i] = result.present[row];
      continue;
    }
    out.vs.set(result.values.subarray(row * steps, (row + 1) * steps), i * steps);
    out.has.set(result.present.subarray(row * steps, (row + 1) * steps), i * steps);
  }
  // All of it has been copied.
  for (const result of results) if (result.kind === 'series') [result.values, result.present].forEach(freeArray);
  const packs = results.map((result) => (result.kind === 'series' ? result.histograms : null));
  if (packs.every((pack) => pack === null)) return out;
  const hs = new Array<NativeHistogram | null>(out.vs.length).fill(null);
  const places = packs.map((pack) => histogramsByPlace(pack));
  order.forEach((at, i) => {
    const byPlace = places[shardOf[at]];
    for (let k = 0; byPlace && k < steps; k++) hs[i * steps + k] = byPlace.get(rowOf[at] * steps + k) ?? null;
  });
  return { ...out, hs };
}

/** Groups that are one series each are series, of which labels that do not matter are gone. */
export const asSeries = (result: LeafResult): LeafResult =>
  result.kind === 'singles' ? { ...result, kind: 'series', histograms: null } : result;

const histogramsByPlace = (pack: PackedHistograms | null): Map<number, NativeHistogram> | null =>
  pack === null ? null : new Map(unpackHistograms(pack));

/** Folds what a shard has of groups into an accumulator; `targets` are the groups of its rows or states. */
function* fold(result: LeafResult, targets: readonly number[], accumulator: Accumulator, run: QueryRun): Work<void> {
  invariant(result.kind === 'groups' || result.kind === 'singles', 'leaf answered with something else');
  const columns = result.kind === 'groups' ? result.states : result.values;
  const length = targets.length === 0 ? 0 : columns.length / targets.length;
  for (const [i, group] of targets.entries()) {
    if (run.isDue(length)) yield;
    const column = columns.subarray(i * length, (i + 1) * length);
    if (result.kind === 'groups') {
      accumulator.merge(group, column);
      continue;
    }
    run.kernel.out.set(column);
    run.kernel.present.set(result.present.subarray(i * length, (i + 1) * length));
    accumulator.add(group);
  }
}

/** Groups of all shards, finished, sorted by labels. */
export function* mergeGroups(
  results: readonly LeafResult[],
  { op }: LeafFold,
  steps: number,
  run: QueryRun,
): Work<Vector> {
  const groups: Labels[] = [];
  const index = new Map<string, number>();
  const targets = results.map((result) =>
    unpackLabels(result.labels).map((labels) => {
      let at = index.get(labels.key);
      if (at === undefined) index.set(labels.key, (at = groups.push(labels) - 1));
      return at;
    }),
  );
  const rows = targets.reduce((sum, { length }) => sum + length, 0);
  if (rows === groups.length && results.every(({ kind }) => kind === 'singles')) {
    return yield* mergeSeries(results.map(asSeries), steps, run);
  }
  const order = labelOrder(groups);
  const out = newVector(
    Array.from(order, (at) => groups[at]),
    steps,
  );
  if (groups.length === 0) return out;
  const { kernel } = run;
  kernel.reserve(0, steps);
  const bytes = groups.length * steps * 9;
  run.hold(bytes);
  const accumulator = kernel.accumulator(op, groups.length, steps);
  try {
    for (const [shard, result] of results.entries()) yield* fold(result, targets[shard], accumulator, run);
    for (let i = 0; i < order.length; i++) {
      if (run.isDue(steps)) yield;
      accumulator.finish(order[i]);
      out.vs.set(kernel.out.subarray(0, steps), i * steps);
      out.has.set(kernel.present.subarray(0, steps), i * steps);
    }
  } finally {
    accumulator.free();
    run.release(bytes);
    // All of them were merged: left to the collector, they would be most of what it is called for.
    results.forEach(freeLeafResult);
  }
  return dropEmptyRows(out);
}

/** Raw samples of all shards, series in label order. */
export function mergeSamples(results: readonly LeafResult[]): Matrix {
  const all: {
    labels: Labels;
    ts: Float64Array;
    vs: Float64Array;
    from: number;
    hs: Map<number, NativeHistogram> | null;
  }[] = [];
  for (const result of results) {
    invariant(result.kind === 'samples', 'leaf answered with something else', { kind: result.kind });
    const hs = histogramsByPlace(result.histograms);
    unpackLabels(result.labels).forEach((labels, i) => {
      const [from, to] = [i === 0 ? 0 : result.ends[i - 1], result.ends[i]];
      all.push({ labels, ts: result.ts.subarray(from, to), vs: result.vs.subarray(from, to), from, hs });
    });
  }
  all.sort((a, b) => compareLabels(a.labels, b.labels));
  const total = all.reduce((sum, { ts }) => sum + ts.length, 0);
  const ts = new Float64Array(total);
  const vs = new Float64Array(total);
  const ends = new Uint32Array(all.length);
  const hs = all.some((series) => series.hs) ? new Array<NativeHistogram | null>(total).fill(null) : null;
  let at = 0;
  all.forEach((series, i) => {
    for (let k = 0; hs && series.hs && k < series.ts.length; k++) hs[at + k] = series.hs.get(series.from + k) ?? null;
    ts.set(series.ts, at);
    vs.set(series.vs, at);
    at += series.ts.length;
    ends[i] = at;
  });
  for (const result of results) if (result.kind === 'samples') [result.ts, result.vs].forEach(freeArray);
  return { type: 'matrix', labels: all.map(({ labels }) => labels), ends, ts, vs, hs };
}
