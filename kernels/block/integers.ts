// A run of i64s k: the first, their common step g, then residuals of the quotients q = (k - first) / g. All arithmetic is modulo 2^64.
//
//   ┌──────┬───────────────┬─────────────┬────────────────────────────┬────────────────┬───────────┐
//   │ head │ first, zigzag │ [g, varint] │ [first difference, zigzag] │ [base, zigzag] │ residuals │
//   └──────┴───────────────┴─────────────┴────────────────────────────┴────────────────┴───────────┘
//
// head      bits 0-1 order: residuals are q (0), differences (1), differences of differences (2)
//           bit 2    a g follows
//           bit 3    residuals are zigzag numbers; else they are less `base`
//           bit 4    no residuals follow: all are `base`; else they are packed
import { bitWidth, getVarint, putVarint, unzigzag, varint, zigzag } from './bits';
import { QUOTIENTS, RESIDUALS } from './memory';
import { getPacked, putPacked } from './packed';

const STEP: u32 = 4;
const ZIGZAG: u32 = 8;
const LEVEL: u32 = 16;
const HEAD_MAX: u32 = 31;
/** Second differences must save this part, as a shift: they take longer to decode. */
const SAVED_SHIFT: u32 = 4;

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

/** Integers below are exact as floats. */
const EXACT: u64 = 1 << 53;

/** The greatest g of which all differences from the first are multiples; 0 if all are equal. */
function commonStep(ks: usize, count: u32): u64 {
  const first = load<i64>(ks);
  let step: u64 = 0;
  let number: f64 = 0;
  for (let i: u32 = 1; i < count && step != 1; i++) {
    const difference = load<i64>(ks + (usize(i) << 3)) - first;
    const distance = u64(difference < 0 ? -difference : difference);
    // Mostly it is a multiple already, which floats tell sooner; what they cannot represent is not found to be one.
    if (distance < EXACT && trunc<f64>(f64(distance) / number) * number == f64(distance)) continue;
    step = greatestCommonDivisor(step, distance);
    number = step < EXACT ? f64(step) : 0;
  }
  return step;
}

function divideBySteps(ks: usize, count: u32, step: u64): void {
  const first = load<i64>(ks);
  const shift = u64(ctz<u64>(step));
  const odd = i64(step >> shift);
  for (let i: usize = 0, end = usize(count) << 3; i < end; i += 8) {
    const difference = load<i64>(ks + i) - first;
    let quotient = difference >> shift;
    // A whole quotient is exact in floats too, if both sides are.
    if (odd != 1) quotient = u64(quotient + i64(EXACT)) < 2 * EXACT ? i64(f64(quotient) / f64(odd)) : quotient / odd;
    store<i64>(QUOTIENTS + i, quotient);
  }
}

/** The form of residuals, as chooseForm left it: what `order` and `isZigzag` are when decoding, and the least residual. */
let chosenOrder: u32 = 0;
let isZigzagChosen: bool = false;
let chosenBase: i64 = 0;

/** Takes a form if its residuals have fewer bits in sum: the one before wins a tie. */
function offer(order: u32, isZigzag: bool, base: i64, bits: u32, least: u32): u32 {
  if (bits >= least) return least;
  chosenOrder = order;
  isZigzagChosen = isZigzag;
  chosenBase = base;
  return bits;
}

/** Chooses the order, and base or zigzag, whose residuals have the fewest bits in sum; second differences must save a sixteenth. */
function chooseForm(count: u32): void {
  const end = usize(count) << 3;
  let before = load<i64>(QUOTIENTS, 8);
  let difference = before;
  let base0 = before;
  let base1 = before;
  let base2: i64 = count > 2 ? i64.MAX_VALUE : 0;
  let zigzag0 = bitWidth(zigzag(before));
  let zigzag1 = zigzag0;
  let zigzag2: u32 = 0;
  for (let i: usize = 16; i < end; i += 8) {
    const q = load<i64>(QUOTIENTS + i);
    const step = q - before;
    const change = step - difference;
    base0 = min<i64>(base0, q);
    base1 = min<i64>(base1, step);
    base2 = min<i64>(base2, change);
    zigzag0 += bitWidth(zigzag(q));
    zigzag1 += bitWidth(zigzag(step));
    zigzag2 += bitWidth(zigzag(change));
    before = q;
    difference = step;
  }
  before = load<i64>(QUOTIENTS, 8);
  difference = before;
  let offset0 = bitWidth(u64(before - base0));
  let offset1 = bitWidth(u64(before - base1));
  let offset2: u32 = 0;
  for (let i: usize = 16; i < end; i += 8) {
    const q = load<i64>(QUOTIENTS + i);
    const step = q - before;
    offset0 += bitWidth(u64(q - base0));
    offset1 += bitWidth(u64(step - base1));
    offset2 += bitWidth(u64(step - difference - base2));
    before = q;
    difference = step;
  }
  let least = offer(0, false, base0, offset0, u32.MAX_VALUE);
  least = offer(0, true, 0, zigzag0, least);
  least = offer(1, false, base1, offset1, least);
  least = offer(1, true, 0, zigzag1, least);
  least -= least >> SAVED_SHIFT;
  least = offer(2, false, base2, offset2, least);
  offer(2, true, 0, zigzag2, least);
}

/** Writes the residuals to RESIDUALS; returns their number. */
function takeResiduals(count: u32): u32 {
  const residuals = count - max<u32>(chosenOrder, 1);
  const from = QUOTIENTS + (usize(count - residuals) << 3);
  const base = chosenBase;
  for (let i: usize = 0, end = usize(residuals) << 3; i < end; i += 8) {
    let residual = load<i64>(from + i);
    if (chosenOrder > 0) residual -= load<i64>(from + i - 8);
    if (chosenOrder > 1) residual -= load<i64>(from + i - 8) - load<i64>(from + i - 16);
    store<i64>(RESIDUALS + i, isZigzagChosen ? zigzag(residual) : residual - base);
  }
  return residuals;
}

/** Whether all are 0: all residuals are the base. */
function areLevel(residuals: u32): bool {
  for (let i = RESIDUALS, end = RESIDUALS + (usize(residuals) << 3); i < end; i += 8) if (load<u64>(i)) return false;
  return true;
}

/** Encodes `count` (at least 1) i64s; returns the address after them. */
export function putIntegers(out: usize, ks: usize, count: u32): usize {
  const step = commonStep(ks, count);
  if (!step) {
    store<u8>(out, u8(LEVEL));
    return putVarint(putVarint(out + 1, zigzag(load<i64>(ks))), 0);
  }
  divideBySteps(ks, count, step);
  chooseForm(count);
  const residuals = takeResiduals(count);
  const isLevel = !isZigzagChosen && areLevel(residuals);
  let head = chosenOrder | (isZigzagChosen ? ZIGZAG : 0) | (isLevel ? LEVEL : 0);
  let at = putVarint(out + 1, zigzag(load<i64>(ks)));
  if (step != 1) {
    head |= STEP;
    at = putVarint(at, step);
  }
  if (chosenOrder == 2) at = putVarint(at, zigzag(load<i64>(QUOTIENTS, 8)));
  if (!isZigzagChosen) at = putVarint(at, zigzag(chosenBase));
  store<u8>(out, u8(head));
  return isLevel ? at : putPacked(at, RESIDUALS, residuals);
}

/** The head of integers, as readHead left it. */
export let order: u32 = 0;
export let isLevel: bool = false;
export let isZigzag: bool = false;
export let first: i64 = 0;
export let step: i64 = 1;
export let difference: i64 = 0;
export let base: i64 = 0;

/** Reads the head of integers; returns the address after it, or 0 if it is malformed. */
export function readHead(at: usize, end: usize): usize {
  if (at >= end) return 0;
  const head = u32(load<u8>(at));
  order = head & 3;
  isLevel = (head & LEVEL) != 0;
  isZigzag = (head & ZIGZAG) != 0;
  if (order > 2 || head > HEAD_MAX || (isZigzag && isLevel)) return 0;
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
  if (readHead(at, end) != end || !isLevel) return false;
  firstOfLine = first;
  stepOfLine = order == 0 ? 0 : (order == 1 ? base : difference) * step;
  return order == 1 || base == 0;
}
export let firstOfLine: i64 = 0;
export let stepOfLine: i64 = 0;

/** Residuals of `count` integers: the first stands in the head, and with order 2 the second. */
export function residualsOf(count: u32): u32 {
  const skipped = max<u32>(order, 1);
  return count > skipped ? count - skipped : 0;
}

/** Decodes `count` (1..2047) i64s to `out`; returns the address after them, or 0 if they are malformed. */
export function getIntegers(at: usize, end: usize, out: usize, count: u32): usize {
  if (!(at = readHead(at, end))) return 0;
  const residuals = residualsOf(count);
  const from = out + (usize(max<u32>(order, 1)) << 3);
  if (isLevel) memory.fill(from, 0, usize(residuals) << 3);
  else if (!(at = getPacked(at, end, from, residuals))) return 0;
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
