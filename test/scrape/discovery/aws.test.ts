import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { TidemarkError, utf8 } from '../../../src/base/index.ts';
import { parseIni } from '../../../src/scrape/discovery/aws/profile.ts';
import { signAws } from '../../../src/scrape/discovery/aws/sign.ts';
import { parseXml } from '../../../src/scrape/discovery/aws/xml.ts';
import { DiscoveryRig, shortened, until } from '../../support/discovery-rig.ts';
import { fuzzCases, fuzzSeed } from '../../support/fuzz.ts';

test('the signature of the documented example is right', () => {
  const headers = signAws(
    {
      method: 'GET',
      url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: '',
      region: 'us-east-1',
      service: 'iam',
    },
    { accessKey: 'AKIDEXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: '' },
    Date.parse('2015-08-30T12:36:00Z'),
  );
  assert.equal(
    headers.authorization,
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, ' +
      'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  );
});

test('XML is read with its entities, and what is none is refused', () => {
  const root = parseXml(
    '<?xml version="1.0"?><!-- c --><a x="1>2"><b>1 &lt; &#50;&#x33;</b><l><item/><item>i</item></l><![CDATA[<x>]]></a>',
  );
  assert.deepEqual([root.name, root.text('b'), root.list('l').length, root.text('no/thing')], ['a', '1 < 23', 2, '']);
  assert.equal(root.content, '<x>');
  const bad = [
    '',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<!DOCTYPE a [<!ENTITY x "y">]><a/>',
    '<a',
    `${'<a>'.repeat(99)}`,
    '<a>&#x110000;</a>',
  ];
  for (const text of bad)
    assert.throws(
      () => parseXml(text),
      (error) => error instanceof TidemarkError && error.code === 'bad_discovery',
      text,
    );
});

test('mutated XML ends in an element or an error, never otherwise', () => {
  const good = '<r><reservationSet><item><ownerId>1</ownerId></item></reservationSet></r>';
  const change = fc.tuple(
    fc.nat(good.length),
    fc.nat(5),
    fc.string({ maxLength: 6, unit: fc.constantFrom(...'<>/&;!-ra"') }),
  );
  const property = fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
    let text = good;
    for (const [at, count, put] of changes) text = text.slice(0, at) + put + text.slice(at + count);
    try {
      parseXml(text);
    } catch (error) {
      assert.ok(error instanceof TidemarkError, `${text}: ${String(error)}`);
    }
  });
  fc.assert(property, { numRuns: fuzzCases(500), seed: fuzzSeed(1) });
});

test('profiles are read as AWS’ tools read them', () => {
  const sections = parseIni(
    '; c\n[default]\naws_access_key_id = A\n[profile x]\nregion=eu-west-1 \n  nested = no\n# d\n',
  );
  assert.deepEqual(sections.get('default'), { aws_access_key_id: 'A' });
  assert.deepEqual(sections.get('profile x'), { region: 'eu-west-1' });
});

interface Asked {
  readonly action: string;
  readonly form: URLSearchParams;
  readonly authorization: string;
  readonly token: string | undefined;
}

/** An endpoint of AWS: answers by action (or target of a JSON API); a function sees the form. */
async function aws(t: TestContext, answers: Record<string, string | ((form: URLSearchParams) => string)>) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      const form = new URLSearchParams(body);
      const action = String(request.headers['x-amz-target'] ?? form.get('Action') ?? request.url);
      const { authorization = '' } = request.headers;
      asked.push({ action, form, authorization, token: request.headers['x-amz-security-token'] as string | undefined });
      const answer = answers[action];
      response.writeHead(answer === undefined ? 403 : 200);
      response.end(typeof answer === 'function' ? answer(form) : (answer ?? '<Error><Code>AuthFailure</Code></Error>'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { asked, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const ZONES = `<DescribeAvailabilityZonesResponse><availabilityZoneInfo>
  <item><zoneName>eu-1a</zoneName><zoneId>euw1-az3</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>`;

const FIRST = `<DescribeInstancesResponse><reservationSet><item><ownerId>42</ownerId><instancesSet><item>
  <instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>16</code><name>running</name></instanceState>
  <privateDnsName>ip-10.internal</privateDnsName><dnsName>ec2-1.example.com</dnsName><instanceType>t3.micro</instanceType>
  <placement><availabilityZone>eu-1a</availabilityZone></placement><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
  <privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>1.2.3.4</ipAddress><architecture>x86_64</architecture>
  <platform>windows</platform><instanceLifecycle>spot</instanceLifecycle>
  <networkInterfaceSet>
    <item><subnetId>subnet-1</subnetId><attachment><deviceIndex>1</deviceIndex></attachment><ipv6AddressesSet>
      <item><ipv6Address>fd00::1</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item>
      <item><ipv6Address>fd00::2</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item></ipv6AddressesSet></item>
    <item><subnetId>subnet-2</subnetId></item><item><subnetId>subnet-1</subnetId></item>
  </networkInterfaceSet>
  <tagSet><item><key>Name</key><value>a &amp; b</value></item><item><key>k8s.io/x</key><value>y</value></item></tagSet>
</item></instancesSet></item></reservationSet><nextToken>more</nextToken></DescribeInstancesResponse>`;

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

const KEYS = 'region: eu-west-1, access_key: AK, secret_key: very-secret';

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

test('Lightsail instances are targets', async (t) => {
  const instance = {
    name: 'web',
    privateIpAddress: '10.0.0.1',
    publicIpAddress: '1.2.3.4',
    ipv6Addresses: ['fd00::1'],
    location: { availabilityZone: 'eu-1a' },
    blueprintId: 'debian',
    bundleId: 'nano',
    state: { name: 'running' },
    supportCode: '42/i-1',
    tags: [{ key: 'a-b', value: 'c' }, { key: 'only-key' }],
  };
  const { endpoint, asked } = await aws(t, {
    'Lightsail_20161128.GetInstances': JSON.stringify({ instances: [instance, { name: 'no address' }] }),
  });
  const found = await new DiscoveryRig(`lightsail_sd_configs: [{endpoint: "${endpoint}", ${KEYS}}]`).once();
  assert.deepEqual(shortened(found['10.0.0.1:80'], '__meta_lightsail_'), {
    availability_zone: 'eu-1a',
    blueprint_id: 'debian',
    bundle_id: 'nano',
    instance_name: 'web',
    instance_state: 'running',
    instance_support_code: '42/i-1',
    ipv6_addresses: ',fd00::1,',
    private_ip: '10.0.0.1',
    public_ip: '1.2.3.4',
    region: 'eu-west-1',
    tag_a_b: 'c',
  });
  assert.equal(Object.keys(found).length, 1);
  assert.match(
    asked[0].authorization,
    /\/lightsail\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target,/,
  );
});

test('a role of aws_sd_configs that does not run says so', async (t) => {
  const rig = new DiscoveryRig(`aws_sd_configs: [{role: mq, ${KEYS}}]`).start();
  t.after(() => rig.stop());
  await until(
    () => rig.errors.length > 0,
    () => 'an error',
  );
  assert.match(rig.errors[0], /role is not supported yet; got mq/);
});
