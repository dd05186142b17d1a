// The two calls of the Kubernetes API that discovery makes: list, in pages, and watch, one JSON event per line for as long as
// the server keeps it open (https://kubernetes.io/docs/reference/using-api/api-concepts/).
import { ByteLines, TidemarkError, utf8Text } from '../../../base/index.ts';
import type { HttpClient } from '../../../io/index.ts';
import type { Json } from '../json.ts';
import { RefusedError, parsedJson, requestOk } from '../json-request.ts';

/** What is listed and watched. */
export interface KubeQuery {
  /** `/api/v1/pods`, say. */
  readonly path: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

export interface KubePage {
  readonly items: readonly Json[];
  readonly resourceVersion: string;
  /** Of the next page; '' on the last one. */
  readonly next: string;
}

export type KubeEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

export interface KubeEvent {
  readonly type: KubeEventType;
  readonly object: Json;
}

/** Objects of one page: keeps an answer at some MB, whatever the size of the cluster. */
const PAGE_ITEMS_MAX = 500;
const PAGE_BYTES_MAX = 512 << 20;
const PAGE_TIMEOUT_MS = 60_000;
/** The server ends a watch after this; a connection that died unnoticed is found out then. */
const WATCH_SECONDS = 300;
const WATCH_GRACE_MS = 30_000;
/** etcd stores objects of 1.5 MiB at most by default. */
const EVENT_BYTES_MAX = 64 << 20;
const HTTP_GONE = 410;

/** The resource version is too old, or the page token is: list again from the start. */
export const isGone = (error: unknown): boolean => error instanceof TidemarkError && error.code === 'gone';

const gone = (fact: string) => new TidemarkError('gone', `cannot go on watching: ${fact}`);

export class KubeApi {
  readonly #server: string;
  readonly #http: HttpClient;
  readonly #userAgent: string;

  constructor(server: string, http: HttpClient, userAgent: string) {
    this.#server = server;
    this.#http = http;
    this.#userAgent = userAgent;
  }

  /** One page of a list; `page` is the token of the page before, or ''. Throws TidemarkError, isGone() when it is too old. */
  async list(query: KubeQuery, page: string, signal: AbortSignal): Promise<KubePage> {
    const url = this.#url(query, { limit: String(PAGE_ITEMS_MAX), continue: page });
    const answer = await this.#get(url, { timeoutMs: PAGE_TIMEOUT_MS, bodyBytesMax: PAGE_BYTES_MAX, signal });
    const list = parsedJson(API, utf8Text(answer));
    const meta = list.at('metadata');
    const position = { resourceVersion: meta.at('resourceVersion').text(), next: meta.at('continue').text() };
    return { items: list.at('items').list(), ...position };
  }

  /** Hands over events from `resourceVersion` on until the server ends the watch. Throws as list(). */
  async watch(
    query: KubeQuery,
    resourceVersion: string,
    signal: AbortSignal,
    onEvent: (event: KubeEvent) => void,
  ): Promise<void> {
    const parameters = { watch: '1', allowWatchBookmarks: 'true', timeoutSeconds: String(WATCH_SECONDS) };
    const url = this.#url(query, { ...parameters, resourceVersion });
    const lines = new ByteLines(EVENT_BYTES_MAX);
    const onBody = (piece: Uint8Array): void => {
      for (const line of lines.push(piece)) if (line.length > 0) onEvent(eventOf(parsedJson(API, utf8Text(line))));
    };
    await this.#get(url, { timeoutMs: WATCH_SECONDS * 1000 + WATCH_GRACE_MS, bodyBytesMax: 0, signal, onBody });
  }

  async #get(
    url: string,
    limits: { timeoutMs: number; bodyBytesMax: number; signal: AbortSignal; onBody?: (piece: Uint8Array) => void },
  ): Promise<Uint8Array> {
    const encoding: Record<string, string> = limits.onBody ? { 'Accept-Encoding': 'identity' } : {};
    const headers = { Accept: 'application/json', 'User-Agent': this.#userAgent, ...encoding };
    try {
      return (await requestOk(this.#http, { url, headers, ...limits })).body;
    } catch (error) {
      if (error instanceof RefusedError && error.status === HTTP_GONE) throw gone(error.message);
      throw error;
    }
  }

  #url(query: KubeQuery, parameters: Readonly<Record<string, string>>): string {
    const { path, labelSelector, fieldSelector } = query;
    const all = Object.entries({ labelSelector, fieldSelector, ...parameters }).filter(([, value]) => value !== '');
    return `${this.#server}${path}?${new URLSearchParams(all)}`;
  }
}

const API = 'the Kubernetes API';

const EVENT_TYPES: readonly string[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] satisfies KubeEventType[];

function eventOf(json: Json): KubeEvent {
  const type = json.at('type').text();
  const object = json.at('object');
  if (type === 'ERROR') {
    const message = object.at('message').text();
    if (object.at('code').number() === HTTP_GONE) throw gone(message);
    throw new TidemarkError('bad_discovery', `cannot watch: the server says ${JSON.stringify(message)}`);
  }
  if (!EVENT_TYPES.includes(type))
    throw new TidemarkError('bad_discovery', `cannot read event: unknown type; got ${JSON.stringify(type)}`);
  return { type: type as KubeEventType, object };
}
