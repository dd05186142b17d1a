// manifest.json of a data directory: what may never change once data is there. The number of shards decides where a series lives; the key
// decides its identity.
import { TidemarkError, errorText, utf8, utf8Text } from '../base/index.ts';
import { type Files, type Random, hasCode } from '../io/index.ts';

/** Its name in the data directory. */
export const MANIFEST = 'manifest.json';
/** Version of the directory's layout. An older build refuses a newer one. */
const VERSION = 1;
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
  let json: { version?: unknown; shards?: unknown; key?: unknown };
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw fault(errorText(cause), cause);
  }
  const { version, shards, key } = json;
  if (typeof version !== 'number') throw fault(`version is missing`);
  if (version > VERSION)
    throw fault(`the directory is of version ${version}, which needs a newer build; this one reads ${VERSION}`);
  if (typeof shards !== 'number' || !Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX)
    throw fault(`shards is no number from 1 to ${SHARDS_MAX}; got ${JSON.stringify(shards)}`);
  if (typeof key !== 'string' || !/^[0-9a-f]{64}$/.test(key)) throw fault('key is no text of 64 hexadecimal digits');
  return { version, shards, key: Uint8Array.from(Buffer.from(key, 'hex')) };
}

/** The directory's manifest; a new directory gets one with `shards` shards and a random key. */
export async function openManifest(files: Files, random: Random, shards: number): Promise<Manifest> {
  try {
    return parseManifest(utf8Text(await files.readFile(MANIFEST)));
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
  }
  const manifest = { version: VERSION, shards, key: random.bytes(KEY_BYTES) };
  const text = JSON.stringify({ ...manifest, key: Buffer.from(manifest.key).toString('hex') }, null, 2);
  await files.writeFileAtomic(MANIFEST, utf8(`${text}\n`));
  return manifest;
}
