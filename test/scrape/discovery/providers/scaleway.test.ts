import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withToken } from '../../../support/cloud-tokens.ts';
import { keepsLast, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

const SCW = 'https://api.scaleway.com';
const scaleway = (role: string) =>
  `{role: ${role}, project_id: proj, access_key: SCWX, secret_key_file: /key, name_filter: web, tags_filter: [a, b]}`;
const scw = (body: unknown, headers = {}) => withToken('X-Auth-Token', 's3cret', body, headers);

test('Scaleway instances have public and private addresses', async () => {
  const url = `${SCW}/instance/v1/zones/fr-par-1/servers`;
  const query = 'per_page=100&page_size=100&name=web&tags=a%2Cb&project=proj';
  const server = {
    id: 'i1',
    name: 'web-1',
    hostname: 'web-1.local',
    organization: 'org',
    project: 'proj',
    commercial_type: 'PRO2-XS',
    boot_type: 'local',
    state: 'running',
    zone: 'fr-par-1',
    tags: ['a', 'b'],
    image: { id: 'img', name: 'Debian', arch: 'x86_64' },
    location: { cluster_id: '30', hypervisor_id: '201', node_id: '2' },
    security_group: { id: 'sg', name: 'default' },
    public_ip: { address: '203.0.113.5' },
    public_ips: [
      { address: '203.0.113.5', family: 'inet' },
      { address: '2001:db8::5', family: 'inet6' },
    ],
    private_ip: '10.70.0.5',
  };
  const rig = await rigOf(
    'scaleway',
    scaleway('instance'),
    {
      [`${url}?page=1&${query}`]: scw({ servers: [server] }, { 'x-total-count': '2' }),
      [`${url}?page=2&${query}`]: scw({ servers: [{ id: 'i2', name: 'bare' }] }, { 'x-total-count': '2' }),
    },
    { files: { '/key': 's3cret\n' } },
  );
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '10.70.0.5:80',
      __meta_scaleway_instance_boot_type: 'local',
      __meta_scaleway_instance_hostname: 'web-1.local',
      __meta_scaleway_instance_id: 'i1',
      __meta_scaleway_instance_name: 'web-1',
      __meta_scaleway_instance_organization_id: 'org',
      __meta_scaleway_instance_project_id: 'proj',
      __meta_scaleway_instance_status: 'running',
      __meta_scaleway_instance_type: 'PRO2-XS',
      __meta_scaleway_instance_zone: 'fr-par-1',
      __meta_scaleway_instance_region: 'fr-par',
      __meta_scaleway_instance_image_arch: 'x86_64',
      __meta_scaleway_instance_image_id: 'img',
      __meta_scaleway_instance_image_name: 'Debian',
      __meta_scaleway_instance_location_cluster_id: '30',
      __meta_scaleway_instance_location_hypervisor_id: '201',
      __meta_scaleway_instance_location_node_id: '2',
      __meta_scaleway_instance_security_group_id: 'sg',
      __meta_scaleway_instance_security_group_name: 'default',
      __meta_scaleway_instance_private_ipv4: '10.70.0.5',
      __meta_scaleway_instance_public_ipv4: '203.0.113.5',
      __meta_scaleway_instance_public_ipv4_addresses: ',203.0.113.5,',
      __meta_scaleway_instance_public_ipv6_addresses: ',2001:db8::5,',
      __meta_scaleway_instance_tags: ',a,b,',
    },
  ]);
  await keepsLast(rig, 'scaleway');
});

test('Scaleway bare metal servers have names of offer and system', async () => {
  const base = `${SCW}/baremetal/v1/zones/fr-par-1`;
  const pages = 'page=1&per_page=100&page_size=100';
  const server = {
    id: 'b1',
    name: 'metal',
    zone: 'fr-par-1',
    status: 'ready',
    project_id: 'proj',
    offer_id: 'o1',
    tags: ['a'],
    install: { os_id: 's1' },
    ips: [
      { address: '2001:db8::7', version: 'IPv6' },
      { address: '203.0.113.7', version: 'IPv4' },
    ],
  };
  const rig = await rigOf(
    'scaleway',
    scaleway('baremetal'),
    {
      [`${base}/servers?${pages}&name=web&tags=a&tags=b&project_id=proj`]: scw({ servers: [server], total_count: 1 }),
      [`${base}/offers?${pages}`]: scw({ offers: [{ id: 'o1', name: 'EM-A210R' }], total_count: 1 }),
      [`${base}/os?${pages}`]: scw({ os: [{ id: 's1', name: 'Debian', version: '12' }], total_count: 1 }),
    },
    { files: { '/key': 's3cret' } },
  );
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '203.0.113.7:80',
      __meta_scaleway_baremetal_id: 'b1',
      __meta_scaleway_baremetal_name: 'metal',
      __meta_scaleway_baremetal_zone: 'fr-par-1',
      __meta_scaleway_baremetal_status: 'ready',
      __meta_scaleway_baremetal_project_id: 'proj',
      __meta_scaleway_baremetal_public_ipv4: '203.0.113.7',
      __meta_scaleway_baremetal_public_ipv6: '2001:db8::7',
      __meta_scaleway_baremetal_type: 'EM-A210R',
      __meta_scaleway_baremetal_os_name: 'Debian',
      __meta_scaleway_baremetal_os_version: '12',
      __meta_scaleway_baremetal_tags: ',a,',
    },
  ]);
  await keepsLast(rig, 'scaleway');
});
