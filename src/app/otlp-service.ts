// OTLP metrics in: decode, translate, store.
import type { OtlpAnswer, OtlpFormat, OtlpService, WriteService } from '../api/index.ts';
import { type Counter, TidemarkError, errorText, isCorrupt } from '../base/index.ts';
import { type OtlpResource, decodeOtlpJson, decodeOtlpProtobuf } from '../wire/index.ts';
import { type OtlpSettings, translateOtlp } from './otlp-translate.ts';
import { pushSeries } from './push-service.ts';

export interface OtlpServiceParts {
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
export function createOtlpService({ write, settings, rejectedPoints }: OtlpServiceParts): OtlpService {
  return {
    async push(tenant, format, body): Promise<OtlpAnswer> {
      const translation = translateOtlp(decoded(format, body), settings());
      rejectedPoints.add(translation.rejectedPoints);
      const result = await pushSeries(write, tenant, translation.series, translation.metadata);
      return { result, rejectedPoints: translation.rejectedPoints, reason: translation.reason };
    },
  };
}
