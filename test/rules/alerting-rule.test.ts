// The life of alerts, rule by rule and step by step.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../src/base/index.ts';
import { Labels } from '../../src/model/index.ts';
import { AlertingRule } from '../../src/rules/alerting-rule.ts';
import { evaluationBatches } from '../../src/rules/dependencies.ts';
import { lastSlotMs } from '../../src/rules/group.ts';
import { RecordingRule } from '../../src/rules/recording-rule.ts';
import { restoredActiveAtMs } from '../../src/rules/restore.ts';
import { parseRuleFile } from '../../src/rules/rule-file.ts';
import type { RuleSample } from '../../src/rules/world.ts';

const MINUTE_MS = 60_000;

function alertingRule(text: string): AlertingRule {
  const { groups, errors } = parseRuleFile(`groups: [{name: g, labels: {team: a}, rules: [${text}]}]`);
  assert.deepEqual(errors, []);
  return new AlertingRule(groups[0].rules[0], groups[0], { isRestored: true });
}

/** Evaluates at a minute with these values by label `i`; gives the states. */
async function evaluate(
  rule: AlertingRule,
  minute: number,
  values: Record<string, number>,
  limit = 0,
): Promise<string[]> {
  const found: RuleSample[] = Object.entries(values).map(([i, value]) => ({
    labels: Labels.from({ __name__: 'up', i }),
    value,
    histogram: null,
  }));
  const world = { queryOffsetMs: 0, externalLabels: {}, externalUrl: '', query: async () => found };
  const samples = await rule.evaluate({ ...world, timeMs: minute * MINUTE_MS, limit });
  return samples
    .filter(({ labels }) => labels.has('alertstate'))
    .map(({ labels }) => `${labels.get('i')}:${labels.get('alertstate')}`);
}

test('an alert is pending until it has been there for the whole time', async () => {
  const rule = alertingRule('{alert: A, expr: up, for: 2m}');
  assert.deepEqual(await evaluate(rule, 0, { a: 1 }), ['a:pending']);
  assert.deepEqual(await evaluate(rule, 1, { a: 1, b: 1 }), ['a:pending', 'b:pending']);
  assert.deepEqual(await evaluate(rule, 2, { a: 1 }), ['a:firing']);
  assert.equal(rule.alerts.size, 1);
  assert.equal(rule.state, 'firing');
  assert.deepEqual(await evaluate(rule, 3, {}), []);
  assert.equal(rule.state, 'inactive');
  assert.deepEqual(rule.activeAlerts(), []);
});

test('a resolved alert is kept for a quarter of an hour, and begins anew if it comes back', async () => {
  const rule = alertingRule('{alert: A, expr: up}');
  await evaluate(rule, 0, { a: 1 });
  await evaluate(rule, 1, {});
  await evaluate(rule, 16, {});
  assert.equal(rule.alerts.size, 1);
  await evaluate(rule, 17, {});
  assert.equal(rule.alerts.size, 0);
  await evaluate(rule, 18, { a: 1 });
  await evaluate(rule, 19, {});
  await evaluate(rule, 20, { a: 1 });
  assert.equal([...rule.alerts.values()][0].activeAtMs, 20 * MINUTE_MS);
});

test('keep_firing_for holds an alert that is gone', async () => {
  const rule = alertingRule('{alert: A, expr: up, keep_firing_for: 3m}');
  await evaluate(rule, 0, { a: 1 });
  for (const minute of [1, 2, 3]) assert.deepEqual(await evaluate(rule, minute, {}), ['a:firing'], `${minute}`);
  assert.deepEqual(await evaluate(rule, 4, {}), []);
  await evaluate(rule, 5, { a: 1 });
  await evaluate(rule, 6, {});
  await evaluate(rule, 7, { a: 1 });
  assert.deepEqual(await evaluate(rule, 9, {}), ['a:firing'], 'the time counts from when it was last gone');
});

test('labels and annotations are templates; the value is that of the last evaluation', async () => {
  const rule = alertingRule(
    `{alert: A, expr: up, labels: {sev: 'x{{ $labels.i }}', gone: '{{ $labels.nope }}'}, annotations: {v: '{{ $value }}', e: ''}}`,
  );
  await evaluate(rule, 0, { a: 1 });
  await evaluate(rule, 1, { a: 2.5 });
  const [alert] = rule.activeAlerts();
  assert.deepEqual(alert.labels.toObject(), { alertname: 'A', i: 'a', sev: 'xa', team: 'a' });
  assert.deepEqual(alert.annotations, [
    ['e', ''],
    ['v', '2.5'],
  ]);
  assert.equal(alert.value, 2.5);
});

test('a template that fails says so in its place', async () => {
  const failures: Error[] = [];
  const rule = alertingRule(`{alert: A, expr: up, annotations: {v: '{{ humanize "x" }}'}}`);
  await rule.evaluate({
    timeMs: 0,
    queryOffsetMs: 0,
    limit: 0,
    externalLabels: {},
    externalUrl: '',
    query: async () => [{ labels: Labels.empty, value: 1, histogram: null }],
    onTemplateFailure: (error) => failures.push(error),
  });
  assert.match(
    rule.activeAlerts()[0].annotations[0][1],
    /^<error expanding template: error executing template __alert_A: .*invalid syntax>$/,
  );
  assert.equal(failures.length, 1);
});

test('equal labels and too many alerts are errors of the rule', async () => {
  const same = alertingRule('{alert: A, expr: up, labels: {i: x}}');
  const text = 'vector contains metrics with the same labelset after applying alert labels';
  await assert.rejects(evaluate(same, 0, { a: 1, b: 1 }), new TidemarkError('execution', text));
  const many = alertingRule('{alert: A, expr: up}');
  await assert.rejects(
    evaluate(many, 0, { a: 1, b: 1 }, 1),
    new TidemarkError('execution', 'exceeded limit of 1 with 2 alerts'),
  );
  assert.equal(many.alerts.size, 0);
});

test('before the state is restored nothing is written', async () => {
  const rule = alertingRule('{alert: A, expr: up}');
  rule.isRestored = false;
  assert.deepEqual(await evaluate(rule, 0, { a: 1 }), []);
  assert.equal(rule.state, 'firing');
});

test('restored alerts count from where they were', () => {
  const ok = (storedMin: number, lastMin: number, nowMin: number, forMin: number, wantMin: number) => {
    const times = [storedMin, lastMin, nowMin, forMin, 10].map((minute) => minute * MINUTE_MS);
    assert.equal(restoredActiveAtMs(...(times as [number, number, number, number, number])) / MINUTE_MS, wantMin);
  };
  ok(0, 40, 60, 30, 0); // fired before
  ok(0, 25, 60, 30, 40); // five minutes were left: the grace period is longer
  ok(0, 10, 60, 30, 50); // twenty minutes were left
});

test('rules that read what others write come after them', () => {
  const { groups } = parseRuleFile(`groups: [{name: g, rules: [
    {record: a, expr: m}, {record: b, expr: a + 1}, {record: c, expr: 'sum(b)'}, {record: d, expr: n},
    {alert: X, expr: c > 1}, {record: e, expr: '{job="x"}'}]}]`);
  const rules = groups[0].rules.map((rule) =>
    rule.alert === '' ? new RecordingRule(rule, groups[0]) : new AlertingRule(rule, groups[0], { isRestored: true }),
  );
  assert.deepEqual(evaluationBatches(rules.slice(0, 5)), [[0, 3], [1], [2], [4]]);
  assert.deepEqual(evaluationBatches(rules.slice(3, 5)), [[0, 1]]);
  assert.deepEqual(evaluationBatches([rules[0], rules[5]]), [[0], [1]], 'a selector without a name may read anything');
});

test('groups of one interval are spread over it, and keep their phase', () => {
  const phases = new Set<number>();
  for (let i = 0; i < 50; i++) {
    const slotMs = lastSlotMs(1_700_000_000_000, 60_000, `/r.yml;g${i}`);
    assert.ok(slotMs <= 1_700_000_000_000 && slotMs > 1_700_000_000_000 - 60_000);
    assert.equal(lastSlotMs(slotMs + 59_999, 60_000, `/r.yml;g${i}`), slotMs);
    phases.add(Math.floor((slotMs % 60_000) / 6000));
  }
  assert.ok(phases.size >= 8);
});
