// Nomad: services that are registered with Nomad itself (https://developer.hashicorp.com/nomad/api-docs/services).
import { TidemarkError } from '../../../base/index.ts';
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort } from '../labels.ts';
import {
  Api,
  type FetchGroups,
  type ProviderParts,
  mapSome,
  oneGroup,
  prefixed,
  surrounded,
  trimSlash,
  withQuery,
} from '../provider.ts';

type NomadSdConfig = SdConfig<'nomadSdConfigs'>;

/** Services asked for at the same time. */
const REQUEST_COUNT_MAX = 8;

function instanceTarget(instance: Json, separator: string): Record<string, string> {
  const address = instance.at('Address').text();
  const port = instance.at('Port').scalar('0');
  return {
    __address__: joinHostPort(address, port),
    ...prefixed('__meta_nomad_', {
      address,
      dc: instance.at('Datacenter').text(),
      node_id: instance.at('NodeID').text(),
      namespace: instance.at('Namespace').text(),
      service: instance.at('ServiceName').text(),
      service_address: address,
      service_id: instance.at('ID').text(),
      service_port: port,
      tags: surrounded(instance.at('Tags').texts(), separator),
    }),
  };
}

export function nomadGroups(config: NomadSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const base = `${trimSlash(config.server)}/v1`;
  const query = { namespace: config.namespace, region: config.region, stale: config.allowStale ? 'true' : '' };
  const failures = parts.metrics?.counter(
    'prometheus_sd_nomad_failures_total',
    'Number of nomad service discovery refresh failures.',
  );

  const fetch = async (signal: AbortSignal) => {
    const stubs = (await api.json(withQuery(`${base}/services`, query), { signal })).list();
    const names = stubs.flatMap((stub) =>
      stub
        .at('Services')
        .list()
        .map((service) => service.at('ServiceName').text()),
    );
    const lists = await mapSome(names, REQUEST_COUNT_MAX, async (name) =>
      (await api.json(withQuery(`${base}/service/${encodeURIComponent(name)}`, query), { signal })).list(),
    );
    return oneGroup(
      'Nomad',
      lists.flat().map((instance) => instanceTarget(instance, config.tagSeparator)),
    );
  };
  return async (signal) => {
    try {
      return await fetch(signal);
    } catch (error) {
      if (error instanceof TidemarkError) failures?.inc();
      throw error;
    }
  };
}
