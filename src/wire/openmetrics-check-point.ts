// What OpenMetrics 1.0 asks of the samples of each metric type: suffixes, labels, values, and that the samples of one point
// (a metric at one time) make a whole.
import { TidemarkError } from '../base/index.ts';
import { type MetricType, parseFloatText } from './exposition-scan.ts';

/** A sample under check; labels without the metric's name. */
export interface CheckedSample {
  readonly suffix: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** Suffixes that samples of a type may add to the family's name. */
export const SUFFIXES: Readonly<Record<MetricType, readonly string[]>> = {
  unknown: [''],
  gauge: [''],
  counter: ['_total', '_created'],
  stateset: [''],
  info: ['_info'],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  gaugehistogram: ['_bucket', '_gsum', '_gcount'],
  summary: ['', '_sum', '_count', '_created'],
};

/** Where exemplars may stand. */
export const EXEMPLAR_SUFFIXES: Readonly<Partial<Record<MetricType, readonly string[]>>> = {
  counter: ['_total'],
  histogram: ['_bucket'],
  gaugehistogram: ['_bucket'],
};

/** The label that tells samples of one point apart, by family and suffix. */
export const POINT_LABEL: Readonly<
  Partial<Record<MetricType, (family: string, suffix: string) => string | undefined>>
> = {
  histogram: (_, suffix) => (suffix === '_bucket' ? 'le' : undefined),
  gaugehistogram: (_, suffix) => (suffix === '_bucket' ? 'le' : undefined),
  summary: (_, suffix) => (suffix === '' ? 'quantile' : undefined),
  stateset: (family) => family,
};

function fail(text: string): never {
  throw new TidemarkError('rule', text);
}

/** A float in a label, which must be there. */
function labelFloat(sample: CheckedSample, label: string, name: string): number {
  const text = sample.labels.get(label);
  if (text === undefined) fail(`${name} has no label ${label}`);
  const value = parseFloatText(text);
  if (typeof value === 'string' || Number.isNaN(value)) fail(`${name} has a label ${label} that is no number: ${text}`);
  return value;
}

const notNegative = (value: number): boolean => value >= 0;

// Samples that count something: from zero up, and a number.
const COUNTS = new Set([
  'counter_total',
  'histogram_bucket',
  'histogram_count',
  'histogram_sum',
  'gaugehistogram_bucket',
  'gaugehistogram_gcount',
  'summary_count',
  'summary_sum',
]);

/** Checks one sample by itself. */
export function checkSample(type: MetricType, family: string, sample: CheckedSample): void {
  const { suffix, labels, value } = sample;
  const name = family + suffix;
  if (COUNTS.has(type + suffix) && !notNegative(value)) fail(`${name} must be a number from 0 up; got ${value}`);
  if (suffix === '_gsum' && Number.isNaN(value)) fail(`${name} may not be NaN`);
  if (suffix === '_bucket') labelFloat(sample, 'le', name);
  else if ((type === 'histogram' || type === 'gaugehistogram') && labels.has('le'))
    fail(`${name} may not have a label le`);
  if (type === 'summary') checkSummary(sample, name);
  if (type === 'info' && value !== 1) fail(`${name} must be 1; got ${value}`);
  if (type === 'stateset') {
    if (!labels.has(family)) fail(`${name} has no label ${family}`);
    if (value !== 0 && value !== 1) fail(`${name} must be 0 or 1; got ${value}`);
  }
}

function checkSummary(sample: CheckedSample, name: string): void {
  if (sample.suffix === '') {
    const quantile = labelFloat(sample, 'quantile', name);
    if (!(quantile >= 0 && quantile <= 1)) fail(`${name} has a quantile outside of 0 to 1`);
    if (sample.value < 0) fail(`${name} may not be negative; got ${sample.value}`);
  } else if (sample.labels.has('quantile')) {
    fail(`${name} may not have a label quantile`);
  }
}

/** Checks the samples of one point together. */
export function checkPoint(type: MetricType, family: string, point: readonly CheckedSample[]): void {
  const seen = new Set<string>();
  for (const { suffix, labels } of point) {
    const own = POINT_LABEL[type]?.(family, suffix);
    const key = `${suffix}\0${own === undefined ? '' : labels.get(own)}`;
    if (seen.has(key)) fail(`${family}${suffix} is there twice`);
    seen.add(key);
  }
  if (type === 'counter' && !seen.has('_total\0')) fail(`${family}_created is there without ${family}_total`);
  if (type === 'histogram') checkBuckets(family, point, '_sum', '_count');
  if (type === 'gaugehistogram') checkBuckets(family, point, '_gsum', '_gcount');
}

function checkBuckets(family: string, point: readonly CheckedSample[], sumSuffix: string, countSuffix: string): void {
  const buckets = point.filter(({ suffix }) => suffix === '_bucket');
  const sum = point.find(({ suffix }) => suffix === sumSuffix);
  const count = point.find(({ suffix }) => suffix === countSuffix);
  if (buckets.length === 0) fail(`${family} has no buckets`);
  let bound = -Infinity;
  let below = 0;
  for (const bucket of buckets) {
    const le = labelFloat(bucket, 'le', `${family}_bucket`);
    if (bucket !== buckets[0] && le <= bound) fail(`buckets of ${family} are not in order of le`);
    if (bucket.value < below) fail(`buckets of ${family} are not cumulative`);
    bound = le;
    below = bucket.value;
  }
  const last = buckets[buckets.length - 1].labels.get('le');
  if (last !== '+Inf') fail(`${family} has no bucket of le="+Inf"`);
  if (count && count.value !== below) fail(`${family}${countSuffix} differs from the last bucket`);
  if ((sum === undefined) !== (count === undefined)) {
    fail(`${family} has one of ${sumSuffix} and ${countSuffix} without the other`);
  }
  const negative = labelFloat(buckets[0], 'le', `${family}_bucket`) < 0;
  if (sum && negative && sumSuffix === '_sum') fail(`${family} has a negative bucket and a sum`);
  if (sum && !negative && sum.value < 0) fail(`${family}${sumSuffix} may not be negative; got ${sum.value}`);
}
