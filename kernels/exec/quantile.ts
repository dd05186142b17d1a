// quantile_over_time and mad_over_time. The window is kept sorted as integers that order like the floats (NaN lowest, -0
// below +0): when it slides by a few samples those are taken out and put in, otherwise it is sorted anew.

import { keys, keysSpare, out, present, vs, windows } from './column';

const INSERTION_MAX: i32 = 24;

// The sorted window [sortedFrom, sortedTo) of the column.
let sortedFrom: i32 = 0;
let sortedTo: i32 = 0;

// @ts-ignore: decorator
@inline
function keyOf(x: f64): i64 {
  if (x !== x) return i64.MIN_VALUE;
  const bits = reinterpret<i64>(x);
  return bits ^ ((bits >> 63) & i64.MAX_VALUE);
}

// @ts-ignore: decorator
@inline
function valueOf(key: i64): f64 {
  return reinterpret<f64>(key ^ ((key >> 63) & i64.MAX_VALUE));
}

// @ts-ignore: decorator
@inline
function keyAt(base: usize, i: i32): i64 {
  return load<i64>(base + ((<usize>i) << 3));
}

// @ts-ignore: decorator
@inline
function columnKey(i: i32): i64 {
  return keyOf(load<f64>(vs + ((<usize>i) << 3)));
}

/** First position in keys[0, n) whose key is not less. */
function lowerBound(n: i32, key: i64): i32 {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyAt(keys, middle) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function remove(n: i32, key: i64): void {
  const at = lowerBound(n, key);
  const address = keys + ((<usize>at) << 3);
  memory.copy(address, address + 8, (<usize>(n - at - 1)) << 3);
}

function insert(n: i32, key: i64): void {
  const at = lowerBound(n, key);
  const address = keys + ((<usize>at) << 3);
  memory.copy(address + 8, address, (<usize>(n - at)) << 3);
  store<i64>(address, key);
}

function insertionSort(base: usize, from: i32, to: i32): void {
  for (let i = from + 1; i < to; i++) {
    const key = keyAt(base, i);
    let j = i;
    for (; j > from && keyAt(base, j - 1) > key; j--) store<i64>(base + ((<usize>j) << 3), keyAt(base, j - 1));
    store<i64>(base + ((<usize>j) << 3), key);
  }
}

/** Sorts keys[0, n): short runs by insertion, then merges to and fro between the two buffers. */
function sort(n: i32): void {
  for (let from = 0; from < n; from += INSERTION_MAX) insertionSort(keys, from, min(from + INSERTION_MAX, n));
  let source = keys;
  let target = keysSpare;
  for (let run = INSERTION_MAX; run < n; run <<= 1) {
    for (let from = 0; from < n; from += 2 * run) merge(source, target, from, min(from + run, n), min(from + 2 * run, n));
    const other = source;
    source = target;
    target = other;
  }
  if (source !== keys) memory.copy(keys, source, (<usize>n) << 3);
}

function merge(source: usize, target: usize, from: i32, middle: i32, to: i32): void {
  let i = from;
  let j = middle;
  for (let k = from; k < to; k++) {
    const takeFirst = i < middle && (j >= to || keyAt(source, i) <= keyAt(source, j));
    store<i64>(target + ((<usize>k) << 3), takeFirst ? keyAt(source, i++) : keyAt(source, j++));
  }
}

/** Makes keys[0, to - from) the sorted window [from, to). */
function slide(from: i32, to: i32): void {
  const n = to - from;
  const moves = from - sortedFrom + (to - sortedTo);
  if (from >= sortedTo || moves * 4 > n + 8) {
    for (let i = 0; i < n; i++) store<i64>(keys + ((<usize>i) << 3), columnKey(from + i));
    sort(n);
    sortedFrom = from;
    sortedTo = to;
    return;
  }
  while (sortedFrom < from) {
    remove(sortedTo - sortedFrom, columnKey(sortedFrom));
    sortedFrom++;
  }
  while (sortedTo < to) {
    insert(sortedTo - sortedFrom, columnKey(sortedTo));
    sortedTo++;
  }
}

/** The q-quantile of the sorted keys[0, n). */
function quantileOf(q: f64, n: i32): f64 {
  if (q !== q) return NaN;
  if (q < 0.0) return -Infinity;
  if (q > 1.0) return Infinity;
  const rank = q * <f64>(n - 1);
  const whole = floor(rank);
  const lower = <i32>max<f64>(0.0, whole);
  const upper = min(n - 1, lower + 1);
  const weight = rank - whole;
  return valueOf(keyAt(keys, lower)) * (1.0 - weight) + valueOf(keyAt(keys, upper)) * weight;
}

export function quantiles(steps: i32, q: f64): i32 {
  let found = 0;
  sortedFrom = 0;
  sortedTo = 0;
  for (let i = 0; i < steps; i++) {
    const from = load<i32>(windows + ((<usize>i) << 3));
    const to = load<i32>(windows + ((<usize>i) << 3), 4);
    const has = from < to;
    store<u8>(present + <usize>i, has);
    if (!has) continue;
    found++;
    slide(from, to);
    store<f64>(out + ((<usize>i) << 3), quantileOf(q, to - from));
  }
  return found;
}

export function medianAbsoluteDeviations(steps: i32): i32 {
  let found = 0;
  for (let i = 0; i < steps; i++) {
    const from = load<i32>(windows + ((<usize>i) << 3));
    const to = load<i32>(windows + ((<usize>i) << 3), 4);
    const n = to - from;
    store<u8>(present + <usize>i, n > 0);
    if (n <= 0) continue;
    found++;
    for (let j = 0; j < n; j++) store<i64>(keys + ((<usize>j) << 3), columnKey(from + j));
    sort(n);
    if (keyAt(keys, 0) == i64.MIN_VALUE) {
      // A NaN sorts first.
      store<f64>(out + ((<usize>i) << 3), NaN);
      continue;
    }
    const median = quantileOf(0.5, n);
    for (let j = 0; j < n; j++) {
      const x = load<f64>(vs + ((<usize>(from + j)) << 3));
      store<i64>(keys + ((<usize>j) << 3), keyOf(abs(x - median)));
    }
    sort(n);
    store<f64>(out + ((<usize>i) << 3), quantileOf(0.5, n));
  }
  return found;
}
