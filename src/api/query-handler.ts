// The query worker's side of the API: a plain request in; out comes a status, and an answer that is encoded piece by piece as it
// is sent. What a user did wrong never throws here, it becomes an error envelope; a broken invariant passes through and ends the
// process.
import { InvariantError, TidemarkError, errorText, invariant } from '../base/index.ts';
import { METRIC_NAME, type Labels, type Matcher, matchesEmpty } from '../model/index.ts';
import {
  closeEnvelope,
  errorBody,
  errorStatus,
  errorTypeOf,
  invalidParameter,
  limitAnnotations,
  successBody,
} from './envelope.ts';
import { type Pieces, type ResultValue, writeResult } from './json-result.ts';
import type { JsonWriter } from './json-writer.ts';
import { type ExemplarSeries, writeExemplars } from './json-exemplars.ts';
import { type SearchRequest, searchAnswer } from './search-answer.ts';
import type { ExemplarsRequest, InstantRequest, JsonRequest, ListingRequest, RangeRequest } from './services.ts';

/** What an expression came to. Matrices are sorted by labels already. */
export interface EngineAnswer {
  readonly value: ResultValue;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** In the API's JSON form; asked for by `stats`. */
  readonly stats?: object | null;
  /** Of its plan and costs; asked for by `explain`. */
  readonly explain?: object | null;
  /** Called when the value has been written, or will not be: gives its memory back. */
  readonly release?: () => void;
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
  /** The matchers of every selector in an expression. */
  selectors(query: string): readonly (readonly Matcher[])[];
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
  /** By series, sorted by their labels. */
  exemplars(request: ListingSelection, signal: AbortSignal): Promise<readonly ExemplarSeries[]>;
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
  /** Lets others have their turn. */
  readonly breathe?: () => Promise<void>;
}

/**
 * An answer: its status is known, its JSON is written as it is sent. `write` is no generator itself but calls one that stands by itself:
 * each closure that is a generator gets a hidden class of its own, in the old heap, which holds what the closure holds, and all that it
 * refers to outlives the young heap. Under listings of some thousand series that was a third of this thread's time.
 */
export interface HandlerAnswer {
  readonly status: number;
  /** What went wrong; absent: nothing. */
  readonly error?: string;
  /** Memory of what is still to be written, about. */
  readonly heldBytes: number;
  /** To be run once. */
  readonly write: (json: JsonWriter) => Pieces;
}

/** Of labels and objects of one series or one item of a listing. */
const ITEM_BYTES = 256;
const POINT_BYTES = 16;
const TRUNCATED = 'results truncated due to limit';

/** A function from request to answer. */
export function createQueryHandler(
  options: QueryHandlerOptions,
): (request: JsonRequest, signal: AbortSignal) => Promise<HandlerAnswer> {
  return async (request, signal) => {
    try {
      return await answer(options, request, signal);
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      return errorAnswer(error);
    }
  };
}

/** The envelope of anything thrown. */
export function errorResponse(error: unknown): { readonly status: number; readonly body: Uint8Array } {
  const type = errorTypeOf(error);
  return { status: errorStatus(type), body: errorBody(type, errorText(error)) };
}

/** The same as an answer. */
export function errorAnswer(error: unknown): HandlerAnswer {
  const { status, body } = errorResponse(error);
  return { ...bytesAnswer(body), status, error: errorText(error) };
}

/** An error as plain text. */
export function plainErrorAnswer(error: unknown): HandlerAnswer {
  const { status } = errorResponse(error);
  return { ...bytesAnswer(Buffer.from(`${errorText(error)}\n`)), status, error: errorText(error) };
}

const bytesAnswer = (body: Uint8Array): HandlerAnswer => ({
  status: 200,
  heldBytes: body.length,
  write: (json) => writeBytes(json, body),
});

function* writeBytes(json: JsonWriter, body: Uint8Array): Pieces {
  json.rawBytes(body);
  if (json.isFull) yield;
}

function answer(options: QueryHandlerOptions, request: JsonRequest, signal: AbortSignal): Promise<HandlerAnswer> {
  switch (request.kind) {
    case 'instant':
    case 'range':
      return expression(options, request, signal);
    case 'series':
    case 'labels':
    case 'labelValues':
      return listing(options, request, signal);
    case 'search':
      return search(options, request, signal);
    case 'exemplars':
      return exemplars(options, request, signal);
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

const text = async (work: () => unknown): Promise<HandlerAnswer> => bytesAnswer(successBody(await aboutQuery(work)));

function cutSeries(value: ResultValue, limit: number): ResultValue {
  if (limit === 0 || value.type === 'scalar' || value.type === 'string' || value.series.length <= limit) return value;
  return { ...value, series: value.series.slice(0, limit) } as ResultValue;
}

function heldBytes(value: ResultValue): number {
  switch (value.type) {
    case 'matrix':
      return value.series.reduce((sum, { length }) => sum + length * POINT_BYTES + ITEM_BYTES, 0);
    case 'vector':
      return value.series.length * ITEM_BYTES;
    default:
      return ITEM_BYTES;
  }
}

async function expression(
  { engine }: QueryHandlerOptions,
  request: InstantRequest | RangeRequest,
  signal: AbortSignal,
): Promise<HandlerAnswer> {
  const result = await aboutQuery(() =>
    request.kind === 'instant' ? engine.instant(request, signal) : engine.range(request, signal),
  );
  const { value, warnings, explain } = result;
  if (request.explain === 'only') return bytesAnswer(successBody({ explain }));
  const cut = cutSeries(value, request.limit);
  const said = cut === value ? warnings : [...limitAnnotations(warnings, 'warning'), TRUNCATED];
  return {
    status: 200,
    heldBytes: heldBytes(cut),
    write: (json) => writeExpression(json, { ...result, value: cut, warnings: said }, request.stats !== 'none'),
  };
}

function* writeExpression(json: JsonWriter, result: EngineAnswer, showsStats: boolean): Pieces {
  const { value, warnings, infos, stats, explain, release } = result;
  json.raw('{"status":"success","data":{');
  try {
    yield* writeResult(json, value);
  } finally {
    release?.();
  }
  if (stats && showsStats) {
    json.raw(',"stats":');
    json.rawBytes(new TextEncoder().encode(JSON.stringify(stats)));
  }
  if (explain) {
    json.raw(',"explain":');
    json.rawBytes(new TextEncoder().encode(JSON.stringify(explain)));
  }
  json.raw('}');
  closeEnvelope(json, warnings, infos);
}

/** Only /series says which parameter it was: Prometheus' answers differ so. */
function parseMatches(engine: HandlerEngine, request: ListingRequest | SearchRequest): (readonly Matcher[])[] {
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
  { engine, listings }: QueryHandlerOptions,
  request: ListingRequest,
  signal: AbortSignal,
): Promise<HandlerAnswer> {
  const { tenant, startMs, endMs, limit, name } = request;
  const selection = { tenant, startMs, endMs, limit, matcherSets: parseMatches(engine, request) };
  invariant(request.kind !== 'series' || request.matches.length > 0, 'series are listed without a selector');
  if (request.kind === 'series') {
    return listAnswer(await listings.series(selection, signal), limit, (json, labels) => json.pairs(labels.pairs));
  }
  const found =
    request.kind === 'labels'
      ? await listings.labelNames(selection, signal)
      : await listings.labelValues(name, selection, signal);
  return listAnswer(found, limit, (json, item) => json.string(item));
}

async function search(
  { engine, listings, breathe }: QueryHandlerOptions,
  request: SearchRequest,
  signal: AbortSignal,
): Promise<HandlerAnswer> {
  const { tenant, startMs, endMs, what } = request;
  // All that the selectors leave: the limit is about what the terms leave of them.
  const selection = { tenant, startMs, endMs, limit: 0, matcherSets: parseMatches(engine, request) };
  const found =
    what === 'labelNames'
      ? await listings.labelNames(selection, signal)
      : await listings.labelValues(what === 'metricNames' ? METRIC_NAME : request.name, selection, signal);
  return searchAnswer(found, request, async () => {
    await breathe?.();
    signal.throwIfAborted();
  });
}

function listAnswer<T>(
  { items, warnings }: Listing<T>,
  limit: number,
  writeItem: (json: JsonWriter, item: T) => void,
): HandlerAnswer {
  const isCut = limit > 0 && items.length > limit;
  const shown = isCut ? items.slice(0, limit) : items;
  return {
    status: 200,
    heldBytes: shown.length * ITEM_BYTES,
    write: (json) => writeList(json, shown, writeItem, isCut ? [...warnings, TRUNCATED] : warnings),
  };
}

function* writeList<T>(
  json: JsonWriter,
  items: readonly T[],
  writeItem: (json: JsonWriter, item: T) => void,
  warnings: readonly string[],
): Pieces {
  json.raw('{"status":"success","data":[');
  for (let i = 0; i < items.length; i++) {
    if (i > 0) json.raw(',');
    writeItem(json, items[i]);
    if (json.isFull) yield;
  }
  json.raw(']');
  closeEnvelope(json, warnings, []);
}

/** An expression without selectors has none. */
async function exemplars(
  { engine, listings }: QueryHandlerOptions,
  { tenant, query, startMs, endMs }: ExemplarsRequest,
  signal: AbortSignal,
): Promise<HandlerAnswer> {
  const matcherSets = selectorsOf(engine, query);
  const selection = { tenant, startMs, endMs, limit: 0, matcherSets };
  const series = matcherSets.length === 0 ? [] : await listings.exemplars(selection, signal);
  return {
    status: 200,
    heldBytes: series.reduce((sum, one) => sum + ITEM_BYTES * (1 + one.exemplars.length), 0),
    write: (json) => writeExemplarsAnswer(json, series),
  };
}

function* writeExemplarsAnswer(json: JsonWriter, series: readonly ExemplarSeries[]): Pieces {
  json.raw('{"status":"success","data":');
  yield* writeExemplars(json, series);
  closeEnvelope(json, [], []);
}

function selectorsOf(engine: HandlerEngine, query: string): readonly (readonly Matcher[])[] {
  try {
    return engine.selectors(query);
  } catch (error) {
    throw new TidemarkError('bad_data', errorText(error), { cause: error });
  }
}
