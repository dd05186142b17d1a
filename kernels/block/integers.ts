// A run of i64s k: the first, their common step g, then residuals of the quotients q = (k - first) / g. All arithmetic is modulo 2^64.
//
//   ┌──────┬───────────────┬─────────────┬────────────────────────────┬────────────────┬───────────┐
//   │ head │ first, zigzag │ [g, varint] │ [first difference, zigzag] │ [base, zigzag] │ residuals │
//   └──────┴───────────────┴─────────────┴────────────────────────────┴────────────────┴───────────┘
//
// head      bits 0-1 order: residuals are q (0), differences (1), differences of differences (2)
//           bit 2    a g follows
//           bit 3    residuals are zigzag numbers; else they are less `base`
//           bits 4-5 0 packed, 1 by frequency (frequency.ts), 2 none: all are `base`
import { bitWidth, getVarint, putVarint, unzigzag, varint, zigzag } from './bits';
import { getFrequencies, putFrequencies } from './frequency';
import { QUOTIENTS, RESIDUALS } from './memory';
import { getPacked, putPacked } from './packed';

const STEP: u32 = 4;
const ZIGZAG: u32 = 8;
const PACKED: u32 = 0;
const FREQUENT: u32 = 1;
const LEVEL: u32 = 2;
/** Frequencies must be smaller by this part, as a shift, and have this many residuals to be worth their table. */
const SAVED_SHIFT: u32 = 5;
const FREQUENCIES_MIN: u32 = 64;
/** Room between both forms of the residuals: packing writes whole words. */
const GAP: usize = 16;

function greatestCommonDivisor(a: u64, b: u64): u64 {
  if (!a) return b;
  if (!b) return a;
  const shift = ctz<u64>(a | b);
  a >>= ctz<u64>(a);
  while (b) {
    b >>= ctz<u64>(b);
    if (a > b) {
      const swap = a;
      a = b;
      b = swap;
    }
    b -= a;
  }
  return a << shift;
}

/** The greatest g of which all differences from the first are multiples; 0 if all are equal. */
function commonStep(ks: usize, count: u32): u64 {
  const first = load<i64>(ks);
  let step: u64 = 0;
  for (let i: u32 = 1; i < count && step != 1; i++) {
    const difference = load<i64>(ks + (usize(i) << 3)) - first;
    step = greatestCommonDivisor(step, u64(difference < 0 ? -difference : difference));
  }
  return step;
}

function divideBySteps(ks: usize, count: u32, step: u64): void {
  const first = load<i64>(ks);
  const shift = u64(ctz<u64>(step));
  const odd = i64(step >> shift);
  for (let i: usize = 0, end = usize(count) << 3; i < end; i += 8) {
    const difference = load<i64>(ks + i) - first;
    store<i64>(QUOTIENTS + i, odd == 1 ? difference >> shift : difference / i64(step));
  }
}

/** The order whose residuals have the fewest bits in sum; the lower one on a tie. */
function bestOrder(count: u32): u32 {
  let least: i64 = 0;
  for (let i: usize = 8, end = usize(count) << 3; i < end; i += 8) least = min<i64>(least, load<i64>(QUOTIENTS + i));
  let bits0: u32 = 0;
  let bits1: u32 = 0;
  let bits2: u32 = 0;
  let before: i64 = 0;
  let difference: i64 = 0;
  for (let i: usize = 8, end = usize(count) << 3; i < end; i += 8) {
    const q = load<i64>(QUOTIENTS + i);
    const step = q - before;
    bits0 += bitWidth(u64(q - least));
    bits1 += bitWidth(zigzag(step));
    bits2 += bitWidth(zigzag(step - difference));
    before = q;
    difference = step;
  }
  if (bits0 <= bits1 && bits0 <= bits2) return 0;
  return bits1 <= bits2 ? 1 : 2;
}

/** Writes the residuals to RESIDUALS; returns their number. */
function takeResiduals(count: u32, order: u32): u32 {
  if (order == 0) {
    memory.copy(RESIDUALS, QUOTIENTS + 8, usize(count - 1) << 3);
    return count - 1;
  }
  const from = QUOTIENTS + (usize(order) << 3);
  const residuals = count - order;
  for (let i: usize = 0, end = usize(residuals) << 3; i < end; i += 8) {
    const step = load<i64>(from + i) - load<i64>(from + i - 8);
    store<i64>(RESIDUALS + i, order == 1 ? step : step - (load<i64>(from + i - 8) - load<i64>(from + i - 16)));
  }
  return residuals;
}

/** Encodes `count` (at least 1) i64s; returns the address after them. */
export function putIntegers(out: usize, ks: usize, count: u32): usize {
  const step = commonStep(ks, count);
  if (!step) {
    store<u8>(out, u8(LEVEL << 4));
    return putVarint(putVarint(out + 1, zigzag(load<i64>(ks))), 0);
  }
  divideBySteps(ks, count, step);
  const order = bestOrder(count);
  const residuals = takeResiduals(count, order);
  let head = order;
  let at = putVarint(out + 1, zigzag(load<i64>(ks)));
  if (step != 1) {
    head |= STEP;
    at = putVarint(at, step);
  }
  if (order == 2) at = putVarint(at, zigzag(load<i64>(QUOTIENTS, 8)));
  return putResiduals(out, at, head, residuals);
}

function putResiduals(out: usize, at: usize, head: u32, count: u32): usize {
  const end = RESIDUALS + (usize(count) << 3);
  let least = i64.MAX_VALUE;
  let greatest = i64.MIN_VALUE;
  for (let i = RESIDUALS; i < end; i += 8) {
    least = min<i64>(least, load<i64>(i));
    greatest = max<i64>(greatest, load<i64>(i));
  }
  if (!count) least = greatest = 0;
  if (least == greatest) {
    store<u8>(out, u8(head | (LEVEL << 4)));
    return putVarint(at, zigzag(least));
  }
  let zigzagBits: u32 = 0;
  let offsetBits: u32 = 0;
  for (let i = RESIDUALS; i < end; i += 8) {
    const residual = load<i64>(i);
    zigzagBits += bitWidth(zigzag(residual));
    offsetBits += bitWidth(u64(residual - least));
  }
  if (zigzagBits < offsetBits) {
    head |= ZIGZAG;
    for (let i = RESIDUALS; i < end; i += 8) store<u64>(i, zigzag(load<i64>(i)));
  } else {
    at = putVarint(at, zigzag(least));
    for (let i = RESIDUALS; i < end; i += 8) store<i64>(i, load<i64>(i) - least);
  }
  const packed = putPacked(at, RESIDUALS, count);
  // Frequencies take twice as long to decode: they must save something.
  const limit = u32((packed - at) - ((packed - at) >> SAVED_SHIFT));
  const after: usize = count < FREQUENCIES_MIN ? 0 : putFrequencies(packed + GAP, RESIDUALS, count, limit);
  const bytes = u32(after - (packed + GAP));
  if (!after || bytes >= limit) {
    store<u8>(out, u8(head | (PACKED << 4)));
    return packed;
  }
  store<u8>(out, u8(head | (FREQUENT << 4)));
  memory.copy(at, packed + GAP, bytes);
  return at + bytes;
}

/** The head of integers, as readHead left it. */
let order: u32 = 0;
let coder: u32 = 0;
let isZigzag: bool = false;
let first: i64 = 0;
let step: i64 = 1;
let difference: i64 = 0;
let base: i64 = 0;

function readHead(at: usize, end: usize): usize {
  if (at >= end) return 0;
  const head = u32(load<u8>(at));
  order = head & 3;
  coder = head >> 4;
  isZigzag = (head & ZIGZAG) != 0;
  if (order > 2 || coder > LEVEL || (isZigzag && coder == LEVEL)) return 0;
  if (!(at = getVarint(at + 1, end))) return 0;
  first = unzigzag(varint);
  step = 1;
  difference = 0;
  base = 0;
  if (head & STEP) {
    if (!(at = getVarint(at, end))) return 0;
    step = i64(varint);
  }
  if (order == 2) {
    if (!(at = getVarint(at, end))) return 0;
    difference = unzigzag(varint);
  }
  if (!isZigzag) {
    if (!(at = getVarint(at, end))) return 0;
    base = unzigzag(varint);
  }
  return at;
}

/** Reads the first integer into `firstInteger`, without decoding the others; false if the head is malformed. */
export function readFirst(at: usize, end: usize): bool {
  const isWhole = readHead(at, end) != 0;
  firstInteger = first;
  return isWhole;
}
export let firstInteger: i64 = 0;

/** Whether the integers are an arithmetic progression over all of [at, end); then `firstOfLine` and `stepOfLine` hold it. */
export function readLine(at: usize, end: usize): bool {
  if (readHead(at, end) != end || coder != LEVEL) return false;
  firstOfLine = first;
  stepOfLine = order == 0 ? 0 : (order == 1 ? base : difference) * step;
  return order == 1 || base == 0;
}
export let firstOfLine: i64 = 0;
export let stepOfLine: i64 = 0;

/** Decodes `count` (1..2047) i64s to `out`; returns the address after them, or 0 if they are malformed. */
export function getIntegers(at: usize, end: usize, out: usize, count: u32): usize {
  if (!(at = readHead(at, end))) return 0;
  const skipped = max<u32>(order, 1);
  const residuals = count > skipped ? count - skipped : 0;
  const from = out + (usize(skipped) << 3);
  if (coder == LEVEL) {
    for (let i = from, last = from + (usize(residuals) << 3); i < last; i += 8) store<i64>(i, 0);
  } else if (coder == PACKED) {
    if (!(at = getPacked(at, end, from, residuals))) return 0;
  } else if (!(at = getFrequencies(at, end, from, residuals))) {
    return 0;
  }
  if (isZigzag) undoZigzag(from, residuals);
  restore(out, from, residuals);
  return at;
}

/** Two at a time: the one behind the last may be garbage. */
function undoZigzag(at: usize, count: u32): void {
  const one = i64x2.splat(1);
  for (const end = at + (usize(count) << 3); at < end; at += 16) {
    const pair = v128.load(at);
    v128.store(at, v128.xor(i64x2.shr_u(pair, 1), i64x2.neg(v128.and(pair, one))));
  }
}

/** Turns the residuals at `from` into the integers at `out`. */
function restore(out: usize, from: usize, residuals: u32): void {
  const end = from + (usize(residuals) << 3);
  const scale = step;
  const each = base * scale;
  store<i64>(out, first);
  if (order == 0) {
    for (let i = from; i < end; i += 8) store<i64>(i, first + each + load<i64>(i) * scale);
  } else if (order == 1) {
    let k = first;
    if (scale == 1) for (let i = from; i < end; i += 8) store<i64>(i, (k += load<i64>(i) + each));
    else for (let i = from; i < end; i += 8) store<i64>(i, (k += load<i64>(i) * scale + each));
  } else {
    let d = difference * scale;
    let k = first + d;
    store<i64>(out, k, 8);
    for (let i = from; i < end; i += 8) {
      d += load<i64>(i) * scale + each;
      store<i64>(i, (k += d));
    }
  }
}
