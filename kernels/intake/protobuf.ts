// Walking over protobuf messages from outside. fieldNext reads one field's head; a malformed one (truncated, field
// number 0, groups, lengths behind the end) ends the request.

import { readVarint, varint } from './varint';

export const VARINT: u32 = 0;
export const FIXED64: u32 = 1;
export const BYTES: u32 = 2;
export const FIXED32: u32 = 5;

/** The field read last: number * 8 + wire type, as the tag has it. */
export let fieldTag: u32 = 0;
/** VARINT: the value. */
export let fieldValue: u64 = 0;
/** FIXED64, FIXED32 and BYTES: where the payload lies, and how long it is. */
export let fieldAt: usize = 0;
export let fieldBytes: u32 = 0;

/** Reads the field at `at`, which must lie before `end`. Returns the address behind it, 0 if malformed. */
export function fieldNext(at: usize, end: usize): usize {
  let next = readVarint(at, end);
  if (next == 0 || varint > 0xffffffff || varint < 8) return 0;
  fieldTag = <u32>varint;
  const type = fieldTag & 7;
  if (type == BYTES) {
    next = readVarint(next, end);
    if (next == 0 || varint > <u64>(end - next)) return 0;
    fieldAt = next;
    fieldBytes = <u32>varint;
    return next + fieldBytes;
  }
  if (type == VARINT) {
    next = readVarint(next, end);
    fieldValue = varint;
    return next;
  }
  if (type != FIXED64 && type != FIXED32) return 0;
  fieldAt = next;
  fieldBytes = type == FIXED64 ? 8 : 4;
  return end - next < fieldBytes ? 0 : next + fieldBytes;
}

/** Field number and wire type as a tag. */
@inline
export function tagOf(field: u32, type: u32): u32 {
  return (field << 3) | type;
}
