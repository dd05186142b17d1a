// `check rules` and `test rules` on files that others wrote, and on our own: output and exit codes are promtool's.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCheck } from '../../src/app/check-command.ts';
import { runTest } from '../../src/app/test-rules.ts';
import type { Tool } from '../../src/app/verb-command.ts';
import { hostFiles } from '../../src/config/index.ts';
import { createRealWorld } from '../../src/io/index.ts';
import { repositoryRoot } from '../support/sources.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const shared = path.join(repositoryRoot, '../shared/conformance');
const skip = existsSync(shared) ? false : 'no ../shared/conformance';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(command: 'check' | 'test', args: readonly string[], input = ''): Promise<Outcome> {
  const { clock, files } = createRealWorld('/');
  let [out, err] = ['', ''];
  const tool: Tool = {
    clock,
    files: hostFiles(files, process.cwd()),
    print: (text) => (out += text),
    say: (line) => (err += `${line}\n`),
    readInput: async () => Buffer.from(input),
  };
  const code = await (command === 'check' ? runCheck : runTest)(['rules', ...args], tool);
  return { code, out, err };
}

/** With the default name scheme this one is good. */
const GOOD_IN_UTF8 = new Set(['legacy_validation_annotation.bad.yaml']);

test('rule files of Prometheus are taken or refused as promtool does', { skip }, async (t) => {
  const directory = path.join(shared, 'rulefmt');
  const names = readdirSync(directory);
  for (const name of names) {
    const { code } = await run('check', [path.join(directory, name)]);
    const isBad = name.includes('.bad.') && !GOOD_IN_UTF8.has(name);
    assert.equal(code, isBad ? 1 : 0, name);
  }
  t.diagnostic(`${names.length} files`);
});

test('rule files of promtool', { skip }, async () => {
  const ok = async (name: string, code: number, ...flags: string[]) => {
    const outcome = await run('check', [...flags, path.join(shared, 'promtool', name)]);
    assert.equal(outcome.code, code, `${name}: ${outcome.err}`);
  };
  await ok('rules.yml', 0);
  await ok('at-modifier.yml', 0);
  await ok('bad-rules-error.yml', 0);
  await ok('prometheus-config.rules.good.yml', 0);
  await ok('rules-bad.yml', 1);
  await ok('bad-rules-syntax.yml', 1);
  await ok('rules_extrafields.yml', 1);
  await ok('rules_extrafields.yml', 0, '--ignore-unknown-fields');
  await ok('rules_duplicates.yml', 0);
  await ok('rules_duplicates.yml', 3, '--lint-fatal');
  await ok('rules_duplicates.yml', 0, '--lint-fatal', '--lint=none');
  await ok('prometheus-rules.lint.yml', 3, '--lint-fatal', '--lint=all');
});

test('unit tests of promtool', { skip }, async () => {
  const ok = async (name: string, code: number, ...flags: string[]) => {
    const outcome = await run('test', [...flags, path.join(shared, 'promtool', name)]);
    assert.equal(outcome.code, code, `${name}: ${outcome.err}`);
  };
  await ok('long-period.yml', 0);
  await ok('no-test-group-interval.yml', 0);
  await ok('start-time-test.yml', 0);
  await ok('rules_run_extrafields.yml', 0, '--ignore-unknown-fields');
  await ok('rules_run_extrafields.yml', 1);
  await ok('rules_run.yml', 1);
  await ok('rules_run.yml', 0, '--run=correct');
  await ok('rules_run.yml', 1, '--run=wrong');
  await ok('rules_run_fuzzy.yml', 0, '--run=correct');
  await ok('rules_run_fuzzy.yml', 1);
  await ok('rules_run_no_fuzzy.yml', 1);
  for (const name of [
    'bad-input-series.yml',
    'bad-promql.yml',
    'bad-rules-error-test.yml',
    'bad-rules-syntax-test.yml',
    'failing.yml',
  ])
    await ok(name, 1);
});

const RULES = `groups:
- name: g
  labels: {team: a}
  rules:
  - {alert: Down, expr: up == 0, for: 2m, labels: {sev: page}, annotations: {s: '{{ $labels.job }} in {{ $externalLabels.region }}', e: ''}}
  - {record: job:up, expr: 'sum by (job) (up)'}
  - {record: h2, expr: h * 2}
`;

const TESTS = `rule_files: [rules.yml]
tests:
- name: good
  external_labels: {region: eu}
  input_series:
  - {series: 'up{job="a"}', values: '1 0x5'}
  - {series: 'h{a="b"}', values: '{{schema:1 sum:5 count:4 buckets:[1 2 1]}}x5'}
  alert_rule_test:
  - {eval_time: 2m, alertname: Down, exp_alerts: []}
  - {eval_time: 3m, alertname: Down, exp_alerts: [{exp_labels: {job: a, sev: page, team: a}, exp_annotations: {s: a in eu, e: ''}}]}
  promql_expr_test:
  - {expr: 'job:up', eval_time: 1m, exp_samples: [{labels: 'job:up{job="a",team="a"}', value: 0}]}
  - expr: h2
    eval_time: 1m
    exp_samples: [{labels: 'h2{a="b",team="a"}', histogram: '{{schema:1 sum:10 count:8 counter_reset_hint:not_reset buckets:[2 4 2]}}'}]
`;

async function withFiles(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const home = await temporaryDirectory(t);
  for (const [name, text] of Object.entries(files)) await fs.writeFile(path.join(home, name), text);
  return home;
}

test('a test file that holds is a success', async (t) => {
  const home = await withFiles(t, { 'rules.yml': RULES, 't.yml': TESTS });
  assert.deepEqual(await run('test', [path.join(home, 't.yml')]), { code: 0, out: '  SUCCESS\n\n', err: '' });
});

test('what does not hold is shown as promtool shows it', async (t) => {
  const bad = TESTS.replace('exp_alerts: []', 'exp_alerts: [{exp_labels: {x: y}}]').replace('value: 0}', 'value: 1}');
  const home = await withFiles(t, { 'rules.yml': RULES, 't.yml': bad });
  const { code, err } = await run('test', [path.join(home, 't.yml'), `--junit=${home}/j.xml`]);
  assert.equal(code, 1);
  const lines = [
    '  FAILED:',
    '    name: good,',
    '    alertname: Down, time: 2m, ',
    '        exp:[',
    '            0:',
    '              Labels:{alertname="Down", x="y"}',
    '              Annotations:{}',
    '            ], ',
    '        got:[]',
    '    expr: "job:up", time: 1m,',
    '        exp: {__name__="job:up", job="a", team="a"} 1E+00',
    '        got: {__name__="job:up", job="a", team="a"} 0E+00',
  ];
  assert.equal(err, `${lines.join('\n')}\n`);
  const xml = await fs.readFile(path.join(home, 'j.xml'), 'utf8');
  assert.match(
    xml,
    /^<testsuites><testsuite name="[^"]+t.yml" tests="1" failures="1" errors="0" skipped="0" timestamp="[^"]+">/,
  );
});

test('files and flags that are wrong are named', async (t) => {
  const home = await withFiles(t, { 'rules.yml': RULES, 't.yml': 'rule_files: [absent*.yml]\ntests: [{}]\n' });
  const none = await run('check', [path.join(home, 'absent.yml')]);
  assert.deepEqual(
    [none.code, none.err],
    [1, `tidemark: error: path '${home}/absent.yml' does not exist, try --help\n`],
  );
  const warned = await run('test', [path.join(home, 't.yml')]);
  assert.deepEqual([warned.code, warned.err], [0, `  WARNING: no file match pattern ${home}/absent*.yml\n`]);
  assert.match((await run('check', ['--lint=x'])).err, /unknown lint option "x"/);
  assert.equal((await run('test', [])).code, 1);
});

test('rules are read from standard input where no file is named', async () => {
  const { code, out } = await run('check', [], RULES);
  assert.deepEqual([code, out], [0, 'Checking standard input\n  SUCCESS: 3 rules found\n\n']);
  assert.equal((await run('check', [], 'groups: 1')).code, 1);
});
