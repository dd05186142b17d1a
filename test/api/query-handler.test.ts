import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidemarkError } from '../../src/base/index.ts';
import {
  createQueryHandler,
  type EngineAnswer,
  type HandlerEngine,
  type HandlerListings,
  type JsonRequest,
  type ResultValue,
} from '../../src/api/index.ts';
import { Labels } from '../../src/model/index.ts';
import { encoded } from './fake-services.ts';

const noListings: HandlerListings = {
  series: () => Promise.resolve({ items: [], warnings: [] }),
  labelNames: () => Promise.resolve({ items: [], warnings: [] }),
  labelValues: () => Promise.resolve({ items: [], warnings: [] }),
  exemplars: () => Promise.resolve([]),
};

const engineOf = (run: () => Promise<EngineAnswer>): HandlerEngine => ({
  instant: run,
  range: run,
  parseSelector: (text) => {
    if (text === 'bad') throw new TidemarkError('bad_data', '1:1: parse error: bad');
    return [{ name: '__name__', op: text === 'any' ? '=~' : '=', value: text === 'any' ? '.*' : text }];
  },
  selectors: (query) => {
    if (query === 'bad') throw new TidemarkError('bad_data', '1:1: parse error: bad');
    return query === '1' ? [] : [[{ name: '__name__', op: '=', value: query }]];
  },
  format: (query) => query.trim(),
  parse: null,
});

const instant: JsonRequest = {
  kind: 'instant',
  tenant: 'anonymous',
  query: 'q',
  timeMs: 0,
  timeoutMs: null,
  limit: 0,
  lookbackMs: null,
  stats: 'none',
  explain: 'none',
  noCache: false,
};

async function run(engine: HandlerEngine, request: JsonRequest, listings = noListings) {
  const handle = createQueryHandler({ engine, listings });
  const { status, body } = await encoded(await handle(request, new AbortController().signal));
  return { status, text: Buffer.from(body).toString() };
}

const annotated = (value: ResultValue, warnings: string[] = [], infos: string[] = [], stats: object | null = null) =>
  engineOf(() => Promise.resolve({ value, warnings, infos, stats }));
const labels = Labels.from({ __name__: 'up', job: 'a"b\n\u0001😀' });
const histogram = { count: 3, sum: 1.5, buckets: [[0, 0.5, 1, 2] as const, [3, -0.001, 0.001, 1] as const] };

test('results of all types are encoded as Prometheus encodes them', async () => {
  const ok = async (value: ResultValue, want: string): Promise<void> => {
    const { status, text } = await run(annotated(value), instant);
    assert.equal(status, 200);
    JSON.parse(text);
    assert.equal(text, `{"status":"success","data":{"resultType":"${value.type}","result":${want}}}`);
  };
  const metric = '"metric":{"__name__":"up","job":"a\\"b\\n\\u0001😀"}';
  await ok({ type: 'scalar', timeMs: 1500, value: Infinity }, '[1.500,"+Inf"]');
  await ok({ type: 'string', timeMs: 2000, value: 'a\\b' }, '[2,"a\\\\b"]');
  await ok({ type: 'vector', timeMs: 0, series: [] }, '[]');
  const vs = Float64Array.of(1, NaN, 3);
  const one = { labels, vs, present: Uint8Array.of(1, 0, 1) };
  await ok({ type: 'vector', timeMs: 7000, series: [one] }, `[{${metric},"value":[7,"1"]}]`);
  await ok(
    { type: 'vector', timeMs: 7000, series: [{ ...one, present: Uint8Array.of(2), histograms: [histogram] }] },
    `[{${metric},"histogram":[7,{"count":"3","sum":"1.5","buckets":[[0,"0.5","1","2"],[3,"-0.001","0.001","1"]]}]}]`,
  );
  await ok({ type: 'vector', timeMs: 7000, series: [{ ...one, present: Uint8Array.of(0) }] }, '[]');
  const empty = { count: 0, sum: 0, buckets: [] };
  const column = { labels, length: 2, ts: Float64Array.of(1, 2000, 9), vs };
  await ok({ type: 'matrix', series: [column] }, `[{${metric},"values":[[0.001,"1"],[2,"NaN"]]}]`);
  await ok(
    { type: 'matrix', series: [{ ...column, histograms: [null, empty] }] },
    `[{${metric},"values":[[0.001,"1"]],"histograms":[[2,{"count":"0","sum":"0"}]]}]`,
  );
  await ok({ type: 'matrix', series: [{ ...column, length: 0 }] }, '[]');
});

test('long and strange label values stay valid JSON', async () => {
  const texts = ['x'.repeat(1000), `${'ä'.repeat(70)}"`, '\u0000\u001f\u007f', '\ud800', `${'y'.repeat(63)}\\`];
  for (const value of texts) {
    const series = [{ labels: Labels.from({ a: value }), vs: Float64Array.of(1), present: Uint8Array.of(1) }];
    const { text } = await run(annotated({ type: 'vector', timeMs: 0, series }), instant);
    assert.equal(JSON.parse(text).data.result[0].metric.a, value.toWellFormed());
  }
});

test('warnings and infos are limited to ten of each', async () => {
  const value: ResultValue = { type: 'vector', timeMs: 0, series: [] };
  const many = Array.from({ length: 12 }, (_, i) => `w${i}`);
  const { text } = await run(annotated(value, many, ['i']), instant);
  const { warnings, infos } = JSON.parse(text);
  assert.deepEqual(warnings, [...many.slice(0, 10), '2 more warning annotations omitted']);
  assert.deepEqual(infos, ['i']);
});

test('limit cuts the result and says so', async () => {
  const series = ['a', 'b', 'c'].map((a) => ({
    labels: Labels.from({ a }),
    vs: Float64Array.of(1),
    present: Uint8Array.of(1),
  }));
  const { text } = await run(annotated({ type: 'vector', timeMs: 0, series }), { ...instant, limit: 2 });
  const { data, warnings } = JSON.parse(text);
  assert.equal(data.result.length, 2);
  assert.deepEqual(warnings, ['results truncated due to limit']);
});

test('stats are shown when asked for', async () => {
  const engine = annotated({ type: 'scalar', timeMs: 0, value: 1 }, [], [], { samples: { peakSamples: 1 } });
  assert.equal(JSON.parse((await run(engine, instant)).text).data.stats, undefined);
  const { text } = await run(engine, { ...instant, stats: 'basic' });
  assert.equal(JSON.parse(text).data.stats.samples.peakSamples, 1);
});

test('errors of the engine map to error types and statuses', async () => {
  const bad = async (code: string, status: number, type: string, message = 'm'): Promise<void> => {
    const answer = await run(
      engineOf(() => Promise.reject(new TidemarkError(code, 'm'))),
      instant,
    );
    assert.equal(answer.status, status);
    assert.deepEqual(JSON.parse(answer.text), { status: 'error', errorType: type, error: message });
  };
  await bad('bad_data', 400, 'bad_data', 'invalid parameter "query": m');
  await bad('execution', 422, 'execution');
  await bad('canceled', 499, 'canceled');
  await bad('timeout', 503, 'timeout');
  await bad('not_found', 404, 'not_found');
  await bad('internal', 500, 'internal');
  await bad('something else', 500, 'internal');
});

test('listings are encoded, cut and checked', async () => {
  const engine = engineOf(() => Promise.reject(new Error('not a query')));
  const items = ['a', 'b', 'c'];
  const listings: HandlerListings = {
    series: () => Promise.resolve({ items: [labels, Labels.empty], warnings: ['shard 1 is missing'] }),
    labelNames: () => Promise.resolve({ items, warnings: [] }),
    labelValues: (name) => Promise.resolve({ items: [name], warnings: [] }),
    exemplars: noListings.exemplars,
  };
  const base = { tenant: 't', name: 'x', matches: ['up'], startMs: 0, endMs: 1, limit: 0 };
  const series = JSON.parse((await run(engine, { ...base, kind: 'series' }, listings)).text);
  assert.deepEqual(series, { status: 'success', data: [labels.toObject(), {}], warnings: ['shard 1 is missing'] });
  const names = JSON.parse((await run(engine, { ...base, kind: 'labels', limit: 2 }, listings)).text);
  assert.deepEqual(names, { status: 'success', data: ['a', 'b'], warnings: ['results truncated due to limit'] });
  assert.deepEqual(JSON.parse((await run(engine, { ...base, kind: 'labelValues' }, listings)).text).data, ['x']);
  const bad = async (kind: 'series' | 'labels', match: string): Promise<string> =>
    JSON.parse((await run(engine, { ...base, kind, matches: [match] }, listings)).text).error;
  assert.equal(await bad('series', 'bad'), 'invalid parameter "match[]": 1:1: parse error: bad');
  assert.equal(await bad('labels', 'bad'), '1:1: parse error: bad');
  assert.equal(await bad('labels', 'any'), 'match[] must contain at least one non-empty matcher');
});

test('format and parse', async () => {
  const engine = engineOf(() => Promise.reject(new Error('not a query')));
  assert.equal((await run(engine, { kind: 'format', query: ' a ' })).text, '{"status":"success","data":"a"}');
  assert.equal((await run(engine, { kind: 'parse', query: 'a' })).status, 404);
});

test('exemplars are given by series, with values as texts and times in seconds', async () => {
  const engine = engineOf(() => Promise.reject(new Error('not a query')));
  const asked: unknown[] = [];
  const listings: HandlerListings = {
    ...noListings,
    exemplars: ({ matcherSets, startMs, endMs }) => {
      asked.push([matcherSets, startMs, endMs]);
      const exemplars = [
        { labels: ['trace_id', 'a"b'], value: 0.5, timestampMs: 1_600_000_000_123 },
        { labels: [], value: Infinity, timestampMs: 1_600_000_001_000 },
      ];
      return Promise.resolve([
        { seriesLabels: ['__name__', 'a'], exemplars },
        { seriesLabels: ['__name__', 'b'], exemplars: exemplars.slice(1) },
      ]);
    },
  };
  const ask = (query: string) => run(engine, { kind: 'exemplars', tenant: 't', query, startMs: 1, endMs: 2 }, listings);
  assert.equal(
    (await ask('a')).text,
    '{"status":"success","data":[{"seriesLabels":{"__name__":"a"},"exemplars":[' +
      '{"labels":{"trace_id":"a\\"b"},"value":"0.5","timestamp":1600000000.123},' +
      '{"labels":{},"value":"+Inf","timestamp":1600000001}]},' +
      '{"seriesLabels":{"__name__":"b"},"exemplars":[{"labels":{},"value":"+Inf","timestamp":1600000001}]}]}',
  );
  assert.deepEqual(asked, [[[[{ name: '__name__', op: '=', value: 'a' }]], 1, 2]]);
  assert.equal((await ask('1')).text, '{"status":"success","data":[]}');
  assert.equal(asked.length, 1, 'an expression without selectors is not asked');
  const { status, text } = await ask('bad');
  assert.equal(status, 400);
  assert.equal(JSON.parse(text).error, '1:1: parse error: bad');
});
