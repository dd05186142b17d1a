// The engine: a query's text in, columns out.
import { TidemarkError } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import { type ExecKernel, createExecTwin } from '../kernel/index.ts';
import { DEFAULT_TENANT, Labels, type NativeHistogram } from '../model/index.ts';
import type { Expr } from './ast.ts';
import { badData, executionError, timedOut, wasCanceled } from './errors.ts';
import { Evaluator } from './exec/evaluate.ts';
import { type Estimates, type ExplainNode, explainPlan } from './explain.ts';
import { Trace } from './exec/trace.ts';
import { labelOrder } from './exec/label-sort.ts';
import { QueryRun, type Work } from './exec/query-run.ts';
import { freeArray } from './exec/row-block.ts';
import {
  type Matrix,
  type Value,
  type Vector,
  countPresent,
  takeRows,
  valueBytes,
  withoutUnusedBlock,
} from './exec/vector.ts';
import type { LeafClient, LeafEstimate } from './leaf.ts';
import { USE_START_TIMESTAMPS, parseExpr, typeOf } from './parse/index.ts';
import { buildPlan } from './plan/build.ts';
import { childrenOf } from './plan/children.ts';
import type { LeafTemplate, PlanNode, Steps } from './plan/plan.ts';

/** What an engine works on, and the limits of each of its queries. */
export interface EngineOptions {
  /** One per shard; shards hold different series. */
  readonly leaves: readonly LeafClient[];
  readonly clock: Clock;
  /** Runs operators of the query process; default: the TypeScript twin. Not shared with a leaf executor's. */
  readonly kernel?: ExecKernel;
  /** Prometheus' --query.lookback-delta. Default 5 minutes. */
  readonly lookbackMs?: number;
  /** Prometheus' --query.max-samples. Default 50,000,000. */
  readonly maxSamples?: number;
  /** Bytes that a query may hold at once: labels, step vectors, results. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Called whenever a query lets others run: who has more at heart than queries may make it wait. */
  readonly onYield?: () => void;
  /** Prometheus' --query.timeout. Default 2 minutes. */
  readonly timeoutMs?: number;
  /** Step of subqueries that name none: the global evaluation interval. Default 1 minute. */
  readonly defaultStepMs?: number;
  /** Names of --enable-feature that are on. */
  readonly features?: ReadonlySet<string>;
  /** Columns of this size are given back when they are used up; default 64 KiB. For tests. */
  readonly freeBytesMin?: number;
  /** false: nothing is aggregated within shards. For comparison in tests. */
  readonly pushDown?: boolean;
}

/** Per query. */
export interface QueryOptions {
  readonly tenant?: string;
  readonly lookbackMs?: number;
  readonly timeoutMs?: number;
  readonly maxSamples?: number;
  readonly maxBytes?: number;
  /** Nothing that earlier queries left is used. */
  readonly noCache?: boolean;
  readonly signal?: AbortSignal;
  /** Tells of a cancellation at once, where the signal needs a turn of the event loop. */
  readonly isCanceled?: () => boolean;
  /** What the query costs, part by part; `only`: it is not evaluated, and its data is empty. */
  readonly explain?: 'run' | 'only';
  /** Called when evaluation begins, with what it costs so far: it changes as the query goes on. */
  readonly onRun?: (cost: RunningCost) => void;
}

/** What a query under way costs so far. */
export interface RunningCost {
  readonly samplesRead: number;
  readonly seriesRead: number;
  readonly bytes: number;
  readonly peakBytes: number;
  readonly peakSamples: number;
}

/** What a query cost. Samples and series are counted at the leaves; peaks are of the whole query. */
export interface QueryStats {
  readonly samplesRead: number;
  readonly seriesRead: number;
  readonly leaves: number;
  readonly peakBytes: number;
  readonly peakSamples: number;
  readonly timings: {
    readonly parseMs: number;
    readonly planMs: number;
    readonly execMs: number;
    /** Sum over leaves and shards. */
    readonly leafMs: number;
  };
}

/** Series i: labels[i], samples [ends[i - 1], ends[i]) of vs, their times as matrixTimes() gives them. */
export interface MatrixResult {
  readonly type: 'matrix';
  readonly labels: readonly Labels[];
  readonly ends: Uint32Array;
  /** Milliseconds: of all samples; of a grid, of one series. */
  readonly ts: Float64Array;
  /** Every series has a sample at each of the times. */
  readonly isGrid: boolean;
  readonly vs: Float64Array;
  /** Native histograms by sample, null for a float; null: all are floats. `vs` is NaN where one is. */
  readonly histograms: readonly (NativeHistogram | null)[] | null;
}

/** The times of series `i`. */
export const matrixTimes = ({ ts, ends, isGrid }: MatrixResult, i: number): Float64Array =>
  isGrid ? ts : ts.subarray(i === 0 ? 0 : ends[i - 1], ends[i]);

/** One sample per series, all at `timeMs`. */
export interface VectorResult {
  readonly type: 'vector';
  readonly timeMs: number;
  readonly labels: readonly Labels[];
  readonly vs: Float64Array;
  /** Native histograms by series, null for a float; null: all are floats. `vs` is NaN where one is. */
  readonly histograms: readonly (NativeHistogram | null)[] | null;
}

/** One number at the evaluation time. */
export interface ScalarResult {
  readonly type: 'scalar';
  readonly timeMs: number;
  readonly value: number;
}

/** One text at the evaluation time. */
export interface StringResult {
  readonly type: 'string';
  readonly timeMs: number;
  readonly value: string;
}

/** The value of a query; told apart by `type`. */
export type ResultData = MatrixResult | VectorResult | ScalarResult | StringResult;

/** The answer to a query, with the annotations and costs of getting it. */
export interface QueryResult {
  readonly data: ResultData;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStats;
  /** Where it was asked for. */
  readonly explain: ExplainNode | null;
}

/** Evaluates PromQL over all shards. Keeps no state between queries. */
export interface Engine {
  /** Evaluates a query (text, or a tree that was parsed before) at one time. Throws TidemarkError, see errors.ts. */
  instant(query: string | ParsedQuery, timeMs: number, options?: QueryOptions): Promise<QueryResult>;
  /** Evaluates at startMs, startMs + stepMs, ... up to endMs. */
  range(
    query: string | ParsedQuery,
    startMs: number,
    endMs: number,
    stepMs: number,
    options?: QueryOptions,
  ): Promise<QueryResult>;
  /** Parses, for a query that runs again and again. */
  parse(query: string): ParsedQuery;
}

/** A query that was parsed and type-checked, with the text it came from. */
export interface ParsedQuery {
  readonly text: string;
  readonly expr: Expr;
}

const MINUTE_MS = 60_000;

/** An engine over the given leaves; see Engine. */
export function createEngine(options: EngineOptions): Engine {
  return new QueryEngine(options);
}

class QueryEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #kernel: ExecKernel;
  readonly #features: ReadonlySet<string>;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#kernel = options.kernel ?? createExecTwin();
    this.#features = options.features ?? new Set();
  }

  parse(text: string): ParsedQuery {
    return { text, expr: parseExpr(text, { features: this.#features }) };
  }

  async instant(query: string | ParsedQuery, timeMs: number, options: QueryOptions = {}): Promise<QueryResult> {
    const at = { startMs: timeMs, stepMs: 1, steps: 1 };
    return this.#query(query, at, timeMs, 0, options, (value) => instantResult(value, timeMs));
  }

  async range(
    query: string | ParsedQuery,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: QueryOptions = {},
  ): Promise<QueryResult> {
    if (!(stepMs > 0)) throw badData('zero or negative query resolution step widths are not accepted');
    const steps = endMs < startMs ? 0 : Math.floor((endMs - startMs) / stepMs) + 1;
    const at = { startMs, stepMs, steps };
    return this.#query(query, at, endMs, stepMs, options, (value, run) => rangeResult(value, at, run), true);
  }

  async #query(
    query: string | ParsedQuery,
    at: Steps,
    endMs: number,
    stepMs: number,
    options: QueryOptions,
    shape: (value: Value, run: QueryRun) => Work<ResultData>,
    isRange = false,
  ): Promise<QueryResult> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const { text, expr } = typeof query === 'string' ? this.parse(query) : query;
    if (isRange) checkRangeType(expr);
    const parsedMs = clock.monotonicMs();
    const plan = this.#plan(expr, at, endMs, stepMs, options);
    const plannedMs = clock.monotonicMs();
    const { signal, close, stop, timeoutMs } = this.#limits(options);
    const trace = options.explain === 'run' ? new Trace() : null;
    const run = new QueryRun({
      trace,
      query: text,
      kernel: this.#kernel,
      leaves: this.#options.leaves,
      clock,
      signal,
      isCanceled: options.isCanceled,
      ...(this.#options.onYield === undefined ? {} : { onYield: this.#options.onYield }),
      deadlineMs: startedMs + timeoutMs,
      samplesMax: options.maxSamples ?? this.#options.maxSamples ?? 50_000_000,
      ...(this.#options.freeBytesMin === undefined ? {} : { freeBytesMin: this.#options.freeBytesMin }),
      bytesMax: options.maxBytes ?? this.#options.maxBytes ?? 2 ** 30,
      delayedNameRemoval: this.#features.has('promql-delayed-name-removal'),
      typeAndUnitLabels: this.#features.has('type-and-unit-labels'),
    });
    options.onRun?.(run);
    const evaluator = new Evaluator(run);
    try {
      const estimates = options.explain ? await estimate(plan, run) : null;
      const isEvaluated = at.steps > 0 && options.explain !== 'only';
      const value = !isEvaluated ? emptyOf(expr) : await evaluator.result(plan);
      const data = await run.finish(shape(value, run));
      // A matrix has been made of it, unless it is itself what the matrix has.
      if (isRange && value.type === 'vector') run.columns.drop(value, data.type === 'matrix' ? data.vs : null);
      const timings = {
        parseMs: parsedMs - startedMs,
        planMs: plannedMs - parsedMs,
        execMs: clock.monotonicMs() - plannedMs,
        leafMs: run.leafTimeMs,
      };
      const explain = estimates && explainPlan(plan, estimates, trace);
      return { data, ...run.annotations.finish(), stats: statsOf(run, timings), explain };
    } catch (error) {
      evaluator.abandon();
      // Leaves that still run for a query that failed elsewhere stop at their next slice.
      stop();
      throw error;
    } finally {
      close();
    }
  }

  #plan(expr: Expr, at: Steps, endMs: number, stepMs: number, options: QueryOptions): PlanNode {
    return buildPlan(expr, at, {
      tenant: options.tenant ?? DEFAULT_TENANT,
      startMs: at.startMs,
      endMs,
      stepMs,
      lookbackMs: options.lookbackMs ?? this.#options.lookbackMs ?? 5 * MINUTE_MS,
      defaultStepMs: this.#options.defaultStepMs ?? MINUTE_MS,
      delayedNameRemoval: this.#features.has('promql-delayed-name-removal'),
      noCache: options.noCache ?? false,
      useStarts: this.#features.has(USE_START_TIMESTAMPS),
      pushDown: this.#options.pushDown ?? true,
    });
  }

  /** One signal for the client's cancellation, the timeout and the failure of the query. */
  #limits(options: QueryOptions): { signal: AbortSignal; close: () => void; stop: () => void; timeoutMs: number } {
    const most = this.#options.timeoutMs ?? 2 * MINUTE_MS;
    const timeoutMs = Math.min(options.timeoutMs ?? most, most);
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(wasCanceled());
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const cancelTimer = this.#options.clock.after(timeoutMs, () => controller.abort(timedOut()));
    const close = (): void => {
      cancelTimer();
      options.signal?.removeEventListener('abort', onAbort);
    };
    return { signal: controller.signal, close, stop: onAbort, timeoutMs };
  }
}

/** Asks the shards about every leaf. */
async function estimate(plan: PlanNode, run: QueryRun): Promise<Estimates> {
  const found = new Map<LeafTemplate, (LeafEstimate | null)[]>();
  const ask = async (node: PlanNode): Promise<void> => {
    for (const child of childrenOf(node)) await ask(child);
    if (node.kind !== 'leaf' && node.kind !== 'samples') return;
    run.check();
    const leaf = { ...node.leaf, parameters: [], samplesMax: run.samplesLeft, bytesMax: run.bytesLeft };
    const answers = run.leaves.map((client) => client.estimate?.(leaf, run) ?? Promise.resolve(null));
    found.set(node.leaf, await Promise.all(answers));
  };
  await ask(plan);
  return found;
}

const statsOf = (run: QueryRun, timings: QueryStats['timings']): QueryStats => ({
  samplesRead: run.samplesRead,
  seriesRead: run.seriesRead,
  leaves: run.leavesRun,
  peakBytes: run.peakBytes,
  peakSamples: run.peakSamples,
  timings,
});

const TYPE_NAMES: Record<string, string> = {
  matrix: 'range vector',
  string: 'string',
  scalar: 'scalar',
  vector: 'instant vector',
};

function checkRangeType(expr: Expr): void {
  const type = typeOf(expr);
  if (type === 'scalar' || type === 'vector') return;
  const text = `invalid expression type "${TYPE_NAMES[type]}" for range query, must be Scalar or instant Vector`;
  throw new TidemarkError('bad_data', text);
}

/** The value of a query over no steps at all. */
function emptyOf(expr: Expr): Value {
  const empty = new Float64Array(0);
  if (typeOf(expr) === 'scalar') return { type: 'scalar', steps: 0, vs: empty };
  return { type: 'matrix', labels: [], ends: new Uint32Array(0), ts: empty, vs: empty, hs: null };
}

// oxlint-disable-next-line require-yield -- of one shape with rangeResult
function* instantResult(value: Value, timeMs: number): Work<ResultData> {
  switch (value.type) {
    case 'string':
      return { type: 'string', timeMs, value: value.value };
    case 'scalar':
      return { type: 'scalar', timeMs, value: value.vs[0] };
    case 'matrix':
      return matrixResult(value);
    case 'vector':
      return {
        type: 'vector',
        timeMs,
        labels: value.labels,
        vs: value.hs === null ? value.vs : value.vs.map((x, row) => (value.has[row] === 2 ? NaN : x)),
        histograms: value.hs?.map((h, row) => (value.has[row] === 2 ? h : null)) ?? null,
      };
  }
}

function* rangeResult(value: Value, at: Steps, run: QueryRun): Work<ResultData> {
  if (value.type === 'matrix') return matrixResult(value);
  if (value.type === 'string') throw executionError('cannot evaluate a string over a range');
  if (value.type === 'scalar') return scalarMatrix(value.vs, at);
  run.expect(valueBytes(value) * 2);
  const vector = withoutUnusedBlock(value);
  const order = yield* labelOrder(vector.labels, run);
  if (order === null) return yield* vectorMatrix(vector, at, run);
  const sorted = takeRows(vector, order);
  const matrix = yield* vectorMatrix(sorted, at, run);
  for (const column of [sorted.vs, sorted.has]) if (column !== matrix.vs) freeArray(column);
  return matrix;
}

const matrixResult = ({ labels, ends, ts, vs, hs }: Matrix): MatrixResult => ({
  type: 'matrix',
  labels,
  ends,
  ts,
  isGrid: false,
  vs,
  histograms: hs,
});

function scalarMatrix(vs: Float64Array, { startMs, stepMs, steps }: Steps): MatrixResult {
  const ts = new Float64Array(steps);
  for (let i = 0; i < steps; i++) ts[i] = startMs + i * stepMs;
  const none = steps === 0;
  return {
    type: 'matrix',
    labels: none ? [] : [Labels.empty],
    ends: none ? new Uint32Array(0) : Uint32Array.of(steps),
    ts,
    isGrid: false,
    vs,
    histograms: null,
  };
}

/** Step vectors to samples: a vector that has every value becomes a grid, with its own column of values. */
function* vectorMatrix(v: Vector, { startMs, stepMs }: Steps, run: QueryRun): Work<MatrixResult> {
  const { steps, has } = v;
  const points = countPresent(has);
  const times = Float64Array.from({ length: steps }, (_, i) => startMs + i * stepMs);
  if (v.hs === null && points > 0 && points === has.length) {
    const ends = Uint32Array.from(v.labels, (_, row) => (row + 1) * steps);
    return { type: 'matrix', labels: v.labels, ends, ts: times, isGrid: true, vs: v.vs, histograms: null };
  }
  const ts = new Float64Array(points);
  const vs = new Float64Array(points);
  const ends = new Uint32Array(v.labels.length);
  const histograms = v.hs === null ? null : new Array<NativeHistogram | null>(points).fill(null);
  let at = 0;
  for (let row = 0; row < v.labels.length; row++) {
    if (run.isDue(steps)) yield;
    if (histograms === null && !has.subarray(row * steps, (row + 1) * steps).includes(0)) {
      ts.set(times, at);
      vs.set(v.vs.subarray(row * steps, (row + 1) * steps), at);
      ends[row] = at += steps;
      continue;
    }
    for (let i = 0, from = row * steps; i < steps; i++, from++) {
      if (has[from] === 0) continue;
      const h = histograms && has[from] === 2 ? (v.hs?.[from] ?? null) : null;
      if (histograms) histograms[at] = h;
      ts[at] = startMs + i * stepMs;
      vs[at++] = h === null ? v.vs[from] : NaN;
    }
    ends[row] = at;
  }
  return { type: 'matrix', labels: v.labels, ends, ts, isGrid: false, vs, histograms };
}
