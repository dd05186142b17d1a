// OTLP metrics in: decode, translate, store.
import type { OtlpAnswer, OtlpFormat, OtlpService, WriteService } from '../api/index.ts';
import { type Counter, TidemarkError, errorText, isCorrupt } from '../base/index.ts';
import { type OtlpResource, decodeOtlpJson, decodeOtlpProtobuf } from '../wire/index.ts';
import { type DeltaStreams, hasDeltas } from './otlp-cumulative.ts';
import { type OtlpSettings, translateOtlp } from './otlp-translate.ts';
import { pushSeries } from './push-service.ts';

export interface OtlpServiceParts {
  /** Deltas are added up (feature otlp-deltatocumulative); null: not. */
  readonly deltas: DeltaStreams | null;
  readonly write: WriteService;
  readonly settings: () => OtlpSettings;
  readonly rejectedPoints: Counter;
}

function decoded(format: OtlpFormat, body: Uint8Array): OtlpResource[] {
  try {
    return format === 'json' ? decodeOtlpJson(body) : decodeOtlpProtobuf(body);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw new TidemarkError('bad_data', errorText(error), { cause: error });
  }
}

/** Throws TidemarkError `bad_data` for a body that cannot be read. */
export function createOtlpService({ write, settings, rejectedPoints, deltas }: OtlpServiceParts): OtlpService {
  const store = async (tenant: string, resources: readonly OtlpResource[]): Promise<OtlpAnswer> => {
    const translation = translateOtlp(resources, settings());
    const result = await pushSeries(write, tenant, translation.series, translation.metadata);
    return { result, rejectedPoints: translation.rejectedPoints, reason: translation.reason };
  };
  const accumulate = async (streams: DeltaStreams, tenant: string, resources: readonly OtlpResource[]) => {
    const added = streams.add(tenant, resources);
    const answer = await store(tenant, added.resources);
    if (answer.result.outcome === 'accepted') added.commit();
    const points = answer.rejectedPoints + added.rejectedPoints;
    return { ...answer, rejectedPoints: points, reason: added.reason || answer.reason };
  };
  return {
    async push(tenant, format, body): Promise<OtlpAnswer> {
      const resources = decoded(format, body);
      const answer =
        deltas && hasDeltas(resources)
          ? await deltas.inTurn(tenant, () => accumulate(deltas, tenant, resources))
          : await store(tenant, resources);
      rejectedPoints.add(answer.rejectedPoints);
      return answer;
    },
  };
}
