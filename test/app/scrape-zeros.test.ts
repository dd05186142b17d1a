// Created timestamps as zeros: one for each beginning of a counter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TargetZeros } from '../../src/app/scrape-zeros.ts';
import { TidemarkError, utf8 } from '../../src/base/index.ts';
import {
  createIntakeWasm,
  decodeBatch,
  INTAKE_LIMITS_DEFAULT,
  loadKernel,
  newSegmentState,
  segmentLabels,
} from '../../src/kernel/index.ts';
import { Labels } from '../../src/model/index.ts';
import type { ScrapeAppend } from '../../src/scrape/index.ts';
import { parseSeriesText, takeCreated } from '../../src/wire/index.ts';

const module = await loadKernel('intake');

/** The zeros that a body of remote write has, as text. */
function shown(body: Uint8Array | null): string[] {
  if (body === null) return [];
  const intake = createIntakeWasm(module, { shards: 1, key: new Uint8Array(32) });
  intake.beginRequest(utf8('t'));
  assert.equal(intake.remoteWrite1(body, INTAKE_LIMITS_DEFAULT), 0);
  const segment = newSegmentState();
  const { refs, timesMs, valueBits } = decodeBatch(intake.batch(0), segment);
  return Array.from(refs, (ref, i) => {
    const labels = segmentLabels(segment, ref).map(([name, value]) => `${name}=${value}`);
    return `${labels} ${timesMs[i]} ${valueBits[i]}`;
  });
}

const scrapeOf = (timeMs: number, ...lines: string[]): ScrapeAppend => {
  const { text, starts } = takeCreated(utf8(lines.join('\n')));
  const resolve: ScrapeAppend['resolve'] = (series, type) => {
    const labels = Labels.from([...parseSeriesText(series, type), ['job', 'x']]);
    if (labels.get('x') === 'refused') throw new TidemarkError('bad_series', 'refused');
    return labels.get('x') === 'dropped' ? null : labels;
  };
  return { timeMs, body: text, starts, resolve } as ScrapeAppend;
};

test('a counter gets a zero where it began, once, and again when it began anew', () => {
  const zeros = new TargetZeros();
  const next = (timeMs: number, ...lines: string[]): string[] => {
    const found = shown(zeros.body(scrapeOf(timeMs, '# TYPE a counter', ...lines)));
    zeros.settle();
    return found;
  };
  const sample = 'a_total{x="1"} 5';
  assert.deepEqual(next(90_000, sample, 'a_created{x="1"} 60'), ['__name__=a_total,job=x,x=1 60000 0']);
  assert.deepEqual(next(95_000, sample, 'a_created{x="1"} 60'), []);
  assert.deepEqual(next(99_000, sample, 'a_created{x="1"} 97'), ['__name__=a_total,job=x,x=1 97000 0']);
  assert.deepEqual(next(99_500, sample, 'a_created{x="1"} 200'), [], 'one that begins after its sample gets none');
  assert.deepEqual(next(99_900), []);
  assert.ok(zeros.isEmpty, 'what is gone is forgotten');
});

test('a zero that was not stored comes again', () => {
  const zeros = new TargetZeros();
  const scrape = scrapeOf(90_000, '# TYPE a counter', 'a_total 5', 'a_created 60');
  assert.equal(shown(zeros.body(scrape)).length, 1);
  assert.equal(shown(zeros.body(scrape)).length, 1);
  zeros.settle();
  assert.equal(zeros.body(scrape), null);
});

test('series that relabelling drops or that are refused get none', () => {
  const scrape = scrapeOf(
    90_000,
    '# TYPE a counter',
    'a_total{x="dropped"} 5',
    'a_created{x="dropped"} 60',
    'a_total{x="refused"} 5',
    'a_created{x="refused"} 60',
  );
  assert.equal(new TargetZeros().body(scrape), null);
});
