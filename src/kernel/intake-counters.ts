// The counters of a request as the intake kernel keeps them: u32 words, laid out in kernels/intake/request.ts.
import {
  EXEMPLAR_REASONS,
  type ExemplarReason,
  INTAKE_REASONS,
  type IntakeCounters,
  type IntakeReason,
} from './intake-kernel.ts';

export const COUNTER_WORDS = 112;
export const REFUSALS = 7;
export const EXEMPLARS_REFUSED = 12;
export const REASONS_AT = 16;
export const REASON_SAMPLES_AT = 48;
export const REFUSALS_AT = 80;
export const REFUSALS_MAX = 8;

function byReason(words: Uint32Array, at: number): Partial<Record<IntakeReason, number>> {
  const counts: Partial<Record<IntakeReason, number>> = {};
  for (let i = 1; i < INTAKE_REASONS.length; i++) if (words[at + i] > 0) counts[INTAKE_REASONS[i]] = words[at + i];
  return counts;
}

/** Reads the counter words. */
export function readCounters(words: Uint32Array): IntakeCounters {
  const refusals = Array.from({ length: words[REFUSALS] }, (_, i) => {
    const [reason, seriesIndex, offset, length] = words.subarray(REFUSALS_AT + 4 * i);
    return { reason: INTAKE_REASONS[reason], seriesIndex, offset, length };
  });
  return {
    samples: words[0],
    seriesNew: words[1],
    histograms: words[2],
    exemplars: words[3],
    exemplarsRefused: Object.fromEntries(
      EXEMPLAR_REASONS.map((reason, i) => [reason, words[EXEMPLARS_REFUSED + i]]),
    ) as Record<ExemplarReason, number>,
    samplesRefused: words[4],
    refused: byReason(words, REASONS_AT),
    refusedSamples: byReason(words, REASON_SAMPLES_AT),
    refusals,
    metadataLeftOut: words[6],
  };
}
