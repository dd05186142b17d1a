import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../src/base/index.ts';
import { parseWebConfig, serverTls, webTlsFiles } from '../../src/config/index.ts';
import { SimRandom } from '../../src/io/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

const FULL = `tls_server_config:
  cert_file: a/server.crt
  key_file: /k/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [x, "10.0.0.1"]
  min_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256]
  curve_preferences: [X25519]
http_server_config:
  http2: false
  headers: { X-Frame-Options: deny, Content-Security-Policy: "default-src 'self'" }
basic_auth_users:
  alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze
rate_limit: { interval: 1s, burst: 20 }
`;

test('paths start at the directory of the file, and absent sections ask for nothing', () => {
  assert.deepEqual(webTlsFiles(parseWebConfig(FULL, '/etc/w.yml')), [
    '/etc/a/server.crt',
    '/k/server.key',
    '/etc/ca.crt',
  ]);
  const empty = parseWebConfig('', '/etc/w.yml');
  assert.deepEqual(webTlsFiles(empty), []);
  const none = () => assert.fail('nothing is to be read');
  assert.equal(serverTls(empty, none), null);
  assert.equal(serverTls(parseWebConfig('tls_server_config:\n', 'w.yml'), none), null);
  assert.equal(empty.rateLimit.intervalMs, 0);
});

test('a hash is a secret', () => {
  assert.ok(!JSON.stringify(parseWebConfig(FULL, 'w.yml')).includes('mDwo'));
});

test('mutated files are read or refused with a place, never worse', () => {
  const random = new SimRandom(fuzzSeed(7));
  for (let i = 0; i < fuzzCases(150); i++) {
    const bytes = Buffer.from(FULL);
    for (let n = 0; n <= i % 4; n++) bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
    try {
      parseWebConfig(bytes.toString('latin1'), 'w.yml');
    } catch (error) {
      assert.ok(error instanceof TidemarkError && error.code === 'bad_config', String(error));
      assert.match(error.message, /^cannot read w\.yml: line \d+, column \d+: /s);
    }
  }
});
