// The counters of a request as the intake kernel keeps them: u32 words, laid out in kernels/intake/request.ts.
import { INTAKE_REASONS, type IntakeCounters, type IntakeReason } from './intake-kernel.ts';

const REASONS_AT = 16;

/** Reads the counter words. */
export function readCounters(words: Uint32Array): IntakeCounters {
  const refused: Partial<Record<IntakeReason, number>> = {};
  for (let i = 1; i < INTAKE_REASONS.length; i++) {
    if (words[REASONS_AT + i] > 0) refused[INTAKE_REASONS[i]] = words[REASONS_AT + i];
  }
  const reason = INTAKE_REASONS[words[7]];
  return {
    samples: words[0],
    seriesNew: words[1],
    histograms: words[2],
    exemplars: words[3],
    samplesRefused: words[4],
    refused,
    firstRefusal: words[7] === 0 ? null : { reason, seriesIndex: words[8], offset: words[9], length: words[10] },
    metadataLeftOut: words[6],
  };
}
