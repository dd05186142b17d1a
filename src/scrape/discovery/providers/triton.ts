// Triton: containers and compute nodes that its container monitor knows (https://github.com/TritonDataCenter/triton-cmon).
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { Api, type FetchGroups, type ProviderParts, oneGroup, prefixed, surrounded, withQuery } from '../provider.ts';

type TritonSdConfig = SdConfig<'tritonSdConfigs'>;

const containerLabels = (container: Json): Record<string, string> => ({
  machine_id: container.at('vm_uuid').text(),
  machine_alias: container.at('vm_alias').text(),
  machine_brand: container.at('vm_brand').text(),
  machine_image: container.at('vm_image_uuid').text(),
  server_id: container.at('server_uuid').text(),
  groups: surrounded(container.at('groups').texts()),
});

const nodeLabels = (node: Json): Record<string, string> => ({
  machine_id: node.at('server_uuid').text(),
  machine_alias: node.at('server_hostname').text(),
});

export function tritonGroups(config: TritonSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const { endpoint, port, version, dnsSuffix, groups, role } = config;
  const isNodes = role === 'cn';
  const url = withQuery(`https://${endpoint}:${port}/v${version}/${isNodes ? 'gz/' : ''}discover`, {
    groups: groups.join(','),
  });
  return async (signal) => {
    const answer = await api.json(url, { signal });
    const machines = isNodes
      ? answer.at('cns').list().map(nodeLabels)
      : answer.at('containers').list().map(containerLabels);
    return oneGroup(
      url,
      machines.map((labels) => ({
        __address__: `${labels.machine_id}.${dnsSuffix}:${port}`,
        ...prefixed('__meta_triton_', labels),
      })),
    );
  };
}
