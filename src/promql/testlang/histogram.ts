// Histogram literals of the test language: {{schema:1 sum:5 count:4 buckets:[1 2] offset:-1 ...}}, every field optional.
import { TidemarkError } from '../../base/index.ts';
import {
  type BucketCounts,
  type NativeHistogram,
  addHistograms,
  newHistogram,
  subtractHistograms,
} from '../../model/index.ts';

/** What the test language cannot read. */
export const notReadable = (text: string): TidemarkError => new TidemarkError('bad_data', text);

export type CounterResetHint = 'unknown' | 'reset' | 'not_reset' | 'gauge';

/** Buckets of one sign: counts from bucket index `offset` on. */
export interface BucketRun {
  readonly offset: number;
  readonly counts: readonly number[];
}

/** A native histogram as a literal gives it. */
export interface Histogram {
  readonly schema: number;
  readonly count: number;
  readonly sum: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: BucketRun;
  readonly negative: BucketRun;
  /** Upper bounds of schema -53. */
  readonly customValues: readonly number[];
  /** Only where the literal says so. */
  readonly counterResetHint?: CounterResetHint;
}

const FIELD = /^([a-z_]+):(\[[^\]]*\]|\S+)(?:\s+|$)/;
const HINTS: ReadonlySet<string> = new Set(['unknown', 'reset', 'not_reset', 'gauge']);
const ARRAYS: ReadonlySet<string> = new Set(['buckets', 'n_buckets', 'custom_values']);
const NUMBERS: ReadonlySet<string> = new Set('schema sum count z_bucket z_bucket_w offset n_offset'.split(' '));

export function parseNumber(text: string): number {
  const lower = text.toLowerCase();
  const match = /^([+-]?)(inf|nan|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/.exec(lower);
  if (!match) throw notReadable(`not a number: ${text}`);
  const [, sign, digits] = match;
  const value = digits === 'inf' ? Number.POSITIVE_INFINITY : digits === 'nan' ? Number.NaN : Number(digits);
  return sign === '-' ? -value : value;
}

/** `body` is what stands between the double braces. */
export function parseHistogram(body: string): Histogram {
  const numbers = new Map<string, number>();
  const arrays = new Map<string, number[]>();
  let hint: CounterResetHint | undefined;
  for (let rest = body.trim(); rest !== ''; ) {
    const field = FIELD.exec(rest);
    if (!field) throw notReadable(`not a histogram field: ${rest}`);
    const [whole, key, value] = field;
    if (numbers.has(key) || arrays.has(key)) throw notReadable(`duplicate key "${key}" in histogram`);
    if (key === 'counter_reset_hint' && HINTS.has(value)) hint = value as CounterResetHint;
    else if (ARRAYS.has(key) && value.startsWith('[')) arrays.set(key, numberList(value.slice(1, -1)));
    else if (NUMBERS.has(key)) numbers.set(key, parseNumber(value));
    else throw notReadable(`not a histogram field: ${whole.trim()}`);
    rest = rest.slice(whole.length);
  }
  const number = (key: string): number => numbers.get(key) ?? 0;
  return {
    schema: number('schema'),
    count: number('count'),
    sum: number('sum'),
    zeroCount: number('z_bucket'),
    zeroThreshold: number('z_bucket_w'),
    positive: { offset: number('offset'), counts: arrays.get('buckets') ?? [] },
    negative: { offset: number('n_offset'), counts: arrays.get('n_buckets') ?? [] },
    customValues: arrays.get('custom_values') ?? [],
    ...(hint ? { counterResetHint: hint } : {}),
  };
}

const numberList = (text: string): number[] => text.split(/\s+/).filter(Boolean).map(parseNumber);

/** `base` plus `sign` times `step`, in the resolution of `base`, which `step` must not be below. */
export function addHistogram(base: Histogram, step: Histogram, sign: 1 | -1): Histogram {
  if (base.schema > step.schema) {
    throw notReadable(`cannot merge from schema ${step.schema} to ${base.schema}`);
  }
  const sum = (sign === 1 ? addHistograms : subtractHistograms)(toNative(base), toNative(step));
  if (sum === null) throw notReadable('cannot combine exponential and custom buckets');
  const { counterResetHint, ...rest } = fromNative(sum.histogram);
  return base.counterResetHint || step.counterResetHint ? { ...rest, counterResetHint } : rest;
}

const toBuckets = ({ offset, counts }: BucketRun): BucketCounts => ({
  indexes: Int32Array.from(counts, (_, i) => offset + i),
  counts: Float64Array.from(counts),
});

/** As the engine has it. */
export const toNative = (h: Histogram): NativeHistogram =>
  newHistogram({
    schema: h.schema,
    resetHint: h.counterResetHint ?? 'unknown',
    count: h.count,
    sum: h.sum,
    zeroCount: h.zeroCount,
    zeroThreshold: h.zeroThreshold,
    positive: toBuckets(h.positive),
    negative: toBuckets(h.negative),
    customBounds: Float64Array.from(h.customValues),
  });

function fromBuckets({ indexes, counts }: BucketCounts): BucketRun {
  if (indexes.length === 0) return { offset: 0, counts: [] };
  const offset = indexes[0];
  const run = new Array<number>(indexes[indexes.length - 1] - offset + 1).fill(0);
  indexes.forEach((index, i) => (run[index - offset] = counts[i]));
  return { offset, counts: run };
}

/** A histogram of the engine as the test language has it. */
export const fromNative = (h: NativeHistogram): Histogram => ({
  schema: h.schema,
  counterResetHint: h.resetHint,
  count: h.count,
  sum: h.sum,
  zeroCount: h.zeroCount,
  zeroThreshold: h.zeroThreshold,
  positive: fromBuckets(h.positive),
  negative: fromBuckets(h.negative),
  customValues: [...h.customBounds],
});
