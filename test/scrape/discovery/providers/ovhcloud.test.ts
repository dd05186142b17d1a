import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Answer, keepsLast, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

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
