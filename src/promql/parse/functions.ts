// The functions of PromQL and their signatures.
//
// `args` are the types of the arguments. `variadic` 0: exactly these. n > 0: the last one may be missing or be there up
// to n times. -1: the last one may be missing or be there any number of times.
import type { ValueType } from '../ast.ts';

/** A function's signature, see the top of the file. */
export interface FunctionSignature {
  readonly name: string;
  readonly args: readonly ValueType[];
  readonly variadic: number;
  readonly returns: ValueType;
  /** The feature flags that all must be on; none for a stable function. */
  readonly features: readonly string[];
}

/** Feature flags of Prometheus that change what parses. */
export const EXPERIMENTAL_FUNCTIONS = 'promql-experimental-functions';
export const EXTENDED_RANGE_SELECTORS = 'promql-extended-range-selectors';
export const BINOP_FILL_MODIFIERS = 'promql-binop-fill-modifiers';
export const USE_START_TIMESTAMPS = 'use-start-timestamps';

/** Every feature flag the parser knows. */
export const ALL_PARSER_FEATURES: ReadonlySet<string> = new Set([
  EXPERIMENTAL_FUNCTIONS,
  EXTENDED_RANGE_SELECTORS,
  BINOP_FILL_MODIFIERS,
  USE_START_TIMESTAMPS,
]);

const LETTER_TYPES: Record<string, ValueType> = { v: 'vector', m: 'matrix', s: 'scalar', t: 'string' };

/** `arguments -> result`, one letter per type (v vector, m matrix, s scalar, t string), and the names that have it. */
const STABLE: readonly (readonly [signature: string, variadic: number, names: string])[] = [
  [
    'v>v',
    0,
    'abs absent ceil deg exp floor ln log2 log10 rad sgn sort sort_desc sqrt timestamp ' +
      'acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh ' +
      'histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar',
  ],
  ['v>v', 1, 'day_of_month day_of_week day_of_year days_in_month hour minute month year'],
  [
    'm>v',
    0,
    'absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate ' +
      'last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time ' +
      'sum_over_time',
  ],
  ['vss>v', 0, 'clamp'],
  ['vs>v', 0, 'clamp_max clamp_min'],
  ['vs>v', 1, 'round'],
  ['v>s', 0, 'scalar'],
  ['s>v', 0, 'vector'],
  ['>s', 0, 'pi time'],
  ['ssv>v', 0, 'histogram_fraction'],
  ['sv>v', 0, 'histogram_quantile'],
  ['vtttt>v', 0, 'label_replace'],
  ['vttt>v', -1, 'label_join'],
  ['ms>v', 0, 'predict_linear'],
  ['sm>v', 0, 'quantile_over_time'],
];

const EXPERIMENTAL: typeof STABLE = [
  ['m>v', 0, 'mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time'],
  ['mss>v', 0, 'double_exponential_smoothing'],
  ['vt>v', -1, 'sort_by_label sort_by_label_desc'],
  ['vtss>v', 9, 'histogram_quantiles'],
  ['vv>v', 1, 'info'],
  ['ss>s', 0, 'min_of max_of'],
  ['>s', 0, 'start end range step'],
];

const START_TIMESTAMP: typeof STABLE = [['v>v', 0, 'start_timestamp']];

function* signatures(table: typeof STABLE, features: readonly string[]): Generator<[string, FunctionSignature]> {
  for (const [signature, variadic, names] of table) {
    const [from, to] = signature.split('>');
    const args = [...from].map((letter) => LETTER_TYPES[letter]);
    for (const name of names.split(' ')) {
      yield [name, { name, args, variadic, returns: LETTER_TYPES[to], features }];
    }
  }
}

/** All functions by name, stable and experimental. */
export const FUNCTIONS: ReadonlyMap<string, FunctionSignature> = new Map([
  ...signatures(STABLE, []),
  ...signatures(EXPERIMENTAL, [EXPERIMENTAL_FUNCTIONS]),
  ...signatures(START_TIMESTAMP, [EXPERIMENTAL_FUNCTIONS, USE_START_TIMESTAMPS]),
]);
