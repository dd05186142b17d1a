// Remote write: the body through the intake, and what became of it in words.
import type { WriteResult, WriteService, WriteVersion } from '../api/index.ts';
import { type Logger, errorText } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import {
  INTAKE_CODES,
  type IntakeCode,
  type IntakeCounters,
  type IntakeKernel,
  type IntakeReason,
} from '../kernel/index.ts';
import { type Intake, isBusy } from '../tsdb/index.ts';
import type { Limits } from './limits.ts';
import { refusalText } from './limits-text.ts';

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

/** Reasons for which a sender of 1.0 is not told off: Prometheus leaves such series out silently. */
const SILENT_IN_V1: ReadonlySet<IntakeReason> = new Set([
  'no_metric_name',
  'empty_label_name',
  'duplicate_label_name',
  'invalid_utf8',
  'no_samples',
]);
const NOTHING_SILENT: ReadonlySet<IntakeReason> = new Set();

export interface WriteServiceParts {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retentionMs: number;
  readonly limits: Limits;
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

interface Encoded {
  readonly code: IntakeCode;
  readonly counters: IntakeCounters;
  readonly refusal: string;
}

async function write(
  parts: WriteServiceParts,
  tenant: string,
  version: WriteVersion,
  body: Uint8Array,
): Promise<WriteResult> {
  const { intake, limits, logger, onResult } = parts;
  const waitMs = limits.waitMs(tenant);
  if (waitMs > 0) {
    const retryAfterSeconds = Math.ceil(waitMs / 1000);
    return { ...nothing, outcome: 'limited', reason: limits.rateText(tenant), retryAfterSeconds };
  }
  let taken = 0;
  const encode = (kernel: IntakeKernel): Encoded => {
    const encoded = encodeBody(parts, kernel, { tenant, version, body });
    const { samples, histograms, samplesRefused } = encoded.counters;
    taken = samples + histograms + samplesRefused;
    limits.take(tenant, taken);
    return encoded;
  };
  try {
    const { code, counters, refusal } = await intake.commit(tenant, encode);
    if (code !== INTAKE_CODES.ok)
      return { ...nothing, outcome: 'malformed', reason: codeTexts[code] ?? `code ${code}` };
    limits.record(tenant, counters);
    onResult(counters);
    return accepted(counters, refusal);
  } catch (error) {
    limits.take(tenant, -taken);
    const reason = errorText(error);
    if (isBusy(error)) return { ...nothing, outcome: 'busy', reason };
    logger.error('cannot store remote write', { tenant, error: reason });
    return { ...nothing, outcome: 'failed', reason };
  }
}

/** Puts the body's samples into the kernel's batches. */
function encodeBody(
  { clock, retentionMs, limits }: WriteServiceParts,
  kernel: IntakeKernel,
  { tenant, version, body }: { tenant: string; version: WriteVersion; body: Uint8Array },
): Encoded {
  const nowMs = clock.nowMs();
  const bounds = { ...limits.of(tenant), minTimestampMs: nowMs - retentionMs, maxTimestampMs: nowMs + FUTURE_MS };
  const code = version === 1 ? kernel.remoteWrite1(body, bounds) : kernel.remoteWrite2(body, bounds);
  const { counters } = kernel;
  return {
    code,
    counters,
    refusal: refusalText(kernel, counters, bounds, version === 1 ? SILENT_IN_V1 : NOTHING_SILENT),
  };
}

function accepted(counters: IntakeCounters, refusal: string): WriteResult {
  const { samples, refused, histograms, exemplars } = counters;
  const refusedCount = Object.values(refused).reduce((sum, count) => sum + count, 0);
  return {
    ...nothing,
    outcome: 'accepted',
    samplesWritten: samples,
    histogramsWritten: histograms,
    exemplarsWritten: exemplars,
    rejected: refusal === '' ? 0 : refusedCount,
    reason: refusal,
  };
}
