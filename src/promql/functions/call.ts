// Functions of vectors and scalars, by name. Each takes whole columns and gives whole columns.
import { Labels, type NativeHistogram } from '../../model/index.ts';
import { executionError } from '../errors.ts';
import type { QueryRun, Work } from '../exec/query-run.ts';
import {
  type Scalar,
  type Text,
  type Value,
  type Vector,
  dropEmptyRows,
  dropNames,
  floatsOnly,
} from '../exec/vector.ts';
import type { CallNode, Steps } from '../plan/plan.ts';
import { dateColumn, isDateFunction } from './dates.ts';
import { histogramFraction, histogramQuantile, histogramQuantiles } from './histogram.ts';
import { labelJoin, labelReplace } from './labels.ts';
import { goMax, goMin, isMathFunction, mathColumn } from './math.ts';
import { histogramVariance } from './native-histogram.ts';
import { sortByLabel, sortByValue } from './sort.ts';

const vectorOf = (value: Value): Vector => value as Vector;
const scalarOf = (value: Value): Scalar => value as Scalar;
const textOf = (value: Value): string => (value as Text).value;

/** Evaluation times in seconds. */
function timesOf({ startMs, stepMs, steps }: Steps): Float64Array {
  const vs = new Float64Array(steps);
  for (let i = 0; i < steps; i++) vs[i] = (startMs + i * stepMs) / 1000;
  return vs;
}

const scalar = (vs: Float64Array): Scalar => ({ type: 'scalar', steps: vs.length, vs });

/** A vector of one series without labels. */
const single = (vs: Float64Array): Vector => ({
  type: 'vector',
  steps: vs.length,
  labels: [Labels.empty],
  vs,
  has: new Uint8Array(vs.length).fill(1),
  hs: null,
  dropName: new Uint8Array(1),
});

interface CallContext {
  readonly node: CallNode;
  readonly args: readonly Value[];
  readonly run: QueryRun;
}

/** Evaluates a function; its arguments are values already. */
export function evaluateCall(node: CallNode, args: readonly Value[], run: QueryRun): Value | Work<Value> {
  const { fn } = node;
  if (isMathFunction(fn)) {
    return byPieces(vectorOf(args[0]), (vs) => mathColumn(fn, vs), run);
  }
  if (isDateFunction(fn)) return dates(fn, args, node.at, run);
  const f = FUNCTIONS[fn];
  if (!f) throw executionError(`cannot evaluate ${fn}(): it is not implemented`);
  return f({ node, args, run });
}

/** Values at once, between which others have their turn. */
const PIECE = 1 << 17;

/** A function of each float. */
function* byPieces(vector: Vector, f: (vs: Float64Array) => Float64Array, run: QueryRun): Work<Vector> {
  const v = floatsOnly(vector);
  const out = new Float64Array(v.vs.length);
  for (let at = 0; at < out.length; at += PIECE) {
    if (run.isDue(PIECE)) yield;
    out.set(f(v.vs.subarray(at, at + PIECE)), at);
  }
  return dropNames({ ...v, vs: out }, run.delayedNameRemoval);
}

function dates(fn: string, args: readonly Value[], at: Steps, run: QueryRun): Vector | Work<Vector> {
  if (args.length === 0) return single(dateColumn(fn, timesOf(at).map(Math.trunc)));
  return byPieces(vectorOf(args[0]), (vs) => dateColumn(fn, vs), run);
}

/** Clamps to [min, max]; steps where min > max give nothing. */
function* clamp({ args, run }: CallContext, min: Scalar | null, max: Scalar | null): Work<Vector> {
  const v = floatsOnly(vectorOf(args[0]));
  const { steps } = v;
  const vs = new Float64Array(v.vs.length);
  const has = v.has.slice();
  for (let i = 0; i < vs.length; i++) {
    if ((i & 4095) === 0 && run.isDue(8192)) yield;
    const least = min === null ? -Infinity : min.vs[i % steps];
    const most = max === null ? Infinity : max.vs[i % steps];
    if (most < least) has[i] = 0;
    else vs[i] = goMax(least, goMin(most, v.vs[i]));
  }
  return dropNames(dropEmptyRows({ ...v, vs, has }), run.delayedNameRemoval);
}

function* round({ args, run }: CallContext): Work<Vector> {
  const v = floatsOnly(vectorOf(args[0]));
  const { steps } = v;
  const nearest = args.length > 1 ? scalarOf(args[1]).vs : null;
  const vs = new Float64Array(v.vs.length);
  for (let i = 0; i < vs.length; i++) {
    if ((i & 4095) === 0 && run.isDue(8192)) yield;
    const inverse = 1 / (nearest === null ? 1 : nearest[i % steps]);
    vs[i] = Math.floor(v.vs[i] * inverse + 0.5) / inverse;
  }
  return dropNames({ ...v, vs }, run.delayedNameRemoval);
}

/** The value where exactly one series has one; else NaN. */
function toScalar(v: Vector): Scalar {
  const { steps } = v;
  const vs = new Float64Array(steps).fill(NaN);
  for (let step = 0; step < steps; step++) {
    let found = 0;
    for (let at = step; at < v.has.length && found < 2; at += steps) {
      if (v.has[at] !== 1) continue;
      vs[step] = ++found === 1 ? v.vs[at] : NaN;
    }
  }
  return scalar(vs);
}

/** timestamp() of anything but a selector: the evaluation time. */
function evaluationTimes({ node, args, run }: CallContext): Vector {
  const v = vectorOf(args[0]);
  const times = timesOf(node.at);
  const vs = new Float64Array(v.vs.length);
  for (let row = 0; row < v.labels.length; row++) vs.set(times, row * v.steps);
  const has = v.hs === null ? v.has : v.has.map((each) => (each === 0 ? 0 : 1));
  return dropNames({ ...v, vs, has, hs: null }, run.delayedNameRemoval);
}

/** start_timestamp() of anything but a selector: what was worked out has no start. */
const nothing = ({ steps }: Vector): Vector => ({
  type: 'vector',
  steps,
  labels: [],
  vs: new Float64Array(0),
  has: new Uint8Array(0),
  hs: null,
  dropName: new Uint8Array(0),
});

function pairwise(a: Scalar, b: Scalar, f: (x: number, y: number) => number): Scalar {
  return scalar(a.vs.map((x, i) => f(x, b.vs[i])));
}

/** Sorting has no meaning for a range query: its result is in label order. */
function sorted({ node, args, run }: CallContext, sort: (v: Vector) => Vector): Vector {
  const v = vectorOf(args[0]);
  if (node.at.steps === 1) return sort(v);
  run.annotations.sortInRangeQuery(node.pos);
  return v;
}

const FUNCTIONS: Record<string, (call: CallContext) => Value | Work<Value>> = {
  clamp: (call) => clamp(call, scalarOf(call.args[1]), scalarOf(call.args[2])),
  clamp_min: (call) => clamp(call, scalarOf(call.args[1]), null),
  clamp_max: (call) => clamp(call, null, scalarOf(call.args[1])),
  round,
  scalar: ({ args }) => toScalar(vectorOf(args[0])),
  vector: ({ args }) => single(scalarOf(args[0]).vs),
  time: ({ node }) => scalar(timesOf(node.at)),
  pi: ({ node }) => scalar(new Float64Array(node.at.steps).fill(Math.PI)),
  timestamp: evaluationTimes,
  start_timestamp: ({ args }) => nothing(vectorOf(args[0])),
  min_of: ({ args }) => pairwise(scalarOf(args[0]), scalarOf(args[1]), goMin),
  max_of: ({ args }) => pairwise(scalarOf(args[0]), scalarOf(args[1]), goMax),
  sort: (call) => floatsOnly(sorted(call, (v) => sortByValue(v, false))),
  sort_desc: (call) => floatsOnly(sorted(call, (v) => sortByValue(v, true))),
  sort_by_label: (call) => sorted(call, (v) => sortByLabel(v, call.args.slice(1).map(textOf), false)),
  sort_by_label_desc: (call) => sorted(call, (v) => sortByLabel(v, call.args.slice(1).map(textOf), true)),
  label_replace: ({ args, run }) => {
    const [target, replacement, source, pattern] = args.slice(1).map(textOf);
    return labelReplace(vectorOf(args[0]), target, replacement, source, pattern, run);
  },
  label_join: ({ args, run }) => {
    const [target, separator, ...sources] = args.slice(1).map(textOf);
    return labelJoin(vectorOf(args[0]), target, separator, sources, run);
  },
  histogram_quantile: ({ node, args, run }) => {
    const [qPos, pos] = node.argPos;
    return histogramQuantile(scalarOf(args[0]), qPos, vectorOf(args[1]), pos, stepTime(node.at), run);
  },
  histogram_quantiles({ node, args, run }) {
    const quantiles = args.slice(2).map((q, i) => ({ q: scalarOf(q), pos: node.argPos[i + 2] }));
    const v = vectorOf(args[0]);
    return histogramQuantiles(v, node.argPos[0], textOf(args[1]), quantiles, stepTime(node.at), run);
  },
  histogram_fraction: ({ node, args, run }) =>
    histogramFraction(scalarOf(args[0]), scalarOf(args[1]), vectorOf(args[2]), node.argPos[2], run),
  histogram_avg: (call) => ofHistograms(call, ({ sum, count }) => sum / count),
  histogram_count: (call) => ofHistograms(call, ({ count }) => count),
  histogram_sum: (call) => ofHistograms(call, ({ sum }) => sum),
  histogram_stddev: (call) => ofHistograms(call, (h) => Math.sqrt(histogramVariance(h))),
  histogram_stdvar: (call) => ofHistograms(call, histogramVariance),
};

/** A float of each native histogram; floats give nothing. */
function ofHistograms({ args, run }: CallContext, f: (h: NativeHistogram) => number): Vector {
  const v = vectorOf(args[0]);
  const { hs } = v;
  const vs = new Float64Array(v.vs.length);
  const has = new Uint8Array(v.has.length);
  for (let at = 0; hs !== null && at < has.length; at++) {
    const h = v.has[at] === 2 ? hs[at] : null;
    if (h === null) continue;
    vs[at] = f(h);
    has[at] = 1;
  }
  return dropNames(dropEmptyRows({ ...v, vs, has, hs: null }), run.delayedNameRemoval);
}

const stepTime =
  ({ startMs, stepMs }: Steps) =>
  (step: number): number =>
    startMs + step * stepMs;
