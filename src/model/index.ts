export { ChangeLog, type SourceChanges } from './change-log.ts';
export {
  DEFAULT_TENANT,
  type HistogramSamples,
  type LevelColumn,
  type SampleColumn,
  type SeriesSet,
  type SeriesSource,
} from './source.ts';
export { StartTimes } from './start-times.ts';
export { Labels, METRIC_NAME, compareLabels, compareUtf8 } from './labels.ts';
export { mergeTexts, sortTexts } from './text-order.ts';
export {
  type MatchOperator,
  type Matcher,
  compileRegex,
  literalAlternatives,
  matcherTest,
  matchesEmpty,
} from './matcher.ts';
export {
  NORMAL_NAN_BITS,
  STALE_NAN_BITS,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
  isStaleAt,
  setStaleAt,
} from './staleness.ts';
export { tenantProblem } from './tenant.ts';
export { type NameScheme, isValidLabelName, isValidMetricName } from './names.ts';
export {
  DEFAULT_RELABEL,
  LabelsBuilder,
  RELABEL_ACTIONS,
  type RelabelAction,
  type RelabelConfig,
  compileRelabel,
  compileRelabelRegex,
  compileRelabelRules,
  relabelProblem,
} from './relabel.ts';
export { expandTemplate, goLower, goQuote, goUpper, parseTemplate } from './go-text.ts';
export { formatG, plainDecimal } from './go-float.ts';
export {
  type BucketCounts,
  CUSTOM_SCHEMA,
  NO_BOUNDS,
  type NativeHistogram,
  type ResetHint,
  compact,
  divide,
  equalHistograms,
  histogramBytes,
  multiply,
  newHistogram,
  toSchema,
  upperBound,
  usesCustomBounds,
  withHint,
} from './histogram.ts';
export { type HistogramSum, addHistograms, subtractHistograms } from './histogram-add.ts';
export { type AddOutcome, HistogramAccumulator, HistogramAverage } from './histogram-sum.ts';
export {
  type BucketRow,
  type HistogramBucket,
  allBuckets,
  bucketRows,
  bucketsOf,
  histogramText,
  zeroBucketOf,
} from './histogram-buckets.ts';
export { detectReset, storedHint } from './histogram-reset.ts';
export { histogramProblem, shapeProblem } from './histogram-check.ts';
export { decodeHistogram, encodeHistogram, histogramFromBytes, histogramToBytes } from './histogram-codec.ts';
