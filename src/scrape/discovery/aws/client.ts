// Signed requests to AWS' APIs, in the two protocols that discovery needs: query (form in, XML out) and JSON.
import { utf8Text } from '../../../base/index.ts';
import type { HttpClientConfig, Secret } from '../../../config/index.ts';
import type { HttpClient } from '../../../io/index.ts';
import type { Json } from '../json.ts';
import { RefusedError, parsedJson, requestOk } from '../json-request.ts';
import type { DiscoveryWorld } from '../world.ts';
import { AwsIdentity, serviceUrl } from './credentials.ts';
import { signAws } from './sign.ts';
import { type XmlElement, parseXml } from './xml.ts';

/** What entries of AWS' mechanisms have in common. */
export interface AwsConfig extends HttpClientConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: Secret;
  readonly profile: string;
  readonly roleArn: string;
  readonly externalId: string;
}

const HTTP_UNAUTHORIZED = 401;
const HTTP_FORBIDDEN = 403;

export class AwsClient {
  readonly #config: AwsConfig;
  readonly #world: DiscoveryWorld;
  readonly #service: string;
  readonly #http: HttpClient;
  readonly #identity: AwsIdentity;
  #region = '';

  /** `service`: as in the address and in the signature. */
  constructor(service: string, config: AwsConfig, world: DiscoveryWorld) {
    this.#service = service;
    this.#config = config;
    this.#world = world;
    this.#http = world.httpClient(config);
    this.#identity = new AwsIdentity(config, world, this.#http);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async region(signal: AbortSignal): Promise<string> {
    if (this.#region === '') this.#region = await this.#identity.region(signal);
    return this.#region;
  }

  /** A path of a REST API. */
  async get(path: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Json> {
    const query = Object.entries(parameters).filter(([, value]) => value !== '');
    return parsedJson(path, await this.#send(`${path}?${new URLSearchParams(query)}`, {}, null, signal));
  }

  /** An action of a query API. */
  async query(parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<XmlElement> {
    const type = 'application/x-www-form-urlencoded; charset=utf-8';
    const body = new URLSearchParams(parameters).toString();
    return parseXml(await this.#send('', { 'content-type': type }, body, signal));
  }

  /** An action of a JSON API; `target` is its full name. */
  async json(target: string, input: object, signal: AbortSignal): Promise<Json> {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
    return parsedJson(target, await this.#send('', headers, JSON.stringify(input), signal));
  }

  /** `body` null: a GET. */
  async #send(
    path: string,
    headers: Record<string, string>,
    body: string | null,
    signal: AbortSignal,
  ): Promise<string> {
    const region = await this.region(signal);
    const credentials = await this.#identity.credentials(region, signal);
    const { endpoint, followRedirects } = this.#config;
    const base = endpoint === '' ? serviceUrl(this.#service, region, this.#world) : withScheme(endpoint);
    const url = `${path === '' ? base : base.replace(/\/+$/, '')}${path}`;
    const method = body === null ? 'GET' : 'POST';
    const request = { method, url, headers, body: body ?? '', region, service: this.#service } as const;
    const signed = signAws(request, credentials, this.#world.clock.nowMs());
    const more = { 'user-agent': this.#world.userAgent };
    try {
      const sent = { method, url, headers: { ...signed, ...more }, followRedirects, signal } as const;
      return utf8Text((await requestOk(this.#http, body === null ? sent : { ...sent, body })).body);
    } catch (error) {
      const isIdentity = error instanceof RefusedError && [HTTP_UNAUTHORIZED, HTTP_FORBIDDEN].includes(error.status);
      if (isIdentity) this.#identity.forget();
      throw error;
    }
  }
}

const withScheme = (endpoint: string): string => (/^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`);

/** Runs `run` over all items, at most `limit` at once; the results are in the items' order. */
export async function mapLimited<T, R>(items: readonly T[], limit: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      results[i] = await run(items[i]);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, work));
  return results;
}
