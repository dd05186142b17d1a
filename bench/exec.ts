// In-process microbenchmark of the exec kernel and its twin over one decoded column: no decoding, no index, no labels.
// Usage: node bench/exec.ts

import {
  type ExecKernel,
  type RangeFunction,
  type Steps,
  createExecTwin,
  createExecWasm,
  loadKernel,
} from '../src/kernel/index.ts';

interface Shape {
  readonly name: string;
  readonly samples: number;
  readonly at: Steps;
  readonly rangeMs: number;
}

const intervalMs = 15_000;
const shapes: Shape[] = [
  { name: '960 samples, 241 steps of 60 s, 5 m window', samples: 960, at: steps(241, 60_000), rangeMs: 300_000 },
  { name: '5760 samples, 288 steps of 300 s, 1 h window', samples: 5760, at: steps(288, 300_000), rangeMs: 3_600_000 },
];

function steps(count: number, stepMs: number): Steps {
  return { startMs: 1.7e12, stepMs, steps: count };
}

type Fill = (i: number, before: number) => number;
const counter: Fill = (i, before) => before + ((i * 7919) % 101);
const counterWithResets: Fill = (i, before) => (i % 100 === 99 ? 0 : before + ((i * 7919) % 101));
const gauge: Fill = (i) => ((i * 7919) % 1009) / 10;

function fill(kernel: ExecKernel, shape: Shape, value: Fill): void {
  kernel.reserve(shape.samples, shape.at.steps);
  let v = 0;
  for (let i = 0; i < shape.samples; i++) {
    kernel.ts[i] = shape.at.startMs + i * intervalMs + ((i * 31) % 7);
    v = value(i, v);
    kernel.vs[i] = v;
  }
}

/** Nanoseconds of one call: best of some rounds of about 20 ms. */
function measure(call: () => void): number {
  for (let i = 0; i < 200; i++) call();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round++) {
    const start = process.hrtime.bigint();
    let calls = 0;
    do {
      for (let i = 0; i < 20; i++) call();
      calls += 20;
    } while (process.hrtime.bigint() - start < 20_000_000n);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls);
  }
  return best;
}

function report(kernelName: string, what: string, shape: Shape, ns: number): void {
  const perSample = (ns / shape.samples).toFixed(2).padStart(8);
  const points = ((shape.at.steps / ns) * 1e3).toFixed(1).padStart(8);
  console.log(
    `${kernelName} ${what.padEnd(26)} ${(ns / 1000).toFixed(2).padStart(9)} µs ${perSample} ns/sample ${points} M points/s`,
  );
}

function run(kernelName: string, kernel: ExecKernel, shape: Shape): void {
  const { samples, at, rangeMs } = shape;
  const range = (fn: RangeFunction, value: Fill, parameter = 0): void => {
    fill(kernel, shape, value);
    report(
      kernelName,
      fn,
      shape,
      measure(() => kernel.range(fn, samples, at, rangeMs, parameter)),
    );
  };
  const sum = kernel.accumulator('sum', 1, at.steps);
  for (const [name, value] of [
    ['rate + sum', counter],
    ['rate + sum, resets', counterWithResets],
  ] as const) {
    fill(kernel, shape, value);
    report(
      kernelName,
      name,
      shape,
      measure(() => {
        kernel.range('rate', samples, at, rangeMs);
        sum.add(0);
      }),
    );
  }
  sum.free();
  range('sum_over_time', gauge);
  range('sum_over_time', counter);
  range('stddev_over_time', gauge);
  range('max_over_time', gauge);
  range('quantile_over_time', gauge, 0.9);
  range('deriv', gauge);
  range('changes', gauge);
  report(
    kernelName,
    'instant selection',
    shape,
    measure(() => kernel.instant(samples, at, 300_000)),
  );
}

const wasm = createExecWasm(await loadKernel('exec'));
const twin = createExecTwin();
for (const shape of shapes) {
  console.log(shape.name);
  run('kernel', wasm, shape);
  run('twin  ', twin, shape);
}
