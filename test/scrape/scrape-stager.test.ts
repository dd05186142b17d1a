import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels } from '../../src/model/index.ts';
import type { ScrapeAppend, ScrapeOutcome } from '../../src/scrape/index.ts';
import { parseSeriesText } from '../../src/wire/index.ts';
import { damaged, openMetricsDocument, seeded, textDocument } from '../support/exposition-documents.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { type TestSink, kernelSink, twinSink } from '../support/scrape-sinks.ts';

type Page = Pick<ScrapeAppend, 'body' | 'format' | 'honorTimestamps' | 'trackTimestampsStaleness' | 'sampleLimit'>;

// Drops series of one name, so that dropped texts occur as well.
const resolve: ScrapeAppend['resolve'] = (series, type) => {
  const labels = Labels.from([...parseSeriesText(series, type), ['instance', 'i']]);
  return labels.get('__name__') === '_x' ? null : labels;
};

async function play(sink: TestSink, pages: readonly Page[], rng: () => number): Promise<unknown[]> {
  const cache = sink.openCache();
  const outcomes: unknown[] = [];
  let timeMs = 1_700_000_000_000;
  for (const page of pages) {
    timeMs += 10_000;
    sink.store.full = rng() < 0.1;
    if (rng() < 0.1) sink.rotate();
    const report = ({ error, ...counts }: ScrapeOutcome) => {
      outcomes.push(error === undefined ? counts : error.message);
      return [{ labels: Labels.from({ __name__: 'up' }), value: error === undefined ? 1 : 0 }];
    };
    const append = { ...page, timeMs, timeMaxMs: timeMs + 600_000, resolve, report, metadata: () => {} };
    await sink.append(cache, append).catch((error) => outcomes.push(String(error)));
  }
  return outcomes;
}

/** Pages of one target: mostly the last one with a few lines changed. */
function pagesOf(rng: () => number): Page[] {
  const format = rng() < 0.5 ? 'text' : 'openmetrics';
  const make = format === 'text' ? textDocument : openMetricsDocument;
  const settings = {
    format,
    honorTimestamps: rng() < 0.7,
    trackTimestampsStaleness: rng() < 0.5,
    sampleLimit: rng() < 0.3 ? 10 : 0,
  } as const;
  let body = new TextEncoder().encode(make(rng));
  return Array.from({ length: 8 }, () => {
    if (rng() < 0.4) body = new TextEncoder().encode(make(rng));
    if (rng() < 0.2) body = Uint8Array.from(damaged(rng, body));
    return { ...settings, body: rng() < 0.1 ? undefined : body };
  });
}

test('kernel and twin store the same of random scrapes of targets that change, fail and come back', async () => {
  const rng = seeded(fuzzSeed(21));
  const kernel = await kernelSink();
  for (let n = fuzzCases(150); n > 0; n--) {
    const pages = pagesOf(rng);
    const seed = Math.floor(rng() * 2 ** 32);
    const twin = twinSink();
    kernel.store.series.clear();
    const want = await play(twin, pages, seeded(seed));
    const got = await play(kernel, pages, seeded(seed));
    assert.deepEqual(got, want);
    assert.deepEqual(sorted(kernel), sorted(twin));
  }
});

function sorted(sink: TestSink): unknown {
  return [...sink.store.series]
    .map(([labels, samples]) => [labels, samples.map(String).sort()])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
