import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeltaStreams, hasDeltas } from '../../src/app/otlp-cumulative.ts';
import { createOtlpService } from '../../src/app/otlp-service.ts';
import { MetricRegistry } from '../../src/base/index.ts';
import { parseConfig, parseFlags } from '../../src/config/index.ts';
import type { Clock } from '../../src/io/index.ts';
import { decodeOtlpJson } from '../../src/wire/index.ts';

const clockAt = (now: { ms: number }): Clock =>
  ({ monotonicMs: () => now.ms, nowMs: () => now.ms }) as unknown as Clock;

const sumPoint = (ms: number, value: number, attributes: object[] = []) => ({
  timeUnixNano: `${ms}000000`,
  asDouble: value,
  attributes,
});
const request = (...metrics: object[]) => ({
  resourceMetrics: [{ scopeMetrics: [{ scope: { name: 's' }, metrics }] }],
});
const resourcesOf = (...metrics: object[]) => decodeOtlpJson(Buffer.from(JSON.stringify(request(...metrics))));
const deltaSum = (...dataPoints: object[]) => ({
  name: 'm',
  sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints },
});

const values = (resources: ReturnType<typeof resourcesOf>): unknown[] =>
  resources.flatMap(({ scopes }) =>
    scopes.flatMap(({ metrics }) =>
      metrics.flatMap(({ data }) =>
        data.kind === 'none' ? [] : data.points.map((point) => ('value' in point ? point.value : point.count)),
      ),
    ),
  );

function adder(streamsMax?: number) {
  const now = { ms: 1_000_000 };
  const streams = new DeltaStreams(clockAt(now), streamsMax);
  const add = (...metrics: object[]) => {
    const added = streams.add('t', resourcesOf(...metrics));
    added.commit();
    return [values([...added.resources]), added.rejectedPoints, added.reason];
  };
  return { now, streams, add };
}

test('deltas of a stream are added up; streams are told apart by all that names them', () => {
  const { add } = adder();
  assert.deepEqual(add(deltaSum(sumPoint(1, 2), sumPoint(2, 3))), [[2, 5], 0, '']);
  assert.deepEqual(add(deltaSum(sumPoint(3, 4))), [[9], 0, '']);
  const other = [{ key: 'a', value: { stringValue: 'b' } }];
  assert.deepEqual(add(deltaSum(sumPoint(3, 1, other), sumPoint(4, 1))), [[1, 10], 0, '']);
  assert.deepEqual(add({ ...deltaSum(sumPoint(5, 1)), name: 'other' }), [[1], 0, '']);
  assert.deepEqual(add({ ...deltaSum(sumPoint(5, 1)), unit: 's' }), [[1], 0, '']);
});

test('points that do not come after the last one of their stream are rejected', () => {
  const { add } = adder();
  add(deltaSum(sumPoint(5, 1)));
  assert.deepEqual(add(deltaSum(sumPoint(5, 1), sumPoint(4, 7))), [[], 2, 'metric m: out of order delta']);
  assert.deepEqual(add(deltaSum(sumPoint(6, 1))), [[2], 0, '']);
});

test('histograms are added up bucket by bucket; other bounds begin anew', () => {
  const { streams } = adder();
  const histogram = (ms: number, bucketCounts: number[], explicitBounds: number[]) =>
    resourcesOf({
      name: 'h',
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [
          { timeUnixNano: `${ms}000000`, count: '3', sum: 2, bucketCounts: bucketCounts.map(String), explicitBounds },
        ],
      },
    });
  const add = (...given: Parameters<typeof histogram>) => {
    const added = streams.add('t', histogram(...given));
    added.commit();
    const { data } = added.resources[0].scopes[0].metrics[0];
    assert.ok(data.kind === 'histogram');
    assert.equal(data.temporality, 'cumulative');
    const [{ count, sum, bucketCounts }] = data.points;
    return { count, sum, bucketCounts };
  };
  assert.deepEqual(add(1, [1, 2], [5]), { count: 3, sum: 2, bucketCounts: [1, 2] });
  assert.deepEqual(add(2, [3, 0], [5]), { count: 6, sum: 4, bucketCounts: [4, 2] });
  assert.deepEqual(add(3, [0, 3], [6]), { count: 3, sum: 2, bucketCounts: [0, 3] });
});

test('exponential histograms meet at the lower scale', () => {
  const { streams } = adder();
  const add = (ms: number, scale: number, offset: number, counts: number[]) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const added = streams.add(
      't',
      resourcesOf({
        name: 'e',
        exponentialHistogram: {
          aggregationTemporality: 1,
          dataPoints: [
            {
              timeUnixNano: `${ms}000000`,
              count: String(total),
              sum: 1,
              scale,
              positive: { offset, bucketCounts: counts.map(String) },
            },
          ],
        },
      }),
    );
    added.commit();
    const { data } = added.resources[0].scopes[0].metrics[0];
    assert.ok(data.kind === 'exponential');
    const [point] = data.points;
    return [point.scale, point.count, point.positive.offset, point.positive.counts];
  };
  assert.deepEqual(add(1, 1, 2, [1, 2, 3]), [1, 6, 2, [1, 2, 3]]);
  assert.deepEqual(add(2, 0, 0, [1]), [0, 7, 0, [1, 3, 3]]);
  assert.deepEqual(add(3, 0, -1, [5]), [0, 12, -1, [5, 1, 3, 3]]);
  const [scale, count] = add(4, 0, 1000, [1]);
  assert.equal(count, 13);
  assert.ok(Number(scale) < 0, `scale ${scale}`);
});

test('silent streams are forgotten, and of too many the last ones are rejected', () => {
  const { now, streams, add } = adder(1);
  add(deltaSum(sumPoint(1, 2)));
  assert.deepEqual(add({ ...deltaSum(sumPoint(1, 1)), name: 'n' }), [[], 1, 'metric n: more than 1 streams of deltas']);
  now.ms += 4 * 60_000;
  add(deltaSum(sumPoint(2, 2)));
  now.ms += 4 * 60_000;
  assert.deepEqual(add(deltaSum(sumPoint(3, 2))), [[6], 0, '']);
  now.ms += 6 * 60_000;
  assert.deepEqual(add(deltaSum(sumPoint(4, 2))), [[2], 0, '']);
  assert.equal(streams.count, 1);
});

test('what could not be stored does not count: the sender comes again with it', async () => {
  const outcomes = ['busy', 'accepted', 'accepted'] as const;
  let calls = 0;
  const now = { ms: 0 };
  const stored = {
    samplesWritten: 1,
    histogramsWritten: 0,
    exemplarsWritten: 0,
    rejected: 0,
    reason: '',
    retryAfterSeconds: 1,
  };
  const deltas = new DeltaStreams(clockAt(now));
  const service = createOtlpService({
    write: { write: async () => ({ ...stored, outcome: outcomes[calls++] }) },
    deltas,
    settings: () => ({
      config: parseConfig('', { file: 'x' }).otlp,
      acceptsDeltas: false,
      storesStarts: false,
      lookbackMs: 300_000,
    }),
    rejectedPoints: new MetricRegistry().counter('a', 'a'),
  });
  const push = (ms: number) =>
    service.push('t', 'json', Buffer.from(JSON.stringify(request(deltaSum(sumPoint(ms, 2))))));
  assert.equal((await push(1)).result.outcome, 'busy');
  assert.equal(deltas.count, 0);
  assert.equal((await push(1)).rejectedPoints, 0);
  assert.equal((await push(1)).rejectedPoints, 1);
  assert.ok(hasDeltas(resourcesOf(deltaSum(sumPoint(1, 1)))));
});

test('the two ways to take deltas exclude each other', () => {
  const both = '--enable-feature=otlp-deltatocumulative,otlp-native-delta-ingestion';
  assert.throws(() => parseFlags([both]), /cannot be enabled at the same time/);
});
