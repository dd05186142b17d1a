// Archives of a few small files (ustar), for directories that are kept as fixtures. Names are paths below 100 bytes.
import { utf8, utf8Text } from '../../src/base/index.ts';

const UNIT = 512;

const padded = (bytes: number): number => Math.ceil(bytes / UNIT) * UNIT;

function header(name: string, sizeBytes: number): Uint8Array {
  const block = new Uint8Array(UNIT);
  const put = (text: string, at: number): void => block.set(utf8(text), at);
  put(name, 0);
  put('0000644\0', 100);
  put('0000000\0', 108);
  put('0000000\0', 116);
  put(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124);
  put('00000000000\0', 136);
  put('        ', 148);
  put('0ustar\u000000', 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** An archive of the files, in their order. */
export function packTar(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, bytes] of files) {
    if (utf8(name).length >= 100) throw new Error(`cannot pack ${name}: its name is too long`);
    parts.push(header(name, bytes.length), bytes, new Uint8Array(padded(bytes.length) - bytes.length));
  }
  return Buffer.concat([...parts, new Uint8Array(2 * UNIT)]);
}

/** The files of an archive that packTar() made. */
export function unpackTar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at < archive.length && archive[at] !== 0; ) {
    const field = (from: number, length: number): string =>
      utf8Text(archive.subarray(at + from, at + from + length)).split('\0')[0];
    const sizeBytes = Number.parseInt(field(124, 12), 8);
    files.set(field(0, 100), new Uint8Array(archive.subarray(at + UNIT, at + UNIT + sizeBytes)));
    at += UNIT + padded(sizeBytes);
  }
  return files;
}
