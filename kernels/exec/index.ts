// The door of the exec kernel: range functions over columns and group accumulators. Its specification is the TypeScript twin
// (src/kernel/exec-twin*.ts); the order of functions and operators is that of RANGE_FUNCTIONS and FOLD_OPERATORS there.

import * as column from './column';
import { extremeTimes, maxima, minima } from './extreme';
import { averages, sums, variances } from './moments';
import { medianAbsoluteDeviations, quantiles } from './quantile';
import { extrapolated } from './rate';
import * as selection from './select';
import { lines, smoothings } from './trend';

export { reserve } from './column';
export {
  add as accumulatorAdd,
  create as accumulatorCreate,
  exportState as accumulatorExport,
  finish as accumulatorFinish,
  merge as accumulatorMerge,
  release as accumulatorFree,
  stateLength as accumulatorStateLength,
  stateRoom as accumulatorStateRoom,
} from './fold';

export function tsAddress(): usize {
  return column.tsInput;
}

export function vsAddress(): usize {
  return column.vsInput;
}

export function outAddress(): usize {
  return column.out;
}

export function presentAddress(): usize {
  return column.present;
}

/** Number of steps with a value, or -1 for what does not fit the reserved room or is no function. */
export function range(
  fn: i32,
  n: i32,
  startMs: f64,
  stepMs: f64,
  steps: i32,
  rangeMs: f64,
  parameter: f64,
  parameter2: f64,
): i32 {
  if (!column.fits(n, steps) || !(stepMs >= 0.0) || !(rangeMs >= 0.0)) return -1;
  column.prepare(n, startMs, stepMs, steps, rangeMs);
  switch (fn) {
    case 0: return selection.pick(steps, selection.LAST);
    case 1: return selection.pick(steps, selection.FIRST);
    case 2: return sums(steps);
    case 3: return averages(steps);
    case 4: return minima(steps);
    case 5: return maxima(steps);
    case 6: return selection.pick(steps, selection.COUNT);
    case 7: return selection.pick(steps, selection.PRESENT);
    case 8: return variances(steps, true);
    case 9: return variances(steps, false);
    case 10: return quantiles(steps, parameter);
    case 11: return medianAbsoluteDeviations(steps);
    case 12: return extrapolated(startMs, stepMs, steps, rangeMs, true, true);
    case 13: return extrapolated(startMs, stepMs, steps, rangeMs, true, false);
    case 14: return extrapolated(startMs, stepMs, steps, rangeMs, false, false);
    case 15: return selection.instantDelta(steps, true);
    case 16: return selection.instantDelta(steps, false);
    case 17: return lines(startMs, stepMs, steps, false, 0.0, 0.0);
    case 18: return lines(startMs, stepMs, steps, true, parameter, parameter2);
    case 19: {
      selection.countMarks(false);
      return selection.pick(steps, selection.MARKS);
    }
    case 20: {
      selection.countMarks(true);
      return selection.pick(steps, selection.MARKS);
    }
    case 21: return smoothings(steps, parameter, parameter2);
    case 22: return selection.pick(steps, selection.TS_FIRST);
    case 23: return selection.pick(steps, selection.TS_LAST);
    case 24: return extremeTimes(steps, true);
    case 25: return extremeTimes(steps, false);
    default: return -1;
  }
}

export function instant(n: i32, startMs: f64, stepMs: f64, steps: i32, lookbackMs: f64, timestamps: bool): i32 {
  if (!column.fits(n, steps) || !(stepMs >= 0.0)) return -1;
  return selection.newest(n, startMs, stepMs, steps, lookbackMs, timestamps);
}

/** Step 0's value and presence for all steps. */
export function spread(steps: i32): i32 {
  if (steps < 1 || !column.fits(0, steps)) return -1;
  const bits = load<i64>(column.out);
  for (let i = 1; i < steps; i++) store<i64>(column.out + ((<usize>i) << 3), bits);
  memory.fill(column.present, load<u8>(column.present), <usize>steps);
  return 0;
}
