import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuredDestinations } from '../../src/app/remote-write-settings.ts';
import { parseConfig } from '../../src/config/index.ts';

const settingsOf = (fields: string) =>
  configuredDestinations(parseConfig(`remote_write: [{url: "http://r/w", name: n${fields}}]`, { file: '/c/p.yml' }))[0]
    .settings;

test('a changed sigv4 section makes another destination, a changed secret does not', () => {
  const sections = [
    '',
    'region: a',
    'region: b',
    'region: b, profile: p',
    'region: b, role_arn: r',
    'region: b, role_arn: r, external_id: e',
    'region: b, use_fips_sts_endpoint: true',
    'region: b, service_name: s',
    'access_key: a, secret_key: s1',
    'access_key: b, secret_key: s1',
  ];
  const keyOf = (section: string) => settingsOf(`, sigv4: {${section}}`).key;
  assert.equal(new Set([settingsOf('').key, ...sections.map(keyOf)]).size, sections.length + 1);
  assert.equal(keyOf('access_key: a, secret_key: s1'), keyOf('access_key: a, secret_key: s2'));
  const all = JSON.stringify(settingsOf(', sigv4: {access_key: a, secret_key: very-secret}'));
  assert.doesNotMatch(all, /very-secret/);
});
