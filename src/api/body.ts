// Request bodies as one buffer, with a limit. Node hands over chunks of up to 64 KiB; with a known length they are copied once
// into their place, and a body of one chunk is not copied at all.
import type { Readable } from 'node:stream';
import { TidemarkError, freeBytes } from '../base/index.ts';

const EMPTY = new Uint8Array(0);

function tooLarge(bytesMax: number): TidemarkError {
  return new TidemarkError('body_too_large', `request body is larger than ${bytesMax} bytes`);
}

/**
 * Reads a whole body. `contentLength` is the header's value, NaN if there is none. Rejects with TidemarkError
 * `body_too_large`, or `canceled` if the client goes away before the end.
 */
export function readBody(stream: Readable, contentLength: number, bytesMax: number): Promise<Uint8Array> {
  if (contentLength === 0) return Promise.resolve(EMPTY);
  if (contentLength > bytesMax) return Promise.reject(tooLarge(bytesMax));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > bytesMax) {
        stream.removeAllListeners('data');
        stream.resume();
        reject(tooLarge(bytesMax));
        return;
      }
      chunks.push(chunk);
    });
    let hasEnded = false;
    stream.once('end', () => {
      hasEnded = true;
      resolve(joined(chunks, length));
    });
    stream.once('error', reject);
    // Also after a whole body: an error is only made where it is needed, for it costs a stack trace.
    stream.once('close', () => {
      if (!hasEnded) reject(new TidemarkError('canceled', 'request body ended early'));
    });
  });
}

// Node copies each chunk of a body into a buffer of its own; what shares one with others is not freed.
function joined(chunks: readonly Buffer[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
    freeBytes(chunk);
  }
  return bytes;
}
