import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, type Talk, keepsLast, plain, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

const KEYSTONE = 'https://os.example:5000/v3/auth/tokens';
const endpoints = (url: string) => [
  { interface: 'admin', region: 'r1', url: 'https://no.example' },
  { interface: 'public', region: 'r1', region_id: 'r1', url },
];
const catalog = [
  { type: 'compute', endpoints: endpoints('https://nova.example/v2.1') },
  { type: 'network', endpoints: endpoints('https://neutron.example/') },
  { type: 'load-balancer', endpoints: endpoints('https://octavia.example') },
];
const keystone = (want: object): Talk => ({
  [`POST ${KEYSTONE}`]: ({ body }) => {
    assert.deepEqual(JSON.parse(String(body)), want);
    return { status: 201, headers: { 'x-subject-token': 'tok' }, body: { token: { catalog } } };
  },
});
const asUser = {
  auth: {
    identity: {
      methods: ['password'],
      password: { user: { name: 'u', password: 's3cret', domain: { name: 'd' } } },
    },
    scope: { project: { name: 'p', domain: { name: 'd' } } },
  },
};
const os =
  (body: unknown): Answer =>
  ({ headers = {} }) =>
    headers['X-Auth-Token'] === 'tok' ? { body } : { status: 401 };
const openstack = (role: string) =>
  `{role: ${role}, region: r1, identity_endpoint: "https://os.example:5000/v3/", username: u, password: s3cret,
    project_name: p, domain_name: d, all_tenants: true}`;

test('OpenStack instances have a target per fixed address, with its floating one', async () => {
  const server = {
    id: 'srv',
    name: 'web',
    status: 'ACTIVE',
    tenant_id: 't1',
    user_id: 'u1',
    flavor: { id: '4', original_name: 'm1.small' },
    image: { id: 'img' },
    metadata: { 'a b': 'c' },
    addresses: { private: [{ addr: '10.0.0.5' }, { addr: '203.0.113.5' }], other: [{ addr: '2001:db8::5' }] },
  };
  const more = 'https://nova.example/v2.1/servers/detail?marker=srv';
  const rig = await rigOf('openstack', openstack('instance'), {
    ...keystone(asUser),
    'https://neutron.example/v2.0/ports': os({ ports: [{ id: 'port', device_id: 'srv' }] }),
    'https://neutron.example/v2.0/floatingips': os({
      floatingips: [
        { port_id: 'port', fixed_ip_address: '10.0.0.5', floating_ip_address: '203.0.113.5', tenant_id: 't1' },
        { port_id: null, fixed_ip_address: null, floating_ip_address: '203.0.113.6', tenant_id: 't1' },
      ],
    }),
    'https://nova.example/v2.1/servers/detail?all_tenants=true': os({
      servers: [server],
      servers_links: [{ rel: 'next', href: 'http://inner.example/v2.1/servers/detail?marker=srv' }],
    }),
    [more]: os({ servers: [{ id: 'none', image: '', flavor: { id: '1' }, addresses: {} }] }),
  });
  const common = {
    __meta_openstack_instance_id: 'srv',
    __meta_openstack_instance_name: 'web',
    __meta_openstack_instance_status: 'ACTIVE',
    __meta_openstack_instance_flavor: 'm1.small',
    __meta_openstack_instance_image: 'img',
    __meta_openstack_project_id: 't1',
    __meta_openstack_user_id: 'u1',
    __meta_openstack_tag_a_b: 'c',
  };
  assert.deepEqual(targetsOf(rig), [
    {
      ...common,
      __address__: '10.0.0.5:80',
      __meta_openstack_address_pool: 'private',
      __meta_openstack_private_ip: '10.0.0.5',
      __meta_openstack_public_ip: '203.0.113.5',
    },
    {
      ...common,
      __address__: '[2001:db8::5]:80',
      __meta_openstack_address_pool: 'other',
      __meta_openstack_private_ip: '2001:db8::5',
    },
  ]);
  assert.equal(plain(rig.emitted[0])[0].source, 'OS_r1');
  await keepsLast(rig, 'openstack');
});

test('OpenStack hypervisors are found with an application credential of the environment', async () => {
  const credential = { id: 'cred', secret: 's3cret' };
  const want = { auth: { identity: { methods: ['application_credential'], application_credential: credential } } };
  const hypervisors = [
    {
      id: 1,
      hypervisor_hostname: 'cc13',
      host_ip: '172.16.70.14',
      status: 'enabled',
      state: 'up',
      hypervisor_type: 'QEMU',
    },
  ];
  const rig = await rigOf(
    'openstack',
    '{role: hypervisor, region: r1, port: 9100}',
    { ...keystone(want), 'https://nova.example/v2.1/os-hypervisors/detail': os({ hypervisors }) },
    {
      environment: {
        OS_AUTH_URL: 'https://os.example:5000',
        OS_APPLICATION_CREDENTIAL_ID: 'cred',
        OS_APPLICATION_CREDENTIAL_SECRET: 's3cret',
      },
    },
  );
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '172.16.70.14:9100',
      __meta_openstack_hypervisor_id: '1',
      __meta_openstack_hypervisor_hostname: 'cc13',
      __meta_openstack_hypervisor_host_ip: '172.16.70.14',
      __meta_openstack_hypervisor_status: 'enabled',
      __meta_openstack_hypervisor_state: 'up',
      __meta_openstack_hypervisor_type: 'QEMU',
    },
  ]);
  await rig.stop();
});

test('OpenStack load balancers are found by their listener for Prometheus', async () => {
  const balancer = {
    id: 'lb',
    name: 'front',
    vip_address: '10.0.0.32',
    vip_port_id: 'vip',
    project_id: 'p1',
    operating_status: 'ONLINE',
    provisioning_status: 'ACTIVE',
    availability_zone: 'az1',
    provider: 'amphora',
    tags: ['a', 'b'],
  };
  const rig = await rigOf('openstack', openstack('loadbalancer'), {
    ...keystone(asUser),
    'https://octavia.example/v2.0/lbaas/loadbalancers': os({ loadbalancers: [balancer, { id: 'plain' }] }),
    'https://octavia.example/v2.0/lbaas/listeners': os({
      listeners: [
        { protocol: 'HTTP', protocol_port: 80, loadbalancers: [{ id: 'lb' }, { id: 'plain' }] },
        { protocol: 'PROMETHEUS', protocol_port: 9273, loadbalancers: [{ id: 'lb' }] },
      ],
    }),
    'https://neutron.example/v2.0/floatingips': os({
      floatingips: [{ port_id: 'vip', floating_ip_address: '203.0.113.32' }],
    }),
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '10.0.0.32:9273',
      __meta_openstack_loadbalancer_id: 'lb',
      __meta_openstack_loadbalancer_name: 'front',
      __meta_openstack_loadbalancer_operating_status: 'ONLINE',
      __meta_openstack_loadbalancer_provisioning_status: 'ACTIVE',
      __meta_openstack_loadbalancer_availability_zone: 'az1',
      __meta_openstack_loadbalancer_floating_ip: '203.0.113.32',
      __meta_openstack_loadbalancer_vip: '10.0.0.32',
      __meta_openstack_loadbalancer_provider: 'amphora',
      __meta_openstack_loadbalancer_tags: 'a,b',
      __meta_openstack_project_id: 'p1',
    },
  ]);
  await rig.stop();
});
