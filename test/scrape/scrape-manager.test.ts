import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SINKS, type ScrapeWorld, oneJob, withScraping } from '../support/scrape-world.ts';

function scraping(name: string, yaml: string, run: (world: ScrapeWorld) => Promise<void>): void {
  for (const [sink, open] of SINKS) test(`${name} (${sink})`, () => withScraping(open, yaml, run));
}

const values = (world: ScrapeWorld, wanted: Record<string, string>): unknown[] =>
  world.sink.store.of(wanted).map(([, value]) => value);

scraping(
  'a target that is gone is marked two intervals later, at the time of its missed scrape',
  oneJob('', '[a:1, b:1]'),
  async (world) => {
    await world.sleep(15_000);
    const before = world.sink.store.of({ instance: 'b:1', __name__: 'm' }).length;
    await world.reload(oneJob());
    await world.sleep(10_000);
    assert.equal(world.sink.store.of({ instance: 'b:1', __name__: 'm' }).length, before);
    await world.sleep(15_000);
    const m = world.sink.store.of({ instance: 'b:1', __name__: 'm' });
    assert.equal(m.length, before + 1);
    assert.equal(m[before][1], 'stale');
    assert.ok(Math.abs(m[before][0] - m[before - 1][0] - 10_000) <= 2);
    assert.deepEqual(values(world, { instance: 'b:1', __name__: 'up' }).at(-1), 'stale');
    assert.deepEqual(
      world.manager.activeTargets().map(({ labels }) => labels.get('instance')),
      ['a:1'],
    );
  },
);

scraping('a target that comes back in time is not marked', oneJob('', '[a:1, b:1]'), async (world) => {
  await world.sleep(15_000);
  await world.reload(oneJob());
  await world.reload(oneJob('', '[a:1, b:1]'));
  await world.sleep(50_000);
  assert.ok(!values(world, { instance: 'b:1', __name__: 'm' }).includes('stale'));
});

scraping('stopping marks nothing', oneJob(), async (world) => {
  await world.sleep(15_000);
  await world.manager.stop();
  await world.sleep(60_000);
  assert.ok(!values(world, { __name__: 'm' }).includes('stale'));
});

scraping('a reload with equal settings keeps the schedule and the cache', oneJob(), async (world) => {
  await world.sleep(15_000);
  const count = world.requests.length;
  await world.reload(oneJob());
  await world.sleep(10_000);
  assert.equal(world.requests.length, count + 1);
  assert.deepEqual(
    values(world, { __name__: 'scrape_series_added' })
      .slice(1)
      .every((value) => value === 0),
    true,
  );
});

scraping('a reload that leaves labels alone keeps the cache', oneJob(), async (world) => {
  await world.sleep(15_000);
  await world.reload(oneJob('sample_limit: 100'));
  await world.sleep(30_000);
  const added = values(world, { __name__: 'scrape_series_added' });
  assert.deepEqual([added[0], ...new Set(added.slice(1))], [1, 0]);
  assert.ok(!values(world, { __name__: 'm' }).includes('stale'));
});

scraping('a reload that changes labels starts afresh and ends the old series', oneJob(), async (world) => {
  await world.sleep(15_000);
  await world.reload(oneJob('metric_relabel_configs: [{target_label: new, replacement: "1"}]'));
  await world.sleep(40_000);
  assert.ok(values(world, { __name__: 'm', new: '1' }).length >= 3);
  const old = [...world.sink.store.series].find(([key]) => key.includes('"m"') && !key.includes('new='));
  assert.equal(old?.[1].at(-1)?.[1], 'stale');
  assert.ok(!values(world, { __name__: 'up' }).includes('stale'));
});

scraping('target_limit stops all scraping of the pool', oneJob('target_limit: 1', '[a:1, b:1]'), async (world) => {
  await world.sleep(15_000);
  assert.equal(world.requests.length, 0);
  const errors = new Set(world.manager.activeTargets().map(({ lastError }) => lastError));
  assert.deepEqual([...errors], ['target_limit exceeded (number of targets: 2, limit: 1)']);
  assert.deepEqual(new Set(values(world, { __name__: 'up', instance: 'a:1' })), new Set([0]));
});

scraping(
  'relabelling drops targets and keeps what it is told to',
  oneJob(
    'keep_dropped_targets: 1\nrelabel_configs: [{source_labels: [__address__], regex: "[bc].*", action: drop}]',
    '[a:1, b:1, c:1]',
  ),
  async (world) => {
    await world.sleep(10_000);
    assert.deepEqual(
      world.manager.droppedTargets().map(({ discoveredLabels }) => discoveredLabels.get('__address__')),
      ['b:1'],
    );
    assert.deepEqual(world.manager.droppedCounts(), { j: 2 });
    assert.equal(world.manager.activeTargets().length, 1);
  },
);

scraping(
  'relabelling sets URL, interval and timeout',
  oneJob(
    'relabel_configs: [{target_label: __scrape_interval__, replacement: 2s}, {target_label: __scrape_timeout__, replacement: 1s}, {target_label: __metrics_path__, replacement: p}, {target_label: __param_q, replacement: "a b"}, {target_label: __tmp_x, replacement: y}]',
  ),
  async (world) => {
    await world.sleep(10_000);
    const [target] = world.manager.activeTargets();
    assert.deepEqual(
      [target.scrapeUrl, target.scrapeInterval, target.scrapeTimeout],
      ['http://a:1/p?q=a+b', '2s', '1s'],
    );
    assert.equal(String(target.labels), '{instance="a:1", job="j"}');
    assert.equal(world.requests.length, 5);
  },
);

scraping('equal targets are scraped once', oneJob('', '[a:1, a:1]'), async (world) => {
  await world.sleep(10_000);
  assert.equal(world.requests.length, 1);
});
