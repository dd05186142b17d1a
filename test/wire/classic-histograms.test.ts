import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCorrupt, utf8, utf8Text } from '../../src/base/index.ts';
import { SimRandom } from '../../src/io/index.ts';
import { equalHistograms, histogramText } from '../../src/model/index.ts';
import { collateClassicHistograms, histogramFields, readHistogram } from '../../src/wire/index.ts';
import { fuzzCases, fuzzSeed } from '../support/fuzz.ts';
import { randomHistogram } from '../support/histograms.ts';

function collated(
  text: string,
  options: { keepClassic?: boolean; native?: string; format?: 'text' | 'openmetrics' } = {},
) {
  const { keepClassic = false, native, format = 'text' } = options;
  const given =
    native === undefined
      ? []
      : [{ series: utf8(native), timestampMs: null, startMs: 0, fields: new Uint8Array(0), exemplars: [] }];
  const wanted = { keepClassic, native: given, exemplars: new Map(), starts: null };
  const { text: rest, histograms } = collateClassicHistograms(utf8(text), format, wanted);
  const shown = histograms.map(({ series, timestampMs, fields }) =>
    [utf8Text(series), histogramText(readHistogram(fields).histogram), timestampMs ?? ''].join(' ').trimEnd(),
  );
  return { rest: utf8Text(rest), shown };
}

/** One family, d. */
function ok(lines: string, ...want: string[]): void {
  assert.deepEqual(collated(`# TYPE d histogram\n${lines}\n`).shown, want, lines);
}

test('lines of one histogram become one with custom bounds', () => {
  ok('d_bucket{le="1"} 2\nd_bucket{le="+Inf"} 3\nd_sum 4.5\nd_count 3', 'd {count:3, sum:4.5, [-Inf,1]:2, (1,+Inf]:1}');
  ok('d_bucket{le="1"} 2\nd_sum 4\nd_count 3', 'd {count:3, sum:4, [-Inf,1]:2, (1,+Inf]:1}');
  ok('d_bucket{le="2"} 2\nd_bucket{le="1"} 2', 'd {count:2, sum:0, [-Inf,1]:2}');
  ok('d_bucket{le="1"} 0.5\nd_count 1.5', 'd {count:1.5, sum:0, [-Inf,1]:0.5, (1,+Inf]:1}');
  ok('d_bucket{le="1"} 2\nd_bucket{le="1"} 1\nd_count 2', 'd {count:2, sum:0, [-Inf,1]:2}');
  ok('d_count{a="b\\"",c="d"} 2 17', 'd{a="b\\"",c="d"} {count:2, sum:0, [-Inf,+Inf]:2} 17');
  ok(
    'd_count{a="1"} 1\nd_count{a="2"} 2',
    'd{a="1"} {count:1, sum:0, [-Inf,+Inf]:1}',
    'd{a="2"} {count:2, sum:0, [-Inf,+Inf]:2}',
  );
});

test('numbers that make no histogram give none', () => {
  ok('d_bucket{le="1"} 2\nd_bucket{le="+Inf"} 1\nd_count 1');
  ok('d_bucket{le="1"} 2\nd_bucket{le="+Inf"} 2\nd_count 3');
  ok('d_bucket{le="1"} -1\nd_count 3');
  ok('d_count NaN');
  ok('d_sum 3');
});

test('lines of histograms go, all others stay', () => {
  const text = `# TYPE other gauge
other_count 3
# HELP d A "d".
# TYPE d histogram
d_bucket{le="1"} 1
e_bucket{le="1"} 1
d_bucket{le="x"} 1
d_created 5
d_count 1
# TYPE z counter
z_total 3
`;
  const rest = `# TYPE other gauge
other_count 3
# HELP d A "d".
# TYPE d histogram
e_bucket{le="1"} 1
d_bucket{le="x"} 1
d_created 5
# TYPE z counter
z_total 3
`;
  assert.equal(collated(text).rest, rest);
  assert.equal(collated(text, { keepClassic: true }).rest, text);
  assert.equal(collated(text, { keepClassic: true }).shown.length, 1);
});

test('a classic histogram beside a native one of its name stays what it is', () => {
  const text = '# TYPE d histogram\nd_count{a="b"} 1\nd_count{a="c"} 1\n';
  assert.deepEqual(collated(text, { native: 'd{a="b"}' }), {
    rest: '# TYPE d histogram\nd_count{a="b"} 1\n',
    shown: ['d{a="c"} {count:1, sum:0, [-Inf,+Inf]:1}'],
  });
});

test('OpenMetrics and names in quotes are read, too', () => {
  const text = '# TYPE "d.x" histogram\n{"d.x_bucket",le="1"} 1 5 # {a="b"} 1\n{"d.x_count"} 1 5\n# EOF\n';
  assert.deepEqual(collated(text, { format: 'openmetrics' }), {
    rest: '# TYPE "d.x" histogram\n# EOF\n',
    shown: ['{"d.x"} {count:1, sum:0, [-Inf,1]:1} 5000'],
  });
});

const exemplar = (id: string, value: number, timestampMs?: number) => ({ labels: ['id', id], value, timestampMs });

test('exemplars beside a text stay with their lines, and those of a histogram go with it', () => {
  const text = `# TYPE a counter
a 1
# TYPE d histogram
d_count 2
d_bucket{le="1"} 1
d_bucket{le="+Inf"} 2
# TYPE z counter
z{a="1"} 1
z{a="2"} 1
`;
  const exemplars = new Map([
    [0, exemplar('a', 1, 5)],
    [2, exemplar('later', 1, 9)],
    [3, exemplar('earlier', 2, 8)],
    [5, exemplar('z', 1)],
  ]);
  const gone = collateClassicHistograms(utf8(text), 'text', {
    keepClassic: false,
    native: [],
    exemplars,
    starts: null,
  });
  const lines = utf8Text(gone.text)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(
    [...gone.exemplars].map(([row, { labels }]) => [lines[row], labels[1]]),
    [
      ['a 1', 'a'],
      ['z{a="2"} 1', 'z'],
    ],
  );
  const ofHistogram = [exemplar('earlier', 2, 8), exemplar('later', 1, 9)];
  assert.deepEqual(gone.histograms[0].exemplars, ofHistogram);
  const kept = collateClassicHistograms(utf8(text), 'text', { keepClassic: true, native: [], exemplars, starts: null });
  assert.equal(utf8Text(kept.text), text);
  assert.deepEqual([...kept.exemplars.keys()], [0, 5]);
  assert.deepEqual(kept.histograms[0].exemplars, ofHistogram);
});

test('exemplars in the lines of a histogram go with it if they have a time', () => {
  const text = `# TYPE d histogram
d_bucket{le="1"} 1 # {id="a\\"}",other="b"} 0.5 2
d_bucket{le="2"} 2 # {} 1.5 1
d_bucket{le="+Inf"} 3 # {id="c"} 2.5
d_count 3
# EOF
`;
  const wanted = { keepClassic: true, native: [], exemplars: new Map(), starts: null };
  const { text: rest, histograms } = collateClassicHistograms(utf8(text), 'openmetrics', wanted);
  assert.deepEqual(histograms[0].exemplars, [
    { labels: [], value: 1.5, timestampMs: 1000 },
    { labels: ['id', 'a"}', 'other', 'b'], value: 0.5, timestampMs: 2000 },
  ]);
  assert.equal(utf8Text(rest), text.replace(/ # .*/g, ''));
});

test('fields of histograms are read as they were written; changed bytes end in a corrupt error', () => {
  const random = new SimRandom(fuzzSeed(11));
  const dice = {
    roll: (sides: number) => Math.floor(random.next() * sides),
    one: (sides: number) => random.next() * sides < 1,
  };
  for (let i = fuzzCases(300); i > 0; i--) {
    const histogram = randomHistogram(dice);
    const fields = histogramFields(histogram);
    const read = readHistogram(fields).histogram;
    assert.ok(equalHistograms(read, histogram), histogramText(histogram));
    assert.equal(read.resetHint, histogram.resetHint);
    const changed = fields.slice();
    changed[dice.roll(changed.length)] ^= 1 << dice.roll(8);
    try {
      readHistogram(changed.subarray(0, dice.one(2) ? dice.roll(changed.length) : changed.length));
    } catch (error) {
      assert.ok(isCorrupt(error), String(error));
    }
  }
});

test('start times go to the histogram of their lines, and stay with the lines that stay', () => {
  const text = '# TYPE h histogram\nother 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\nlast 1\n';
  const starts = Float64Array.of(5, 7, 7, 7, 9);
  const options = { native: [], exemplars: new Map(), starts };
  const gone = collateClassicHistograms(utf8(text), 'text', { ...options, keepClassic: false });
  assert.deepEqual([...(gone.starts ?? [])], [5, 9]);
  assert.equal(gone.histograms[0].startMs, 7);
  const kept = collateClassicHistograms(utf8(text), 'text', { ...options, keepClassic: true });
  assert.deepEqual(kept.starts, starts);
});
