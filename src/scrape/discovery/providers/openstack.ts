// OpenStack: instances and hypervisors of Nova, load balancers of Octavia (https://docs.openstack.org/api-ref).
import type { SdConfig } from '../../../config/index.ts';
import type { Json } from '../json.ts';
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import { Api, type FetchGroups, type ProviderParts, oneGroup, prefixed } from '../provider.ts';
import { OpenstackSession } from './openstack-session.ts';

type OpenstackSdConfig = SdConfig<'openstackSdConfigs'>;
type Target = Record<string, string>;

const PREFIX = '__meta_openstack_';
const NETWORK = 'network';
const COMPUTE = 'compute';

function hypervisorTarget(hypervisor: Json, port: number): Target {
  const ip = hypervisor.at('host_ip').text();
  return {
    __address__: joinHostPort(ip, port),
    ...prefixed(`${PREFIX}hypervisor_`, {
      id: hypervisor.at('id').scalar(),
      hostname: hypervisor.at('hypervisor_hostname').text(),
      host_ip: ip,
      status: hypervisor.at('status').text(),
      state: hypervisor.at('state').text(),
      type: hypervisor.at('hypervisor_type').text(),
    }),
  };
}

/** Floating addresses: which there are, and which one belongs to an address of a machine. */
interface FloatingIps {
  readonly present: ReadonlySet<string>;
  readonly byMachine: ReadonlyMap<string, string>;
}

const machineKey = (tenant: string, device: string, address: string): string => [tenant, device, address].join(' ');

function floatingIpsOf(ports: readonly Json[], ips: readonly Json[]): FloatingIps {
  const devices = new Map(ports.map((port) => [port.at('id').text(), port.at('device_id').text()]));
  const present = new Set<string>();
  const byMachine = new Map<string, string>();
  for (const ip of ips) {
    const fixed = ip.at('fixed_ip_address').text();
    const device = devices.get(ip.at('port_id').text());
    if (fixed === '' || device === undefined) continue;
    const floating = ip.at('floating_ip_address').text();
    present.add(floating);
    byMachine.set(machineKey(ip.at('tenant_id').text(), device, fixed), floating);
  }
  return { present, byMachine };
}

function instanceLabels(server: Json): Target {
  const flavor = server.at('flavor');
  const image = server.at('image');
  const metadata = server.at('metadata').entries();
  return {
    instance_id: server.at('id').text(),
    instance_status: server.at('status').text(),
    instance_name: server.at('name').text(),
    project_id: server.at('tenant_id').text(),
    user_id: server.at('user_id').text(),
    instance_flavor: flavor.at('original_name').isNull ? flavor.at('id').text() : flavor.at('original_name').text(),
    // A machine that was booted from a volume has '' here, others an object.
    instance_image: typeof image.value === 'string' ? '' : image.at('id').text(),
    ...Object.fromEntries(metadata.map(([name, value]) => [`tag_${sanitizeLabelName(name)}`, value.text()])),
  };
}

/** A target for each address that is not a floating one. */
function instanceTargets(server: Json, floating: FloatingIps, port: number): Target[] {
  const labels = instanceLabels(server);
  return server
    .at('addresses')
    .entries()
    .flatMap(([pool, addresses]) =>
      addresses
        .list()
        .map((address) => address.at('addr').text())
        .filter((address) => !floating.present.has(address))
        .map((address) => ({
          __address__: joinHostPort(address, port),
          ...prefixed(PREFIX, {
            ...labels,
            address_pool: pool,
            private_ip: address,
            public_ip: floating.byMachine.get(machineKey(labels.project_id, labels.instance_id, address)) ?? '',
          }),
        })),
    );
}

function loadBalancerTarget(balancer: Json, port: string, floating: string): Target {
  const vip = balancer.at('vip_address').text();
  return {
    __address__: joinHostPort(vip, port),
    [`${PREFIX}project_id`]: balancer.at('project_id').text(),
    ...prefixed(`${PREFIX}loadbalancer_`, {
      id: balancer.at('id').text(),
      name: balancer.at('name').text(),
      operating_status: balancer.at('operating_status').text(),
      provisioning_status: balancer.at('provisioning_status').text(),
      availability_zone: balancer.at('availability_zone').text(),
      floating_ip: floating,
      vip,
      provider: balancer.at('provider').text(),
      tags: balancer.at('tags').texts().join(','),
    }),
  };
}

/** The port of the listener that speaks to Prometheus, by balancer. */
function metricPorts(listeners: readonly Json[]): Map<string, string> {
  const out = new Map<string, string>();
  for (const listener of listeners) {
    if (listener.at('protocol').text() !== 'PROMETHEUS') continue;
    for (const balancer of listener.at('loadbalancers').list()) {
      const id = balancer.at('id').text();
      if (!out.has(id)) out.set(id, listener.at('protocol_port').scalar('0'));
    }
  }
  return out;
}

async function loadBalancerTargets(session: OpenstackSession): Promise<Target[]> {
  const base = `${session.endpoint('load-balancer')}/v2.0/lbaas`;
  const balancers = await session.list(`${base}/loadbalancers`, 'loadbalancers');
  const ports = metricPorts(await session.list(`${base}/listeners`, 'listeners'));
  const ips = await session.list(`${session.endpoint(NETWORK)}/v2.0/floatingips`, 'floatingips');
  const floating = new Map(ips.map((ip) => [ip.at('port_id').text(), ip.at('floating_ip_address').text()]));
  floating.delete('');
  return balancers.flatMap((balancer) => {
    const port = ports.get(balancer.at('id').text());
    if (port === undefined) return [];
    return [loadBalancerTarget(balancer, port, floating.get(balancer.at('vip_port_id').text()) ?? '')];
  });
}

async function serverTargets(session: OpenstackSession, config: OpenstackSdConfig): Promise<Target[]> {
  const network = `${session.endpoint(NETWORK)}/v2.0`;
  const ports = await session.list(`${network}/ports`, 'ports');
  const floating = floatingIpsOf(ports, await session.list(`${network}/floatingips`, 'floatingips'));
  const query = config.allTenants ? '?all_tenants=true' : '';
  const servers = await session.list(`${session.endpoint(COMPUTE)}/servers/detail${query}`, 'servers');
  return servers.flatMap((server) => instanceTargets(server, floating, config.port));
}

async function hypervisorTargets(session: OpenstackSession, config: OpenstackSdConfig): Promise<Target[]> {
  const hypervisors = await session.list(`${session.endpoint(COMPUTE)}/os-hypervisors/detail`, 'hypervisors');
  return hypervisors.map((hypervisor) => hypervisorTarget(hypervisor, config.port));
}

const ROLES = { instance: serverTargets, hypervisor: hypervisorTargets, loadbalancer: loadBalancerTargets } as const;

export function openstackGroups(config: OpenstackSdConfig, parts: ProviderParts): FetchGroups {
  const api = Api.of(config, parts);
  const targetsOf = ROLES[config.role || 'instance'];
  return async (signal) => {
    const session = await OpenstackSession.begin(api, config, parts.environment, signal);
    return oneGroup(`OS_${config.region}`, await targetsOf(session, config));
  };
}
