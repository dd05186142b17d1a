// Exemplars: the label rows of one, checked, sorted and put into section 6 of the batch of its series' shard
// (docs/formats/batch.md). Limits as in Prometheus: of all names and values together EXEMPLAR_CHARS_MAX characters. The
// series is named by its id, for it may be one that the segment does not define.
//
// The formats fill the label rows (labels.ts) when they are done with those of the series, and then call exemplarAdd.

import { columnReserve } from './memory';
import { compareNames, labelCount, labelRows } from './labels';
import { EXEMPLARS, OUT_OF_MEMORY, count } from './request';
import { EXEMPLARS as COLUMN, Shard, columnOf, shardOf } from './shard';
import { isUtf8 } from './utf8';
import { storeVarint, varintBytes, zigzag } from './varint';

const EXEMPLAR_CHARS_MAX: u32 = 128;
/** Counters of what is refused, in request.ts' words. */
const TOO_LONG: u32 = 12;
const BAD_LABELS: u32 = 13;
const BAD_TIME: u32 = 14;

const TIME_BOUND: i64 = 9007199254740992;
const HEAD_BYTES: usize = 16 + 10 + 1 + 8 + 5;

/** How many exemplars a shard keeps; 0: none is taken. */
export let exemplarsMax: u32 = 0;

/** Of the labels that rowsProblem found in order. */
let textBytes: u32 = 0;
let rows: u32 = 0;

export function setExemplarsMax(value: u32): void {
  exemplarsMax = value;
}

/** Characters of UTF-8: bytes that do not continue one. */
function charCount(at: usize, bytes: u32): u32 {
  let chars: u32 = 0;
  for (let i: u32 = 0; i < bytes; i++) chars += <u32>((load<u8>(at + i) & 0xc0) != 0x80);
  return chars;
}

@inline
function lengthBytes(bytes: u32): u32 {
  return bytes < 255 ? 1 : 4;
}

/** Drops labels without a value and checks the others. 0, or the counter of what is wrong. */
function takeRows(): u32 {
  if (labelCount > 4096) return TOO_LONG;
  let chars: u32 = 0;
  rows = 0;
  textBytes = 0;
  for (let i: u32 = 0; i < labelCount; i++) {
    const row = labelRows + (<usize>i << 4);
    const name = load<u32>(row);
    const nameBytes = load<u32>(row, 4);
    const value = load<u32>(row, 8);
    const valueBytes = load<u32>(row, 12);
    if (valueBytes == 0) continue;
    // Four bytes a character at most: longer texts are not looked into.
    if (nameBytes > EXEMPLAR_CHARS_MAX * 4 || valueBytes > EXEMPLAR_CHARS_MAX * 4) return TOO_LONG;
    if (nameBytes == 0 || !isUtf8(name, nameBytes) || !isUtf8(value, valueBytes)) return BAD_LABELS;
    chars += charCount(name, nameBytes) + charCount(value, valueBytes);
    if (chars > EXEMPLAR_CHARS_MAX) return TOO_LONG;
    textBytes += lengthBytes(nameBytes) + nameBytes + lengthBytes(valueBytes) + valueBytes;
    insertRow(row);
  }
  for (let i: u32 = 1; i < rows; i++) {
    const row = labelRows + (<usize>i << 4);
    if (compareNames(row - 16, row) == 0) return BAD_LABELS;
  }
  return 0;
}

/** Puts the row in its place among the `rows` first ones, which are sorted by name: few, since each has two characters. */
function insertRow(row: usize): void {
  const kept = v128.load(row);
  let at = labelRows + (<usize>rows << 4);
  while (at > labelRows && compareNames(at - 16, row) > 0) at -= 16;
  const end = labelRows + (<usize>rows << 4);
  memory.copy(at + 16, at, end - at);
  v128.store(at, kept);
  rows++;
}

/** A text behind its length: one byte below 255, else 255 and three bytes. */
function putText(at: usize, text: u32, bytes: u32): usize {
  if (bytes < 255) {
    store<u8>(at++, <u8>bytes);
  } else {
    store<u32>(at, 255 | (bytes << 8));
    at += 4;
  }
  memory.copy(at, text, bytes);
  return at + bytes;
}

/**
 * Takes an exemplar of the series with the id, whose labels are the label rows. `hasTime`: the time is its own, not its
 * sample's. 0, or OUT_OF_MEMORY; one that is refused is counted.
 */
export function exemplarAdd(low: u64, high: u64, timeMs: i64, hasTime: bool, bits: u64): i32 {
  if (exemplarsMax == 0) return 0;
  const outOfRange = timeMs >= TIME_BOUND || timeMs <= -TIME_BOUND;
  const problem = outOfRange ? BAD_TIME : takeRows();
  if (problem != 0) {
    count(problem);
    return 0;
  }
  const shard = shardOf(low);
  const column = columnOf(shard, COLUMN);
  const begin = columnReserve(column, HEAD_BYTES + textBytes);
  if (begin == 0) return OUT_OF_MEMORY;
  store<u64>(begin, low);
  store<u64>(begin, high, 8);
  let at = storeVarint(begin + 16, zigzag(timeMs));
  store<u8>(at, hasTime ? 1 : 0);
  store<u64>(at, bits, 1);
  at = storeVarint(at + 9, textBytes);
  for (let i: u32 = 0; i < rows; i++) {
    const row = labelRows + (<usize>i << 4);
    at = putText(at, load<u32>(row), load<u32>(row, 4));
    at = putText(at, load<u32>(row, 8), load<u32>(row, 12));
  }
  column.length += <u32>(at - begin);
  shard.exemplars++;
  count(EXEMPLARS);
  return 0;
}

/** Counts one whose labels could not even be read. */
export function exemplarRefused(): void {
  count(BAD_LABELS);
}

/** Bytes of the section that the shard's exemplars make. */
export function exemplarSectionBytes(shard: Shard): u32 {
  return varintBytes(exemplarsMax) + varintBytes(shard.exemplars) + columnOf(shard, COLUMN).length;
}

/** Writes its payload; returns the end. */
export function exemplarSection(shard: Shard, at: usize): usize {
  const column = columnOf(shard, COLUMN);
  at = storeVarint(storeVarint(at, exemplarsMax), shard.exemplars);
  memory.copy(at, column.address, column.length);
  return at + column.length;
}
