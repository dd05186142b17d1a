// Alerts all the way to a real Alertmanager: pending, firing, resolved; restarts of either side; two servers that send the same.
// The binary is looked for in PATH and in $TIDEMARK_PEERS (absent: ~/.cache/tidemark-peers/bin); without one there is nothing to test.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Program, freePort, spawnGuarded, until } from '../test/support/program.ts';
import { temporaryDirectory } from '../test/support/temp-directory.ts';
import { oneSeries, query, send, write } from './client.ts';

const peers = process.env.TIDEMARK_PEERS ?? path.join(os.homedir(), '.cache/tidemark-peers/bin');
const places = [peers, ...(process.env.PATH ?? '').split(path.delimiter)];
const names = ['prometheus-alertmanager', 'alertmanager'];
const binary = places.flatMap((place) => names.map((name) => path.join(place, name))).find((file) => existsSync(file));
const skip = binary === undefined ? 'no alertmanager in PATH or TIDEMARK_PEERS' : false;

const WAIT_MS = 30_000;

interface ReceivedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

class Alertmanager {
  readonly #home: string;
  readonly port: number;
  #run: ReturnType<typeof spawnGuarded> | null = null;

  private constructor(home: string, port: number) {
    this.#home = home;
    this.port = port;
  }

  static async start(t: TestContext): Promise<Alertmanager> {
    const home = await temporaryDirectory(t);
    await fs.writeFile(path.join(home, 'am.yml'), 'route: {receiver: none}\nreceivers: [{name: none}]\n');
    const manager = new Alertmanager(home, await freePort());
    t.after(() => manager.stop());
    await manager.start();
    return manager;
  }

  async start(): Promise<void> {
    this.#run = spawnGuarded(binary as string, [
      `--config.file=${this.#home}/am.yml`,
      `--storage.path=${this.#home}/data`,
      `--web.listen-address=127.0.0.1:${this.port}`,
      '--cluster.listen-address=',
    ]);
    await until('Alertmanager is ready', WAIT_MS, () =>
      fetch(`http://127.0.0.1:${this.port}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  }

  async stop(): Promise<void> {
    this.#run?.child.kill('SIGKILL');
    await this.#run?.ended;
  }

  /** Alerts that it takes as firing. */
  async alerts(): Promise<ReceivedAlert[]> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/api/v2/alerts`);
    return (await answer.json()) as ReceivedAlert[];
  }

  async waitFor(count: number): Promise<ReceivedAlert[]> {
    let alerts: ReceivedAlert[] = [];
    await until(`${count} alerts`, WAIT_MS, async () => (alerts = await this.alerts()).length === count);
    return alerts;
  }
}

const RULES = `groups:
- name: test
  interval: 500ms
  rules:
  - record: copy:temperature
    expr: temperature * 2
  - alert: Hot
    expr: copy:temperature > 100
    for: 4s
    labels: {severity: page, shown: '{{ $labels.room | toUpper }}'}
    annotations: {summary: '{{ $labels.room }} has {{ $value }} in {{ $externalLabels.region }}'}
`;

const config = (rules: string, managers: readonly Alertmanager[]): string => `global:
  external_labels: {region: eu, replica: a}
rule_files: ['${rules}']
alerting:
  alert_relabel_configs: [{action: labeldrop, regex: replica}]
  alertmanagers:
  - static_configs: [{targets: [${managers.map(({ port }) => `'127.0.0.1:${port}'`).join(', ')}]}]
`;

async function startProgram(t: TestContext, managers: readonly Alertmanager[], replica = 'a'): Promise<Program> {
  const home = await temporaryDirectory(t);
  const rules = path.join(home, 'rules.yml');
  await fs.writeFile(rules, RULES);
  return Program.start(t, {
    config: config(rules, managers).replace('replica: a', `replica: ${replica}`),
    args: ['--rules.alert.resend-delay=2s', '--web.external-url=http://tidemark.example/p', '--web.route-prefix=/'],
  });
}

const setTemperature = (program: Program, value: number) =>
  write(program, 1, [oneSeries('temperature', { room: 'attic' }, [[Date.now(), value]])]);

interface ShownAlert {
  readonly state: string;
  readonly labels: Record<string, string>;
  readonly value: string;
}

async function shownAlerts(program: Program): Promise<ShownAlert[]> {
  const { text } = await send(program, { path: '/api/v1/alerts' });
  return (JSON.parse(text) as { data: { alerts: ShownAlert[] } }).data.alerts;
}

test('an alert is pending, fires, reaches Alertmanager and is resolved there', { skip }, async (t) => {
  const manager = await Alertmanager.start(t);
  const program = await startProgram(t, [manager]);
  await setTemperature(program, 60);
  const states: string[] = [];
  await until('the alert fires', WAIT_MS, async () => {
    const [alert] = await shownAlerts(program);
    if (alert && states.at(-1) !== alert.state) states.push(alert.state);
    return alert?.state === 'firing';
  });
  assert.deepEqual(states, ['pending', 'firing']);
  const [alert] = await manager.waitFor(1);
  const labels = { alertname: 'Hot', region: 'eu', room: 'attic', severity: 'page', shown: 'ATTIC' };
  assert.deepEqual(alert.labels, labels);
  assert.deepEqual(alert.annotations, { summary: 'attic has 120 in eu' });
  assert.equal(alert.generatorURL, 'http://tidemark.example/p/graph?g0.expr=copy%3Atemperature+%3E+100&g0.tab=1');
  assert.ok(Date.parse(alert.endsAt) > Date.now());
  await until('it is in the store', WAIT_MS, async () => {
    const series = await query(program, 'ALERTS{alertstate="firing"}', Date.now());
    return series.length === 1 && series[0].metric.shown === 'ATTIC';
  });
  await setTemperature(program, 20);
  await manager.waitFor(0);
  assert.deepEqual(await shownAlerts(program), []);
  await until('its series has ended', WAIT_MS, async () => (await query(program, 'ALERTS', Date.now())).length === 0);
  assert.deepEqual(
    (await query(program, 'copy:temperature', Date.now())).map(({ value }) => value?.[1]),
    ['40'],
  );
});

test('what fires is told again after a restart of either side', { skip }, async (t) => {
  const manager = await Alertmanager.start(t);
  const program = await startProgram(t, [manager]);
  await setTemperature(program, 60);
  await manager.waitFor(1);
  await manager.stop();
  await until('a failure is counted', WAIT_MS, async () => {
    const { text } = await send(program, { path: '/metrics' });
    return /^prometheus_notifications_errors_total\{.*\} [1-9]/m.test(text);
  });
  await manager.start();
  await manager.waitFor(1);
  await program.stop();
  await program.start();
  await until('the alert fires again', WAIT_MS, async () => (await shownAlerts(program))[0]?.state === 'firing');
  await setTemperature(program, 10);
  await manager.waitFor(0);
});

test('two servers with the same alert make one, at every Alertmanager', { skip }, async (t) => {
  const managers = [await Alertmanager.start(t), await Alertmanager.start(t)];
  const programs = [await startProgram(t, managers, 'a'), await startProgram(t, managers, 'b')];
  for (const program of programs) await setTemperature(program, 60);
  for (const program of programs) {
    await until('it fires', WAIT_MS, async () => (await shownAlerts(program))[0]?.state === 'firing');
    await until('it is sent to both', WAIT_MS, async () => {
      const { text } = await send(program, { path: '/metrics' });
      return (text.match(/^prometheus_notifications_sent_total\{.*\} [1-9]/gm) ?? []).length === 2;
    });
  }
  for (const manager of managers) assert.equal((await manager.waitFor(1))[0].labels.alertname, 'Hot');
  const { text } = await send(programs[0], { path: '/api/v1/alertmanagers' });
  const { data } = JSON.parse(text) as { data: { activeAlertmanagers: { url: string }[] } };
  const wanted = managers.map(({ port }) => ({ url: `http://127.0.0.1:${port}/api/v2/alerts` }));
  assert.deepEqual(data.activeAlertmanagers, wanted);
});
