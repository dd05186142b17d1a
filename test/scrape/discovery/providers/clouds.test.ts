import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, pem, tokenFor } from '../../../support/cloud-tokens.ts';
import { keepsLast, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

test('IONOS servers list later interfaces first', async () => {
  const url = 'https://api.ionos.com/cloudapi/v6/datacenters/dc/servers?depth=3&limit=1000&offset=';
  const server = {
    id: 's1',
    metadata: { state: 'AVAILABLE' },
    properties: {
      name: 'app',
      availabilityZone: 'ZONE_1',
      cpuFamily: 'INTEL_SKYLAKE',
      vmState: 'RUNNING',
      type: 'ENTERPRISE',
      bootVolume: { id: 'vol' },
    },
    entities: {
      nics: {
        items: [
          { properties: { name: 'lan 1', ips: ['10.7.0.2'] } },
          { properties: { name: null, ips: ['203.0.113.2', '203.0.113.3'] } },
        ],
      },
      volumes: { items: [{ properties: { image: 'img' } }] },
    },
  };
  const rig = await rigOf('ionos', '{datacenter_id: dc, authorization: {credentials: x}}', {
    [`${url}0`]: { body: { id: 'dc/servers', items: [server], _links: { next: 'next' } } },
    [`${url}1`]: { body: { id: 'dc/servers', items: [{ id: 's2', properties: {} }] } },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '203.0.113.2:80',
      __meta_ionos_server_availability_zone: 'ZONE_1',
      __meta_ionos_server_cpu_family: 'INTEL_SKYLAKE',
      __meta_ionos_server_servers_id: 'dc/servers',
      __meta_ionos_server_id: 's1',
      __meta_ionos_server_ip: ',203.0.113.2,203.0.113.3,10.7.0.2,',
      __meta_ionos_server_lifecycle: 'AVAILABLE',
      __meta_ionos_server_name: 'app',
      __meta_ionos_server_state: 'RUNNING',
      __meta_ionos_server_type: 'ENTERPRISE',
      __meta_ionos_server_boot_volume_id: 'vol',
      __meta_ionos_server_boot_image_id: 'img',
      __meta_ionos_server_nic_ip_lan_1: ',10.7.0.2,',
      __meta_ionos_server_nic_ip_unnamed: ',203.0.113.2,203.0.113.3,',
    },
  ]);
  await keepsLast(rig, 'ionos');
});

test('STACKIT servers are listed with the token of a service account', async () => {
  const key = { credentials: { kid: 'k', iss: 'sa@x', sub: 'sub', aud: 'aud', privateKey: pem } };
  const url = 'https://iaas.api.eu01.stackit.cloud/v1/projects/proj/servers?details=true';
  const items = [
    {
      id: 's1',
      name: 'web',
      availabilityZone: 'eu01-1',
      machineType: 'g1.1',
      status: 'ACTIVE',
      powerStatus: 'RUNNING',
      labels: { role: 'web', count: 3 },
      nics: [
        { networkName: 'net a', ipv4: '10.0.0.5' },
        { networkName: 'net b', ipv4: '10.1.0.5', publicIp: '203.0.113.9' },
      ],
    },
    { id: 's2', nics: null },
  ];
  const rig = await rigOf(
    'stackit',
    '{project: proj, service_account_key_path: /sa.json}',
    {
      'POST https://service-account.api.stackit.cloud/token': tokenFor('RSA-SHA512', { iss: 'sa@x', aud: 'aud' }),
      [url]: bearer({ items }),
    },
    { files: { '/sa.json': JSON.stringify(key) } },
  );
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '203.0.113.9:80',
      __meta_stackit_project: 'proj',
      __meta_stackit_id: 's1',
      __meta_stackit_name: 'web',
      __meta_stackit_availability_zone: 'eu01-1',
      __meta_stackit_type: 'g1.1',
      __meta_stackit_status: 'ACTIVE',
      __meta_stackit_power_status: 'RUNNING',
      __meta_stackit_public_ipv4: '203.0.113.9',
      __meta_stackit_private_ipv4_net_a: '10.0.0.5',
      __meta_stackit_private_ipv4_net_b: '10.1.0.5',
      __meta_stackit_label_role: 'web',
      __meta_stackit_labelpresent_role: 'true',
    },
  ]);
  await keepsLast(rig, 'stackit');
});

test('Outscale machines come page by page over signed requests', async () => {
  const url = 'POST https://api.eu-west-2.outscale.com/api/v1/ReadVms';
  const machine = {
    VmId: 'i-1',
    State: 'running',
    PrivateIp: '10.0.0.7',
    PublicIp: '203.0.113.7',
    Placement: { SubregionName: 'eu-west-2a' },
    Tags: [{ Key: 'team name', Value: 'a' }],
  };
  const bodies: string[] = [];
  const rig = await rigOf('outscale', '{access_key: AK, secret_key: s3cret}', {
    [url]: ({ headers = {}, body }) => {
      assert.match(
        headers.authorization ?? '',
        /^AWS4-HMAC-SHA256 Credential=AK\/20260102\/eu-west-2\/oapi\/aws4_request, SignedHeaders=content-type;host;x-amz-date, /,
      );
      bodies.push(String(body));
      return body === '{}'
        ? { body: { Vms: [machine], NextPageToken: 'n' } }
        : { body: { Vms: [{ VmId: 'i-2' }, { VmId: 'i-3', PublicIp: '203.0.113.8' }] } };
    },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '10.0.0.7:80',
      __meta_outscale_vm_instance_id: 'i-1',
      __meta_outscale_vm_region: 'eu-west-2',
      __meta_outscale_vm_subregion: 'eu-west-2a',
      __meta_outscale_vm_state: 'running',
      __meta_outscale_vm_private_ip: '10.0.0.7',
      __meta_outscale_vm_public_ip: '203.0.113.7',
      __meta_outscale_vm_tag_team_name: 'a',
    },
    {
      __address__: '203.0.113.8:80',
      __meta_outscale_vm_instance_id: 'i-3',
      __meta_outscale_vm_region: 'eu-west-2',
      __meta_outscale_vm_public_ip: '203.0.113.8',
    },
  ]);
  assert.deepEqual(bodies, ['{}', '{"NextPageToken":"n"}']);
  await keepsLast(rig, 'outscale');
});
