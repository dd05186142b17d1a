// Hetzner: servers of the cloud (https://docs.hetzner.cloud) and rented ones (https://robot.hetzner.com/doc/webservice).
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  everyPage,
  isIpv4,
  oneGroup,
  prefixed,
  withQuery,
} from '../provider.ts';

type HetznerSdConfig = SdConfig<'hetznerSdConfigs'>;

const CLOUD_URL = 'https://api.hetzner.cloud/v1';
const ROBOT_URL = 'https://robot-ws.your-server.de/server';

/** What Go prints for an address that is not there; rules may look for it. */
const NO_ADDRESS = '<nil>';

function robotTarget(server: Json, port: number): Record<string, string> {
  const ip = server.at('server_ip').text();
  const datacenter = server.at('dc').text().toLowerCase();
  const subnet = server
    .at('subnet')
    .list()
    .find((one) => !isIpv4(one.at('ip').text()));
  return {
    __address__: joinHostPort(ip, port),
    ...prefixed('__meta_hetzner_', {
      role: 'robot',
      server_id: server.at('server_number').scalar('0'),
      server_name: server.at('server_name').text(),
      datacenter,
      robot_datacenter: datacenter,
      public_ipv4: ip,
      public_ipv6_network: subnet ? `${subnet.at('ip').text()}/${subnet.at('mask').scalar()}` : '',
      server_status: server.at('status').text(),
      robot_product: server.at('product').text(),
      robot_cancelled: String(server.at('cancelled').bool()),
    }),
  };
}

function cloudPlaces(server: Json): Record<string, string> {
  const given = server.at('location');
  const location = !given.isNull ? given : server.in('datacenter.location');
  const name = location.at('name').text();
  const zone = location.at('network_zone').text();
  return {
    hcloud_location: name,
    hcloud_location_network_zone: zone,
    hcloud_datacenter_location: name,
    hcloud_datacenter_location_network_zone: zone,
  };
}

function cloudLabels(server: Json, networks: ReadonlyMap<string, string>): Record<string, string> {
  const image = server.at('image');
  const out: Record<string, string> = {
    image_name: image.at('name').text(),
    image_description: image.at('description').text(),
    image_os_version: image.at('os_version').text(),
    image_os_flavor: image.at('os_flavor').text(),
  };
  for (const net of server.at('private_net').list()) {
    const network = networks.get(net.at('network').scalar());
    if (network !== undefined) out[`private_ipv4_${sanitizeLabelName(network)}`] = net.at('ip').text();
  }
  for (const [name, value] of server.at('labels').entries()) {
    out[`labelpresent_${sanitizeLabelName(name)}`] = 'true';
    out[`label_${sanitizeLabelName(name)}`] = value.text();
  }
  return prefixed('hcloud_', out);
}

function cloudTarget(server: Json, networks: ReadonlyMap<string, string>, port: number): Record<string, string> {
  const ip = server.in('public_net.ipv4.ip').text() || NO_ADDRESS;
  const type = server.at('server_type');
  return {
    __address__: joinHostPort(ip, port),
    ...prefixed('__meta_hetzner_', {
      role: 'hcloud',
      server_id: server.at('id').scalar('0'),
      server_name: server.at('name').text(),
      public_ipv4: ip,
      public_ipv6_network: server.in('public_net.ipv6.ip').text() || NO_ADDRESS,
      server_status: server.at('status').text(),
      hcloud_server_type: type.at('name').text(),
      hcloud_cpu_cores: type.at('cores').scalar('0'),
      hcloud_cpu_type: type.at('cpu_type').text(),
      hcloud_memory_size_gb: String(Math.trunc(type.at('memory').number())),
      hcloud_disk_size_gb: type.at('disk').scalar('0'),
      ...cloudPlaces(server),
      ...cloudLabels(server, networks),
    }),
  };
}

export function hetznerGroups(config: HetznerSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const cloudList = (what: string, signal: AbortSignal, selector = ''): Promise<Json[]> =>
    everyPage('1', async (page) => {
      const url = withQuery(`${CLOUD_URL}/${what}`, { page, per_page: '50', label_selector: selector });
      const answer = await api.json(url, { signal });
      const next = answer.in('meta.pagination.next_page').number();
      return { items: answer.at(what).list(), next: next === 0 ? null : String(next) };
    });
  if (config.role === 'robot') {
    return async (signal) => {
      const servers = (await api.json(ROBOT_URL, { signal })).list();
      return oneGroup(
        'hetzner',
        servers.map((one) => robotTarget(one.at('server'), config.port)),
      );
    };
  }
  return async (signal) => {
    const servers = await cloudList('servers', signal, config.labelSelector);
    const networks = await cloudList('networks', signal);
    const names = new Map(networks.map((network) => [network.at('id').scalar(), network.at('name').text()]));
    return oneGroup(
      'hetzner',
      servers.map((server) => cloudTarget(server, names, config.port)),
    );
  };
}
