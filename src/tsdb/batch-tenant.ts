// Whose samples a batch has: its second field (docs/formats/batch.md).
import { ByteReader } from '../base/index.ts';

/** The tenant of a batch that was applied, so is well formed. */
export function batchTenant(payload: Uint8Array): string {
  const reader = new ByteReader(payload);
  reader.u8(); // the version
  return reader.text();
}
