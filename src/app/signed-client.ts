// Requests to services of AWS, signed (Signature Version 4). Each attempt has a signature of its own, for its time and over the
// bytes of its body. The path goes out without empty parts, as Prometheus sends it: what is signed is what is sent.
import { TidemarkError } from '../base/index.ts';
import {
  type AwsCredentials,
  type AwsIdentity,
  type HttpClient,
  type HttpRequest,
  HttpRoute,
  type HttpResponse,
  type TokenWorld,
  signAws,
} from '../io/index.ts';

/** What may change on the way, or is added after signing. */
const UNSIGNED = new Set(
  'accept-encoding authorization connection expect transfer-encoding uber-trace-id user-agent x-amzn-trace-id'.split(
    ' ',
  ),
);
const REFUSALS = [401, 403];

/** Signs the requests of another client, which it owns together with the one that fetches credentials. */
export class SignedClient implements HttpClient {
  readonly #client: HttpClient;
  readonly #identity: AwsIdentity;
  readonly #world: TokenWorld;
  readonly #service: string;
  readonly #closing = new AbortController();

  /** `service`: as in signatures. */
  constructor(client: HttpClient, identity: AwsIdentity, world: TokenWorld, service: string) {
    this.#client = client;
    this.#identity = identity;
    this.#world = world;
    this.#service = service;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const { signal } = this.#closing;
    signal.throwIfAborted();
    const region = await this.#identity.region(signal);
    const credentials = await this.#identity.credentials(region, signal);
    const answer = await this.#send(request, region, credentials);
    // Keys may have been replaced since they were read.
    if (!REFUSALS.includes(answer.status) || !this.#identity.refused(credentials)) return answer;
    return this.#send(request, region, await this.#identity.credentials(region, signal));
  }

  /** Redirects are followed here, since each is signed anew. One to another host goes without a signature. */
  async #send(request: HttpRequest, region: string, credentials: AwsCredentials): Promise<HttpResponse> {
    const { clock } = this.#world;
    const endMs = clock.monotonicMs() + request.timeoutMs;
    const route = new HttpRoute({ ...request, url: withCleanPath(request.url) }, {});
    const { origin } = new URL(route.url);
    for (;;) {
      const { url, method, body } = route;
      const isOurs = new URL(url).origin === origin;
      const headers = isOurs ? this.#signed(route, region, credentials) : route.headers;
      const timeoutMs = Math.max(1, endMs - clock.monotonicMs());
      const answer = await this.#client.request({
        ...request,
        url,
        method,
        headers,
        body,
        timeoutMs,
        followRedirects: false,
      });
      if (request.followRedirects === false || !route.redirect(answer.status, answer.headers.location)) return answer;
    }
  }

  #signed(route: HttpRoute, region: string, credentials: AwsCredentials): Record<string, string> {
    const { url, method, body = '' } = route;
    const headers = Object.fromEntries(Object.entries(route.headers).filter(([name]) => !UNSIGNED.has(name)));
    const request = { method, url, headers, body, region, service: this.#service };
    return { ...route.headers, ...signAws(request, credentials, this.#world.clock.nowMs()) };
  }

  async close(): Promise<void> {
    this.#closing.abort(new TidemarkError('connection_failed', 'cannot send a request: the client is closed'));
    await Promise.all([this.#client.close(), this.#world.http.close()]);
  }
}

/** A URL that is none is left to those who say so. */
function withCleanPath(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text;
  url.pathname = url.pathname.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
  return url.href;
}
