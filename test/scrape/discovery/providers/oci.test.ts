import assert from 'node:assert/strict';
import { createVerify } from 'node:crypto';
import { test } from 'node:test';
import { pem, publicKey } from '../../../support/cloud-tokens.ts';
import { type Answer, keepsLast, plain, rigOf, targetsOf } from '../../../support/discovery-talk.ts';

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
