// From objects to target groups: what each role makes of one of its objects, and which other objects it looks at for that.
import { joinHostPort, sanitizeLabelName } from '../labels.ts';
import {
  type LabelMap,
  META,
  PodPorts,
  attachedNodeLabels,
  containerLabels,
  containerPortLabels,
  labelsAndAnnotations,
  metaLabels,
  podLabels,
  serviceLabels,
} from './labels.ts';
import type {
  KubeEndpointSlice,
  KubeEndpoints,
  KubeIngress,
  KubeNamespace,
  KubeNode,
  KubePod,
  KubeService,
  SliceEndpoint,
  SlicePort,
  TargetRef,
} from './objects.ts';

/** Looks at other objects; what is looked at is noted, so that the group is made again when it changes. */
export interface Lookup {
  pod(namespace: string, name: string): KubePod | undefined;
  service(namespace: string, name: string): KubeService | undefined;
  /** Undefined also when attach_metadata.node is off. */
  node(name: string): KubeNode | undefined;
  namespace(name: string): KubeNamespace | undefined;
  readonly attachesNode: boolean;
}

/** Labels of a group and of its targets. */
export interface RoleGroup {
  readonly labels: LabelMap;
  readonly targets: readonly LabelMap[];
}

const NOTHING: RoleGroup = { labels: {}, targets: [] };

function namespaceLabels(namespace: string, lookup: Lookup): LabelMap {
  const found = lookup.namespace(namespace);
  return { [`${META}namespace`]: namespace, ...(found && labelsAndAnnotations('namespace', found.meta)) };
}

// In the order in which Kubernetes' own components prefer them.
const ADDRESS_TYPES = ['InternalIP', 'InternalDNS', 'ExternalIP', 'ExternalDNS', 'LegacyHostIP', 'Hostname'];

export function nodeGroup(node: KubeNode): RoleGroup {
  const { addresses, meta } = node;
  const first = ADDRESS_TYPES.map((wanted) => addresses.find(({ type }) => type === wanted)).find(Boolean);
  if (!first) return NOTHING;
  const target: LabelMap = { __address__: joinHostPort(first.address, node.kubeletPort), instance: meta.name };
  for (const { type, address } of addresses) target[`${META}node_address_${sanitizeLabelName(type)}`] ??= address;
  const labels: LabelMap = { [`${META}node_provider_id`]: node.providerId, ...metaLabels('node', meta) };
  for (const { type, status } of node.conditions) labels[`${META}node_condition_${sanitizeLabelName(type)}`] = status;
  return { labels, targets: [target] };
}

export function podGroup(pod: KubePod, lookup: Lookup): RoleGroup {
  if (pod.podIp === '') return NOTHING; // it starts, or has been evicted
  const node = lookup.attachesNode ? lookup.node(pod.nodeName) : undefined;
  // A selector may leave the node out, and its pods with it.
  if (lookup.attachesNode && !node) return NOTHING;
  const labels = {
    ...podLabels(pod),
    ...namespaceLabels(pod.meta.namespace, lookup),
    ...(node && attachedNodeLabels(node)),
  };
  const targets = pod.containers.flatMap((container): LabelMap[] => {
    const common = { ...containerLabels(container), [`${META}pod_container_id`]: container.id };
    if (container.ports.length === 0) return [{ __address__: pod.podIp, ...common }];
    return container.ports.map((port) => ({
      __address__: joinHostPort(pod.podIp, port.number),
      ...common,
      ...containerPortLabels(port),
    }));
  });
  return { labels, targets };
}

export function serviceGroup(service: KubeService, lookup: Lookup): RoleGroup {
  const { name, namespace } = service.meta;
  const isExternal = service.type === 'ExternalName';
  const targets = service.ports.map((port) => ({
    __address__: joinHostPort(`${name}.${namespace}.svc`, port.number),
    [`${META}service_port_name`]: port.name,
    [`${META}service_port_number`]: String(port.number),
    [`${META}service_port_protocol`]: port.protocol,
    [`${META}service_type`]: service.type,
    ...(isExternal
      ? { [`${META}service_external_name`]: service.externalName }
      : { [`${META}service_cluster_ip`]: service.clusterIp }),
    ...(service.type === 'LoadBalancer' && { [`${META}service_loadbalancer_ip`]: service.loadBalancerIp }),
  }));
  return { labels: { ...serviceLabels(service), ...namespaceLabels(namespace, lookup) }, targets };
}

/** Whether a host is that of a TLS entry, whose first part may be `*`. */
function matchesHost(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  const parts = pattern.split('.');
  const hostParts = host.split('.');
  return (
    parts[0] === '*' && parts.length === hostParts.length && parts.slice(1).every((p, i) => p === hostParts[i + 1])
  );
}

export function ingressGroup(ingress: KubeIngress, lookup: Lookup): RoleGroup {
  const { meta, className } = ingress;
  const labels = {
    ...metaLabels('ingress', meta),
    ...namespaceLabels(meta.namespace, lookup),
    ...(className !== null && { [`${META}ingress_class_name`]: className }),
  };
  const targets = ingress.rules.flatMap(({ host, paths }) => {
    const isTls = ingress.tlsHosts.some((pattern) => matchesHost(pattern, host));
    return paths.map((path) => ({
      __address__: host,
      [`${META}ingress_scheme`]: isTls ? 'https' : 'http',
      [`${META}ingress_host`]: host,
      [`${META}ingress_path`]: path,
    }));
  });
  return { labels, targets };
}

const podOf = (ref: TargetRef | null, lookup: Lookup): KubePod | undefined =>
  ref?.kind === 'Pod' ? lookup.pod(ref.namespace, ref.name) : undefined;

/** Labels of the node that an endpoint is, or is on. */
function endpointNodeLabels(ref: TargetRef | null, nodeName: string | null, lookup: Lookup): LabelMap {
  const name = ref?.kind === 'Node' ? ref.name : nodeName;
  const node = lookup.attachesNode && name !== null ? lookup.node(name) : undefined;
  return node ? attachedNodeLabels(node) : {};
}

export function endpointsGroup(endpoints: KubeEndpoints, lookup: Lookup): RoleGroup {
  const { name, namespace } = endpoints.meta;
  const service = lookup.service(namespace, name);
  const ports = new PodPorts();
  const targets: LabelMap[] = [];
  for (const subset of endpoints.subsets) {
    for (const port of subset.ports) {
      const addresses = [
        ...subset.ready.map((address) => ({ address, ready: 'true' })),
        ...subset.notReady.map((address) => ({ address, ready: 'false' })),
      ];
      for (const { address, ready } of addresses) {
        const pod = podOf(address.targetRef, lookup);
        targets.push({
          __address__: joinHostPort(address.ip, port.number),
          [`${META}endpoint_port_name`]: port.name,
          [`${META}endpoint_port_protocol`]: port.protocol,
          [`${META}endpoint_ready`]: ready,
          [`${META}endpoint_address_target_kind`]: address.targetRef?.kind ?? '',
          [`${META}endpoint_address_target_name`]: address.targetRef?.name ?? '',
          [`${META}endpoint_node_name`]: address.nodeName ?? '',
          [`${META}endpoint_hostname`]: address.hostname,
          ...endpointNodeLabels(address.targetRef, address.nodeName, lookup),
          ...(pod && ports.endpointLabels(pod, port.number)),
        });
      }
    }
  }
  const labels = {
    ...metaLabels('endpoints', endpoints.meta),
    ...namespaceLabels(namespace, lookup),
    ...(service && serviceLabels(service)),
  };
  return { labels, targets: [...targets, ...ports.rest()] };
}

const SERVICE_NAME = 'kubernetes.io/service-name';

/** Of a service with two address families every endpoint is in two slices; the second family's would double the targets. */
function isSecondary(slice: KubeEndpointSlice, service: KubeService | undefined): boolean {
  if (!service?.ipFamilyPolicy.endsWith('DualStack') || service.ipFamilies.length < 2) return false;
  return slice.addressType !== service.ipFamilies[0];
}

export function endpointSliceGroup(slice: KubeEndpointSlice, lookup: Lookup): RoleGroup {
  const { meta } = slice;
  const serviceName = meta.labels[SERVICE_NAME];
  const service = serviceName === undefined ? undefined : lookup.service(meta.namespace, serviceName);
  if (isSecondary(slice, service)) return NOTHING;
  const ports = new PodPorts();
  const targets: LabelMap[] = [];
  for (const endpoint of slice.endpoints)
    for (const port of slice.ports)
      for (const address of endpoint.addresses) targets.push(sliceTarget(address, endpoint, port, ports, lookup));
  const labels = {
    [`${META}endpointslice_address_type`]: slice.addressType,
    ...metaLabels('endpointslice', meta),
    ...namespaceLabels(meta.namespace, lookup),
    ...(service && serviceLabels(service)),
  };
  return { labels, targets: [...targets, ...ports.rest()] };
}

function sliceTarget(
  address: string,
  endpoint: SliceEndpoint,
  port: SlicePort,
  ports: PodPorts,
  lookup: Lookup,
): LabelMap {
  const { targetRef, conditions } = endpoint;
  const slice = `${META}endpointslice_`;
  const target: LabelMap = {
    __address__: port.number === null ? address : joinHostPort(address, port.number),
    [`${slice}port_name`]: port.name ?? '',
    [`${slice}port_protocol`]: port.protocol ?? '',
    [`${slice}port`]: port.number === null ? '' : String(port.number),
    [`${slice}port_app_protocol`]: port.appProtocol ?? '',
    [`${slice}endpoint_hostname`]: endpoint.hostname ?? '',
    [`${slice}endpoint_node_name`]: endpoint.nodeName ?? '',
    [`${slice}endpoint_zone`]: endpoint.zone ?? '',
    [`${slice}address_target_kind`]: targetRef?.kind ?? '',
    [`${slice}address_target_name`]: targetRef?.name ?? '',
  };
  for (const [name, value] of Object.entries(conditions))
    if (value !== null) target[`${slice}endpoint_conditions_${name}`] = String(value);
  for (const [name, value] of Object.entries(endpoint.topology)) {
    target[`${slice}endpoint_topology_${sanitizeLabelName(name)}`] = value;
    target[`${slice}endpoint_topology_present_${sanitizeLabelName(name)}`] = 'true';
  }
  Object.assign(target, endpointNodeLabels(targetRef, endpoint.nodeName, lookup));
  const pod = podOf(targetRef, lookup);
  return pod ? Object.assign(target, ports.endpointLabels(pod, port.number)) : target;
}
