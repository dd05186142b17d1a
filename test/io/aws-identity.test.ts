// Where AWS credentials come from, and what is said when there are none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError, utf8 } from '../../src/base/index.ts';
import { AwsIdentity, type AwsLogin, type Clock, type HttpRequest } from '../../src/io/index.ts';
import { parseIni } from '../../src/io/aws-profile.ts';
import { verifySignature } from '../support/aws-signature.ts';

const STS = 'http://sts.test/';
const METADATA = 'http://metadata.test';
const SECRETS: Record<string, string> = { AK: 'very-secret', FILE: 'file-secret', ENV: 'env-secret' };
const ENVIRONMENT = { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 'env-secret' };
const NO_LOGIN: AwsLogin = { region: '', accessKey: '', secretKey: '', profile: '', roleArn: '', externalId: '' };
const KEYS = { accessKey: 'AK', secretKey: 'very-secret' };

type Answer = string | { readonly status: number; readonly text: string };

/** `answers`: by path, or by action of STS; everything else is nobody's. */
function rigOf(options: {
  login?: Partial<AwsLogin>;
  environment?: Record<string, string>;
  files?: Record<string, string>;
  answers?: Record<string, Answer | ((form: URLSearchParams) => Answer)>;
}) {
  const { login, environment = {}, files = {}, answers = {} } = options;
  const asked: (HttpRequest & { form: URLSearchParams })[] = [];
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  const http = {
    async request(request: HttpRequest) {
      const form = new URLSearchParams(String(request.body ?? ''));
      asked.push({ ...request, form });
      const answer = answers[form.get('Action') ?? new URL(request.url).pathname];
      if (answer === undefined) throw new TidemarkError('connection_failed', 'nobody is there');
      const found = typeof answer === 'function' ? answer(form) : answer;
      const { status, text } = typeof found === 'string' ? { status: 200, text: found } : found;
      return { status, headers: {}, body: utf8(text) };
    },
    async close() {},
  };
  const readFile = async (path: string): Promise<Uint8Array> => {
    if (path in files) return utf8(files[path]);
    throw new TidemarkError('not_found', `cannot read ${path}: no such file`);
  };
  const clock = { nowMs: () => nowMs } as Clock;
  const own = { HOME: '/h', AWS_ENDPOINT_URL_STS: STS, AWS_EC2_METADATA_SERVICE_ENDPOINT: METADATA };
  const world = { clock, http, readFile, environment: { ...own, ...environment } };
  const identity = new AwsIdentity({ ...NO_LOGIN, ...login }, world);
  const { signal } = new AbortController();
  return {
    asked,
    identity,
    region: () => identity.region(signal),
    credentials: (region = 'eu-west-1') => identity.credentials(region, signal),
    later: (ms: number) => (nowMs += ms),
    now: () => nowMs,
  };
}

let count = 0;
const given = (action: string, expiration = '2999-01-01T00:00:00Z'): string =>
  `<${action}Response><${action}Result><Credentials><AccessKeyId>TEMP${++count}</AccessKeyId>
   <SecretAccessKey>temp-secret</SecretAccessKey><SessionToken>tok</SessionToken><Expiration>${expiration}</Expiration>
   </Credentials></${action}Result></${action}Response>`;

const fails = async (work: Promise<unknown>, text: RegExp) => {
  const error = await work.then(
    () => assert.fail('it has not failed'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof TidemarkError, String(error));
  assert.match(error.message, text);
  assert.doesNotMatch(error.message, /-secret|tok/);
};

test('profiles are read as AWS’ tools read them', () => {
  const sections = parseIni(
    '; c\n[default]\naws_access_key_id = A\n[profile x]\nregion=eu-west-1 \n  nested = no\n# d\n',
  );
  assert.deepEqual(sections.get('default'), { aws_access_key_id: 'A' });
  assert.deepEqual(sections.get('profile x'), { region: 'eu-west-1' });
});

test('a role is assumed by a signed request, at the FIPS endpoint if so configured', async () => {
  const ok = async (region: string, useFipsStsEndpoint: boolean, url: string, environment = {}) => {
    const login = { ...KEYS, roleArn: 'arn:r', externalId: 'ext', useFipsStsEndpoint };
    const answers = { AssumeRole: () => given('AssumeRole') };
    const rig = rigOf({ login, answers, environment: { AWS_ENDPOINT_URL_STS: '', ...environment } });
    assert.equal((await rig.credentials(region)).sessionToken, 'tok');
    const [{ form, headers = {}, body, method, ...request }] = rig.asked;
    assert.equal(request.url, url);
    assert.deepEqual([form.get('RoleArn'), form.get('ExternalId')], ['arn:r', 'ext']);
    const seen = { method, target: '/', headers, body: Buffer.from(String(body)) };
    const signed = verifySignature(seen, (key) => SECRETS[key], rig.now());
    assert.deepEqual([signed.accessKey, signed.region, signed.service], ['AK', region, 'sts']);
  };
  await ok('eu-west-1', false, 'https://sts.eu-west-1.amazonaws.com/');
  await ok('us-east-1', true, 'https://sts-fips.us-east-1.amazonaws.com/');
  await ok('us-gov-west-1', true, 'https://sts.us-gov-west-1.amazonaws.com/');
  await ok('cn-north-1', false, 'https://sts.cn-north-1.amazonaws.com.cn/');
  await ok('us-east-1', true, STS, { AWS_ENDPOINT_URL_STS: STS });
});

test('a profile may name a role and where the credentials for it are', async () => {
  const ok = async (config: string, environment: Record<string, string>, action: string, key: string) => {
    const files = {
      '/h/.aws/config': config,
      '/h/.aws/credentials': '[base]\naws_access_key_id=FILE\naws_secret_access_key=file-secret\n',
      '/web': 'jwt',
    };
    const answers = { [action]: () => given(action) };
    const rig = rigOf({ login: { profile: 'p' }, files, environment, answers });
    assert.match((await rig.credentials()).accessKey, /^TEMP/);
    const { form, headers } = rig.asked[0];
    assert.deepEqual([form.get('Action'), form.get('RoleArn')], [action, 'arn:p']);
    assert.equal(/Credential=(\w+)/.exec(headers?.authorization ?? '')?.[1] ?? '', key);
  };
  const role = '[profile p]\nrole_arn = arn:p\n';
  await ok(`${role}source_profile = base\n`, {}, 'AssumeRole', 'FILE');
  await ok(`${role}credential_source = Environment\n`, ENVIRONMENT, 'AssumeRole', 'ENV');
  await ok(`${role}web_identity_token_file = /web\n`, {}, 'AssumeRoleWithWebIdentity', '');
  const own = 'aws_access_key_id = FILE\naws_secret_access_key = file-secret\n';
  await ok(`${role}source_profile = p\n${own}`, {}, 'AssumeRole', 'FILE');
});

test('what is missing is said, without any secret', async () => {
  const profile = (text: string) => ({ login: { profile: 'p' }, files: { '/h/.aws/config': text } });
  await fails(rigOf({}).region(), /there is no region: not in the configuration, AWS_REGION, .* profile default/);
  await fails(rigOf({}).credentials(), /there are none in the configuration, AWS_ACCESS_KEY_ID .* no EC2 instance/);
  await fails(rigOf(profile('')).credentials(), /profile p has none that can be used/);
  await fails(
    rigOf(profile('[profile p]\nrole_arn=r\n')).credentials(),
    /profile p: there are none to assume its role/,
  );
  const circle = '[profile p]\nrole_arn=r\nsource_profile=q\n[profile q]\nrole_arn=r\nsource_profile=p\n';
  await fails(rigOf(profile(circle)).credentials(), /profiles refer to each other/);
  await fails(rigOf({ login: { accessKey: 'AK' } }).credentials(), /access_key and secret_key need each other/);
  const web = { AWS_WEB_IDENTITY_TOKEN_FILE: '/none', AWS_ROLE_ARN: 'arn' };
  await fails(rigOf({ environment: web }).credentials(), /cannot read \/none: no such file/);
});

test('a refusal of STS is told by its code and its first line; the rest may repeat the request', async () => {
  const of = (answer: Answer) => rigOf({ login: { ...KEYS, roleArn: 'arn:r' }, answers: { AssumeRole: answer } });
  const denied =
    '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you\n\nx-amz-security-token:tok</Message></Error></ErrorResponse>';
  await fails(
    of({ status: 403, text: denied }).credentials(),
    /^cannot find AWS credentials: http:\/\/sts\.test\/ returned HTTP status 403: AccessDenied: not you$/,
  );
  await fails(of('<SecretAccessKey>temp-secret</').credentials(), /the answer of STS is not the XML that is wanted$/);
  await fails(of('<AssumeRoleResponse/>').credentials(), /the answer of STS has no key$/);
});

test('an instance’s role and region are asked for by the second version of the protocol', async () => {
  const path = '/latest/meta-data/iam/security-credentials/';
  const answers = {
    '/latest/api/token': 't0',
    [path]: 'role',
    [`${path}role`]:
      '{"AccessKeyId": "INST", "SecretAccessKey": "s", "Token": "t", "Expiration": "2026-01-01T06:00:00Z"}',
    '/latest/meta-data/placement/region': 'eu-i-1\n',
  };
  const rig = rigOf({ answers });
  assert.equal(await rig.region(), 'eu-i-1');
  assert.equal((await rig.credentials()).accessKey, 'INST');
  assert.deepEqual([rig.asked[0].method, rig.asked[1].headers], ['PUT', { 'X-aws-ec2-metadata-token': 't0' }]);
  const disabled = rigOf({ answers, environment: { AWS_EC2_METADATA_DISABLED: 'true' } });
  await fails(disabled.credentials(), /no EC2 instance/);
  assert.equal(disabled.asked.length, 0);
});

test('credentials are searched once for all who wait, kept, and renewed before they expire', async () => {
  const answers = { AssumeRole: () => given('AssumeRole', '2026-01-01T00:08:00Z') };
  const rig = rigOf({ login: { ...KEYS, roleArn: 'arn:r' }, answers });
  const [first, second] = await Promise.all([rig.credentials(), rig.credentials()]);
  assert.equal(first, second);
  rig.later(2 * 60_000);
  assert.equal(await rig.credentials(), first);
  rig.later(2 * 60_000);
  assert.notEqual(await rig.credentials(), first);
  assert.equal(rig.asked.length, 2);
});

test('refused credentials are looked for anew, unless they were only just found', async () => {
  const rig = rigOf({ login: { ...KEYS, roleArn: 'arn:r' }, answers: { AssumeRole: () => given('AssumeRole') } });
  const first = await rig.credentials();
  assert.equal(rig.identity.refused(first), false);
  rig.later(61_000);
  assert.equal(rig.identity.refused(first), true);
  const second = await rig.credentials();
  assert.notEqual(second, first);
  assert.equal(rig.identity.refused(first), true, 'others have taken their place');
  assert.equal(await rig.credentials(), second);
});
