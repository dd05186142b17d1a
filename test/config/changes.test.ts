import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configChanges, parseConfig } from '../../src/config/index.ts';

const config = (text: string) => parseConfig(text, { file: '/c/p.yml' });

test('a reload tells which sections and jobs have changed', () => {
  const before = config('scrape_configs: [{job_name: a}, {job_name: b}, {job_name: c}]');
  const after = config(
    'global: {external_labels: {x: y}}\nscrape_configs: [{job_name: b}, {job_name: c, metrics_path: /m}, {job_name: d}]',
  );
  assert.deepEqual(configChanges(before, after), ['global', 'job c changed', 'job d added', 'job a removed']);
  assert.deepEqual(configChanges(before, before), []);
});

test('a changed secret is a change', () => {
  const of = (password: string) =>
    config(`scrape_configs: [{job_name: a, basic_auth: {username: u, password: ${password}}}]`);
  assert.deepEqual(configChanges(of('one'), of('two')), ['job a changed']);
  assert.deepEqual(configChanges(of('one'), of('one')), []);
});
