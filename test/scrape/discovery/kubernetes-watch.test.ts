import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError, utf8 } from '../../../src/base/index.ts';
import { DiscoveryRig, type RigOptions, until } from '../../support/discovery-rig.ts';
import { META, cluster, sd } from '../../support/kube-cluster.ts';
import { endpoints, fillCluster, namespace, node, pod, service } from '../../support/kube-objects.ts';

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
