// The intake kernel: bytes of remote write (and of scrapes) -> batches for the log, per shard. Numbers in, numbers
// out; a negative result is a code (request.ts, snappy.ts). src/kernel/intake-wasm.ts wraps it,
// src/kernel/intake-twin.ts is the same in plain TypeScript and its specification.
//
// One request: bytes of the tenant to intakeTenant(n), intakeBegin(n), bytes of the body to intakeInput(n),
// intakeWrite1(n) or intakeWrite2(n), then per shard intakeBatch / intakeBatchBytes; intakeUndo() if the log could
// not take them.

import { activeNextEpoch, activeOf } from './active';
import { aliasBytes, aliasesInit } from './aliases';
import { seriesBytes, seriesClear } from './dictionary';
import { setExemplarsMax } from './exemplars';
import { hashBytes, hashHigh, hashInit, hashLow } from './hash';
import { labelRows, labelsInit } from './labels';
import { Column, columnReserve, memoryBytes } from './memory';
import { metadataInit, metadataRows } from './metadata';
import { labelsOfV1, remoteWriteV1 } from './remote-write-v1';
import { labelsOfV2, remoteWriteV2, remoteWriteV2Init } from './remote-write-v2';
import {
  OUT_OF_MEMORY, batchAddress, batchLength, counters, refusalAt, refusalBytes, requestBegin, requestFail,
  requestFinish, requestUndo, setLimits, tenantBuffer,
} from './request';
import { shardAt, shardCount, shardsInit } from './shard';
import { SNAPPY_SLACK, snappyDecode, snappyInit, snappyLength } from './snappy';
import { symbolsBytes, symbolsClear } from './symbols';

const inputColumn = changetype<Column>(memory.data(16, 16));
const bodyColumn = changetype<Column>(memory.data(16, 16));
let decodedBytesMax: u32 = 32 << 20;
let seriesMax: u32 = 0xffffffff;
let symbolBytesMax: u32 = 0xffffffff;
/** Of the body that is there. */
let bodyVersion: u32 = 1;

/** Once, first: `shards` 1..64; the 32-byte key lies at the address that intakeInput(32) gave. 0, or OUT_OF_MEMORY. */
export function intakeInit(shards: u32, seriesPerShardMax: u32, symbolBytesPerShardMax: u32, aliasesMax: u32): i32 {
  hashInit(inputColumn.address);
  snappyInit();
  aliasesInit(aliasesMax);
  seriesMax = seriesPerShardMax;
  symbolBytesMax = symbolBytesPerShardMax;
  return shardsInit(shards) && labelsInit() && metadataInit() && remoteWriteV2Init() ? 0 : OUT_OF_MEMORY;
}

/** Where to put `bytes` of input; 0 when memory is out. */
export function intakeInput(bytes: u32): usize {
  return columnReserve(inputColumn, bytes);
}

/** Where to put the bytes of the tenant; 0 when memory is out. */
export function intakeTenant(bytes: u32): usize {
  return tenantBuffer(bytes);
}

/** Limits of the requests that follow. `activeSeries` 0xffffffff: the tenant's series are not counted. */
export function intakeLimits(
  decodedBytes: u32, labels: u32, nameBytes: u32, valueBytes: u32, labelBytes: u32, activeSeries: u32, minTimeMs: f64,
  maxTimeMs: f64,
): void {
  decodedBytesMax = decodedBytes;
  setLimits(labels, nameBytes, valueBytes, labelBytes, activeSeries, minTimeMs, maxTimeMs);
}

/** How many exemplars each shard keeps from now on; 0, and before the first call: none is taken. */
export function intakeExemplars(perShardMax: u32): void {
  setExemplarsMax(perShardMax);
}

/** Begins a request of the tenant in the tenant buffer. */
export function intakeBegin(tenantBytes: u32): void {
  requestBegin(tenantBytes);
}

/** Decodes the input to the body. The decoded length, or a negative code. */
function decode(length: u32): i32 {
  const input = inputColumn.address;
  const decoded = snappyLength(input, length, decodedBytesMax);
  if (decoded < 0) return decoded;
  const body = columnReserve(bodyColumn, <usize>decoded + SNAPPY_SLACK);
  if (body == 0) return OUT_OF_MEMORY;
  const code = snappyDecode(input, length, body, <u32>decoded);
  return code < 0 ? code : decoded;
}

/** Takes the input, `length` bytes of snappy, as remote write 1.0. 0, or a negative code, and the request is undone. */
export function intakeWrite1(length: u32): i32 {
  bodyVersion = 1;
  const decoded = decode(length);
  if (decoded < 0) return requestFail(decoded);
  const code = remoteWriteV1(bodyColumn.address, bodyColumn.address + decoded);
  return code < 0 ? requestFail(code) : requestFinish();
}

/** The same for 2.0. `allMetadata`: rows of metadata also for series that the segments know. */
export function intakeWrite2(length: u32, allMetadata: bool): i32 {
  bodyVersion = 2;
  const decoded = decode(length);
  if (decoded < 0) return requestFail(decoded);
  const code = remoteWriteV2(bodyColumn.address, bodyColumn.address + decoded, allMetadata);
  return code < 0 ? requestFail(code) : requestFinish();
}

/** Makes the batches of a request that was filled by other parts of the module (scrape-cache.ts). 0, or a negative code. */
export function intakeFinish(): i32 {
  return requestFinish();
}

/**
 * Reads the labels of one of the refusals that have a row in the counters, in the sender's order and not checked; they
 * lie in the rows at intakeLabelRows (labels.ts). Returns how many there are. Until the next request.
 */
export function intakeRefusedLabels(index: u32): u32 {
  const message = refusalAt(index);
  if (message == 0) return 0;
  const end = message + refusalBytes(index);
  return bodyVersion == 1 ? labelsOfV1(message, end) : labelsOfV2(message, end);
}

export function intakeLabelRows(): usize {
  return labelRows;
}

/** Time goes on by an epoch (active.ts). Between requests. */
export function intakeNextEpoch(): void {
  activeNextEpoch();
}

/** Active series of the tenant whose bytes are the input, as far as they are counted. */
export function intakeActiveSeries(tenantBytes: u32): u32 {
  hashBytes(inputColumn.address, tenantBytes, 0, 0);
  return activeOf(hashLow, hashHigh);
}

/** Undoes the request since intakeBegin: for a log that could not take its batches. */
export function intakeUndo(): void {
  requestUndo();
}

/** The log of a shard began a new segment: its dictionary is empty again. */
export function intakeRotate(index: u32): void {
  const shard = shardAt(index);
  seriesClear(shard);
  symbolsClear(shard);
  shard.recentCount = 0;
  shard.savedSeries = 0;
  shard.savedSymbols = 0;
  shard.savedSymbolBytes = 0;
}

/** 1 if the shard's dictionary has reached its limit: the log should begin a new segment. */
export function intakeNeedsRotate(index: u32): i32 {
  const shard = shardAt(index);
  return shard.seriesCount >= seriesMax || shard.symbolBytesLength >= symbolBytesMax ? 1 : 0;
}

export function intakeBatch(index: u32): u32 {
  return batchAddress(index);
}

/** Samples in the shard's batch, of all kinds. */
export function intakeBatchSamples(index: u32): u32 {
  const shard = shardAt(index);
  return shard.samples + shard.histograms + shard.started;
}

export function intakeBatchBytes(index: u32): u32 {
  return batchLength(index);
}

export function intakeSeries(index: u32): u32 {
  return shardAt(index).seriesCount;
}

export function intakeSymbols(index: u32): u32 {
  return shardAt(index).symbolCount;
}

export function intakeDictionaryBytes(index: u32): u32 {
  return seriesBytes(shardAt(index)) + symbolsBytes(shardAt(index));
}

export function intakeShards(): u32 {
  return shardCount;
}

/** Address of the counters (request.ts), of the metadata rows (metadata.ts), of the decoded body. */
export function intakeCounters(): usize {
  return counters;
}

export function intakeMetadata(): usize {
  return metadataRows;
}

export function intakeBody(): usize {
  return bodyColumn.address;
}

export function intakeAliasBytes(): u32 {
  return aliasBytes();
}

export function intakeMemoryBytes(): u32 {
  return memoryBytes();
}
export * from './exposition';
export * from './scrape-cache';
export { scrapeExemplar, scrapeExemplars } from './scrape-exemplars';
