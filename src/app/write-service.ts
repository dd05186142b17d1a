// Remote write: the body through the intake, and what became of it in words.
import type { WriteResult, WriteService, WriteVersion } from '../api/index.ts';
import { type Logger, errorText } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import {
  INTAKE_CODES,
  type IntakeCode,
  type IntakeCounters,
  type IntakeKernel,
  type IntakeLimits,
  type IntakeReason,
} from '../kernel/index.ts';
import { type Intake, isBusy } from '../tsdb/index.ts';

/** As Prometheus: samples further in the future are out of bounds. */
const FUTURE_MS = 600_000;
const RETRY_AFTER_SECONDS = 1;

const codeTexts: Readonly<Record<number, string>> = {
  [INTAKE_CODES.snappyCorrupt]: 'snappy: corrupt input',
  [INTAKE_CODES.tooLarge]: 'decoded size is beyond the limit of 33554432 bytes',
  [INTAKE_CODES.malformed]: 'cannot decode protobuf message: the body is malformed',
  [INTAKE_CODES.outOfMemory]: 'out of memory for the request',
  [INTAKE_CODES.tooExpensive]: 'the request expands to more than can be processed',
};

const reasonTexts: Readonly<Record<IntakeReason, string>> = {
  none: '',
  no_metric_name: 'invalid metric name or labels: the metric name is missing',
  empty_label_name: 'invalid labels: a label name is empty',
  duplicate_label_name: 'invalid labels: a label name is given twice',
  invalid_utf8: 'invalid labels: not valid UTF-8',
  too_many_labels: 'too many labels',
  label_name_too_long: 'a label name is too long',
  label_value_too_long: 'a label value is too long',
  too_old: 'out of bounds: the sample is older than the retention',
  too_new: 'out of bounds: the sample is more than 10 minutes in the future',
  time_out_of_range: 'out of bounds: the timestamp is not within 2^53 milliseconds',
  bad_symbol_ref: 'invalid labels: a label refers to a symbol that is not there',
  odd_label_refs: 'invalid labels: an odd number of label references',
  no_samples: 'a time series has neither samples nor histograms',
  labels_too_long: 'the labels are too long together',
};

/** Reasons for which a sender of 1.0 is not told off: Prometheus leaves such series out silently. */
const SILENT_IN_V1: ReadonlySet<IntakeReason> = new Set([
  'no_metric_name',
  'empty_label_name',
  'duplicate_label_name',
  'invalid_utf8',
  'no_samples',
]);

export interface WriteServiceParts {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retentionMs: number;
  readonly limits: Omit<IntakeLimits, 'minTimestampMs' | 'maxTimestampMs'>;
  /** Samples stored and refused, for metrics. */
  readonly onResult: (counters: IntakeCounters) => void;
}

export function createWriteService(parts: WriteServiceParts): WriteService {
  return { write: (tenant, version, body) => write(parts, tenant, version, body) };
}

const nothing: Omit<WriteResult, 'outcome' | 'reason'> = {
  samplesWritten: 0,
  histogramsWritten: 0,
  exemplarsWritten: 0,
  rejected: 0,
  retryAfterSeconds: RETRY_AFTER_SECONDS,
};

async function write(
  { intake, clock, logger, retentionMs, limits, onResult }: WriteServiceParts,
  tenant: string,
  version: WriteVersion,
  body: Uint8Array,
): Promise<WriteResult> {
  const nowMs = clock.nowMs();
  const bounds = { ...limits, minTimestampMs: nowMs - retentionMs, maxTimestampMs: nowMs + FUTURE_MS };
  const encode = (kernel: IntakeKernel): { code: IntakeCode; counters: IntakeCounters; refusal: string } => {
    const code = version === 1 ? kernel.remoteWrite1(body, bounds) : kernel.remoteWrite2(body, bounds);
    const { counters } = kernel;
    return { code, counters, refusal: refusalText(counters, version) };
  };
  try {
    const { code, counters, refusal } = await intake.commit(tenant, encode);
    if (code !== INTAKE_CODES.ok)
      return { ...nothing, outcome: 'malformed', reason: codeTexts[code] ?? `code ${code}` };
    onResult(counters);
    return {
      outcome: 'accepted',
      samplesWritten: counters.samples,
      histogramsWritten: 0,
      exemplarsWritten: 0,
      rejected: refusal === '' ? 0 : refusedCount(counters),
      reason: refusal,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    };
  } catch (error) {
    const reason = errorText(error);
    if (isBusy(error)) return { ...nothing, outcome: 'busy', reason };
    logger.error('cannot store remote write', { tenant, error: reason });
    return { ...nothing, outcome: 'failed', reason };
  }
}

const refusedCount = ({ refused }: IntakeCounters): number =>
  Object.values(refused).reduce((sum, count) => sum + count, 0);

/** What the sender is told about refused series and samples; '' if nothing. */
function refusalText({ refused, firstRefusal, histograms }: IntakeCounters, version: WriteVersion): string {
  const told = Object.entries(refused).filter(([reason]) => version === 2 || !SILENT_IN_V1.has(reason as IntakeReason));
  if (told.length === 0)
    return histograms > 0 ? `${histograms} native histograms were left out: they are not stored yet` : '';
  const place = firstRefusal
    ? ` (time series ${firstRefusal.seriesIndex}, at byte ${firstRefusal.offset} of the decoded body)`
    : '';
  return told.map(([reason, count]) => `${count} refused: ${reasonTexts[reason as IntakeReason]}`).join('; ') + place;
}
