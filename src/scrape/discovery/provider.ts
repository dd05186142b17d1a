// What providers share: asking an API, pages, and making labels the way Prometheus makes them. A provider is a function from
// its configuration to one that fetches all groups there are.
import { TidemarkError, utf8Text } from '../../base/index.ts';
import { type HttpClientConfig, httpClientDefaults } from '../../config/index.ts';
import type { HttpClient, HttpRequest } from '../../io/index.ts';
import { Labels } from '../../model/index.ts';
import type { Discoverer, TargetGroup } from './discoverer.ts';
import { Json } from './json.ts';
import { PollingDiscovery } from './polling.ts';
import type { DiscoveryWorld } from './world.ts';

/** What a provider works with. */
export interface ProviderParts extends DiscoveryWorld {
  /** With the credentials, TLS and proxy of the configuration. */
  readonly http: HttpClient;
}

/** Fetches all groups there are. Throws TidemarkError. */
export type FetchGroups = (signal: AbortSignal) => Promise<readonly TargetGroup[]>;

/** The discoverer of a provider; options of a client that its configuration lacks have their defaults. */
export const providerOf =
  <C extends Partial<HttpClientConfig> & { readonly refreshIntervalMs: number }>(
    mechanism: string,
    groups: (config: C, parts: ProviderParts) => FetchGroups,
  ) =>
  (config: C, world: DiscoveryWorld): Discoverer => {
    const http = world.httpClient({ ...httpClientDefaults(), ...config });
    const polled = {
      mechanism,
      refreshIntervalMs: config.refreshIntervalMs,
      refresh: groups(config, { ...world, http }),
      close: () => http.close(),
    };
    return new PollingDiscovery(polled, world);
  };

/** Of one answer: 100,000 machines with all that is said of them. */
const BODY_BYTES_MAX = 256 * 1024 * 1024;

/** A list with more pages is not read: the other side must have lost count. */
const PAGE_COUNT_MAX = 10_000;

const bad = (text: string): TidemarkError => new TidemarkError('bad_discovery', text);

/** Where an error happened: a URL without its query and credentials. */
function placeOf(text: string): string {
  const url = URL.parse(text);
  return url ? `${url.origin}${url.pathname}` : text.replace(/[?#].*/, '');
}

export interface ApiRequest {
  readonly method?: HttpRequest['method'];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** Statuses that are answers, besides 2xx. */
  readonly alsoGood?: readonly number[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Asks an API; anything but a good answer is an error that names the place and the status, never what was answered. */
export class Api {
  readonly #parts: ProviderParts;
  readonly #timeoutMs: number;
  readonly #followRedirects: boolean;

  constructor(parts: ProviderParts, options: { timeoutMs: number; followRedirects?: boolean }) {
    this.#parts = parts;
    this.#timeoutMs = options.timeoutMs;
    this.#followRedirects = options.followRedirects ?? true;
  }

  /** For the configurations that have an interval and the options of a client. */
  static of(config: { refreshIntervalMs: number; followRedirects?: boolean }, parts: ProviderParts): Api {
    return new Api(parts, { timeoutMs: config.refreshIntervalMs, followRedirects: config.followRedirects });
  }

  async ask(url: string, request: ApiRequest): Promise<ApiAnswer> {
    const { method = 'GET', headers = {}, body, signal, alsoGood = [] } = request;
    const response = await this.#parts.http.request({
      method,
      url,
      headers: { 'User-Agent': this.#parts.userAgent, Accept: 'application/json', ...headers },
      ...(body !== undefined && { body }),
      timeoutMs: this.#timeoutMs,
      bodyBytesMax: BODY_BYTES_MAX,
      followRedirects: this.#followRedirects,
      signal,
    });
    const { status } = response;
    if ((status < 200 || status > 299) && !alsoGood.includes(status))
      throw bad(`cannot ${method} ${placeOf(url)}: server returned HTTP status ${status}`);
    return { status, headers: response.headers, text: utf8Text(response.body) };
  }

  async json(url: string, request: ApiRequest): Promise<Json> {
    return jsonOf(await this.ask(url, request), url);
  }
}

/** Throws TidemarkError `bad_discovery` with the place. */
export function jsonOf(answer: ApiAnswer, url: string): Json {
  try {
    return new Json(JSON.parse(answer.text));
  } catch {
    // Without the cause: its text quotes the answer, which may hold a secret.
    throw bad(`cannot read answer of ${placeOf(url)}: it is not JSON`);
  }
}

/** A URL with parameters; empty ones are left out. */
export function withQuery(url: string, parameters: Readonly<Record<string, string | readonly string[]>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of typeof value === 'string' ? [value] : value) if (one !== '') query.append(name, one);
  }
  const text = query.toString();
  if (text === '') return url;
  return `${url}${url.includes('?') ? '&' : '?'}${text}`;
}

/** One page of a list and how the next one is asked for: null at the last. */
export interface Page<T, C> {
  readonly items: readonly T[];
  readonly next: C | null;
}

/** All items of a list that comes in pages. Throws `bad_discovery` if a page leads back to itself or there is no end. */
export async function everyPage<T, C>(first: C, fetch: (cursor: C) => Promise<Page<T, C>>): Promise<T[]> {
  const out: T[] = [];
  let cursor = first;
  for (let count = 0; count < PAGE_COUNT_MAX; count++) {
    const { items, next } = await fetch(cursor);
    for (const item of items) out.push(item);
    if (next === null) return out;
    if (next === cursor) throw bad('cannot list pages: a page names itself as the next one');
    cursor = next;
  }
  throw bad(`cannot list pages: there are more than ${PAGE_COUNT_MAX}`);
}

/** Results in the order of `items`, at most `count` under way at once. The first error ends it. */
export async function mapSome<T, R>(items: readonly T[], count: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const out: R[] = new Array(items.length);
  let next = 0;
  let isFailed = false;
  const work = async (): Promise<void> => {
    while (next < items.length && !isFailed) {
      const i = next++;
      out[i] = await map(items[i]).catch((error: unknown) => {
        isFailed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, work));
  return out;
}

/** A list as one label value, with the separator around it too, so that rules need not know the position. */
export const surrounded = (texts: readonly string[], separator = ','): string =>
  texts.length === 0 ? '' : `${separator}${texts.join(separator)}${separator}`;

export const isIpv4 = (text: string): boolean => /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text);

/** Without a slash at its end. */
export const trimSlash = (url: string): string => url.replace(/\/+$/, '');

/** The group of a provider that has only one. */
export const oneGroup = (source: string, targets: readonly Record<string, string>[]): TargetGroup[] => [
  { source, targets: targets.map((labels) => Labels.from(labels)), labels: Labels.empty },
];

/** Names with a prefix. */
export const prefixed = (prefix: string, labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [prefix + name, value]));
