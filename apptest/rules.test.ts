// Rules in the real program: what they record, how they are reloaded, and the state of alerts over a restart.
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { newHistogram } from '../src/model/index.ts';
import { Program, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { oneSeries, query, send, write } from './client.ts';

const WAIT_MS = 20_000;

async function startProgram(t: TestContext, rules: string, args: readonly string[] = []) {
  const home = await temporaryDirectory(t);
  const file = path.join(home, 'rules.yml');
  await fs.writeFile(file, rules);
  const config = `rule_files: ['${home}/*.yml']\n`;
  const program = await Program.start(t, { config, args: ['--web.enable-lifecycle', ...args] });
  return { program, file };
}

const histogram = newHistogram({
  schema: 1,
  resetHint: 'unknown',
  count: 4,
  sum: 5,
  zeroCount: 0,
  zeroThreshold: 0,
  positive: { indexes: Int32Array.of(0, 1, 2), counts: Float64Array.of(1, 2, 1) },
  negative: { indexes: new Int32Array(0), counts: new Float64Array(0) },
  customBounds: new Float64Array(0),
});

test('floats and native histograms are recorded, and end when their rule is gone', async (t) => {
  const rules = (name: string) =>
    `groups: [{name: g, interval: 500ms, rules: [{record: ${name}, expr: m * 2}, {record: h2, expr: h * 2}]}]`;
  const { program, file } = await startProgram(t, rules('a'));
  const nowMs = Date.now();
  const h = { ...oneSeries('h', { x: 'y' }, []), histograms: [{ timestampMs: nowMs, histogram }] };
  await write(program, 1, [oneSeries('m', {}, [[nowMs, 21]]), h]);
  await until('it is recorded', WAIT_MS, async () => (await query(program, 'a', Date.now()))[0]?.value?.[1] === '42');
  await until('so is the histogram', WAIT_MS, async () => {
    const [found] = await query(program, 'histogram_sum(h2) + histogram_count(h2)', Date.now());
    return found?.value?.[1] === '18' && found.metric.x === 'y';
  });
  await fs.writeFile(file, rules('b'));
  assert.equal((await send(program, { method: 'POST', path: '/-/reload' })).status, 200);
  await until('the new one is recorded', WAIT_MS, async () => (await query(program, 'b', Date.now())).length === 1);
  await until('the old one has ended', WAIT_MS, async () => (await query(program, 'a', Date.now())).length === 0);
  await fs.writeFile(file, 'groups: [{name: g, rules: [{record: x}]}]');
  const refused = await send(program, { method: 'POST', path: '/-/reload' });
  assert.equal(refused.status, 500);
  assert.match(refused.text, /rules\.yml: 0:0: group "g", rule 1, "x": field 'expr' must be set in rule/);
  const { data } = JSON.parse((await send(program, { path: '/api/v1/rules?rule_name[]=b' })).text);
  assert.equal(data.groups[0].rules[0].health, 'ok');
});

interface Shown {
  readonly state: string;
  readonly activeAt: string;
}

test('a pending alert goes on after a restart', async (t) => {
  const rules = `groups: [{name: g, interval: 500ms, rules: [{alert: A, expr: m > 1, for: 1h}]}]`;
  const { program } = await startProgram(t, rules, ['--rules.alert.for-grace-period=1s']);
  await write(program, 1, [oneSeries('m', {}, [[Date.now(), 2]])]);
  const alerts = async (): Promise<Shown[]> =>
    JSON.parse((await send(program, { path: '/api/v1/alerts' })).text).data.alerts;
  let before: Shown[] = [];
  await until('it is pending', WAIT_MS, async () => (before = await alerts()).length === 1);
  await until(
    'its state is stored',
    WAIT_MS,
    async () => (await query(program, 'ALERTS_FOR_STATE', Date.now())).length === 1,
  );
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await program.kill();
  const downMs = Date.now();
  await program.start();
  const outageMs = Date.now() - downMs;
  let after: Shown[] = [];
  await until('its state is restored', WAIT_MS, async () => {
    after = await alerts();
    return after.length === 1 && Date.parse(after[0].activeAt) < downMs + outageMs;
  });
  const movedMs = Date.parse(after[0].activeAt) - Date.parse(before[0].activeAt);
  assert.ok(movedMs < outageMs + 4000, `moved by ${movedMs} ms in an outage of ${outageMs} ms`);
  assert.equal(after[0].state, 'pending');
});
