// Native histograms from the engine to the JSON of the API.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JsonWriter } from '../../src/api/json-writer.ts';
import { writeResult } from '../../src/api/json-result.ts';
import { engineAnswer } from '../../src/app/engine-answer.ts';
import type { QueryResult } from '../../src/promql/index.ts';
import { buckets, custom, exponential } from '../model/histogram-samples.ts';
import { testStore } from '../promql/exec/support.ts';

function json(result: QueryResult): unknown {
  const writer = new JsonWriter();
  const pieces = writeResult(writer, engineAnswer(result, 'none').value);
  writer.raw('{');
  while (!pieces.next().done);
  writer.raw('}');
  return JSON.parse(new TextDecoder().decode(writer.take()));
}

const store = testStore(1);
const first = exponential(0, buckets(0, 1, 0, 2), {
  negative: buckets(0, 1),
  zeroThreshold: 0.001,
  zeroCount: 3,
  sum: 4.5,
});
store.load({ __name__: 'mixed' }, [first, 2]);
store.load({ __name__: 'bounds' }, [custom([1, 5], 1, 0, 2)]);

const HISTOGRAM = {
  count: '7',
  sum: '4.5',
  buckets: [
    [1, '-1', '-0.5', '1'],
    [3, '-0.001', '0.001', '3'],
    [0, '0.5', '1', '1'],
    [0, '2', '4', '2'],
  ],
};

test('an instant vector has "histogram" in place of "value"', async () => {
  assert.deepEqual(json(await store.engine.instant('mixed', 0)), {
    resultType: 'vector',
    result: [{ metric: { __name__: 'mixed' }, histogram: [0, HISTOGRAM] }],
  });
  assert.deepEqual(json(await store.engine.instant('histogram_count(bounds)', 0)), {
    resultType: 'vector',
    result: [{ metric: {}, value: [0, '3'] }],
  });
  assert.deepEqual(json(await store.engine.instant('bounds', 0)), {
    resultType: 'vector',
    result: [
      {
        metric: { __name__: 'bounds' },
        histogram: [
          0,
          {
            count: '3',
            sum: '3',
            buckets: [
              [3, '-Inf', '1', '1'],
              [0, '5', '+Inf', '2'],
            ],
          },
        ],
      },
    ],
  });
});

test('a series of a matrix has its floats as "values" and its histograms as "histograms"', async () => {
  const want = { metric: { __name__: 'mixed' }, values: [[60, '2']], histograms: [[0, HISTOGRAM]] };
  const range = json(await store.engine.range('mixed', 0, 60_000, 60_000));
  assert.deepEqual(range, { resultType: 'matrix', result: [want] });
  assert.deepEqual(json(await store.engine.instant('mixed[2m]', 60_000)), { resultType: 'matrix', result: [want] });
});
