// Queries of rules, asked where all queries run. Many groups may be due at one moment: what exceeds the share of rules waits here.
import type { QueryResponse, QueryService } from '../api/index.ts';
import { TidemarkError, utf8Text } from '../base/index.ts';
import { DEFAULT_TENANT } from '../model/index.ts';
import type { RuleQuery, RuleQueryOptions } from '../rules/index.ts';
import { Slots } from '../rules/index.ts';
import { decodeRuleSamples } from './rules-answer.ts';

/** Queries of rules that run at the same time; more wait here. */
const QUERIES_MAX = 8;

/** What an error's status means: see envelope.ts of api/. */
const CODES: Readonly<Record<number, string>> = { 400: 'bad_data', 422: 'execution', 499: 'canceled', 503: 'timeout' };

async function bodyOf({ body }: QueryResponse): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  for await (const chunk of body) {
    for (const part of chunk.parts) parts.push(part.slice());
    chunk.release();
  }
  return Buffer.concat(parts);
}

/** See RuleQuery. */
export function createRuleQuery(queries: Pick<QueryService, 'query'>): RuleQuery {
  const slots = new Slots(QUERIES_MAX);
  const never = new AbortController().signal;
  return (query, timeMs, options: RuleQueryOptions = {}) =>
    slots.run(async () => {
      const { signal = never, lookbackMs = null, group } = options;
      if (signal.aborted) throw new TidemarkError('canceled', 'rule evaluation was canceled');
      const request = { kind: 'rule', tenant: DEFAULT_TENANT, query, timeMs, lookbackMs, group } as const;
      const response = await queries.query(request, signal, null);
      const bytes = await bodyOf(response);
      if (response.status === 200) return decodeRuleSamples(bytes);
      throw new TidemarkError(CODES[response.status] ?? 'internal', utf8Text(bytes).trimEnd());
    });
}
