// Limits of tenants as a sender sees them: the write route over the intake, its log on disk.
import assert from 'node:assert/strict';
import { type TestContext, before, describe, test } from 'node:test';
import { Limits } from '../../src/app/limits.ts';
import { createWriteService } from '../../src/app/write-service.ts';
import { MetricRegistry, silentLogger } from '../../src/base/index.ts';
import { parseConfig } from '../../src/config/index.ts';
import { type Clock, createRealWorld } from '../../src/io/index.ts';
import { createIntakeWasm, loadKernel } from '../../src/kernel/index.ts';
import { Intake, type ShardPort } from '../../src/tsdb/index.ts';
import { type WireSeries, compressSnappy, encodeRemoteWriteV1, encodeRemoteWriteV2 } from '../../src/wire/index.ts';
import { fakeServer, fakeServices } from '../api/fake-services.ts';
import { temporaryDirectory } from '../support/temp-directory.ts';

const NOW_MS = 1_790_000_000_000;
let module: WebAssembly.Module;
before(async () => {
  module = await loadKernel('intake');
});

interface Reply {
  readonly statusCode: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;
}
type Put = (version: 1 | 2, series: readonly WireSeries[], tenant?: string) => Promise<Reply>;

interface Opened {
  readonly put: Put;
  readonly limits: Limits;
  readonly metrics: MetricRegistry;
  readonly time: { ms: number };
}

async function open(t: TestContext, fields: string): Promise<Opened> {
  const { files, clock: realClock } = createRealWorld(await temporaryDirectory(t));
  const time = { ms: 0 };
  const clock: Clock = {
    nowMs: () => NOW_MS,
    monotonicMs: () => time.ms,
    sleep: (ms, signal) => realClock.sleep(ms, signal),
    after: (ms, callback) => realClock.after(ms, callback),
    yield: () => realClock.yield(),
    pause: () => {},
  };
  const kernel = createIntakeWasm(module, { shards: 2, key: new Uint8Array(32).fill(3) });
  const port = (): ShardPort => ({ push() {}, pushed: 0, pendingBytes: 0, fullness: 0, startSegment: 0 });
  const logger = silentLogger;
  const intake = await Intake.open({ files, clock, kernel, ports: [port(), port()], logger });
  t.after(() => intake.close());
  const metrics = new MetricRegistry();
  const config = parseConfig(`tidemark: {${fields}}`, { file: 'p' }).tidemark;
  const limits = new Limits({ clock, metrics, config });
  limits.observe(kernel);
  const write = createWriteService({ intake, clock, logger, retentionMs: 86_400_000, limits, onResult() {} });
  const server = await fakeServer(fakeServices({ write }));
  const proto = { 1: 'prometheus.WriteRequest', 2: 'io.prometheus.write.v2.Request' };
  const put: Put = async (version, series, tenant = 'anonymous') =>
    await server.inject({
      method: 'POST',
      url: '/api/v1/write',
      headers: { 'content-type': `application/x-protobuf;proto=${proto[version]}`, 'x-scope-orgid': tenant },
      payload: Buffer.from(compressSnappy((version === 1 ? encodeRemoteWriteV1 : encodeRemoteWriteV2)(series))),
    });
  return { put, limits, metrics, time };
}

const one = (labels: Record<string, string>, samples = 1): WireSeries => ({
  labels: Object.entries({ __name__: 'm', ...labels }),
  samples: Array.from({ length: samples }, (_, i) => ({ timestampMs: NOW_MS - i, value: i })),
});

const metricLines = async (metrics: MetricRegistry, name: string): Promise<string[]> =>
  (await metrics.collect()).split('\n').filter((line) => line.startsWith(`${name}{`));

for (const version of [1, 2] as const) {
  describe(`limits of a tenant, remote write ${version}.0`, () => {
    test('a label limit refuses the series it is about, with reason and labels, and no other', async (t) => {
      const fields =
        'limits: {label_limit: 3, label_name_length_limit: 8, label_value_length_limit: 6, label_bytes_limit: 28}';
      const { put, metrics } = await open(t, `${fields}, tenants: {free: {label_limit: 9}}`);
      const series = [
        one({ a: 'good' }),
        one({ a: '1', b: '2', c: '3' }),
        one({ long_name: 'x' }),
        one({ a: 'too long' }, 2),
        one({ aaaaaaaa: 'bbbbbb', b: 'bbbbb' }),
        one({ b: 'good' }, 3),
      ];
      const reply = await put(version, series);
      assert.equal(reply.statusCode, 400);
      const [counts, ...examples] = reply.body.trimEnd().split('\n');
      assert.equal(
        counts,
        '1 time series refused: too many labels: the limit is 3; 1 time series refused: a label name is too long: the ' +
          'limit is 8 bytes; 1 time series refused: a label value is too long: the limit is 6 bytes; 1 time series ' +
          'refused: the labels are too long together: the limit is 28 bytes; samples stored: 4',
      );
      assert.match(
        examples[0],
        /^\{__name__="m", a="1", b="2", c="3"\}: too_many_labels \(time series 1, at byte \d+ of the decoded body\)$/,
      );
      assert.match(examples[1], /^\{__name__="m", long_name="x"\}: label_name_too_long \(time series 2/);
      assert.match(examples[2], /^\{__name__="m", a="too long"\}: label_value_too_long \(time series 3/);
      assert.equal(examples.length, 3);
      assert.deepEqual(await metricLines(metrics, 'tidemark_rejected_samples_total'), [
        'tidemark_rejected_samples_total{reason="label_name_too_long",tenant="anonymous"} 1',
        'tidemark_rejected_samples_total{reason="label_value_too_long",tenant="anonymous"} 2',
        'tidemark_rejected_samples_total{reason="labels_too_long",tenant="anonymous"} 1',
        'tidemark_rejected_samples_total{reason="too_many_labels",tenant="anonymous"} 1',
      ]);
      assert.equal((await put(version, [series[1]], 'free')).statusCode, 204);
      if (version === 2) assert.equal(reply.headers['x-prometheus-remote-write-samples-written'], '4');
    });

    test('beyond its active series only new ones are refused', async (t) => {
      const { put, metrics } = await open(t, 'tenants: {small: {active_series_limit: 2}}');
      const [a, b, c] = ['a', 'b', 'c'].map((v) => one({ v }, 2));
      assert.equal((await put(version, [a, b], 'small')).statusCode, 204);
      const reply = await put(version, [c, b, a], 'small');
      assert.equal(reply.statusCode, 400);
      assert.match(
        reply.body,
        /^2 samples refused: the series is new, and the limit of 2 active series is reached; samples stored: 4\n\{__name__="m", v="c"\}: series_limit/,
      );
      assert.equal((await put(version, [a, b, c])).statusCode, 204);
      assert.deepEqual(await metricLines(metrics, 'tidemark_tenant_active_series'), [
        'tidemark_tenant_active_series{tenant="small"} 2',
      ]);
      assert.deepEqual(await metricLines(metrics, 'tidemark_rejected_samples_total'), [
        'tidemark_rejected_samples_total{reason="series_limit",tenant="small"} 2',
      ]);
    });

    test('over its rate a tenant is told when to come again, and nothing is stored', async (t) => {
      const { put, metrics, time } = await open(t, 'tenants: {slow: {sample_rate_limit: 10, sample_burst_limit: 20}}');
      assert.equal((await put(version, [one({}, 75)], 'slow')).statusCode, 204);
      const reply = await put(version, [one({ v: 'new' })], 'slow');
      assert.deepEqual([reply.statusCode, reply.headers['retry-after']], [429, '6']);
      assert.equal(reply.body, 'cannot store samples: tenant slow is over its limit of 10 samples per second\n');
      assert.equal((await put(version, [one({}, 75)])).statusCode, 204);
      time.ms = 5500;
      assert.equal((await put(version, [one({ v: 'new' })], 'slow')).statusCode, 429);
      time.ms = 5600;
      assert.equal((await put(version, [one({ v: 'new' })], 'slow')).statusCode, 204);
      assert.deepEqual(await metricLines(metrics, 'tidemark_rate_limited_requests_total'), [
        'tidemark_rate_limited_requests_total{tenant="slow"} 2',
      ]);
    });
  });
}

test('what a sender reads of long and broken labels stays short', async (t) => {
  const { put } = await open(t, 'limits: {label_limit: 2}');
  const labels = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`l${1000 + i}`, 'ü'.repeat(100)]));
  for (const version of [1, 2] as const) {
    const { statusCode, body } = await put(
      version,
      Array.from({ length: 30 }, () => one(labels)),
    );
    assert.equal(statusCode, 400);
    assert.match(body, /^30 time series refused: /);
    assert.ok(body.length < 1600, `${body.length} characters`);
  }
});
