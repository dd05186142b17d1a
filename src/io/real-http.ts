// HTTP on real sockets, by undici. A client owns its connections: close() ends them all.
import { Agent, type Dispatcher, ProxyAgent, request as undiciRequest } from 'undici';
import { TidemarkError } from '../base/index.ts';
import { bodyTooLarge, contentCodings, decodeBody, refuseCodings } from './http-decode.ts';
import { HttpRoute } from './http-route.ts';
import { proxyChoice } from './http-proxy.ts';
import type { HttpClient, HttpClientOptions, HttpRequest, HttpResponse } from './ports.ts';

const KEEP_ALIVE_MS_DEFAULT = 30_000;
const CONNECT_MS_MAX = 30_000;
// Compressed bytes can be a little more than what they stand for (stored blocks and headers).
const COMPRESSED_SLACK_BYTES = 4096;

export class RealHttpClient implements HttpClient {
  readonly #options: HttpClientOptions;
  readonly #proxyOf: (url: string) => string | undefined;
  /** By proxy; made when first used. */
  readonly #dispatchers = new Map<string | undefined, Dispatcher>();

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#proxyOf = proxyChoice(options);
  }

  #dispatcher(url: string): Dispatcher {
    const proxy = this.#proxyOf(url);
    let dispatcher = this.#dispatchers.get(proxy);
    if (!dispatcher) {
      dispatcher = makeDispatcher(this.#options, proxy);
      this.#dispatchers.set(proxy, dispatcher);
    }
    return dispatcher;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), request.timeoutMs);
    const signal = request.signal ? AbortSignal.any([request.signal, timeout.signal]) : timeout.signal;
    try {
      return await this.#follow(request, signal);
    } catch (cause) {
      if (cause instanceof TidemarkError) throw cause;
      if (request.signal?.aborted) throw request.signal.reason;
      throw requestError(request, cause, timeout.signal.aborted);
    } finally {
      clearTimeout(timer);
    }
  }

  async #follow(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
    const route = new HttpRoute(request, this.#options);
    for (;;) {
      const answer = await undiciRequest(route.url, {
        method: route.method,
        headers: route.headers,
        body: route.body,
        dispatcher: this.#dispatcher(route.url),
        signal,
        headersTimeout: 0, // one deadline for all, by the signal
        bodyTimeout: 0,
      });
      const headers = plainHeaders(answer.headers);
      if (request.followRedirects === false || !route.redirect(answer.statusCode, headers.location)) {
        const status = answer.statusCode;
        if (request.onBody && status >= 200 && status <= 299) {
          await passBody(answer.body, headers, request.onBody);
          return { status, headers, body: new Uint8Array() };
        }
        const body = await readBody(answer.body, headers, request.bodyBytesMax);
        return { status, headers, body };
      }
      await answer.body.dump(); // or the connection would never be free again
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
  }
}

function makeDispatcher(options: HttpClientOptions, proxy: string | undefined): Dispatcher {
  const { tls, keepAliveMs = KEEP_ALIVE_MS_DEFAULT } = options;
  const connect = {
    ca: tls?.ca,
    cert: tls?.cert,
    key: tls?.key,
    servername: tls?.serverName,
    rejectUnauthorized: !tls?.insecure,
    minVersion: tls?.minVersion,
    maxVersion: tls?.maxVersion,
    timeout: CONNECT_MS_MAX,
    ...(options.socketPath !== undefined && { socketPath: options.socketPath }),
  };
  const common: Agent.Options = {
    connections: options.connectionCountMax ?? null,
    ...(keepAliveMs === 0 ? { pipelining: 0 } : { keepAliveTimeout: keepAliveMs, keepAliveMaxTimeout: keepAliveMs }),
  };
  if (proxy === undefined) return new Agent({ ...common, connect });
  return new ProxyAgent({
    ...common,
    uri: proxy,
    headers: { ...options.proxyHeaders },
    requestTls: connect,
    proxyTunnel: false, // plain requests go to the proxy with their whole address, as proxies expect; https still tunnels
  });
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name.toLowerCase()] = typeof value === 'string' ? value : value.join(', ');
  }
  return plain;
}

async function passBody(
  body: AsyncIterable<Buffer>,
  headers: Readonly<Record<string, string>>,
  onBody: (piece: Uint8Array) => void,
): Promise<void> {
  refuseCodings(headers);
  for await (const piece of body) onBody(piece);
}

async function readBody(
  body: AsyncIterable<Buffer> & { destroy(): void },
  headers: Readonly<Record<string, string>>,
  bytesMax: number,
): Promise<Uint8Array> {
  const codings = contentCodings(headers['content-encoding']);
  const receivedMax = bytesMax + (codings.length > 0 ? COMPRESSED_SLACK_BYTES : 0);
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of body) {
    byteCount += chunk.length;
    if (bytesMax > 0 && byteCount > receivedMax) throw bodyTooLarge(bytesMax); // leaving the loop ends the connection
    chunks.push(chunk);
  }
  return decodeBody(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, byteCount), codings, bytesMax);
}

function requestError(request: HttpRequest, cause: unknown, isTimeout: boolean): TidemarkError {
  const what = `cannot ${request.method} ${withoutCredentials(request.url)}`;
  if (isTimeout) return new TidemarkError('timeout', `${what}: no answer within ${request.timeoutMs} ms`, { cause });
  return new TidemarkError('connection_failed', `${what}: ${causeText(cause)}`, { cause });
}

// Several addresses tried give an AggregateError with an empty text of its own.
function causeText(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(causeText).join('; ');
  return (cause as Error).message || String((cause as { code?: string }).code ?? cause);
}

const withoutCredentials = (url: string): string => url.replace(/\/\/[^/@]*@/, '//');
