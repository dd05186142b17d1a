import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError, utf8 } from '../../../src/base/index.ts';
import { DiscoveryRig, shortened, until } from '../../support/discovery-rig.ts';
import { type Asked, FIRST, KEYS, aws } from '../../support/aws-endpoint.ts';

test('an endpoint that is no URL is an error, not a crash', async (t) => {
  const rig = new DiscoveryRig(`ec2_sd_configs: [{endpoint: "https://[", ${KEYS}}]`).start();
  t.after(() => rig.stop());
  await until(
    () => rig.errors.length > 0,
    () => 'an error',
  );
  assert.match(rig.errors[0], /the endpoint is no URL; got https:\/\/\[/);
});

const ZONES = `<DescribeAvailabilityZonesResponse><availabilityZoneInfo>
  <item><zoneName>eu-1a</zoneName><zoneId>euw1-az3</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>`;

const SECOND = `<DescribeInstancesResponse><reservationSet><item><ownerId>42</ownerId><instancesSet>
  <item><instanceId>i-2</instanceId><placement><availabilityZone>eu-1b</availabilityZone></placement>
    <instanceState><name>stopped</name></instanceState></item>
  <item><instanceId>i-3</instanceId><privateIpAddress>10.0.0.3</privateIpAddress>
    <instanceState><name>running</name></instanceState></item>
</instancesSet></item></reservationSet></DescribeInstancesResponse>`;

const EC2 = {
  DescribeAvailabilityZones: ZONES,
  DescribeInstances: (form: URLSearchParams) => (form.get('NextToken') === 'more' ? SECOND : FIRST),
};

test('EC2 instances are targets with all that is known of them, page by page', async (t) => {
  const { endpoint, asked } = await aws(t, EC2);
  const filters = 'filters: [{name: "tag:env", values: [prod, test]}, {name: x, values: [y]}]';
  const found = await new DiscoveryRig(
    `ec2_sd_configs: [{endpoint: "${endpoint}", ${KEYS}, port: 9100, ${filters}}]`,
  ).once();
  assert.deepEqual(
    Object.fromEntries(Object.entries(found).map(([key, labels]) => [key, shortened(labels, '__meta_ec2_')])),
    {
      '10.0.0.1:9100': {
        ami: 'ami-1',
        architecture: 'x86_64',
        availability_zone: 'eu-1a',
        availability_zone_id: 'euw1-az3',
        instance_id: 'i-1',
        instance_lifecycle: 'spot',
        instance_state: 'running',
        instance_type: 't3.micro',
        owner_id: '42',
        platform: 'windows',
        private_dns_name: 'ip-10.internal',
        private_ip: '10.0.0.1',
        public_dns_name: 'ec2-1.example.com',
        public_ip: '1.2.3.4',
        region: 'eu-west-1',
        vpc_id: 'vpc-1',
        primary_subnet_id: 'subnet-1',
        subnet_id: ',subnet-1,subnet-2,',
        ipv6_addresses: ',fd00::1,fd00::2,',
        primary_ipv6_addresses: ',,fd00::1,',
        tag_Name: 'a & b',
        tag_k8s_io_x: 'y',
      },
      '10.0.0.3:9100': {
        instance_id: 'i-3',
        instance_state: 'running',
        owner_id: '42',
        private_ip: '10.0.0.3',
        region: 'eu-west-1',
      },
    },
  );
  const { form, authorization } = asked[1];
  assert.deepEqual(
    ['Filter.1.Name', 'Filter.1.Value.1', 'Filter.1.Value.2', 'Filter.2.Name'].map((name) => form.get(name)),
    ['tag:env', 'prod', 'test', 'x'],
  );
  assert.match(authorization, /^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/eu-west-1\/ec2\/aws4_request, SignedHeaders=/);
});

test('a refusal is told without the secret, and the targets stay', async (t) => {
  const answers: Record<string, string | ((form: URLSearchParams) => string)> = { ...EC2 };
  const { endpoint } = await aws(t, answers);
  const rig = new DiscoveryRig(`ec2_sd_configs: [{endpoint: "${endpoint}", ${KEYS}}]`).start();
  t.after(() => rig.stop());
  await rig.until(() => rig.addresses.length === 2);
  delete answers.DescribeInstances;
  await until(
    () => rig.errors.length > 0,
    () => 'an error',
  );
  assert.match(rig.errors[0], /HTTP status 403: <Error><Code>AuthFailure/);
  assert.ok(!rig.errors.join().includes('very-secret'));
  assert.equal(rig.addresses.length, 2);
});

const GIVEN = (token: string) =>
  `<Credentials><AccessKeyId>TEMP</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>${token}</SessionToken>
   <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>`;

test('a role is assumed with the keys of the configuration, and an external id', async (t) => {
  const role = `<AssumeRoleResponse><AssumeRoleResult>${GIVEN('tok')}</AssumeRoleResult></AssumeRoleResponse>`;
  const { endpoint, asked } = await aws(t, { ...EC2, AssumeRole: role });
  const fields = `endpoint: "${endpoint}", ${KEYS}, role_arn: "arn:aws:iam::1:role/x", external_id: ext`;
  await new DiscoveryRig(`aws_sd_configs: [{role: ec2, ${fields}}]`, {
    environment: { AWS_ENDPOINT_URL_STS: endpoint },
  }).once();
  const [sts, ...rest] = asked;
  assert.deepEqual(
    [sts.form.get('RoleArn'), sts.form.get('ExternalId'), /AK\/\d+\/eu-west-1\/sts/.test(sts.authorization)],
    ['arn:aws:iam::1:role/x', 'ext', true],
  );
  assert.ok(rest.every(({ authorization, token }) => authorization.includes('Credential=TEMP/') && token === 'tok'));
});

const noFiles = {
  list: async () => [],
  stat: async () => undefined,
};
const filesWith = (contents: Record<string, string>) => ({
  ...noFiles,
  readFile: async (file: string) => {
    if (file in contents) return utf8(contents[file]);
    throw new TidemarkError('not_found', `cannot read ${file}`);
  },
});

test('credentials and region come from where AWS’ tools have them', async (t) => {
  const answers = {
    ...EC2,
    AssumeRoleWithWebIdentity: `<R><AssumeRoleWithWebIdentityResult>${GIVEN('web')}</AssumeRoleWithWebIdentityResult></R>`,
    '/task': '{"AccessKeyId": "TASK", "SecretAccessKey": "s", "Token": "t"}',
  };
  const { endpoint, asked } = await aws(t, answers);
  const home = {
    '/h/.aws/credentials':
      '[default]\naws_access_key_id=FILE\naws_secret_access_key=s\n[p]\naws_access_key_id=P\naws_secret_access_key=s\n',
    '/h/.aws/config': '[default]\nregion=eu-file-1\n[profile p]\nregion=eu-p-1\n',
    '/token': 'jwt',
  };
  const cases: [fields: string, environment: Record<string, string>, key: string, region: string][] = [
    ['', { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 's', AWS_REGION: 'eu-env-1' }, 'ENV', 'eu-env-1'],
    ['', {}, 'FILE', 'eu-file-1'],
    ['profile: p', { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 's' }, 'P', 'eu-p-1'],
    ['region: r', { AWS_PROFILE: 'p' }, 'P', 'r'],
    [
      'region: r',
      { AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ROLE_ARN: 'arn', AWS_ENDPOINT_URL_STS: endpoint },
      'TEMP',
      'r',
    ],
    ['region: r', { HOME: '/none', AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint}/task` }, 'TASK', 'r'],
  ];
  for (const [fields, environment, key, region] of cases) {
    asked.length = 0;
    const more = fields === '' ? '' : `, ${fields}`;
    const options = { files: filesWith(home), environment: { HOME: '/h', ...environment } };
    await new DiscoveryRig(`ec2_sd_configs: [{endpoint: "${endpoint}"${more}}]`, options).once();
    const { authorization } = asked.at(-1) as Asked;
    assert.match(authorization, new RegExp(`Credential=${key}/\\d+/${region}/ec2`), `${fields} ${key}`);
  }
});
