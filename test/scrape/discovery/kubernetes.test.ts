import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscoveryRig } from '../../support/discovery-rig.ts';
import { cluster, sd, short } from '../../support/kube-cluster.ts';
import { endpointSlice, fillCluster, node, service } from '../../support/kube-objects.ts';

const POD = {
  pod_ip: '10.1.0.1',
  pod_ready: 'true',
  pod_phase: 'Running',
  pod_node_name: 'node-1',
  pod_host_ip: '10.0.0.1',
  pod_uid: 'p-1',
  pod_controller_kind: 'ReplicaSet',
  pod_controller_name: 'web-abc',
  pod_name: 'web-1',
  pod_label_app: 'web',
  pod_labelpresent_app: 'true',
  pod_label_app_kubernetes_io_name: 'web',
  pod_labelpresent_app_kubernetes_io_name: 'true',
  pod_annotation_prometheus_io_scrape: 'true',
  pod_annotationpresent_prometheus_io_scrape: 'true',
};
const SERVICE = {
  service_name: 'web',
  service_label_app: 'web',
  service_labelpresent_app: 'true',
  service_annotation_x: 'y',
  service_annotationpresent_x: 'true',
};
const NODE = {
  node_name: 'node-1',
  node_label_topology_kubernetes_io_zone: 'z1',
  node_labelpresent_topology_kubernetes_io_zone: 'true',
  node_annotation_a_b: 'c',
  node_annotationpresent_a_b: 'true',
};
const NAMESPACE = {
  namespace: 'shop',
  namespace_label_team: 'red',
  namespace_labelpresent_team: 'true',
  namespace_annotation_owner: 'me',
  namespace_annotationpresent_owner: 'true',
};
const container = (name: string, image: string, init: boolean) => ({
  pod_container_name: name,
  pod_container_image: image,
  pod_container_init: String(init),
});
const port = (number: number, protocol: string, name?: string) => ({
  pod_container_port_number: String(number),
  pod_container_port_protocol: protocol,
  ...(name && { pod_container_port_name: name }),
});

test('a node is one target at its kubelet, by the address that Kubernetes prefers', async (t) => {
  const { server, url } = await cluster(t);
  server.put('nodes', node);
  assert.deepEqual(short(await new DiscoveryRig(sd(url, 'role: node')).once()), {
    '10.0.0.1:10250': {
      instance: 'node-1',
      ...NODE,
      node_provider_id: 'aws:///z1/i-1',
      node_condition_Ready: 'true',
      node_address_Hostname: 'node-1.local',
      node_address_InternalIP: '10.0.0.1',
      node_address_ExternalIP: '1.2.3.4',
    },
  });
});

test('a pod is one target per port, and one without a port per container that names none', async (t) => {
  const { server, url } = await cluster(t);
  fillCluster(server);
  const found = short(await new DiscoveryRig(sd(url, 'role: pod, namespaces: {names: [shop]}')).once());
  const main = { namespace: 'shop', ...POD, ...container('main', 'web:1', false), pod_container_id: 'containerd://1' };
  assert.deepEqual(found, {
    '10.1.0.1:8080': { ...main, ...port(8080, 'TCP', 'http') },
    '10.1.0.1:9090': { ...main, ...port(9090, 'TCP', 'metrics') },
    '10.1.0.1': { namespace: 'shop', ...POD, ...container('helper', 'helper:2', false) },
    '10.1.0.1:7000': {
      namespace: 'shop',
      ...POD,
      ...container('setup', 'setup:3', true),
      ...port(7000, 'UDP'),
      pod_container_id: 'containerd://2',
    },
  });
});

test('pods carry the metadata of their node and namespace when asked for', async (t) => {
  const { server, url } = await cluster(t);
  fillCluster(server);
  const rig = new DiscoveryRig(sd(url, 'role: pod, attach_metadata: {node: true, namespace: true}'));
  const found = short(await rig.once());
  assert.deepEqual(Object.keys(found).sort(), ['10.1.0.1', '10.1.0.1:7000', '10.1.0.1:8080', '10.1.0.1:9090']);
  assert.deepEqual(found['10.1.0.1'], { ...NAMESPACE, ...NODE, ...POD, ...container('helper', 'helper:2', false) });
});

test('a service is one target per port under its DNS name', async (t) => {
  const { server, url } = await cluster(t);
  fillCluster(server);
  const found = short(await new DiscoveryRig(sd(url, 'role: service, attach_metadata: {namespace: true}')).once());
  assert.deepEqual(found, {
    'web.shop.svc:80': {
      ...NAMESPACE,
      ...SERVICE,
      service_port_name: 'http',
      service_port_number: '80',
      service_port_protocol: 'TCP',
      service_type: 'LoadBalancer',
      service_cluster_ip: '10.2.0.1',
      service_loadbalancer_ip: '5.6.7.8',
    },
    'db.shop.svc:5432': {
      ...NAMESPACE,
      service_name: 'db',
      service_port_name: 'sql',
      service_port_number: '5432',
      service_port_protocol: 'TCP',
      service_type: 'ExternalName',
      service_external_name: 'db.example.com',
    },
  });
});

test('endpoints are targets with their service, pods and nodes, and so are the other ports of their pods', async (t) => {
  const { server, url } = await cluster(t);
  fillCluster(server);
  const rig = new DiscoveryRig(sd(url, 'role: endpoints, attach_metadata: {node: true, namespace: true}'));
  const group = {
    ...NAMESPACE,
    ...SERVICE,
    endpoints_name: 'web',
    endpoints_label_app: 'web',
    endpoints_labelpresent_app: 'true',
    endpoints_annotation_trigger: 'now',
    endpoints_annotationpresent_trigger: 'true',
  };
  const http = { endpoint_port_name: 'http', endpoint_port_protocol: 'TCP' };
  assert.deepEqual(short(await rig.once()), {
    '10.1.0.1:8080': {
      ...group,
      ...http,
      ...NODE,
      ...POD,
      ...container('main', 'web:1', false),
      ...port(8080, 'TCP', 'http'),
      endpoint_ready: 'true',
      endpoint_node_name: 'node-1',
      endpoint_hostname: 'web-one',
      endpoint_address_target_kind: 'Pod',
      endpoint_address_target_name: 'web-1',
    },
    '10.0.0.1:8080': {
      ...group,
      ...http,
      ...NODE,
      endpoint_ready: 'true',
      endpoint_address_target_kind: 'Node',
      endpoint_address_target_name: 'node-1',
    },
    '10.1.0.9:8080': { ...group, ...http, endpoint_ready: 'false' },
    '10.1.0.1:9090': { ...group, ...POD, ...container('main', 'web:1', false), ...port(9090, 'TCP', 'metrics') },
    '10.1.0.1:7000': { ...group, ...POD, ...container('setup', 'setup:3', true), ...port(7000, 'UDP') },
  });
});

test('endpoint slices are targets per endpoint, port and address', async (t) => {
  const { server, url } = await cluster(t);
  fillCluster(server);
  const found = short(await new DiscoveryRig(sd(url, 'role: endpointslice')).once());
  const group = {
    namespace: 'shop',
    ...SERVICE,
    endpointslice_name: 'web-x1',
    endpointslice_address_type: 'IPv4',
    endpointslice_label_kubernetes_io_service_name: 'web',
    endpointslice_labelpresent_kubernetes_io_service_name: 'true',
  };
  assert.deepEqual(found['10.1.0.1:8080'], {
    ...group,
    ...POD,
    ...container('main', 'web:1', false),
    ...port(8080, 'TCP', 'http'),
    endpointslice_port: '8080',
    endpointslice_port_name: 'http',
    endpointslice_port_protocol: 'TCP',
    endpointslice_port_app_protocol: 'http',
    endpointslice_endpoint_conditions_ready: 'true',
    endpointslice_endpoint_conditions_serving: 'true',
    endpointslice_endpoint_conditions_terminating: 'false',
    endpointslice_endpoint_hostname: 'web-one',
    endpointslice_endpoint_node_name: 'node-1',
    endpointslice_endpoint_zone: 'z1',
    endpointslice_endpoint_topology_a_b: 'c',
    endpointslice_endpoint_topology_present_a_b: 'true',
    endpointslice_address_target_kind: 'Pod',
    endpointslice_address_target_name: 'web-1',
  });
  assert.deepEqual(found['10.1.0.8'], {
    ...group,
    endpointslice_port_name: 'any',
    endpointslice_port_protocol: 'TCP',
    endpointslice_endpoint_conditions_ready: 'false',
  });
  assert.deepEqual(Object.keys(found).sort(), [
    '10.1.0.1',
    '10.1.0.1:7000',
    '10.1.0.1:8080',
    '10.1.0.1:9090',
    '10.1.0.8',
    '10.1.0.8:8080',
    '10.1.0.9',
    '10.1.0.9:8080',
  ]);
});

test('of a service with two address families only the first is a target', async (t) => {
  const { server, url } = await cluster(t);
  const spec = { ...(service.spec as object), ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] };
  server.put('services', { ...service, spec });
  server.put('endpointslices', endpointSlice);
  const six = { ...endpointSlice.metadata, name: 'web-x6' };
  server.put('endpointslices', {
    ...endpointSlice,
    metadata: six,
    addressType: 'IPv6',
    endpoints: [{ addresses: ['fd00::1'] }],
  });
  const found = await new DiscoveryRig(sd(url, 'role: endpointslice')).once();
  assert.equal(Object.keys(found).filter((address) => address.includes('fd00')).length, 0);
  assert.ok('10.1.0.9:8080' in found);
});

test('an ingress is one target per host and path, with the scheme that its TLS section says', async (t) => {
  const { server, url } = await cluster(t);
  fillCluster(server);
  const group = {
    namespace: 'shop',
    ingress_name: 'front',
    ingress_class_name: 'nginx',
    ingress_label_app: 'web',
    ingress_labelpresent_app: 'true',
    ingress_annotation_rewrite: '/',
    ingress_annotationpresent_rewrite: 'true',
  };
  const path = (host: string, scheme: string, at = '/') => ({
    ...group,
    ingress_host: host,
    ingress_scheme: scheme,
    ingress_path: at,
  });
  assert.deepEqual(short(await new DiscoveryRig(sd(url, 'role: ingress')).once()), {
    'shop.example.com': path('shop.example.com', 'https', '/a'),
    'shop.example.com#2': path('shop.example.com', 'https'),
    'x.wild.example.com': path('x.wild.example.com', 'https'),
    'plain.example.com': path('plain.example.com', 'http'),
  });
});
