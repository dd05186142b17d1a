// Small files of state: JSON on one line, its CRC32C in hexadecimal on the next. Written whole or not at all.
import { corruptError, utf8, utf8Text } from '../base/index.ts';
import { type Files, hasCode } from '../io/index.ts';
import { crc32c } from '../kernel/index.ts';

const digits = (crc: number): string => (crc >>> 0).toString(16).padStart(8, '0');

/** Replaces the file, all or nothing. */
export async function writeJsonFile(files: Files, path: string, value: unknown): Promise<void> {
  const json = JSON.stringify(value);
  await files.writeFileAtomic(path, utf8(`${json}\n${digits(crc32c(utf8(json)))}\n`));
}

/** What the file holds, or null if there is none; throws a corrupt error for one that is damaged. */
export async function readJsonFile(files: Files, path: string): Promise<unknown> {
  let text: string;
  try {
    text = utf8Text(await files.readFile(path));
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
  const [json, crc] = text.split('\n');
  if (crc !== digits(crc32c(utf8(json)))) throw corruptError(`cannot read ${path}: its checksum is wrong`);
  return JSON.parse(json);
}
