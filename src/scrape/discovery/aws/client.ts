// Signed requests to AWS' APIs, in the two protocols that discovery needs: query (form in, XML out) and JSON.
import { TidemarkError, utf8Text } from '../../../base/index.ts';
import type { HttpClientConfig, Secret } from '../../../config/index.ts';
import type { HttpClient } from '../../../io/index.ts';
import { Json } from '../json.ts';
import { RefusedError, requestOk } from '../json-request.ts';
import type { DiscoveryWorld } from '../world.ts';
import { AwsIdentity, awsUrl } from './credentials.ts';
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

  /** An action of a query API. */
  async query(parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<XmlElement> {
    const type = 'application/x-www-form-urlencoded; charset=utf-8';
    const body = new URLSearchParams(parameters).toString();
    return parseXml(await this.#send({ 'content-type': type }, body, signal));
  }

  /** An action of a JSON API; `target` is its full name. */
  async json(target: string, input: object, signal: AbortSignal): Promise<Json> {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
    const text = await this.#send(headers, JSON.stringify(input), signal);
    try {
      return new Json(JSON.parse(text));
    } catch (cause) {
      throw new TidemarkError('bad_discovery', `cannot read answer of ${target}: it is not JSON`, { cause });
    }
  }

  async #send(headers: Record<string, string>, body: string, signal: AbortSignal): Promise<string> {
    const region = await this.region(signal);
    const credentials = await this.#identity.credentials(region, signal);
    const { endpoint, followRedirects } = this.#config;
    const url = endpoint === '' ? awsUrl(this.#service, region) : withScheme(endpoint);
    const request = { method: 'POST' as const, url, headers, body, region, service: this.#service };
    const signed = signAws(request, credentials, this.#world.clock.nowMs());
    const more = { 'user-agent': this.#world.userAgent };
    try {
      const answer = { method: request.method, url, headers: { ...signed, ...more }, body, followRedirects, signal };
      return utf8Text((await requestOk(this.#http, answer)).body);
    } catch (error) {
      const isIdentity = error instanceof RefusedError && [HTTP_UNAUTHORIZED, HTTP_FORBIDDEN].includes(error.status);
      if (isIdentity) this.#identity.forget();
      throw error;
    }
  }
}

const withScheme = (endpoint: string): string => (/^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`);
