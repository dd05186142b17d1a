import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rpcAnswer, rpcCall } from '../../../../src/scrape/discovery/providers/xml-rpc.ts';
import { parseXml } from '../../../../src/base/index.ts';
import { type Answer, type Talk, keepsLast, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

const rpcValue = (value: unknown): string => {
  if (Array.isArray(value)) return `<value><array><data>${value.map(rpcValue).join('')}</data></array></value>`;
  if (typeof value === 'number') return `<value><i4>${value}</i4></value>`;
  if (typeof value === 'boolean') return `<value><boolean>${Number(value)}</boolean></value>`;
  if (typeof value === 'string') return `<value>${value}</value>`;
  const members = Object.entries(value as object);
  return `<value><struct>${members.map(([name, one]) => `<member><name>${name}</name>${rpcValue(one)}</member>`).join('')}</struct></value>`;
};
const rpc = (value: unknown): Answer => ({
  body: `<?xml version="1.0"?><methodResponse><params><param>${rpcValue(value)}</param></params></methodResponse>`,
});

test('Uyuni endpoints have groups and network of their system', async () => {
  const logins: string[] = [];
  const uyuniTalk: Talk = {
    'POST https://uyuni.example/rpc/api': ({ body }) => {
      const call = parseXml(String(body));
      const args = (call.child('params')?.children ?? []).map((param) => param.child('value')?.children[0].text);
      switch (call.textOf('methodName')) {
        case 'auth.login':
          assert.deepEqual(args, ['u', 's3<cret', '600']);
          logins.push('login');
          return rpc('session');
        case 'system.listSystemGroupsForSystemsWithEntitlement':
          assert.deepEqual(args, ['session', 'monitoring_entitled']);
          return rpc([
            {
              id: 10,
              system_groups: [
                { id: 1, name: 'prod' },
                { id: 2, name: 'web' },
              ],
            },
          ]);
        case 'system.monitoring.listEndpoints':
          return rpc([
            {
              system_id: 10,
              endpoint_name: 'node',
              port: 9100,
              path: '/metrics',
              module: '',
              exporter_name: 'node_exporter',
              tls_enabled: true,
            },
          ]);
        default:
          return rpc([{ system_id: 10, hostname: 'min.example', primary_fqdn: 'min.corp.example', ip: '10.0.0.3' }]);
      }
    },
  };
  const rig = await rigOf('uyuni', '{server: "https://uyuni.example", username: u, password: "s3<cret"}', uyuniTalk);
  assert.deepEqual(targetsOf(rig), [
    {
      __address__: 'min.example:9100',
      __meta_uyuni_minion_hostname: 'min.example',
      __meta_uyuni_primary_fqdn: 'min.corp.example',
      __meta_uyuni_system_id: '10',
      __meta_uyuni_groups: 'prod,web',
      __meta_uyuni_endpoint_name: 'node',
      __meta_uyuni_exporter: 'node_exporter',
      __meta_uyuni_metrics_path: '/metrics',
      __meta_uyuni_scheme: 'https',
    },
  ]);
  await rig.again(60_000);
  assert.equal(logins.length, 1, 'a session is kept');
  await keepsLast(rig, 'uyuni');
  assert.equal(logins.length, 2, 'after trouble a new one begins');
});

test('an XML-RPC fault is an error', () => {
  const fault = rpcValue({ faultCode: 2950, faultString: 'Either the password or username is incorrect.' });
  assert.throws(() => rpcAnswer(`<methodResponse><fault>${fault}</fault></methodResponse>`), /fault 2950: Either/);
  assert.throws(() => rpcAnswer('<methodResponse/>'), /there is no value/);
  assert.equal(
    rpcCall('a.b', ['<&>', 1, [true]]),
    '<?xml version="1.0" encoding="UTF-8"?><methodCall><methodName>a.b</methodName><params>' +
      '<param><value><string>&lt;&amp;&gt;</string></value></param><param><value><int>1</int></value></param>' +
      '<param><value><array><data><value><boolean>1</boolean></value></data></array></value></param></params></methodCall>',
  );
});
