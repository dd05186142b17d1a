// histogram_quantile, histogram_quantiles and histogram_fraction: on classic histograms, series with an `le` label grouped by
// their other labels, and on native ones, of which each is a group of its own. The grouping and the order of buckets are
// worked out once; each step takes the series it has. A step that has both kinds in a group has no value.
import { type Labels, METRIC_NAME, type NativeHistogram, plainDecimal } from '../../model/index.ts';
import { Remarks } from '../annotations.ts';
import type { Span } from '../ast.ts';
import type { QueryRun, Work } from '../exec/query-run.ts';
import { StepTile } from '../exec/step-tiles.ts';
import {
  type Scalar,
  type Vector,
  dropEmptyRows,
  mergeSameLabelsets,
  newVector,
  withoutReserved,
} from '../exec/vector.ts';
import { Buckets, parseGoFloat } from './buckets.ts';
import { type OnRemark, nativeFraction, nativeQuantile } from './native-histogram.ts';

interface HistogramGroup {
  readonly labels: Labels;
  /** Rows by rising upper bound. */
  readonly rows: { row: number; bound: number }[];
  /** Their bounds. */
  bounds: Float64Array;
  /** The row that has native histograms; -1: there is none. */
  native: number;
  /** From this step on each row has a float and no two have the same bound: the usual case, in which nothing is sorted out. */
  fullFrom: number;
}

/** What a group is at a step, classic or native, gives. */
interface StepValue {
  classic(buckets: Buckets, step: number, variant: number, group: HistogramGroup): number;
  native(h: NativeHistogram, step: number, variant: number, onRemark: OnRemark): number;
  /** Whether the variant has a value at a step. */
  isThere?(step: number, variant: number): boolean;
}

const LE: ReadonlySet<string> = new Set(['le']);
const NO_BOUNDS = new Float64Array(0);

/** The step from which on a row has floats. */
function fullFrom(present: Uint8Array): number {
  let step = present.length;
  while (step > 0 && present[step - 1] === 1) step--;
  return step;
}

/** Groups of bucket series; warns about series without a usable bound. */
function histogramGroups(v: Vector, pos: Span, run: QueryRun): HistogramGroup[] {
  const groups = new Map<string, HistogramGroup>();
  const groupOf = (labels: Labels): HistogramGroup => {
    let group = groups.get(labels.key);
    if (!group) groups.set(labels.key, (group = { labels, rows: [], bounds: NO_BOUNDS, native: -1, fullFrom: 0 }));
    return group;
  };
  v.labels.forEach((labels, row) => {
    const present = v.has.subarray(row * v.steps, (row + 1) * v.steps);
    if (present.includes(2)) groupOf(labels).native = row;
    if (!present.includes(1)) return;
    const le = labels.get('le');
    const bound = parseGoFloat(le);
    if (bound === null) {
      run.annotations.badBucketLabel(le, labels.get(METRIC_NAME), pos);
      return;
    }
    const group = groupOf(labels.without(LE));
    group.rows.push({ row, bound });
    group.fullFrom = Math.max(group.fullFrom, fullFrom(present));
  });
  for (const group of groups.values()) {
    group.rows.sort((a, b) => a.bound - b.bound);
    group.bounds = Float64Array.from(group.rows, ({ bound }) => bound);
    const rises = group.bounds.every((bound, i, bounds) => i === 0 || bounds[i - 1] < bound);
    if (!rises || group.native >= 0) group.fullFrom = v.steps;
  }
  return [...groups.values()];
}

/** The native histogram of a group at a step. */
function nativeAt(v: Vector, { native }: HistogramGroup, step: number): NativeHistogram | null {
  const at = native * v.steps + step;
  return native >= 0 && v.has[at] === 2 ? (v.hs?.[at] ?? null) : null;
}

/** One result row per group and variant. */
function* evaluate(
  v: Vector,
  groups: readonly HistogramGroup[],
  variants: readonly ((labels: Labels) => Labels)[],
  pos: Span,
  run: QueryRun,
  value: StepValue,
): Work<Vector> {
  const remarks = new Remarks();
  const labels: Labels[] = [];
  for (const variant of variants) {
    for (const group of groups) {
      labels.push(variant(run.delayedNameRemoval ? group.labels : withoutReserved(group.labels)));
    }
  }
  run.expect(labels.length * (v.steps * 9 + 256));
  const out = newVector(labels, v.steps, new Uint8Array(labels.length).fill(1));
  const buckets = new Buckets(groups.reduce((most, { rows }) => Math.max(most, rows.length), 0));
  for (let variant = 0; variant < variants.length; variant++) {
    for (const [g, group] of groups.entries()) {
      const { bounds, fullFrom } = group;
      const rows = group.rows.map(({ row }) => row);
      const tile = new StepTile(v, rows, fullFrom);
      const work = 2 + 4 * group.rows.length;
      const at = (variant * groups.length + g) * v.steps;
      for (let step = 0; step < v.steps; step++) {
        if (run.isDue(work)) yield;
        if (value.isThere?.(step, variant) === false) continue;
        const offset = tile.offset(step);
        const isFull = step >= fullFrom;
        if (isFull) buckets.takeAll(bounds, tile.vs, offset);
        else buckets.take(bounds, tile.vs, tile.has, offset);
        const h = isFull ? null : nativeAt(v, group, step);
        if (buckets.length === 0 && h === null) continue;
        const name = run.delayedNameRemoval ? group.labels.get(METRIC_NAME) : '';
        if (buckets.length > 0 && h !== null) {
          remarks.add('mixedClassicNative', name);
          continue;
        }
        out.vs[at + step] =
          h === null
            ? value.classic(buckets, step, variant, group)
            : value.native(h, step, variant, (kind) => remarks.add(kind, name));
        out.has[at + step] = 1;
      }
    }
  }
  run.annotations.place(remarks.list(), pos);
  return mergeSameLabelsets(dropEmptyRows(out));
}

/** Warns about quantiles beyond [0, 1], each value once. */
export function checkQuantiles(q: Scalar, pos: Span, run: QueryRun): void {
  const seen = new Set<number>();
  for (const value of q.vs) {
    if ((value >= 0 && value <= 1) || seen.has(value)) continue;
    seen.add(value);
    run.annotations.invalidQuantile(value, pos);
  }
}

/** When step i is evaluated. */
export type StepTime = (step: number) => number;

const unchanged = (labels: Labels): Labels => labels;

export function histogramQuantile(
  q: Scalar,
  qPos: Span,
  v: Vector,
  pos: Span,
  time: StepTime,
  run: QueryRun,
): Work<Vector> {
  checkQuantiles(q, qPos, run);
  const groups = histogramGroups(v, pos, run);
  return evaluate(v, groups, [unchanged], pos, run, {
    classic: (buckets, step, _, group) => quantileOf(buckets, q.vs[step], group, pos, time(step), run),
    native: (h, step, _, onRemark) => nativeQuantile(q.vs[step], h, onRemark),
  });
}

function quantileOf(
  buckets: Buckets,
  q: number,
  group: HistogramGroup,
  pos: Span,
  timeMs: number,
  run: QueryRun,
): number {
  const value = buckets.quantile(q);
  if (buckets.forcedMonotonic) {
    const name = run.delayedNameRemoval ? group.labels.get(METRIC_NAME) : '';
    const { minBucket, maxBucket, maxDiff } = buckets;
    run.annotations.forcedMonotonicity(name, pos, timeMs, minBucket, maxBucket, maxDiff);
  }
  return value;
}

/** histogram_quantiles: the quantile of each step goes into a label, so the label's values are those of the first step. */
export function histogramQuantiles(
  v: Vector,
  pos: Span,
  label: string,
  quantiles: readonly { q: Scalar; pos: Span }[],
  time: StepTime,
  run: QueryRun,
): Work<Vector> {
  for (const { q, pos: qPos } of quantiles) checkQuantiles(q, qPos, run);
  const groups = histogramGroups(v, pos, run);
  // A quantile that changes from step to step gives a series per value.
  const variants = quantiles.flatMap(({ q }) => [...new Set(q.vs)].map((value) => ({ q, value })));
  const withLabel = variants.map(
    ({ value }) =>
      (labels: Labels): Labels =>
        labels.with(label, formatOpenMetrics(value)),
  );
  return evaluate(v, groups, withLabel, pos, run, {
    classic: (buckets, step, variant, group) =>
      quantileOf(buckets, variants[variant].value, group, pos, time(step), run),
    native: (h, _, variant, onRemark) => nativeQuantile(variants[variant].value, h, onRemark),
    isThere: (step, variant) => Object.is(variants[variant].q.vs[step], variants[variant].value),
  });
}

/** A float as OpenMetrics labels have it: with a point or an exponent. */
function formatOpenMetrics(value: number): string {
  const text = plainDecimal(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

export function histogramFraction(lower: Scalar, upper: Scalar, v: Vector, pos: Span, run: QueryRun): Work<Vector> {
  const groups = histogramGroups(v, pos, run);
  return evaluate(v, groups, [unchanged], pos, run, {
    classic: (buckets, step) => buckets.fraction(lower.vs[step], upper.vs[step]),
    native: (h, step, _, onRemark) => nativeFraction(lower.vs[step], upper.vs[step], h, onRemark),
  });
}
