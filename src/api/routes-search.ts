// The search API (feature search-api): which names look like what somebody types. Answers are lines of JSON; errors that are known
// before the first line come in the usual envelope.
import { TidemarkError, errorText } from '../base/index.ts';
import type { Clock } from '../io/index.ts';
import { goQuote } from '../model/index.ts';
import { type Answer, type Exchange, JSON_TYPE, type Method, type Route } from './exchange.ts';
import { optionalTime, parseBool, type Parameters } from './parameters.ts';
import type { SearchRequest } from './search-answer.ts';
import { FUZZ_ALGORITHMS, type FuzzAlgorithm } from './search-match.ts';
import type { ApiServices } from './services.ts';

const GET_POST: readonly Method[] = ['GET', 'POST'];
export const NDJSON_TYPE = 'application/x-ndjson; charset=utf-8';
const DEFAULT_SPAN_MS = 3_600_000;
const DEFAULT_COUNT = 100;
/** A line's names are held at once. */
const BATCH_SIZE_MAX = 10_000;
/** Each name is held against each term. */
const TERMS_MAX = 32;
/** Longer than any name that people look for. */
const TERM_LENGTH_MAX = 1000;

const badData = (text: string): TidemarkError => new TidemarkError('bad_data', text);

/** Routes below /api/v1/search. */
export function searchRoutes(services: ApiServices, clock: Clock): Route[] {
  const route = (path: string, what: SearchRequest['what']): Route => ({
    path: `/api/v1/search/${path}`,
    methods: GET_POST,
    handle: async (exchange): Promise<Answer> => {
      const { search } = services;
      if (!search) throw new TidemarkError('unavailable', 'search API disabled');
      const parameters = await exchange.parameters();
      if (parameters.malformed !== null) throw badData(`error parsing form values: ${parameters.malformed}`);
      const request = searchRequest(what, exchange, parameters, { ...search, nowMs: clock.nowMs() });
      const isMetadataWanted = what === 'metricNames' && flagOf(parameters, 'include_metadata', false);
      const metadata = isMetadataWanted ? metadataOf(services) : [];
      const asked: SearchRequest = { ...request, metadata };
      const response = await services.query.query(asked, exchange.signal, exchange.acceptedCoding);
      return { ...response, contentType: response.status === 200 ? NDJSON_TYPE : JSON_TYPE };
    },
  });
  return [
    route('metric_names', 'metricNames'),
    route('label_names', 'labelNames'),
    route('label_values', 'labelValues'),
  ];
}

/** Of several targets' words the first. */
function metadataOf({ targets }: ApiServices): SearchRequest['metadata'] {
  const known = new Map<string, SearchRequest['metadata'][number]>();
  for (const { metric, type, help, unit } of targets.metadata())
    if (!known.has(metric)) known.set(metric, [metric, type, help, unit]);
  return [...known.values()];
}

interface SearchContext {
  /** 0: any. */
  readonly limitMax: number;
  readonly nowMs: number;
}

function searchRequest(
  what: SearchRequest['what'],
  exchange: Exchange,
  p: Parameters,
  { limitMax, nowMs }: SearchContext,
): Omit<SearchRequest, 'metadata'> {
  const startMs = optionalTime(p, 'start', nowMs - DEFAULT_SPAN_MS);
  const endMs = optionalTime(p, 'end', nowMs);
  if (endMs < startMs) throw badData('end timestamp must not be before start timestamp');
  const terms = p.all('search[]');
  if (terms.length > TERMS_MAX) throw badData(`too many search[] terms: got ${terms.length}, maximum is ${TERMS_MAX}`);
  const long = terms.find((term) => term.length > TERM_LENGTH_MAX);
  if (long !== undefined)
    throw badData(`search[] term is too long: got ${long.length} characters, maximum is ${TERM_LENGTH_MAX}`);
  const name = p.get('label');
  const request = {
    kind: 'search' as const,
    what,
    tenant: exchange.tenant,
    matches: p.all('match[]'),
    startMs,
    endMs,
    name: what === 'labelValues' ? name : '',
    terms,
    threshold: thresholdOf(p),
    algorithm: algorithmOf(p),
    isCaseSensitive: flagOf(p, 'case_sensitive', true),
    isScoreShown: flagOf(p, 'include_score', false),
    order: orderOf(p, terms),
    limit: limitOf(p, limitMax),
    batchSize: countOf(p, 'batch_size', BATCH_SIZE_MAX),
  };
  if (what === 'labelValues' && name === '') throw badData('missing required parameter "label"');
  return request;
}

function thresholdOf(p: Parameters): number {
  const text = p.get('fuzz_threshold');
  if (text === '') return 0;
  if (!/^\+?\d{1,9}$/.test(text) || Number(text) > 100)
    throw badData(`invalid fuzz_threshold ${goQuote(text)}: must be 0-100`);
  return Number(text) / 100;
}

function algorithmOf(p: Parameters): FuzzAlgorithm {
  const text = p.get('fuzz_alg');
  const found = FUZZ_ALGORITHMS.find((algorithm) => algorithm === (text === '' ? FUZZ_ALGORITHMS[0] : text));
  if (found) return found;
  throw badData(`unsupported fuzz_alg ${goQuote(text)}: must be one of [${FUZZ_ALGORITHMS.join(' ')}]`);
}

function flagOf(p: Parameters, name: string, absent: boolean): boolean {
  const text = p.get(name);
  if (text === '') return absent;
  try {
    return parseBool(text);
  } catch (error) {
    throw badData(`invalid ${name} ${goQuote(text)}: must be boolean (${errorText(error)})`);
  }
}

function orderOf(p: Parameters, terms: readonly string[]): SearchRequest['order'] {
  const by = p.get('sort_by');
  const direction = p.get('sort_dir');
  if (by !== '' && by !== 'alpha' && by !== 'score')
    throw badData(`invalid sort_by ${goQuote(by)}: must be "alpha" or "score"`);
  if (direction !== '' && by === '') throw badData('sort_dir is only valid when sort_by is set');
  if (direction !== '' && by === 'score') throw badData('sort_dir is not supported for sort_by=score');
  if (direction !== '' && direction !== 'asc' && direction !== 'dsc')
    throw badData(`invalid sort_dir ${goQuote(direction)}: must be "asc" or "dsc"`);
  if (by === 'score' && terms.every((term) => term === '')) throw badData('sort_by=score requires search[] to be set');
  if (by === 'score') return 'score';
  return direction === 'dsc' ? 'descending' : 'ascending';
}

/** A positive count; `max` 0: any. */
function countOf(p: Parameters, name: string, max: number): number {
  const text = p.get(name);
  if (text === '') return DEFAULT_COUNT;
  const count = /^\+?\d{1,15}$/.test(text) ? Number(text) : 0;
  if (count === 0) throw badData(`invalid ${name} ${goQuote(text)}: must be a positive integer`);
  if (max > 0 && count > max) throw badData(`invalid ${name} ${goQuote(text)}: must not exceed ${max}`);
  return count;
}

const limitOf = (p: Parameters, max: number): number =>
  p.get('limit') === '' && max > 0 ? Math.min(DEFAULT_COUNT, max) : countOf(p, 'limit', max);
