// The newest exemplars of the shard: a queue of all, oldest first, bounded in number and in bytes. The bound comes with each
// section of exemplars, so that what is kept is a function of the log.
//
//   R_EXEMPLAR_OLDEST ─► exemplar ─► exemplar ─► ... ─► R_EXEMPLAR_NEWEST        table of buckets ─► series ─► series
//                           └──────────────┴─► series (its labels, its newest exemplar)
//
//   exemplar  0 u32 next   4 u32 series   8 u32 bytes of labels   12 u32 has its own time   16 i64 ms   24 u64 value bits   32 labels
//   series    0 u32 next of the bucket   4 u32 its exemplars   8 u64 id low   16 u64 id high   24 u32 newest exemplar
//             28 u32 bytes of text   32 text: tenant, varint pairs, names and values in turns, each text behind its varint length
//
// Labels are here as text and not as symbols: exemplars may outlive their series in the head, which its sweeps need not know.
// Which are refused: as in Prometheus, which compares with the series' newest one only.
import {
  R_EXEMPLARS,
  R_EXEMPLARS_APPENDED,
  R_EXEMPLARS_DROPPED,
  R_EXEMPLARS_DUPLICATE,
  R_EXEMPLARS_OUT_OF_ORDER,
  R_EXEMPLARS_UNKNOWN,
  R_EXEMPLAR_BYTES,
  R_EXEMPLAR_NEWEST,
  R_EXEMPLAR_OLDEST,
  R_EXEMPLAR_SERIES,
  R_EXEMPLAR_TABLE,
  ROOT,
  alloc,
  allocTable,
  classBytes,
  classOf,
  count64,
  freeClass,
  get32,
  set32,
} from './root';
import { putVarint, unzigzag, varintLength } from './bits';
import { NO_SERIES, S_LABELS, findSeries, slotOf } from './series';
import { symbolAddress } from './symbols';
import { xxHash64 } from './xxhash';

const ERROR_TRUNCATED: i32 = -1;
const ERROR_TRAILING: i32 = -6;
const ERROR_TIME: i32 = -8;
const ERROR_EXEMPLAR: i32 = -10;

/** For each exemplar of the bound so many bytes, labels of its series included. */
const BYTES_EACH: u64 = 1024;
/** And never more than an eighth of the memory that there can be. */
const BYTES_MAX: u64 = 1 << 29;
const RING_MAX: u64 = 1 << 31;
const LABEL_BYTES_MAX: u64 = 1024;
const TIME_MAX: i64 = 9007199254740991;
const TABLE_ENTRIES: u32 = 64;

const X_SERIES: usize = 4;
const X_LABEL_BYTES: usize = 8;
const X_HAS_TIME: usize = 12;
const X_TIME: usize = 16;
const X_BITS: usize = 24;
const X_LABELS: usize = 32;
const E_COUNT: usize = 4;
const E_LOW: usize = 8;
const E_HIGH: usize = 16;
const E_NEWEST: usize = 24;
const E_TEXT_BYTES: usize = 28;
const E_TEXT: usize = 32;

let cursor: usize = 0;
let limit: usize = 0;
let failed: bool = false;

function varint(): u64 {
  let value: u64 = 0;
  for (let shift: u64 = 0; cursor < limit && shift < 64; shift += 7) {
    const byte = u64(load<u8>(cursor++));
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
  failed = true;
  return 0;
}

function take(bytes: u64): usize {
  const at = cursor;
  if (u64(limit - cursor) < bytes) failed = true;
  else cursor += usize(bytes);
  return at;
}

function addBytes(sizeClass: u32): void {
  store<u64>(ROOT + R_EXEMPLAR_BYTES, load<u64>(ROOT + R_EXEMPLAR_BYTES) + classBytes(sizeClass));
}

function allocCounted(bytes: u32): usize {
  addBytes(classOf(bytes));
  return alloc(bytes);
}

function freeCounted(at: usize, bytes: u32): void {
  const sizeClass = classOf(bytes);
  store<u64>(ROOT + R_EXEMPLAR_BYTES, load<u64>(ROOT + R_EXEMPLAR_BYTES) - classBytes(sizeClass));
  freeClass(at, sizeClass);
}

// @ts-ignore: decorator
@inline
function bucketOf(low: u64): usize {
  return usize(get32(R_EXEMPLAR_TABLE)) + (usize(u32(low >> 8) & get32(R_EXEMPLAR_TABLE + 4)) << 2);
}

/** The series with this id, or 0. */
function find(low: u64, high: u64): usize {
  if (!get32(R_EXEMPLAR_TABLE)) return 0;
  let series = usize(load<u32>(bucketOf(low)));
  while (series && (load<u64>(series, E_LOW) != low || load<u64>(series, E_HIGH) != high)) series = load<u32>(series);
  return series;
}

function enter(series: usize): void {
  const bucket = bucketOf(load<u64>(series, E_LOW));
  store<u32>(series, load<u32>(bucket));
  store<u32>(bucket, u32(series));
}

function growTable(): void {
  const old = usize(get32(R_EXEMPLAR_TABLE));
  const entries = old ? get32(R_EXEMPLAR_TABLE + 4) + 1 : 0;
  const wanted = old ? entries << 1 : TABLE_ENTRIES;
  set32(R_EXEMPLAR_TABLE, u32(allocTable(wanted)));
  set32(R_EXEMPLAR_TABLE + 4, wanted - 1);
  for (let i: u32 = 0; i < entries; i++) {
    let series = usize(load<u32>(old + (usize(i) << 2)));
    while (series) {
      const next = usize(load<u32>(series));
      enter(series);
      series = next;
    }
  }
  if (old) freeClass(old, classOf(entries << 2));
}

/** A varint of a series' labels in the head. */
let labelCursor: usize = 0;
function labelVarint(): u32 {
  let byte = u32(load<u8>(labelCursor++));
  let value = byte & 127;
  for (let shift: u32 = 7; byte >= 128; shift += 7) {
    byte = load<u8>(labelCursor++);
    value |= (byte & 127) << shift;
  }
  return value;
}

function putSymbol(at: usize, symbol: u32): usize {
  const address = symbolAddress(symbol);
  const length = load<u32>(address, 4);
  at = putVarint(at, length);
  memory.copy(at, address + 8, length);
  return at + length;
}

function symbolSize(symbol: u32): u32 {
  const length = load<u32>(symbolAddress(symbol), 4);
  return varintLength(length) + length;
}

/** Makes the entry of a series of the head. */
function create(low: u64, high: u64, labels: usize): usize {
  labelCursor = labels;
  let bytes = symbolSize(labelVarint());
  const pairs = labelVarint();
  bytes += varintLength(pairs);
  for (let i: u32 = 0; i < pairs << 1; i++) bytes += symbolSize(labelVarint());
  const series = allocCounted(u32(E_TEXT) + bytes);
  store<u32>(series, 0, E_COUNT);
  store<u64>(series, low, E_LOW);
  store<u64>(series, high, E_HIGH);
  store<u32>(series, 0, E_NEWEST);
  store<u32>(series, bytes, E_TEXT_BYTES);
  labelCursor = labels;
  let at = putSymbol(series + E_TEXT, labelVarint());
  at = putVarint(at, labelVarint());
  for (let i: u32 = 0; i < pairs << 1; i++) at = putSymbol(at, labelVarint());
  if (get32(R_EXEMPLAR_SERIES) >= get32(R_EXEMPLAR_TABLE + 4)) growTable();
  enter(series);
  set32(R_EXEMPLAR_SERIES, get32(R_EXEMPLAR_SERIES) + 1);
  return series;
}

function remove(series: usize): void {
  let link = bucketOf(load<u64>(series, E_LOW));
  while (usize(load<u32>(link)) != series) link = load<u32>(link);
  store<u32>(link, load<u32>(series));
  set32(R_EXEMPLAR_SERIES, get32(R_EXEMPLAR_SERIES) - 1);
  freeCounted(series, u32(E_TEXT) + load<u32>(series, E_TEXT_BYTES));
}

function dropOldest(): void {
  const oldest = usize(get32(R_EXEMPLAR_OLDEST));
  const series = usize(load<u32>(oldest, X_SERIES));
  set32(R_EXEMPLAR_OLDEST, load<u32>(oldest));
  if (!load<u32>(oldest)) set32(R_EXEMPLAR_NEWEST, 0);
  set32(R_EXEMPLARS, get32(R_EXEMPLARS) - 1);
  const left = load<u32>(series, E_COUNT) - 1;
  store<u32>(series, left, E_COUNT);
  if (!left) remove(series);
  freeCounted(oldest, u32(X_LABELS) + load<u32>(oldest, X_LABEL_BYTES));
  count64(R_EXEMPLARS_DROPPED);
}

/** Lets the oldest go until the rest is within the bound. */
function trim(max: u32): void {
  const bytesMax = min<u64>(u64(max) * BYTES_EACH, BYTES_MAX);
  while (get32(R_EXEMPLARS) && (get32(R_EXEMPLARS) > max || load<u64>(ROOT + R_EXEMPLAR_BYTES) > bytesMax)) dropOldest();
}

/** 0: it can follow the series' newest one; else the counter of why not. */
function problem(newest: usize, time: i64, hasTime: bool, value: f64, labels: usize, bytes: u32): usize {
  const newestTime = load<i64>(newest, X_TIME);
  const newestValue = load<f64>(newest, X_BITS);
  const isTimed = hasTime || load<u32>(newest, X_HAS_TIME) != 0;
  const sameLabels =
    load<u32>(newest, X_LABEL_BYTES) == bytes && memory.compare(newest + X_LABELS, labels, bytes) == 0;
  if (sameLabels && value == newestValue && (!isTimed || time == newestTime)) return R_EXEMPLARS_DUPLICATE;
  if (time != newestTime) return time < newestTime ? R_EXEMPLARS_OUT_OF_ORDER : 0;
  if (value < newestValue) return R_EXEMPLARS_OUT_OF_ORDER;
  if (value != newestValue) return 0;
  const isBefore = xxHash64(labels, bytes) < xxHash64(newest + X_LABELS, load<u32>(newest, X_LABEL_BYTES));
  return isBefore ? R_EXEMPLARS_OUT_OF_ORDER : 0;
}

function append(id: usize, time: i64, hasTime: bool, bits: usize, labels: usize, bytes: u32, max: u32): void {
  const low = load<u64>(id);
  const high = load<u64>(id, 8);
  let series = find(low, high);
  if (series) {
    const counter = problem(load<u32>(series, E_NEWEST), time, hasTime, load<f64>(bits), labels, bytes);
    if (counter) return count64(counter);
  } else {
    const number = findSeries(low, high);
    if (number == NO_SERIES) return count64(R_EXEMPLARS_UNKNOWN);
    series = create(low, high, load<u32>(slotOf(number), S_LABELS));
  }
  const exemplar = allocCounted(u32(X_LABELS) + bytes);
  store<u32>(exemplar, 0);
  store<u32>(exemplar, u32(series), X_SERIES);
  store<u32>(exemplar, bytes, X_LABEL_BYTES);
  store<u32>(exemplar, u32(hasTime), X_HAS_TIME);
  store<i64>(exemplar, time, X_TIME);
  store<u64>(exemplar, load<u64>(bits), X_BITS);
  memory.copy(exemplar + X_LABELS, labels, bytes);
  const newest = usize(get32(R_EXEMPLAR_NEWEST));
  if (newest) store<u32>(newest, u32(exemplar));
  else set32(R_EXEMPLAR_OLDEST, u32(exemplar));
  set32(R_EXEMPLAR_NEWEST, u32(exemplar));
  set32(R_EXEMPLARS, get32(R_EXEMPLARS) + 1);
  store<u32>(series, u32(exemplar), E_NEWEST);
  store<u32>(series, load<u32>(series, E_COUNT) + 1, E_COUNT);
  count64(R_EXEMPLARS_APPENDED);
  trim(max);
}

/** Applies the section at [from, end). 0, or a negative code. */
export function applyExemplars(from: usize, end: usize): i32 {
  cursor = from;
  limit = end;
  failed = false;
  const max = varint();
  const count = varint();
  if (failed) return ERROR_TRUNCATED;
  if (max > RING_MAX) return ERROR_EXEMPLAR;
  trim(u32(max));
  for (let i: u64 = 0; i < count; i++) {
    const id = take(16);
    const time = unzigzag(varint());
    const flag = u32(load<u8>(take(1)));
    const bits = take(8);
    const bytes = varint();
    const labels = take(bytes);
    if (failed) return ERROR_TRUNCATED;
    if (time > TIME_MAX || time < -TIME_MAX) return ERROR_TIME;
    if (flag > 1 || bytes > LABEL_BYTES_MAX) return ERROR_EXEMPLAR;
    append(id, time, flag != 0, bits, labels, u32(bytes), u32(max));
  }
  return cursor == end ? 0 : ERROR_TRAILING;
}
