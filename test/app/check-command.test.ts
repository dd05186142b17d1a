import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import fs from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCheck } from '../../src/app/check-command.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';
import { runTool } from './verb-tool.ts';

const SHARED = join(import.meta.dirname, '../../../shared/conformance');
const skipOf = (name: string) => (existsSync(join(SHARED, name)) ? false : `the ${name} files are not there`);
const check = (args: string[], input: Uint8Array | string = '') => runTool(runCheck, args, input);

async function fileOf(t: TestContext, files: Record<string, string>): Promise<string> {
  const directory = await temporaryDirectory(t);
  for (const [name, text] of Object.entries(files)) await fs.writeFile(join(directory, name), text);
  return directory;
}

test('every configuration of the suite is accepted or refused with its place', {
  skip: skipOf('config'),
}, async (t) => {
  const directory = join(SHARED, 'config');
  const wrong: string[] = [];
  let count = 0;
  for (const name of readdirSync(directory)) {
    const isBad = name.endsWith('.bad.yml');
    if (!isBad && !name.endsWith('.good.yml')) continue;
    count++;
    const { code, err } = await check(['config', '--syntax-only', join(directory, name)]);
    if (code !== (isBad ? 1 : 0)) wrong.push(`${name}: ${code} ${err}`);
    else if (isBad && !/^ {2}FAILED: .*: line \d+, column \d+: /.test(err)) wrong.push(`${name}: no place: ${err}`);
  }
  t.diagnostic(`${count} configurations`);
  assert.deepEqual(wrong, []);
});

test('every OpenMetrics vector is accepted or refused', { skip: skipOf('openmetrics') }, async (t) => {
  const directory = join(SHARED, 'openmetrics');
  const wrong: string[] = [];
  let count = 0;
  for (const name of readdirSync(directory)) {
    const about = join(directory, name, 'test.json');
    if (!existsSync(about)) continue;
    count++;
    const { shouldParse, file } = JSON.parse(readFileSync(about, 'utf8')) as { shouldParse: boolean; file: string };
    const input = readFileSync(join(directory, name, file));
    const { code, err } = await check(['metrics', '--format', 'openmetrics', '--lint', 'none'], input);
    if (code !== (shouldParse ? 0 : 1)) wrong.push(`${name}: ${code} ${err}`);
  }
  t.diagnostic(`${count} vectors`);
  assert.deepEqual(wrong, []);
});

test('names and types of metrics are judged as promtool does', async () => {
  const lint = async (input: string, want: string[]) => {
    const { code, err } = await check(['metrics'], input);
    assert.deepEqual(err.split('\n').slice(0, -1), want, input);
    assert.equal(code, want.length === 0 ? 0 : 3);
  };
  const family = (name: string, type: string, sample = `${name} 1`) =>
    `# HELP ${name} x\n# TYPE ${name} ${type}\n${sample}\n`;
  await lint(family('a_seconds', 'gauge'), []);
  await lint('a 1\n', ['a no help text']);
  await lint(family('a', 'counter'), ['a counter metrics should have "_total" suffix']);
  await lint(family('a_total', 'gauge'), ['a_total non-counter metrics should not have "_total" suffix']);
  await lint('# HELP a_total x\na_total 1\n', []);
  await lint(family('a_milliseconds', 'gauge'), ['a_milliseconds use base unit "seconds" instead of "milliseconds"']);
  await lint(family('a_metres', 'gauge'), []);
  await lint(family('a_ms', 'gauge'), ['a_ms metric names should not contain abbreviated units']);
  await lint(family('a:b', 'gauge'), ["a:b metric names should not contain ':'"]);
  await lint(family('aB', 'gauge', 'aB{cD="1"} 1'), [
    "aB label names should be written in 'snake_case' not 'camelCase'",
    "aB metric names should be written in 'snake_case' not 'camelCase'",
  ]);
  await lint(family('a_gauge', 'gauge'), ["a_gauge metric name should not include type 'gauge'"]);
  await lint(family('a_bucket', 'gauge', 'a_bucket{le="1"} 1'), [
    'a_bucket non-histogram metrics should not have "_bucket" suffix',
    'a_bucket non-histogram metrics should not have "le" label',
  ]);
  await lint(family('a_count', 'gauge'), [
    'a_count non-histogram and non-summary metrics should not have "_count" suffix',
  ]);
  await lint(family('a', 'summary', 'a{quantile="0.5"} 1\na_sum 1\na_count 1'), []);
  await lint(family('a', 'histogram', 'a_bucket{le="+Inf"} 1\na_sum 1\na_count 1'), []);
  await lint(family('a', 'gauge', 'a 1\na 2'), ['a metric not unique']);
});

test('a malformed exposition is refused, with lint or without', async () => {
  const bad = async (input: string, message: RegExp) => {
    for (const lint of ['all', 'none']) {
      const { code, err } = await check(['metrics', `--lint=${lint}`], input);
      assert.equal(code, 1);
      assert.match(err, message);
    }
  };
  await bad('a{ 1\n', /^error while linting: .*\(line 1\)/);
  await bad('a 1\n# TYPE a gauge\n', /TYPE reported after samples \(line 2\)/);
  await bad('# HELP a b\n# HELP a c\na 1\n', /second HELP line for metric name "a" \(line 2\)/);
});

test('series per metric are counted on demand', async () => {
  const { out } = await check(['metrics', '--extended', '--lint', 'none'], 'a{b="1"} 1\na{b="2"} 1\nc 1\n');
  assert.equal(
    out,
    'Metric    Cardinality    Percentage\na         2              66.67%\nc         1              33.33%\nTotal     3              100%\n',
  );
});

test('files that a configuration names must be there, unless only its syntax is asked about', async (t) => {
  const directory = await fileOf(t, {
    'rules.yml': 'rule_files: [absent.yml]',
    'token.yml': 'scrape_configs: [{job_name: a, authorization: {credentials_file: absent}}]',
    'tls.yml': 'scrape_configs: [{job_name: a, tls_config: {cert_file: absent, key_file: k}}]',
    'sd.yml': 'scrape_configs: [{job_name: a, file_sd_configs: [{files: [targets.json]}]}]',
    'targets.json': '[{"targets": ["a:1"], "label": {}}]',
  });
  const bad = async (name: string, message: RegExp) => {
    const { code, err } = await check(['config', join(directory, name)]);
    assert.equal(code, 1);
    assert.match(err, message);
    assert.equal((await check(['config', '--syntax-only', join(directory, name)])).code, 0);
  };
  await bad('rules.yml', /"\/.*absent.yml" does not point to an existing file/);
  await bad(
    'token.yml',
    /error checking authorization credentials or bearer token file ".*absent": stat .*: no such file/,
  );
  await bad('tls.yml', /error checking client cert file ".*absent"/);
  await bad('sd.yml', /checking SD file ".*targets.json": .*unknown field "label"/);
});

test('intervals as long as the lookback are lint, fatal on demand', async (t) => {
  const directory = await fileOf(t, { 'c.yml': 'scrape_configs: [{job_name: a, scrape_interval: 5m}]' });
  const file = join(directory, 'c.yml');
  assert.equal((await check(['config', file])).code, 0);
  const linted = await check(['config', '--lint=too-long-scrape-interval', file]);
  assert.equal(linted.code, 0);
  assert.match(linted.err, /too long scrape interval found, .* - job: a, interval: 5m/);
  assert.equal((await check(['config', '--lint=all', '--lint-fatal', file])).code, 3);
  assert.equal((await check(['config', '--lint=nonsense', file])).code, 1);
});

test('an agent configuration is checked by its own rules', async (t) => {
  const directory = await fileOf(t, { 'c.yml': 'scrape_configs: []', 'd.yml': 'remote_write: [{url: "http://x"}]' });
  assert.match((await check(['config', '--agent', join(directory, 'c.yml')])).err, /at least one remote_write target/);
  assert.equal((await check(['config', '--agent', join(directory, 'd.yml')])).code, 0);
});

test('of the agent configurations of the suite only the good one is accepted', { skip: skipOf('config') }, async () => {
  const names = readdirSync(join(SHARED, 'config')).filter((name) => name.startsWith('agent_mode.'));
  assert.ok(names.length > 4, String(names));
  for (const name of names) {
    const { code, err } = await check(['config', '--agent', '--syntax-only', join(SHARED, 'config', name)]);
    assert.equal(code, name === 'agent_mode.good.yml' ? 0 : 1, `${name}: ${err}`);
  }
});

test('service discovery shows targets before and after relabelling', async (t) => {
  const directory = await fileOf(t, {
    'c.yml': `scrape_configs: [{job_name: a, static_configs: [{targets: ['x:1', 'y:1']}],
      relabel_configs: [{source_labels: [__address__], regex: 'y.*', action: drop}]}]`,
  });
  const { code, out } = await check(['service-discovery', join(directory, 'c.yml'), 'a']);
  assert.equal(code, 0);
  const found = JSON.parse(out) as { labels: object }[];
  assert.deepEqual(
    found.map(({ labels }) => labels),
    [{ instance: 'x:1', job: 'a' }, {}],
  );
  const missing = await check(['service-discovery', join(directory, 'c.yml'), 'b']);
  assert.equal(missing.code, 1);
  assert.equal(missing.err, 'Job b not found. Select one of:\n\ta\n');
});

test('web configurations are checked as a server would read them', async (t) => {
  const ok = async (text: string) => {
    const directory = await fileOf(t, { 'w.yml': text });
    const { code, err } = await check(['web-config', join(directory, 'w.yml')]);
    assert.equal(code, 0, err);
    assert.match(err, /w\.yml SUCCESS\n$/);
  };
  const bad = async (text: string, message: RegExp) => {
    const directory = await fileOf(t, { 'w.yml': text });
    const { code, err } = await check(['web-config', join(directory, 'w.yml')]);
    assert.equal(code, 1);
    assert.match(err, message);
  };
  await ok('');
  await ok('basic_auth_users: {a: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}');
  await ok('http_server_config: {http2: false, headers: {X-Frame-Options: DENY, X-XSS-Protection: "1"}}');
  await ok('rate_limit: {interval: 1s, burst: 20}');
  await bad('basic_auth_users: {a: secret}', /line 1, column 23: basic_auth_users\.a: want a bcrypt hash/);
  await bad('unknown: 1', /unknown: unknown field/);
  await bad('http_server_config: {headers: {Server: x}}', /HTTP header "Server" can not be configured/);
  await bad('http_server_config: {headers: {X-Frame-Options: x}}', /Expected one of: \["deny" "sameorigin"\]/);
  await bad('http_server_config: {headers: {X-XSS-Protection: "a\\r\\nb: c"}}', /must be one line/);
  await bad('tls_server_config: {cert_file: a.crt}', /missing one of key or key_file/);
  await bad('tls_server_config: {cert_file: a.crt, key_file: a.key}', /cannot read certificate .*a\.crt/);
  await bad('tls_server_config: {cert: x, key: y}', /failed to load X509KeyPair/);
  await bad('tls_server_config: {min_version: TLS14}', /unknown TLS version: TLS14/);
  await bad('tls_server_config: {cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}', /unknown cipher: TLS_RSA_WITH_RC4/);
  await bad('tls_server_config: {curve_preferences: [CurveP257]}', /unknown curve: CurveP257/);
  await bad('tls_server_config: {cert: x, key: y, client_auth_type: Nope}', /invalid ClientAuth: Nope/);
  await bad('tls_server_config: {cert: x, key: y, client_ca: z}', /without a Client Auth Policy/);
  await bad(
    'tls_server_config: {cert: x, key: y, client_allowed_sans: [a], client_auth_type: VerifyClientCertIfGiven}',
    /needs a client_auth_type that requires a certificate/,
  );
});

test('a server is asked whether it is healthy', async (t) => {
  const server = http.createServer((request, response) => {
    response.writeHead(request.url === '/-/healthy' ? 200 : 503).end('Fine.\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const good = await check(['healthy', '--url', url]);
  assert.deepEqual([good.code, good.err], [0, '  SUCCESS:  Fine.\n\n']);
  const bad = await check(['ready', `--url=${url}/`]);
  assert.deepEqual([bad.code, bad.err], [1, `check failed: URL=${url}, status=503\n`]);
  assert.equal((await check(['healthy', '--url', 'http://127.0.0.1:1'])).code, 1);
});

test('a command line that cannot be read is refused', async () => {
  assert.match((await check(['config'])).err, /required argument 'config-files' not provided, try --help/);
  assert.match((await check(['nothing'])).err, /expected command but got "nothing"/);
  assert.match((await check(['metrics', '--format', 'xml'])).err, /enum value must be one of prometheus,openmetrics/);
  assert.match(
    (await check(['config', '--help'])).out,
    /^usage: tidemark check config \[<flags>\] <config-files>\.\.\./,
  );
});
