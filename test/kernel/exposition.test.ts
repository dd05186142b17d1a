import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExpositionKernel } from '../../src/kernel/index.ts';
import { parseExposition, parseExpositionTwin } from '../../src/wire/exposition.ts';
import {
  type ExpositionExemplar,
  type ExpositionDocument,
  type ExpositionFormat,
  METRIC_TYPES,
} from '../../src/wire/exposition-scan.ts';
import { damaged, openMetricsDocument, seeded, textDocument } from '../support/exposition-documents.ts';
import { openExpositionKernel } from '../support/exposition-kernel.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

const { exposition } = await openExpositionKernel();

/** By row. */
function exemplarsOf(kernel: ExpositionKernel): Map<number, ExpositionExemplar> {
  return new Map(
    Array.from({ length: kernel.exemplarCount }, (_, i) => {
      const { row, labels, value: valueStart } = kernel.exemplarPlaces(i);
      return [row, { labels, valueStart, ...kernel.exemplar(i) }];
    }),
  );
}

function kernelDocument(kernel: ExpositionKernel): ExpositionDocument {
  const exemplars = exemplarsOf(kernel);
  const kinds = ['type', 'help', 'unit'] as const;
  return {
    samples: Array.from({ length: kernel.count }, (_, row) => ({
      start: kernel.start(row),
      length: kernel.length(row),
      value: kernel.value(row),
      timestampMs: kernel.hasTime(row) ? kernel.timeMs(row) : undefined,
      type: METRIC_TYPES[kernel.type(row)],
      ...(exemplars.has(row) && { exemplar: exemplars.get(row) }),
    })),
    metadata: Array.from({ length: kernel.metaCount }, (_, row) => ({
      kind: kinds[kernel.meta(row, 0)],
      nameStart: kernel.meta(row, 1),
      nameEnd: kernel.meta(row, 2),
      textStart: kernel.meta(row, 3),
      textEnd: kernel.meta(row, 4),
    })),
  };
}

function attempt(parse: () => ExpositionDocument): ExpositionDocument | string {
  try {
    return parse();
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'bad_exposition', String(error));
    return (error as Error).message;
  }
}

function same(body: Uint8Array, format: ExpositionFormat): boolean {
  const twin = attempt(() => parseExpositionTwin(body, format));
  const real = attempt(() => {
    parseExposition(exposition, body, format);
    return kernelDocument(exposition);
  });
  assert.deepStrictEqual(real, twin, `${format}: ${JSON.stringify(new TextDecoder().decode(body))}`);
  return typeof twin !== 'string';
}

for (const [format, make] of [
  ['text', textDocument],
  ['openmetrics', openMetricsDocument],
] as const) {
  test(`kernel and twin read random ${format} documents alike, whole and damaged`, () => {
    const rng = seeded(fuzzSeed(11));
    let good = 0;
    let bad = 0;
    for (let n = fuzzCases(1500); n > 0; n--) {
      const body = new TextEncoder().encode(make(rng));
      if (same(body, format)) good++;
      else bad++;
      if (same(damaged(rng, body), format)) good++;
      else bad++;
    }
    assert.ok(good > 300 && bad > 300, `a useful mix of documents; got ${good} good, ${bad} bad`);
  });
}

test('every prefix of a document is read alike', () => {
  const text =
    '# HELP a_seconds h\\n\n# TYPE a_seconds histogram\na_seconds_bucket{le="1",x="ü"} 1e2 1700000000.5 # {a="b"} 1 2\n# EOF\n';
  const body = new TextEncoder().encode(text);
  for (let end = 0; end <= body.length; end++) {
    same(body.subarray(0, end), 'openmetrics');
    same(body.subarray(0, end), 'text');
  }
});

test('numbers are correctly rounded', () => {
  const rng = seeded(fuzzSeed(5));
  const values = Array.from({ length: fuzzCases(3000) }, () => {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setUint32(0, rng() * 2 ** 32);
    bits.setUint32(4, rng() * 2 ** 32);
    const value = rng() < 0.5 ? bits.getFloat64(0) : Number((rng() * 1e9).toPrecision(1 + Math.floor(rng() * 17)));
    return Number.isNaN(value) ? 0 : value;
  });
  const text = values.map((value) => `a ${String(value).replace('Infinity', 'Inf')}\n`).join('');
  parseExposition(exposition, new TextEncoder().encode(text), 'text');
  values.forEach((value, row) => assert.ok(Object.is(exposition.value(row), value), `${value}`));
});

test('a body of many rows grows the tables', () => {
  const body = new TextEncoder().encode('a 1\n'.repeat(200_000));
  parseExposition(exposition, body, 'text');
  assert.equal(exposition.count, 200_000);
  assert.equal(exposition.value(199_999), 1);
});
