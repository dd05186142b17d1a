// manifest.json of a data directory: what may never change once data is there. The number of shards decides where a series lives; the key
// decides its identity. Another number or key would find nothing wrong with the files, and store series twice: so there is a checksum.
import { TidemarkError, errorText, utf8, utf8Text } from '../base/index.ts';
import { type Files, type Random, hasCode } from '../io/index.ts';
import { crc32c } from '../kernel/index.ts';

/** Its name in the data directory. */
export const MANIFEST = 'manifest.json';
/** Version of the directory's layout. An older build refuses a newer one. 1 had no checksum. */
const VERSION = 2;
const KEY_BYTES = 32;
/** Most shards in a data directory. */
export const SHARDS_MAX = 64;

/** What a data directory says of itself; constant for its life. */
export interface Manifest {
  readonly version: number;
  readonly shards: number;
  /** Key of the series hash, 32 bytes. */
  readonly key: Uint8Array;
}

const fault = (text: string, cause?: unknown) =>
  new TidemarkError('bad_manifest', `cannot read ${MANIFEST}: ${text}`, { cause });

/** Reads a manifest; throws `bad_manifest` with what is wrong. */
export function parseManifest(text: string): Manifest {
  let json: { version?: unknown; shards?: unknown; key?: unknown; checksum?: unknown };
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw fault(errorText(cause), cause);
  }
  const { version, shards, key, checksum } = json;
  if (typeof version !== 'number') throw fault(`version is missing`);
  if (!Number.isInteger(version) || version < 1) throw fault(`version is no number from 1 on; got ${version}`);
  if (version > VERSION)
    throw fault(`the directory is of version ${version}, which needs a newer build; this one reads ${VERSION}`);
  if (typeof shards !== 'number' || !Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX)
    throw fault(`shards is no number from 1 to ${SHARDS_MAX}; got ${JSON.stringify(shards)}`);
  if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key)) throw fault('key is no text of 64 hexadecimal digits');
  if (version > 1 && checksum !== checksumOf(version, shards, key))
    throw fault(`its checksum is not ${JSON.stringify(checksum)}; it is damaged, and has to come from a backup`);
  return { version, shards, key: Uint8Array.from(Buffer.from(key, 'hex')) };
}

/** CRC32C of the fields as JSON, in hexadecimal. */
function checksumOf(version: number, shards: number, key: string): string {
  return crc32c(utf8(JSON.stringify({ version, shards, key })))
    .toString(16)
    .padStart(8, '0');
}

/** The text of a new directory's manifest. */
export function manifestText(shards: number, key: Uint8Array): string {
  const hex = Buffer.from(key).toString('hex');
  const fields = { version: VERSION, shards, key: hex, checksum: checksumOf(VERSION, shards, hex) };
  return `${JSON.stringify(fields, null, 2)}\n`;
}

/** The directory's manifest; a new directory gets one with `shards` shards and a random key. */
export async function openManifest(files: Files, random: Random, shards: number): Promise<Manifest> {
  try {
    return parseManifest(utf8Text(await files.readFile(MANIFEST)));
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
  }
  const key = random.bytes(KEY_BYTES);
  await files.writeFileAtomic(MANIFEST, utf8(manifestText(shards, key)));
  return { version: VERSION, shards, key };
}
