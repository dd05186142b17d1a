// Groups in time: when they are evaluated, what they write, and what becomes of them when the configuration changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withRules } from './rules-world.ts';

const MINUTE_MS = 60_000;

test('rules are evaluated at aligned times and see what the rules before them wrote', () =>
  withRules(
    `groups: [{name: g, interval: 10s, rules: [{record: a, expr: 'm * 2', labels: {x: y}}, {record: b, expr: 'a + 1'}]}]`,
    async (world) => {
      world.sample('m', 21);
      await world.reload();
      await world.clock.sleep(35_000);
      const times = world.queries.filter(({ text }) => text === 'm * 2').map(({ timeMs }) => timeMs);
      assert.ok(times.length >= 3);
      for (const [i, timeMs] of times.entries()) assert.equal(timeMs, times[0] + i * 10_000);
      assert.deepEqual(new Set(world.writes('a')), new Set(['{x="y"} 42']));
      assert.deepEqual(new Set(world.writes('b')), new Set(['{x="y"} 43']));
      assert.equal(world.written[0].timeMs, times[0]);
    },
  ));

test('query_offset moves queries and results back', () =>
  withRules(
    `groups: [{name: g, interval: 10s, query_offset: 5s, rules: [{record: a, expr: time()}]}]`,
    async (world) => {
      await world.reload();
      await world.clock.sleep(15_000);
      const [{ timeMs, value }] = world.written;
      assert.equal(value * 1000, timeMs);
      const lag = world.clock.nowMs() - timeMs;
      assert.ok(lag >= 5000, `${lag}`);
    },
  ));

test('a series that a rule no longer gives is ended', () =>
  withRules(`groups: [{name: g, interval: 10s, rules: [{record: a, expr: 'm > 1'}]}]`, async (world) => {
    world.sample('m', 2);
    await world.reload();
    await world.clock.sleep(12_000);
    world.sample('m', 0);
    await world.clock.sleep(20_000);
    assert.deepEqual([...new Set(world.writes('a'))], ['{} 2', '{} stale']);
    assert.equal(world.writes('a').filter((text) => text.endsWith('stale')).length, 1);
  }));

test('series of a rule that was renamed and of a group that was removed are ended', () =>
  withRules(
    `groups: [{name: g, interval: 10s, rules: [{record: a, expr: m}]}, {name: h, interval: 10s, rules: [{record: c, expr: m}]}]`,
    async (world) => {
      world.sample('m', 2);
      await world.reload();
      await world.clock.sleep(15_000);
      world.files.set('/r/a.yml', `groups: [{name: g, interval: 10s, rules: [{record: b, expr: m}]}]`);
      await world.reload();
      await world.clock.sleep(45_000);
      assert.equal(world.writes('a').at(-1), '{} stale');
      assert.equal(world.writes('b').at(-1), '{} 2');
      assert.equal(world.writes('c').at(-1), '{} stale');
    },
  ));

test('times that pass during an evaluation are left out and counted', () =>
  withRules(`groups: [{name: g, interval: 10s, rules: [{record: a, expr: m}]}]`, async (world) => {
    world.sample('m', 1);
    world.queryMs = 25_000;
    await world.reload();
    await world.clock.sleep(100_000);
    const text = world.metrics.render();
    const missed = Number(/iterations_missed_total\{.*\} (\d+)/.exec(text)?.[1]);
    const all = Number(/group_iterations_total\{.*\} (\d+)/.exec(text)?.[1]);
    assert.ok(missed >= 2, text);
    assert.equal(all, missed + world.queries.length);
    for (const { timeMs } of world.queries) assert.equal((timeMs - world.queries[0].timeMs) % 10_000, 0);
  }));

test('a rule over its limit, with equal label sets, or without a store fails alone and says why', () =>
  withRules(
    `groups: [{name: g, interval: 10s, limit: 1, rules: [{record: a, expr: m}, {record: b, expr: 'sum(m)'}, {record: c, expr: '"x"'}]}]`,
    async (world) => {
      world.sample('m', 1, { i: '1' });
      world.sample('m', 2, { i: '2' });
      await world.reload();
      await world.clock.sleep(12_000);
      const [group] = world.manager.groups();
      const problems = () => group.options.rules.map(({ status }) => status.lastError);
      assert.deepEqual(problems(), ['exceeded limit of 1 with 2 series', '', 'rule result is not a vector or scalar']);
      assert.deepEqual(
        group.options.rules.map(({ status }) => status.health),
        ['err', 'ok', 'err'],
      );
      world.sinkError = 'the disk is full';
      await world.clock.sleep(10_000);
      assert.equal(problems()[1], 'the disk is full');
    },
  ));

test('a reload with a bad rule file changes nothing', () =>
  withRules(`groups: [{name: g, interval: 10s, rules: [{record: a, expr: m}]}]`, async (world) => {
    world.sample('m', 1);
    await world.reload();
    const before = world.manager.groups();
    world.files.set('/r/b.yml', 'groups: [{name: x, rules: [{record: a}]}]');
    await assert.rejects(world.reload(), {
      code: 'bad_rules',
      message: `cannot load rules: /r/b.yml: 0:0: group "x", rule 1, "a": field 'expr' must be set in rule`,
    });
    assert.deepEqual(world.manager.groups(), before);
  }));

test('a group that did not change goes on undisturbed', () =>
  withRules(`groups: [{name: g, interval: 10s, rules: [{record: a, expr: m}]}]`, async (world) => {
    await world.reload();
    const [before] = world.manager.groups();
    await world.reload();
    assert.equal(world.manager.groups()[0], before);
    await world.reload('global: {external_labels: {a: b}}\nrule_files: [/r/*.yml]\n');
    assert.notEqual(world.manager.groups()[0], before);
  }));

const DOWN = (forText: string): string =>
  `groups: [{name: g, interval: 1m, rules: [{alert: Down, expr: 'up == 0', for: ${forText}, labels: {job: x}}]}]`;

test('alerts keep their state over a reload; a longer for makes them pending again', () =>
  withRules(DOWN('2m'), async (world) => {
    const feed = setIntervalOf(world, () => world.sample('up', 0));
    await world.reload();
    await world.clock.sleep(5 * MINUTE_MS);
    const state = () => {
      const [rule] = world.manager.groups()[0].options.rules;
      return rule.kind === 'alerting' ? rule.state : '';
    };
    assert.equal(state(), 'firing');
    world.files.set('/r/a.yml', DOWN('3m'));
    await world.reload();
    assert.equal(state(), 'firing');
    world.files.set('/r/a.yml', DOWN('10m'));
    await world.reload();
    await world.clock.sleep(MINUTE_MS + 1000);
    assert.equal(state(), 'pending');
    feed.stop();
  }));

/** Does something every half minute until stopped. */
function setIntervalOf(
  world: { readonly clock: { after(ms: number, work: () => void): () => void } },
  work: () => void,
) {
  let isStopped = false;
  const again = (): void => {
    if (isStopped) return;
    work();
    world.clock.after(30_000, again);
  };
  again();
  return { stop: () => (isStopped = true) };
}

test('after a restart an alert goes on where it was, the time of the outage left out', () =>
  withRules(DOWN('30m'), async (world) => {
    const feed = setIntervalOf(world, () => world.sample('up', 0));
    await world.reload();
    await world.clock.sleep(15 * MINUTE_MS);
    await world.manager.stop();
    await world.clock.sleep(10 * MINUTE_MS);
    const startMs = world.clock.nowMs();
    world.restart();
    await world.reload();
    await world.clock.sleep(4 * MINUTE_MS);
    const [rule] = world.manager.groups()[0].options.rules;
    assert.ok(rule.kind === 'alerting');
    const [alert] = rule.activeAlerts();
    const pendingMinutes = (startMs - alert.activeAtMs) / MINUTE_MS;
    assert.ok(Math.abs(pendingMinutes - 14) < 4, `pending for ${pendingMinutes} minutes at the start`);
    await world.clock.sleep(8 * MINUTE_MS);
    assert.equal(rule.state, 'pending');
    await world.clock.sleep(10 * MINUTE_MS);
    assert.equal(rule.state, 'firing');
    feed.stop();
  }));
