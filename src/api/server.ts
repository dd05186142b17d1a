// The HTTP server: routes of all kinds in one table, and what is the same for each of them: readiness, errors to envelopes,
// cross-origin headers, compression, counts and latencies. A known path with a wrong method is 405 with Allow, as in
// Prometheus; HEAD is known only where it is listed.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  type Counter,
  InvariantError,
  LATENCY_BOUNDS_SECONDS,
  type Logger,
  type MetricRegistry,
  TidemarkError,
  errorText,
} from '../base/index.ts';
import type { Clock, Files } from '../io/index.ts';
import { type AccessTable, type RouteAccess, reaches, routeAccess, tenantByDefault } from './access.ts';
import { chooseCoding, compress, isCompressible } from './compress.ts';
import { corsHeaders } from './cors.ts';
import {
  type Answer,
  Exchange,
  JSON_TYPE,
  type Method,
  NO_CONTENT,
  plainError,
  type Route,
  TEXT_TYPE,
} from './exchange.ts';
import { errorExcerpt } from './envelope.ts';
import { errorResponse } from './query-handler.ts';
import { SendPace, sendStream } from './send-stream.ts';
import { federateRoutes } from './routes-federate.ts';
import { influxRoutes } from './routes-influx.ts';
import { otlpRoutes } from './routes-otlp.ts';
import { loadPage, pageRoutes } from './routes-page.ts';
import { readRoutes } from './routes-read.ts';
import { poolRoutes } from './routes-pools.ts';
import { activeRoutes } from './routes-active.ts';
import { openApiRoutes } from './routes-openapi.ts';
import { notificationRoutes } from './routes-notifications.ts';
import { searchRoutes } from './routes-search.ts';
import { queryRoutes } from './routes-query.ts';
import { adminRoutes } from './routes-admin.ts';
import { lifecycleRoutes, statusRoutes } from './routes-status.ts';
import { targetRoutes } from './routes-targets.ts';
import { writeRoutes } from './routes-write.ts';
import type { ApiServices, BodyStream } from './services.ts';
import { TENANT_HEADER } from './tenant.ts';
import type { WebProtection } from './web-protection.ts';

/** What a server is made of. */
export interface ApiServerOptions {
  readonly services: ApiServices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricRegistry;
  /** Rooted at build/ui; null: no web page. */
  readonly pageFiles: Files | null;
  /** Pattern of --web.cors.origin. */
  readonly corsOrigin: string;
  /** --web.route-prefix without a slash at its end: '' or '/metrics-of-x'. */
  readonly routePrefix: string;
  readonly isLifecycleEnabled: boolean;
  /** --web.read-timeout: for the whole request to arrive. */
  readonly readTimeoutMs: number;
  /** --web.max-connections: more are closed at once. */
  readonly connectionsMax: number;
  /** TLS, authentication and headers of --web.config.file; absent: none. */
  readonly protection?: WebProtection;
  /** --web.remote-write-receiver.accepted-protobuf-messages; absent: all that are known. */
  readonly writeMessages?: readonly string[];
  /** Rules of `tidemark.access` in force; null: none. */
  readonly access?: () => AccessTable | null;
}

/** A server that may be started once. */
export interface ApiServer {
  /** Listens; resolves with the address as a URL. Port 0 chooses one. */
  start(host: string, port: number): Promise<string>;
  /** Takes no more connections, waits for the answers under way, closes. */
  stop(): Promise<void>;
  /** For tests: requests without a socket. */
  readonly inject: FastifyInstance['inject'];
  /** Of all routes, without the prefix. */
  readonly paths: readonly string[];
}

const METHODS: readonly Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
const PATH_PARAMETER_LENGTH_MAX = 4096;
const KEEP_ALIVE_MS = 120_000;
/** Queries in addresses are long; Go's servers, which clients are made for, take as much. */
const HEADER_BYTES_MAX = 1 << 20;
const API = '/api/v1/';

/** Host and port of an address such as `0.0.0.0:9090`, `:9090` or `[::1]:9090`. Throws TidemarkError `bad_data`. */
export function parseListenAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (!match || Number(match[3]) > 65_535) {
    throw new TidemarkError('bad_data', `cannot parse listen address: it must be host:port; got ${address}`);
  }
  return { host: match[1] ?? (match[2] || '::'), port: Number(match[3]) };
}

/** Builds the server; reads the page's files. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { services, clock, metrics, routePrefix } = options;
  const assets = options.pageFiles ? await loadPage(options.pageFiles) : new Map();
  const routes = [
    ...queryRoutes(services, clock),
    ...searchRoutes(services, clock),
    ...activeRoutes(services),
    ...writeRoutes(services, options.writeMessages),
    ...federateRoutes(services, clock),
    ...readRoutes(services),
    ...otlpRoutes(services),
    ...influxRoutes(services),
    ...targetRoutes(services),
    ...poolRoutes(services),
    ...statusRoutes(services, metrics),
    ...notificationRoutes(services, clock),
    ...openApiRoutes(services, routePrefix),
    ...adminRoutes(services),
    ...lifecycleRoutes(services, {
      metrics,
      isLifecycleEnabled: options.isLifecycleEnabled,
      productName: 'Tidemark',
    }),
    ...pageRoutes(assets, routePrefix),
  ];
  const { protection } = options;
  const tls = protection?.serverOptions;
  const head = { maxHeaderSize: HEADER_BYTES_MAX };
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    ...(tls ? { https: { ...tls, ...head } } : { http: head }),
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: options.readTimeoutMs,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: PATH_PARAMETER_LENGTH_MAX, querystringParser: () => ({}) },
    frameworkErrors: refuse,
  });
  if (protection) protect(app, protection, options.access);
  app.removeAllContentTypeParsers();
  // Bodies stay streams: each handler reads its own, with its own limit.
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.setErrorHandler(refuse);
  const sender = new Sender(options);
  for (const route of routes) registerRoute(app, route, sender, routePrefix);
  const options204: Route = { path: '/api/v1/*', methods: ['OPTIONS'], always: true, handle: () => NO_CONTENT };
  app.route({ method: 'OPTIONS', url: routePrefix + options204.path, handler: sender.handler(options204) });
  const notFound: Route = {
    path: '',
    methods: METHODS,
    always: true,
    handle: () => plainError(404, '404 page not found'),
  };
  app.setNotFoundHandler(sender.handler(notFound));
  await app.ready();
  app.server.maxConnections = options.connectionsMax;
  return {
    start: (host, port) => app.listen({ host, port }),
    stop: () => app.close(),
    inject: app.inject.bind(app) as FastifyInstance['inject'],
    paths: routes.map(({ path }) => path),
  };
}

/** Refuses requests before anything else looks at them, and puts the configured headers on every answer. */
function protect(app: FastifyInstance, protection: WebProtection, access: ApiServerOptions['access']): void {
  app.server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of protection.headers) response.setHeader(name, value);
  });
  if (protection.serverOptions !== null)
    protection.guard(app.server as unknown as Parameters<WebProtection['guard']>[0]);
  app.addHook('onRequest', async (request, reply) => {
    const { authorization } = request.headers;
    const isToken = access?.()?.isToken(authorization) ?? false;
    const refusal = await protection.refusal(authorization, request.socket.remoteAddress ?? '', isToken);
    if (!refusal) return undefined;
    // The body will not be read: the connection cannot be used again.
    const headers = { ...refusal.headers, 'x-content-type-options': 'nosniff', connection: 'close' };
    return reply.code(refusal.status).headers(headers).header('content-type', TEXT_TYPE).send(`${refusal.text}\n`);
  });
}

/** What never reaches a handler: a malformed address or head. */
function refuse(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  reply
    .code(error.statusCode ?? 500)
    .header('content-type', TEXT_TYPE)
    .send(`${errorExcerpt(error.message)}\n`);
}

function registerRoute(app: FastifyInstance, route: Route, sender: Sender, routePrefix: string): void {
  const url = routePrefix + route.path;
  const isApi = route.path.startsWith(API);
  app.route({ method: [...route.methods], url, handler: sender.handler(route) });
  const allow = [...route.methods, 'OPTIONS'].sort().join(', ');
  const refuse: Route = {
    path: route.path,
    methods: METHODS,
    always: true,
    handle: ({ request }) =>
      request.method === 'OPTIONS'
        ? { status: 200, contentType: '', body: null, headers: { allow } }
        : plainError(405, 'Method Not Allowed', { allow }),
  };
  const others = METHODS.filter((method) => !route.methods.includes(method) && !(isApi && method === 'OPTIONS'));
  app.route({ method: others, url, handler: sender.handler(refuse) });
}

function raise(error: InvariantError): never {
  throw error;
}

/** Runs handlers and sends their answers. */
class Sender {
  readonly #options: ApiServerOptions;
  readonly #cors: ReturnType<typeof corsHeaders>;
  readonly #pace: SendPace;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#pace = new SendPace(options.clock);
    this.#cors = corsHeaders(options.corsOrigin);
  }

  handler(route: Route): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
    const { clock, metrics } = this.#options;
    const handler = route.path === '' ? 'not found' : route.path;
    const access = route.path === '' ? 'open' : routeAccess(route.path, route.isPage ?? false);
    const latency = metrics.histogram(
      'tidemark_http_request_duration_seconds',
      'Time from a request to its answer, by route.',
      LATENCY_BOUNDS_SECONDS,
      { handler },
    );
    const counters = new Map<number, Counter>();
    return async (request, reply) => {
      const startedMs = clock.monotonicMs();
      const answer = await this.#admitted(route, access, request, reply);
      let counter = counters.get(answer.status);
      if (!counter) {
        const labels = { handler, code: String(answer.status) };
        counter = metrics.counter('tidemark_http_requests_total', 'Requests answered, by route and status.', labels);
        counters.set(answer.status, counter);
      }
      counter.inc();
      latency.observe((clock.monotonicMs() - startedMs) / 1000);
      return this.#send(route, request, reply, answer);
    };
  }

  /** Answers whoever may ask. A wrong path and a preflight request say nothing, and are open to all. */
  async #admitted(route: Route, access: RouteAccess, request: FastifyRequest, reply: FastifyReply): Promise<Answer> {
    const table = this.#options.access?.() ?? null;
    if (table === null || access === 'open' || request.method === 'OPTIONS')
      return this.#answer(route, new Exchange(request, reply));
    const areUsersChecked = this.#options.protection?.hasUsers ?? false;
    const grant = table.grant(request.headers.authorization, areUsersChecked);
    if (!grant) return plainError(401, 'Unauthorized', { 'www-authenticate': 'Bearer realm="tidemark"' });
    const tenant = request.headers[TENANT_HEADER];
    if (!reaches(grant, access, String(tenant ?? ''))) return plainError(403, 'Forbidden');
    return this.#answer(route, new Exchange(request, reply, tenantByDefault(grant)));
  }

  async #answer(route: Route, exchange: Exchange): Promise<Answer> {
    const { lifecycle } = this.#options.services;
    if (!route.always && !lifecycle.ready()) {
      return plainError(503, 'Service Unavailable', { 'x-prometheus-stopping': String(lifecycle.stopping()) });
    }
    try {
      return await route.handle(exchange);
    } catch (error) {
      // Thrown where no promise catches it: a bug of ours ends the process.
      if (error instanceof InvariantError) queueMicrotask(() => raise(error));
      return this.#errorAnswer(route, error);
    }
  }

  #errorAnswer(route: Route, error: unknown): Answer {
    if (error instanceof TidemarkError && error.code === 'body_too_large') return plainError(413, error.message);
    const { status, body } = errorResponse(error);
    if (!(error instanceof TidemarkError)) {
      this.#options.logger.error('request failed', { route: route.path, error: errorText(error) });
    }
    if (!route.path.startsWith(API)) return plainError(status, errorText(error));
    return { status, contentType: JSON_TYPE, body };
  }

  async #send(route: Route, request: FastifyRequest, reply: FastifyReply, answer: Answer): Promise<FastifyReply> {
    const { origin, 'accept-encoding': accept } = request.headers;
    reply.code(answer.status);
    if (answer.headers) reply.headers(answer.headers);
    const cors = route.path.startsWith(API) ? this.#cors(origin) : null;
    if (cors) reply.headers(cors);
    else if (route.path.startsWith(API)) reply.header('vary', 'Origin');
    if (answer.body === null) return reply.send();
    reply.header('content-type', answer.contentType);
    const varies = route.path.startsWith(API) ? 'Origin, Accept-Encoding' : 'Accept-Encoding';
    if (answer.coding) reply.header('content-encoding', answer.coding);
    if (isStream(answer.body)) {
      reply.header('vary', varies).hijack();
      await sendStream(reply.raw, reply.getHeaders(), answer.body, this.#options.clock, this.#pace);
      return reply;
    }
    const bytes = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
    if (answer.isPlain) return sendBytes(reply, bytes);
    if (answer.coding || isCompressible(bytes)) reply.header('vary', varies);
    const coding =
      answer.coding || accept === undefined || !isCompressible(bytes) ? null : chooseCoding(String(accept));
    if (!coding) return sendBytes(reply, bytes);
    reply.header('content-encoding', coding);
    return sendBytes(reply, coding === 'gzip' && answer.gzipBody ? answer.gzipBody : await compress(coding, bytes));
  }
}

const isStream = (body: Uint8Array | string | BodyStream): body is BodyStream =>
  typeof body !== 'string' && !(body instanceof Uint8Array);

/** A write to a socket goes on as long as the receiver keeps up: one of many megabytes would hold up all other requests. */
const SLICE_BYTES = 256 * 1024;

function* slicesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
}

/** Long answers go out in slices, between which others have their turn. */
function sendBytes(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  if (bytes.length <= SLICE_BYTES) return reply.send(bytes);
  return reply.header('content-length', bytes.length).send(Readable.from(slicesOf(bytes), { objectMode: false }));
}
