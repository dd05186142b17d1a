// HTTP between simulated machines and to simulated targets: a table of origins with their handlers, and a network between
// that delays, loses, and is cut.
import { TidemarkError } from '../base/index.ts';
import { bodyTooLarge, contentCodings, decodeBody, refuseCodings } from './http-decode.ts';
import { HttpRoute } from './http-route.ts';
import type { HttpClient, HttpClientOptions, HttpRequest, HttpResponse } from './ports.ts';
import type { SimRandom } from './sim-random.ts';
import type { SimOwner, SimScheduler } from './sim-scheduler.ts';

/** What a handler sees: the request as it is after redirects, default headers and credentials. */
export interface SimHttpRequest {
  readonly method: HttpRequest['method'];
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Name of the machine that asks. */
  readonly from: string;
}

/** Missing parts: status 200, no headers, no body. */
export type SimHttpAnswer = Partial<Omit<HttpResponse, 'body'>> & { readonly body?: Uint8Array | string };

/** Serves one origin. */
export type SimHttpHandler = (request: SimHttpRequest) => SimHttpAnswer | Promise<SimHttpAnswer>;

interface Service {
  readonly handler: SimHttpHandler;
  readonly owner: SimOwner;
}

/** The network between machines. Its switches may be changed at any moment. */
export class SimNetwork {
  readonly delay = { msMin: 0.1, msMax: 2 };
  /** Probability that a request is refused before it arrives. */
  refuseChance = 0;
  /** Probability that the answer gets lost: the request was served, the client waits for its timeout. */
  loseAnswerChance = 0;
  /** Says whether a machine cannot reach a host ("name:port"); the request then hangs. */
  isCut: (from: string, host: string) => boolean = () => false;
  readonly random: SimRandom;
  readonly #services = new Map<string, Service>();

  constructor(random: SimRandom) {
    this.random = random;
  }

  /** Serves an origin such as http://node:9100 until its owner dies; the result ends it. */
  serve(origin: string, handler: SimHttpHandler, owner: SimOwner): () => void {
    const key = new URL(origin).origin;
    const service = { handler, owner };
    this.#services.set(key, service);
    return () => {
      if (this.#services.get(key) === service) this.#services.delete(key);
    };
  }

  /** Who serves an origin, if anybody who lives does. */
  find(origin: string): Service | undefined {
    const service = this.#services.get(origin);
    return service?.owner.isAlive ? service : undefined;
  }

  delayMs(): number {
    return this.delay.msMin + this.random.next() * (this.delay.msMax - this.delay.msMin);
  }
}

export class SimHttpClient implements HttpClient {
  readonly #network: SimNetwork;
  readonly #scheduler: SimScheduler;
  readonly #owner: SimOwner;
  readonly #from: string;
  readonly #options: HttpClientOptions;
  #isClosed = false;

  constructor(
    network: SimNetwork,
    scheduler: SimScheduler,
    owner: SimOwner,
    from: string,
    options: HttpClientOptions = {},
  ) {
    this.#network = network;
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#from = from;
    this.#options = options;
  }

  request(request: HttpRequest): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const fail = (code: string, fact: string): void =>
        reject(new TidemarkError(code, `cannot ${request.method} ${request.url}: ${fact}`));
      if (this.#isClosed) return fail('connection_failed', 'the client is closed');
      if (request.signal?.aborted) return reject(request.signal.reason);
      const onAbort = (): void => reject(request.signal?.reason);
      request.signal?.addEventListener('abort', onAbort, { once: true });
      const cancel = this.#scheduler.schedule(this.#owner, request.timeoutMs, () =>
        fail('timeout', `no answer within ${request.timeoutMs} ms`),
      );
      const end = (): void => {
        cancel();
        request.signal?.removeEventListener('abort', onAbort);
      };
      this.#follow(request).then(resolve, reject).finally(end);
    });
  }

  async #follow(request: HttpRequest): Promise<HttpResponse> {
    const route = new HttpRoute(request, this.#options);
    for (;;) {
      const answer = await this.#exchange(route);
      const { status = 200, headers = {} } = answer;
      if (request.followRedirects !== false && route.redirect(status, headers.location)) continue;
      if (request.onBody && status >= 200 && status <= 299) {
        refuseCodings(headers);
        request.onBody(bytesOf(answer.body));
        return { status, headers, body: new Uint8Array() };
      }
      const body = await this.#decode(bytesOf(answer.body), headers['content-encoding'], request.bodyBytesMax);
      return { status, headers, body };
    }
  }

  async #decode(bytes: Uint8Array, encoding: string | undefined, bytesMax: number): Promise<Uint8Array> {
    const codings = contentCodings(encoding);
    if (codings.length > 0) return this.#scheduler.real(decodeBody(bytes, codings, bytesMax));
    if (bytesMax > 0 && bytes.length > bytesMax) throw bodyTooLarge(bytesMax);
    return bytes;
  }

  async #exchange(route: HttpRoute): Promise<SimHttpAnswer> {
    const network = this.#network;
    const url = new URL(route.url);
    await this.#scheduler.wait(this.#owner, network.delayMs());
    if (network.isCut(this.#from, url.host)) return never();
    const service = network.find(url.origin);
    if (service === undefined || network.random.chance(network.refuseChance)) {
      throw new TidemarkError(
        'connection_failed',
        `cannot ${route.method} ${route.url}: connect ECONNREFUSED ${url.host}`,
      );
    }
    const { method, headers } = route;
    const answer = await service.handler({ method, url, headers, body: bytesOf(route.body), from: this.#from });
    if (!service.owner.isAlive || network.random.chance(network.loseAnswerChance)) return never();
    await this.#scheduler.wait(this.#owner, network.delayMs());
    return network.isCut(this.#from, url.host) ? never() : answer;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

const never = (): Promise<never> => new Promise(() => {});

const bytesOf = (body: Uint8Array | string | undefined): Uint8Array =>
  typeof body === 'string' ? new TextEncoder().encode(body) : (body ?? new Uint8Array(0));
