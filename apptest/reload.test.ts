// A configuration that is loaded again counts at once; a bad one changes nothing and is told of.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { test } from 'node:test';
import { Program, until } from '../test/support/program.ts';
import { compressSnappy } from '../src/wire/index.ts';
import { encodeMessage, send, writeHeaders } from './client.ts';

const DAY_MS = 86_400_000;
const retention = (time: string) => `storage: {tsdb: {retention: {time: ${time}}}}\n`;

test('the retention follows the file, and a bad file is a notification and a metric', async (t) => {
  const program = await Program.start(t, { config: retention('30d'), args: ['--web.enable-lifecycle'] });
  const get = async (path: string) => (await send(program, { path })).text;
  const reload = async (text: string) => {
    await fs.writeFile(program.configFile, text);
    return send(program, { method: 'POST', path: '/-/reload' });
  };
  const writeOf = async (ageDays: number) => {
    const labels: [string, string][] = [['__name__', 'm']];
    const samples = [{ timestampMs: Date.now() - ageDays * DAY_MS, value: 1 }];
    const body = compressSnappy(encodeMessage(1, [{ labels, samples }]));
    return (await send(program, { path: '/api/v1/write', headers: writeHeaders(1), body })).status;
  };
  assert.equal(await writeOf(10), 204);
  assert.equal((await reload(retention('5d'))).status, 200);
  assert.match(program.log, /configuration loaded.*changes=storage/);
  assert.equal(await writeOf(10), 400);
  assert.equal(await writeOf(1), 204);
  assert.match(await get('/api/v1/status/runtimeinfo'), /"storageRetention":"5d"/);
  const bad = await reload('nonsense: 1\n');
  assert.equal(bad.status, 500);
  assert.match(bad.text, /^failed to reload config: .*line 1, column 1: nonsense: unknown field/);
  assert.match(await get('/api/v1/notifications'), /"text":"Configuration reload has failed\.".*"active":true/);
  assert.match(await get('/metrics'), /^prometheus_config_last_reload_successful 0$/m);
  assert.equal(await writeOf(10), 400);
  assert.equal((await reload(retention('30d'))).status, 200);
  assert.match(await get('/metrics'), /^prometheus_config_last_reload_successful 1$/m);
  assert.equal(await writeOf(10), 204);
  assert.equal(await get('/api/v1/notifications'), '{"status":"success","data":[]}');
});

test('with --config.auto-reload a changed file is loaded by itself', async (t) => {
  const args = ['--config.auto-reload', '--config.auto-reload-interval=1s'];
  const program = await Program.start(t, { config: retention('30d'), args });
  await new Promise((resolve) => setTimeout(resolve, 1500)); // it has seen the first one
  await fs.writeFile(program.configFile, retention('7d'));
  await until('the change is seen', 15_000, () => /configuration loaded.*changes=storage/.test(program.log));
});
