// What was refused of a request, in words: how much for which reason, and the labels of the first ones.
import {
  INTAKE_REASONS,
  type IntakeCounters,
  type IntakeKernel,
  type IntakeLabel,
  type IntakeLimits,
  type IntakeReason,
  type IntakeRefusal,
} from '../kernel/index.ts';

/** Examples that are shown, and how much of each. */
const EXAMPLES_MAX = 3;
const LABELS_SHOWN_MAX = 12;
const TEXT_LENGTH_MAX = 40;
const EXAMPLE_LENGTH_MAX = 400;

/** Reasons that are about one sample; the others are about a series. */
const SAMPLE_REASONS: ReadonlySet<IntakeReason> = new Set([
  'too_old',
  'too_new',
  'time_out_of_range',
  'series_limit',
  ...INTAKE_REASONS.filter((reason) => reason.startsWith('histogram_')),
]);

const reasonTexts: Readonly<Record<IntakeReason, string | ((limits: IntakeLimits) => string)>> = {
  none: '',
  no_metric_name: 'invalid metric name or labels: the metric name is missing',
  empty_label_name: 'invalid labels: a label name is empty',
  duplicate_label_name: 'invalid labels: a label name is given twice',
  invalid_utf8: 'invalid labels: not valid UTF-8',
  too_many_labels: ({ labelCountMax }) => `too many labels: the limit is ${labelCountMax}`,
  label_name_too_long: ({ nameBytesMax }) => `a label name is too long: the limit is ${nameBytesMax} bytes`,
  label_value_too_long: ({ valueBytesMax }) => `a label value is too long: the limit is ${valueBytesMax} bytes`,
  too_old: 'out of bounds: the sample is older than the retention',
  too_new: 'out of bounds: the sample is more than 10 minutes in the future',
  time_out_of_range: 'out of bounds: the timestamp is not within 2^53 milliseconds',
  bad_symbol_ref: 'invalid labels: a label refers to a symbol that is not there',
  odd_label_refs: 'invalid labels: an odd number of label references',
  no_samples: 'a time series has neither samples nor histograms',
  labels_too_long: ({ labelBytesMax }) => `the labels are too long together: the limit is ${labelBytesMax} bytes`,
  series_limit: ({ activeSeriesMax }) =>
    `the series is new, and the limit of ${activeSeriesMax} active series is reached`,
  // As Prometheus words them.
  histogram_schema: 'histogram has an invalid schema',
  histogram_span_offset: 'histogram has a span whose offset is negative',
  histogram_spans: 'histogram spans specify different number of buckets than provided',
  histogram_negative: 'histogram has a bucket whose observation count is negative',
  histogram_count_small:
    "histogram's observation count should be at least the number of observations found in the buckets",
  histogram_count_differs:
    "histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)",
  histogram_bounds: 'histogram custom bounds must be finite and in strictly increasing order',
  histogram_bounds_few: 'histogram custom bounds are too few',
  histogram_custom: 'custom buckets: must have neither a zero bucket nor negative buckets',
  histogram_exponential_bounds: 'histogram with exponential schema must not have custom bounds',
  histogram_range: 'histogram has a bucket index, number of buckets or zero threshold that is out of range',
};

/** Why, and at which limit. */
export function reasonText(reason: IntakeReason, limits: IntakeLimits): string {
  const text = reasonTexts[reason];
  return typeof text === 'string' ? text : text(limits);
}

const decoder = new TextDecoder(); // what is no text shows as U+FFFD

function shownText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes.subarray(0, TEXT_LENGTH_MAX * 4));
  return text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)}...`;
}

/** `{a="b", c="d"}`, cut short where it is long. */
function shownLabels(labels: readonly IntakeLabel[]): string {
  const parts = labels.slice(0, LABELS_SHOWN_MAX).map(([nameBytes, valueBytes]) => {
    const name = shownText(nameBytes);
    const shown = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
    return `${shown}=${JSON.stringify(shownText(valueBytes))}`;
  });
  if (labels.length > LABELS_SHOWN_MAX) parts.push('...');
  const text = `{${parts.join(', ')}}`;
  return text.length <= EXAMPLE_LENGTH_MAX ? text : `${text.slice(0, EXAMPLE_LENGTH_MAX)}...`;
}

function countText(reason: IntakeReason, count: number): string {
  if (SAMPLE_REASONS.has(reason)) return count === 1 ? '1 sample' : `${count} samples`;
  return `${count} time series`;
}

/**
 * What the sender is told: a line of counts, then a line for each of the first refusals. '' if nothing was refused that is
 * not in `silent`. Within the request only: the labels are read off the kernel.
 */
export function refusalText(
  kernel: IntakeKernel,
  { refused, refusals, samples, histograms }: IntakeCounters,
  limits: IntakeLimits,
  silent: ReadonlySet<IntakeReason>,
): string {
  const told = INTAKE_REASONS.filter((reason) => refused[reason] && !silent.has(reason));
  if (told.length === 0) return '';
  const counts = told.map(
    (reason) => `${countText(reason, refused[reason] ?? 0)} refused: ${reasonText(reason, limits)}`,
  );
  const place = ({ reason, seriesIndex, offset }: IntakeRefusal, index: number): string => {
    const labels = shownLabels(kernel.refusedLabels(index, LABELS_SHOWN_MAX + 1));
    return `${labels}: ${reason} (time series ${seriesIndex}, at byte ${offset} of the decoded body)`;
  };
  const examples = refusals
    .map((refusal, index) => ({ refusal, index }))
    .filter(({ refusal }) => !silent.has(refusal.reason))
    .slice(0, EXAMPLES_MAX)
    .map(({ refusal, index }) => place(refusal, index));
  return [`${counts.join('; ')}; samples stored: ${samples + histograms}`, ...examples].join('\n');
}
