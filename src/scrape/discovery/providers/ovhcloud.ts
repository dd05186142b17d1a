// OVHcloud: dedicated servers and virtual private servers (https://api.ovh.com). Requests are signed with the application's
// secret and the consumer's key, by the server's clock.
import { createHash } from 'node:crypto';
import { TidemarkError, errorText } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  isIpv4,
  mapSome,
  oneGroup,
  prefixed,
  trimSlash,
} from '../provider.ts';

type OvhcloudSdConfig = SdConfig<'ovhcloudSdConfigs'>;

const ENDPOINTS: Readonly<Record<string, string>> = {
  'ovh-eu': 'https://eu.api.ovh.com/1.0',
  'ovh-ca': 'https://ca.api.ovh.com/1.0',
  'ovh-us': 'https://api.us.ovhcloud.com/1.0',
  'kimsufi-eu': 'https://eu.api.kimsufi.com/1.0',
  'kimsufi-ca': 'https://ca.api.kimsufi.com/1.0',
  'soyoustart-eu': 'https://eu.api.soyoustart.com/1.0',
  'soyoustart-ca': 'https://ca.api.soyoustart.com/1.0',
};

/** Servers asked for at the same time. */
const REQUEST_COUNT_MAX = 4;

/** The URL of an endpoint given by name or itself as a URL. Throws TidemarkError. */
function endpointUrl(endpoint: string): string {
  if (endpoint.includes('/')) return trimSlash(endpoint);
  const url = ENDPOINTS[endpoint];
  if (url) return url;
  const known = Object.keys(ENDPOINTS).join(', ');
  throw new TidemarkError('bad_discovery', `cannot find endpoint: want a URL or one of ${known}; got ${endpoint}`);
}

/** What signs a request (https://help.ovhcloud.com, "first steps with the API"). */
export function ovhSignature(
  secrets: { applicationSecret: string; consumerKey: string },
  request: { method: string; url: string; body: string; seconds: number },
): string {
  const { method, url, body, seconds } = request;
  const text = [secrets.applicationSecret, secrets.consumerKey, method, url, body, seconds].join('+');
  return `$1$${createHash('sha1').update(text).digest('hex')}`;
}

/** The last IPv4 and the last IPv6 address of a list that holds addresses and blocks; of blocks only single addresses count. */
export function ovhAddresses(texts: readonly string[]): { ipv4: string; ipv6: string } {
  const single = texts.flatMap((text) => {
    const [address, bits] = text.split('/');
    return bits === undefined || bits === '32' ? address : [];
  });
  const known = single.filter((address) => !['', '0.0.0.0', '::'].includes(address));
  if (known.length === 0) throw new TidemarkError('bad_discovery', 'cannot find an address: there is none in the list');
  return {
    ipv4: known.findLast(isIpv4) ?? '',
    ipv6: known.findLast((address) => address.includes(':')) ?? '',
  };
}

function dedicatedLabels(server: Json): Record<string, string> {
  return prefixed('__meta_ovhcloud_dedicated_server_', {
    state: server.at('state').text(),
    commercial_range: server.at('commercialRange').text(),
    link_speed: server.at('linkSpeed').scalar('0'),
    rack: server.at('rack').text(),
    no_intervention: String(server.at('noIntervention').bool()),
    os: server.at('os').text(),
    support_level: server.at('supportLevel').text(),
    server_id: server.at('serverId').scalar('0'),
    reverse: server.at('reverse').text(),
    datacenter: server.at('datacenter').text(),
    name: server.at('name').text(),
  });
}

function vpsLabels(server: Json): Record<string, string> {
  const model = server.at('model');
  return prefixed('__meta_ovhcloud_vps_', {
    offer: model.at('offer').text(),
    datacenter: `[${model.at('datacenter').texts().join(' ')}]`,
    model_vcore: model.at('vcore').scalar('0'),
    maximum_additional_ip: model.at('maximumAdditionnalIp').scalar('0'),
    version: model.at('version').scalar(),
    model_name: model.at('name').text(),
    disk: model.at('disk').scalar('0'),
    memory: model.at('memory').scalar('0'),
    zone: server.at('zone').text(),
    display_name: server.at('displayName').text(),
    cluster: server.at('cluster').text(),
    state: server.at('state').text(),
    name: server.at('name').text(),
    netboot_mode: server.at('netbootMode').text(),
    memory_limit: server.at('memoryLimit').scalar('0'),
    offer_type: server.at('offerType').text(),
    vcore: server.at('vcore').scalar('0'),
  });
}

const SERVICES = {
  dedicated_server: { path: '/dedicated/server', prefix: '__meta_ovhcloud_dedicated_server_', labels: dedicatedLabels },
  vps: { path: '/vps', prefix: '__meta_ovhcloud_vps_', labels: vpsLabels },
} as const;

class OvhServers {
  readonly #config: OvhcloudSdConfig;
  readonly #parts: ProviderParts;
  readonly #api: Api;
  /** How far the server's clock is ahead of ours, in seconds. */
  #aheadSeconds: number | null = null;

  constructor(config: OvhcloudSdConfig, parts: ProviderParts) {
    this.#config = config;
    this.#parts = parts;
    this.#api = Api.of(config, parts);
  }

  async #get(path: string, signal: AbortSignal): Promise<Json> {
    const base = endpointUrl(this.#config.endpoint);
    if (this.#aheadSeconds === null) {
      const seconds = (await this.#api.json(`${base}/auth/time`, { signal })).number();
      this.#aheadSeconds = seconds - this.#nowSeconds();
    }
    const { applicationKey, applicationSecret, consumerKey } = this.#config;
    const url = `${base}${path}`;
    const seconds = this.#nowSeconds() + this.#aheadSeconds;
    const secrets = { applicationSecret: applicationSecret.reveal(), consumerKey: consumerKey.reveal() };
    const headers = {
      'X-Ovh-Application': applicationKey,
      'X-Ovh-Consumer': secrets.consumerKey,
      'X-Ovh-Timestamp': String(seconds),
      'X-Ovh-Signature': ovhSignature(secrets, { method: 'GET', url, body: '', seconds }),
    };
    return this.#api.json(url, { signal, headers });
  }

  #nowSeconds(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1000);
  }

  async groups(signal: AbortSignal): ReturnType<FetchGroups> {
    const service = this.#config.service === 'vps' ? 'vps' : 'dedicated_server';
    const names = (await this.#get(SERVICES[service].path, signal)).texts();
    const targets = await mapSome(names, REQUEST_COUNT_MAX, (name) => this.#target(service, name, signal));
    return oneGroup(
      `ovhcloud_${service}`,
      targets.filter((target) => target !== null),
    );
  }

  /** Null for a server of which the details are not to be had: the others stay of use. */
  async #target(
    service: keyof typeof SERVICES,
    name: string,
    signal: AbortSignal,
  ): Promise<Record<string, string> | null> {
    const { path, prefix, labels } = SERVICES[service];
    const own = `${path}/${encodeURIComponent(name)}`;
    try {
      const server = await this.#get(own, signal);
      const { ipv4, ipv6 } = ovhAddresses((await this.#get(`${own}/ips`, signal)).texts());
      return {
        __address__: ipv4 || ipv6,
        instance: server.at('name').text(),
        ...labels(server),
        [`${prefix}ipv4`]: ipv4,
        [`${prefix}ipv6`]: ipv6,
      };
    } catch (error) {
      if (signal.aborted || !(error instanceof TidemarkError)) throw error;
      this.#parts.logger.warn('cannot get details of a server: it is left out', { name, error: errorText(error) });
      return null;
    }
  }
}

export function ovhcloudGroups(config: OvhcloudSdConfig, parts: ProviderParts): FetchGroups {
  const servers = new OvhServers(config, parts);
  return (signal) => servers.groups(signal);
}
