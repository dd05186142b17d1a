import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, withToken } from '../../../support/cloud-tokens.ts';
import { type Talk, keepsLast, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

const ARM = 'https://management.azure.com';
const SUB = '/subscriptions/sub';
const RG = `${SUB}/resourceGroups/Prod`;
const VERSION = 'api-version=2023-09-01';
const EXPAND = '$expand=IPConfigurations%2FPublicIPAddress';
const nic = (primary: boolean, privateIp: string, publicIp?: string) => ({
  properties: {
    primary,
    ipConfigurations: [
      {
        properties: {
          privateIPAddress: privateIp,
          ...(publicIp && { publicIPAddress: { properties: { ipAddress: publicIp } } }),
        },
      },
    ],
  },
});
const machine = (id: string, nics: string[]) => ({
  id,
  name: id.split('/').at(-1),
  location: 'westeurope',
  tags: { 'cost-center': '7' },
  properties: {
    hardwareProfile: { vmSize: 'Standard_D2s_v5' },
    storageProfile: { osDisk: { osType: 'Linux' } },
    osProfile: { computerName: 'host' },
    networkProfile: { networkInterfaces: nics.map((one) => ({ id: one })) },
  },
});
const NIC = (name: string) => `${RG}/providers/Microsoft.Network/networkInterfaces/${name}`;
const VM = (name: string) => `${RG}/providers/Microsoft.Compute/virtualMachines/${name}`;
const SET = `${RG}/providers/Microsoft.Compute/virtualMachineScaleSets/pool`;
const MEMBER_NIC = `${SET}/virtualMachines/3/networkInterfaces/eth`;
const azureTalk: Talk = {
  'POST https://login.microsoftonline.com/tenant/oauth2/v2.0/token': ({ body }) => {
    const form = Object.fromEntries(new URLSearchParams(String(body)));
    assert.deepEqual(form, {
      grant_type: 'client_credentials',
      client_id: 'client',
      client_secret: 's3cret',
      scope: 'https://management.core.windows.net/.default',
    });
    return { body: { access_token: 'tok', expires_in: 3599 } };
  },
  [`${ARM}${SUB}/providers/Microsoft.Compute/virtualMachines?${VERSION}`]: bearer({
    value: [machine(VM('a'), [NIC('second'), NIC('first')])],
    nextLink: `${ARM}/page2`,
  }),
  [`${ARM}/page2`]: bearer({ value: [machine(VM('gone'), [NIC('gone')]), machine(VM('idle'), [NIC('idle')])] }),
  [`${ARM}${SUB}/providers/Microsoft.Compute/virtualMachineScaleSets?${VERSION}`]: bearer({
    value: [{ id: SET, name: 'pool' }],
  }),
  [`${ARM}${SET}/virtualMachines?${VERSION}`]: bearer({
    value: [{ ...machine(`${SET}/virtualMachines/3`, [MEMBER_NIC]), name: 'pool_3', instanceId: '3', tags: null }],
  }),
  [`${ARM}${NIC('second')}?api-version=2023-06-01&${EXPAND}`]: bearer(nic(false, '10.0.0.9')),
  [`${ARM}${NIC('first')}?api-version=2023-06-01&${EXPAND}`]: bearer(nic(true, '10.0.0.4', '203.0.113.4')),
  [`${ARM}${NIC('gone')}?api-version=2023-06-01&${EXPAND}`]: { status: 404 },
  [`${ARM}${NIC('idle')}?api-version=2023-06-01&${EXPAND}`]: bearer({ properties: {} }),
  [`${ARM}${MEMBER_NIC}?api-version=2018-10-01&${EXPAND}`]: bearer(nic(true, '10.0.1.3')),
};
const azureConfig = '{subscription_id: sub, tenant_id: tenant, client_id: client, client_secret: s3cret}';
const azureLabels = {
  __meta_azure_subscription_id: 'sub',
  __meta_azure_tenant_id: 'tenant',
  __meta_azure_machine_computer_name: 'host',
  __meta_azure_machine_os_type: 'Linux',
  __meta_azure_machine_location: 'westeurope',
  __meta_azure_machine_resource_group: 'Prod',
  __meta_azure_machine_size: 'Standard_D2s_v5',
};

test('Azure machines and those of scale sets have the addresses of their primary interface', async () => {
  const rig = await rigOf('azure', azureConfig, azureTalk);
  assert.deepEqual(targetsOf(rig), [
    {
      ...azureLabels,
      __address__: '10.0.0.4:80',
      __meta_azure_machine_id: VM('a'),
      __meta_azure_machine_name: 'a',
      __meta_azure_machine_private_ip: '10.0.0.4',
      __meta_azure_machine_public_ip: '203.0.113.4',
      __meta_azure_machine_tag_cost_center: '7',
    },
    {
      ...azureLabels,
      __address__: '10.0.1.3:80',
      __meta_azure_machine_id: `${SET}/virtualMachines/3`,
      __meta_azure_machine_name: 'pool_3',
      __meta_azure_machine_private_ip: '10.0.1.3',
      __meta_azure_machine_scale_set: 'pool',
    },
  ]);
  assert.match(rig.warnings[0], /network interface does not exist/);
  const asked = rig.sent.length;
  await rig.again(300_000);
  // The token and the four interfaces that exist are remembered.
  assert.equal(rig.sent.length, asked + asked - 5);
  assert.ok(rig.metrics.render().includes('prometheus_sd_azure_cache_hit_total 4'));
  await keepsLast(rig, 'azure', 300_000);
});

test('Azure tokens come from the managed identity, a federated token, or the environment', async () => {
  const list = (path: string): Talk => ({ [`${ARM}${path}?${VERSION}`]: bearer({ value: [] }) });
  const empty = {
    ...list(`${RG}/providers/Microsoft.Compute/virtualMachines`),
    ...list(`${RG}/providers/Microsoft.Compute/virtualMachineScaleSets`),
  };
  const ok = async (method: string, talk: Talk, environment = {}, files = {}) => {
    const fields = `{subscription_id: sub, resource_group: Prod, authentication_method: ${method}}`;
    const rig = await rigOf('azure', fields, { ...empty, ...talk }, { environment, files });
    assert.deepEqual(targetsOf(rig), []);
    await rig.stop();
  };
  const token = { access_token: 'tok', expires_in: '3600' };
  const audience = encodeURIComponent('https://management.core.windows.net');
  const metadata = `http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${audience}`;
  await ok('ManagedIdentity', { [metadata]: withToken('Metadata', 'true', token) });
  const app = { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi', IDENTITY_HEADER: 'h' };
  const appUrl = `http://127.0.0.1:1/msi?api-version=2019-08-01&resource=${audience}`;
  await ok('SDK', { [appUrl]: withToken('X-IDENTITY-HEADER', 'h', token) }, app);
  const workload = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_FEDERATED_TOKEN_FILE: '/var/token' };
  const talk: Talk = {
    'POST https://login.microsoftonline.com/t/oauth2/v2.0/token': ({ body }) => {
      assert.equal(new URLSearchParams(String(body)).get('client_assertion'), 'federated');
      return { body: token };
    },
  };
  await ok('WorkloadIdentity', talk, workload, { '/var/token': 'federated\n' });
  await ok('SDK', talk, workload, { '/var/token': 'federated\n' });
});

test('an Azure list that leads to another host is not followed with the token', async () => {
  const first = `${ARM}${SUB}/providers/Microsoft.Compute/virtualMachines?${VERSION}`;
  const rig = await rigOf('azure', azureConfig, {
    ...azureTalk,
    [first]: bearer({ value: [], nextLink: 'https://elsewhere.example/x' }),
  });
  assert.match(rig.errors[0], /the next page is at another host/);
  await rig.stop();
});
