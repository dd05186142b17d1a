// IONOS Cloud: the servers of a data centre (https://api.ionos.com/docs/cloud/v6).
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  everyPage,
  oneGroup,
  prefixed,
  surrounded,
  withQuery,
} from '../provider.ts';

type IonosSdConfig = SdConfig<'ionosSdConfigs'>;

const URL_BASE = 'https://api.ionos.com/cloudapi/v6';
const PAGE_SIZE = 1000;

/** A server and the id of the list that it is in. */
interface Listed {
  readonly server: Json;
  readonly listId: string;
}

/** Addresses of all interfaces and by the interface's name; those of later interfaces come first. */
function addressesOf(server: Json): { all: string[]; byName: Map<string, string[]> } {
  let all: string[] = [];
  const byName = new Map<string, string[]>();
  for (const nic of server.in('entities.nics.items').list()) {
    const given = nic.in('properties.name');
    const name = given.isNull ? 'unnamed' : given.text();
    const ips = nic.in('properties.ips').texts();
    all = [...ips, ...all];
    byName.set(name, [...ips, ...(byName.get(name) ?? [])]);
  }
  return { all, byName };
}

/** Null for a server without an address. */
function serverTarget({ server, listId }: Listed, port: number): Record<string, string> | null {
  const { all, byName } = addressesOf(server);
  if (all.length === 0) return null;
  const properties = server.at('properties');
  const [volume] = server.in('entities.volumes.items').list();
  const nics = [...byName].map(([name, ips]) => [`nic_ip_${sanitizeLabelName(name)}`, surrounded(ips)]);
  return {
    __address__: joinHostPort(all[0], port),
    ...prefixed('__meta_ionos_server_', {
      availability_zone: properties.at('availabilityZone').text(),
      cpu_family: properties.at('cpuFamily').text(),
      servers_id: listId,
      id: server.at('id').text(),
      ip: surrounded(all),
      lifecycle: server.in('metadata.state').text(),
      name: properties.at('name').text(),
      state: properties.at('vmState').text(),
      type: properties.at('type').text(),
      boot_cdrom_id: properties.in('bootCdrom.id').text(),
      boot_volume_id: properties.in('bootVolume.id').text(),
      boot_image_id: volume?.in('properties.image').text() ?? '',
      ...(Object.fromEntries(nics) as Record<string, string>),
    }),
  };
}

export function ionosGroups(config: IonosSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const url = `${URL_BASE}/datacenters/${encodeURIComponent(config.datacenterId)}/servers`;
  return async (signal) => {
    const servers = await everyPage(0, async (offset) => {
      const query = { depth: '3', limit: String(PAGE_SIZE), offset: String(offset) };
      const answer = await api.json(withQuery(url, query), { signal });
      const listId = answer.at('id').text();
      const items: Listed[] = answer
        .at('items')
        .list()
        .map((server) => ({ server, listId }));
      const hasNext = items.length > 0 && answer.in('_links.next').text() !== '';
      return { items, next: hasNext ? offset + items.length : null };
    });
    const targets = servers.map((listed) => serverTarget(listed, config.port));
    return oneGroup(
      'ionos',
      targets.filter((target) => target !== null),
    );
  };
}
