// The query worker's side of the API: a plain request in, status and bytes out. What a user did wrong never throws here, it
// becomes an error envelope; a broken invariant passes through and ends the process.
import { InvariantError, TidemarkError, errorText, invariant } from '../base/index.ts';
import { type Labels, type Matcher, matchesEmpty } from '../model/index.ts';
import {
  closeEnvelope,
  errorBody,
  errorStatus,
  errorTypeOf,
  invalidParameter,
  limitAnnotations,
  successBody,
} from './envelope.ts';
import { type ResultValue, writeResult } from './json-result.ts';
import { JsonWriter } from './json-writer.ts';
import type {
  ExemplarsRequest,
  InstantRequest,
  ListingRequest,
  QueryRequest,
  QueryResponse,
  RangeRequest,
} from './services.ts';

/** What an expression came to. Matrices are sorted by labels already. */
export interface EngineAnswer {
  readonly value: ResultValue;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** In the API's JSON form; asked for by `stats`. */
  readonly stats?: object | null;
}

/**
 * The engine as this folder sees it. All methods throw TidemarkError: `bad_data` for what is wrong with the text of a query or
 * selector, `execution`, `timeout` or `canceled` for what happened on the way.
 */
export interface HandlerEngine {
  instant(request: InstantRequest, signal: AbortSignal): Promise<EngineAnswer>;
  range(request: RangeRequest, signal: AbortSignal): Promise<EngineAnswer>;
  /** Matchers of a selector such as `up{job="x"}`. */
  parseSelector(text: string): readonly Matcher[];
  /** The expression, pretty printed. */
  format(query: string): string;
  /** The syntax tree in the form of /api/v1/parse_query; null where the parser does not offer it. */
  parse: ((query: string) => unknown) | null;
}

/** Lists what all shards hold. An empty `matcherSets` means everything; sets are alternatives. */
export interface HandlerListings {
  /** Sorted, each once, at most `limit` + 1 (0: all). */
  series(request: ListingSelection, signal: AbortSignal): Promise<Listing<Labels>>;
  labelNames(request: ListingSelection, signal: AbortSignal): Promise<Listing<string>>;
  labelValues(name: string, request: ListingSelection, signal: AbortSignal): Promise<Listing<string>>;
}

/** Which series a listing is about. */
export interface ListingSelection {
  readonly tenant: string;
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly startMs: number;
  readonly endMs: number;
  /** One more than this may be given, to tell that the answer was cut; 0: no limit. */
  readonly limit: number;
}

/** What was found, and what is missing from it. */
export interface Listing<T> {
  readonly items: readonly T[];
  readonly warnings: readonly string[];
}

/** What a handler needs. */
export interface QueryHandlerOptions {
  readonly engine: HandlerEngine;
  readonly listings: HandlerListings;
  /** JSON of one answer at most. */
  readonly resultBytesMax: number;
  /** Called now and then while a long answer is encoded, to let other threads have the processor. */
  readonly breathe?: () => void;
}

const JSON_BYTES_FIRST = 4096;
const TRUNCATED = 'results truncated due to limit';

/** A function from request to answer. */
export function createQueryHandler(
  options: QueryHandlerOptions,
): (request: QueryRequest, signal: AbortSignal) => Promise<QueryResponse> {
  return async (request, signal) => {
    try {
      return { status: 200, body: await answer(options, request, signal) };
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      return errorResponse(error);
    }
  };
}

/** The envelope of anything thrown. */
export function errorResponse(error: unknown): QueryResponse {
  const type = errorTypeOf(error);
  return { status: errorStatus(type), body: errorBody(type, errorText(error)) };
}

function answer(options: QueryHandlerOptions, request: QueryRequest, signal: AbortSignal): Promise<Uint8Array> {
  switch (request.kind) {
    case 'instant':
    case 'range':
      return expression(options, request, signal);
    case 'series':
    case 'labels':
    case 'labelValues':
      return listing(options, request, signal);
    case 'exemplars':
      return exemplars(options, request);
    case 'format':
      return text(() => options.engine.format(request.query));
    case 'parse':
      return text(() => {
        const { parse } = options.engine;
        if (!parse) throw new TidemarkError('not_found', 'the syntax tree of queries is not available');
        return parse(request.query);
      });
  }
}

/** Runs `work`; what it says about the query's text is about the parameter "query". */
async function aboutQuery<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TidemarkError && error.code === 'bad_data') throw invalidParameter('query', error);
    throw error;
  }
}

const text = async (work: () => unknown): Promise<Uint8Array> => successBody(await aboutQuery(work));

function cutSeries(value: ResultValue, limit: number): ResultValue {
  if (limit === 0 || value.type === 'scalar' || value.type === 'string' || value.series.length <= limit) return value;
  return { ...value, series: value.series.slice(0, limit) } as ResultValue;
}

async function expression(
  { engine, resultBytesMax, breathe }: QueryHandlerOptions,
  request: InstantRequest | RangeRequest,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { value, warnings, infos, stats } = await aboutQuery(() =>
    request.kind === 'instant' ? engine.instant(request, signal) : engine.range(request, signal),
  );
  const cut = cutSeries(value, request.limit);
  const json = new JsonWriter(resultBytesMax, JSON_BYTES_FIRST, breathe);
  json.raw('{"status":"success","data":{');
  writeResult(json, cut);
  if (stats && request.stats !== 'none') {
    json.raw(',"stats":');
    json.rawBytes(new TextEncoder().encode(JSON.stringify(stats)));
  }
  json.raw('}');
  closeEnvelope(json, cut === value ? warnings : [...limitAnnotations(warnings, 'warning'), TRUNCATED], infos);
  return json.finish();
}

/** Only /series says which parameter it was: Prometheus' answers differ so. */
function parseMatches(engine: HandlerEngine, request: ListingRequest): (readonly Matcher[])[] {
  try {
    const sets = request.matches.map((match) => engine.parseSelector(match));
    if (sets.some((set) => set.every(matchesEmpty))) {
      throw new TidemarkError('bad_data', 'match[] must contain at least one non-empty matcher');
    }
    return sets;
  } catch (error) {
    throw request.kind === 'series' ? invalidParameter('match[]', error) : error;
  }
}

async function listing(
  { engine, listings, resultBytesMax, breathe }: QueryHandlerOptions,
  request: ListingRequest,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { tenant, startMs, endMs, limit, name } = request;
  const selection = { tenant, startMs, endMs, limit, matcherSets: parseMatches(engine, request) };
  invariant(request.kind !== 'series' || request.matches.length > 0, 'series are listed without a selector');
  const found =
    request.kind === 'series'
      ? await listings.series(selection, signal)
      : request.kind === 'labels'
        ? await listings.labelNames(selection, signal)
        : await listings.labelValues(name, selection, signal);
  const isCut = limit > 0 && found.items.length > limit;
  const items = isCut ? found.items.slice(0, limit) : found.items;
  const json = new JsonWriter(resultBytesMax, JSON_BYTES_FIRST, breathe);
  json.raw('{"status":"success","data":');
  if (request.kind === 'series') writeLabelSets(json, items as readonly Labels[]);
  else json.strings(items as readonly string[]);
  closeEnvelope(json, isCut ? [...found.warnings, TRUNCATED] : found.warnings, []);
  return json.finish();
}

function writeLabelSets(json: JsonWriter, series: readonly Labels[]): void {
  let separator = '[';
  for (const labels of series) {
    json.raw(separator);
    json.pairs(labels.pairs);
    separator = ',';
  }
  json.raw(separator === '[' ? '[]' : ']');
}

/** Exemplars are not stored: a well-formed query finds none. */
async function exemplars({ engine }: QueryHandlerOptions, request: ExemplarsRequest): Promise<Uint8Array> {
  try {
    engine.format(request.query);
  } catch (error) {
    throw new TidemarkError('bad_data', errorText(error), { cause: error });
  }
  return successBody([]);
}
