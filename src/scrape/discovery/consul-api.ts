// The three calls of Consul's HTTP API that discovery makes (https://developer.hashicorp.com/consul/api-docs). Lists are blocking
// queries: the server answers when its index has passed ours, or after two minutes.
import { TidemarkError, utf8Text } from '../../base/index.ts';
import type { SdConfig } from '../../config/index.ts';
import type { HttpClient } from '../../io/index.ts';
import type { Json } from './json.ts';
import { parsedJson, pathPart, requestOk } from './json-request.ts';
import type { DiscoveryWorld } from './world.ts';

export type ConsulSdConfig = SdConfig<'consulSdConfigs'>;

/** A list and the index that it is from. */
export interface ConsulAnswer {
  readonly index: number;
  readonly body: Json;
}

const WAIT_MS = 120_000;
/** The server adds up to a sixteenth of the wait, so that not all clients come back at once. */
const TIMEOUT_MS = WAIT_MS + 15_000;

export class ConsulApi {
  readonly #config: ConsulSdConfig;
  readonly #http: HttpClient;
  readonly #userAgent: string;
  readonly #base: string;

  constructor(config: ConsulSdConfig, world: DiscoveryWorld) {
    this.#config = config;
    this.#userAgent = world.userAgent;
    const { username, password } = config;
    const none = { usernameFile: '', usernameRef: '', passwordFile: '', passwordRef: '' };
    const basicAuth = username !== '' || !password.isEmpty ? { ...none, username, password } : config.basicAuth;
    const [, scheme = config.scheme, address] = /^(?:(https?|unix):\/\/)?(.*)$/.exec(config.server) as RegExpExecArray;
    const isSocket = scheme === 'unix';
    this.#http = world.httpClient({ ...config, basicAuth }, isSocket ? { socketPath: address } : {});
    const prefix = config.pathPrefix.replace(/^\/*|\/+$/g, '');
    this.#base = `${isSocket ? 'http://localhost' : `${scheme}://${address.replace(/\/+$/, '')}`}${prefix && `/${prefix}`}`;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /** The name of the agent's own datacenter. */
  async datacenter(signal: AbortSignal): Promise<string> {
    const { body } = await this.#get('/v1/agent/self', [], signal);
    const name = body.in('Config.Datacenter').text();
    if (name === '') throw new TidemarkError('bad_discovery', 'cannot tell datacenter: Config.Datacenter is empty');
    return name;
  }

  /** Names of services with the tags that any of their instances has. */
  services(index: number, signal: AbortSignal): Promise<ConsulAnswer> {
    return this.#get('/v1/catalog/services', [['filter', this.#config.filter], ...this.#waiting(index)], signal);
  }

  /** Instances of a service that have all tags, with their nodes and checks. */
  instances(service: string, index: number, signal: AbortSignal): Promise<ConsulAnswer> {
    const { tags, healthFilter } = this.#config;
    const parameters: [string, string][] = tags.map((tag) => ['tag', tag]);
    const path = `/v1/health/service/${pathPart(service)}`;
    return this.#get(path, [...parameters, ['filter', healthFilter], ...this.#waiting(index)], signal);
  }

  #waiting(index: number): [string, string][] {
    const { allowStale, nodeMeta } = this.#config;
    const metadata = Object.entries(nodeMeta).map(([key, value]): [string, string] => ['node-meta', `${key}:${value}`]);
    const parameters: [string, string][] = [...metadata, ['wait', `${WAIT_MS}ms`]];
    if (index > 0) parameters.push(['index', String(index)]);
    if (allowStale) parameters.push(['stale', '']);
    return parameters;
  }

  async #get(path: string, parameters: readonly [string, string][], signal: AbortSignal): Promise<ConsulAnswer> {
    const { datacenter, namespace, partition, token, followRedirects } = this.#config;
    const common: [string, string][] = [
      ['dc', datacenter],
      ['ns', namespace],
      ['partition', partition],
    ];
    const all = [...common, ...parameters].filter(([name, value]) => value !== '' || name === 'stale');
    const response = await requestOk(this.#http, {
      url: `${this.#base}${path}?${new URLSearchParams(all)}`,
      headers: {
        Accept: 'application/json',
        'User-Agent': this.#userAgent,
        ...(!token.isEmpty && { 'X-Consul-Token': token.reveal() }),
      },
      timeoutMs: TIMEOUT_MS,
      followRedirects,
      signal,
    });
    return { index: Number(response.headers['x-consul-index'] ?? 0), body: parsedJson(path, utf8Text(response.body)) };
  }
}
