// Data directories that were written by versions of the program, kept as archives in test/fixtures/formats: <n>.tar.gz holds the
// files below data/, and expected.txt, what is in them. tools/keep-directory.ts writes one.
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { utf8, utf8Text } from '../../src/base/index.ts';
import type { StoredFiles } from '../../sim/sample-store.ts';
import { packTar, unpackTar } from './tar.ts';

const DIRECTORY = join(import.meta.dirname, '../fixtures/formats');
const SUFFIX = '.tar.gz';
const DATA = 'data/';
const EXPECTED = 'expected.txt';

/** A directory, and the lines that dumpStore() gives of it. */
export interface KeptDirectory {
  readonly files: StoredFiles;
  readonly expected: readonly string[];
}

/** Numbers of the kept directories, oldest first. */
export function keptNumbers(): number[] {
  const names = fs.readdirSync(DIRECTORY).filter((name) => name.endsWith(SUFFIX));
  return names.map((name) => Number(name.slice(0, -SUFFIX.length))).sort((a, b) => a - b);
}

const pathOf = (number: number): string => join(DIRECTORY, `${number}${SUFFIX}`);

export function readKept(number: number): KeptDirectory {
  const all = unpackTar(gunzipSync(fs.readFileSync(pathOf(number))));
  const files = new Map([...all].flatMap(([n, bytes]) => (n.startsWith(DATA) ? [[n.slice(DATA.length), bytes]] : [])));
  const expected = utf8Text(all.get(EXPECTED) ?? new Uint8Array(0)).trimEnd();
  return { files, expected: expected.split('\n') };
}

/** Writes an archive; returns its size. */
export function writeKept(number: number, { files, expected }: KeptDirectory): number {
  const all = new Map([...files].map(([path, bytes]) => [`${DATA}${path}`, bytes]));
  all.set(EXPECTED, utf8(`${expected.join('\n')}\n`));
  const archive = gzipSync(packTar(all), { level: 9 });
  fs.writeFileSync(pathOf(number), archive);
  return archive.length;
}

/** Writes the files below a directory of the real disk. */
export function layOut(files: StoredFiles, directory: string): void {
  for (const [path, bytes] of files) {
    fs.mkdirSync(dirname(join(directory, path)), { recursive: true });
    fs.writeFileSync(join(directory, path), bytes);
  }
}
