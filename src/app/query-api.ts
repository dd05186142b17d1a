// A client of the HTTP API for verbs.
import { TidemarkError, errorText, utf8Text } from '../base/index.ts';
import type { ExplainNode } from '../promql/index.ts';
import type { HttpClient } from '../io/index.ts';

const TIMEOUT_MS = 150_000;
const BODY_BYTES_MAX = 1 << 30;

/** A series, its one value or its values over time, as the API writes them. */
export interface ApiSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly histogram?: readonly [number, ApiHistogram];
  readonly values?: readonly (readonly [number, string])[];
  readonly histograms?: readonly (readonly [number, ApiHistogram])[];
}

export interface ApiHistogram {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}

/** The data of an answer: of a query its result and the type of it, of a list its items. */
export interface ApiValue {
  readonly type: 'scalar' | 'string' | 'vector' | 'matrix' | 'list';
  readonly data: unknown;
  /** The plan of a query, where it was asked for. */
  readonly explain?: ExplainNode;
  readonly warnings: readonly string[];
}

interface Envelope {
  readonly status?: string;
  readonly data?: {
    readonly resultType?: ApiValue['type'];
    readonly result?: unknown;
    readonly explain?: ExplainNode;
  };
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
}

/** Milliseconds of a time on the command line. */
export function parseCommandTime(text: string, flag: string): number {
  const ms = /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Math.round(Number(text) * 1000) : Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new TidemarkError(
    'bad_flag',
    `error parsing ${flag} time: cannot parse ${JSON.stringify(text)} to a valid timestamp`,
  );
}

export class ApiClient {
  readonly #client: HttpClient;
  readonly #base: string;
  readonly #headers: Record<string, string>;

  constructor(client: HttpClient, server: string, headers: readonly string[]) {
    this.#client = client;
    this.#base = (/^[a-z]+:\/\//i.test(server) ? server : `http://${server}`).replace(/\/+$/, '');
    this.#headers = Object.fromEntries(headers.map(headerPair));
  }

  /** Throws TidemarkError with the server's error. */
  async ask(method: 'GET' | 'POST', path: string, parameters: readonly [string, string][]): Promise<ApiValue> {
    const form = new URLSearchParams(parameters.map(([name, value]) => [name, value])).toString();
    const url = `${this.#base}/api/v1/${path}`;
    const limits = { timeoutMs: TIMEOUT_MS, bodyBytesMax: BODY_BYTES_MAX };
    const answer =
      method === 'GET'
        ? await this.#client.request({ method, url: `${url}?${form}`, headers: this.#headers, ...limits })
        : await this.#client.request({
            method,
            url,
            headers: { ...this.#headers, 'content-type': 'application/x-www-form-urlencoded' },
            body: form,
            ...limits,
          });
    const envelope = parseEnvelope(answer.body, answer.status);
    if (envelope.status !== 'success')
      throw new TidemarkError('refused', `${envelope.errorType ?? 'server_error'}: ${envelope.error ?? ''}`);
    const { data, warnings = [] } = envelope;
    if (Array.isArray(data)) return { type: 'list', data, warnings };
    const explain = data?.explain === undefined ? {} : { explain: data.explain };
    return { type: data?.resultType ?? 'list', data: data?.result ?? [], warnings, ...explain };
  }
}

/** `name=value` or `name: value`. */
export function headerPair(text: string): [string, string] {
  const match = /^([^=:]+)[=:]\s*(.*)$/s.exec(text);
  if (!match) throw new TidemarkError('bad_flag', `expected KEY=VALUE got '${text}'`);
  return [match[1], match[2]];
}

function parseEnvelope(body: Uint8Array, status: number): Envelope {
  try {
    return JSON.parse(utf8Text(body)) as Envelope;
  } catch (cause) {
    const kind = status >= 500 ? 'server_error: server error' : 'client_error: client error';
    if (status < 200 || status > 299) throw new TidemarkError('refused', `${kind}: ${status}`, { cause });
    throw new TidemarkError('refused', `bad_response: ${errorText(cause)}`, { cause });
  }
}
