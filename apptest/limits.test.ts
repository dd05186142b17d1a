// Limits of tenants in the running program: remote write and scrapes, reload, metrics.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { test } from 'node:test';
import { Program, until } from '../test/support/program.ts';
import { oneSeries, queryNumber, send, write } from './client.ts';

const nowMs = Date.now();
const config = (fields: string, port = 0): string => `
global: {scrape_interval: 1s}
scrape_configs:
${port === 0 ? '' : `- {job_name: own, static_configs: [{targets: ['127.0.0.1:${port}']}]}`}
tidemark: {${fields}}
`;

async function reload(program: Program, text: string): Promise<void> {
  await fs.writeFile(program.configFile, text);
  const reply = await send(program, { method: 'POST', path: '/-/reload' });
  assert.equal(reply.status, 200, reply.text);
}

test('limits of a tenant come and go with the configuration', async (t) => {
  const program = await Program.start(t, { config: config(''), args: ['--web.enable-lifecycle'] });
  const put = (tenant: string, ...names: string[]) =>
    write(
      program,
      1,
      names.map((name) => oneSeries(name, {}, [[nowMs, 1]])),
      tenant,
    );
  assert.equal((await put('a', 'm1', 'm2')).status, 204);

  await reload(program, config('tenants: {a: {active_series_limit: 3}}'));
  const some = await put('a', 'm1', 'm2', 'm3', 'm4');
  assert.equal(some.status, 400);
  assert.match(some.text, /1 sample refused: .*limit of 3 active series.*stored: 3\n\{__name__="m4"\}: series_limit/);
  assert.equal(await queryNumber(program, 'count({__name__=~"m."})', nowMs, 'a'), 3);
  assert.equal((await put('b', 'm1', 'm2', 'm3', 'm4')).status, 204);

  await fs.writeFile(program.configFile, config('tenants: {a: {active_series_limit: many}}'));
  const refused = await send(program, { method: 'POST', path: '/-/reload' });
  assert.equal(refused.status, 500);
  assert.match(refused.text, /line 5, column 47: tidemark\.tenants\.a\.active_series_limit: want a whole number/);
  assert.equal((await put('a', 'm5')).status, 400);

  const long = () => write(program, 1, [oneSeries('long', { a: 'b' }, [[nowMs, 1]])], 'c');
  assert.equal((await long()).status, 204);
  await reload(program, config('limits: {label_limit: 1}'));
  assert.match((await long()).text, /^1 time series refused: too many labels: the limit is 1;/);

  await reload(program, config('limits: {sample_rate_limit: 1, sample_burst_limit: 2}'));
  assert.equal((await put('a', 'm4', 'm5', 'm6')).status, 204);
  const late = await put('a', 'm7');
  assert.equal(late.status, 429);
  assert.match(late.headers['retry-after'] ?? '', /^[12]$/);
  const { text } = await send(program, { path: '/metrics' });
  assert.match(text, /^tidemark_rejected_samples_total\{reason="series_limit",tenant="a"\} 2$/m);
  assert.match(text, /^tidemark_rate_limited_requests_total\{tenant="a"\} 1$/m);
  const { text: status } = await send(program, { path: '/api/v1/status/config' });
  assert.match(status, /sample_burst_limit: 2/);
});

test('scraped series over a limit are left out and named in the log', async (t) => {
  const program = await Program.start(t, { config: config(''), args: ['--web.enable-lifecycle'] });
  await reload(program, config('limits: {label_limit: 3}', program.port));
  await until('a scrape drops something', 10_000, () => program.log.includes('too_many_labels'));
  assert.match(program.log, /samples of a scrape dropped.*too_many_labels: /);
  await until(
    'the scrape is stored',
    5000,
    async () => (await queryNumber(program, 'up{job="own"}', Date.now())) === 1,
  );
  const { text } = await send(program, { path: '/metrics' });
  assert.match(text, /^tidemark_rejected_samples_total\{reason="too_many_labels",tenant="anonymous"\} \d+$/m);
});
