import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  HistogramAccumulator,
  HistogramAverage,
  type NativeHistogram,
  addHistograms,
  allBuckets,
  bucketRows,
  compact,
  detectReset,
  divide,
  equalHistograms,
  histogramProblem,
  histogramText,
  multiply,
  newHistogram,
  storedHint,
  subtractHistograms,
  toSchema,
  upperBound,
  withHint,
} from '../../src/model/index.ts';
import { buckets, custom, exponential, randomHistogram, seeded } from './histogram-samples.ts';

/** `index:count` of every bucket, negative ones in front. */
const shown = ({ positive, negative }: NativeHistogram): string =>
  [
    ...Array.from(negative.indexes, (index, i) => `-${index}:${negative.counts[i]}`),
    ...Array.from(positive.indexes, (index, i) => `${index}:${positive.counts[i]}`),
  ].join(' ');

test('bucket bounds are powers of the schema base, to the bit of Prometheus', () => {
  const ok = (schema: number, index: number, want: number): void =>
    assert.equal(upperBound(newHistogram({ schema }), index), want, `${schema} ${index}`);
  ok(0, 0, 1);
  ok(0, 3, 8);
  ok(0, -2, 0.25);
  ok(0, 1024, Number.MAX_VALUE);
  ok(0, 1025, Infinity);
  ok(0, -1074, 5e-324);
  ok(-1, 1, 4);
  ok(-4, 64, Number.MAX_VALUE);
  ok(1, 3, 2.82842712474619);
  ok(1, -1, 0.7071067811865475);
  ok(2, 3, 1.6817928305074288);
  ok(8, 1, 1.0027112750502025);
  const nhcb = custom([1, 5]);
  assert.deepEqual(
    [-1, 0, 1, 2].map((index) => upperBound(nhcb, index)),
    [-Infinity, 1, 5, Infinity],
  );
});

test('a sum has the lower resolution and the wider zero bucket of its terms', () => {
  const ok = (a: NativeHistogram, b: NativeHistogram, want: string, zero?: readonly [number, number]): void => {
    const sum = addHistograms(a, b)?.histogram;
    assert.ok(sum);
    assert.equal(shown(sum), want);
    if (zero) assert.deepEqual([sum.zeroThreshold, sum.zeroCount], zero);
    assert.equal(sum.count, a.count + b.count);
  };
  ok(exponential(0, buckets(0, 1, 2)), exponential(0, buckets(1, 3, 4)), '0:1 1:5 2:4');
  ok(exponential(0, buckets(5, 1)), exponential(0, buckets(-3, 2)), '-3:2 5:1');
  ok(exponential(1, buckets(1, 1, 2, 3, 4)), exponential(0, buckets(1, 10)), '1:13 2:7');
  ok(exponential(0, buckets(1, 10)), exponential(2, buckets(1, 1, 1, 1, 1, 1)), '1:14 2:1');
  ok(
    exponential(0, buckets(0, 1), { negative: buckets(0, 2) }),
    exponential(0, buckets(0, 1), { negative: buckets(1, 5) }),
    '-0:2 -1:5 0:2',
  );
  const narrow = exponential(0, buckets(-2, 1, 2, 3), { zeroThreshold: 0.01, zeroCount: 4 });
  ok(narrow, exponential(0, buckets(2, 1), { zeroThreshold: 0.25, zeroCount: 5 }), '-1:2 0:3 2:1', [0.25, 10]);
  // A threshold within a populated bucket is raised to that bucket's end.
  ok(exponential(0, buckets(2, 1), { zeroThreshold: 0.3, zeroCount: 5 }), narrow, '0:3 2:1', [0.5, 12]);
});

test('a difference subtracts bucket by bucket, and may be negative', () => {
  const difference = subtractHistograms(exponential(0, buckets(0, 1, 2)), exponential(0, buckets(1, 5, 1)));
  assert.equal(shown(difference?.histogram as NativeHistogram), '0:1 1:-3 2:-1');
});

test('custom bounds that differ meet at those both have', () => {
  const sum = addHistograms(custom([1, 2, 5], 1, 2, 3, 4), custom([2, 5, 10], 10, 20, 30, 40));
  assert.ok(sum?.reconciled);
  assert.deepEqual([...sum.histogram.customBounds], [2, 5]);
  assert.equal(shown(sum.histogram), '0:13 1:23 2:74');
  assert.equal(addHistograms(custom([1], 1), custom([1], 2))?.reconciled, false);
  const none = addHistograms(custom([1], 1, 1), custom([2], 2, 2));
  assert.deepEqual([...(none?.histogram.customBounds ?? [0])], []);
  assert.equal(shown(none?.histogram as NativeHistogram), '0:6');
});

test('exponential and custom buckets cannot meet', () => {
  assert.equal(addHistograms(custom([1], 1), exponential(0, buckets(0, 1))), null);
  assert.equal(subtractHistograms(exponential(0, buckets(0, 1)), custom([1], 1)), null);
  assert.equal(new HistogramAccumulator(custom([1], 1)).add(exponential(0, buckets(0, 1))), null);
  assert.equal(new HistogramAverage(custom([1], 1)).add(exponential(0, buckets(0, 1))), null);
});

test('hints about counter resets meet as Prometheus has it', () => {
  const ok = (a: NativeHistogram['resetHint'], b: NativeHistogram['resetHint'], want: string): void => {
    const [x, y] = [a, b].map((resetHint) => withHint(exponential(0, buckets(0, 1)), resetHint));
    const sum = addHistograms(x, y);
    assert.equal(`${sum?.histogram.resetHint}${sum?.collision ? ' !' : ''}`, want, `${a} ${b}`);
    const running = new HistogramAccumulator(x);
    assert.equal(running.add(y)?.collision, want.endsWith('!'));
    assert.equal(running.total().resetHint, want.replace(' !', ''));
  };
  ok('unknown', 'unknown', 'unknown');
  ok('gauge', 'reset', 'gauge');
  ok('not_reset', 'gauge', 'gauge');
  ok('not_reset', 'not_reset', 'not_reset');
  ok('unknown', 'not_reset', 'unknown');
  ok('reset', 'not_reset', 'unknown !');
  ok('not_reset', 'reset', 'unknown !');
});

test('scaling by a negative number makes a gauge, division by zero leaves no buckets', () => {
  const h = exponential(0, buckets(0, 2, 4), { zeroThreshold: 0.1, zeroCount: 2 });
  assert.equal(shown(multiply(h, 0.5)), '0:1 1:2');
  assert.equal(multiply(h, 2).resetHint, 'unknown');
  assert.equal(multiply(h, -1).resetHint, 'gauge');
  assert.equal(divide(h, -2).resetHint, 'gauge');
  const none = divide(h, 0);
  assert.deepEqual([none.count, none.zeroCount, shown(none)], [Infinity, Infinity, '']);
});

test('compaction drops empty buckets, and equality does not see them', () => {
  const sparse = exponential(0, buckets(0, 0, 1, 0, 0, 2, 0));
  assert.equal(shown(compact(sparse)), '1:1 4:2');
  assert.ok(equalHistograms(sparse, compact(sparse)));
  assert.ok(!equalHistograms(sparse, exponential(0, buckets(1, 1, 2))));
  assert.ok(equalHistograms(newHistogram({ sum: NaN }), newHistogram({ sum: NaN })));
  assert.ok(!equalHistograms(newHistogram({ sum: 1 }), newHistogram({ sum: 2 })));
});

test('a lower resolution merges neighbours and forgets what was known of resets', () => {
  const coarse = toSchema(withHint(exponential(2, buckets(-3, 1, 1, 1, 1, 1, 1, 1, 1)), 'not_reset'), 0);
  assert.equal(shown(coarse), '0:4 1:4');
  assert.equal(coarse.resetHint, 'unknown');
  const same = withHint(exponential(2, buckets(0, 1)), 'not_reset');
  assert.equal(toSchema(same, 2), same);
});

test('a reset is a count that fell, a bucket that is gone, or a finer layout', () => {
  const ok = (now: NativeHistogram, before: NativeHistogram, want: boolean): void =>
    assert.equal(detectReset(now, before), want);
  const base = exponential(0, buckets(0, 5, 5), { zeroThreshold: 0.01, zeroCount: 3 });
  ok(base, base, false);
  ok(exponential(0, buckets(0, 5, 6), { zeroThreshold: 0.01, zeroCount: 3 }), base, false);
  ok(exponential(0, buckets(0, 4, 9), { zeroThreshold: 0.01, zeroCount: 3 }), base, true);
  ok(exponential(0, buckets(1, 20), { zeroThreshold: 0.01, zeroCount: 3 }), base, true);
  ok(exponential(0, buckets(0, 9, 9), { zeroThreshold: 0.01, zeroCount: 2 }), base, true);
  ok(exponential(1, buckets(0, 50, 50, 50), { zeroThreshold: 0.01, zeroCount: 3 }), base, true);
  ok(exponential(-1, buckets(0, 5, 5), { zeroThreshold: 0.01, zeroCount: 3 }), base, false);
  ok(exponential(0, buckets(0, 5, 9), { zeroThreshold: 0.001, zeroCount: 3 }), base, true);
  ok(exponential(0, buckets(0, 5, 9), { zeroThreshold: 0.1, zeroCount: 3 }), base, false);
  // The new threshold cuts a bucket that had observations.
  ok(exponential(0, buckets(1, 9), { zeroThreshold: 0.7, zeroCount: 30 }), base, true);
  ok(withHint(base, 'reset'), base, true);
  ok(withHint(exponential(0, buckets(0, 1)), 'not_reset'), base, false);
  ok(custom([1, 2], 5, 5, 5), custom([1, 2], 5, 5, 5), false);
  ok(custom([1, 2], 5, 4, 9), custom([1, 2], 5, 5, 5), true);
  ok(custom([1, 2, 3], 5, 5, 5, 5), custom([1, 3], 5, 9, 1), false);
  ok(custom([1, 2, 3], 5, 5, 5, 5), custom([1, 3], 6, 3, 1), true);
  ok(custom([1], 50), base, true);
  ok(base, custom([1], 5), true);
});

test('storage knows of no reset only between neighbours of one layout', () => {
  const ok = (now: NativeHistogram, before: NativeHistogram | null, want: string): void =>
    assert.equal(storedHint(now, before), want);
  const [small, big] = [exponential(0, buckets(0, 1)), exponential(0, buckets(0, 2))];
  ok(big, null, 'unknown');
  ok(big, small, 'not_reset');
  ok(small, big, 'unknown');
  ok(withHint(big, 'reset'), small, 'unknown');
  ok(withHint(big, 'gauge'), small, 'gauge');
  ok(big, withHint(small, 'gauge'), 'unknown');
  ok(exponential(-1, buckets(0, 2)), small, 'unknown');
});

test('sums of many keep what rounding would lose', () => {
  const tiny = exponential(0, buckets(0, 1e-16), { count: 1e-16, sum: 1e-16 });
  const sum = new HistogramAccumulator(exponential(0, buckets(0, 1)));
  for (let i = 0; i < 1000; i++) sum.add(tiny);
  assert.equal(sum.plain().sum, 1);
  assert.equal(sum.total().sum, 1 + 1e-13);
  assert.equal(sum.total().positive.counts[0], 1 + 1e-13);
});

test('an average goes on where a sum would overflow', () => {
  const huge = exponential(0, buckets(0, 1e308), { sum: 1e308 });
  const average = new HistogramAverage(huge);
  average.add(huge);
  average.add(exponential(0, buckets(1, 3e307), { sum: 4e307 }));
  const total = average.total();
  assert.ok(Math.abs(total.sum / 8e307 - 1) < 1e-12);
  assert.ok(Math.abs(total.positive.counts[1] / 1e307 - 1) < 1e-12);
});

test('sums do not depend on whether they are compensated, but for rounding', () => {
  const random = seeded(7);
  for (let i = 0; i < 300; i++) {
    const [a, b] = [randomHistogram(random), randomHistogram(random)];
    const plain = addHistograms(a, b);
    const running = new HistogramAccumulator(a);
    const outcome = running.add(b);
    assert.equal(outcome === null, plain === null);
    if (plain === null) continue;
    const [x, y] = [compact(plain.histogram), compact(running.total())];
    assert.deepEqual([...x.positive.indexes], [...y.positive.indexes]);
    assert.deepEqual([...x.negative.indexes], [...y.negative.indexes]);
    x.positive.counts.forEach((count, k) => assert.ok(Math.abs(count - y.positive.counts[k]) < 1e-9));
    assert.equal(histogramProblem(newHistogram({ ...x, sum: 1 }), false), null);
  }
});

test('buckets come lowest first and are cut at the zero bucket', () => {
  const h = exponential(0, buckets(-1, 1, 2), { negative: buckets(0, 3, 4), zeroThreshold: 0.3, zeroCount: 5 });
  assert.deepEqual(
    allBuckets(h).map(({ lower, upper, count }) => [lower, upper, count]),
    [
      [-2, -1, 4],
      [-1, -0.5, 3],
      [-0.3, 0.3, 5],
      [0.3, 0.5, 1],
      [0.5, 1, 2],
    ],
  );
  assert.deepEqual(
    bucketRows(h).map(([rule]) => rule),
    [1, 1, 3, 0, 0],
  );
  assert.deepEqual(bucketRows(custom([0, 5], 1, 0, 2)), [
    [3, -Infinity, 0, 1],
    [0, 5, Infinity, 2],
  ]);
});

test('the text form lists what is populated', () => {
  assert.equal(
    histogramText(
      exponential(0, buckets(0, 1, 0, 2.5), { negative: buckets(0, 3), zeroThreshold: 0.001, zeroCount: 1 }),
    ),
    '{count:7.5, sum:6.5, [-1,-0.5):3, [-0.001,0.001]:1, (0.5,1]:1, (2,4]:2.5}',
  );
  assert.equal(histogramText(newHistogram({ count: 1e21, sum: NaN })), '{count:1e+21, sum:NaN}');
});

test('what is no histogram is told apart', () => {
  const bad = (h: NativeHistogram, problem: RegExp, integers = false): void =>
    assert.match(histogramProblem(h, integers) ?? 'none', problem);
  bad(newHistogram({ schema: 9 }), /schema/);
  bad(exponential(0, buckets(0, -1)), /negative/);
  bad(exponential(0, { indexes: Int32Array.of(1, 1), counts: Float64Array.of(1, 1) }), /do not rise/);
  bad(exponential(0, { indexes: Int32Array.of(1), counts: Float64Array.of(1, 1) }), /1 indexes for 2 counts/);
  bad(exponential(0, buckets(0, 1), { zeroThreshold: -1 }), /threshold/);
  bad(custom([2, 1], 1), /do not rise/);
  bad(custom([1, Infinity], 1), /custom bound 1/);
  bad(custom([1], 1, 1, 1), /no bound/);
  bad({ ...custom([1], 1), zeroCount: 1 }, /no zero bucket/);
  bad({ ...custom([1], 1), negative: buckets(0, 1) }, /no negative/);
  bad(exponential(0, buckets(0, 1), { customBounds: Float64Array.of(1) }), /schema -53/);
  bad(exponential(0, buckets(0, 1), { count: 5 }), /buckets hold 1 observations/, true);
  assert.equal(histogramProblem(exponential(0, buckets(0, 1), { count: 5, sum: NaN }), true), null);
  assert.equal(histogramProblem(exponential(0, buckets(0, 1)), true), null);
});
