// Bodies that come compressed.
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { TidemarkError, errorText } from '../base/index.ts';

const DECODERS = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const;

/**
 * A body without its content coding, which is gzip, deflate or none. Throws TidemarkError `bad_data` for bytes that are none of
 * that, `body_too_large` beyond so many of them.
 */
export async function inflateBody(body: Uint8Array, coding: string, bytesMax: number): Promise<Uint8Array> {
  if (coding !== 'gzip' && coding !== 'deflate') return body;
  try {
    return await DECODERS[coding](body, { maxOutputLength: bytesMax });
  } catch (error) {
    const isTooLarge = (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE';
    if (isTooLarge) throw new TidemarkError('body_too_large', `request body is larger than ${bytesMax} bytes`);
    throw new TidemarkError('bad_data', `cannot decompress request body: ${errorText(error)}`, { cause: error });
  }
}
