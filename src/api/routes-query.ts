// Queries and listings: parameters in, a plain request to the query side, its bytes out. Parameters are checked in Prometheus'
// order, so that of several mistakes the same one is named.
import { TidemarkError, errorText } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import { goQuote } from '../model/index.ts';
import { invalidParameter } from './envelope.ts';
import { type Answer, type Exchange, JSON_TYPE, type Method, type Route } from './exchange.ts';
import {
  MAX_TIME_MS,
  MIN_TIME_MS,
  optionalTime,
  type Parameters,
  parameter,
  parseDuration,
  parseLimit,
  parseTime,
} from './parameters.ts';
import type { ApiServices, ExpressionRequest, ListingRequest, QueryRequest, StatsLevel } from './services.ts';

/** Points per series that a range query may have: a minute's step for a week, an hour's for a year. */
const POINTS_MAX = 11_000;
const GET_POST: readonly Method[] = ['GET', 'POST'];
const badData = (text: string): TidemarkError => new TidemarkError('bad_data', text);

type Build = (exchange: Exchange, parameters: Parameters) => QueryRequest;

/** Routes of expressions and listings. */
export function queryRoutes({ query }: ApiServices, clock: Clock): Route[] {
  const route = (path: string, methods: readonly Method[], build: Build): Route => ({
    path: `/api/v1/${path}`,
    methods,
    handle: async (exchange): Promise<Answer> => {
      const request = build(exchange, await exchange.parameters());
      const response = await query.query(request, exchange.signal, exchange.acceptedCoding);
      return { ...response, contentType: JSON_TYPE };
    },
  });
  return [
    route('query', GET_POST, (exchange, p) => instantRequest(exchange, p, clock.nowMs())),
    route('query_range', GET_POST, rangeRequest),
    route('query_exemplars', GET_POST, exemplarsRequest),
    route('format_query', GET_POST, (_, p) => ({ kind: 'format', query: p.get('query') })),
    route('parse_query', GET_POST, (_, p) => ({ kind: 'parse', query: p.get('query') })),
    route('series', GET_POST, seriesRequest),
    route('labels', GET_POST, (exchange, p) => listingRequest('labels', '', exchange, p)),
    route('label/:name/values', ['GET'], labelValuesRequest),
  ];
}

const optionalDuration = (p: Parameters, name: string): number | null =>
  p.get(name) === '' ? null : parameter(p, name, parseDuration);

function lookback(p: Parameters): number | null {
  const text = p.get('lookback_delta');
  if (text === '') return null;
  try {
    const ms = parseDuration(text);
    return ms > 0 ? ms : null;
  } catch (error) {
    throw badData(`error parsing lookback delta duration: ${errorText(error)}`);
  }
}

function statsLevel(p: Parameters): StatsLevel {
  const text = p.get('stats');
  if (text === '') return 'none';
  return text === 'all' ? 'all' : 'basic';
}

function explainMode(p: Parameters): ExpressionRequest['explain'] {
  const text = p.get('explain');
  if (text === '' || text === 'false' || text === '0') return 'none';
  if (text === 'true' || text === '1') return 'run';
  if (text === 'only') return 'only';
  throw invalidParameter('explain', badData(`want true, false or only; got ${goQuote(text)}`));
}

const expressionOptions = (p: Parameters) => ({
  query: p.get('query'),
  lookbackMs: lookback(p),
  stats: statsLevel(p),
  explain: explainMode(p),
  noCache: p.get('nocache') === '1',
});

function instantRequest(exchange: Exchange, p: Parameters, nowMs: number): QueryRequest {
  const limit = parameter(p, 'limit', parseLimit);
  const timeMs = optionalTime(p, 'time', nowMs);
  const timeoutMs = optionalDuration(p, 'timeout');
  const { tenant, origin } = exchange;
  return { kind: 'instant', tenant, origin, limit, timeMs, timeoutMs, ...expressionOptions(p) };
}

function rangeRequest(exchange: Exchange, p: Parameters): QueryRequest {
  const limit = parameter(p, 'limit', parseLimit);
  const startMs = parameter(p, 'start', parseTime);
  const endMs = parameter(p, 'end', parseTime);
  if (endMs < startMs) throw invalidParameter('end', badData('end timestamp must not be before start time'));
  const stepMs = parameter(p, 'step', parseDuration);
  if (stepMs <= 0) {
    const reason = 'zero or negative query resolution step widths are not accepted. Try a positive integer';
    throw invalidParameter('step', badData(reason));
  }
  if (Math.floor((endMs - startMs) / stepMs) > POINTS_MAX) {
    throw badData(
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  }
  const timeoutMs = optionalDuration(p, 'timeout');
  const { tenant, origin } = exchange;
  return { kind: 'range', tenant, origin, limit, startMs, endMs, stepMs, timeoutMs, ...expressionOptions(p) };
}

function exemplarsRequest(exchange: Exchange, p: Parameters): QueryRequest {
  const startMs = optionalTime(p, 'start', MIN_TIME_MS);
  const endMs = optionalTime(p, 'end', MAX_TIME_MS);
  if (endMs < startMs) throw badData('end timestamp must not be before start timestamp');
  return { kind: 'exemplars', tenant: exchange.tenant, query: p.get('query'), startMs, endMs };
}

function listingRequest(kind: ListingRequest['kind'], name: string, exchange: Exchange, p: Parameters): ListingRequest {
  const limit = parameter(p, 'limit', parseLimit);
  const startMs = optionalTime(p, 'start', MIN_TIME_MS);
  const endMs = optionalTime(p, 'end', MAX_TIME_MS);
  return { kind, tenant: exchange.tenant, name, matches: p.all('match[]'), startMs, endMs, limit };
}

function seriesRequest(exchange: Exchange, p: Parameters): QueryRequest {
  if (p.malformed !== null) throw badData(`error parsing form values: ${p.malformed}`);
  if (p.all('match[]').length === 0) throw badData('no match[] parameter provided');
  return listingRequest('series', '', exchange, p);
}

function labelValuesRequest(exchange: Exchange, p: Parameters): QueryRequest {
  const name = unescapeName(exchange.pathParameter('name'));
  if (name === '' || !name.isWellFormed()) throw badData(`invalid label name: ${goQuote(name)}`);
  return listingRequest('labelValues', name, exchange, p);
}

/**
 * Names that a path could not carry may come escaped (Prometheus' "values" escaping): `U__` in front, `__` for `_`, `_2e_`
 * for the character of that code point. A name that is not well formed so is taken as it stands.
 */
export function unescapeName(name: string): string {
  if (!name.startsWith('U__')) return name;
  let isWellFormed = true;
  const text = name.slice(3).replace(/_(?:(_)|([0-9a-fA-F]{1,6})_)?/g, (_, underscore?: string, hex?: string) => {
    if (underscore) return '_';
    const point = hex === undefined ? Infinity : Number.parseInt(hex, 16);
    if (point <= 0x10ffff && !(point >= 0xd800 && point < 0xe000)) return String.fromCodePoint(point);
    isWellFormed = false;
    return '';
  });
  return isWellFormed ? text : name;
}
