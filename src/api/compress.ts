// Response compression by Accept-Encoding: gzip, else deflate, for bodies that fill more than a packet. Level 1: on JSON of
// samples the higher levels cost several times the time for a tenth of the size.
import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';

const COMPRESS_BYTES_MIN = 1400;
const LEVEL = { level: 1 };
const CODERS = { gzip: promisify(gzip), deflate: promisify(deflate) } as const;

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
