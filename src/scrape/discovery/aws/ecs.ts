// Targets from ECS: the tasks of services, at the port of the configuration. A task has an address of its own (awsvpc) or that of
// the EC2 instance below it.
import type { XmlElement } from '../../../base/index.ts';
import { Labels } from '../../../model/index.ts';
import type { TargetGroup } from '../discoverer.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { PollingDiscovery } from '../polling.ts';
import type { DiscoveryWorld } from '../world.ts';
import { EcsApi, type EcsSdConfig } from './ecs-api.ts';

type LabelMap = Record<string, string>;

const META = '__meta_ecs_';

/** What is known of the machines and networks below the tasks of a cluster. */
interface Below {
  readonly machines: ReadonlyMap<string, string>;
  readonly instances: ReadonlyMap<string, XmlElement>;
  readonly publicIps: ReadonlyMap<string, string>;
}

function tags(kind: string, list: Json): LabelMap {
  const all = list
    .list()
    .map((tag) => [`${META}tag_${kind}_${sanitizeLabelName(tag.at('key').text())}`, tag.at('value').text()]);
  return Object.fromEntries(all);
}

/** Details of a task's own network interface by name; null: it has none. */
function interfaceOf(task: Json): ReadonlyMap<string, string> | null {
  const attachments = task.at('attachments').list();
  const own = attachments.find((one) => one.at('type').text() === 'ElasticNetworkInterface');
  if (!own) return null;
  const details = own.at('details').list();
  return new Map(details.map((detail) => [detail.at('name').text(), detail.at('value').text()]));
}

function placeLabels(task: Json, below: Below): LabelMap {
  const own = interfaceOf(task);
  const machine = task.at('containerInstanceArn').text();
  const id = below.machines.get(machine) ?? '';
  const instance = below.instances.get(id);
  const text = (path: string): string => instance?.textAt(path) ?? '';
  const privateIp = text('privateIpAddress');
  const publicIp = text('ipAddress');
  const address = own
    ? {
        network_mode: 'awsvpc',
        ip_address: own.get('privateIPv4Address') ?? '',
        subnet_id: own.get('subnetId') ?? '',
        public_ip: below.publicIps.get(own.get('networkInterfaceId') ?? '') ?? '',
      }
    : { network_mode: 'bridge', ip_address: privateIp, subnet_id: text('subnetId'), public_ip: publicIp };
  const all: LabelMap = {
    ...address,
    container_instance_arn: machine,
    ec2_instance_id: id,
    ec2_instance_type: text('instanceType'),
    ec2_instance_private_ip: privateIp,
    ec2_instance_public_ip: publicIp,
  };
  const ec2Tags = (instance?.listAt('tagSet') ?? []).map((tag): [string, string] => [
    `${META}tag_ec2_${sanitizeLabelName(tag.textAt('key'))}`,
    tag.textAt('value'),
  ]);
  const prefixed = Object.entries(all).map(([name, value]): [string, string] => [META + name, value]);
  return Object.fromEntries([...prefixed, ...ec2Tags]);
}

const serviceLabels = (service: Json, cluster: Json, region: string): LabelMap => ({
  [`${META}cluster`]: cluster.at('clusterName').text(),
  [`${META}cluster_arn`]: cluster.at('clusterArn').text(),
  [`${META}service`]: service.at('serviceName').text(),
  [`${META}service_arn`]: service.at('serviceArn').text(),
  [`${META}service_status`]: service.at('status').text(),
  [`${META}region`]: region,
  ...tags('cluster', cluster.at('tags')),
  ...tags('service', service.at('tags')),
});

const taskLabels = (task: Json): LabelMap => ({
  [`${META}task_group`]: task.at('group').text(),
  [`${META}task_arn`]: task.at('taskArn').text(),
  [`${META}task_definition`]: task.at('taskDefinitionArn').text(),
  [`${META}launch_type`]: task.at('launchType').text(),
  [`${META}availability_zone`]: task.at('availabilityZone').text(),
  [`${META}desired_status`]: task.at('desiredStatus').text(),
  [`${META}last_status`]: task.at('lastStatus').text(),
  [`${META}health_status`]: task.at('healthStatus').text(),
  [`${META}platform_family`]: task.at('platformFamily').text(),
  [`${META}platform_version`]: task.at('platformVersion').text(),
  ...tags('task', task.at('tags')),
});

async function belowOf(api: EcsApi, cluster: string, tasks: readonly Json[], signal: AbortSignal): Promise<Below> {
  const present = (texts: readonly string[]): string[] => [...new Set(texts.filter((text) => text !== ''))];
  const machineArns = present(tasks.map((task) => task.at('containerInstanceArn').text()));
  const interfaces = present(tasks.map((task) => interfaceOf(task)?.get('networkInterfaceId') ?? ''));
  const machines = await api.machines(cluster, machineArns, signal);
  const instances = await api.instances(present([...machines.values()]), signal);
  return { machines, instances, publicIps: await api.publicIps(interfaces, signal) };
}

/** Asks for the tasks of all services of all clusters, or those of the configuration, at each refresh. */
export function ecsDiscovery(config: EcsSdConfig, world: DiscoveryWorld): PollingDiscovery {
  const api = new EcsApi(config, world);

  const clusterTargets = async (cluster: Json, region: string, signal: AbortSignal): Promise<Labels[]> => {
    const arn = cluster.at('clusterArn').text();
    const services = await api.services(arn, signal);
    const tasksOf = await api.each(services, (service) => api.tasks(arn, service.at('serviceName').text(), signal));
    const below = await belowOf(api, arn, tasksOf.flat(), signal);
    return services.flatMap((service, i) => {
      const common = serviceLabels(service, cluster, region);
      return tasksOf[i].flatMap((task) => {
        const place = placeLabels(task, below);
        const ip = place[`${META}ip_address`];
        if (ip === '') return []; // it starts
        return Labels.from({ __address__: joinHostPort(ip, config.port), ...common, ...taskLabels(task), ...place });
      });
    });
  };

  const refresh = async (signal: AbortSignal): Promise<TargetGroup[]> => {
    const region = await api.region(signal);
    const targets: Labels[] = [];
    for (const cluster of await api.clusters(signal)) targets.push(...(await clusterTargets(cluster, region, signal)));
    return [{ source: region, targets, labels: Labels.empty }];
  };
  const { refreshIntervalMs } = config;
  return new PollingDiscovery({ mechanism: 'ecs', refreshIntervalMs, refresh, close: () => api.close() }, world);
}
