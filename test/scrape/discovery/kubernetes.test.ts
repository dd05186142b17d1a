import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TidemarkError, utf8 } from '../../../src/base/index.ts';
import { DiscoveryRig, type RigOptions, shortened, until } from '../../support/discovery-rig.ts';
import { KubeApiServer } from '../../support/kube-api.ts';
import { endpointSlice, endpoints, fillCluster, namespace, node, pod, service } from '../../support/kube-objects.ts';

const META = '__meta_kubernetes_';

async function cluster(t: TestContext): Promise<{ server: KubeApiServer; url: string }> {
  const server = new KubeApiServer();
  const url = await server.start();
  t.after(() => server.stop());
  return { server, url };
}

const sd = (url: string, fields: string): string => `kubernetes_sd_configs: [{api_server: "${url}", ${fields}}]`;

const short = (targets: Record<string, Record<string, string>>) =>
  Object.fromEntries(Object.entries(targets).map(([address, labels]) => [address, shortened(labels, META)]));

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

test('what is added, changed and deleted is followed, without another list', async (t) => {
  const { server, url } = await cluster(t);
  server.put('services', service);
  const rig = new DiscoveryRig(sd(url, 'role: service')).start();
  t.after(() => rig.stop());
  await rig.until(() => rig.addresses.join() === 'web.shop.svc:80');
  server.put('services', { ...service, metadata: { ...service.metadata, name: 'new' } });
  await rig.until(() => rig.addresses.join() === 'new.shop.svc:80,web.shop.svc:80');
  server.put('services', { ...service, spec: { type: 'ClusterIP', ports: [{ port: 81 }] } });
  await rig.until(() => rig.addresses.join() === 'new.shop.svc:80,web.shop.svc:81');
  server.remove('services', 'shop/new');
  await rig.until(() => rig.addresses.join() === 'web.shop.svc:81');
  assert.equal(server.requests.filter((request) => !request.includes('watch=1')).length, 1);
  const text = rig.metrics.render();
  for (const [event, count] of [
    ['add', 2],
    ['update', 1],
    ['delete', 1],
  ])
    assert.ok(text.includes(`prometheus_sd_kubernetes_events_total{event="${event}",role="service"} ${count}\n`), text);
});

test('a target changes when its pod, service, node or namespace does', async (t) => {
  const { server, url } = await cluster(t);
  server.put('endpoints', endpoints);
  const rig = new DiscoveryRig(sd(url, 'role: endpoints, attach_metadata: {node: true, namespace: true}')).start();
  t.after(() => rig.stop());
  const label = (name: string) => {
    const [group] = rig.groups;
    return group.targets[0].get(META + name) || group.labels.get(META + name);
  };
  await rig.until(() => label('endpoints_name') === 'web');
  const steps = [
    ['pods', pod, 'pod_uid', 'p-1'],
    ['services', service, 'service_label_app', 'web'],
    ['nodes', node, 'node_label_topology_kubernetes_io_zone', 'z1'],
    ['namespaces', namespace, 'namespace_label_team', 'red'],
  ] as const;
  for (const [plural, object, name, value] of steps) {
    assert.equal(label(name), '');
    server.put(plural, object);
    await rig.until(() => label(name) === value, `${name} to appear`);
  }
  server.remove('pods', 'shop/web-1');
  await rig.until(() => label('pod_uid') === '', 'the pod to go');
});

test('a watch goes on from its last bookmark when it ends, and from a new list when that is too old', async (t) => {
  const { server, url } = await cluster(t);
  server.put('services', service);
  const rig = new DiscoveryRig(sd(url, 'role: service')).start();
  t.after(() => rig.stop());
  const lists = () => server.requests.filter((request) => !request.includes('watch=1')).length;
  const watches = () => server.requests.filter((request) => request.includes('watch=1'));
  await until(
    () => server.watchCount === 1,
    () => 'a watch',
  );
  server.bookmark();
  server.dropWatches('end');
  await until(
    () => server.watchCount === 1,
    () => 'another watch',
  );
  assert.match(watches()[0], /allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=101$/);
  assert.match(watches()[1], /resourceVersion=102$/);
  assert.equal(lists(), 1);
  server.dropWatches('destroy');
  server.remove('services', 'shop/web');
  server.put('services', { ...service, metadata: { ...service.metadata, name: 'new' } });
  server.forgetHistory();
  await rig.until(() => rig.addresses.join() === 'new.shop.svc:80', 'the list after 410');
  assert.equal(lists(), 2);
});

test('a list that comes in pages is taken as a whole', async (t) => {
  const { server, url } = await cluster(t);
  server.pageItemsMax = 2;
  for (let i = 0; i < 5; i++) server.put('services', { ...service, metadata: { ...service.metadata, name: `s${i}` } });
  const rig = new DiscoveryRig(sd(url, 'role: service')).start();
  t.after(() => rig.stop());
  await rig.until(() => rig.addresses.length === 5);
  assert.equal(rig.emissions.length, 1);
  assert.equal(server.requests.filter((request) => request.includes('limit=500')).length, 3);
});

test('targets stay while the server is out of order, and are right again when it is back', async (t) => {
  const { server, url } = await cluster(t);
  server.put('services', service);
  const rig = new DiscoveryRig(sd(url, 'role: service')).start();
  t.after(() => rig.stop());
  await until(
    () => server.watchCount === 1,
    () => 'a watch',
  );
  server.failWith = 500;
  server.dropWatches('destroy');
  await until(
    () => rig.errors.length >= 3,
    () => 'errors',
  );
  assert.match(rig.errors.at(-1) as string, /server returned HTTP status 500: .*no luck/);
  assert.deepEqual(rig.addresses, ['web.shop.svc:80']);
  server.put('services', { ...service, spec: { type: 'ClusterIP', ports: [{ port: 81 }] } });
  server.failWith = 0;
  await rig.until(() => rig.addresses.join() === 'web.shop.svc:81');
  assert.match(rig.metrics.render(), /prometheus_sd_kubernetes_failures_total [1-9]/);
});

test('a watch that says what is no event is given up and begun again', async (t) => {
  const { server, url } = await cluster(t);
  server.put('services', service);
  const rig = new DiscoveryRig(sd(url, 'role: service')).start();
  t.after(() => rig.stop());
  const cases: [text: string, message: RegExp][] = [
    ['{"type": "ADDED", "obj\n', /it is not JSON/],
    ['{"type": "EXPLODED", "object": {}}\n', /unknown type; got "EXPLODED"/],
    ['{"type": "ADDED", "object": {"metadata": 7}}\n', /\$\.object\.metadata: want a mapping; got 7/],
    ['{"type": "ERROR", "object": {"code": 500, "message": "boom"}}\n', /the server says "boom"/],
  ];
  for (const [text, message] of cases) {
    await until(
      () => server.watchCount === 1,
      () => 'a watch',
    );
    const before = rig.errors.length;
    server.sendRaw(text);
    await until(
      () => rig.errors.length > before,
      () => `an error for ${text}`,
    );
    assert.match(rig.errors[before], message);
    await until(
      () => server.requests.length > 0 && server.watchCount <= 1,
      () => 'its end',
    );
  }
  assert.deepEqual(rig.addresses, ['web.shop.svc:80']);
});

test('selectors and namespaces narrow what is asked for', async (t) => {
  const { server, url } = await cluster(t);
  fillCluster(server);
  const fields = `role: pod, namespaces: {names: [shop, lab]}, selectors: [{role: pod, label: "app=web", field: "spec.nodeName=n"}]`;
  const found = await new DiscoveryRig(sd(url, fields)).once();
  assert.equal(Object.keys(found).length, 4);
  const lists = server.requests.filter((request) => !request.includes('watch=1')).sort();
  assert.deepEqual(lists, [
    'GET /api/v1/namespaces/lab/pods?labelSelector=app%3Dweb&fieldSelector=spec.nodeName%3Dn&limit=500',
    'GET /api/v1/namespaces/shop/pods?labelSelector=app%3Dweb&fieldSelector=spec.nodeName%3Dn&limit=500',
  ]);
});

function withFiles(contents: Record<string, string>): RigOptions['files'] {
  return {
    readFile: async (path) => {
      if (path in contents) return utf8(contents[path]);
      throw new TidemarkError('not_found', `cannot read ${path}: there is no such file`);
    },
    list: async () => [],
    stat: async () => undefined,
  };
}

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

test('a kubeconfig says where the server is and who asks', async (t) => {
  const { server, url } = await cluster(t);
  server.put('services', service);
  const kubeconfig = `
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "${url}/"}}]
users: [{name: u, user: {tokenFile: token}}]`;
  const files = withFiles({ '/k/config': kubeconfig, '/k/token': 'abc\n' });
  const rig = new DiscoveryRig('kubernetes_sd_configs: [{role: service, kubeconfig_file: /k/config}]', { files });
  assert.deepEqual(Object.keys(await rig.once()), ['web.shop.svc:80']);
  assert.equal(server.authorizations[0], 'Bearer abc');
});

test('a kubeconfig that does not say it is refused with the reason, and looked at again', async (t) => {
  const cases: [text: string, message: RegExp][] = [
    ['[]', /cannot read kubeconfig \/k\/config: the file: want a mapping/],
    ['current-context: x', /contexts: there is no context named "x"/],
    ['{current-context: x, contexts: [{name: x, context: {cluster: c}}], clusters: []}', /no cluster named "c"/],
    ['{current-context: x, contexts: [{name: x, context: {cluster: c}}], clusters: [{name: c}]}', /has no server/],
    [
      '{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: {server: "http://x"}}], users: [{name: u, user: {exec: {command: aws}}}]}',
      /user\.exec is not supported/,
    ],
  ];
  for (const [text, message] of cases) {
    const files = withFiles({ '/k/config': text });
    const rig = new DiscoveryRig('kubernetes_sd_configs: [{role: pod, kubeconfig_file: /k/config}]', { files }).start();
    t.after(() => rig.stop());
    await until(
      () => rig.errors.length >= 2,
      () => 'two tries',
    );
    assert.match(rig.errors[0], message);
    await rig.stop();
  }
});

test('inside a cluster the service account is used, and its namespace', async (t) => {
  const files = withFiles({
    [`${ACCOUNT}/token`]: 'tok',
    [`${ACCOUNT}/ca.crt`]: 'no certificate',
    [`${ACCOUNT}/namespace`]: 'shop\n',
  });
  const environment = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const asked: string[] = [];
  const rig = new DiscoveryRig(
    'kubernetes_sd_configs: [{role: pod, namespaces: {own_namespace: true, names: [lab]}}]',
    {
      files,
      environment,
      world: {
        httpClient: ({ authorization, tlsConfig }) => ({
          request: async ({ url, onBody }) => {
            asked.push(`${authorization?.credentialsFile} ${tlsConfig.caFile} ${url}`);
            if (onBody) throw new TidemarkError('connection_failed', 'no');
            return { status: 200, headers: {}, body: utf8('{"metadata": {"resourceVersion": "1"}, "items": []}') };
          },
          close: async () => {},
        }),
      },
    },
  );
  assert.deepEqual(await rig.once(), {});
  for (const name of ['shop', 'lab'])
    assert.ok(
      asked.includes(
        `${ACCOUNT}/token ${ACCOUNT}/ca.crt https://[fd00::1]:443/api/v1/namespaces/${name}/pods?limit=500`,
      ),
      asked.join('\n'),
    );
  const outside = new DiscoveryRig('kubernetes_sd_configs: [{role: pod}]', { files }).start();
  t.after(() => outside.stop());
  await until(
    () => outside.errors.length > 0,
    () => 'an error',
  );
  assert.match(outside.errors[0], /KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be set/);
});
