// /api/v1/rules and /api/v1/alerts in Prometheus' form.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RuleSelection, activeAlertsJson, ruleGroupsPage } from '../../src/rules/index.ts';
import { withRules } from './rules-world.ts';

const ALL: RuleSelection = { type: '', ruleNames: [], ruleGroups: [], files: [], excludeAlerts: false };
const RULES = `groups:
- name: g
  interval: 1m
  limit: 7
  rules:
  - {alert: Hot, expr: 't>30', for: 5m, keep_firing_for: 1m, labels: {sev: page}, annotations: {s: 'is {{ $value }}'}}
  - {record: r, expr: 'sum(t)', labels: {sev: info}}
- name: h
  rules: [{record: r2, expr: t}]
- name: i
  rules: [{record: r3, expr: t}]
`;

type Shown = { name: string; rules: { name: string; [key: string]: unknown }[]; [key: string]: unknown };
const page = (world: Parameters<Parameters<typeof withRules>[1]>[0], selection: Partial<RuleSelection> = {}) => {
  const { groups, groupNextToken } = ruleGroupsPage(world.manager.groups(), { ...ALL, ...selection });
  return { groups: groups as Shown[], groupNextToken };
};
const names = ({ groups }: { groups: Shown[] }) =>
  groups.map(({ name, rules }) => [name, ...rules.map((rule) => rule.name)].join(' '));

test('rules and alerts are shown with all they have', () =>
  withRules(RULES, async (world) => {
    world.sample('t', 31, { room: 'a' });
    await world.reload();
    const [before] = page(world).groups;
    assert.equal(before.rules[0].state, 'unknown');
    assert.equal(before.lastEvaluation, '0001-01-01T00:00:00Z');
    await world.clock.sleep(61_000);
    const [{ rules, lastEvaluation, evaluationTime, ...group }] = page(world).groups;
    assert.deepEqual(group, { name: 'g', file: '/r/a.yml', interval: 60, limit: 7 });
    assert.match(String(lastEvaluation), /^2024-01-01T00:0\d:\d\d\.\d+Z$/);
    assert.equal(typeof evaluationTime, 'number');
    const { evaluationTime: _, lastEvaluation: __, alerts, ...alert } = rules[0];
    assert.deepEqual(alert, {
      state: 'pending',
      name: 'Hot',
      query: 't > 30',
      duration: 300,
      keepFiringFor: 60,
      labels: { sev: 'page' },
      annotations: { s: 'is {{ $value }}' },
      health: 'ok',
      type: 'alerting',
    });
    assert.deepEqual(alerts, activeAlertsJson(world.manager.groups()));
    const [{ activeAt, ...shown }] = alerts as { activeAt: string }[];
    const labels = { alertname: 'Hot', room: 'a', sev: 'page' };
    assert.deepEqual(shown, { labels, annotations: { s: 'is 31' }, state: 'pending', value: '3.1e+01' });
    assert.ok(Date.parse(activeAt) <= world.clock.nowMs());
    assert.equal(rules[1].type, 'recording');
    assert.deepEqual(page(world, { excludeAlerts: true }).groups[0].rules[0].alerts, []);
  }));

test('filters choose rules; groups without any are left out', () =>
  withRules(RULES, async (world) => {
    await world.reload();
    const ok = (selection: Partial<RuleSelection>, ...want: string[]) =>
      assert.deepEqual(names(page(world, selection)), want);
    ok({}, 'g Hot r', 'h r2', 'i r3');
    ok({ type: 'alert' }, 'g Hot');
    ok({ type: 'record' }, 'g r', 'h r2', 'i r3');
    ok({ ruleNames: ['r', 'r3'] }, 'g r', 'i r3');
    ok({ ruleGroups: ['h', 'i'] }, 'h r2', 'i r3');
    ok({ files: ['/r/b.yml'] });
    ok(
      { matcherSets: [[{ name: 'sev', op: '=', value: 'page' }], [{ name: 'sev', op: '=~', value: 'in.*' }]] },
      'g Hot r',
    );
  }));

test('pages follow one another by their tokens', () =>
  withRules(RULES, async (world) => {
    await world.reload();
    const first = page(world, { groupLimit: 2 });
    assert.deepEqual(names(first), ['g Hot r', 'h r2']);
    assert.match(first.groupNextToken, /^[0-9a-f]{64}$/);
    const second = page(world, { groupLimit: 2, groupNextToken: first.groupNextToken });
    assert.deepEqual([names(second), second.groupNextToken], [['i r3'], '']);
    assert.throws(() => page(world, { groupLimit: 2, groupNextToken: 'x' }), {
      code: 'bad_data',
      message: `invalid group_next_token 'x'. were rule groups changed?`,
    });
  }));
