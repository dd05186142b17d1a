// Vultr: instances (https://www.vultr.com/api).
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort } from '../labels.ts';
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

type VultrSdConfig = SdConfig<'vultrSdConfigs'>;

const INSTANCES_URL = 'https://api.vultr.com/v2/instances';

function instanceTarget(instance: Json, port: number): Record<string, string> {
  const mainIp = instance.at('main_ip').text();
  return {
    __address__: joinHostPort(mainIp, port),
    ...prefixed('__meta_vultr_instance_', {
      id: instance.at('id').text(),
      label: instance.at('label').text(),
      os: instance.at('os').text(),
      os_id: instance.at('os_id').scalar('0'),
      region: instance.at('region').text(),
      plan: instance.at('plan').text(),
      vcpu_count: instance.at('vcpu_count').scalar('0'),
      ram_mb: instance.at('ram').scalar('0'),
      allowed_bandwidth_gb: instance.at('allowed_bandwidth').scalar('0'),
      disk_gb: instance.at('disk').scalar('0'),
      main_ip: mainIp,
      main_ipv6: instance.at('v6_main_ip').text(),
      internal_ip: instance.at('internal_ip').text(),
      hostname: instance.at('hostname').text(),
      server_status: instance.at('server_status').text(),
      features: surrounded(instance.at('features').texts()),
      tags: surrounded(instance.at('tags').texts()),
    }),
  };
}

export function vultrGroups(config: VultrSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  return async (signal) => {
    const instances = await everyPage('', async (cursor) => {
      const answer = await api.json(withQuery(INSTANCES_URL, { per_page: '100', cursor }), { signal });
      return { items: answer.at('instances').list(), next: answer.in('meta.links.next').text() || null };
    });
    return oneGroup(
      'Vultr',
      instances.map((instance) => instanceTarget(instance, config.port)),
    );
  };
}
