// From an instance as Consul's health API gives it to a target.
import { Labels } from '../../model/index.ts';
import type { Json } from './json.ts';
import { joinHostPort, sanitizeLabelName } from './labels.ts';

const META = '__meta_consul_';

/** The worst of an instance's checks; maintenance is worse than any. */
export function aggregatedStatus(checks: readonly Json[]): string {
  const seen = new Set<string>();
  for (const check of checks) {
    const id = check.at('CheckID').text();
    if (id === '_node_maintenance' || id.startsWith('_service_maintenance:')) return 'maintenance';
    seen.add(check.at('Status').text());
  }
  for (const status of seen) if (!['passing', 'warning', 'critical'].includes(status)) return '';
  return ['critical', 'warning'].find((status) => seen.has(status)) ?? 'passing';
}

function prefixed(prefix: string, values: Json): Record<string, string> {
  const entries = Object.entries(values.textMap());
  return Object.fromEntries(entries.map(([name, value]) => [META + prefix + sanitizeLabelName(name), value]));
}

/** `tagSeparator` stands between the tags and around them, so that a pattern can ask for a whole tag. */
export function consulTarget(entry: Json, tagSeparator: string): Labels {
  const node = entry.at('Node');
  const service = entry.at('Service');
  const address = node.at('Address').text();
  const serviceAddress = service.at('Address').text();
  const port = service.at('Port').number();
  const tags = service.at('Tags').texts();
  return Labels.from({
    __address__: joinHostPort(serviceAddress === '' ? address : serviceAddress, port),
    [`${META}address`]: address,
    [`${META}node`]: node.at('Node').text(),
    [`${META}namespace`]: service.at('Namespace').text(),
    [`${META}partition`]: service.at('Partition').text(),
    [`${META}tags`]: `${tagSeparator}${tags.join(tagSeparator)}${tagSeparator}`,
    [`${META}service_address`]: serviceAddress,
    [`${META}service_port`]: String(port),
    [`${META}service_id`]: service.at('ID').text(),
    [`${META}health`]: aggregatedStatus(entry.at('Checks').list()),
    ...prefixed('metadata_', node.at('Meta')),
    ...prefixed('service_metadata_', service.at('Meta')),
    ...prefixed('tagged_address_', node.at('TaggedAddresses')),
  });
}
