// GET /federate: newest samples of chosen series for another server's scrape. Formats are negotiated as Prometheus' library does
// it: the first of the Accept header that is known, else text 0.0.4.
import { TidemarkError } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import type { NameEscaping } from '../wire/index.ts';
import { type Answer, type Exchange, plainError, type Route } from './exchange.ts';
import type { ApiServices, BulkService, FederateRequest, QueryService } from './services.ts';

/** Route of federation. */
export function federateRoutes({ query, bulk }: ApiServices, clock: Clock): Route[] {
  if (!bulk) return [];
  return [{ path: '/federate', methods: ['GET'], handle: (exchange) => federate(exchange, query, bulk, clock) }];
}

const ESCAPINGS: readonly string[] = ['allow-utf-8', 'underscores', 'dots', 'values'] satisfies NameEscaping[];
const PROTOBUF = 'application/vnd.google.protobuf';
const FAMILY = 'io.prometheus.client.MetricFamily';

/** What a scraper is answered with. */
export interface FederateFormat {
  readonly format: FederateRequest['format'];
  readonly escaping: NameEscaping;
  readonly contentType: string;
}

interface Accepted {
  readonly mediaType: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly weight: number;
}

function acceptedPart(text: string): Accepted {
  const [mediaType, ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf('=');
    if (equals > 0) parameters.set(parameter.slice(0, equals).trim(), parameter.slice(equals + 1).trim());
  }
  const weight = Number(parameters.get('q') ?? 1);
  return { mediaType, parameters, weight: weight >= 0 && weight <= 1 ? weight : 1 };
}

function mediaTypeOf({ mediaType, parameters }: Accepted): Omit<FederateFormat, 'escaping'> | null {
  const version = parameters.get('version') ?? '';
  if (mediaType === PROTOBUF && parameters.get('proto') === FAMILY && parameters.get('encoding') === 'delimited') {
    return { format: 'protobuf', contentType: `${PROTOBUF}; proto=${FAMILY}; encoding=delimited` };
  }
  if (mediaType === 'text/plain' && (version === '1.0.0' || version === '0.0.4' || version === ''))
    return text(version);
  return null;
}

const text = (version: string): Omit<FederateFormat, 'escaping'> => ({
  format: 'text',
  contentType: `text/plain; version=${version || '0.0.4'}; charset=utf-8`,
});

/** The format for an Accept header. An escaping that is named before the chosen format counts for it too. */
export function negotiateFormat(accept: string): FederateFormat {
  const parts = accept.split(',').filter((part) => part.trim() !== '');
  const byWeight = parts.map(acceptedPart).sort((a, b) => b.weight - a.weight);
  let escaping: NameEscaping = 'underscores';
  const shown = (chosen: Omit<FederateFormat, 'escaping'>): FederateFormat => ({
    ...chosen,
    escaping,
    contentType: `${chosen.contentType}; escaping=${escaping}`,
  });
  for (const part of byWeight) {
    const wanted = part.parameters.get('escaping') ?? '';
    if (ESCAPINGS.includes(wanted)) escaping = wanted as NameEscaping;
    const chosen = mediaTypeOf(part);
    if (chosen) return shown(chosen);
  }
  return shown(text(''));
}

async function federate(exchange: Exchange, query: QueryService, bulk: BulkService, clock: Clock): Promise<Answer> {
  const parameters = await exchange.parameters();
  if (parameters.malformed !== null)
    throw new TidemarkError('bad_data', `error parsing form values: ${parameters.malformed}`);
  const { format, escaping, contentType } = negotiateFormat(exchange.header('accept'));
  const external = bulk.externalLabels();
  const hasInstance = external.some(([name]) => name === 'instance');
  const request: FederateRequest = {
    kind: 'federate',
    tenant: exchange.tenant,
    matches: parameters.all('match[]'),
    timeMs: clock.nowMs(),
    format,
    escaping,
    externalLabels: hasInstance
      ? external
      : [...external, ['instance', ''] as const].sort(([a], [b]) => (a < b ? -1 : 1)),
  };
  const response = await query.query(request, exchange.signal, exchange.acceptedCoding);
  return response.status === 200 ? { ...response, contentType } : bulkError(response);
}

/** Errors come as text; what Prometheus does not tell apart is its 500. */
export async function bulkError({ status, body }: Awaited<ReturnType<QueryService['query']>>): Promise<Answer> {
  const known = status === 422 ? 500 : status;
  return plainError(known, body instanceof Uint8Array ? Buffer.from(body).toString().trimEnd() : '');
}
