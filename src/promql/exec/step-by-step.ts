// Range functions whose parameters change from step to step: the kernel takes one value for all steps, so it is called for each.
import type { ExecKernel, RangeFunction } from '../../kernel/index.ts';
import type { LeafPlan } from '../leaf.ts';

/** Evaluates the kernel's column of n samples into its step vector; returns how many steps have a value. */
export function evaluateStepByStep(kernel: ExecKernel, n: number, plan: LeafPlan): number {
  const { startMs, stepMs, steps, windowMs, fn, parameters, evalOffsetMs, evalOffsetStepMs } = plan;
  const values = new Float64Array(steps);
  const present = new Uint8Array(steps);
  const parameter = (p: number, i: number): number | undefined => parameters[p]?.[parameters[p].length > 1 ? i : 0];
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const at = { startMs: startMs + i * stepMs, stepMs: 1, steps: 1 };
    const second = fn === 'predict_linear' ? evalOffsetMs + i * evalOffsetStepMs : parameter(1, i);
    if (kernel.range(fn as RangeFunction, n, at, windowMs, parameter(0, i), second) === 0) continue;
    values[i] = kernel.out[0];
    present[i] = 1;
    found++;
  }
  kernel.out.set(values);
  kernel.present.set(present);
  return found;
}
