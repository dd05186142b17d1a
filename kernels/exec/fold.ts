// Group accumulators: groups x steps of running aggregates. Rules and the exported layout: src/kernel/exec-twin-fold.ts.
//
//   accumulator:  op u32 | groups u32 | steps u32 | group stride u32 | group 0 | group 1 | ...
//   group:        planes of f64[steps] | one byte per step that was seen (not where the first plane is a count) | padding

import { allocate, free } from './memory';
import { fits, out, present } from './column';
import { compensate, compensate2 } from './kahan';
import { VARIANCE_PLANES, addToVariance, firstOfVariance, mergeVariance, varianceOf } from './variance';

const SUM: i32 = 0;
const AVG: i32 = 1;
const MIN: i32 = 2;
const MAX: i32 = 3;
const COUNT: i32 = 4;
const GROUP: i32 = 5;
const STDDEV: i32 = 6;
const STDVAR: i32 = 7;

const HEADER: usize = 16;
const ALL_PRESENT: i64 = 0x0101010101010101;

// Where a state passes through on its way in or out.
let wire: usize = 0;
let wireLength: usize = 0;

// @ts-ignore: decorator
@inline
function planesOf(op: i32): i32 {
  return op === GROUP ? 0 : op === SUM ? 2 : op === AVG ? 3 : op >= STDDEV ? VARIANCE_PLANES : 1;
}

// @ts-ignore: decorator
@inline
function isCounted(op: i32): bool {
  return op === COUNT || op === AVG || op >= STDDEV;
}

// @ts-ignore: decorator
@inline
function opOf(acc: usize): i32 {
  return load<i32>(acc);
}

// @ts-ignore: decorator
@inline
function stepsOf(acc: usize): i32 {
  return load<i32>(acc, 8);
}

// @ts-ignore: decorator
@inline
function groupAt(acc: usize, group: i32): usize {
  return acc + HEADER + <usize>group * <usize>load<u32>(acc, 12);
}

/** Address of an empty accumulator, or 0 without memory. */
export function create(op: i32, groups: i32, steps: i32): usize {
  if (op < 0 || op > STDVAR || groups < 0 || steps < 0) return 0;
  const planes = planesOf(op);
  const seen = isCounted(op) ? 0 : ((<i64>steps + 15) & ~15);
  const stride = (<i64>steps * 8 * planes + seen + 15) & ~15;
  // Both factors are below 2^38 and 2^31: the bound on stride keeps the product within 64 bits.
  if (stride > 0xffff0000 || stride * <i64>groups > 0xffff0000) return 0;
  const bytes = <usize>(stride * <i64>groups) + HEADER;
  const acc = allocate(bytes);
  if (acc === 0) return 0;
  memory.fill(acc, 0, bytes);
  store<i32>(acc, op);
  store<i32>(acc, groups, 4);
  store<i32>(acc, steps, 8);
  store<u32>(acc, <u32>stride, 12);
  return acc;
}

export function release(acc: usize): void {
  free(acc);
}

/** Folds the step vector into a group. Returns -1 for a group or step vector out of bounds. */
export function add(acc: usize, group: i32): i32 {
  if (group < 0 || group >= load<i32>(acc, 4) || !fits(0, stepsOf(acc))) return -1;
  const op = opOf(acc);
  const base = groupAt(acc, group);
  const steps = stepsOf(acc);
  const plane = (<usize>steps) << 3;
  if (op === SUM) addSums(base, plane, steps);
  else if (op === MAX) addExtremes(base, plane, steps, true);
  else if (op === MIN) addExtremes(base, plane, steps, false);
  else if (op === AVG) addAverages(base, plane, steps);
  else if (op === GROUP) for (let i = 0; i < steps; i++) markSeen(base + <usize>i, load<u8>(present + <usize>i));
  else if (op === COUNT) {
    for (let i = 0; i < steps; i++) {
      const at = base + ((<usize>i) << 3);
      store<f64>(at, load<f64>(at) + <f64>load<u8>(present + <usize>i));
    }
  } else addVariances(base, plane, steps);
  return 0;
}

// @ts-ignore: decorator
@inline
function markSeen(at: usize, isPresent: u8): void {
  store<u8>(at, load<u8>(at) | isPresent);
}

/** Eight steps at once where all are there, or all are new; else one by one. */
function addSums(base: usize, plane: usize, steps: i32): void {
  const seen = base + 2 * plane;
  let i = 0;
  for (; i + 8 <= steps; i += 8) {
    const bytes = load<i64>(present + <usize>i);
    if (bytes === 0) continue;
    const had = load<i64>(seen + <usize>i);
    if (bytes !== ALL_PRESENT || (had !== ALL_PRESENT && had !== 0)) {
      for (let j = i; j < i + 8; j++) addSum(base, plane, seen, j);
      continue;
    }
    const at = base + ((<usize>i) << 3);
    const from = out + ((<usize>i) << 3);
    if (had === 0) {
      memory.copy(at, from, 64);
      memory.fill(at + plane, 0, 64);
      store<i64>(seen + <usize>i, ALL_PRESENT);
      continue;
    }
    for (let k: usize = 0; k < 64; k += 16) {
      const sum = v128.load(at + k);
      const x = v128.load(from + k);
      const t = f64x2.add(sum, x);
      v128.store(at + plane + k, compensate2(sum, x, t, v128.load(at + plane + k)));
      v128.store(at + k, t);
    }
  }
  for (; i < steps; i++) addSum(base, plane, seen, i);
}

// @ts-ignore: decorator
@inline
function addSum(base: usize, plane: usize, seen: usize, i: i32): void {
  if (load<u8>(present + <usize>i) === 0) return;
  const at = base + ((<usize>i) << 3);
  const x = load<f64>(out + ((<usize>i) << 3));
  if (load<u8>(seen + <usize>i) === 0) {
    store<f64>(at, x);
    store<f64>(at + plane, 0.0);
    store<u8>(seen + <usize>i, 1);
    return;
  }
  mergeSum(at, plane, x, 0.0);
}

// @ts-ignore: decorator
@inline
function mergeSum(at: usize, plane: usize, x: f64, otherC: f64): void {
  const sum = load<f64>(at);
  const t = sum + x;
  let c = compensate(sum, x, t, load<f64>(at + plane));
  if (otherC !== 0.0 && abs(t) !== Infinity) c += otherC;
  store<f64>(at, t);
  store<f64>(at + plane, c);
}

// @ts-ignore: decorator
@inline
function addExtremes(base: usize, plane: usize, steps: i32, isMax: bool): void {
  const seen = base + plane;
  for (let i = 0; i < steps; i++) {
    if (load<u8>(present + <usize>i) === 0) continue;
    const at = base + ((<usize>i) << 3);
    const x = load<f64>(out + ((<usize>i) << 3));
    const best = load<f64>(at);
    const isNew = load<u8>(seen + <usize>i) === 0;
    store<u8>(seen + <usize>i, 1);
    if (isNew || isBetter(x, best, isMax)) store<f64>(at, x);
  }
}

/** -0 is less than +0: which came first must not matter. */
// @ts-ignore: decorator
@inline
function isBetter(x: f64, best: f64, isMax: bool): bool {
  if (best !== best || (isMax ? best < x : best > x)) return true;
  return best === x && isMax === (reinterpret<i64>(x) >= 0);
}

function addAverages(base: usize, plane: usize, steps: i32): void {
  for (let i = 0; i < steps; i++) {
    if (load<u8>(present + <usize>i) === 0) continue;
    const at = base + ((<usize>i) << 3);
    const x = load<f64>(out + ((<usize>i) << 3));
    if (load<f64>(at) !== 0.0) {
      mergeAverage(at, plane, 1.0, x, 0.0);
      continue;
    }
    store<f64>(at, 1.0);
    store<f64>(at + plane, x);
    store<f64>(at + 2 * plane, 0.0);
  }
}

/** Counts below 0 belong to means. */
function mergeAverage(at: usize, plane: usize, otherCount: f64, value: f64, otherC: f64): void {
  const count = load<f64>(at);
  const mine = load<f64>(at + plane);
  const myC = load<f64>(at + 2 * plane);
  const n1 = abs(count);
  const n2 = abs(otherCount);
  const n = n1 + n2;
  if (count > 0.0 && otherCount > 0.0) {
    const t = mine + value;
    if (abs(t) !== Infinity) {
      let c = compensate(mine, value, t, myC);
      if (otherC !== 0.0) c += otherC;
      store<f64>(at, n);
      store<f64>(at + plane, t);
      store<f64>(at + 2 * plane, c);
      return;
    }
  }
  const q = n1 / n;
  const before = q * (count > 0.0 ? mine / n1 : mine);
  const beforeC = q * (count > 0.0 ? myC / n1 : myC);
  let x = value / n;
  let xC: f64 = 0.0;
  if (n2 !== 1.0) {
    const q2 = n2 / n;
    x = q2 * (otherCount > 0.0 ? value / n2 : value);
    const c2 = otherCount > 0.0 ? otherC / n2 : otherC;
    if (c2 !== 0.0) xC = q2 * c2;
  }
  const t = before + x;
  let c = compensate(before, x, t, beforeC);
  if (xC !== 0.0 && abs(t) !== Infinity) c += xC;
  store<f64>(at, -n);
  store<f64>(at + plane, t);
  store<f64>(at + 2 * plane, c);
}

function addVariances(base: usize, plane: usize, steps: i32): void {
  for (let i = 0; i < steps; i++) {
    if (load<u8>(present + <usize>i) === 0) continue;
    const at = base + ((<usize>i) << 3);
    const x = load<f64>(out + ((<usize>i) << 3));
    if (load<f64>(at) === 0.0) firstOfVariance(at, plane, x);
    else addToVariance(at, plane, x);
  }
}

/** Numbers in an exported state. */
export function stateLength(acc: usize): i32 {
  const steps = stepsOf(acc);
  const op = opOf(acc);
  return planesOf(op) * steps + (isCounted(op) ? 0 : (steps + 31) >>> 5);
}

/** Address of room for one state of this accumulator, or 0. */
export function stateRoom(acc: usize): usize {
  const length = <usize>stateLength(acc);
  if (length > wireLength) {
    free(wire);
    wireLength = 0;
    wire = allocate(length << 3);
    if (wire !== 0) wireLength = length;
  }
  return wire;
}

/** Writes a group's state to the room of stateRoom(). */
export function exportState(acc: usize, group: i32): i32 {
  if (group < 0 || group >= load<i32>(acc, 4) || <usize>stateLength(acc) > wireLength) return -1;
  const op = opOf(acc);
  const steps = stepsOf(acc);
  const base = groupAt(acc, group);
  const planes = (<usize>(steps * planesOf(op))) << 3;
  let at = wire;
  if (!isCounted(op)) {
    const seen = base + planes;
    for (let i = 0; i < steps; i += 32, at += 8) {
      let bits: u32 = 0;
      for (let j = i; j < min(i + 32, steps); j++) bits |= <u32>load<u8>(seen + <usize>j) << (j - i);
      store<f64>(at, <f64>bits);
    }
  }
  memory.copy(at, base, planes);
  return 0;
}

/** Merges the state in the room of stateRoom() into a group. */
export function merge(acc: usize, group: i32): i32 {
  if (group < 0 || group >= load<i32>(acc, 4) || <usize>stateLength(acc) > wireLength) return -1;
  const op = opOf(acc);
  const steps = stepsOf(acc);
  const base = groupAt(acc, group);
  const plane = (<usize>steps) << 3;
  const planes = planesOf(op);
  const counted = isCounted(op);
  const seen = base + <usize>planes * plane;
  const from = counted ? wire : wire + ((<usize>((steps + 31) >>> 5)) << 3);
  for (let i = 0; i < steps; i++) {
    const at = (<usize>i) << 3;
    let isNew: bool;
    if (counted) {
      if (load<f64>(from + at) === 0.0) continue;
      isNew = load<f64>(base + at) === 0.0;
    } else {
      const bits = <u32>load<f64>(wire + ((<usize>(i >>> 5)) << 3));
      if (((bits >>> (i & 31)) & 1) === 0) continue;
      isNew = load<u8>(seen + <usize>i) === 0;
      store<u8>(seen + <usize>i, 1);
    }
    if (isNew) for (let p = 0; p < planes; p++) copyNumber(base + at, from + at, <usize>p * plane);
    else mergeStep(op, base + at, from + at, plane);
  }
  return 0;
}

// @ts-ignore: decorator
@inline
function copyNumber(target: usize, source: usize, offset: usize): void {
  store<i64>(target + offset, load<i64>(source + offset));
}

function mergeStep(op: i32, at: usize, from: usize, plane: usize): void {
  const x = load<f64>(from);
  if (op === SUM) mergeSum(at, plane, x, load<f64>(from + plane));
  else if (op === COUNT) store<f64>(at, load<f64>(at) + x);
  else if (op === AVG) mergeAverage(at, plane, x, load<f64>(from + plane), load<f64>(from + 2 * plane));
  else if (op >= STDDEV) mergeVariance(at, from, plane);
  else if (op !== GROUP) {
    const best = load<f64>(at);
    if (isBetter(x, best, op === MAX)) store<f64>(at, x);
  }
}

/** Writes a group's result to the step vector. */
export function finish(acc: usize, group: i32): i32 {
  if (group < 0 || group >= load<i32>(acc, 4) || !fits(0, stepsOf(acc))) return -1;
  const op = opOf(acc);
  const steps = stepsOf(acc);
  const base = groupAt(acc, group);
  const plane = (<usize>steps) << 3;
  const seen = base + <usize>planesOf(op) * plane;
  for (let i = 0; i < steps; i++) {
    const at = base + ((<usize>i) << 3);
    const has = isCounted(op) ? load<f64>(at) !== 0.0 : load<u8>(seen + <usize>i) !== 0;
    store<u8>(present + <usize>i, has);
    if (has) store<f64>(out + ((<usize>i) << 3), resultOf(op, at, plane));
  }
  return 0;
}

// @ts-ignore: decorator
@inline
function resultOf(op: i32, at: usize, plane: usize): f64 {
  if (op === GROUP) return 1.0;
  const first = load<f64>(at);
  if (op === SUM) return first + load<f64>(at + plane);
  if (op === AVG) {
    const value = load<f64>(at + plane);
    const c = load<f64>(at + 2 * plane);
    const total = value + c;
    if (first < 0.0) return total;
    return abs(total) < Infinity ? total / first + (value - total + c) / first : total / first;
  }
  if (op === STDVAR) return varianceOf(at, plane);
  if (op === STDDEV) return sqrt(varianceOf(at, plane));
  return first;
}
