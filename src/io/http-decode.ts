// Content-Encoding of HTTP bodies (RFC 9110, 8.4): gzip, deflate and zstd, also one on top of another. What comes out is
// bounded, so that a small body cannot blow up into all memory.
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { TidemarkError } from '../base/index.ts';

type Options = { maxOutputLength?: number };
type Decode = (bytes: Uint8Array, options: Options) => Buffer | Promise<Buffer>;
type DecodeLater = (bytes: Uint8Array, options: Options) => Promise<Buffer>;

// Small bodies are decoded where they are: the way through the thread pool costs more than the work. CPU of one gzip body of
// 1.5, 9 and 29 KB (2 cores): 307-358, 571-635, 1353-1583 µs in the pool, 40-56, 124-151, 228-354 µs in place.
const IN_PLACE_BYTES_MAX = 32 << 10;

const either =
  (now: Decode, later: DecodeLater): Decode =>
  (bytes, options) =>
    (bytes.length <= IN_PLACE_BYTES_MAX ? now : later)(bytes, options);

const gunzip = either(zlib.gunzipSync, promisify(zlib.gunzip));
const inflate = either(zlib.inflateSync, promisify(zlib.inflate));
const inflateRaw = either(zlib.inflateRawSync, promisify(zlib.inflateRaw));
const unzstd = either(zlib.zstdDecompressSync, promisify(zlib.zstdDecompress));

// RFC 9110 says deflate is the zlib format; some servers send the bare stream.
const isZlib = (bytes: Uint8Array): boolean => (bytes[0] & 15) === 8 && ((bytes[0] << 8) | bytes[1]) % 31 === 0;

const decoders: Readonly<Record<string, Decode>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: (bytes, options) => (isZlib(bytes) ? inflate : inflateRaw)(bytes, options),
  zstd: unzstd,
};

/** Codings of a Content-Encoding header, in the order in which they were applied; without `identity`. */
export function contentCodings(header: string | undefined): string[] {
  const names = (header ?? '').split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '' && name !== 'identity');
}

/** Undoes `codings`. Throws `body_too_large` past bytesMax (0 = unlimited), `bad_body` on bytes that do not decode. */
export async function decodeBody(bytes: Uint8Array, codings: readonly string[], bytesMax: number): Promise<Uint8Array> {
  let body = bytes;
  for (const coding of codings.toReversed()) {
    const decode = decoders[coding];
    if (decode === undefined) {
      throw new TidemarkError('bad_body', `cannot decode body: unknown content encoding; got ${coding}`);
    }
    if (body.length === 0) return body; // as servers answer HEAD, 204 and 304
    try {
      body = await decode(body, bytesMax > 0 ? { maxOutputLength: bytesMax } : {});
    } catch (cause) {
      if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw bodyTooLarge(bytesMax);
      throw new TidemarkError('bad_body', `cannot decode ${coding} body: ${(cause as Error).message}`, { cause });
    }
  }
  return body;
}

export const bodyTooLarge = (bytesMax: number): TidemarkError =>
  new TidemarkError('body_too_large', `cannot read body: it is larger than ${bytesMax} bytes`);

/** Throws `bad_body` if a body that must not be encoded is. */
export function refuseCodings(headers: Readonly<Record<string, string>>): void {
  const [coding] = contentCodings(headers['content-encoding']);
  if (coding !== undefined)
    throw new TidemarkError('bad_body', `cannot read body as it arrives: it is encoded; got ${coding}`);
}
