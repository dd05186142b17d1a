import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SimRandom } from '../../src/io/index.ts';
import { Labels } from '../../src/model/index.ts';
import { OPEN_METRICS_END, OpenMetricsImport, openMetricsLines, openMetricsSeries } from '../../src/wire/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { openExpositionKernel } from '../support/exposition-kernel.ts';

const { exposition } = await openExpositionKernel();

async function* inPieces(text: string, sizes: () => number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; ) {
    const next = Math.min(bytes.length, at + sizes());
    yield bytes.subarray(at, next);
    at = next;
  }
}

/** `{labels} value time` per sample. */
async function read(text: string, sizes = () => 1 << 21): Promise<string[]> {
  const labels: Labels[] = [];
  const lines: string[] = [];
  const view = new DataView(new ArrayBuffer(8));
  const sink = {
    series: (found: Labels) => labels.push(found) - 1,
    sample: (series: number, timeMs: number, high: number, low: number) => {
      view.setUint32(0, high);
      view.setUint32(4, low);
      lines.push(`${labels[series]} ${view.getFloat64(0)} ${timeMs}`);
    },
    flush: async () => {},
  };
  await new OpenMetricsImport(exposition, sink).run(inPieces(text, sizes));
  return lines;
}

describe('OpenMetrics import', () => {
  test('samples come with labels, values and times in milliseconds', async () => {
    const text = [
      '# TYPE a counter',
      '# HELP a What it counts.',
      'a_total{x="1\\n\\""} 1 1.5',
      'a_total{x="1\\n\\""} 2.5e3 1700000000.123 # {trace="t"} 1 2',
      '# TYPE h histogram',
      'h_bucket{le="1"} 3 2',
      'b NaN -1',
      'b +Inf 3',
      '{"näme",x="y"} 7 4',
      '# EOF',
    ].join('\n');
    const want = [
      '{__name__="a_total", x="1\\n\\""} 1 1500',
      '{__name__="a_total", x="1\\n\\""} 2500 1700000000123',
      '{__name__="h_bucket", le="1.0"} 3 2000',
      '{__name__="b"} NaN -1000',
      '{__name__="b"} Infinity 3000',
      '{__name__="näme", x="y"} 7 4000',
    ];
    assert.deepEqual(await read(text), want);
    assert.deepEqual(await read(`${text}\n`), want);
    assert.deepEqual(await read(`${text}\n`, () => 1), want);
  });

  test('pieces of any size give the same samples, and types reach over their borders', async () => {
    const random = new SimRandom(fuzzSeed(1));
    const parts = ['# TYPE h histogram\n'];
    for (let i = 0; i < 40_000; i++) parts.push(`h_bucket{le="${i % 7}",i="${i % 11}"} ${i} ${i}\n`);
    parts.push('# TYPE g gauge\n');
    for (let i = 0; i < 40_000; i++) parts.push(`g{le="${i % 7}",filler="${'x'.repeat(20)}"} ${i} ${i}.25\n`);
    const text = `${parts.join('')}# EOF\n`;
    const whole = await read(text, () => text.length);
    assert.equal(whole.length, 80_000);
    assert.equal(whole[39_999], `{__name__="h_bucket", i="3", le="1.0"} 39999 39999000`);
    assert.equal(whole[79_999], `{__name__="g", filler="${'x'.repeat(20)}", le="1"} 39999 39999250`);
    for (let i = 0; i < fuzzCases(2); i++) assert.deepEqual(await read(text, () => 1 + random.below(100_000)), whole);
  });

  test('what is wrong is told with its line', async () => {
    const bad = (text: string, message: RegExp) => assert.rejects(read(text), { code: 'bad_exposition', message });
    await bad('a 1 1\nb 2\n# EOF\n', /^expected timestamp for series b, got none \(line 2\)$/);
    await bad('a 1 1\nb x 1\n# EOF\n', /\(line 2\)$/);
    await bad('a 1 1\n', /^data does not end with # EOF \(line/);
    await bad('', /^data does not end with # EOF/);
    await bad('# EOF\na 1 1\n', /^unexpected data after # EOF \(line \d\)$/);
    const long = 'a{b="0123456789"} 1 1\n'.repeat(100_000);
    await bad(`${long}a b c\n# EOF\n`, /\(line 100001\)$/);
    await bad(`${long}# EOF\n${long}`, /^unexpected data after # EOF/);
    await bad('x'.repeat(17 << 20), /^a line has more than 16777216 bytes \(line 1\)$/);
  });
});

describe('OpenMetrics export', () => {
  test('what is written is read back the same', async () => {
    const labels = Labels.from({ __name__: 'näme', 'a b': 'x"\\\ny', c: 'd' });
    const vs = Float64Array.of(1, -0.1, 1e6, 1e-7, Number.NaN, Infinity, 5);
    const column = {
      ts: Float64Array.of(-1, 0, 1, 1500, 1_700_000_000_123, 2e12, 3e12),
      vs,
      vsWords: new Uint32Array(vs.buffer),
    };
    column.vsWords.set([2, 0x7ff00000], 12); // A stale marker, which has no text.
    const text = openMetricsLines(openMetricsSeries(labels), column, 7);
    assert.deepEqual(
      await read(text + OPEN_METRICS_END),
      [0, 1, 2, 3, 4, 5].map((i) => `${labels} ${column.vs[i]} ${column.ts[i]}`),
    );
    assert.equal(openMetricsSeries(Labels.from({ __name__: 'a:b' })), 'a:b');
    assert.equal(openMetricsSeries(Labels.from({ a: 'b' })), '{a="b"}');
  });
});
