import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parameterLabels } from '../../../../src/scrape/discovery/providers/puppetdb.ts';
import { type Answer, type Talk, keepsLast, plain, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

test('PuppetDB resources are found by a query', async () => {
  const answer = (type: string): Talk => ({
    'POST https://puppet.example/pdb/query/v4': ({ body }) => {
      assert.deepEqual(JSON.parse(String(body)), { query: 'resources { type = "Class" }' });
      const resource = {
        certname: 'edinburgh.example',
        resource: '49af83',
        type: 'Class',
        title: 'Apache',
        exported: true,
        tags: ['apache', 'class'],
        file: '/etc/x.pp',
        environment: 'prod',
        parameters: { port: 8080, on: true },
      };
      return { headers: { 'content-type': type }, body: [resource] };
    },
  });
  const config = (more = '') => `{url: "https://puppet.example", query: 'resources { type = "Class" }'${more}}`;
  const rig = await rigOf('puppetdb', config(', include_parameters: true'), answer('application/json; charset=utf-8'));
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: 'edinburgh.example:80',
      __meta_puppetdb_query: 'resources { type = "Class" }',
      __meta_puppetdb_certname: 'edinburgh.example',
      __meta_puppetdb_resource: '49af83',
      __meta_puppetdb_type: 'Class',
      __meta_puppetdb_title: 'Apache',
      __meta_puppetdb_exported: 'true',
      __meta_puppetdb_file: '/etc/x.pp',
      __meta_puppetdb_environment: 'prod',
      __meta_puppetdb_tags: ',apache,class,',
      __meta_puppetdb_parameter_port: '8080',
      __meta_puppetdb_parameter_on: 'true',
    },
  ]);
  await keepsLast(rig, 'puppetdb');
  const html = await rigOf('puppetdb', config(), answer('text/html'));
  assert.deepEqual(html.errors, ['unsupported content type "text/html"']);
  await html.stop();
});

test('parameters of PuppetDB become labels by their type', () => {
  const parameters = { a: 'x', 'b-c': 1.5, d: [], e: ['p', 2, true], f: { g: { h: 'i' }, 'j k': 3 }, l: null, m: '' };
  assert.deepEqual(parameterLabels(parameters), { a: 'x', b_c: '1.5', e: 'p,2,true', f_g_h: 'i', f_j_k: '3' });
});

test('Marathon applications are groups, ports of their tasks targets', async () => {
  const url = 'http://m1:8080/v2/apps/?embed=apps.tasks';
  const apps = [
    {
      id: '/bridge',
      labels: { 'a.b': 'c' },
      container: {
        docker: { image: 'repo/image:1' },
        portMappings: [
          { hostPort: 0, containerPort: 80, labels: { prometheus: 'yes' } },
          { hostPort: 1234, labels: {} },
        ],
      },
      tasks: [{ id: 't1', host: 'h1', ports: [31000, 31001] }],
    },
    {
      id: '/net',
      networks: [{ mode: 'container', name: 'n' }],
      container: { portMappings: [{ containerPort: 9090 }] },
      tasks: [{ id: 't2', host: 'h2', ipAddresses: [{ ipAddress: '10.1.0.2', protocol: 'IPv4' }] }],
    },
    {
      id: '/required',
      requirePorts: true,
      portDefinitions: [{ port: 7000, labels: { x: 'y' } }],
      tasks: [{ id: 't3', host: 'h3', ports: [1] }],
    },
    { id: '/host', tasks: [{ id: 't4', host: 'h4', ports: [5, 6] }] },
  ];
  const rig = await rigOf('marathon', '{servers: ["http://m1:8080"], auth_token: s3cret}', {
    [url]: ({ headers = {} }) => (headers.Authorization === 'token=s3cret' ? { body: { apps } } : { status: 401 }),
  });
  assert.deepEqual(plain(rig.emitted[0]), [
    {
      source: '/bridge',
      labels: {
        __meta_marathon_app: '/bridge',
        __meta_marathon_image: 'repo/image:1',
        __meta_marathon_app_label_a_b: 'c',
      },
      targets: [
        {
          __address__: 'h1:31000',
          __meta_marathon_task: 't1',
          __meta_marathon_port_index: '0',
          __meta_marathon_port_mapping_label_prometheus: 'yes',
        },
        { __address__: 'h1:1234', __meta_marathon_task: 't1', __meta_marathon_port_index: '1' },
      ],
    },
    {
      source: '/net',
      labels: { __meta_marathon_app: '/net' },
      targets: [{ __address__: '10.1.0.2:9090', __meta_marathon_task: 't2', __meta_marathon_port_index: '0' }],
    },
    {
      source: '/required',
      labels: { __meta_marathon_app: '/required' },
      targets: [
        {
          __address__: 'h3:7000',
          __meta_marathon_task: 't3',
          __meta_marathon_port_index: '0',
          __meta_marathon_port_definition_label_x: 'y',
        },
      ],
    },
    {
      source: '/host',
      labels: { __meta_marathon_app: '/host' },
      targets: [
        { __address__: 'h4:5', __meta_marathon_task: 't4', __meta_marathon_port_index: '0' },
        { __address__: 'h4:6', __meta_marathon_task: 't4', __meta_marathon_port_index: '1' },
      ],
    },
  ]);
  await keepsLast(rig, 'marathon', 30_000);
});

test('Marathon servers are asked in turn', async () => {
  const answer = { body: { apps: [] } };
  const rig = await rigOf('marathon', '{servers: ["http://m1", "http://m2"]}', {
    'http://m1/v2/apps/?embed=apps.tasks': { status: 502 },
    'http://m2/v2/apps/?embed=apps.tasks': answer,
  });
  assert.equal(rig.errors.length, 1);
  await rig.again(30_000);
  assert.equal(rig.emitted.length, 1);
  await rig.stop();
});

test('Nomad services are asked for one by one', async () => {
  const query = '?namespace=default&region=global&stale=true';
  const rig = await rigOf('nomad', '{server: "http://nomad:4646"}', {
    [`http://nomad:4646/v1/services${query}`]: {
      body: [{ Namespace: 'default', Services: [{ ServiceName: 'api' }, { ServiceName: 'db/1' }] }],
    },
    [`http://nomad:4646/v1/service/api${query}`]: {
      body: [
        {
          ID: '_n-1',
          ServiceName: 'api',
          Namespace: 'default',
          NodeID: 'node',
          Datacenter: 'dc1',
          Tags: ['v1', 'http'],
          Address: '10.0.0.8',
          Port: 23000,
        },
      ],
    },
    [`http://nomad:4646/v1/service/db%2F1${query}`]: { body: [] },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '10.0.0.8:23000',
      __meta_nomad_address: '10.0.0.8',
      __meta_nomad_dc: 'dc1',
      __meta_nomad_node_id: 'node',
      __meta_nomad_namespace: 'default',
      __meta_nomad_service: 'api',
      __meta_nomad_service_address: '10.0.0.8',
      __meta_nomad_service_id: '_n-1',
      __meta_nomad_service_port: '23000',
      __meta_nomad_tags: ',v1,http,',
    },
  ]);
  await keepsLast(rig, 'nomad');
});

test('Eureka instances have ports and metadata', async () => {
  const instance = `<instance><instanceId>i-1</instanceId><hostName>h.example</hostName><app>SHOP</app>
    <ipAddr>10.0.0.1</ipAddr><status>UP</status><port enabled="true">8080</port>
    <securePort enabled="false">8443</securePort><countryId>1</countryId>
    <dataCenterInfo class="x"><name>MyOwn</name><metadata><zone-id>z</zone-id></metadata></dataCenterInfo>
    <metadata><management.port>9090</management.port></metadata>
    <homePageUrl>http://h/</homePageUrl><statusPageUrl>http://h/info</statusPageUrl>
    <healthCheckUrl>http://h/health</healthCheckUrl><vipAddress>shop</vipAddress>
    <secureVipAddress>shop-s</secureVipAddress></instance>`;
  const rig = await rigOf('eureka', '{server: "http://eureka:8761/eureka"}', {
    'http://eureka:8761/eureka/apps': {
      body: `<applications><versions__delta>1</versions__delta><application><name>SHOP</name>${instance}
        <instance><hostName>bare</hostName></instance></application></applications>`,
    },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: 'h.example:8080',
      instance: 'i-1',
      __meta_eureka_app_name: 'SHOP',
      __meta_eureka_app_instance_hostname: 'h.example',
      __meta_eureka_app_instance_homepage_url: 'http://h/',
      __meta_eureka_app_instance_statuspage_url: 'http://h/info',
      __meta_eureka_app_instance_healthcheck_url: 'http://h/health',
      __meta_eureka_app_instance_ip_addr: '10.0.0.1',
      __meta_eureka_app_instance_vip_address: 'shop',
      __meta_eureka_app_instance_secure_vip_address: 'shop-s',
      __meta_eureka_app_instance_status: 'UP',
      __meta_eureka_app_instance_country_id: '1',
      __meta_eureka_app_instance_id: 'i-1',
      __meta_eureka_app_instance_port: '8080',
      __meta_eureka_app_instance_port_enabled: 'true',
      __meta_eureka_app_instance_secure_port: '8443',
      __meta_eureka_app_instance_secure_port_enabled: 'false',
      __meta_eureka_app_instance_datacenterinfo_name: 'MyOwn',
      __meta_eureka_app_instance_datacenterinfo_metadata_zone_id: 'z',
      __meta_eureka_app_instance_metadata_management_port: '9090',
    },
    {
      __address__: 'bare:80',
      __meta_eureka_app_name: 'SHOP',
      __meta_eureka_app_instance_hostname: 'bare',
      __meta_eureka_app_instance_country_id: '0',
    },
  ]);
  await keepsLast(rig, 'eureka', 30_000);
});

const MADS = 'type.googleapis.com/kuma.observability.v1.MonitoringAssignment';

test('Kuma assignments are acknowledged by version, and no news changes nothing', async () => {
  const url = 'POST http://kuma:5676/v3/discovery:monitoringassignments?fetch-timeout=2m';
  const assignment = {
    '@type': MADS,
    mesh: 'default',
    service: 'backend',
    labels: { zone: 'z1', team: 'infra' },
    targets: [
      {
        name: 'backend-01',
        scheme: 'http',
        address: '10.1.1.1:8080',
        metricsPath: '/custom',
        labels: { zone: 'own', 'commit.hash': '620506a' },
      },
    ],
  };
  const bodies: unknown[] = [];
  let turn = 0;
  const answers: Answer[] = [
    { body: { versionInfo: 'v1', nonce: 'n1', typeUrl: MADS, resources: [assignment] } },
    { status: 304 },
    { body: { versionInfo: 'v2', nonce: 'n2', typeUrl: 'other', resources: [] } },
  ];
  const kumaTalk: Talk = {
    [url]: ({ body }) => {
      bodies.push(JSON.parse(String(body)));
      return answers[turn++] ?? { status: 304 };
    },
  };
  const rig = await rigOf('kuma', '{server: "http://kuma:5676", client_id: me}', kumaTalk);
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: '10.1.1.1:8080',
      __scheme__: 'http',
      __metrics_path__: '/custom',
      instance: 'backend-01',
      __meta_kuma_mesh: 'default',
      __meta_kuma_service: 'backend',
      __meta_kuma_dataplane: 'backend-01',
      __meta_kuma_label_zone: 'z1',
      __meta_kuma_label_team: 'infra',
      __meta_kuma_label_commit_hash: '620506a',
    },
  ]);
  await rig.again(15_000);
  assert.deepEqual(bodies, [
    { node: { id: 'me' }, type_url: MADS },
    { version_info: 'v1', response_nonce: 'n1', node: { id: 'me' }, type_url: MADS },
  ]);
  assert.equal(targetsOf(rig).length, 1);
  await rig.again(15_000);
  assert.deepEqual(rig.errors, ['received invalid typeURL for Kuma MADS v1 Resource: other']);
  assert.match(rig.metrics.render(), /prometheus_sd_kuma_fetch_failures_total 1/);
  await rig.again(15_000);
  assert.deepEqual((bodies.at(-1) as { version_info: string }).version_info, 'v1');
  await rig.stop();
});

test('Triton containers and nodes are reached by their DNS names', async () => {
  const config = (role: string) => `{account: a, role: ${role}, dns_suffix: t.example, endpoint: cmon, groups: [g, h]}`;
  const rig = await rigOf('triton', config('container'), {
    'https://cmon:9163/v1/discover?groups=g%2Ch': {
      body: {
        containers: [
          {
            server_uuid: 's',
            vm_alias: 'server01',
            vm_brand: 'lx',
            vm_image_uuid: 'img',
            vm_uuid: 'vm',
            groups: ['g'],
          },
        ],
      },
    },
  });
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: 'vm.t.example:9163',
      __meta_triton_machine_id: 'vm',
      __meta_triton_machine_alias: 'server01',
      __meta_triton_machine_brand: 'lx',
      __meta_triton_machine_image: 'img',
      __meta_triton_server_id: 's',
      __meta_triton_groups: ',g,',
    },
  ]);
  await keepsLast(rig, 'triton');
  const nodes = await rigOf('triton', config('cn'), {
    'https://cmon:9163/v1/gz/discover?groups=g%2Ch': {
      body: { cns: [{ server_uuid: 'cn', server_hostname: 'headnode' }] },
    },
  });
  assert.deepEqual(targetsOf(nodes), [
    {
      __address__: 'cn.t.example:9163',
      __meta_triton_machine_id: 'cn',
      __meta_triton_machine_alias: 'headnode',
    },
  ]);
  await nodes.stop();
});
