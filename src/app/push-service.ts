// What comes in by other protocols than remote write goes the same way: as a body of remote write through the write service, in
// parts that stay below its limits.
import type { WriteResult, WriteService } from '../api/index.ts';
import {
  type WireMetadata,
  type WireSeries,
  compressSnappy,
  encodeRemoteWriteV1,
  encodeRemoteWriteV2,
} from '../wire/index.ts';

/** Series of one part. */
const SERIES_MAX = 10_000;

const NOTHING: WriteResult = {
  outcome: 'accepted',
  samplesWritten: 0,
  histogramsWritten: 0,
  exemplarsWritten: 0,
  rejected: 0,
  reason: '',
  retryAfterSeconds: 1,
};

function added(all: WriteResult, part: WriteResult): WriteResult {
  return {
    ...part,
    samplesWritten: all.samplesWritten + part.samplesWritten,
    histogramsWritten: all.histogramsWritten + part.histogramsWritten,
    exemplarsWritten: all.exemplarsWritten + part.exemplarsWritten,
    rejected: all.rejected + part.rejected,
    reason: all.reason || part.reason,
  };
}

const hasStarts = ({ samples, histograms = [] }: WireSeries): boolean =>
  [...samples, ...histograms].some(({ startMs = 0 }) => startMs !== 0);

/** Stores series of a tenant. Ends at the first part that could not be taken: parts before it are stored, and may come again. */
export async function pushSeries(
  write: WriteService,
  tenant: string,
  series: readonly WireSeries[],
  metadata: readonly WireMetadata[] = [],
): Promise<WriteResult> {
  let result = NOTHING;
  // Version 2.0 knows metadata of series only, 1.0 no start times.
  const version = series.some(hasStarts) ? 2 : 1;
  if (version === 2 && metadata.length > 0)
    await write.write(tenant, 1, compressSnappy(encodeRemoteWriteV1([], metadata)));
  for (let from = 0; from < series.length; from += SERIES_MAX) {
    const part = series.slice(from, from + SERIES_MAX);
    const message = version === 2 ? encodeRemoteWriteV2(part) : encodeRemoteWriteV1(part, from === 0 ? metadata : []);
    result = added(result, await write.write(tenant, version, compressSnappy(message)));
    if (result.outcome !== 'accepted') break;
  }
  return result;
}
