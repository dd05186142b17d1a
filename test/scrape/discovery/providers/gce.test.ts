import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, pem, tokenFor, withToken } from '../../../support/cloud-tokens.ts';
import { type Talk, keepsLast, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

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
