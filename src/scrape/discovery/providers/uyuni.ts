// Uyuni: the monitoring endpoints of managed systems (https://www.uyuni-project.org/uyuni-docs-api/uyuni).
import type { SdConfig } from '../../../config/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import { Json } from '../json.ts';
import { Api, type FetchGroups, type ProviderParts, oneGroup, prefixed, trimSlash } from '../provider.ts';
import { type RpcValue, rpcAnswer, rpcCall } from './xml-rpc.ts';

type UyuniSdConfig = SdConfig<'uyuniSdConfigs'>;

const SESSION_SECONDS = 600;

function endpointTarget(endpoint: Json, groups: string, network: Json): Record<string, string> {
  const host = network.at('hostname').text();
  return {
    __address__: `${host}:${endpoint.at('port').scalar('0')}`,
    ...prefixed('__meta_uyuni_', {
      minion_hostname: host,
      primary_fqdn: network.at('primary_fqdn').text(),
      system_id: endpoint.at('system_id').scalar('0'),
      groups,
      endpoint_name: endpoint.at('endpoint_name').text(),
      exporter: endpoint.at('exporter_name').text(),
      proxy_module: endpoint.at('module').text(),
      metrics_path: endpoint.at('path').text(),
      scheme: endpoint.at('tls_enabled').bool() ? 'https' : 'http',
    }),
  };
}

class UyuniSystems {
  readonly #config: UyuniSdConfig;
  readonly #parts: ProviderParts;
  readonly #api: Api;
  readonly #url: string;
  #session = '';
  #sessionUntilMs = -Infinity;

  constructor(config: UyuniSdConfig, parts: ProviderParts) {
    this.#config = config;
    this.#parts = parts;
    this.#api = Api.of(config, parts);
    this.#url = `${trimSlash(config.server)}/rpc/api`;
  }

  async groups(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    await this.#login(signal);
    try {
      return oneGroup(this.#url, await this.#targets(signal));
    } catch (error) {
      this.#sessionUntilMs = -Infinity; // it may be the session that is at fault
      throw error;
    }
  }

  async #login(signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs < this.#sessionUntilMs) return;
    const { username, password } = this.#config;
    this.#session = (await this.#call('auth.login', [username, password.reveal(), SESSION_SECONDS], signal)).text();
    this.#sessionUntilMs = nowMs + (SESSION_SECONDS * 1000) / 2;
  }

  async #targets(signal: AbortSignal): Promise<Record<string, string>[]> {
    const session = this.#session;
    const { entitlement, separator } = this.#config;
    const listSystems = 'system.listSystemGroupsForSystemsWithEntitlement';
    const systems = (await this.#call(listSystems, [session, entitlement], signal)).list();
    const ids = systems.map((system) => system.at('id').number());
    const groups = new Map(
      systems.map((system) => {
        const names = system.at('system_groups').list();
        return [system.at('id').number(), names.map((group) => group.at('name').text()).join(separator)];
      }),
    );
    const endpoints = (await this.#call('system.monitoring.listEndpoints', [session, ids], signal)).list();
    const networks = (await this.#call('system.getNetworkForSystems', [session, ids], signal)).list();
    const networkOf = new Map(networks.map((network) => [network.at('system_id').number(), network]));
    return endpoints.map((endpoint) => {
      const id = endpoint.at('system_id').number();
      return endpointTarget(endpoint, groups.get(id) ?? '', networkOf.get(id) ?? new Json(null));
    });
  }

  async #call(method: string, args: readonly RpcValue[], signal: AbortSignal): Promise<Json> {
    const headers = { 'Content-Type': 'text/xml', Accept: 'text/xml' };
    const answer = await this.#api.ask(this.#url, { method: 'POST', headers, body: rpcCall(method, args), signal });
    return new Json(rpcAnswer(answer.text), method);
  }
}

export function uyuniGroups(config: UyuniSdConfig, parts: ProviderParts): FetchGroups {
  const systems = new UyuniSystems(config, parts);
  return (signal) => systems.groups(signal);
}
