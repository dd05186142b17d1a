import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ConsulEntry, ConsulServer } from '../../support/consul-api.ts';
import { DiscoveryRig, shortened, until } from '../../support/discovery-rig.ts';

const META = '__meta_consul_';

function entry(name: string, port: number, more: Record<string, unknown> = {}): ConsulEntry {
  const { Checks = [{ CheckID: 'serfHealth', Status: 'passing' }], ...service } = more;
  return {
    Node: {
      Node: 'node-1',
      Address: '10.0.0.1',
      Datacenter: 'dc1',
      TaggedAddresses: { lan: '10.0.0.1', wan_ipv4: '1.2.3.4' },
      Meta: { 'rack-id': 'r1' },
    },
    Service: { ID: `${name}-1`, Service: name, Tags: [], Address: '', Port: port, Meta: {}, ...service },
    Checks: Checks as object[],
  };
}

async function consul(t: TestContext): Promise<{ server: ConsulServer; address: string }> {
  const server = new ConsulServer();
  const address = await server.start();
  t.after(() => server.stop());
  return { server, address };
}

const sd = (address: string, fields = ''): string => `consul_sd_configs: [{server: "${address}"${fields}}]`;

test('an instance is a target with its node, service, tags and health', async (t) => {
  const { server, address } = await consul(t);
  server.register(
    'a',
    entry('web', 80, { Tags: ['v1', 'prod'], Meta: { 'a.b': 'c' }, Namespace: 'ns', Partition: 'p' }),
  );
  server.register('b', entry('db', 5432, { Address: '10.9.9.9', Checks: [] }));
  const found = await new DiscoveryRig(sd(address)).once();
  const node = {
    dc: 'dc1',
    address: '10.0.0.1',
    node: 'node-1',
    metadata_rack_id: 'r1',
    tagged_address_lan: '10.0.0.1',
    tagged_address_wan_ipv4: '1.2.3.4',
    health: 'passing',
  };
  assert.deepEqual(Object.fromEntries(Object.entries(found).map(([key, labels]) => [key, shortened(labels, META)])), {
    '10.0.0.1:80': {
      ...node,
      service: 'web',
      service_id: 'web-1',
      service_port: '80',
      service_metadata_a_b: 'c',
      namespace: 'ns',
      partition: 'p',
      tags: ',v1,prod,',
    },
    '10.9.9.9:5432': {
      ...node,
      service: 'db',
      service_id: 'db-1',
      service_port: '5432',
      service_address: '10.9.9.9',
      tags: ',,',
    },
  });
});

test('the health of an instance is that of its worst check', async (t) => {
  const { server, address } = await consul(t);
  const check = (Status: string, CheckID = 'c') => ({ Status, CheckID });
  const cases: [checks: object[], health: string | undefined][] = [
    [[check('passing'), check('warning')], 'warning'],
    [[check('critical'), check('warning')], 'critical'],
    [[check('critical'), check('passing', '_node_maintenance')], 'maintenance'],
    [[check('passing', '_service_maintenance:x')], 'maintenance'],
    [[check('odd')], undefined],
  ];
  for (const [i, [Checks]] of cases.entries()) server.register(String(i), entry('s', 1000 + i, { Checks }));
  const found = await new DiscoveryRig(sd(address)).once();
  assert.deepEqual(
    cases.map((_, i) => found[`10.0.0.1:${1000 + i}`][`${META}health`]),
    cases.map(([, health]) => health),
  );
});

test('services that come, change and go are followed by blocking queries', async (t) => {
  const { server, address } = await consul(t);
  server.register('a', entry('web', 80));
  const rig = new DiscoveryRig(sd(address)).start();
  t.after(() => rig.stop());
  await rig.until(() => rig.addresses.join() === '10.0.0.1:80');
  server.register('b', entry('web', 81));
  await rig.until(() => rig.addresses.join() === '10.0.0.1:80,10.0.0.1:81');
  server.register('c', entry('other', 90));
  await rig.until(() => rig.addresses.length === 3);
  server.deregister('a');
  server.deregister('b');
  await rig.until(() => rig.addresses.join() === '10.0.0.1:90');
  assert.ok(
    server.requests.some((request) => /^\/v1\/catalog\/services\?wait=120000ms&index=\d+&stale=$/.test(request)),
  );
  assert.ok(server.requests.some((request) => /^\/v1\/health\/service\/web\?wait=120000ms&index=\d+/.test(request)));
});

test('what the configuration narrows is asked for in its words', async (t) => {
  const { server, address } = await consul(t);
  server.register('a', entry('web', 80, { Tags: ['prod', 'v1'] }));
  server.register('b', entry('web', 81, { Tags: ['test'] }));
  server.register('c', entry('db', 82, { Tags: ['prod'] }));
  const fields = `, services: [web], tags: [prod], node_meta: {rack: r1}, allow_stale: false, datacenter: dc2, namespace: n,
    partition: p, filter: 'ServiceName != x', health_filter: 'Node.Node != y', token: tok, path_prefix: /base/, tag_separator: ";"`;
  const found = await new DiscoveryRig(sd(address, fields)).once();
  assert.deepEqual(Object.keys(found), ['10.0.0.1:80']);
  const labels = found['10.0.0.1:80'];
  assert.deepEqual([labels[`${META}tags`], labels[`${META}dc`]], [';prod;v1;', 'dc2']);
  const common = 'dc=dc2&ns=n&partition=p';
  assert.deepEqual(server.requests.slice(0, 2), [
    `/base/v1/catalog/services?${common}&filter=ServiceName+%21%3D+x&node-meta=rack%3Ar1&wait=120000ms`,
    `/base/v1/health/service/web?${common}&tag=prod&filter=Node.Node+%21%3D+y&node-meta=rack%3Ar1&wait=120000ms`,
  ]);
  assert.equal(server.headers[0]['x-consul-token'], 'tok');
});

test('named services are watched without the catalog, with user and password', async (t) => {
  const { server, address } = await consul(t);
  server.register('a', entry('web', 80));
  const found = await new DiscoveryRig(sd(address, ', services: [web, none], username: u, password: p')).once();
  assert.deepEqual(Object.keys(found), ['10.0.0.1:80']);
  assert.ok(!server.requests.some((request) => request.includes('catalog')));
  assert.equal(server.headers[0].authorization, `Basic ${Buffer.from('u:p').toString('base64')}`);
});

test('a service that cannot be had does not hide the others, and its last good targets stay', async (t) => {
  const { server, address } = await consul(t);
  server.register('a', entry('web', 80));
  server.register('b', entry('db', 82));
  server.broken.add('/v1/health/service/db');
  const rig = new DiscoveryRig(sd(address, ', token: very-secret')).start();
  t.after(() => rig.stop());
  await rig.until(() => rig.addresses.join() === '10.0.0.1:80');
  assert.match(rig.errors[0], /server returned HTTP status 500: rpc error: no leader/);
  server.broken.clear();
  await rig.until(() => rig.addresses.length === 2);
  for (const name of ['web', 'db']) server.broken.add(`/v1/health/service/${name}`);
  server.broken.add('/v1/catalog/services');
  server.register('c', entry('web', 83));
  const before = rig.errors.length;
  await until(
    () => rig.errors.length >= before + 3,
    () => 'errors',
  );
  assert.equal(rig.addresses.length, 2);
  assert.match(rig.metrics.render(), /prometheus_sd_consul_rpc_failures_total [1-9]/);
  assert.ok(!rig.errors.join().includes('very-secret'));
});
