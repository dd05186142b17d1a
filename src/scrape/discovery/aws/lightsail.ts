// Targets from Lightsail: one per instance that has a private address.
import type { SdConfig } from '../../../config/index.ts';
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { PollingDiscovery } from '../polling.ts';
import type { DiscoveryWorld } from '../world.ts';
import { AwsClient } from './client.ts';

type LightsailSdConfig = SdConfig<'lightsailSdConfigs'>;

const META = '__meta_lightsail_';

function targetOf(instance: Json, region: string, port: number): Labels | null {
  const text = (path: string): string => instance.in(path).text();
  const privateIp = text('privateIpAddress');
  if (privateIp === '') return null;
  const ipv6 = instance.at('ipv6Addresses').texts();
  const tags = instance
    .at('tags')
    .list()
    .map((tag): [string, string] => [`${META}tag_${sanitizeLabelName(tag.at('key').text())}`, tag.at('value').text()]);
  return Labels.from({
    __address__: joinHostPort(privateIp, port),
    [`${META}availability_zone`]: text('location.availabilityZone'),
    [`${META}blueprint_id`]: text('blueprintId'),
    [`${META}bundle_id`]: text('bundleId'),
    [`${META}instance_name`]: text('name'),
    [`${META}instance_state`]: text('state.name'),
    [`${META}instance_support_code`]: text('supportCode'),
    [`${META}ipv6_addresses`]: ipv6.length === 0 ? '' : `,${ipv6.join(',')},`,
    [`${META}private_ip`]: privateIp,
    [`${META}public_ip`]: text('publicIpAddress'),
    [`${META}region`]: region,
    ...Object.fromEntries(tags),
  });
}

/** Asks for all instances of the region at each refresh. */
export function lightsailDiscovery(config: LightsailSdConfig, world: DiscoveryWorld): PollingDiscovery {
  const client = new AwsClient('lightsail', config, world);
  const refresh = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    const region = await client.region(signal);
    const targets: Labels[] = [];
    let page = '';
    do {
      const input = page === '' ? {} : { pageToken: page };
      const answer = await client.json('Lightsail_20161128.GetInstances', input, signal);
      for (const instance of answer.at('instances').list()) {
        const target = targetOf(instance, region, config.port);
        if (target) targets.push(target);
      }
      page = answer.at('nextPageToken').text();
    } while (page !== '');
    return [{ source: region, targets, labels: Labels.empty }];
  };
  const { refreshIntervalMs } = config;
  const polled = { mechanism: 'lightsail', refreshIntervalMs, refresh, close: () => client.close() };
  return new PollingDiscovery(polled, world);
}
