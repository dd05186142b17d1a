// Limits of the tenant on what is scraped: series over them are left out, the rest of the scrape is stored.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { utf8 } from '../../src/base/index.ts';
import {
  type ExpositionExports,
  ExpositionKernel,
  INTAKE_LIMITS_DEFAULT,
  type IntakeLimits,
  type ScrapeCacheExports,
  ScrapeCacheKernel,
  createIntakeWasm,
  loadKernel,
} from '../../src/kernel/index.ts';
import { Labels } from '../../src/model/index.ts';
import { type ScrapeOutcome, ScrapeStager } from '../../src/scrape/index.ts';
import { parseSeriesText } from '../../src/wire/index.ts';

const NO_TIME = { honorTimestamps: true, trackTimestampsStaleness: false, sampleLimit: 0, timeMaxMs: 1e13 };
let module: WebAssembly.Module;
before(async () => {
  module = await loadKernel('intake');
});

/** A target under limits: scrape() tells what became of a body, and how many samples are in the batch. */
function target(own: Partial<IntakeLimits>) {
  const kernel = createIntakeWasm(module, { shards: 1, key: new Uint8Array(32).fill(3) });
  const exports = kernel.exports as unknown;
  const stager = new ScrapeStager(
    new ExpositionKernel(exports as ExpositionExports),
    new ScrapeCacheKernel(exports as ScrapeCacheExports),
  );
  const cache = stager.openCache();
  let limits: IntakeLimits = { ...INTAKE_LIMITS_DEFAULT, ...own };
  let timeMs = 1_700_000_000_000;
  const scrape = (...lines: string[]) => {
    let found: ScrapeOutcome | undefined;
    timeMs += 15_000;
    kernel.beginRequest(utf8('anonymous'));
    kernel.setLimits(limits);
    stager.stage(cache, {
      ...NO_TIME,
      timeMs,
      body: utf8(`${lines.join('\n')}\n`),
      format: 'text',
      resolve: (series, type) => Labels.from([...parseSeriesText(series, type), ['job', 'x']]),
      metadata: () => {},
      report: (outcome) => {
        found = outcome;
        return [{ labels: Labels.from({ __name__: 'up', instance: 'a long one' }), value: 1 }];
      },
    });
    assert.equal(kernel.finish(), 0);
    stager.settle(cache);
    const { refused, refusedSamples } = kernel.counters;
    assert.deepEqual(refused, refusedSamples);
    return { stored: kernel.batchSamples(0), refused, outcome: found as ScrapeOutcome };
  };
  return { kernel, scrape, limit: (more: Partial<IntakeLimits>) => (limits = { ...limits, ...more }) };
}

test('a series over a label limit is left out of every scrape, until the limit allows it', () => {
  const { scrape, limit } = target({ labelCountMax: 3, valueBytesMax: 12 });
  const lines = ['a{x="1"} 1', 'a{x="1",y="2"} 2', 'b{x="far too long for it"} 3', 'c 4'];
  for (let round = 0; round < 2; round++) {
    const { stored, refused, outcome } = scrape(...lines);
    assert.equal(stored, 3); // two of the target, and the scrape's own
    assert.deepEqual(refused, { too_many_labels: 1, label_value_too_long: 1 });
    assert.deepEqual([outcome.error, outcome.refused, outcome.scraped], [undefined, 2, 4]);
    assert.equal(outcome.refusal, 'too_many_labels: {__name__="a", job="x", x="1", y="2"}');
  }
  limit({ labelCountMax: 9, valueBytesMax: 99 });
  const { stored, refused, outcome } = scrape(...lines);
  assert.deepEqual([stored, refused, outcome.refused, outcome.seriesAdded], [5, {}, 0, 2]);
});

test('beyond the active series new ones are left out; the scrape tells of itself in any case', () => {
  const { kernel, scrape, limit } = target({ activeSeriesMax: 2 });
  assert.deepEqual(scrape('a 1', 'b 1', 'c 1').refused, { series_limit: 1 });
  assert.equal(kernel.activeSeries(utf8('anonymous')), 3);
  kernel.rotate(0);
  const again = scrape('c 1', 'b 1', 'a 1');
  assert.deepEqual([again.stored, again.outcome.refused], [3, 1]);
  assert.equal(again.outcome.refusal, 'series_limit: {__name__="c", job="x"}');
  limit({ activeSeriesMax: 9 });
  assert.equal(scrape('c 1', 'b 1', 'a 1').stored, 4);
});

test('what can be no series fails the scrape, as without limits', () => {
  const { scrape } = target({ labelCountMax: 3 });
  const { outcome, stored } = scrape('a{x="1",y="2"} 1', '{"b",job="y",job="z"} 1');
  assert.match(String(outcome.error), /label name "job" is not unique/);
  assert.equal(stored, 1);
});
