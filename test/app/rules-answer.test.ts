// Rules' queries and results between threads: nothing is lost on the way, and damaged bytes are told.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCorrupt } from '../../src/base/index.ts';
import { Labels, newHistogram } from '../../src/model/index.ts';
import { decodeRuleSamples, encodeRuleSamples } from '../../src/app/rules-answer.ts';
import { createRuleQuery } from '../../src/app/rules-query.ts';
import { createRuleSink } from '../../src/app/rules-sink.ts';

const histogram = newHistogram({
  schema: 2,
  resetHint: 'gauge',
  count: 3,
  sum: 4.5,
  zeroCount: 1,
  zeroThreshold: 0.001,
  positive: { indexes: Int32Array.of(0, 4), counts: Float64Array.of(1, 1) },
  negative: { indexes: new Int32Array(0), counts: new Float64Array(0) },
  customBounds: new Float64Array(0),
});
const SAMPLES = [
  { labels: Labels.empty, value: -0, histogram: null },
  { labels: Labels.from({ __name__: 'süß', a: 'b' }), value: 1e300, histogram: null },
  { labels: Labels.from({ a: 'c' }), value: Number.NaN, histogram },
];

test('samples come back as they were', () => {
  assert.deepEqual(decodeRuleSamples(encodeRuleSamples(SAMPLES)), SAMPLES);
  assert.deepEqual(decodeRuleSamples(encodeRuleSamples([])), []);
});

test('changed bytes give samples or a corrupt error', () => {
  const good = encodeRuleSamples(SAMPLES).slice();
  let seed = 3;
  const next = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  for (let i = 0; i < 2000; i++) {
    const bytes = good.slice(0, next(4) === 0 ? next(good.length) : good.length);
    for (let n = next(3); n > 0 && bytes.length > 0; n--) bytes[next(bytes.length)] = next(256);
    try {
      decodeRuleSamples(bytes);
    } catch (error) {
      assert.ok(isCorrupt(error), String(error));
    }
  }
});

test('errors of the query side keep their kind', async () => {
  const query = createRuleQuery({ query: async () => ({ status: 422, body: Buffer.from('too many samples\n') }) });
  await assert.rejects(query('up', 0), { code: 'execution', message: 'too many samples' });
});

test('results that cannot be stored are errors, refused samples are told', async () => {
  const write = (outcome: 'accepted' | 'busy', rejected: number) =>
    createRuleSink({
      write: async () => ({
        outcome,
        rejected,
        reason: 'because',
        samplesWritten: 0,
        histogramsWritten: 0,
        exemplarsWritten: 0,
        retryAfterSeconds: 1,
      }),
    });
  const one = [{ ...SAMPLES[1], timeMs: 1, isStale: false }];
  await assert.rejects(write('busy', 0).append(one), { code: 'busy', message: 'cannot store results: because' });
  assert.equal(await write('accepted', 1).append(one), 'because');
  assert.equal(await write('accepted', 0).append(one), '');
});
