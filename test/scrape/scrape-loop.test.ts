import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SINKS, type ScrapeWorld, oneJob, withScraping } from '../support/scrape-world.ts';

function scraping(name: string, yaml: string, run: (world: ScrapeWorld) => Promise<void>): void {
  for (const [sink, open] of SINKS) test(`${name} (${sink})`, () => withScraping(open, yaml, run));
}

const values = (world: ScrapeWorld, wanted: Record<string, string>): unknown[] =>
  world.sink.store.of(wanted).map(([, value]) => value);

scraping('stores what is exposed with the labels of the target', oneJob(), async (world) => {
  world.page = '# TYPE m counter\n# HELP m Help.\nm{x="1",instance="own"} 1.5\nm{x="2"} NaN\n';
  await world.sleep(21_000);
  const m1 = world.sink.store.of({ x: '1' });
  assert.equal(m1.length, 2);
  assert.equal(m1[1][0] - m1[0][0], 10_000);
  assert.deepEqual(values(world, { x: '1', exported_instance: 'own', instance: 'a:1', job: 'j' }), [1.5, 1.5]);
  assert.deepEqual(values(world, { x: '2' }), [Number.NaN, Number.NaN]);
  assert.deepEqual(values(world, { __name__: 'up' }), [1, 1]);
  assert.deepEqual(values(world, { __name__: 'scrape_samples_scraped' }), [2, 2]);
  assert.deepEqual(values(world, { __name__: 'scrape_samples_post_metric_relabeling' }), [2, 2]);
  assert.deepEqual(values(world, { __name__: 'scrape_series_added' }), [2, 0]);
  const [target] = world.manager.activeTargets();
  assert.equal(target.health, 'up');
  assert.equal(target.scrapeUrl, 'http://a:1/metrics');
  assert.equal(target.scrapeInterval, '10s');
  const [metadata] = world.manager.metadata();
  assert.deepEqual([metadata.metric, metadata.type, metadata.help], ['m', 'counter', 'Help.']);
});

scraping('asks as Prometheus asks', oneJob('params: {module: [http 2xx]}'), async (world) => {
  await world.sleep(10_000);
  const { url, headers } = world.requests[0];
  assert.equal(url.href, 'http://a:1/metrics?module=http+2xx');
  assert.equal(headers['user-agent'], 'Tidemark/0.1.0');
  assert.equal(headers['x-prometheus-scrape-timeout-seconds'], '5');
  assert.equal(headers['accept-encoding'], 'gzip');
  assert.match(headers.accept, /^application\/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,/);
});

scraping('marks series that vanish, and takes them up again', oneJob(), async (world) => {
  world.page = 'a 1\nb 1\n';
  await world.sleep(10_000);
  world.page = 'a 2\n';
  await world.sleep(20_000);
  world.page = 'a 3\nb 3\n';
  await world.sleep(10_000);
  assert.deepEqual(values(world, { __name__: 'a' }), [1, 2, 2, 3]);
  assert.deepEqual(values(world, { __name__: 'b' }), [1, 'stale', 3]);
});

scraping('a failed scrape ends all series of the target and sets up to 0', oneJob(), async (world) => {
  await world.sleep(10_000);
  world.page = 500;
  await world.sleep(20_000);
  assert.deepEqual(values(world, { __name__: 'm' }), [1, 'stale']);
  assert.deepEqual(values(world, { __name__: 'up' }), [1, 0, 0]);
  const [target] = world.manager.activeTargets();
  assert.deepEqual(
    [target.health, target.lastError],
    ['down', 'server returned HTTP status 500 Internal Server Error'],
  );
  world.page = 'm 2\n';
  await world.sleep(10_000);
  assert.deepEqual(values(world, { __name__: 'm' }), [1, 'stale', 2]);
  assert.deepEqual(values(world, { __name__: 'scrape_series_added' }).at(-1), 0);
});

scraping('a malformed page counts as a failed scrape, as a whole', oneJob(), async (world) => {
  await world.sleep(10_000);
  world.page = 'm 2\nn 1\nbad line\n';
  await world.sleep(10_000);
  assert.deepEqual(values(world, { __name__: 'm' }), [1, 'stale']);
  assert.deepEqual(values(world, { __name__: 'n' }), []);
  const [target] = world.manager.activeTargets();
  assert.match(
    target.lastError,
    /^strconv.ParseFloat: parsing "line": invalid syntax while parsing: "bad line" \(line 3\)$/,
  );
});

scraping('labels that change places are the same series', oneJob(), async (world) => {
  world.page = 'm{a="1",b="2"} 1\n';
  await world.sleep(10_000);
  world.page = 'm{b="2",a="1"} 2\n';
  await world.sleep(10_000);
  assert.deepEqual(values(world, { a: '1' }), [1, 2]);
});

scraping('a series twice in a page counts once', oneJob(), async (world) => {
  world.page = 'm 1\nm 2\n';
  await world.sleep(20_000);
  assert.deepEqual(values(world, { __name__: 'm' }), [1, 1]);
  assert.deepEqual(values(world, { __name__: 'scrape_samples_post_metric_relabeling' }), [2, 2]);
});

scraping('explicit timestamps are kept and are not marked', oneJob(), async (world) => {
  world.page = 'm 1 1000\nfuture 1 99999999999999\n';
  await world.sleep(10_000);
  world.page = 'n 1\n';
  await world.sleep(10_000);
  assert.deepEqual(world.sink.store.of({ __name__: 'm' }), [[1000, 1]]);
  assert.deepEqual(values(world, { __name__: 'future' }), []);
});

scraping(
  'explicit timestamps are marked where the job tracks them',
  oneJob('track_timestamps_staleness: true'),
  async (world) => {
    world.page = 'm 1 1000\n';
    await world.sleep(10_000);
    world.page = 'n 1\n';
    await world.sleep(10_000);
    assert.deepEqual(values(world, { __name__: 'm' }), [1, 'stale']);
  },
);

scraping(
  'explicit timestamps are passed over where the job says so',
  oneJob('honor_timestamps: false'),
  async (world) => {
    world.page = 'm 1 1000\n';
    await world.sleep(10_000);
    assert.ok(world.sink.store.of({ __name__: 'm' })[0][0] > 1e12);
  },
);

scraping(
  'metric relabelling drops and renames',
  oneJob(
    'metric_relabel_configs: [{source_labels: [__name__], regex: "a.*", action: drop}, {source_labels: [x], target_label: y}]',
  ),
  async (world) => {
    world.page = 'abc 1\nm{x="1"} 1\n';
    await world.sleep(20_000);
    assert.deepEqual(values(world, { __name__: 'abc' }), []);
    assert.deepEqual(values(world, { y: '1' }), [1, 1]);
    assert.deepEqual(values(world, { __name__: 'scrape_samples_post_metric_relabeling' }), [1, 1]);
    assert.deepEqual(values(world, { __name__: 'scrape_samples_scraped' }), [2, 2]);
  },
);

for (const [limit, page, error] of [
  ['sample_limit: 1', 'a 1\nb 1\n', 'sample limit exceeded'],
  ['label_limit: 3', 'a{x="1"} 1\n', 'label_limit exceeded (metric: a, number of labels: 4, limit: 3)'],
  [
    'label_name_length_limit: 9',
    'a{long_name_1="1"} 1\n',
    'label_name_length_limit exceeded (metric: a, label name: long_name_1, length: 11, limit: 9)',
  ],
  [
    'label_value_length_limit: 4',
    'a{x="12345"} 1\n',
    'label_value_length_limit exceeded (metric: a, label name: x, value: "12345", length: 5, limit: 4)',
  ],
  ['body_size_limit: 4B', 'a 1\nb 1\n', 'body size limit exceeded'],
  ['metric_relabel_configs: [{regex: __name__, action: labeldrop}]', 'a 1\n', 'missing metric name (__name__ label)'],
] as const) {
  scraping(`${limit} fails the scrape`, oneJob(limit), async (world) => {
    world.page = page;
    await world.sleep(10_000);
    assert.equal(world.manager.activeTargets()[0].lastError, error);
    assert.deepEqual(values(world, { __name__: 'up' }), [0]);
    assert.deepEqual(values(world, { __name__: 'a' }), []);
  });
}

scraping('a body with too many samples is counted and described whole', oneJob('sample_limit: 2'), async (world) => {
  world.page = '# HELP a Help.\na 1\nb 1\n# TYPE c gauge\nc 1\n';
  await world.sleep(20_000);
  assert.deepEqual(values(world, { __name__: 'scrape_samples_scraped' }), [3, 3]);
  assert.deepEqual(values(world, { __name__: 'scrape_samples_post_metric_relabeling' }), [3, 3]);
  assert.deepEqual(values(world, { __name__: 'scrape_series_added' }), [2, 0]);
  const described = [...world.manager.metadata()].map(({ metric, type, help }) => [metric, type, help]);
  assert.deepEqual(described, [
    ['a', 'unknown', 'Help.'],
    ['c', 'gauge', ''],
  ]);
});

scraping('a body is counted up to the series that is refused', oneJob('label_limit: 3'), async (world) => {
  world.page = 'a 1\nb 1\nc{x="1"} 1\nd 1\n';
  await world.sleep(20_000);
  assert.deepEqual(values(world, { __name__: 'scrape_samples_scraped' }), [3, 3]);
  assert.deepEqual(values(world, { __name__: 'scrape_samples_post_metric_relabeling' }), [2, 2]);
  assert.deepEqual(values(world, { __name__: 'scrape_series_added' }), [2, 0]);
  assert.deepEqual(values(world, { __name__: 'a' }), []);
});

scraping(
  'extra_scrape_metrics adds three series',
  oneJob('extra_scrape_metrics: true\nsample_limit: 5'),
  async (world) => {
    world.page = 'a 1\nb 1\n';
    await world.sleep(10_000);
    assert.deepEqual(values(world, { __name__: 'scrape_timeout_seconds' }), [5]);
    assert.deepEqual(values(world, { __name__: 'scrape_sample_limit' }), [5]);
    assert.deepEqual(values(world, { __name__: 'scrape_body_size_bytes' }), [8]);
  },
);

scraping(
  'a scrape that cannot be stored leaves nothing, and its stale marks come with the next',
  oneJob(),
  async (world) => {
    world.page = 'a 1\nb 1\n';
    await world.sleep(10_000);
    world.sink.store.full = true;
    world.page = 'a 2\n';
    await world.sleep(10_000);
    const [target] = world.manager.activeTargets();
    assert.deepEqual([target.health, target.lastError], ['down', 'cannot append: the log is full']);
    world.sink.store.full = false;
    await world.sleep(10_000);
    assert.deepEqual(values(world, { __name__: 'a' }), [1, 2]);
    assert.deepEqual(values(world, { __name__: 'b' }), [1, 'stale']);
    assert.deepEqual(values(world, { __name__: 'up' }), [1, 1]);
  },
);

scraping('a new log segment gets the labels again', oneJob(), async (world) => {
  world.page = 'a{x="1"} 1\n';
  await world.sleep(10_000);
  world.sink.rotate();
  await world.sleep(10_000);
  world.page = 'b 1\n';
  world.sink.rotate();
  await world.sleep(10_000);
  assert.deepEqual(values(world, { __name__: 'a' }), [1, 1, 'stale']);
  assert.deepEqual(values(world, { __name__: 'up' }), [1, 1, 1]);
});

scraping('OpenMetrics pages: seconds, exemplars, normalised buckets', oneJob(), async (world) => {
  const body =
    '# TYPE h histogram\nh_bucket{le="1"} 1 # {t="x"} 0.123456789012345678\nh_bucket{le="+Inf"} 2 1700000000.1234567\n# EOF\n';
  world.page = { headers: { 'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8' }, body };
  await world.sleep(10_000);
  assert.deepEqual(values(world, { le: '1.0' }), [1]);
  assert.deepEqual(world.sink.store.of({ le: '+Inf' }), [[1_700_000_000_123, 2]]);
});

scraping('a page without a content type fails, but not where the job has a fallback', oneJob(), async (world) => {
  world.page = { body: 'm 1\n' };
  await world.sleep(10_000);
  assert.match(
    world.manager.activeTargets()[0].lastError,
    /^non-compliant scrape target sending blank Content-Type and no fallback/,
  );
  await world.reload(oneJob('fallback_scrape_protocol: PrometheusText0.0.4'));
  await world.sleep(10_000);
  assert.deepEqual(values(world, { __name__: 'm' }), [1]);
});
