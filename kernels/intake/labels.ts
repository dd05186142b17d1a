// A series' labels as rows of {u32 name, u32 name bytes, u32 value, u32 value bytes} (addresses), to be checked,
// sorted, and written in canonical form: what a well-behaved sender of remote write 1.0 sends, per label
//
//   0x0a varint(bytes that follow)   0x0a varint(name bytes) name   0x12 varint(value bytes) value
//
// sorted by name, no name twice, no empty value, varints minimal.

import { allocate, classOf, release } from './memory';
import { storeVarint, varintBytes } from './varint';
import {
  DUPLICATE_LABEL_NAME, EMPTY_LABEL_NAME, INVALID_UTF8, LABELS_TOO_LONG, LABEL_NAME_TOO_LONG, LABEL_VALUE_TOO_LONG,
  NO_METRIC_NAME, TOO_MANY_LABELS, labelBytesMax, labelCountMax, nameBytesMax, valueBytesMax,
} from './request';
import { isUtf8 } from './utf8';

const LABELS_MAX: u32 = 4096;
/** Longest canonical form: a series with more label bytes than this is refused. */
const CANONICAL_BYTES_MAX: u64 = 1 << 20;

const METRIC_NAME_LOW: u64 = 0x656d616e5f5f; // "__name" in memory order
const METRIC_NAME_END: u16 = 0x5f5f; // "__"

/** The rows, and how many there are. */
export let labelRows: usize = 0;
export let labelCount: u32 = 0;
/** Whether labelsCheck moved or dropped rows: then they are not in the sender's order. */
export let labelsChanged: bool = false;

/** Bytes of all labels that labelsCheck looked at; the request's budget is counted in them. */
export let labelBytesChecked: u64 = 0;

/** The canonical form that labelsCanonical wrote. */
export let canonicalAt: usize = 0;
export let canonicalBytes: u32 = 0;
let canonicalClass: u32 = 0;

/** Makes the rows' block. False when memory is out. */
export function labelsInit(): bool {
  labelRows = allocate(classOf(<usize>(LABELS_MAX + 1) << 4));
  return labelRows != 0;
}

/** Begins to count labelBytesChecked. */
export function labelsBudget(): void {
  labelBytesChecked = 0;
}

/** How many rows are filled. */
export function labelRowCount(): u32 {
  return min<u32>(labelCount, LABELS_MAX);
}

/** Begins an empty list. */
export function labelsClear(): void {
  labelCount = 0;
}

/** Adds a label; beyond the most there can be it is counted only. */
@inline
export function labelsAdd(name: usize, nameBytes: u32, value: usize, valueBytes: u32): void {
  if (labelCount < LABELS_MAX) {
    const row = labelRows + (<usize>labelCount << 4);
    store<u32>(row, <u32>name);
    store<u32>(row, nameBytes, 4);
    store<u32>(row, <u32>value, 8);
    store<u32>(row, valueBytes, 12);
  }
  labelCount++;
}

function compareBytes(a: usize, aBytes: u32, b: usize, bBytes: u32): i32 {
  const shorter = min<u32>(aBytes, bBytes);
  let i: u32 = 0;
  for (; i + 8 <= shorter; i += 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
  }
  for (; i < shorter; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (difference != 0) return difference;
  }
  return <i32>(aBytes - bBytes);
}

@inline
export function compareNames(row: usize, other: usize): i32 {
  return compareBytes(load<u32>(row), load<u32>(row, 4), load<u32>(other), load<u32>(other, 4));
}

/** Shell sort by name, gaps of Ciura: no memory of its own, and no quadratic case for hostile orders at this size. */
function sortRows(): void {
  const spare = labelRows + (<usize>LABELS_MAX << 4);
  let gap: u32 = 1;
  while (gap < labelCount) gap = gap * 9 / 4 + 1;
  while (gap > 1) {
    gap = gap <= 5 ? 1 : max<u32>(gap * 4 / 9, 1);
    for (let i = gap; i < labelCount; i++) {
      v128.store(spare, v128.load(labelRows + (<usize>i << 4)));
      let j = i;
      for (; j >= gap; j -= gap) {
        const before = labelRows + (<usize>(j - gap) << 4);
        if (compareNames(before, spare) <= 0) break;
        v128.store(labelRows + (<usize>j << 4), v128.load(before));
      }
      v128.store(labelRows + (<usize>j << 4), v128.load(spare));
    }
  }
}

/** 0, or why one of the labels cannot be taken. */
function checkRow(row: usize, isText: bool): u32 {
  const nameBytes = load<u32>(row, 4);
  const valueBytes = load<u32>(row, 12);
  if (nameBytes == 0) return EMPTY_LABEL_NAME;
  if (nameBytes > nameBytesMax) return LABEL_NAME_TOO_LONG;
  if (valueBytes > valueBytesMax) return LABEL_VALUE_TOO_LONG;
  if (isText) return 0;
  if (!isUtf8(load<u32>(row), nameBytes) || !isUtf8(load<u32>(row, 8), valueBytes)) return INVALID_UTF8;
  return 0;
}

function isMetricName(row: usize): bool {
  if (load<u32>(row, 4) != 8) return false;
  const name = <usize>load<u32>(row);
  return (load<u64>(name) & 0xffffffffffff) == METRIC_NAME_LOW && load<u16>(name, 6) == METRIC_NAME_END;
}

/** Whether the names are in strictly ascending order: -1 no, 0 yes, or DUPLICATE_LABEL_NAME for equal neighbours. */
function order(): i32 {
  for (let i: u32 = 1; i < labelCount; i++) {
    const row = labelRows + (<usize>i << 4);
    const compared = compareNames(row - 16, row);
    if (compared == 0) return DUPLICATE_LABEL_NAME;
    if (compared > 0) return -1;
  }
  return 0;
}

/**
 * Checks the rows, sorts them and drops empty values. `isText`: their bytes are known to be UTF-8. Returns 0 or the
 * reason why the series is refused.
 */
export function labelsCheck(isText: bool = false): u32 {
  labelsChanged = false;
  if (labelCount > labelCountMax) return TOO_MANY_LABELS;
  const length = canonicalLength();
  if (length > CANONICAL_BYTES_MAX || textBytes > labelBytesMax) return LABELS_TOO_LONG;
  labelBytesChecked += length;
  for (let i: u32 = 0; i < labelCount; i++) {
    const reason = checkRow(labelRows + (<usize>i << 4), isText);
    if (reason != 0) return reason;
  }
  let ordered = order();
  if (ordered < 0) {
    labelsChanged = true;
    sortRows();
    ordered = order();
  }
  if (ordered != 0) return DUPLICATE_LABEL_NAME;
  let kept: u32 = 0;
  let named = false;
  for (let i: u32 = 0; i < labelCount; i++) {
    const row = labelRows + (<usize>i << 4);
    if (load<u32>(row, 12) == 0) {
      labelsChanged = true;
      continue;
    }
    if (isMetricName(row)) named = true;
    if (kept != i) v128.store(labelRows + (<usize>kept << 4), v128.load(row));
    kept++;
  }
  labelCount = kept;
  return named ? 0 : NO_METRIC_NAME;
}

@inline
function rowBytes(row: usize): u32 {
  const nameBytes = load<u32>(row, 4);
  const valueBytes = load<u32>(row, 12);
  return 2 + varintBytes(nameBytes) + nameBytes + varintBytes(valueBytes) + valueBytes;
}

/** Bytes of the names and values alone that canonicalLength last saw. */
let textBytes: u64 = 0;

function canonicalLength(): u64 {
  let total: u64 = 0;
  textBytes = 0;
  for (let i: u32 = 0; i < labelCount; i++) {
    const row = labelRows + (<usize>i << 4);
    const bytes = rowBytes(row);
    total += <u64>(1 + varintBytes(bytes)) + bytes;
    textBytes += <u64>load<u32>(row, 4) + load<u32>(row, 12);
  }
  return total;
}

@inline
function copyField(at: usize, tag: u8, source: u32, bytes: u32): usize {
  store<u8>(at, tag);
  const begin = storeVarint(at + 1, bytes);
  memory.copy(begin, source, bytes);
  return begin + bytes;
}

/** Writes the canonical form of checked rows. False when memory is out. */
export function labelsCanonical(): bool {
  const length = canonicalLength();
  const needed = classOf(<usize>length);
  if (canonicalAt == 0 || needed > canonicalClass) {
    if (canonicalAt != 0) release(canonicalAt, canonicalClass);
    canonicalAt = allocate(needed);
    canonicalClass = needed;
    if (canonicalAt == 0) return false;
  }
  let at = canonicalAt;
  for (let i: u32 = 0; i < labelCount; i++) {
    const row = labelRows + (<usize>i << 4);
    store<u8>(at, 0x0a);
    at = storeVarint(at + 1, rowBytes(row));
    at = copyField(at, 0x0a, load<u32>(row), load<u32>(row, 4));
    at = copyField(at, 0x12, load<u32>(row, 8), load<u32>(row, 12));
  }
  canonicalBytes = <u32>length;
  return true;
}
