// POST /api/v1/otlp/v1/metrics: metrics of the OpenTelemetry protocol over HTTP, protobuf or JSON.
import { errorText } from '../base/index.ts';
import { encodeOtlpResponse } from '../wire/index.ts';
import { inflateBody } from './coded-body.ts';
import { type Answer, type Exchange, JSON_TYPE, plainError, type Route } from './exchange.ts';
import type { ApiServices, OtlpAnswer, OtlpFormat, OtlpService } from './services.ts';

const BODY_BYTES_MAX = 64 << 20;
const PROTOBUF_TYPE = 'application/x-protobuf';

/** Route of OTLP metrics. */
export function otlpRoutes({ otlp }: ApiServices): Route[] {
  const handle = otlp
    ? (exchange: Exchange): Promise<Answer> => push(exchange, otlp)
    : (): Answer => plainError(404, 'otlp write receiver needs to be enabled with --web.enable-otlp-receiver');
  return [{ path: '/api/v1/otlp/v1/metrics', methods: ['POST'], handle }];
}

async function push(exchange: Exchange, otlp: OtlpService): Promise<Answer> {
  const contentType = exchange.header('content-type').split(';')[0].trim().toLowerCase();
  if (contentType !== PROTOBUF_TYPE && contentType !== JSON_TYPE) {
    const shown = exchange.header('content-type');
    return plainError(415, `unsupported content type: ${shown}, supported: [${JSON_TYPE}, ${PROTOBUF_TYPE}]`);
  }
  const encoding = exchange.header('content-encoding').toLowerCase();
  if (!['', 'none', 'identity', 'gzip'].includes(encoding)) {
    return plainError(415, `unsupported compression: ${encoding}. Only "gzip" or no compression supported`);
  }
  const format: OtlpFormat = contentType === JSON_TYPE ? 'json' : 'protobuf';
  try {
    const body = await inflateBody(await exchange.body(BODY_BYTES_MAX), encoding, BODY_BYTES_MAX);
    return answerOf(format, await otlp.push(exchange.tenant, format, body));
  } catch (error) {
    if ((error as { code?: string }).code !== 'bad_data') throw error;
    return plainError(400, errorText(error));
  }
}

function answerOf(format: OtlpFormat, { result, rejectedPoints, reason }: OtlpAnswer): Answer {
  const retry = { 'retry-after': String(result.retryAfterSeconds) };
  switch (result.outcome) {
    case 'busy':
      return plainError(503, result.reason, retry);
    case 'limited':
      return plainError(429, result.reason, retry);
    case 'failed':
      return plainError(500, result.reason);
    case 'malformed':
      return plainError(400, result.reason);
    case 'accepted':
      if (result.rejected > 0) return plainError(400, result.reason);
      return accepted(format, rejectedPoints, reason);
  }
}

function accepted(format: OtlpFormat, rejectedPoints: number, reason: string): Answer {
  if (format === 'protobuf') {
    return { status: 200, contentType: PROTOBUF_TYPE, body: encodeOtlpResponse(rejectedPoints, reason), isPlain: true };
  }
  const partial = { rejectedDataPoints: String(rejectedPoints), errorMessage: reason };
  const isWhole = rejectedPoints === 0 && reason === '';
  return { status: 200, contentType: JSON_TYPE, body: isWhole ? '{}' : JSON.stringify({ partialSuccess: partial }) };
}
