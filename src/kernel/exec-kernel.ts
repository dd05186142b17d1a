// What PromQL does to columns of samples, as numbers in and numbers out. Two implementations: the kernel in kernels/exec
// (WebAssembly) and its twin in exec-twin.ts (plain TypeScript), which is its specification.
//
// A *column* is the samples of one series in time order: `ts` in milliseconds since the epoch (exact integers in float64),
// `vs` the raw value bits. A *step vector* is one value per evaluation step and a presence byte: 0 nothing, 1 a float.
// (2 will be a native histogram, which lives beside the floats.) Steps are startMs + i * stepMs, 0 <= i < steps.
//
// Order of floating point operations is Prometheus' (promql/functions.go, engine.go of 3.x): results are equal to the bit.

/** Range functions: columns in, step vectors out. The window of step t is (t - rangeMs, t]; stale markers are not in it. */
export const RANGE_FUNCTIONS = [
  'last_over_time',
  'first_over_time',
  'sum_over_time',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'count_over_time',
  'present_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'mad_over_time',
  'rate',
  'increase',
  'delta',
  'irate',
  'idelta',
  'deriv',
  'predict_linear',
  'changes',
  'resets',
  'double_exponential_smoothing',
  'ts_of_first_over_time',
  'ts_of_last_over_time',
  'ts_of_max_over_time',
  'ts_of_min_over_time',
] as const;
/** One of RANGE_FUNCTIONS. */
export type RangeFunction = (typeof RANGE_FUNCTIONS)[number];

/** Aggregations that fold series by series. topk, quantile and the like need all series of a group and are not here. */
export const FOLD_OPERATORS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'] as const;
/** One of FOLD_OPERATORS. */
export type FoldOperator = (typeof FOLD_OPERATORS)[number];

/** The evaluation steps of a call. */
export interface Steps {
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
}

/** Group accumulators of one aggregation: groups x steps. */
export interface Accumulator {
  readonly op: FoldOperator;
  readonly groups: number;
  readonly steps: number;
  /** Bytes it occupies, for the query's budget. */
  readonly byteLength: number;
  /** Folds the kernel's current step vector (`out`, `present`) into a group. */
  add(group: number): void;
  /** Folds another accumulator's state of a group into ours; the state comes from exportState() of the same op and steps. */
  merge(group: number, state: Float64Array): void;
  /** Numbers of a state. */
  readonly stateLength: number;
  /** Writes the group's state to [at, at + stateLength): plain numbers, raw bits among them, which are what crosses threads and the network. Layout is private to the implementation pair. */
  exportState(group: number, into: Float64Array, at: number): void;
  /** Writes the group's final step vector to the kernel's `out` and `present`. */
  finish(group: number): void;
  free(): void;
}

/** One instance per shard worker and query worker. Not re-entrant. */
export interface ExecKernel {
  /**
   * Makes room for columns of `samples` and step vectors of `steps`. Views taken before are stale afterwards, and what was
   * in the column is lost. accumulator(), merge() and exportState() may make views stale too, but lose nothing: read the
   * properties anew instead of holding views.
   */
  reserve(samples: number, steps: number): void;
  /** Input column: filled by the caller, [0, n). */
  readonly ts: Float64Array;
  readonly vs: Float64Array;
  /** The same memory as `vs`, as 32-bit words: for raw bits. */
  readonly vsWords: Uint32Array;
  /** Output step vector. */
  readonly out: Float64Array;
  readonly present: Uint8Array;

  /**
   * A range function over every step's window of the column [0, n). `parameter`: quantile of quantile_over_time, seconds of
   * predict_linear, smoothing factors (sf, tf) of double_exponential_smoothing. Steps are window ends: under `offset` and
   * `@` they differ from the evaluation times, and predict_linear, the one function that looks at the evaluation time, is
   * told by `parameter2` how many milliseconds it is past the window's end (offset 5m: 300000).
   * Returns the number of steps that have a value. `out` of a step without value is undefined.
   */
  range(fn: RangeFunction, n: number, at: Steps, rangeMs: number, parameter?: number, parameter2?: number): number;

  /**
   * Instant selection: the newest sample in (t - lookbackMs, t], unless it is a stale marker. With `timestamps` the
   * value is the sample's own time in seconds (function timestamp()). Returns the number of steps that have a value.
   */
  instant(n: number, at: Steps, lookbackMs: number, timestamps?: boolean): number;

  /** `out` becomes the value at step 0 everywhere, `present` too: for `@` and constant leaves. */
  spread(steps: number): void;

  accumulator(op: FoldOperator, groups: number, steps: number): Accumulator;

  /** Memory that it occupies. It never shrinks by itself. */
  readonly memoryBytes: number;
  /** Begins anew with little memory. Nobody may be in the middle of something: no accumulator is left, no column is read on. */
  reset(): void;
}
