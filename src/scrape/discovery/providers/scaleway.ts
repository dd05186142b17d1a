// Scaleway: instances and bare metal servers (https://www.scaleway.com/en/developers/api).
import { TidemarkError, errorText, utf8Text } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  everyPage,
  jsonOf,
  oneGroup,
  prefixed,
  surrounded,
  trimSlash,
  withQuery,
} from '../provider.ts';

type ScalewaySdConfig = SdConfig<'scalewaySdConfigs'>;
type Target = Record<string, string>;

const PAGE_SIZE = 100;

/** `fr-par-1` is in `fr-par`. */
const regionOf = (zone: string): string => (/^[a-z]+-[a-z]+-\d+$/.test(zone) ? zone.replace(/-\d+$/, '') : '');

function publicAddresses(server: Json): { v4: string[]; v6: string[] } {
  const ips = server.at('public_ips').list();
  const ofFamily = (family: string): string[] =>
    ips.filter((ip) => ip.at('family').text() === family).map((ip) => ip.at('address').text());
  return { v4: ofFamily('inet'), v6: ofFamily('inet6') };
}

/** Null for an instance without any address. */
function instanceTarget(server: Json, port: number): Target | null {
  const { v4, v6 } = publicAddresses(server);
  const privateIp = server.at('private_ip').text();
  const publicIp = server.in('public_ip.address').text();
  const ipv6 = server.in('ipv6.address').text();
  const address = privateIp || publicIp || ipv6 || v4[0] || v6[0];
  if (!address) return null;
  const zone = server.at('zone').text();
  return {
    __address__: joinHostPort(address, port),
    ...prefixed('__meta_scaleway_instance_', {
      boot_type: server.at('boot_type').text(),
      hostname: server.at('hostname').text(),
      id: server.at('id').text(),
      name: server.at('name').text(),
      organization_id: server.at('organization').text(),
      project_id: server.at('project').text(),
      status: server.at('state').text(),
      type: server.at('commercial_type').text(),
      zone,
      region: regionOf(zone),
      image_arch: server.in('image.arch').text(),
      image_id: server.in('image.id').text(),
      image_name: server.in('image.name').text(),
      location_cluster_id: server.in('location.cluster_id').text(),
      location_hypervisor_id: server.in('location.hypervisor_id').text(),
      location_node_id: server.in('location.node_id').text(),
      security_group_id: server.in('security_group.id').text(),
      security_group_name: server.in('security_group.name').text(),
      private_ipv4: privateIp,
      public_ipv4: publicIp,
      public_ipv6: ipv6,
      public_ipv4_addresses: surrounded(v4),
      public_ipv6_addresses: surrounded(v6),
      tags: surrounded(server.at('tags').texts()),
    }),
  };
}

/** What is sold and what is installed, by id. */
interface Catalogue {
  readonly offers: ReadonlyMap<string, Json>;
  readonly systems: ReadonlyMap<string, Json>;
}

function baremetalTarget(server: Json, { offers, systems }: Catalogue, port: number): Target {
  const firstOf = (version: string): string =>
    server
      .at('ips')
      .list()
      .find((ip) => ip.at('version').text() === version)
      ?.at('address')
      .text() ?? '';
  const v4 = firstOf('IPv4');
  const v6 = firstOf('IPv6');
  const system = systems.get(server.in('install.os_id').text());
  return {
    __address__: v4 || v6 ? joinHostPort(v4 || v6, port) : '',
    ...prefixed('__meta_scaleway_baremetal_', {
      id: server.at('id').text(),
      name: server.at('name').text(),
      zone: server.at('zone').text(),
      status: server.at('status').text(),
      project_id: server.at('project_id').text(),
      public_ipv4: v4,
      public_ipv6: v6,
      type: offers.get(server.at('offer_id').text())?.at('name').text() ?? '',
      os_name: system?.at('name').text() ?? '',
      os_version: system?.at('version').text() ?? '',
      tags: surrounded(server.at('tags').texts()),
    }),
  };
}

async function secretOf(config: ScalewaySdConfig, parts: ProviderParts): Promise<string> {
  if (config.secretKeyFile === '') return config.secretKey.reveal();
  try {
    return utf8Text(await parts.files.readFile(config.secretKeyFile)).trim();
  } catch (cause) {
    const text = `cannot read secret_key_file ${config.secretKeyFile}: ${errorText(cause)}`;
    throw new TidemarkError('bad_discovery', text, { cause });
  }
}

const byId = (items: readonly Json[]): Map<string, Json> => new Map(items.map((item) => [item.at('id').text(), item]));

export function scalewayGroups(config: ScalewaySdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const zone = encodeURIComponent(config.zone);
  const { nameFilter: name, tagsFilter } = config;

  const list = async (product: string, what: string, query: Record<string, string | string[]>, signal: AbortSignal) => {
    const headers = { 'X-Auth-Token': await secretOf(config, parts) };
    let seen = 0;
    return everyPage(1, async (page) => {
      const sizes = { page: String(page), per_page: String(PAGE_SIZE), page_size: String(PAGE_SIZE) };
      const url = withQuery(`${trimSlash(config.apiUrl)}/${product}/v1/zones/${zone}/${what}`, { ...sizes, ...query });
      const answer = await api.ask(url, { signal, headers });
      const json = jsonOf(answer, url);
      const items = json.at(what).list();
      seen += items.length;
      const total = json.at('total_count').isNull
        ? Number(answer.headers['x-total-count'] ?? 0)
        : json.at('total_count').number();
      return { items, next: items.length > 0 && seen < total ? page + 1 : null };
    });
  };

  if (config.role === 'baremetal') {
    return async (signal) => {
      const query = { name, tags: tagsFilter, project_id: config.projectId };
      const servers = await list('baremetal', 'servers', query, signal);
      const catalogue = {
        offers: byId(await list('baremetal', 'offers', {}, signal)),
        systems: byId(await list('baremetal', 'os', {}, signal)),
      };
      return oneGroup(
        'scaleway',
        servers.map((server) => baremetalTarget(server, catalogue, config.port)),
      );
    };
  }
  return async (signal) => {
    const query = { name, tags: tagsFilter.join(','), project: config.projectId };
    const servers = await list('instance', 'servers', query, signal);
    const targets = servers.map((server) => instanceTarget(server, config.port));
    return oneGroup(
      'scaleway',
      targets.filter((target) => target !== null),
    );
  };
}
