// Response compression by Accept-Encoding: gzip, else deflate, for bodies that fill more than a packet. Level 1: on JSON of
// samples the higher levels cost several times the time for a tenth of the size.
//
// A body that comes in pieces is compressed piece by piece on the thread that makes it: each piece becomes deflate blocks (RFC 1951)
// that end at a byte and refer to nothing before them, so that they only need to be put one after the other:
//
//   gzip (RFC 1952)     10 bytes of head, blocks ..., CRC-32, length modulo 2^32, both little endian
//   deflate (RFC 1950)  2 bytes of head, blocks ..., Adler-32, big endian
import { promisify } from 'node:util';
import { constants, crc32, deflate, deflateRawSync, gzip } from 'node:zlib';

const COMPRESS_BYTES_MIN = 1400;
const LEVEL = { level: 1 };
const CODERS = { gzip: promisify(gzip), deflate: promisify(deflate) } as const;

/** A content coding of answers. */
export type Coding = keyof typeof CODERS;

/** The coding to use for an Accept-Encoding header, or null. A weight of 0 refuses a coding. */
export function chooseCoding(accept: string): Coding | null {
  const accepted = new Set<string>();
  for (const part of accept.toLowerCase().split(',')) {
    const [coding, ...parameters] = part.split(';').map((text) => text.trim());
    if (!parameters.some((text) => /^q=0(?:\.0*)?$/.test(text))) accepted.add(coding);
  }
  if (accepted.has('gzip')) return 'gzip';
  return accepted.has('deflate') ? 'deflate' : null;
}

/** Whether a body is worth compressing. */
export const isCompressible = (bytes: Uint8Array): boolean => bytes.length >= COMPRESS_BYTES_MIN;

/** Compresses off the main thread. */
export function compress(coding: Coding, bytes: Uint8Array): Promise<Uint8Array> {
  return CODERS[coding](bytes, LEVEL);
}

const HEADS = {
  gzip: Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255),
  deflate: Uint8Array.of(0x78, 0x01),
} as const;

/** Adler-32 takes this many bytes before its sums must be reduced. */
const ADLER_BYTES_MAX = 3800;
const ADLER_BASE = 65_521;

function adler32(bytes: Uint8Array, before: number): number {
  let a = before & 0xffff;
  let b = before >>> 16;
  for (let at = 0; at < bytes.length; ) {
    for (const end = Math.min(at + ADLER_BYTES_MAX, bytes.length); at < end; at++) {
      a += bytes[at];
      b += a;
    }
    a %= ADLER_BASE;
    b %= ADLER_BASE;
  }
  return ((b << 16) | a) >>> 0;
}

/** Compresses a body that comes in pieces. */
export class StreamCoder {
  readonly coding: Coding;
  #sum: number;
  #length = 0;
  #isBegun = false;

  constructor(coding: Coding) {
    this.coding = coding;
    this.#sum = coding === 'gzip' ? 0 : 1;
  }

  /** The next piece of the compressed body; with `isEnd`, the last one. */
  encode(bytes: Uint8Array, isEnd: boolean): Uint8Array {
    const { Z_FINISH, Z_SYNC_FLUSH } = constants;
    const blocks = deflateRawSync(bytes, { ...LEVEL, finishFlush: isEnd ? Z_FINISH : Z_SYNC_FLUSH });
    this.#sum = this.coding === 'gzip' ? crc32(bytes, this.#sum) : adler32(bytes, this.#sum);
    this.#length += bytes.length;
    const parts: Uint8Array[] = this.#isBegun ? [blocks] : [HEADS[this.coding], blocks];
    this.#isBegun = true;
    if (isEnd) parts.push(this.#tail());
    return Buffer.concat(parts);
  }

  #tail(): Uint8Array {
    const tail = new DataView(new ArrayBuffer(this.coding === 'gzip' ? 8 : 4));
    tail.setUint32(0, this.#sum, this.coding === 'gzip');
    if (this.coding === 'gzip') tail.setUint32(4, this.#length % 2 ** 32, true);
    return new Uint8Array(tail.buffer);
  }
}
