// Signed requests of the real program: remote write and alerts to a server that takes nothing without a good signature, with keys
// of the configuration, temporary ones of the environment, and those of a role.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import http from 'node:http';
import type net from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeSnappy } from '../src/kernel/index.ts';
import { type Signed, verifySignature } from '../test/support/aws-signature.ts';
import { Program, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { oneSeries, send, write } from './client.ts';

const WAIT_MS = 20_000;
const SECRETS: Record<string, string> = {
  ONE: 'hidden-key-one',
  TWO: 'hidden-key-two',
  ENV: 'hidden-key-env',
  ROLE: 'hidden-key-role',
};
const TOKENS: Record<string, string> = { ENV: 'hidden-token-env', ROLE: 'hidden-token-role' };

interface Taken extends Signed {
  readonly path: string;
  readonly attempt: number;
  readonly date: string;
  readonly body: Uint8Array;
  readonly form: URLSearchParams;
}

const ROLE_ANSWER = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ROLE</AccessKeyId>
  <SecretAccessKey>${SECRETS.ROLE}</SecretAccessKey><SessionToken>${TOKENS.ROLE}</SessionToken>
  <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

/** An endpoint of AWS: a workspace, an Alertmanager and STS. What is not signed well is 403; `statusOf` may refuse the rest. */
async function aws(t: TestContext, statusOf: (n: number) => number = () => 200) {
  const taken: Taken[] = [];
  const refused: string[] = [];
  const server = http.createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { headers, method = '', url: target = '' } = request;
      const body = Buffer.concat(pieces);
      const form = new URLSearchParams(target === '/' ? body.toString() : '');
      try {
        const signed = verifySignature({ method, target, headers, body }, (key) => SECRETS[key], Date.now());
        assert.equal(signed.sessionToken, TOKENS[signed.accessKey] ?? '');
        const [attempt, date] = [Number(headers['retry-attempt'] ?? 0), String(headers['x-amz-date'])];
        taken.push({ ...signed, path: target, attempt, date, body, form });
      } catch (error) {
        refused.push(String(error));
        return void response.writeHead(403).end('{"message":"not signed well"}');
      }
      if (form.get('RoleArn') === 'arn:denied')
        return void response.writeHead(403).end('<E><Code>AccessDenied</Code><Message>not for you</Message></E>');
      response.writeHead(statusOf(taken.length)).end(target === '/' ? ROLE_ANSWER : '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`, taken, refused };
}

const PUSH = '/workspaces/ws-1/api/v1/remote_write';

const config = (url: string, sigv4: string): string => `global: {scrape_interval: 1m}
remote_write:
  - url: ${url}${PUSH}
    name: far
    queue_config: {batch_send_deadline: 100ms, min_backoff: 1100ms, max_backoff: 1100ms}
    metadata_config: {send: false}
    sigv4: {${sigv4}}
`;

/** Nothing of the machine's own; what is left out is not there. */
const environment = (url: string, more: Record<string, string> = {}): Record<string, string> => ({
  ...Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => name.startsWith('AWS_'))
      .map((name) => [name, '']),
  ),
  HOME: '/nowhere',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ENDPOINT_URL_STS: `${url}/`,
  ...more,
});

const ENV_KEYS = {
  AWS_ACCESS_KEY_ID: 'ENV',
  AWS_SECRET_ACCESS_KEY: SECRETS.ENV,
  AWS_SESSION_TOKEN: TOKENS.ENV,
  AWS_REGION: 'eu-env-1',
};

const put = (program: Program, name: string) => write(program, 1, [oneSeries(name, { i: '1' }, [[Date.now(), 1]])]);

const nothingShown = async (program: Program): Promise<void> => {
  for (const path of ['/api/v1/status/config', '/metrics']) {
    assert.doesNotMatch((await send(program, { path })).text, /hidden-/);
  }
  assert.doesNotMatch(program.log, /hidden-/);
};

test('remote write is signed at each attempt, and a changed section counts after a reload', async (t) => {
  const far = await aws(t, (n) => (n === 1 ? 503 : 200));
  const keys = (region: string, key: string) =>
    config(far.url, `region: ${region}, access_key: ${key}, secret_key: ${SECRETS[key]}`);
  const program = await Program.start(t, {
    config: keys('eu-1', 'ONE'),
    env: environment(far.url),
    args: ['--web.enable-lifecycle'],
  });
  await put(program, 'first');
  await until('it is repeated', WAIT_MS, () => far.taken.length === 2);
  const [refused, repeated] = far.taken;
  assert.deepEqual([repeated.accessKey, repeated.region, repeated.service], ['ONE', 'eu-1', 'aps']);
  assert.deepEqual([repeated.path, repeated.attempt], [PUSH, 1]);
  assert.ok(repeated.date > refused.date, 'each attempt has its own time');
  assert.ok(Buffer.from(decodeSnappy(repeated.body, 1 << 20) as Uint8Array).includes('first'));
  assert.ok(repeated.signedHeaders.includes('x-prometheus-remote-write-version'));

  const reload = async (key: string, region: string) => {
    await fs.writeFile(program.configFile, keys(region, key));
    assert.equal((await send(program, { method: 'POST', path: '/-/reload' })).status, 200);
    const count = far.taken.length;
    // The destination before may still take what was there when it was stopped.
    await until(`${key} signs`, WAIT_MS, async () => {
      await put(program, 'more');
      return far.taken.slice(count).some((one) => one.accessKey === key && one.region === region);
    });
  };
  await reload('TWO', 'us-1');
  assert.deepEqual(far.refused, []);
  // Only the secret changes: the destination stays, its client does not. What is under way may still have the one before.
  SECRETS.TWO = 'hidden-key-three';
  await reload('TWO', 'us-1');
  await nothingShown(program);
});

test('keys, session token and region come from the environment, a role is assumed with them', async (t) => {
  const far = await aws(t);
  const env = environment(far.url, ENV_KEYS);
  const plain = await Program.start(t, { config: config(far.url, ''), env });
  await put(plain, 'plain');
  await until('it is sent', WAIT_MS, () => far.taken.length === 1);
  assert.deepEqual([far.taken[0].accessKey, far.taken[0].region], ['ENV', 'eu-env-1']);
  await nothingShown(plain);
  await plain.stop();

  far.taken.length = 0;
  const inRole = await Program.start(t, {
    config: config(far.url, 'role_arn: "arn:r", external_id: ext, region: eu-r-1, service_name: own'),
    env,
  });
  await put(inRole, 'in_role');
  await until('it is sent', WAIT_MS, () => far.taken.length >= 2);
  const [sts, pushed] = far.taken;
  assert.deepEqual([sts.service, sts.accessKey, sts.form.get('Action')], ['sts', 'ENV', 'AssumeRole']);
  assert.deepEqual([sts.form.get('RoleArn'), sts.form.get('ExternalId')], ['arn:r', 'ext']);
  assert.deepEqual([pushed.accessKey, pushed.region, pushed.service], ['ROLE', 'eu-r-1', 'own']);
  assert.deepEqual(far.refused, []);
  await nothingShown(inRole);
});

test('credentials that fail are told with the name of the destination; samples wait for better ones', async (t) => {
  const far = await aws(t);
  const args = ['--web.enable-lifecycle', '--storage.remote.flush-deadline=1s'];
  const program = await Program.start(t, { config: config(far.url, ''), env: environment(far.url), args });
  await put(program, 'waiting');
  const isTold = (pattern: RegExp) =>
    until(String(pattern), WAIT_MS, () =>
      program.log.split('\n').some((line) => line.includes('far') && line.includes(PUSH) && pattern.test(line)),
    );
  await isTold(/cannot find AWS credentials: there is no region/);
  const load = async (text: string) => {
    await fs.writeFile(program.configFile, text);
    assert.equal((await send(program, { method: 'POST', path: '/-/reload' })).status, 200);
  };
  const keys = `region: r, access_key: ONE, secret_key: ${SECRETS.ONE}`;
  await load(config(far.url, 'region: r'));
  await isTold(/there are none in the configuration, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/);
  await load(config(far.url, `${keys}, role_arn: "arn:denied"`));
  await isTold(/returned HTTP status 403: AccessDenied: not for you/);
  const sent = () => far.taken.filter(({ path }) => path === PUSH);
  assert.equal(sent().length, 0);
  await load(config(far.url, keys));
  await until('what has waited is sent', WAIT_MS, () => sent().length > 0);
  const [{ body }] = sent();
  assert.ok(Buffer.from(decodeSnappy(body, 1 << 20) as Uint8Array).includes('waiting'));
  await nothingShown(program);
});

test('alerts are signed, too', async (t) => {
  const far = await aws(t);
  const home = await temporaryDirectory(t);
  const rules = path.join(home, 'rules.yml');
  await fs.writeFile(rules, 'groups: [{name: g, interval: 200ms, rules: [{alert: Always, expr: vector(1)}]}]\n');
  const text = `rule_files: ['${rules}']
alerting:
  alertmanagers:
  - static_configs: [{targets: ['${far.url.replace('http://', '')}']}]
    path_prefix: /workspaces/ws-1/alertmanager
    sigv4: {region: eu-1, access_key: TWO, secret_key: ${SECRETS.TWO}}
`;
  const program = await Program.start(t, { config: text, env: environment(far.url) });
  await until('an alert has come', WAIT_MS, () => far.taken.length > 0);
  const [{ accessKey, region, service, body, path: target }] = far.taken;
  assert.deepEqual([accessKey, region, service], ['TWO', 'eu-1', 'aps']);
  assert.equal(target, '/workspaces/ws-1/alertmanager/api/v2/alerts');
  assert.match(Buffer.from(body).toString(), /"alertname":"Always"/);
  assert.deepEqual(far.refused, []);
  await nothingShown(program);
});
