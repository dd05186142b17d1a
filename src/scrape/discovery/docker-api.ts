// Docker's Engine API (https://docs.docker.com/reference/api/engine/), over a Unix socket or TCP.
import { TidemarkError } from '../../base/index.ts';
import type { HttpClientConfig } from '../../config/index.ts';
import type { HttpClient } from '../../io/index.ts';
import { Json } from './json.ts';
import { requestJson } from './json-request.ts';
import { sanitizeLabelName } from './labels.ts';
import type { DiscoveryWorld } from './world.ts';

interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** What an entry of `docker_sd_configs` and of `dockerswarm_sd_configs` have in common. */
export interface DockerConfig extends HttpClientConfig {
  readonly host: string;
  readonly filters: readonly Filter[];
  readonly refreshIntervalMs: number;
}

/** The URL that paths are added to, and the socket if there is one. */
function placeOf(host: string): { base: string; socketPath?: string } {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(host) ?? [];
  if (scheme === 'unix') return { base: 'http://localhost', socketPath: rest };
  if (scheme === 'tcp') return { base: `http://${rest.replace(/\/+$/, '')}` };
  if (scheme === 'http' || scheme === 'https') return { base: host.replace(/\/+$/, '') };
  const fact = 'host must begin with unix://, tcp://, http:// or https://';
  throw new TidemarkError('bad_discovery', `cannot reach Docker: ${fact}; got ${host}`);
}

export class DockerApi {
  readonly #config: DockerConfig;
  readonly #world: DiscoveryWorld;
  #client: { http: HttpClient; base: string } | null = null;

  constructor(config: DockerConfig, world: DiscoveryWorld) {
    this.#config = config;
    this.#world = world;
  }

  async close(): Promise<void> {
    await this.#client?.http.close();
  }

  /** A list such as `/containers/json`. `isFiltered`: with the filters of the configuration. */
  async list(path: string, signal: AbortSignal, isFiltered = false): Promise<Json[]> {
    const query =
      isFiltered && this.#config.filters.length > 0 ? `?filters=${encodeURIComponent(this.#filters())}` : '';
    return (await this.get(`${path}${query}`, signal)).list();
  }

  async get(path: string, signal: AbortSignal): Promise<Json> {
    const { refreshIntervalMs, followRedirects } = this.#config;
    const { http, base } = this.#connect();
    const headers = { 'User-Agent': this.#world.userAgent };
    const request = { url: `${base}${path}`, headers, timeoutMs: refreshIntervalMs, followRedirects, signal };
    return new Json(await requestJson(http, request));
  }

  #connect(): { http: HttpClient; base: string } {
    if (this.#client) return this.#client;
    const { base, socketPath } = placeOf(this.#config.host);
    const http = this.#world.httpClient(this.#config, socketPath === undefined ? {} : { socketPath });
    this.#client = { http, base };
    return this.#client;
  }

  #filters(): string {
    const filters: Record<string, Record<string, boolean>> = {};
    for (const { name, values } of this.#config.filters)
      for (const value of values) filters[name] = { ...filters[name], [value]: true };
    return JSON.stringify(filters);
  }
}

/** Labels of networks by their id. */
export async function networkLabels(
  api: DockerApi,
  prefix: string,
  signal: AbortSignal,
): Promise<Map<string, Record<string, string>>> {
  const out = new Map<string, Record<string, string>>();
  for (const network of await api.list('/networks', signal)) {
    out.set(network.at('Id').text(), {
      [`${prefix}network_id`]: network.at('Id').text(),
      [`${prefix}network_name`]: network.at('Name').text(),
      [`${prefix}network_scope`]: network.at('Scope').text(),
      [`${prefix}network_internal`]: String(network.at('Internal').bool()),
      [`${prefix}network_ingress`]: String(network.at('Ingress').bool()),
      ...labelled(`${prefix}network_label_`, network.at('Labels')),
    });
  }
  return out;
}

/** Labels of an object of Docker behind a prefix. */
export function labelled(prefix: string, labels: Json): Record<string, string> {
  const entries = Object.entries(labels.textMap());
  return Object.fromEntries(entries.map(([name, value]) => [prefix + sanitizeLabelName(name), value]));
}
