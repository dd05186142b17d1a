import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { checkOpenMetrics } from '../../src/wire/openmetrics-check.ts';
import { BAD, GOOD } from './openmetrics-cases.ts';
import { damaged, openMetricsDocument, seeded } from '../support/exposition-documents.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';

const check = (text: string) => checkOpenMetrics(new TextEncoder().encode(`${text}\n# EOF\n`));
const ok = (text: string): void => check(text);
const bad = (text: string, message: RegExp): void => {
  assert.throws(() => check(text), { code: 'bad_exposition', message }, text);
};

test('families keep together, metadata first', () => {
  ok('# TYPE a gauge\n# HELP a x\na 1\nb 1');
  bad('a{b="c",} 1', /^labels end with a comma \(line 1\)$/);
  bad('# TYPE a gauge\na 1\nb 1\na{x="1"} 1', /^lines of a are not together \(line 4\)$/);
  bad('# TYPE a gauge\n# TYPE a gauge', /^second type of a \(line 2\)$/);
  bad('a 1\n# HELP a x', /^help of a follows its samples/);
  bad('# TYPE a counter\na_total 1\n# TYPE a_total gauge\na_total 1', /clash/);
  bad('# TYPE a counter\na 1', /^counter a has no sample of that name/);
  bad('# TYPE a info\n# UNIT a \n# TYPE a_s info\n# UNIT a_s s', /^info a_s has a unit/);
});

test('metrics keep together, with timestamps on all samples or none', () => {
  ok('a{x="1"} 1 1\na{x="1"} 1 2\na{x="2"} 1');
  bad('# TYPE a gauge\na{x="1"} 1\na{x="2"} 1\na{x="1"} 1', /not together/);
  bad('a 1 2\na 1 1', /fall/);
  bad('a 1 2\na 1', /with and without/);
  bad('a 1\na 1', /twice/);
});

test('histograms', () => {
  const h = (lines: string): string => `# TYPE a histogram\n${lines}`;
  ok(h('a_bucket{le="1"} 1\na_bucket{le="+Inf"} 2\na_sum 3\na_count 2'));
  ok(h('a_bucket{le="-1"} 1\na_bucket{le="+Inf"} 2'));
  bad(h('a_bucket{le="1"} 1'), /no bucket of le="\+Inf"/);
  bad(h('a_bucket{le="1"} 3\na_bucket{le="+Inf"} 2'), /cumulative/);
  bad(h('a_bucket{le="+Inf"} 2\na_count 3\na_sum 1'), /differs/);
  bad(h('a_bucket{le="+Inf"} 2\na_sum 3'), /without the other/);
  bad(h('a_bucket{x="1"} 2'), /no label le/);
  bad(h('a_bucket{le="+Inf"} NaN'), /number from 0 up/);
  bad(h('a_bucket{le="2"} 1\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 2'), /order/);
});

test('other types', () => {
  ok('# TYPE a stateset\na{a="on"} 1\na{a="off"} 0');
  ok('# TYPE a counter\na_total 1 # {x="y"} 1\na_created 5');
  bad('# TYPE a stateset\na{a="on"} 2', /0 or 1/);
  bad('# TYPE a stateset\na{b="on"} 1', /no label a/);
  bad('# TYPE a info\na_info 2', /must be 1/);
  bad('# TYPE a counter\na_total -1', /from 0 up/);
  bad('# TYPE a summary\na{quantile="2"} 1', /outside/);
  bad('# TYPE a gauge\na 1 # {x="y"} 1', /may not have an exemplar/);
  bad(`# TYPE a counter\na_total 1 # {x="${'y'.repeat(128)}"} 1`, /129 characters/);
});

test('each rule is kept: good documents are taken, bad ones refused with a line', () => {
  const problem = (document: string): string => {
    try {
      checkOpenMetrics(new TextEncoder().encode(document));
      return '';
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'bad_exposition', String(error));
      return (error as Error).message;
    }
  };
  for (const document of GOOD) assert.equal(problem(document), '', JSON.stringify(document));
  for (const document of BAD) assert.match(problem(document), /line \d+\)/, JSON.stringify(document));
});

test('random documents end in an answer', () => {
  const rng = seeded(fuzzSeed(3));
  for (let n = fuzzCases(400); n > 0; n--) {
    const body = damaged(rng, new TextEncoder().encode(openMetricsDocument(rng)));
    try {
      checkOpenMetrics(body);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'bad_exposition', String(error));
    }
  }
});

const vectors = new URL('../../../shared/conformance/openmetrics/', import.meta.url);

test('conformance documents are taken or refused as they should be', (t) => {
  if (!existsSync(vectors)) return t.skip('../shared/conformance/openmetrics is not there');
  const wrong: string[] = [];
  for (const name of readdirSync(vectors)) {
    const { shouldParse } = JSON.parse(readFileSync(new URL(`${name}/test.json`, vectors), 'utf8'));
    let problem = '';
    try {
      checkOpenMetrics(readFileSync(new URL(`${name}/metrics`, vectors)));
    } catch (error) {
      problem = (error as Error).message;
    }
    if ((problem === '') !== shouldParse) wrong.push(`${name}: ${problem || 'taken'}`);
  }
  assert.deepEqual(wrong, []);
});
