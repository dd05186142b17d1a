import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type ExecKernel,
  FOLD_OPERATORS,
  RANGE_FUNCTIONS,
  type Steps,
  createExecTwin,
  createExecWasm,
  loadKernel,
} from '../../src/kernel/index.ts';
import { type Column, load, randomColumn, randomFrom, stateOf } from './columns.ts';

const wasm = createExecWasm(await loadKernel('exec'));
const twin = createExecTwin();

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)];
}

function randomSteps(random: () => number, column: Column): Steps {
  const first = column.ts[0] ?? 0;
  const span = (column.ts.at(-1) ?? 0) - first;
  const steps = 1 + Math.floor(random() * 40);
  const stepMs = pick(random, [0, 1, 1000, 15_000, 60_000, Math.floor(span / steps), Math.floor(span / 7)]);
  return { startMs: first + Math.floor((random() * 1.2 - 0.1) * span), stepMs, steps };
}

function randomRange(random: () => number, column: Column): number {
  const span = (column.ts.at(-1) ?? 0) - (column.ts[0] ?? 0);
  return pick(random, [0, 1, 999, 60_000, 300_123, Math.floor(span * random()), span * 2]);
}

function sameSteps(what: string, steps: number, seed: number): void {
  for (let i = 0; i < steps; i++) {
    const same = twin.present[i] === wasm.present[i] && (twin.present[i] === 0 || Object.is(twin.out[i], wasm.out[i]));
    if (same) continue;
    const text = (kernel: ExecKernel): string => `${kernel.present[i]} ${kernel.out[i]}`;
    assert.fail(`${what}, seed ${seed}, step ${i}: twin ${text(twin)}, kernel ${text(wasm)}`);
  }
}

function loadBoth(column: Column): number {
  for (const kernel of [twin, wasm]) {
    kernel.reserve(column.ts.length, 64);
    load(kernel, column);
  }
  return column.ts.length;
}

test('every range function of the kernel equals its twin to the bit', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = randomFrom(seed);
    const column = randomColumn(random, seed % 10 === 0 ? 600 : 60);
    const n = loadBoth(column);
    for (const fn of RANGE_FUNCTIONS) {
      const at = randomSteps(random, column);
      const rangeMs = randomRange(random, column);
      const p = pick(random, [0, 0.5, 0.9, 1, -1, 2, NaN, random()]);
      const p2 = pick(random, [0, 0.3, 60_000, random()]);
      const want = twin.range(fn, n, at, rangeMs, p, p2);
      assert.equal(wasm.range(fn, n, at, rangeMs, p, p2), want, `${fn}, seed ${seed}`);
      sameSteps(`${fn} ${JSON.stringify({ ...at, rangeMs, p, p2 })}`, at.steps, seed);
    }
  }
});

test('instant selection of the kernel equals its twin to the bit', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = randomFrom(seed);
    const column = randomColumn(random, 100);
    const n = loadBoth(column);
    const at = randomSteps(random, column);
    const lookbackMs = randomRange(random, column);
    const timestamps = random() < 0.3;
    assert.equal(wasm.instant(n, at, lookbackMs, timestamps), twin.instant(n, at, lookbackMs, timestamps));
    sameSteps('instant', at.steps, seed);
    twin.spread(at.steps);
    wasm.spread(at.steps);
    sameSteps('spread', at.steps, seed);
  }
});

test('every accumulator of the kernel equals its twin to the bit, states of either cross over', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = randomFrom(seed);
    for (const op of FOLD_OPERATORS) foldOnce(random, op, seed);
  }
});

function foldOnce(random: () => number, op: (typeof FOLD_OPERATORS)[number], seed: number): void {
  const groups = 1 + Math.floor(random() * 3);
  const steps = 1 + Math.floor(random() * 64);
  const both = [twin, wasm] as const;
  both.forEach((kernel) => kernel.reserve(60, 64));
  const accumulators = both.map((kernel) => [0, 1].map(() => kernel.accumulator(op, groups, steps)));
  for (let series = Math.floor(random() * 8); series >= 0; series--) {
    const column = randomColumn(random, 60);
    const n = loadBoth(column);
    const stepMs = Math.floor((column.ts.at(-1) ?? 0) / steps);
    const at = { startMs: column.ts[0] ?? 0, stepMs, steps };
    const group = Math.floor(random() * groups);
    const shard = random() < 0.5 ? 0 : 1;
    both.forEach((kernel, k) => {
      kernel.instant(n, at, 60_000);
      accumulators[k][shard].add(group);
    });
  }
  for (let group = 0; group < groups; group++) {
    const states = accumulators.map((pair) => stateOf(pair[1], group));
    // Not deepEqual, which would compare the bits of NaNs.
    const different = states[0].findIndex((x, i) => !Object.is(x, states[1][i]));
    assert.equal(different, -1, `${op}, seed ${seed}: states differ`);
    accumulators[0][0].merge(group, states[1]);
    accumulators[1][0].merge(group, states[0]);
    accumulators.forEach((pair) => pair[0].finish(group));
    sameSteps(op, steps, seed);
  }
  accumulators.flat().forEach((accumulator) => accumulator.free());
}
