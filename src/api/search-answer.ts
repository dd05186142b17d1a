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

/** Names that fit, in the order that is asked for; at most `limit` + 1. */
function foundOf(names: readonly string[], request: SearchRequest): Found[] {
  const score = searchScore(request);
  const found = names.map((name): Found => ({ name, score: score(name) })).filter((one) => one.score > 0);
  if (request.order === 'descending') found.sort((a, b) => compareUtf8(b.name, a.name));
  if (request.order === 'score') found.sort((a, b) => b.score - a.score || compareUtf8(a.name, b.name));
  return request.limit === 0 ? found : found.slice(0, request.limit + 1);
}

/** `listing`: all names that the selectors leave, sorted. */
export function searchAnswer({ items, warnings }: Listing<string>, request: SearchRequest): HandlerAnswer {
  const found = foundOf(items, request);
  const { limit, batchSize } = request;
  const hasMore = limit > 0 && found.length > limit;
  if (hasMore) found.pop();
  const line = (json: JsonWriter, value: object): void => {
    json.rawBytes(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
  };
  const shown = shownOf(request);
  return {
    status: 200,
    heldBytes: found.length * FOUND_BYTES,
    *write(json): Pieces {
      for (let at = 0; at === 0 || at < found.length; at += batchSize) {
        const results = found.slice(at, at + batchSize).map(shown);
        line(json, { results, ...(at === 0 && warnings.length > 0 && { warnings }) });
        if (json.isFull) yield;
      }
      line(json, { status: 'success', has_more: hasMore });
    },
  };
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
