import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/base/index.ts';
import { allScrapeConfigs, parseConfig } from '../../src/config/index.ts';
import { Labels, type NativeHistogram, newHistogram } from '../../src/model/index.ts';
import { TargetFactory } from '../../src/scrape/index.ts';
import { largestSchema, settleHistograms } from '../../src/scrape/page-histograms.ts';
import { histogramFields, readHistogram } from '../../src/wire/index.ts';

const jobOf = (settings: string) =>
  allScrapeConfigs(parseConfig(`scrape_configs: [{job_name: j${settings}}]`, { file: 'test.yml' }))[0];

const buckets = (count: number) => ({
  indexes: Int32Array.from({ length: count }, (_, i) => i + 1),
  counts: new Float64Array(count).fill(1),
});

function settled(histogram: NativeHistogram, settings: string): string {
  const exposed = {
    series: utf8('h'),
    timestampMs: null,
    startMs: 0,
    fields: histogramFields(histogram),
    exemplars: [],
  };
  const wishes = { native: true, alwaysClassic: false, toCustomBuckets: false };
  const page = { text: new Uint8Array(0), histograms: [exposed], exemplars: new Map(), starts: null };
  const { histograms, error } = settleHistograms(page, 'text', wishes, jobOf(settings));
  if (error) return error.message;
  const { schema, positive, count, resetHint } = readHistogram(histograms[0].fields).histogram;
  return `schema ${schema}, ${positive.counts.length} buckets, ${count} observations, ${resetHint}`;
}

test('histograms are brought down to the resolution that fits the limits', () => {
  const eight = newHistogram({ schema: 3, count: 8, resetHint: 'gauge', positive: buckets(8) });
  const ok = (settings: string, want: string) => assert.equal(settled(eight, settings), want, settings);
  ok('', 'schema 3, 8 buckets, 8 observations, gauge');
  ok(', native_histogram_bucket_limit: 8', 'schema 3, 8 buckets, 8 observations, gauge');
  ok(', native_histogram_bucket_limit: 7', 'schema 2, 4 buckets, 8 observations, gauge');
  ok(', native_histogram_bucket_limit: 1', 'schema 0, 1 buckets, 8 observations, gauge');
  ok(', native_histogram_min_bucket_factor: 1.5', 'schema 0, 1 buckets, 8 observations, gauge');
  ok(', native_histogram_min_bucket_factor: 1.1', 'schema 2, 4 buckets, 8 observations, gauge');
});

test('a histogram that fits in no resolution refuses the page', () => {
  const wide = newHistogram({
    count: 2,
    positive: { indexes: Int32Array.of(-1000, 1000), counts: Float64Array.of(1, 1) },
  });
  assert.equal(settled(wide, ', native_histogram_bucket_limit: 1'), 'histogram bucket limit exceeded');
  const custom = newHistogram({
    schema: -53,
    count: 2,
    customBounds: Float64Array.of(1),
    positive: { ...buckets(2), indexes: Int32Array.of(0, 1) },
  });
  assert.equal(settled(custom, ', native_histogram_bucket_limit: 1'), 'histogram bucket limit exceeded');
  assert.match(settled(custom, ', native_histogram_bucket_limit: 2'), /2 buckets/);
});

test('the finest schema follows from the least growth of buckets', () => {
  const ok = (factor: number, want: number) => assert.equal(largestSchema(factor), want, `factor ${factor}`);
  ok(0, 8);
  ok(1, 8);
  ok(1.0027, 8);
  ok(1.01, 6);
  ok(2, 0);
  ok(4, -1);
  ok(1e9, -4);
});

test('labels of a target say what is wanted of its histograms; the job says it otherwise', () => {
  const targets = (rule: string) =>
    new TargetFactory(jobOf(`, scrape_native_histograms: true, relabel_configs: [${rule}]`)).fromGroups([
      { source: 's', labels: Labels.from([]), targets: [Labels.from([['__address__', 'a:1']])] },
    ]);
  const plain = targets('');
  assert.deepEqual(plain.active[0].histograms, { native: true, alwaysClassic: false, toCustomBuckets: false });
  assert.equal(plain.active[0].discovered.get('__scrape_native_histograms__'), 'true');
  const changed = targets(
    "{target_label: __scrape_native_histograms__, replacement: 'false'}, {target_label: __convert_classic_histograms_to_nhcb__, replacement: '1'}",
  );
  assert.deepEqual(changed.active[0].histograms, { native: false, alwaysClassic: false, toCustomBuckets: true });
  const bad = targets('{target_label: __always_scrape_classic_histograms__, replacement: maybe}');
  assert.deepEqual(bad.errors, [
    'instance 0 in group s: error parsing __always_scrape_classic_histograms__: strconv.ParseBool: parsing "maybe": invalid syntax',
  ]);
});
