// Native histograms by remote write: what is stored, what is refused, and that log, memory and blocks give the same.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type NativeHistogram, newHistogram } from '../src/model/index.ts';
import type { WireSeries } from '../src/wire/index.ts';
import { Program } from '../test/support/program.ts';
import { oneSeries, query, queryNumber, send, write } from './client.ts';

const MINUTE_MS = 60_000;
const MINUTES = 300;
const startMs = Math.floor((Date.now() - 72 * 60 * MINUTE_MS) / 86_400_000) * 86_400_000;
const endMs = startMs + (MINUTES - 1) * MINUTE_MS;

/** A counter after `n` minutes: n observations in each of three buckets and in the zero bucket. */
const counterAt = (n: number): NativeHistogram =>
  newHistogram({
    schema: 0,
    count: 4 * n,
    sum: 7.5 * n,
    zeroThreshold: 0.001,
    zeroCount: n,
    positive: { indexes: Int32Array.of(0, 1, 3), counts: Float64Array.of(n, n, n) },
  });

const withHistograms = (name: string, histograms: readonly (readonly [number, NativeHistogram])[]): WireSeries => ({
  ...oneSeries(name, {}, []),
  histograms: histograms.map(([timestampMs, histogram]) => ({ timestampMs, histogram })),
});

const start = (t: TestContext) =>
  Program.start(t, { args: ['--web.enable-admin-api', '--storage.tsdb.retention.time=10y'] });

/** What the program answers about the stored series. */
async function answers(program: Program): Promise<unknown[]> {
  const of = (text: string) => queryNumber(program, text, endMs);
  return [
    await query(program, 'stored', endMs),
    await of('count_over_time(stored[6h])'),
    await of('histogram_count(increase(stored[100m]))'),
    await of('histogram_count(stored offset 200m)'),
    await of('count_over_time(mixed[6h])'),
    await of('histogram_sum(mixed offset 1m)'),
  ];
}

test('come back from memory, after a restart, from blocks and from blocks that were merged', async (t) => {
  const program = await start(t);
  // Every third minute comes last, after all the others.
  for (const isLate of [false, true]) {
    for (let minute = 1; minute < MINUTES; minute++) {
      if ((minute % 3 === 0) !== isLate) continue;
      const at = startMs + minute * MINUTE_MS;
      const mixed =
        minute % 2 === 0 ? withHistograms('mixed', [[at, counterAt(1)]]) : oneSeries('mixed', {}, [[at, 1]]);
      const reply = await write(program, minute % 5 === 0 ? 2 : 1, [
        withHistograms('stored', [[at, counterAt(minute)]]),
        mixed,
      ]);
      assert.equal(reply.status, 204, reply.text);
    }
  }
  const first = await answers(program);
  const count = 4 * (MINUTES - 1);
  const [found] = first[0] as { histogram: [number, { count: string; sum: string; buckets: unknown[] }] }[];
  assert.deepEqual([found.histogram[1].count, found.histogram[1].sum], [String(count), String((7.5 * count) / 4)]);
  assert.equal(found.histogram[1].buckets.length, 4);
  assert.deepEqual(first.slice(1), [MINUTES - 1, 400, 4 * (MINUTES - 201), MINUTES - 1, 7.5]);
  await program.kill();
  await program.start();
  assert.deepEqual(await answers(program), first);
  for (let round = 0; round < 2; round++) {
    const flushed = await send(program, { path: '/api/v1/admin/tsdb/flush', method: 'POST', body: '' });
    assert.ok(flushed.status < 300, flushed.text);
    assert.deepEqual(await answers(program), first);
  }
});

test('that are wrong are refused by themselves, with the reason', async (t) => {
  const program = await start(t);
  const wrong = newHistogram({ ...counterAt(2), schema: -7 });
  const tooFew = newHistogram({
    schema: -53,
    count: 1,
    positive: { indexes: Int32Array.of(2), counts: Float64Array.of(1) },
  });
  const series = [
    withHistograms('good', [
      [startMs, counterAt(1)],
      [startMs + 1000, wrong],
    ]),
    withHistograms('bad', [[startMs, tooFew]]),
  ];
  for (const version of [1, 2] as const) {
    const reply = await write(program, version, series);
    assert.equal(reply.status, 400);
    assert.match(reply.text, /1 sample refused: histogram has an invalid schema/);
    assert.match(reply.text, /1 sample refused: histogram custom bounds are too few/);
    if (version === 2) assert.equal(reply.headers['x-prometheus-remote-write-histograms-written'], '1');
  }
  assert.deepEqual(await query(program, 'count({__name__=~"good|bad"})', startMs + 2000), [
    { metric: {}, value: [(startMs + 2000) / 1000, '1'] },
  ]);
});
