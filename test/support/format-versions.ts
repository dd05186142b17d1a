// The version numbers that the files of a data directory bear (docs/formats), read from their bytes.
import { utf8Text } from '../../src/base/index.ts';
import { MANIFEST } from '../../src/tsdb/index.ts';
import type { StoredFiles } from '../../sim/sample-store.ts';

const SEGMENT_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 12;
/** First byte of a record that is no batch. */
const COMMAND = 2;

/** By format. A directory without a file of a format does not have it; of blocks, which need not be of the newest, the newest counts. */
export function formatVersions(files: StoredFiles): Record<string, number> {
  const versions: Record<string, number> = {};
  for (const [path, bytes] of files) {
    const word = (at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name === MANIFEST) versions[name] = JSON.parse(utf8Text(bytes)).version;
    else if (name.endsWith('.json')) versions[name] = JSON.parse(utf8Text(bytes).split('\n')[0]).version;
    else if (name.endsWith('.block')) versions.block = Math.max(versions.block ?? 0, word(4));
    else if (name.endsWith('.image')) {
      versions.image = word(4);
      versions['image layout'] = word(8);
    } else if (name.endsWith('.log')) {
      versions.log = word(4);
      const first = bytes[SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES];
      if (first !== undefined && first !== COMMAND) versions.batch = first;
    }
  }
  return versions;
}
