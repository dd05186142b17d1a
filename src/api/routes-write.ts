// Remote write: POST /api/v1/write, versions 1.0 and 2.0, told apart by the content type's `proto` parameter. The body goes to
// the write service as it came. Answers: 204 when durable, 400 for what sending again cannot mend, 415 for another
// content type or encoding, 429 and 503 with Retry-After when it can.
import { errorText, freeBytes } from '../base/index.ts';
import { type Answer, type Exchange, NO_CONTENT, plainError, type Route } from './exchange.ts';
import type { ApiServices, WriteResult, WriteService, WriteVersion } from './services.ts';

/** Of a compressed body. Decoded ones are limited to 32 MiB by the decoder, and snappy does not grow by more than a sixth. */
const BODY_BYTES_MAX = 40 << 20;
const MEDIA_TYPE = 'application/x-protobuf';
const VERSIONS: Readonly<Record<string, WriteVersion>> = {
  'prometheus.WriteRequest': 1,
  'io.prometheus.write.v2.Request': 2,
};

/** Routes of pushed data. `messages`: protobuf messages that are accepted. */
export function writeRoutes({ write }: ApiServices, messages: readonly string[] = Object.keys(VERSIONS)): Route[] {
  const handle = write
    ? (exchange: Exchange): Promise<Answer> => remoteWrite(write, exchange, messages)
    : (): Answer =>
        plainError(404, 'remote write receiver needs to be enabled with --web.enable-remote-write-receiver');
  return [{ path: '/api/v1/write', methods: ['POST'], handle }];
}

/** The protocol version of a content type, or the reason why there is none. */
export function writeVersion(contentType: string): WriteVersion | string {
  if (contentType === '' || contentType === MEDIA_TYPE) return 1;
  const [media, ...parameters] = contentType.split(';').map((part) => part.trim());
  if (media.toLowerCase() !== MEDIA_TYPE) {
    return `expected ${MEDIA_TYPE} as the first (media) part, got ${contentType} content-type`;
  }
  for (const parameter of parameters) {
    const [name, value, ...rest] = parameter.split('=');
    if (value === undefined || rest.length > 0) {
      return `as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values, got ${parameter} in ${contentType} content-type`;
    }
    if (name.trim().toLowerCase() !== 'proto') continue;
    const proto = value.trim().replace(/^"(.*)"$/, '$1');
    if (Object.hasOwn(VERSIONS, proto)) return VERSIONS[proto];
    return `got ${contentType} content type; unknown type for remote write protobuf message ${proto}, supported: ${Object.keys(VERSIONS).join(', ')}`;
  }
  return 1;
}

async function remoteWrite(write: WriteService, exchange: Exchange, messages: readonly string[]): Promise<Answer> {
  const version = writeVersion(exchange.header('content-type'));
  if (typeof version === 'string') return plainError(415, version);
  const message = Object.keys(VERSIONS)[version - 1];
  if (!messages.includes(message)) {
    const accepted = messages.map((name) => `'${name}'`).join(', ');
    return plainError(415, `${message} protobuf message is not accepted by this server; only accepts ${accepted}`);
  }
  const encoding = exchange.header('content-encoding');
  if (encoding !== '' && encoding.toLowerCase() !== 'snappy') {
    return plainError(
      415,
      `${encoding} encoding (compression) is not accepted by this server; only snappy is acceptable`,
    );
  }
  let tenant: string;
  try {
    tenant = exchange.tenant;
  } catch (error) {
    return plainError(400, errorText(error));
  }
  const body = await exchange.body(BODY_BYTES_MAX);
  try {
    return resultAnswer(version, await write.write(tenant, version, body));
  } finally {
    freeBytes(body);
  }
}

function writtenHeaders(result: WriteResult): Record<string, string> {
  return {
    'x-prometheus-remote-write-samples-written': String(result.samplesWritten),
    'x-prometheus-remote-write-histograms-written': String(result.histogramsWritten),
    'x-prometheus-remote-write-exemplars-written': String(result.exemplarsWritten),
  };
}

function resultAnswer(version: WriteVersion, result: WriteResult): Answer {
  const headers = version === 2 ? writtenHeaders(result) : undefined;
  switch (result.outcome) {
    case 'accepted':
      if (result.rejected > 0) return plainError(400, result.reason, headers);
      return headers ? { ...NO_CONTENT, headers } : NO_CONTENT;
    case 'malformed':
      return plainError(400, result.reason, headers);
    case 'busy':
      return plainError(503, result.reason, { ...headers, 'retry-after': String(result.retryAfterSeconds) });
    case 'limited':
      return plainError(429, result.reason, { ...headers, 'retry-after': String(result.retryAfterSeconds) });
    case 'failed':
      return plainError(500, result.reason, headers);
  }
}
