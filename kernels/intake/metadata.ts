// Rows of metric metadata found in a request, for the host to keep. A row is seven u32: the type (number of the
// format's enum), then offset and bytes of name, help and unit in the decoded body. At most ROWS_MAX per request;
// more are counted.

import { allocate, classOf } from './memory';
import { METADATA_LEFT_OUT, METADATA_ROWS, bodyAt, count, counters } from './request';

const ROW_BYTES: usize = 28;
const ROWS_MAX: u32 = 4096;

export let metadataRows: usize = 0;

/** Makes the rows' block. False when memory is out. */
export function metadataInit(): bool {
  metadataRows = allocate(classOf(<usize>ROWS_MAX * ROW_BYTES));
  return metadataRows != 0;
}

@inline
function text(row: usize, at: usize, bytes: u32): void {
  store<u32>(row, bytes == 0 ? 0 : <u32>(at - bodyAt));
  store<u32>(row, bytes, 4);
}

/** Adds a row; addresses lie in the body. */
export function metadataAdd(
  type: u32, name: usize, nameBytes: u32, help: usize, helpBytes: u32, unit: usize, unitBytes: u32,
): void {
  const used = load<u32>(counters + (METADATA_ROWS << 2));
  if (used >= ROWS_MAX) return count(METADATA_LEFT_OUT);
  count(METADATA_ROWS);
  const row = metadataRows + <usize>used * ROW_BYTES;
  store<u32>(row, type);
  text(row + 4, name, nameBytes);
  text(row + 12, help, helpBytes);
  text(row + 20, unit, unitBytes);
}
