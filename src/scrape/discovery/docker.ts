// Targets from the containers of one Docker engine.
import type { SdConfig } from '../../config/index.ts';
import { Labels, compareUtf8 } from '../../model/index.ts';
import type { TargetGroup } from './discoverer.ts';
import { DockerApi, labelled, networkLabels } from './docker-api.ts';
import type { Json } from './json.ts';
import { joinHostPort } from './labels.ts';
import { PollingDiscovery } from './polling.ts';
import type { DiscoveryWorld } from './world.ts';

type DockerSdConfig = SdConfig<'dockerSdConfigs'>;

const META = '__meta_docker_';
const SHARED_NETWORK = /^container:(.+)$/;

/** Endpoints by network; those of another container where a container shares its network. */
function networksOf(container: Json, byId: ReadonlyMap<string, Json>): [name: string, endpoint: Json][] {
  const seen = new Set<string>();
  for (let one = container; ; ) {
    const networks = one
      .in('NetworkSettings.Networks')
      .entries()
      .filter(([, endpoint]) => !endpoint.isNull);
    if (networks.length > 0) return networks;
    const [, id = ''] = SHARED_NETWORK.exec(one.in('HostConfig.NetworkMode').text()) ?? [];
    const other = byId.get(id);
    if (!other || seen.has(id)) return [];
    seen.add(id);
    one = other;
  }
}

function* portTargets(container: Json, endpoint: Json, config: DockerSdConfig): Generator<Record<string, string>> {
  const ip = endpoint.at('IPAddress').text();
  const tcp = container
    .at('Ports')
    .list()
    .filter((port) => port.at('Type').text() === 'tcp');
  for (const port of tcp) {
    const number = port.at('PrivatePort').number();
    const publicPort = port.at('PublicPort').number();
    yield {
      __address__: joinHostPort(ip, number),
      [`${META}network_ip`]: ip,
      [`${META}port_private`]: String(number),
      ...(publicPort > 0 && {
        [`${META}port_public`]: String(publicPort),
        [`${META}port_public_ip`]: port.at('IP').text(),
      }),
    };
  }
  if (tcp.length > 0) return;
  // A container in the host's network has no ports of its own.
  const isHost = container.in('HostConfig.NetworkMode').text() === 'host';
  const address = isHost ? config.hostNetworkingHost : joinHostPort(ip, config.port);
  yield { __address__: address, [`${META}network_ip`]: ip };
}

async function refresh(config: DockerSdConfig, api: DockerApi, signal: AbortSignal): Promise<TargetGroup[]> {
  const containers = await api.list('/containers/json', signal, true);
  const networks = await networkLabels(api, META, signal);
  const byId = new Map(containers.map((container) => [container.at('Id').text(), container]));
  const targets: Labels[] = [];
  for (const container of containers) {
    const [name] = container.at('Names').texts();
    if (name === undefined) continue;
    const common = {
      [`${META}container_id`]: container.at('Id').text(),
      [`${META}container_name`]: name,
      [`${META}container_network_mode`]: container.in('HostConfig.NetworkMode').text(),
      ...labelled(`${META}container_label_`, container.at('Labels')),
    };
    let endpoints = networksOf(container, byId).sort(([a], [b]) => compareUtf8(a, b));
    if (config.matchFirstNetwork) endpoints = endpoints.slice(0, 1);
    for (const [, endpoint] of endpoints) {
      const network = networks.get(endpoint.at('NetworkID').text());
      for (const target of portTargets(container, endpoint, config))
        targets.push(Labels.from({ ...target, ...common, ...network }));
    }
  }
  return [{ source: 'Docker', targets, labels: Labels.empty }];
}

/** Asks for all containers at each refresh. */
export function dockerDiscovery(config: DockerSdConfig, world: DiscoveryWorld): PollingDiscovery {
  const api = new DockerApi(config, world);
  return new PollingDiscovery(
    {
      mechanism: 'docker',
      refreshIntervalMs: config.refreshIntervalMs,
      refresh: (signal) => refresh(config, api, signal),
      close: () => api.close(),
    },
    world,
  );
}
