// Targets from EC2: one per instance that has an address.
import type { SdConfig } from '../../../config/index.ts';
import type { XmlElement } from '../../../base/index.ts';
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { PollingDiscovery } from '../polling.ts';
import type { DiscoveryWorld } from '../world.ts';
import { AwsClient } from './client.ts';

type Ec2SdConfig = SdConfig<'ec2SdConfigs'>;

const META = '__meta_ec2_';
const VERSION = '2016-11-15';

/** Between texts and around them, so that a pattern can ask for a whole one; '' for none. */
const listed = (texts: readonly string[]): string => (texts.length === 0 ? '' : `,${texts.join(',')},`);

interface Addresses {
  readonly subnets: readonly string[];
  readonly ipv6: readonly string[];
  /** By index of the device; '' where a device has none. */
  readonly primaryIpv6: readonly string[];
}

function addressesOf(instance: XmlElement): Addresses {
  const subnets = new Set<string>();
  const ipv6: string[] = [];
  const primaryIpv6: string[] = [];
  for (const device of instance.listAt('networkInterfaceSet')) {
    const subnet = device.textAt('subnetId');
    if (subnet === '') continue;
    subnets.add(subnet);
    for (const one of device.listAt('ipv6AddressesSet')) {
      const address = one.textAt('ipv6Address');
      ipv6.push(address);
      if (one.textAt('isPrimaryIpv6') !== 'true') continue;
      const index = Number(device.textAt('attachment/deviceIndex'));
      while (primaryIpv6.length <= index && primaryIpv6.length < 256) primaryIpv6.push('');
      primaryIpv6[index] = address;
    }
  }
  return { subnets: [...subnets], ipv6, primaryIpv6 };
}

function targetOf(
  instance: XmlElement,
  owner: string,
  region: string,
  port: number,
  zoneIds: ReadonlyMap<string, string>,
): Labels | null {
  const text = (path: string): string => instance.textAt(path);
  const privateIp = text('privateIpAddress');
  const { subnets, ipv6, primaryIpv6 } = addressesOf(instance);
  const address = privateIp || ipv6[0];
  if (!address) return null;
  const zone = text('placement/availabilityZone');
  const isPublic = text('ipAddress') !== '';
  const isInVpc = text('vpcId') !== '';
  const tags = instance
    .listAt('tagSet')
    .map((tag): [string, string] => [`${META}tag_${sanitizeLabelName(tag.textAt('key'))}`, tag.textAt('value')]);
  return Labels.from({
    __address__: joinHostPort(address, port),
    [`${META}ami`]: text('imageId'),
    [`${META}architecture`]: text('architecture'),
    [`${META}availability_zone`]: zone,
    [`${META}availability_zone_id`]: zoneIds.get(zone) ?? '',
    [`${META}instance_id`]: text('instanceId'),
    [`${META}instance_lifecycle`]: text('instanceLifecycle'),
    [`${META}instance_state`]: text('instanceState/name'),
    [`${META}instance_type`]: text('instanceType'),
    [`${META}owner_id`]: owner,
    [`${META}platform`]: text('platform'),
    [`${META}private_dns_name`]: text('privateDnsName'),
    [`${META}private_ip`]: privateIp,
    [`${META}public_dns_name`]: isPublic ? text('dnsName') : '',
    [`${META}public_ip`]: text('ipAddress'),
    [`${META}region`]: region,
    ...(isInVpc && {
      [`${META}vpc_id`]: text('vpcId'),
      [`${META}primary_subnet_id`]: text('subnetId'),
      [`${META}subnet_id`]: listed(subnets),
      [`${META}ipv6_addresses`]: listed(ipv6),
      [`${META}primary_ipv6_addresses`]: listed(primaryIpv6),
    }),
    ...Object.fromEntries(tags),
  });
}

/** Zone ids by the names that this account has for zones. */
async function zonesOf(client: AwsClient, signal: AbortSignal): Promise<Map<string, string>> {
  const answer = await client.query({ Action: 'DescribeAvailabilityZones', Version: VERSION }, signal);
  const zones = answer.listAt('availabilityZoneInfo');
  return new Map(zones.map((zone) => [zone.textAt('zoneName'), zone.textAt('zoneId')]));
}

function filterParameters(filters: Ec2SdConfig['filters']): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [i, { name, values }] of filters.entries()) {
    out[`Filter.${i + 1}.Name`] = name;
    for (const [j, value] of values.entries()) out[`Filter.${i + 1}.Value.${j + 1}`] = value;
  }
  return out;
}

/** Asks for all instances of the region at each refresh. */
export function ec2Discovery(config: Ec2SdConfig, world: DiscoveryWorld): PollingDiscovery {
  const client = new AwsClient('ec2', config, world);
  let zoneIds: ReadonlyMap<string, string> | null = null;
  const refresh = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    const region = await client.region(signal);
    zoneIds ??= await zonesOf(client, signal);
    const targets: Labels[] = [];
    let page = '';
    do {
      const parameters = { Action: 'DescribeInstances', Version: VERSION, ...filterParameters(config.filters) };
      const answer = await client.query(page === '' ? parameters : { ...parameters, NextToken: page }, signal);
      for (const reservation of answer.listAt('reservationSet')) {
        for (const instance of reservation.listAt('instancesSet')) {
          const target = targetOf(instance, reservation.textAt('ownerId'), region, config.port, zoneIds);
          if (target) targets.push(target);
        }
      }
      page = answer.textAt('nextToken');
    } while (page !== '');
    return [{ source: region, targets, labels: Labels.empty }];
  };
  const { refreshIntervalMs } = config;
  return new PollingDiscovery({ mechanism: 'ec2', refreshIntervalMs, refresh, close: () => client.close() }, world);
}
