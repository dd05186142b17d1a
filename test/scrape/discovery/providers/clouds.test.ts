import assert from 'node:assert/strict';
import { createHash, createVerify, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { HttpRequest } from '../../../../src/io/index.ts';
import { type Answer, type Talk, keepsLast, plain, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Answers with a token if the assertion of the form is signed by the key of the test. */
const tokenFor =
  (algorithm: 'RSA-SHA256' | 'RSA-SHA512', claims: Record<string, string>): Answer =>
  (request: HttpRequest) => {
    const form = new URLSearchParams(String(request.body));
    const [head, body, signature] = (form.get('assertion') ?? '').split('.');
    const isSigned = createVerify(algorithm).update(`${head}.${body}`).verify(publicKey, signature, 'base64url');
    const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    const isRight = isSigned && Object.entries(claims).every(([name, value]) => said[name] === value);
    return isRight ? { body: { access_token: 'tok', expires_in: 3600 } } : { status: 401 };
  };

/** The answer, if the request has the token. */
const withToken =
  (header: string, value: string, body: unknown, headers = {}): Answer =>
  (request) =>
    request.headers?.[header] === value ? { body, headers } : { status: 401 };

const ARM = 'https://management.azure.com';
const SUB = '/subscriptions/sub';
const RG = `${SUB}/resourceGroups/Prod`;
const VERSION = 'api-version=2023-09-01';
const EXPAND = '$expand=IPConfigurations%2FPublicIPAddress';
const bearer = (body: unknown) => withToken('Authorization', 'Bearer tok', body);
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

const GCE = 'https://compute.googleapis.com/compute/v1/projects/p/zones/us-east1-b/instances';
const account = (type = 'service_account') =>
  JSON.stringify({ type, client_email: 'sa@p.example', private_key: pem, private_key_id: 'k1' });
const gceTalk: Talk = {
  'POST https://oauth2.googleapis.com/token': tokenFor('RSA-SHA256', {
    iss: 'sa@p.example',
    aud: 'https://oauth2.googleapis.com/token',
    scope: 'https://www.googleapis.com/auth/compute.readonly',
  }),
  [`${GCE}?filter=labels.env%3Dprod`]: bearer({
    items: [
      {
        id: '8112345678901234567',
        name: 'vm-1',
        status: 'RUNNING',
        zone: 'zones/us-east1-b',
        machineType: 'zones/us-east1-b/machineTypes/e2-small',
        networkInterfaces: [
          {
            name: 'nic0',
            network: 'global/networks/default',
            subnetwork: 'regions/us-east1/subnetworks/default',
            networkIP: '10.142.0.2',
            accessConfigs: [{ type: 'ONE_TO_ONE_NAT', natIP: '203.0.113.8' }],
          },
          { name: 'nic1', networkIP: '10.143.0.2' },
        ],
        tags: { items: ['http', 'https'] },
        metadata: { items: [{ key: 'start-up', value: 'x' }, { key: 'void' }] },
        labels: { env: 'prod' },
      },
    ],
    nextPageToken: 'more',
  }),
  [`${GCE}?filter=labels.env%3Dprod&pageToken=more`]: bearer({ items: [{ id: '2', networkInterfaces: [] }] }),
};
const gceConfig = '{project: p, zone: us-east1-b, filter: "labels.env=prod"}';

test('GCE instances are listed with the token of a service account', async () => {
  const options = { environment: { GOOGLE_APPLICATION_CREDENTIALS: '/sa.json' }, files: { '/sa.json': account() } };
  const rig = await rigOf('gce', gceConfig, gceTalk, options);
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '10.142.0.2:80',
      __meta_gce_project: 'p',
      __meta_gce_zone: 'zones/us-east1-b',
      __meta_gce_instance_id: '8112345678901234567',
      __meta_gce_instance_name: 'vm-1',
      __meta_gce_instance_status: 'RUNNING',
      __meta_gce_machine_type: 'zones/us-east1-b/machineTypes/e2-small',
      __meta_gce_network: 'global/networks/default',
      __meta_gce_subnetwork: 'regions/us-east1/subnetworks/default',
      __meta_gce_private_ip: '10.142.0.2',
      __meta_gce_public_ip: '203.0.113.8',
      __meta_gce_interface_ipv4_nic0: '10.142.0.2',
      __meta_gce_interface_ipv4_nic1: '10.143.0.2',
      __meta_gce_tags: ',http,https,',
      __meta_gce_metadata_start_up: 'x',
      __meta_gce_label_env: 'prod',
    },
  ]);
  await keepsLast(rig, 'gce');
});

test('GCE tokens come from the metadata server where there is no file', async () => {
  const scope = encodeURIComponent('https://www.googleapis.com/auth/compute.readonly');
  const url = `http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token?scopes=${scope}`;
  const rig = await rigOf('gce', '{project: p, zone: us-east1-b}', {
    [url]: withToken('Metadata-Flavor', 'Google', { access_token: 'tok', expires_in: 1800 }),
    [GCE]: bearer({}),
  });
  assert.deepEqual(targetsOf(rig), []);
  await rig.stop();
});

test('GCE credentials that are of no use are named without their content', async () => {
  const bad = async (file: string, message: RegExp) => {
    const options = { environment: { GOOGLE_APPLICATION_CREDENTIALS: '/sa.json' }, files: { '/sa.json': file } };
    const rig = await rigOf('gce', gceConfig, gceTalk, options);
    assert.match(rig.errors[0], message);
    assert.doesNotMatch(rig.errors[0], /s3cret/);
    await rig.stop();
  };
  await bad('s3cret', /credentials file \/sa\.json is not JSON/);
  await bad(account('external_account'), /want type service_account or authorized_user; got "external_account"/);
  await bad(
    '{"type":"service_account","client_email":"a","private_key":"s3cret"}',
    /the private key is not an RSA key in PEM/,
  );
});

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

const OVH = 'https://eu.api.ovh.com/1.0';
const ovhConfig = (service: string) =>
  `{application_key: ak, application_secret: as, consumer_key: ck, service: ${service}}`;
/** The answer, if the request is signed by the server's clock. */
const signed =
  (body: unknown): Answer =>
  ({ url, headers = {} }) => {
    const text = `as+ck+GET+${url}++${headers['X-Ovh-Timestamp']}`;
    const isSigned = headers['X-Ovh-Signature'] === `$1$${createHash('sha1').update(text).digest('hex')}`;
    return isSigned && headers['X-Ovh-Application'] === 'ak' ? { body } : { status: 403 };
  };

test('OVHcloud dedicated servers without details are left out', async () => {
  const rig = await rigOf('ovhcloud', ovhConfig('dedicated_server'), {
    [`${OVH}/auth/time`]: { body: 1767323045 },
    [`${OVH}/dedicated/server`]: signed(['ns1.example', 'ns2.example']),
    [`${OVH}/dedicated/server/ns1.example`]: signed({
      name: 'ns1.example',
      state: 'ok',
      commercialRange: 'ADVANCE-1',
      linkSpeed: 1000,
      rack: 'R1',
      noIntervention: false,
      os: 'debian12_64',
      supportLevel: 'pro',
      serverId: 12345,
      reverse: 'ns1.example.',
      datacenter: 'gra3',
    }),
    [`${OVH}/dedicated/server/ns1.example/ips`]: signed(['192.0.2.77/32', '2001:db8:77::/64', '2001:db8::77']),
    [`${OVH}/dedicated/server/ns2.example`]: { status: 500 },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '192.0.2.77',
      instance: 'ns1.example',
      __meta_ovhcloud_dedicated_server_state: 'ok',
      __meta_ovhcloud_dedicated_server_commercial_range: 'ADVANCE-1',
      __meta_ovhcloud_dedicated_server_link_speed: '1000',
      __meta_ovhcloud_dedicated_server_rack: 'R1',
      __meta_ovhcloud_dedicated_server_no_intervention: 'false',
      __meta_ovhcloud_dedicated_server_os: 'debian12_64',
      __meta_ovhcloud_dedicated_server_support_level: 'pro',
      __meta_ovhcloud_dedicated_server_server_id: '12345',
      __meta_ovhcloud_dedicated_server_reverse: 'ns1.example.',
      __meta_ovhcloud_dedicated_server_datacenter: 'gra3',
      __meta_ovhcloud_dedicated_server_name: 'ns1.example',
      __meta_ovhcloud_dedicated_server_ipv4: '192.0.2.77',
      __meta_ovhcloud_dedicated_server_ipv6: '2001:db8::77',
    },
  ]);
  assert.match(rig.warnings[0], /ns2\.example/);
  await keepsLast(rig, 'ovhcloud');
});

test('OVHcloud private servers have their model', async () => {
  const rig = await rigOf('ovhcloud', ovhConfig('vps'), {
    [`${OVH}/auth/time`]: { body: 1767323045 },
    [`${OVH}/vps`]: signed(['v1']),
    [`${OVH}/vps/v1`]: signed({
      name: 'v1',
      zone: 'Region OpenStack: os-gra',
      cluster: '',
      state: 'running',
      displayName: 'box',
      netbootMode: 'local',
      memoryLimit: 2048,
      offerType: 'ssd',
      vcore: 1,
      model: {
        name: 'vps-value-1-2-40',
        offer: 'VPS vps2020',
        datacenter: ['GRA', 'SBG'],
        vcore: 1,
        maximumAdditionnalIp: 16,
        version: '2019v1',
        disk: 40,
        memory: 2048,
      },
    }),
    [`${OVH}/vps/v1/ips`]: signed(['192.0.2.78']),
  });
  const [target] = targetsOf(rig);
  assert.deepEqual(target, {
    __address__: '192.0.2.78',
    instance: 'v1',
    __meta_ovhcloud_vps_offer: 'VPS vps2020',
    __meta_ovhcloud_vps_datacenter: '[GRA SBG]',
    __meta_ovhcloud_vps_model_vcore: '1',
    __meta_ovhcloud_vps_maximum_additional_ip: '16',
    __meta_ovhcloud_vps_version: '2019v1',
    __meta_ovhcloud_vps_model_name: 'vps-value-1-2-40',
    __meta_ovhcloud_vps_disk: '40',
    __meta_ovhcloud_vps_memory: '2048',
    __meta_ovhcloud_vps_zone: 'Region OpenStack: os-gra',
    __meta_ovhcloud_vps_display_name: 'box',
    __meta_ovhcloud_vps_state: 'running',
    __meta_ovhcloud_vps_name: 'v1',
    __meta_ovhcloud_vps_netboot_mode: 'local',
    __meta_ovhcloud_vps_memory_limit: '2048',
    __meta_ovhcloud_vps_offer_type: 'ssd',
    __meta_ovhcloud_vps_vcore: '1',
    __meta_ovhcloud_vps_ipv4: '192.0.2.78',
  });
  await rig.stop();
});

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

const OCI = 'https://iaas.eu-frankfurt-1.oraclecloud.com/20160918';
/** The answer, if the request is signed with the key of the test. */
const ociSigned =
  (keyId: string, body: unknown, headers: Record<string, string> = {}): Answer =>
  (request) => {
    const { pathname, search, host } = new URL(request.url);
    const { authorization = '', date } = request.headers ?? {};
    const text = `date: ${date}\n(request-target): get ${pathname}${search}\nhost: ${host}`;
    const [, id, signature] = /keyId="([^"]*)".*signature="([^"]*)"/.exec(authorization) ?? [];
    const isSigned = createVerify('RSA-SHA256').update(text).verify(publicKey, signature, 'base64');
    return isSigned && id === keyId ? { body, headers } : { status: 401 };
  };

test('OCI instances of all compartments are at their primary interface', async () => {
  const by = (body: unknown, headers = {}) => ociSigned('ten/usr/aa:bb', body, headers);
  const identity = 'https://identity.eu-frankfurt-1.oci.oraclecloud.com/20160918/compartments';
  const all = 'compartmentIdInSubtree=true&accessLevel=ACCESSIBLE&lifecycleState=ACTIVE&limit=1000';
  const instance = {
    id: 'ins',
    displayName: 'web',
    lifecycleState: 'RUNNING',
    shape: 'VM.Standard.E5.Flex',
    imageId: 'img',
    availabilityDomain: 'AD-1',
    faultDomain: 'FD-2',
    freeformTags: { 'my tag': 'x' },
    definedTags: { 'Oracle-Tags': { CreatedBy: 'me' } },
  };
  const rig = await rigOf(
    'oci',
    '{auth: api_key, region: eu-frankfurt-1, tenancy: ten, user: usr, fingerprint: "aa:bb", key_file: /key.pem}',
    {
      [`${identity}?compartmentId=ten&${all}`]: by([{ id: 'sub', name: 'Sub' }]),
      [`${OCI}/instances?compartmentId=ten&limit=1000`]: by([]),
      [`${OCI}/instances?compartmentId=sub&limit=1000`]: by([instance], { 'opc-next-page': 'p2' }),
      [`${OCI}/instances?compartmentId=sub&limit=1000&page=p2`]: by([{ id: 'new' }]),
      [`${OCI}/vnicAttachments?compartmentId=sub&limit=1000`]: by([
        { instanceId: 'ins', vnicId: 'v1', lifecycleState: 'ATTACHED' },
        { instanceId: 'ins', vnicId: 'v2', lifecycleState: 'ATTACHED' },
        { instanceId: 'new', vnicId: 'v3', lifecycleState: 'ATTACHING' },
      ]),
      [`${OCI}/vnics/v1`]: by({ isPrimary: false, privateIp: '10.0.0.8' }),
      [`${OCI}/vnics/v2`]: by({ isPrimary: true, privateIp: '10.0.0.9', publicIp: '203.0.113.9' }),
    },
    { files: { '/key.pem': pem } },
  );
  assert.deepEqual(rig.errors, []);
  assert.deepEqual(plain(rig.emitted[0]), [
    { source: 'oci/eu-frankfurt-1/ten', labels: {}, targets: [] },
    {
      source: 'oci/eu-frankfurt-1/sub',
      labels: {},
      targets: [
        {
          __address__: '10.0.0.9:80',
          __meta_oci_instance_id: 'ins',
          __meta_oci_instance_name: 'web',
          __meta_oci_instance_state: 'RUNNING',
          __meta_oci_instance_shape: 'VM.Standard.E5.Flex',
          __meta_oci_image_id: 'img',
          __meta_oci_region: 'eu-frankfurt-1',
          __meta_oci_availability_domain: 'AD-1',
          __meta_oci_fault_domain: 'FD-2',
          __meta_oci_tenancy_id: 'ten',
          __meta_oci_compartment_id: 'sub',
          __meta_oci_compartment_name: 'Sub',
          __meta_oci_private_ip: '10.0.0.9',
          __meta_oci_public_ip: '203.0.113.9',
          __meta_oci_tag_my_tag: 'x',
          __meta_oci_defined_tag_Oracle_Tags_CreatedBy: 'me',
        },
      ],
    },
  ]);
  await keepsLast(rig, 'oci');
});

test('OCI requests are signed for a resource principal, and other ways are refused by name', async () => {
  const environment = {
    OCI_RESOURCE_PRINCIPAL_RPST: 'h.e30.s',
    OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: '/pem',
    OCI_RESOURCE_PRINCIPAL_REGION: 'eu-frankfurt-1',
  };
  const talk = { [`${OCI}/instances?compartmentId=c&limit=1000`]: ociSigned('ST$h.e30.s', []) };
  const files = { '/pem': pem };
  const good = await rigOf('oci', '{auth: resource_principal, compartments: [c]}', talk, { environment, files });
  assert.deepEqual(targetsOf(good), []);
  await good.stop();
  const bad = await rigOf('oci', '{auth: workload_identity, compartments: [c]}', talk, { environment, files });
  assert.match(bad.errors[0], /auth workload_identity is not supported; want api_key or resource_principal/);
  await bad.stop();
});
