// Signed requests to AWS' APIs, in the two protocols that discovery needs: query (form in, XML out) and JSON.
import { type XmlElement, parseXml, utf8Text } from '../../../base/index.ts';
import type { HttpClientConfig, Secret } from '../../../config/index.ts';
import { AwsIdentity, type HttpClient, awsServiceUrl, signAws } from '../../../io/index.ts';
import type { Json } from '../json.ts';
import { RefusedError, parsedJson, requestOk } from '../json-request.ts';
import type { DiscoveryWorld } from '../world.ts';

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

  /** `service`: as in the address and in the signature. */
  constructor(service: string, config: AwsConfig, world: DiscoveryWorld) {
    this.#service = service;
    this.#config = config;
    this.#world = world;
    this.#http = world.httpClient(config);
    const { clock, environment, files } = world;
    const readFile = (path: string): Promise<Uint8Array> => files.readFile(path);
    const login = { ...config, secretKey: config.secretKey.reveal() };
    this.#identity = new AwsIdentity(login, { clock, http: this.#http, environment, readFile });
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  region(signal: AbortSignal): Promise<string> {
    return this.#identity.region(signal);
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
    const base = endpoint === '' ? awsServiceUrl(this.#service, region, this.#world) : withScheme(endpoint);
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
      if (isIdentity) this.#identity.refused(credentials);
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
