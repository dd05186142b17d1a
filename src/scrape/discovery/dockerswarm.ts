// Targets from a Docker Swarm: its services, its tasks or its nodes.
import { TidemarkError } from '../../base/index.ts';
import type { SdConfig } from '../../config/index.ts';
import { Labels } from '../../model/index.ts';
import type { TargetGroup } from './discoverer.ts';
import { DockerApi, labelled, networkLabels } from './docker-api.ts';
import type { Json } from './json.ts';
import { RefusedError, pathPart } from './json-request.ts';
import { joinHostPort } from './labels.ts';
import { PollingDiscovery } from './polling.ts';
import type { DiscoveryWorld } from './world.ts';

type SwarmSdConfig = SdConfig<'dockerswarmSdConfigs'>;
type LabelMap = Record<string, string>;

const META = '__meta_dockerswarm_';
const HTTP_NOT_FOUND = 404;

/** The address of `10.0.0.3/24`. */
function ipOf(cidr: string): string {
  const [ip, bits] = cidr.split('/');
  if (!bits) throw new TidemarkError('bad_discovery', `cannot read address: want it with a prefix length; got ${cidr}`);
  return ip;
}

const isTcp = (port: Json): boolean => port.at('Protocol').text() === 'tcp';

function modeOf(service: Json): string {
  const mode = service.in('Spec.Mode');
  if (!mode.at('Global').isNull) return 'global';
  return mode.at('Replicated').isNull ? '' : 'replicated';
}

const serviceLabels = (service: Json): LabelMap => ({
  [`${META}service_id`]: service.at('ID').text(),
  [`${META}service_name`]: service.in('Spec.Name').text(),
  [`${META}service_mode`]: modeOf(service),
  ...labelled(`${META}service_label_`, service.in('Spec.Labels')),
});

const nodeLabels = (node: Json): LabelMap => ({
  [`${META}node_id`]: node.at('ID').text(),
  [`${META}node_role`]: node.in('Spec.Role').text(),
  [`${META}node_address`]: node.in('Status.Addr').text(),
  [`${META}node_availability`]: node.in('Spec.Availability').text(),
  [`${META}node_hostname`]: node.in('Description.Hostname').text(),
  [`${META}node_platform_architecture`]: node.in('Description.Platform.Architecture').text(),
  [`${META}node_platform_os`]: node.in('Description.Platform.OS').text(),
  [`${META}node_status`]: node.in('Status.State').text(),
  ...labelled(`${META}node_label_`, node.in('Spec.Labels')),
});

const byId = <T>(items: readonly Json[], value: (item: Json) => T): Map<string, T> =>
  new Map(items.map((item) => [item.at('ID').text(), value(item)]));

async function serviceTargets(api: DockerApi, port: number, signal: AbortSignal): Promise<LabelMap[]> {
  const services = await api.list('/services', signal, true);
  const networks = await networkLabels(api, META, signal);
  return services.flatMap((service) => {
    const container = service.in('Spec.TaskTemplate.ContainerSpec');
    const update = service.at('UpdateStatus');
    const common: LabelMap = {
      ...serviceLabels(service),
      [`${META}service_task_container_hostname`]: container.at('Hostname').text(),
      [`${META}service_task_container_image`]: container.at('Image').text(),
      ...(!update.isNull && { [`${META}service_updating_status`]: update.at('State').text() }),
    };
    const ports = service.in('Endpoint.Ports').list().filter(isTcp);
    return service
      .in('Endpoint.VirtualIPs')
      .list()
      .flatMap((virtual): LabelMap[] => {
        const ip = ipOf(virtual.at('Addr').text());
        const all = { ...common, ...networks.get(virtual.at('NetworkID').text()) };
        if (ports.length === 0) return [{ __address__: joinHostPort(ip, port), ...all }];
        return ports.map((one) => ({
          __address__: joinHostPort(ip, one.at('PublishedPort').number()),
          [`${META}service_endpoint_port_name`]: one.at('Name').text(),
          [`${META}service_endpoint_port_publish_mode`]: one.at('PublishMode').text(),
          ...all,
        }));
      });
  });
}

async function nodeTargets(api: DockerApi, port: number, signal: AbortSignal): Promise<LabelMap[]> {
  const nodes = await api.list('/nodes', signal, true);
  return nodes.map((node) => {
    const manager = node.at('ManagerStatus');
    return {
      __address__: joinHostPort(node.in('Status.Addr').text(), port),
      ...nodeLabels(node),
      [`${META}node_engine_version`]: node.in('Description.Engine.EngineVersion').text(),
      ...(!manager.isNull && {
        [`${META}node_manager_leader`]: String(manager.at('Leader').bool()),
        [`${META}node_manager_reachability`]: manager.at('Reachability').text(),
        [`${META}node_manager_address`]: manager.at('Addr').text(),
      }),
    };
  });
}

async function taskTargets(api: DockerApi, port: number, signal: AbortSignal): Promise<LabelMap[]> {
  const tasks = await api.list('/tasks', signal, true);
  const services = await api.list('/services', signal);
  const labelsOfService = byId(services, serviceLabels);
  const portsOfService = byId(services, (service) => service.in('Endpoint.Ports').list().filter(isTcp));
  const labelsOfNode = byId(await api.list('/nodes', signal), nodeLabels);
  const networks = await networkLabels(api, META, signal);
  const images = new Map<string, LabelMap>();
  const out: LabelMap[] = [];
  for (const task of tasks) {
    const containerId = task.in('Status.ContainerStatus.ContainerID').text();
    if (containerId !== '' && !images.has(containerId))
      images.set(containerId, await containerLabels(api, containerId, signal));
    const serviceId = task.at('ServiceID').text();
    const common: LabelMap = {
      [`${META}task_id`]: task.at('ID').text(),
      [`${META}task_desired_state`]: task.at('DesiredState').text(),
      [`${META}task_state`]: task.in('Status.State').text(),
      [`${META}task_slot`]: String(task.at('Slot').number()),
      [`${META}task_container_id`]: containerId,
      ...images.get(containerId),
      ...labelled(`${META}container_label_`, task.in('Spec.ContainerSpec.Labels')),
      ...labelsOfService.get(serviceId),
      ...labelsOfNode.get(task.at('NodeID').text()),
    };
    out.push(...taskPorts(task, common, portsOfService.get(serviceId) ?? [], networks, port));
  }
  return out;
}

/** Labels of the image of a task's container, as far as this engine has that container: most are on other nodes. */
async function containerLabels(api: DockerApi, id: string, signal: AbortSignal): Promise<LabelMap> {
  try {
    const container = await api.get(`/containers/${pathPart(id)}/json`, signal);
    return labelled(`${META}container_label_`, container.in('Config.Labels'));
  } catch (error) {
    if (error instanceof RefusedError && error.status === HTTP_NOT_FOUND) return {};
    throw error;
  }
}

function* taskPorts(
  task: Json,
  common: LabelMap,
  servicePorts: readonly Json[],
  networks: ReadonlyMap<string, LabelMap>,
  port: number,
): Generator<LabelMap> {
  for (const one of task.in('Status.PortStatus.Ports').list().filter(isTcp)) {
    const host = common[`${META}node_address`] ?? '';
    yield {
      __address__: joinHostPort(host, one.at('PublishedPort').number()),
      [`${META}task_port_publish_mode`]: one.at('PublishMode').text(),
      ...common,
    };
  }
  for (const attachment of task.at('NetworksAttachments').list()) {
    const all = { ...common, ...networks.get(attachment.in('Network.ID').text()) };
    for (const address of attachment.at('Addresses').texts()) {
      const ip = ipOf(address);
      for (const one of servicePorts) {
        const __address__ = joinHostPort(ip, one.at('PublishedPort').number());
        yield { __address__, [`${META}task_port_publish_mode`]: one.at('PublishMode').text(), ...all };
      }
      if (servicePorts.length === 0) yield { __address__: joinHostPort(ip, port), ...all };
    }
  }
}

const TARGETS = { services: serviceTargets, tasks: taskTargets, nodes: nodeTargets };

/** Asks for all of a role at each refresh. */
export function dockerswarmDiscovery(config: SwarmSdConfig, world: DiscoveryWorld): PollingDiscovery {
  const api = new DockerApi(config, world);
  const targetsOf = TARGETS[config.role || 'tasks']; // the configuration has checked that there is one
  const refresh = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    const targets = await targetsOf(api, config.port, signal);
    return [{ source: 'DockerSwarm', targets: targets.map((target) => Labels.from(target)), labels: Labels.empty }];
  };
  const { refreshIntervalMs } = config;
  return new PollingDiscovery(
    { mechanism: 'dockerswarm', refreshIntervalMs, refresh, close: () => api.close() },
    world,
  );
}
