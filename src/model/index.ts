export { DEFAULT_TENANT, type SampleColumn, type SeriesSet, type SeriesSource } from './source.ts';
export { Labels, METRIC_NAME, compareLabels, compareUtf8 } from './labels.ts';
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
export { expandTemplate, goQuote, parseTemplate } from './go-text.ts';
