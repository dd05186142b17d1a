// Samples that are more than a double: native histograms, as bytes in the binary form of docs/formats/histogram.md. Their bytes are a
// blob of the flat memory, and what stands among the values is a reference: a NaN that nothing else stores.
//
//   value bits  ┌─────────────────────┬──────────────────────────┐        blob  ┌────────────┬───────┐
//               │ BLOB_HIGH, 32 bits  │ address of the blob, u32 │              │ u32 length │ bytes │
//               └─────────────────────┴──────────────────────────┘              └────────────┴───────┘
//
// So open chunks, columns, late buffers and merges carry histograms without knowing. A double that comes in with the bits of a
// reference is a blob itself, of 8 bytes, which no histogram is as short as: all raw bits survive. Address 0: a blob that has gone,
// which only the last value's bits name (the time of a last sample stays known after it left).
//
// FLAG_BLOBS is on a series that may have references; others pay nothing. Each reference belongs to one sample: who removes the sample
// frees the blob.
import { R_BLOBS, ROOT, alloc, classOf, freeClass } from './root';
import { decodeValues } from './column';
import { FLAG_BLOBS, N_COLUMN, S_FLAGS, S_LAST_BITS } from './series';

/** Upper half of a reference. */
export const BLOB_HIGH: u32 = 0x7ff74842;
const BLOB_HEAD: u32 = 4;
/** Length of a blob that is a double's bits; histograms are longer. */
export const FLOAT_BYTES: u32 = 8;

// @ts-ignore: decorator
@inline
export function isBlob(bits: u64): bool {
  return u32(bits >> 32) == BLOB_HIGH;
}

function countBlobs(change: i64): void {
  store<u64>(ROOT + R_BLOBS, load<u64>(ROOT + R_BLOBS) + change);
}

/** Copies `length` bytes into a new blob; returns the reference. */
export function newBlob(from: usize, length: u32): u64 {
  const blob = alloc(BLOB_HEAD + length);
  store<u32>(blob, length);
  memory.copy(blob + BLOB_HEAD, from, length);
  countBlobs(1);
  return (u64(BLOB_HIGH) << 32) | u64(blob);
}

function release(bits: u64): void {
  const blob = usize(u32(bits));
  freeClass(blob, classOf(BLOB_HEAD + load<u32>(blob)));
  countBlobs(-1);
}

/** Frees what the value of a sample refers to, if anything: the sample is about to go. */
export function freeBlob(slot: usize, bits: u64): void {
  if (!isBlob(bits) || !u32(bits)) return;
  if (load<u64>(slot, S_LAST_BITS) == bits) store<u64>(slot, u64(BLOB_HIGH) << 32, S_LAST_BITS);
  release(bits);
}

/** Frees what did not become a sample. */
export function dropNewBlob(bits: u64): void {
  release(bits);
}

// @ts-ignore: decorator
@inline
export function mayHaveBlobs(slot: usize): bool {
  return (load<u8>(slot, S_FLAGS) & FLAG_BLOBS) != 0;
}

/** Frees what the values of a node's column refer to. `values` is scratch for them. */
export function freeBlobsOf(slot: usize, node: usize, values: usize): void {
  const column = node + N_COLUMN;
  decodeValues(column, values);
  for (let at = values, end = values + (usize(load<u16>(column)) << 3); at < end; at += 8) {
    freeBlob(slot, load<u64>(at));
  }
}

function sameBlobs(a: usize, b: usize): bool {
  // Nothing is known of one that has gone: the same again is the likelier case.
  if (!a || !b) return true;
  const length = load<u32>(a);
  return length == load<u32>(b) && memory.compare(a + BLOB_HEAD, b + BLOB_HEAD, length) == 0;
}

/** Whether two values are the same sample. */
export function sameValue(a: u64, b: u64): bool {
  if (a == b) return true;
  return isBlob(a) && isBlob(b) && sameBlobs(usize(u32(a)), usize(u32(b)));
}
