// InfluxDB's writes, by the paths that its clients, VictoriaMetrics' and M3's users know. Versions 1 and 2 differ in the name of the
// database: ?db= and ?bucket=.
import { errorText } from '../base/index.ts';
import { inflateBody } from './coded-body.ts';
import { type Answer, type Exchange, JSON_TYPE, NO_CONTENT, type Route } from './exchange.ts';
import { Parameters } from './parameters.ts';
import type { ApiServices, InfluxAnswer, InfluxService } from './services.ts';

const BODY_BYTES_MAX = 32 << 20;
const PATHS = ['/write', '/api/v2/write', '/influx/write', '/influx/api/v2/write', '/api/v1/influxdb/write'];

/** Routes of line protocol. */
export function influxRoutes({ influx }: ApiServices): Route[] {
  if (!influx) return [];
  const handle = (exchange: Exchange): Promise<Answer> => push(exchange, influx);
  return PATHS.map((path): Route => ({ path, methods: ['POST'], handle }));
}

const jsonError = (status: number, text: string, headers?: Record<string, string>): Answer => ({
  status,
  contentType: JSON_TYPE,
  body: `${JSON.stringify({ error: text, code: status === 400 ? 'invalid' : 'unavailable', message: text })}\n`,
  headers: { ...headers, 'x-influxdb-error': text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256) },
});

/** Of the address alone: a body may be anything, whatever its type says. */
function parametersOf(exchange: Exchange): Parameters {
  const parameters = new Parameters();
  const { url = '' } = exchange.request.raw;
  const question = url.indexOf('?');
  if (question >= 0) parameters.add(url.slice(question + 1));
  return parameters;
}

async function push(exchange: Exchange, influx: InfluxService): Promise<Answer> {
  try {
    const parameters = parametersOf(exchange);
    const encoding = exchange.header('content-encoding').toLowerCase();
    const body = await inflateBody(await exchange.body(BODY_BYTES_MAX), encoding, BODY_BYTES_MAX);
    const database = parameters.get('db') || parameters.get('bucket');
    const precision = parameters.get('precision');
    return answerOf(await influx.push(exchange.tenant, body, { precision, database }));
  } catch (error) {
    if ((error as { code?: string }).code !== 'bad_data') throw error;
    return jsonError(400, errorText(error));
  }
}

function answerOf({ result, badLines, reason }: InfluxAnswer): Answer {
  const retry = { 'retry-after': String(result.retryAfterSeconds) };
  switch (result.outcome) {
    case 'busy':
      return jsonError(503, result.reason, retry);
    case 'limited':
      return jsonError(429, result.reason, retry);
    case 'failed':
      return jsonError(500, result.reason);
    case 'malformed':
      return jsonError(400, result.reason);
    case 'accepted':
      if (badLines > 0) return jsonError(400, `partial write: ${badLines} lines left out: ${reason}`);
      return result.rejected > 0 ? jsonError(400, `partial write: ${result.reason}`) : NO_CONTENT;
  }
}
