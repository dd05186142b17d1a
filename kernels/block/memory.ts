// The module's memory: fixed scratch for one vector, then the columns of the door, then the encoded bytes, which may grow.
//
//   heap base: scratch │ ts: 8 × room │ vs: 8 × room │ bytes: to the end of the memory

/** Most samples of a vector: a vector of 1,024, and what is left of the column behind it. */
export const VECTOR_SAMPLES: u32 = 1024;
export const VECTOR_SAMPLES_MAX: u32 = 2047;
const ARRAY: usize = 16384 + 64;
/** Both candidates of a vector, each at most about 20 bytes a sample. */
const CANDIDATE: usize = 65536;
/** Decoding may read so far behind a malformed column: 2,047 values of 8 bytes. */
const SLACK: usize = 16448;
/** Most bytes of an encoded column: at worst raw bits and the heads of blocks, or integers, corrections and a sixteenth of exceptions. */
const BYTES_PER_SAMPLE: usize = 16;
const BYTES_FIXED: usize = 4096;

const base: usize = (__heap_base + 15) & ~15;
export const DISTINCT: usize = base;
export const POSITIONS: usize = base + ARRAY;
export const INTEGERS: usize = base + 2 * ARRAY;
export const CORRECTIONS: usize = base + 3 * ARRAY;
export const FULL_INTEGERS: usize = base + 4 * ARRAY;
export const FULL_CORRECTIONS: usize = base + 5 * ARRAY;
export const QUOTIENTS: usize = base + 6 * ARRAY;
export const RESIDUALS: usize = base + 7 * ARRAY;
export const EXCESS: usize = base + 8 * ARRAY;
export const TABLES: usize = base + 9 * ARRAY;
const TABLES_BYTES: usize = 512;
/** Values of one block as u32s. */
export const NARROW: usize = TABLES + TABLES_BYTES;
const NARROW_BYTES: usize = 1024 + 64;
/** Four numbers. */
export const TAIL: usize = NARROW + NARROW_BYTES;
const TAIL_BYTES: usize = 32;
/** What unpackNarrow knows of each width. */
export const PATTERNS: usize = TAIL + TAIL_BYTES;
const PATTERNS_BYTES: usize = 26 * 64;
export const SPARSE: usize = PATTERNS + PATTERNS_BYTES;
export const FULL: usize = SPARSE + CANDIDATE;
/** A byte per sample, while decoding. */
export const STEPS: usize = FULL;
const columns: usize = FULL + CANDIDATE;

let room: u32 = 0;

/** Address of the times. */
export function tsAddress(): usize {
  return columns;
}

/** Address of the values. */
export function vsAddress(): usize {
  return columns + (usize(room) << 3);
}

/** Address of the encoded bytes. */
export function bytesAddress(): usize {
  return columns + (usize(room) << 4);
}

/** Samples that ts and vs have room for. */
export function samplesRoom(): u32 {
  return room;
}

function growTo(end: u64): bool {
  const pages = u32((end + 0xffff) >> 16);
  if (end > 0xffff0000) return false;
  const have = u32(memory.size());
  return pages <= have || memory.grow(i32(pages - have)) >= 0;
}

/** Room for `samples` and their encoding. What ts, vs and bytes held is lost. */
export function reserve(samples: u32): bool {
  if (samples <= room) return true;
  const end = u64(columns) + (u64(samples) << 4) + u64(samples) * u64(BYTES_PER_SAMPLE) + u64(BYTES_FIXED + SLACK);
  if (!growTo(end)) return false;
  room = samples;
  return true;
}

/** Room for `length` encoded bytes and the slack that unpacking reads. */
export function reserveBytes(length: u32): bool {
  return growTo(u64(bytesAddress()) + u64(length) + u64(SLACK));
}

// Scratch is there from the start: tables are made in it before anything is reserved.
growTo(u64(columns));
