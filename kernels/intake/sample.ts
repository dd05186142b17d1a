// Samples as both versions of remote write encode them: Sample { double value = 1; int64 timestamp = 2 }, and in version 2.0
// int64 start_timestamp = 3, where 0 is none.

import { FIXED64, VARINT, fieldAt, fieldNext, fieldTag, fieldValue } from './protobuf';

/** Eight bytes: one of what is before, 0x10, then a time of 42 bits: five bytes that continue and one that ends. */
const TIME_MASK: u64 = 0x808080808080ff00;
const TIME_SHAPE: u64 = 0x0080808080801000;
const START_SHAPE: u64 = 0x0080808080801800;

/** The sample read last. */
export let sampleTime: i64 = 0;
export let sampleBits: u64 = 0;
/** Its start time, 0 for none; of versions that have some. */
export let sampleStart: i64 = 0;

/** Whether the last eight bytes of a sample hold its time in the usual way. */
@inline
export function isUsualTime(word: u64): bool {
  return (word & TIME_MASK) == TIME_SHAPE;
}

/** The same of its start time. */
@inline
export function isUsualStart(word: u64): bool {
  return (word & TIME_MASK) == START_SHAPE;
}

/** That time: six bytes of seven bits, in the upper 48 bits of `word`. */
@inline
export function usualTime(word: u64): i64 {
  let x = (word >> 16) & 0x7f7f7f7f7f7f;
  x = (x & 0x007f007f007f) | ((x & 0x7f007f007f00) >> 1);
  return <i64>((x & 0x3fff) | ((x >> 2) & 0xfffc000) | ((x >> 4) & 0x3fff0000000));
}

/** Sets the sample read last, for those who read it the short way. */
@inline
export function setSample(timeMs: i64, bits: u64): void {
  sampleTime = timeMs;
  sampleBits = bits;
}

/** The same of its start time; 0: none. */
@inline
export function setStart(startMs: i64): void {
  sampleStart = startMs;
}

/** Reads a Sample; false if it is malformed. `hasStart`: its version has start times. */
export function readSample(begin: usize, end: usize, hasStart: bool = false): bool {
  sampleTime = 0;
  sampleBits = 0;
  sampleStart = 0;
  for (let at = begin; at < end; ) {
    at = fieldNext(at, end);
    if (at == 0) return false;
    const field = fieldTag >> 3;
    if (field == 1) {
      if ((fieldTag & 7) != FIXED64) return false;
      sampleBits = load<u64>(fieldAt);
    } else if (field == 2) {
      if ((fieldTag & 7) != VARINT) return false;
      sampleTime = <i64>fieldValue;
    } else if (field == 3 && hasStart) {
      if ((fieldTag & 7) != VARINT) return false;
      sampleStart = <i64>fieldValue;
    }
  }
  return true;
}
