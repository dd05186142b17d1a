import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { DiscoveryRig, shortened, until } from '../../support/discovery-rig.ts';

/** An engine: answers by path without the query; what is not there is 404. */
async function engine(t: TestContext, answers: Record<string, unknown>, kind: 'tcp' | 'unix') {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url as string);
    const answer = answers[new URL(request.url as string, 'http://x').pathname];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { message: 'page not found' }));
  });
  const directory = mkdtempSync(path.join(tmpdir(), 'tidemark-docker-'));
  const socket = path.join(directory, 'docker.sock');
  await new Promise<void>((resolve) => {
    if (kind === 'unix') server.listen(socket, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(directory, { recursive: true });
  });
  const host = kind === 'unix' ? `unix://${socket}` : `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { requests, host, answers };
}

const NETWORKS = [
  { Id: 'n1', Name: 'front', Scope: 'local', Internal: false, Ingress: false, Labels: { 'a.b': 'c' } },
  { Id: 'n2', Name: 'back', Scope: 'local', Internal: true, Ingress: false, Labels: null },
];
const endpoint = (NetworkID: string, IPAddress: string) => ({ NetworkID, IPAddress });

const CONTAINERS = [
  {
    Id: 'c1',
    Names: ['/web'],
    Labels: { 'com.x/y': 'z' },
    HostConfig: { NetworkMode: 'front' },
    Ports: [
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
      { PrivatePort: 90, Type: 'tcp' },
      { PrivatePort: 53, Type: 'udp' },
    ],
    NetworkSettings: { Networks: { front: endpoint('n1', '172.1.0.2'), back: endpoint('n2', '172.2.0.2') } },
  },
  {
    Id: 'c2',
    Names: ['/side'],
    Labels: {},
    HostConfig: { NetworkMode: 'container:c1' },
    Ports: [],
    NetworkSettings: { Networks: {} },
  },
  {
    Id: 'c3',
    Names: ['/host'],
    Labels: {},
    HostConfig: { NetworkMode: 'host' },
    Ports: [],
    NetworkSettings: { Networks: { host: endpoint('n9', '') } },
  },
  { Id: 'c4', Names: [], HostConfig: {}, Ports: [], NetworkSettings: null },
];

const back = {
  network_id: 'n2',
  network_name: 'back',
  network_scope: 'local',
  network_internal: 'true',
  network_ingress: 'false',
};
const front = {
  network_id: 'n1',
  network_name: 'front',
  network_scope: 'local',
  network_internal: 'false',
  network_ingress: 'false',
  network_label_a_b: 'c',
};
const short = (found: Record<string, Record<string, string>>, prefix: string) =>
  Object.fromEntries(Object.entries(found).map(([key, labels]) => [key, shortened(labels, prefix)]));

const web = {
  container_id: 'c1',
  container_name: '/web',
  container_network_mode: 'front',
  container_label_com_x_y: 'z',
};
const side = { container_id: 'c2', container_name: '/side', container_network_mode: 'container:c1' };

test('containers are targets per TCP port in their first network, over a Unix socket', async (t) => {
  const { host, requests } = await engine(t, { '/containers/json': CONTAINERS, '/networks': NETWORKS }, 'unix');
  const filters = 'filters: [{name: label, values: [a, b]}, {name: status, values: [running]}]';
  const rig = new DiscoveryRig(`docker_sd_configs: [{host: "${host}", port: 7, host_networking_host: me, ${filters}}]`);
  const at = { network_ip: '172.2.0.2' };
  assert.deepEqual(short(await rig.once(), '__meta_docker_'), {
    '172.2.0.2:80': { ...web, ...back, ...at, port_private: '80', port_public: '8080', port_public_ip: '0.0.0.0' },
    '172.2.0.2:90': { ...web, ...back, ...at, port_private: '90' },
    '172.2.0.2:7': { ...side, ...back, ...at },
    me: { container_id: 'c3', container_name: '/host', container_network_mode: 'host' },
  });
  assert.deepEqual(JSON.parse(new URL(requests[0], 'http://x').searchParams.get('filters') as string), {
    label: { a: true, b: true },
    status: { running: true },
  });
});

test('with match_first_network off a container is a target in each of its networks, over TCP', async (t) => {
  const { host } = await engine(t, { '/containers/json': CONTAINERS.slice(0, 2), '/networks': NETWORKS }, 'tcp');
  const rig = new DiscoveryRig(`docker_sd_configs: [{host: "${host}", match_first_network: false}]`);
  const found = short(await rig.once(), '__meta_docker_');
  assert.deepEqual(Object.keys(found).sort(), [
    '172.1.0.2:80',
    '172.1.0.2:80#2',
    '172.1.0.2:90',
    '172.2.0.2:80',
    '172.2.0.2:80#2',
    '172.2.0.2:90',
  ]);
  assert.deepEqual(found['172.1.0.2:90'], { ...web, ...front, network_ip: '172.1.0.2', port_private: '90' });
});

test('targets stay when the engine gives no list', async (t) => {
  const { host, answers } = await engine(
    t,
    { '/containers/json': CONTAINERS.slice(0, 1), '/networks': NETWORKS },
    'unix',
  );
  const rig = new DiscoveryRig(`docker_sd_configs: [{host: "${host}"}]`).start();
  t.after(() => rig.stop());
  await rig.until(() => rig.addresses.length === 2);
  const cases: [answer: unknown, message: RegExp][] = [
    [undefined, /server returned HTTP status 404: .*page not found/],
    [{}, /\$: want a list; got a mapping/],
    [[{ Id: 7 }], /\$\[0\]\.Id: want a text; got 7/],
  ];
  for (const [answer, message] of cases) {
    answers['/containers/json'] = answer;
    const before = rig.errors.length;
    await until(
      () => rig.errors.slice(before).some((text) => message.test(text)),
      () => `${message} ${rig.errors.at(-1)}`,
    );
  }
  assert.equal(rig.addresses.length, 2);
  assert.match(rig.metrics.render(), /prometheus_sd_refresh_failures_total\{config="x",mechanism="docker"\} [1-9]/);
});

test('a host with a scheme that is not spoken is refused', async (t) => {
  const rig = new DiscoveryRig('docker_sd_configs: [{host: "npipe:////./pipe/docker"}]').start();
  t.after(() => rig.stop());
  await until(
    () => rig.errors.length > 0,
    () => 'an error',
  );
  assert.match(rig.errors[0], /host must begin with unix:\/\/, tcp:\/\/, http:\/\/ or https:\/\//);
});

const SERVICE = {
  ID: 's1',
  Spec: {
    Name: 'web',
    Labels: { 'a-b': 'c' },
    Mode: { Replicated: { Replicas: 2 } },
    TaskTemplate: { ContainerSpec: { Image: 'web:1', Hostname: 'h' } },
  },
  Endpoint: {
    Ports: [
      { Name: 'http', Protocol: 'tcp', PublishedPort: 8080, PublishMode: 'ingress' },
      { Protocol: 'udp', PublishedPort: 53 },
    ],
    VirtualIPs: [{ NetworkID: 'n1', Addr: '10.0.0.3/24' }],
  },
  UpdateStatus: { State: 'completed' },
};
const PORTLESS = {
  ID: 's2',
  Spec: { Name: 'job', Mode: { Global: {} }, TaskTemplate: { ContainerSpec: { Image: 'job:1' } } },
  Endpoint: { VirtualIPs: [{ NetworkID: 'n2', Addr: '10.0.1.3/24' }] },
};
const NODE = {
  ID: 'd1',
  Spec: { Role: 'manager', Availability: 'active', Labels: { zone: 'z1' } },
  Description: {
    Hostname: 'host-1',
    Platform: { Architecture: 'x86_64', OS: 'linux' },
    Engine: { EngineVersion: '28' },
  },
  Status: { State: 'ready', Addr: '192.168.0.1' },
  ManagerStatus: { Leader: true, Reachability: 'reachable', Addr: '192.168.0.1:2377' },
};
const TASK = {
  ID: 't1',
  ServiceID: 's1',
  NodeID: 'd1',
  Slot: 2,
  DesiredState: 'running',
  Spec: { ContainerSpec: { Labels: { own: 'spec' } } },
  Status: {
    State: 'running',
    ContainerStatus: { ContainerID: 'c1' },
    PortStatus: { Ports: [{ Protocol: 'tcp', PublishedPort: 32000, PublishMode: 'host' }] },
  },
  NetworksAttachments: [{ Network: { ID: 'n1' }, Addresses: ['10.0.0.9/24'] }],
};
const OTHER_TASK = {
  ...TASK,
  ID: 't2',
  ServiceID: 's2',
  NodeID: 'gone',
  Status: { State: 'pending' },
  NetworksAttachments: [{ Network: { ID: 'n2' }, Addresses: ['10.0.1.9/24'] }],
};

const SWARM = {
  '/services': [SERVICE, PORTLESS],
  '/nodes': [NODE],
  '/tasks': [TASK, OTHER_TASK],
  '/networks': NETWORKS,
  '/containers/c1/json': { Config: { Labels: { own: 'image', base: 'x' } } },
};

async function swarm(t: TestContext, role: string) {
  const { host } = await engine(t, SWARM, 'tcp');
  const rig = new DiscoveryRig(`dockerswarm_sd_configs: [{host: "${host}", role: ${role}, port: 7}]`);
  return short(await rig.once(), '__meta_dockerswarm_');
}

const service = { service_id: 's1', service_name: 'web', service_mode: 'replicated', service_label_a_b: 'c' };
const node = {
  node_id: 'd1',
  node_role: 'manager',
  node_address: '192.168.0.1',
  node_availability: 'active',
  node_hostname: 'host-1',
  node_platform_architecture: 'x86_64',
  node_platform_os: 'linux',
  node_status: 'ready',
  node_label_zone: 'z1',
};

test('a swarm service is a target per TCP port and virtual address', async (t) => {
  assert.deepEqual(await swarm(t, 'services'), {
    '10.0.0.3:8080': {
      ...service,
      ...front,
      service_endpoint_port_name: 'http',
      service_endpoint_port_publish_mode: 'ingress',
      service_task_container_image: 'web:1',
      service_task_container_hostname: 'h',
      service_updating_status: 'completed',
    },
    '10.0.1.3:7': {
      ...back,
      service_id: 's2',
      service_name: 'job',
      service_mode: 'global',
      service_task_container_image: 'job:1',
    },
  });
});

test('a swarm node is a target at the port of the configuration', async (t) => {
  assert.deepEqual(await swarm(t, 'nodes'), {
    '192.168.0.1:7': {
      ...node,
      node_engine_version: '28',
      node_manager_leader: 'true',
      node_manager_reachability: 'reachable',
      node_manager_address: '192.168.0.1:2377',
    },
  });
});

test('a swarm task is a target per published port and per address in its networks', async (t) => {
  const task = {
    ...service,
    ...node,
    task_id: 't1',
    task_desired_state: 'running',
    task_state: 'running',
    task_slot: '2',
    task_container_id: 'c1',
    container_label_own: 'spec',
    container_label_base: 'x',
  };
  assert.deepEqual(await swarm(t, 'tasks'), {
    '192.168.0.1:32000': { ...task, task_port_publish_mode: 'host' },
    '10.0.0.9:8080': { ...task, ...front, task_port_publish_mode: 'ingress' },
    '10.0.1.9:7': {
      ...back,
      service_id: 's2',
      service_name: 'job',
      service_mode: 'global',
      task_id: 't2',
      task_desired_state: 'running',
      task_state: 'pending',
      task_slot: '2',
      container_label_own: 'spec',
    },
  });
});
