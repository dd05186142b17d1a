import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Talk, keepsLast, plain, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

const TOKEN = 'authorization: {credentials: s3cret}';

const cloudServer = {
  id: 42,
  name: 'web-1',
  status: 'running',
  public_net: { ipv4: { ip: '192.0.2.7' }, ipv6: { ip: '2001:db8:7::/64' } },
  location: { name: 'fsn1', network_zone: 'eu-central' },
  server_type: { name: 'cx22', cores: 2, cpu_type: 'shared', memory: 4.0, disk: 40 },
  image: { name: 'debian-12', description: 'Debian 12', os_version: '12', os_flavor: 'debian' },
  private_net: [
    { network: 4711, ip: '10.0.0.2' },
    { network: 9, ip: '10.9.0.2' },
  ],
  labels: { 'app.kubernetes.io/name': 'web', canary: '' },
};

const HETZNER = 'https://api.hetzner.cloud/v1';
const hcloud = (servers: object, next: number | null = null) => ({
  body: { servers, meta: { pagination: { next_page: next } } },
});
const hcloudTalk: Talk = {
  [`${HETZNER}/servers?page=1&per_page=50`]: hcloud([cloudServer], 2),
  [`${HETZNER}/servers?page=2&per_page=50`]: hcloud([
    { id: 43, name: 'inner', status: 'off', public_net: { ipv4: null, ipv6: null }, server_type: { memory: 0.5 } },
  ]),
  [`${HETZNER}/networks?page=1&per_page=50`]: { body: { networks: [{ id: 4711, name: 'back-end' }] } },
};

test('Hetzner cloud servers come page by page with networks and labels', async () => {
  const rig = await rigOf('hetzner', `{role: hcloud, ${TOKEN}}`, hcloudTalk);
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '192.0.2.7:80',
      __meta_hetzner_role: 'hcloud',
      __meta_hetzner_server_id: '42',
      __meta_hetzner_server_name: 'web-1',
      __meta_hetzner_server_status: 'running',
      __meta_hetzner_public_ipv4: '192.0.2.7',
      __meta_hetzner_public_ipv6_network: '2001:db8:7::/64',
      __meta_hetzner_hcloud_location: 'fsn1',
      __meta_hetzner_hcloud_location_network_zone: 'eu-central',
      __meta_hetzner_hcloud_datacenter_location: 'fsn1',
      __meta_hetzner_hcloud_datacenter_location_network_zone: 'eu-central',
      __meta_hetzner_hcloud_server_type: 'cx22',
      __meta_hetzner_hcloud_cpu_cores: '2',
      __meta_hetzner_hcloud_cpu_type: 'shared',
      __meta_hetzner_hcloud_memory_size_gb: '4',
      __meta_hetzner_hcloud_disk_size_gb: '40',
      __meta_hetzner_hcloud_image_name: 'debian-12',
      __meta_hetzner_hcloud_image_description: 'Debian 12',
      __meta_hetzner_hcloud_image_os_version: '12',
      __meta_hetzner_hcloud_image_os_flavor: 'debian',
      __meta_hetzner_hcloud_private_ipv4_back_end: '10.0.0.2',
      __meta_hetzner_hcloud_label_app_kubernetes_io_name: 'web',
      __meta_hetzner_hcloud_labelpresent_app_kubernetes_io_name: 'true',
      __meta_hetzner_hcloud_labelpresent_canary: 'true',
    },
    {
      __address__: '<nil>:80',
      __meta_hetzner_role: 'hcloud',
      __meta_hetzner_server_id: '43',
      __meta_hetzner_server_name: 'inner',
      __meta_hetzner_server_status: 'off',
      __meta_hetzner_public_ipv4: '<nil>',
      __meta_hetzner_public_ipv6_network: '<nil>',
      __meta_hetzner_hcloud_cpu_cores: '0',
      __meta_hetzner_hcloud_memory_size_gb: '0',
      __meta_hetzner_hcloud_disk_size_gb: '0',
    },
  ]);
  assert.equal(plain(rig.emitted[0])[0].source, 'hetzner');
  await keepsLast(rig, 'hetzner');
});

test('Hetzner cloud servers are selected by label at the server', async () => {
  const rig = await rigOf('hetzner', `{role: hcloud, label_selector: "env=prod", ${TOKEN}}`, {
    [`${HETZNER}/servers?page=1&per_page=50&label_selector=env%3Dprod`]: hcloud([]),
    [`${HETZNER}/networks?page=1&per_page=50`]: { body: { networks: [] } },
  });
  assert.deepEqual(targetsOf(rig), []);
  await rig.stop();
});

test('Hetzner robot servers have their first IPv6 network', async () => {
  const rig = await rigOf('hetzner', '{role: robot, port: 9100, basic_auth: {username: u, password: p}}', {
    'https://robot-ws.your-server.de/server': {
      body: [
        {
          server: {
            server_ip: '198.51.100.4',
            server_number: 321,
            server_name: 'db',
            product: 'AX41',
            dc: 'FSN1-DC5',
            status: 'ready',
            cancelled: false,
            subnet: [
              { ip: '198.51.100.64', mask: '29' },
              { ip: '2001:db8:1::', mask: '64' },
            ],
          },
        },
      ],
    },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '198.51.100.4:9100',
      __meta_hetzner_role: 'robot',
      __meta_hetzner_server_id: '321',
      __meta_hetzner_server_name: 'db',
      __meta_hetzner_server_status: 'ready',
      __meta_hetzner_datacenter: 'fsn1-dc5',
      __meta_hetzner_robot_datacenter: 'fsn1-dc5',
      __meta_hetzner_public_ipv4: '198.51.100.4',
      __meta_hetzner_public_ipv6_network: '2001:db8:1::/64',
      __meta_hetzner_robot_product: 'AX41',
      __meta_hetzner_robot_cancelled: 'false',
    },
  ]);
  await keepsLast(rig, 'hetzner');
});

test('an answer of another shape is an error that names the place', async () => {
  const rig = await rigOf('hetzner', '{role: robot}', {
    'https://robot-ws.your-server.de/server': { body: [{ server: { server_number: 1, server_ip: 5 } }] },
  });
  assert.deepEqual(rig.errors, ['cannot read answer: $[0].server.server_ip: want a text; got 5']);
  rig.talk = { 'https://robot-ws.your-server.de/server': { body: '<html>' } };
  await rig.again(60_000);
  assert.equal(rig.errors[1], 'cannot read answer of https://robot-ws.your-server.de/server: it is not JSON');
  assert.deepEqual(rig.emitted, []);
  await rig.stop();
});

const DO = 'https://api.digitalocean.com/v2';

test('DigitalOcean droplets without an IPv4 network are left out', async () => {
  const droplet = {
    id: 3164444,
    name: 'one',
    status: 'active',
    size_slug: 's-1vcpu-1gb',
    vpc_uuid: '760e09ef',
    image: { slug: 'ubuntu-24-04-x64', name: '24.04 x64' },
    region: { slug: 'nyc3' },
    features: ['private_networking', 'ipv6'],
    tags: ['web', 'env:prod'],
    networks: {
      v4: [
        { ip_address: '10.128.0.2', type: 'private' },
        { ip_address: '192.0.2.9', type: 'public' },
      ],
      v6: [{ ip_address: '2001:db8::9', type: 'public' }],
    },
  };
  const rig = await rigOf('digitalocean', `{port: 9100, ${TOKEN}}`, {
    [`${DO}/droplets?page=1&per_page=200`]: {
      body: { droplets: [droplet], links: { pages: { next: `${DO}/droplets?page=2` } } },
    },
    [`${DO}/droplets?page=2&per_page=200`]: { body: { droplets: [{ id: 5, networks: { v4: [] } }], links: {} } },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '192.0.2.9:9100',
      __meta_digitalocean_droplet_id: '3164444',
      __meta_digitalocean_droplet_name: 'one',
      __meta_digitalocean_image: 'ubuntu-24-04-x64',
      __meta_digitalocean_image_name: '24.04 x64',
      __meta_digitalocean_private_ipv4: '10.128.0.2',
      __meta_digitalocean_public_ipv4: '192.0.2.9',
      __meta_digitalocean_public_ipv6: '2001:db8::9',
      __meta_digitalocean_region: 'nyc3',
      __meta_digitalocean_size: 's-1vcpu-1gb',
      __meta_digitalocean_status: 'active',
      __meta_digitalocean_vpc: '760e09ef',
      __meta_digitalocean_features: ',private_networking,ipv6,',
      __meta_digitalocean_tags: ',web,env:prod,',
    },
  ]);
  await keepsLast(rig, 'digitalocean');
});

test('DigitalOcean databases are reached by their private host', async () => {
  const rig = await rigOf('digitalocean', `{role: databases, port: 9273, ${TOKEN}}`, {
    [`${DO}/databases?page=1&per_page=200`]: {
      body: {
        databases: [
          {
            id: '9cc1',
            name: 'orders',
            engine: 'pg',
            version: '17',
            status: 'online',
            region: 'fra1',
            size: 'db-s-1vcpu-2gb',
            num_nodes: 2,
            connection: { host: 'orders.db.example' },
            private_connection: { host: 'private-orders.db.example' },
            tags: ['team:shop'],
          },
        ],
      },
    },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: 'private-orders.db.example:9273',
      __meta_digitalocean_db_id: '9cc1',
      __meta_digitalocean_db_name: 'orders',
      __meta_digitalocean_db_engine: 'pg',
      __meta_digitalocean_db_version: '17',
      __meta_digitalocean_db_status: 'online',
      __meta_digitalocean_db_region: 'fra1',
      __meta_digitalocean_db_size: 'db-s-1vcpu-2gb',
      __meta_digitalocean_db_num_nodes: '2',
      __meta_digitalocean_db_host: 'orders.db.example',
      __meta_digitalocean_db_private_host: 'private-orders.db.example',
      __meta_digitalocean_db_tag_team_shop: 'true',
    },
  ]);
  await keepsLast(rig, 'digitalocean');
});

const LINODE = 'https://api.linode.com/v4';
const paged = (data: object[], page = 1, pages = 1) => ({ body: { data, page, pages, results: data.length } });
const EVENTS = `${LINODE}/account/events?page=1&page_size=25`;
const linodeTalk: Talk = {
  [`${LINODE}/linode/instances?page=1&page_size=500`]: paged(
    [
      {
        id: 123,
        label: 'lin-1',
        image: 'linode/debian12',
        ipv4: ['192.0.2.1', '192.0.2.2', '192.168.1.1'],
        ipv6: '2600:3c04::1/128',
        region: 'ca-central',
        type: 'g6-standard-1',
        status: 'running',
        group: '',
        hypervisor: 'kvm',
        tags: ['a', 'b'],
        backups: { enabled: true },
        specs: { disk: 51200, memory: 2048, vcpus: 1, transfer: 2000, gpus: 0 },
      },
    ],
    1,
    2,
  ),
  [`${LINODE}/linode/instances?page=2&page_size=500`]: paged([{ id: 124, ipv4: [] }], 2, 2),
  [`${LINODE}/networking/ips?page=1&page_size=500`]: paged([
    { address: '192.0.2.1', public: true, rdns: 'one.example' },
    { address: '192.0.2.2', public: true, rdns: null },
    { address: '192.168.1.1', public: false, rdns: 'null' },
    { address: '2600:3c04::1', public: true, rdns: 'six.example' },
  ]),
  [`${LINODE}/networking/ipv6/ranges?page=1&page_size=500`]: paged([
    { range: '2600:3c04:e001:456::', prefix: 64, route_target: '2600:3c04::1' },
    { range: '2600:3c04:e001:9::', prefix: 64, route_target: '2600:3c04::2' },
  ]),
  [EVENTS]: paged([]),
};

test('Linode instances have the details of their addresses', async () => {
  const rig = await rigOf('linode', `{${TOKEN}, tag_separator: ";"}`, linodeTalk);
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '192.0.2.1:80',
      __meta_linode_instance_id: '123',
      __meta_linode_instance_label: 'lin-1',
      __meta_linode_image: 'linode/debian12',
      __meta_linode_private_ipv4: '192.168.1.1',
      __meta_linode_public_ipv4: '192.0.2.1',
      __meta_linode_public_ipv6: '2600:3c04::1',
      __meta_linode_public_ipv4_rdns: 'one.example',
      __meta_linode_public_ipv6_rdns: 'six.example',
      __meta_linode_region: 'ca-central',
      __meta_linode_type: 'g6-standard-1',
      __meta_linode_status: 'running',
      __meta_linode_gpus: '0',
      __meta_linode_hypervisor: 'kvm',
      __meta_linode_backups: 'enabled',
      __meta_linode_specs_disk_bytes: '53687091200',
      __meta_linode_specs_memory_bytes: '2147483648',
      __meta_linode_specs_vcpus: '1',
      __meta_linode_specs_transfer_bytes: '2097152000',
      __meta_linode_tags: ';a;b;',
      __meta_linode_extra_ips: ';192.0.2.2;',
      __meta_linode_ipv6_ranges: ';2600:3c04:e001:456::/64;',
    },
  ]);
  await keepsLast(rig, 'linode');
});

test('Linode is asked only for events as long as there are none', async () => {
  const rig = await rigOf('linode', `{${TOKEN}}`, linodeTalk);
  const full = rig.sent.length;
  await rig.again(60_000);
  assert.equal(rig.sent.length, full + 1);
  assert.equal(rig.sent.at(-1)?.url, EVENTS);
  assert.equal(rig.sent.at(-1)?.headers?.['X-Filter'], '{"created":{"+gte":"2026-01-02T03:04:05"}}');
  rig.talk = { ...linodeTalk, [EVENTS]: paged([{ id: 1 }]) };
  await rig.again(60_000);
  assert.equal(rig.sent.length, full * 2 + 2);
  rig.talk = { ...linodeTalk, [EVENTS]: { status: 401 } };
  await rig.again(60_000);
  await rig.again(60_000);
  assert.equal(rig.sent.length, full * 4 + 3, 'without the right to read events every look is a full one');
  await rig.stop();
});

test('Linode is asked for one region', async () => {
  const rig = await rigOf('linode', `{${TOKEN}, region: us-east}`, linodeTalk);
  assert.deepEqual(new Set(rig.sent.map(({ headers }) => headers?.['X-Filter'])), new Set(['{"region":"us-east"}']));
  await rig.stop();
});

test('Vultr instances come by cursor', async () => {
  const url = 'https://api.vultr.com/v2/instances?per_page=100';
  const instance = {
    id: 'cb67',
    os: 'Debian 12',
    os_id: 2136,
    ram: 1024,
    disk: 25,
    main_ip: '192.0.2.30',
    vcpu_count: 1,
    region: 'ewr',
    plan: 'vc2-1c-1gb',
    allowed_bandwidth: 1000,
    server_status: 'ok',
    v6_main_ip: '2001:db8::30',
    hostname: 'vultr.guest',
    label: 'example',
    internal_ip: '',
    features: ['ipv6'],
    tags: ['x', 'y'],
  };
  const rig = await rigOf('vultr', `{${TOKEN}}`, {
    [url]: { body: { instances: [instance], meta: { links: { next: 'bmV4dA==' } } } },
    [`${url}&cursor=bmV4dA%3D%3D`]: { body: { instances: [], meta: { links: { next: '' } } } },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '192.0.2.30:80',
      __meta_vultr_instance_id: 'cb67',
      __meta_vultr_instance_label: 'example',
      __meta_vultr_instance_os: 'Debian 12',
      __meta_vultr_instance_os_id: '2136',
      __meta_vultr_instance_region: 'ewr',
      __meta_vultr_instance_plan: 'vc2-1c-1gb',
      __meta_vultr_instance_vcpu_count: '1',
      __meta_vultr_instance_ram_mb: '1024',
      __meta_vultr_instance_allowed_bandwidth_gb: '1000',
      __meta_vultr_instance_disk_gb: '25',
      __meta_vultr_instance_main_ip: '192.0.2.30',
      __meta_vultr_instance_main_ipv6: '2001:db8::30',
      __meta_vultr_instance_hostname: 'vultr.guest',
      __meta_vultr_instance_server_status: 'ok',
      __meta_vultr_instance_features: ',ipv6,',
      __meta_vultr_instance_tags: ',x,y,',
    },
  ]);
  await keepsLast(rig, 'vultr');
});

test('pages that lead back to themselves are an error, not a loop', async () => {
  const url = 'https://api.vultr.com/v2/instances?per_page=100';
  const page = { body: { instances: [], meta: { links: { next: 'same' } } } };
  const rig = await rigOf('vultr', `{${TOKEN}}`, { [url]: page, [`${url}&cursor=same`]: page });
  assert.deepEqual(rig.errors, ['cannot list pages: a page names itself as the next one']);
  await rig.stop();
});
