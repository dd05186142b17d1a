// From labels to samples in a batch: what the formats have in common. A format first tries seriesKnown with the hash
// of the label bytes as they came; only if that fails it fills the label rows and calls seriesResolve. A series is
// defined when the first of its samples is accepted, so that refused samples leave nothing behind.

import { aliasAdd, aliasFind, aliasHigh, aliasLow } from './aliases';
import { activeAdmit } from './active';
import { batchDefine, batchHistogram, batchSample, batchStarted } from './batch';
import { seriesFind } from './dictionary';
import { encodeHistogram, histogramBytes } from './histogram-encode';
import { histogramIsStale, histogramProblem, histogramStart, histogramTime } from './histogram';
import { hashBytes, hashHigh, hashLow } from './hash';
import {
  canonicalAt, canonicalBytes, labelBytesChecked, labelCount, labelRows, labelsCanonical, labelsChanged, labelsCheck,
} from './labels';
import {
  HISTOGRAMS, OUT_OF_MEMORY, SERIES_LIMIT, SERIES_NEW, TOO_EXPENSIVE, count, isTime, refuseSample, refuseSeries, tenantHigh,
  tenantLow, timeAccepted,
} from './request';
import { Shard, shardOf } from './shard';

/** Label bytes that one request may make us check: a body of symbols can refer to long ones again and again. */
const LABEL_BYTES_MAX: u64 = 1 << 29;

const STALE_BITS: u64 = 0x7ff0000000000002;

/** The series at hand: its shard, its number there (-1: to be defined from the label rows), its id. */
export let seriesShard: Shard = changetype<Shard>(0);
export let seriesRef: i32 = -1;
export let seriesLow: u64 = 0;
export let seriesHigh: u64 = 0;

/** Looks up the id itself; true if the segment has the series. */
@inline
export function seriesById(low: u64, high: u64): bool {
  const shard = shardOf(low);
  const ref = seriesFind(shard, low, high);
  seriesShard = shard;
  seriesRef = ref;
  seriesLow = low;
  seriesHigh = high;
  return ref >= 0;
}

/** Looks up the hash of label bytes as they came: as an id, then as an alias. */
export function seriesKnown(wireLow: u64, wireHigh: u64): bool {
  if (seriesById(wireLow, wireHigh)) return true;
  return aliasFind(wireLow, wireHigh) && seriesById(aliasLow, aliasHigh);
}

/**
 * Checks the label rows and finds the series they mean. `wireId`: the wire hash covers the bytes of just these labels
 * and may become an alias. `canonical`: those bytes are canonical unless sorting or dropping changes the rows.
 * `ascii`: all bytes of the labels are below 128. Returns 0, a reason (positive), or a code (negative).
 */
export function seriesResolve(
  wireId: bool, canonical: bool, wireLow: u64, wireHigh: u64, ascii: bool,
): i32 {
  // An alias says that these labels were taken before; the segment just does not have the series yet.
  const aliased = wireId && aliasFind(wireLow, wireHigh);
  const reason = labelsCheck(ascii || aliased);
  if (labelBytesChecked > LABEL_BYTES_MAX) return TOO_EXPENSIVE;
  if (reason != 0) return <i32>reason;
  if (wireId && canonical && !labelsChanged) {
    seriesById(wireLow, wireHigh);
    return 0;
  }
  if (aliased) {
    seriesById(aliasLow, aliasHigh);
    return 0;
  }
  if (!labelsCanonical()) return OUT_OF_MEMORY;
  hashBytes(canonicalAt, canonicalBytes, tenantLow, tenantHigh);
  seriesById(hashLow, hashHigh);
  if (wireId) aliasAdd(wireLow, wireHigh, seriesLow, seriesHigh);
  return 0;
}

/** Defines the series at hand: 1. Refuses a sample of it for the tenant's limit: 0. Negative: out of memory. */
function define(index: u32, at: usize, bytes: u32): i32 {
  const admitted = activeAdmit(seriesLow, seriesHigh, false);
  if (admitted < 0) return OUT_OF_MEMORY;
  if (admitted == 0) {
    refuseSeries(SERIES_LIMIT, 1, index, at, bytes);
    return 0;
  }
  seriesRef = batchDefine(seriesShard, seriesLow, seriesHigh, labelRows, labelCount);
  if (seriesRef < 0) return OUT_OF_MEMORY;
  count(SERIES_NEW);
  return 1;
}

/** Appends a sample of the series at hand: 1. Refuses it for its time or the tenant's limit: 0. Negative: out of memory. */
export function seriesSample(timeMs: i64, bits: u64, index: u32, at: usize, bytes: u32): i32 {
  if (!timeAccepted(timeMs)) {
    refuseSample(timeMs, index, at, bytes);
    return 0;
  }
  if (seriesRef < 0) {
    const code = define(index, at, bytes);
    if (code <= 0) return code;
  }
  return batchSample(seriesShard, <u32>seriesRef, timeMs, bits) ? 1 : OUT_OF_MEMORY;
}

/** A double on its way into a batch. */
const valueBytes: usize = memory.data(8, 8);

/** seriesSample of a sample that has a start time; 0 is none. */
export function seriesStarted(timeMs: i64, startMs: i64, bits: u64, index: u32, at: usize, bytes: u32): i32 {
  if (startMs == 0) return seriesSample(timeMs, bits, index, at, bytes);
  if (!timeAccepted(timeMs)) {
    refuseSample(timeMs, index, at, bytes);
    return 0;
  }
  if (!isTime(startMs)) {
    refuseSample(startMs, index, at, bytes);
    return 0;
  }
  if (seriesRef < 0) {
    const code = define(index, at, bytes);
    if (code <= 0) return code;
  }
  store<u64>(valueBytes, bits);
  return batchStarted(seriesShard, <u32>seriesRef, timeMs, startMs, valueBytes, 8) ? 1 : OUT_OF_MEMORY;
}

/** The same of the histogram read last, which it checks and counts. A stale one is a stale sample. 0, or out of memory. */
export function seriesHistogram(index: u32, at: usize, bytes: u32): i32 {
  if (!timeAccepted(histogramTime)) {
    refuseSample(histogramTime, index, at, bytes);
    return 0;
  }
  if (!isTime(histogramStart)) {
    refuseSample(histogramStart, index, at, bytes);
    return 0;
  }
  const isStale = histogramIsStale();
  const problem = isStale ? 0 : histogramProblem();
  if (problem < 0) return problem;
  if (problem > 0) {
    refuseSeries(<u32>problem, 1, index, at, bytes);
    return 0;
  }
  if (seriesRef < 0) {
    const code = define(index, at, bytes);
    if (code <= 0) return code;
  }
  count(HISTOGRAMS);
  if (isStale) return batchSample(seriesShard, <u32>seriesRef, histogramTime, STALE_BITS) ? 0 : OUT_OF_MEMORY;
  if (!encodeHistogram()) return OUT_OF_MEMORY;
  if (histogramStart != 0) {
    const from = histogramBytes.address;
    const length = histogramBytes.length;
    return batchStarted(seriesShard, <u32>seriesRef, histogramTime, histogramStart, from, length) ? 0 : OUT_OF_MEMORY;
  }
  return batchHistogram(seriesShard, <u32>seriesRef, histogramTime, histogramBytes) ? 0 : OUT_OF_MEMORY;
}
