// What is shipped in deploy/: rules with their tests, a dashboard, an example configuration; and that all metrics they ask for are
// there in a live process.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { parseExpr } from '../src/promql/parse/index.ts';
import { Program, runProgram, until } from '../test/support/program.ts';
import { repositoryRoot } from '../test/support/sources.ts';
import { send } from './client.ts';

const deploy = path.join(repositoryRoot, 'deploy');
const RULES = path.join(deploy, 'rules/tidemark.rules.yml');

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly { readonly record?: string; readonly alert?: string; readonly expr: string }[];
  }[];
}
interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly w: number };
    readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
  }[];
}

const rules = (parse(readFileSync(RULES, 'utf8')) as RuleFile).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(path.join(deploy, 'grafana/tidemark.json'), 'utf8')) as Dashboard;

/** With Grafana's variables filled in. */
const filled = (expression: string): string =>
  expression.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*');

/** Names of the selectors anywhere in a syntax tree. */
function metricsOf(tree: unknown, found: Set<string>): void {
  if (tree === null || typeof tree !== 'object') return;
  const { type, name } = tree as { readonly type?: unknown; readonly name?: unknown };
  if (type === 'vectorSelector') found.add(String(name));
  for (const child of Object.values(tree)) metricsOf(child, found);
}

test('the shipped rules pass their tests, and each rule has one', async () => {
  const tests = path.join(deploy, 'rules/tidemark.test.yml');
  const { code, stdout, stderr } = await runProgram(['test', 'rules', tests]);
  assert.equal(code, 0, stdout + stderr);
  const text = readFileSync(tests, 'utf8');
  for (const { record, alert = '' } of rules)
    assert.ok(text.includes(record ?? `alertname: ${alert}\n`), record ?? alert);
});

test('the shipped rules and the example configuration are good', async () => {
  for (const args of [
    ['check', 'rules', '--lint=all', '--lint-fatal', RULES],
    ['check', 'config', path.join(deploy, 'prometheus.yml')],
  ]) {
    const { code, stdout, stderr } = await runProgram(args);
    assert.equal(code, 0, stdout + stderr);
  }
});

test('panels of the dashboard have a place and a number of their own', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  assert.deepEqual(ids, [...new Set(ids)]);
  for (const { title, gridPos, targets = [] } of dashboard.panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (const { expr } of targets) assert.doesNotThrow(() => parseExpr(filled(expr)), title);
  }
});

test('all metrics that rules and dashboard ask for are there in a live process', async (t) => {
  const program = await Program.start(t);
  const config = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [${RULES}]
alerting: {alertmanagers: [{static_configs: [{targets: ['localhost:1']}]}]}
remote_write: [{url: 'http://localhost:1/write', name: away}]
scrape_configs:
  - {job_name: tidemark, static_configs: [{targets: ['localhost:${program.port}']}]}
  - {job_name: away, static_configs: [{targets: ['localhost:1']}]}
`;
  const { writeFile } = await import('node:fs/promises');
  await writeFile(program.configFile, config);
  program.signal('SIGHUP');
  const metrics = async (): Promise<string> => (await send(program, { path: '/metrics' })).text;
  await until('a scrape has failed, a rule run', 20_000, async () => {
    const text = await metrics();
    return /tidemark_scrape_failures_total\{/.test(text) && /tidemark_queries_total\{/.test(text);
  });
  const there = new Set(
    Array.from((await metrics()).matchAll(/^([a-zA-Z_:][a-zA-Z0-9_:]*)[{ ]/gm), (match) => match[1]),
  );
  const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
  const asked = new Set<string>();
  for (const { expr } of rules) metricsOf(parseExpr(expr), asked);
  for (const { targets = [] } of dashboard.panels)
    for (const { expr } of targets) metricsOf(parseExpr(filled(expr)), asked);
  assert.ok(asked.size > 60, `${asked.size} metrics`);
  assert.deepEqual(
    [...asked].filter((name) => !there.has(name) && !recorded.has(name)),
    [],
  );
});
