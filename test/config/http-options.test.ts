import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/base/index.ts';
import { hostFiles, httpClientOptions, parseConfig } from '../../src/config/index.ts';

const optionsOf = (fields: string, files: Record<string, string> = {}) => {
  const [job] = parseConfig(`scrape_configs: [{job_name: x, ${fields}}]`, { file: '/c/p.yml' }).scrapeConfigs;
  return httpClientOptions(job, async (path) => {
    if (files[path] === undefined) throw new Error('no such file');
    return utf8(files[path]);
  });
};

test('nothing said gives a plain client with TLS 1.2', async () => {
  assert.deepEqual(await optionsOf(''), { tls: { minVersion: 'TLSv1.2' }, headers: {} });
});

test('credentials come from the file or the configuration, without line ends', async () => {
  const basic = await optionsOf('basic_auth: {username: u, password_file: pw}', { '/c/pw': 'secret\n' });
  assert.deepEqual(basic.basicAuth, { username: 'u', password: 'secret' });
  assert.equal((await optionsOf('bearer_token: abc')).authorization, 'Bearer abc');
  const token = await optionsOf('authorization: {type: Token, credentials_file: t}', { '/c/t': ' tok \n' });
  assert.equal(token.authorization, 'Token tok');
});

test('TLS, proxy and headers are passed on', async () => {
  const options = await optionsOf(
    `tls_config: {ca_file: ca, cert_file: ce, key: KEY, server_name: s, insecure_skip_verify: true, min_version: TLS13, max_version: TLS13},
     proxy_url: "http://p", proxy_connect_header: {a: [b, c]}, http_headers: {h: {values: [v], secrets: [s], files: [f]}}`,
    { '/c/ca': 'CA', '/c/ce': 'CERT', '/c/f': 'F\n' },
  );
  assert.deepEqual(options.tls, {
    ca: 'CA',
    cert: 'CERT',
    key: 'KEY',
    serverName: 's',
    insecure: true,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  });
  assert.equal(options.proxyUrl, 'http://p');
  assert.deepEqual(options.proxyHeaders, { a: 'b, c' });
  assert.deepEqual(options.headers, { h: 'v, s, F' });
});

test('a file that cannot be read is named', async () => {
  await assert.rejects(optionsOf('authorization: {credentials_file: t}'), {
    code: 'bad_config',
    message: 'cannot read credentials file /c/t: no such file',
  });
});

test('host files join any path to a port rooted at /', async () => {
  const asked: string[] = [];
  const port = {
    async readFile(path: string) {
      asked.push(path);
      return utf8('');
    },
    async list(path: string) {
      asked.push(path);
      return [];
    },
    async stat(path: string) {
      asked.push(path);
      return undefined;
    },
  };
  const files = hostFiles(port, '/srv/dir');
  await files.readFile('/abs/../x');
  await files.list('.');
  await files.stat('../y');
  assert.deepEqual(asked, ['x', 'srv/dir', 'srv/y']);
});
