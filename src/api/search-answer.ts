// Answers of the search API: lines of JSON, each a batch of what was found, and one at the end that says whether there was more.
import { compareUtf8 } from '../model/index.ts';
import type { Pieces } from './json-result.ts';
import type { JsonWriter } from './json-writer.ts';
import type { HandlerAnswer, Listing } from './query-handler.ts';
import { type SearchTerms, searchScore } from './search-match.ts';

/** A search of names: of metrics, of labels, or of a label's values. */
export interface SearchRequest extends SearchTerms {
  readonly kind: 'search';
  readonly what: 'metricNames' | 'labelNames' | 'labelValues';
  readonly tenant: string;
  /** Selectors as written. */
  readonly matches: readonly string[];
  readonly startMs: number;
  readonly endMs: number;
  /** The label of `labelValues`, else ''. */
  readonly name: string;
  readonly order: 'ascending' | 'descending' | 'score';
  readonly isScoreShown: boolean;
  /** Found at most; 0: all. */
  readonly limit: number;
  /** Per line. */
  readonly batchSize: number;
  /** What is known of metrics, where that is asked for: name, type, help, unit. */
  readonly metadata: readonly (readonly [name: string, type: string, help: string, unit: string])[];
}

interface Found {
  readonly name: string;
  readonly score: number;
}

const FOUND_BYTES = 128;

/** Names that are compared with the terms before others have their turn: some milliseconds of 32 terms. */
const PART = 1000;

/** Names that fit, in the order that is asked for; at most `limit` + 1. */
async function foundOf(
  names: readonly string[],
  request: SearchRequest,
  between: () => Promise<void>,
): Promise<Found[]> {
  const score = searchScore(request);
  const found: Found[] = [];
  for (let at = 0; at < names.length; at += PART) {
    if (at > 0) await between();
    for (const name of names.slice(at, at + PART)) {
      const one = { name, score: score(name) };
      if (one.score > 0) found.push(one);
    }
  }
  if (request.order === 'descending') found.sort((a, b) => compareUtf8(b.name, a.name));
  if (request.order === 'score') found.sort((a, b) => b.score - a.score || compareUtf8(a.name, b.name));
  return request.limit === 0 ? found : found.slice(0, request.limit + 1);
}

/** `listing`: all names that the selectors leave, sorted. `between` is awaited now and then; if it rejects, so does this. */
export async function searchAnswer(
  { items, warnings }: Listing<string>,
  request: SearchRequest,
  between: () => Promise<void>,
): Promise<HandlerAnswer> {
  const found = await foundOf(items, request, between);
  const { limit, batchSize } = request;
  const hasMore = limit > 0 && found.length > limit;
  if (hasMore) found.pop();
  const shown = shownOf(request);
  return {
    status: 200,
    heldBytes: found.length * FOUND_BYTES,
    write: (json) => writeFound(json, { found, shown, batchSize, warnings, hasMore }),
  };
}

interface FoundAnswer {
  readonly found: readonly Found[];
  readonly shown: (found: Found) => object;
  readonly batchSize: number;
  readonly warnings: readonly string[];
  readonly hasMore: boolean;
}

function writeLine(json: JsonWriter, value: object): void {
  json.rawBytes(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}

function* writeFound(json: JsonWriter, { found, shown, batchSize, warnings, hasMore }: FoundAnswer): Pieces {
  for (let at = 0; at === 0 || at < found.length; at += batchSize) {
    const results = found.slice(at, at + batchSize).map(shown);
    writeLine(json, { results, ...(at === 0 && warnings.length > 0 && { warnings }) });
    if (json.isFull) yield;
  }
  writeLine(json, { status: 'success', has_more: hasMore });
}

function shownOf({ what, isScoreShown, metadata }: SearchRequest): (found: Found) => object {
  const known = new Map(metadata.map((one) => [one[0], one]));
  return ({ name, score }) => {
    const [, type, help, unit] = known.get(name) ?? ['', '', '', ''];
    return {
      ...(what === 'labelValues' ? { value: name } : { name }),
      ...(isScoreShown && { score }),
      ...(type !== '' && { type }),
      ...(help !== '' && { help }),
      ...(unit !== '' && { unit }),
    };
  };
}
