// Results of rules on their way into the store: as remote write takes samples, through the same intake, with the tenant's limits.
import type { WriteService } from '../api/index.ts';
import { TidemarkError } from '../base/index.ts';
import { DEFAULT_TENANT } from '../model/index.ts';
import type { RuleSink, RuleWrite } from '../rules/index.ts';
import { type WireSeries, compressSnappy, encodeRemoteWriteV1 } from '../wire/index.ts';

/** Of one request: far from the limit of its size. */
const REQUEST_SAMPLES_MAX = 10_000;

function wireSeries({ labels, timeMs: timestampMs, value, histogram, isStale }: RuleWrite): WireSeries {
  const pairs = [...labels];
  if (histogram && !isStale) return { labels: pairs, samples: [], histograms: [{ timestampMs, histogram }] };
  return { labels: pairs, samples: [{ timestampMs, value, stale: isStale }] };
}

/** A sink over the write side. */
export function createRuleSink(write: WriteService): RuleSink {
  return {
    async append(samples) {
      let refusal = '';
      for (let at = 0; at < samples.length; at += REQUEST_SAMPLES_MAX) {
        const series = samples.slice(at, at + REQUEST_SAMPLES_MAX).map(wireSeries);
        const result = await write.write(DEFAULT_TENANT, 1, compressSnappy(encodeRemoteWriteV1(series)));
        if (result.outcome !== 'accepted')
          throw new TidemarkError(result.outcome, `cannot store results: ${result.reason}`);
        refusal ||= result.rejected > 0 ? result.reason : '';
      }
      return refusal;
    },
  };
}
