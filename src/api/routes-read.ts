// POST /api/v1/read: remote read, by which another server (or a tool) takes raw samples. See src/wire/remote-read.ts.
import { TidemarkError, errorText } from '../base/index.ts';
import { decodeSnappy } from '../kernel/index.ts';
import { compileRegex } from '../model/index.ts';
import { type ReadRequestMessage, decodeReadRequest } from '../wire/index.ts';
import { type Answer, type Exchange, plainError, type Route } from './exchange.ts';
import { Gate } from './gate.ts';
import { bulkError } from './routes-federate.ts';
import type { ApiServices, BulkService, QueryService, ReadRequest } from './services.ts';

/** Matchers, not data: nobody's request is that long. */
const BODY_BYTES_MAX = 8 << 20;
const DECODED_BYTES_MAX = 32 << 20;

/** Route of remote read. */
export function readRoutes({ query, bulk }: ApiServices): Route[] {
  if (!bulk) return [];
  const gate = new Gate(bulk.readConcurrencyMax);
  const handle = (exchange: Exchange) => read(exchange, query, bulk, gate);
  return [{ path: '/api/v1/read', methods: ['POST'], handle }];
}

function messageOf(body: Uint8Array): ReadRequestMessage {
  const decoded = decodeSnappy(body, DECODED_BYTES_MAX);
  if (typeof decoded === 'number') throw new TidemarkError('bad_data', 'snappy: corrupt input');
  const message = decodeReadRequest(decoded);
  for (const { matchers } of message.queries) {
    for (const { op, value } of matchers) if (op === '=~' || op === '!~') compileRegex(value);
  }
  return message;
}

async function read(exchange: Exchange, query: QueryService, bulk: BulkService, gate: Gate): Promise<Answer> {
  let request: ReadRequest;
  try {
    const message = messageOf(await exchange.body(BODY_BYTES_MAX));
    request = {
      kind: 'read',
      tenant: exchange.tenant,
      ...message,
      externalLabels: bulk.externalLabels(),
      samplesMax: bulk.readSamplesMax,
      frameBytesMax: bulk.readFrameBytesMax,
    };
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code === 'body_too_large') throw error;
    return plainError(400, errorText(error));
  }
  const { signal } = exchange;
  const response = await gate.run(signal, () => query.query(request, signal, null));
  if (response.status !== 200) return bulkError(response);
  if (request.responseType === 'chunks') {
    return {
      ...response,
      isPlain: true,
      contentType: 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse',
    };
  }
  const headers = { 'content-encoding': 'snappy' };
  return { ...response, isPlain: true, contentType: 'application/x-protobuf', headers };
}
