// What an Alertmanager is told, and when.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels } from '../../src/model/index.ts';
import { newAlert } from '../../src/rules/alert.ts';
import { alertmanagerUrls } from '../../src/rules/alertmanagers.ts';
import { parseConfig } from '../../src/config/index.ts';
import { type RulesWorld, withRules } from './rules-world.ts';

const MINUTE_MS = 60_000;
const RULES = `groups: [{name: g, interval: 1m, rules: [{alert: Hot, expr: 't > 30', annotations: {s: 'is {{ $value }}', empty: ''}}]}]`;
const CONFIG = `global: {external_labels: {region: eu, replica: a}}
rule_files: [/r/*.yml]
alerting:
  alert_relabel_configs: [{action: labeldrop, regex: replica}]
  alertmanagers:
  - path_prefix: /am/
    alert_relabel_configs: [{target_label: via, replacement: one}]
    static_configs: [{targets: ['am:9093']}]
`;

const alert = (n: number, world: RulesWorld) => ({
  ...newAlert(Labels.from({ alertname: 'A', n: String(n) }), [], 1, world.clock.nowMs()),
  state: 'firing' as const,
  firedAtMs: world.clock.nowMs(),
});

test('an alert is sent when it fires, again after the delay, and as resolved', () =>
  withRules(RULES, async (world) => {
    world.sample('t', 31);
    await world.reload(CONFIG);
    await world.clock.sleep(61_000);
    assert.equal(world.requests[0].url.href, 'http://am:9093/am/api/v2/alerts');
    assert.equal(world.requests[0].headers['content-type'], 'application/json');
    const [[first]] = world.posted;
    assert.deepEqual(first.labels, { alertname: 'Hot', region: 'eu', via: 'one' });
    assert.deepEqual(first.annotations, { empty: '', s: 'is 31' });
    assert.equal(first.generatorURL, 'http://x.org/graph?g0.expr=t+%3E+30&g0.tab=1');
    assert.equal(Date.parse(first.endsAt) - Date.parse(first.startsAt), 4 * MINUTE_MS);
    await world.clock.sleep(MINUTE_MS);
    assert.equal(world.posted.length, 1, 'sent again before the delay was over');
    world.sample('t', 32);
    await world.clock.sleep(MINUTE_MS);
    assert.equal(world.posted.length, 2);
    assert.equal(world.posted[1][0].startsAt, first.startsAt);
    world.sample('t', 0);
    await world.clock.sleep(MINUTE_MS);
    const [resolved] = world.posted.at(-1) ?? [];
    assert.ok(Date.parse(resolved.endsAt) <= world.clock.nowMs());
    const count = world.posted.length;
    await world.clock.sleep(30 * MINUTE_MS);
    assert.ok(
      world.posted.length > count + 5 && world.posted.length < count + 12,
      'a resolved alert is sent for 15 minutes',
    );
  }));

test('alerts travel in batches; a full queue gives the oldest up', () =>
  withRules('', async (world) => {
    await world.reload(CONFIG);
    world.notifier.notify(
      'q',
      Array.from({ length: 5 }, (_, i) => alert(i, world)),
    );
    await world.clock.sleep(1000);
    assert.deepEqual(
      world.posted.map(({ length }) => length),
      [2, 2, 1],
    );
    world.notifier.notify(
      'q',
      Array.from({ length: 8 }, (_, i) => alert(i, world)),
    );
    await world.clock.sleep(1000);
    assert.deepEqual(
      world.posted
        .slice(3)
        .flat()
        .map(({ labels }) => labels.n),
      ['3', '4', '5', '6', '7'],
    );
    assert.match(world.metrics.render(), /notifications_dropped_total\{.*\} 3/);
  }));

test('what is not taken is dropped and counted, and later alerts are sent', () =>
  withRules('', async (world) => {
    await world.reload(CONFIG);
    world.amStatus = 500;
    world.notifier.notify('q', [alert(1, world)]);
    await world.clock.sleep(1000);
    assert.match(world.metrics.render(), /notifications_errors_total\{.*\} 1/);
    world.amStatus = 200;
    world.notifier.notify('q', [alert(2, world)]);
    await world.clock.sleep(1000);
    assert.match(world.metrics.render(), /notifications_sent_total\{.*\} 1/);
  }));

test('a stop sends what is queued', () =>
  withRules('', async (world) => {
    await world.reload(CONFIG);
    world.notifier.notify(
      'q',
      Array.from({ length: 5 }, (_, i) => alert(i, world)),
    );
    await world.notifier.stop();
    assert.equal(world.posted.flat().length, 5);
  }));

test('relabelling may drop alerts', () =>
  withRules('', async (world) => {
    await world.reload(
      CONFIG.replace('{action: labeldrop, regex: replica}', '{action: drop, source_labels: [n], regex: "1"}'),
    );
    world.notifier.notify('q', [alert(1, world), alert(2, world)]);
    await world.clock.sleep(1000);
    assert.deepEqual(
      world.posted.flat().map(({ labels }) => labels.n),
      ['2'],
    );
  }));

test('addresses of Alertmanagers come from labels and relabelling', () => {
  const urls = (yaml: string, ...addresses: string[]) => {
    const { alerting } = parseConfig(`alerting: {alertmanagers: [${yaml}]}`, { file: '/c.yml' });
    const targets = addresses.map((address) => Labels.from({ __address__: address, __meta_x: 'y' }));
    return alertmanagerUrls(alerting.alertmanagers[0], [{ targets, labels: Labels.from({ dc: 'one' }) }], 'utf8');
  };
  assert.deepEqual(urls('{}', 'a:1', 'b:2', 'a:1').active, ['http://a:1/api/v2/alerts', 'http://b:2/api/v2/alerts']);
  assert.deepEqual(urls('{scheme: https, path_prefix: x/y/}', 'a:1').active, ['https://a:1/x/y/api/v2/alerts']);
  const dropped = urls(
    '{relabel_configs: [{action: drop, source_labels: [__address__], regex: "a:.*"}]}',
    'a:1',
    'b:2',
  );
  assert.deepEqual([dropped.active, dropped.dropped], [['http://b:2/api/v2/alerts'], ['http://a:1/api/v2/alerts']]);
  const moved = urls(
    '{relabel_configs: [{target_label: __address__, source_labels: [dc], replacement: "$1:80"}]}',
    'a:1',
  );
  assert.deepEqual(moved.active, ['http://one:80/api/v2/alerts']);
  assert.deepEqual(urls('{relabel_configs: [{target_label: __address__, replacement: "a/b"}]}', 'a:1').errors, [
    '"a/b" is not a valid hostname',
  ]);
});
