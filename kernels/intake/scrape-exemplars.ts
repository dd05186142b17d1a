// Exemplars of a scraped page into the batches: those that exposition.ts found behind samples of OpenMetrics, and those that the
// host names by row, for formats that it made text of. They are staged once all rows of the page are known or dropped.
//
//   exemplar record, 32 bytes
//   0  u32 row of its sample   4 u32 start of its labels in the body, behind the brace   8 u32 start of its value   12 u32 flags
//   16 f64 value   24 f64 own time in ms
import { exemplarAdd } from './exemplars';
import { EXEMPLAR_BYTES, EXEMPLAR_HAS_TIME, expositionRowCount, expositionRows, exemplarRecords } from './exposition';
import { body } from './exposition-scan';
import { labelsAdd, labelsClear } from './labels';
import { Column, columnReserve } from './memory';
import { ROW_BYTES, SCRAPE_MEMORY, scrapeLabelRows, timeOf } from './scrape-cache';
import { Cache, entryAt } from './scrape-table';

const ROW_SKIPPED: u32 = 16;

/** Texts without their escapes. */
const plainColumn = changetype<Column>(memory.data(16, 16));

/** End of the quoted text that opens at `from`, which a parser has taken. */
function quotedEnd(from: usize): usize {
  let p = from + 1;
  while (load<u8>(p) != 34) p += load<u8>(p) == 92 ? 2 : 1;
  return p;
}

/** Adds the text [from, end) without its escapes to the column, which has room; returns where it begins. */
function plain(from: usize, end: usize): usize {
  const begin = <usize>plainColumn.address + plainColumn.length;
  let at = begin;
  for (let p = from; p < end; p++) {
    let c = load<u8>(p);
    const next = load<u8>(p, 1);
    if (c == 92 && (next == 92 || next == 34 || next == 110)) {
      c = next == 110 ? 10 : next;
      p++;
    }
    store<u8>(at++, c);
  }
  plainColumn.length += <u32>(at - begin);
  return begin;
}

/** Fills the label rows with the labels from behind the brace. False when memory is out. */
function readLabels(from: usize, end: usize): bool {
  labelsClear();
  plainColumn.length = 0;
  if (columnReserve(plainColumn, end - from) == 0) return false;
  let p = from;
  while (load<u8>(p) != 125) {
    const isQuoted = load<u8>(p) == 34;
    let nameEnd = p;
    if (isQuoted) nameEnd = quotedEnd(p++);
    else while (load<u8>(nameEnd) != 61) nameEnd++;
    const name = plain(p, nameEnd);
    const nameBytes = <u32>(<usize>plainColumn.address + plainColumn.length - name);
    p = nameEnd + (isQuoted ? 2 : 1);
    const valueEnd = quotedEnd(p);
    const value = plain(p + 1, valueEnd);
    labelsAdd(name, nameBytes, value, <u32>(<usize>plainColumn.address + plainColumn.length - value));
    p = valueEnd + 1;
    if (load<u8>(p) == 44) p++;
  }
  return true;
}

/** Stages the exemplar of a row, whose labels are the label rows. 0, or a negative code. */
function stage(cache: Cache, index: u32, value: f64, ownMs: f64, timeMs: f64, minMs: f64, maxMs: f64): i32 {
  const row = expositionRows() + <usize>index * ROW_BYTES;
  const number = load<u32>(row, 44);
  if ((load<u32>(row, 40) & ROW_SKIPPED) != 0 || number == 0 || number > cache.count) return 0;
  const sampleMs = timeOf(row, timeMs, minMs, maxMs);
  if (sampleMs != sampleMs) return 0;
  const entry = entryAt(cache, number - 1);
  const hasTime = ownMs == ownMs;
  const time = hasTime ? <i64>ownMs : <i64>sampleMs;
  const code = exemplarAdd(load<u64>(entry, 16), load<u64>(entry, 24), time, hasTime, reinterpret<u64>(value));
  return code < 0 ? SCRAPE_MEMORY : 0;
}

/** Stages the exemplars that the page has; times as for scrapeAppend. 0, or a negative code. */
export function scrapeExemplars(record: usize, timeMs: f64, minMs: f64, maxMs: f64): i32 {
  const cache = changetype<Cache>(record);
  const records = exemplarRecords;
  const end = <usize>records.address + records.length;
  for (let at = <usize>records.address; at < end; at += EXEMPLAR_BYTES) {
    if (!readLabels(body + load<u32>(at, 4), body + load<u32>(at, 8))) return SCRAPE_MEMORY;
    const ownMs = (load<u32>(at, 12) & EXEMPLAR_HAS_TIME) != 0 ? load<f64>(at, 24) : f64.NaN;
    const code = stage(cache, load<u32>(at), load<f64>(at, 16), ownMs, timeMs, minMs, maxMs);
    if (code < 0) return code;
  }
  return 0;
}

/**
 * Stages the exemplar of a row whose `count` labels are in the label buffer. `ownMs`: NaN if it has no time of its own. 0, or a
 * negative code.
 */
export function scrapeExemplar(
  record: usize, index: u32, count: u32, value: f64, ownMs: f64, timeMs: f64, minMs: f64, maxMs: f64,
): i32 {
  if (index >= expositionRowCount()) return 0;
  scrapeLabelRows(count);
  return stage(changetype<Cache>(record), index, value, ownMs, timeMs, minMs, maxMs);
}
