// What the range functions and aggregations answer, case by case, for the twin and for the kernel.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type Accumulator,
  type ExecKernel,
  type FoldOperator,
  type RangeFunction,
  createExecTwin,
  createExecWasm,
  loadKernel,
} from '../../src/kernel/index.ts';
import { stateOf } from './columns.ts';
import { setStaleAt } from '../../src/model/index.ts';

const STALE = 'stale';
type Sample = number | typeof STALE;

const kernels: [string, ExecKernel][] = [
  ['twin', createExecTwin()],
  ['kernel', createExecWasm(await loadKernel('exec'))],
];

/** Samples 10 s apart, the first at 10 s. */
function load(kernel: ExecKernel, samples: readonly Sample[]): number {
  kernel.reserve(samples.length, 8);
  samples.forEach((sample, i) => {
    kernel.ts[i] = 10_000 * (i + 1);
    if (sample === STALE) setStaleAt(kernel.vsWords, i);
    else kernel.vs[i] = sample;
  });
  return samples.length;
}

function values(kernel: ExecKernel, steps: number): (number | null)[] {
  return Array.from({ length: steps }, (_, i) => (kernel.present[i] === 1 ? kernel.out[i] : null));
}

/** The function over one window that holds exactly the samples, and ends with the last one. */
function ok(fn: RangeFunction, samples: readonly Sample[], want: number | null, p = 0, p2 = 0): void {
  for (const [name, kernel] of kernels) {
    const n = load(kernel, samples);
    kernel.range(fn, n, { startMs: 10_000 * n, stepMs: 0, steps: 1 }, 10_000 * n, p, p2);
    assert.deepEqual(values(kernel, 1), [want], `${name}: ${fn}(${samples})`);
  }
}

test('windows are open on the left, and stale markers are not in them', () => {
  ok('count_over_time', [1, 2, STALE, 4], 3);
  ok('last_over_time', [1, STALE], 1);
  ok('count_over_time', [STALE], null);
  for (const [name, kernel] of kernels) {
    const n = load(kernel, [1, 2, 3, 4]);
    kernel.range('count_over_time', n, { startMs: 10_000, stepMs: 10_000, steps: 6 }, 20_000);
    assert.deepEqual(values(kernel, 6), [1, 2, 2, 2, 1, null], name);
  }
});

test('rate needs two samples, corrects resets, and extrapolates no further than to zero', () => {
  ok('rate', [5], null);
  ok('increase', [10, 20, 30], 30);
  ok('rate', [10, 20, 30], 1);
  ok('increase', [10, 20, 5, 15], 10 * ((30 + 10) / 30) + 15 * ((30 + 10) / 30));
  ok('delta', [10, 20, 5], -5 * (30 / 20));
  ok('increase', [0, 10, 20], 20);
  ok('increase', [5, NaN, 10], 7.5);
  ok('increase', [5, 6, NaN], NaN);
});

test('irate and idelta look at the last two samples', () => {
  ok('irate', [100, 10, 30], 2);
  ok('irate', [100, 30, 10], 1);
  ok('idelta', [100, 30, 10], -20);
  ok('idelta', [1], null);
});

test('sums are compensated, and averages survive an overflowing sum', () => {
  ok('sum_over_time', [1, 1e100, 1, -1e100], 2);
  ok('sum_over_time', [1, Infinity, 1], Infinity);
  ok('sum_over_time', [Infinity, -Infinity], NaN);
  ok('avg_over_time', [1, 1e100, 1, -1e100], 0.5);
  ok('avg_over_time', [1e308, 1e308, 1e308, 1e308], 1e308);
  ok('avg_over_time', [-Infinity, 3], -Infinity);
});

test('NaN gives way in min and max, and counts in changes once', () => {
  ok('max_over_time', [NaN, 1, 3, NaN, 2], 3);
  ok('min_over_time', [NaN, 3, 1, NaN, 2], 1);
  ok('max_over_time', [NaN, NaN], NaN);
  ok('ts_of_max_over_time', [3, 1, 3, 2], 30);
  ok('ts_of_min_over_time', [3, 1, 1, 2], 30);
  ok('changes', [1, 1, NaN, NaN, 2], 2);
  ok('resets', [3, 2, NaN, 1, 2, 1], 2);
});

test('quantiles interpolate, and NaN is the smallest value', () => {
  ok('quantile_over_time', [4, 1, 3, 2], 2.5, 0.5);
  ok('quantile_over_time', [4, NaN, 3], NaN, 0);
  ok('quantile_over_time', [4, NaN, 3], 4, 1);
  ok('quantile_over_time', [1], -Infinity, -0.1);
  ok('quantile_over_time', [1], Infinity, 1.1);
  ok('quantile_over_time', [1], NaN, NaN);
  ok('mad_over_time', [4, 6, 2, 1, 999, 1, 2], 1);
});

test('variances, trends and smoothing', () => {
  ok('stdvar_over_time', [2, 4, 4, 4, 5, 5, 7, 9], 4);
  ok('stddev_over_time', [5], 0);
  ok('deriv', [0, 10, 20], 1);
  ok('deriv', [7, 7, 7], 0);
  ok('deriv', [Infinity, Infinity], NaN);
  ok('predict_linear', [0, 10, 20], 80, 60);
  ok('predict_linear', [0, 10, 20], 85, 60, 5_000);
  ok('double_exponential_smoothing', [0, 10, 20], 20, 0.5, 0.5);
  ok('double_exponential_smoothing', [1], null, 0.5, 0.5);
});

test('instant selection takes the newest sample of the lookback and ends at a stale marker', () => {
  for (const [name, kernel] of kernels) {
    const n = load(kernel, [1, STALE, 3]);
    const at = { startMs: 0, stepMs: 10_000, steps: 7 };
    assert.equal(kernel.instant(n, at, 30_000), 4, name);
    assert.deepEqual(values(kernel, 7), [null, 1, null, 3, 3, 3, null], name);
    kernel.instant(n, at, 30_000, true);
    assert.deepEqual(values(kernel, 7), [null, 10, null, 30, 30, 30, null], name);
  }
});

/** Adds one series per number to one group; with `split`, those from there on come as another shard's state. */
function fold(kernel: ExecKernel, op: FoldOperator, series: readonly number[], split = series.length): number | null {
  kernel.reserve(1, 1);
  const [whole, other]: Accumulator[] = [kernel.accumulator(op, 1, 1), kernel.accumulator(op, 1, 1)];
  series.forEach((value, i) => {
    kernel.out[0] = value;
    kernel.present[0] = 1;
    (i < split ? whole : other).add(0);
  });
  whole.merge(0, stateOf(other, 0));
  whole.finish(0);
  whole.free();
  other.free();
  return values(kernel, 1)[0];
}

function folds(op: FoldOperator, series: readonly number[], want: number | null, errorMax = 0): void {
  for (const [name, kernel] of kernels) {
    for (let split = 0; split <= series.length; split++) {
      const got = fold(kernel, op, series, split);
      const error = got === null || want === null || !Number.isFinite(want) ? NaN : Math.abs(got - want);
      if (error <= errorMax) continue;
      assert.deepEqual(got, want, `${name}: ${op}(${series}) split at ${split}`);
    }
  }
}

test('aggregations answer the same however the series are spread over shards', () => {
  folds('sum', [1, 1e100, 1, -1e100], 2);
  folds('sum', [Infinity, 1], Infinity);
  folds('sum', [-0], 0);
  folds('avg', [1, 2, 3, 6], 3);
  folds('avg', [1e308, 1e308, 1e308, 1e308], 1e308);
  folds('avg', [Infinity, 1], Infinity);
  folds('min', [NaN, 3, 1], 1);
  folds('max', [NaN, 3, NaN], 3);
  folds('max', [NaN, NaN], NaN);
  folds('count', [NaN, 3, 1], 3);
  folds('group', [NaN, 3], 1);
  folds('stddev', [1, 3], 1);
  folds('stddev', [2, 4, 4, 4, 5, 5, 7, 9], 2, 4e-16);
  folds('stdvar', [1, Infinity], NaN);
  folds('sum', [], null);
  folds('count', [], null);
});

test('freed accumulators give their memory back', async () => {
  const module = await loadKernel('exec');
  const kernel = createExecWasm(module);
  kernel.reserve(1000, 300);
  const bytes = (): number => kernel.ts.buffer.byteLength;
  const once = (): void => {
    const accumulators = [1000, 10, 500].map((groups) => kernel.accumulator('avg', groups, 300));
    assert.ok(accumulators[0].byteLength >= 3 * 8 * 1000 * 300);
    for (const accumulator of accumulators) accumulator.free();
  };
  once();
  const after = bytes();
  for (let i = 0; i < 50; i++) once();
  assert.equal(bytes(), after);
});

test('what does not fit is refused', async () => {
  const kernel = createExecWasm(await loadKernel('exec'));
  kernel.reserve(10, 10);
  assert.throws(() => kernel.range('rate', 1e6, { startMs: 0, stepMs: 1, steps: 1 }, 1), /beyond what is reserved/);
  assert.throws(() => kernel.range('rate', 1, { startMs: 0, stepMs: 1, steps: 1e6 }, 1), /beyond what is reserved/);
  assert.throws(() => kernel.accumulator('sum', 1e6, 1e6), /cannot reserve/);
  const sum = kernel.accumulator('sum', 2, 10);
  assert.throws(() => sum.add(2), /no such group/);
  assert.throws(() => sum.merge(0, new Float64Array(3)), /another shape/);
  sum.free();
  assert.throws(() => sum.add(0), /after free/);
});
