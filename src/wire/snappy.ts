// Snappy block format (format_description.txt of google/snappy), the body encoding of remote write. The encoder is a
// greedy LZ77 over blocks of 64 KiB: four bytes are hashed into a table of places; a place that holds the same bytes
// becomes a copy, what lies between copies a literal. The element layout is drawn in kernels/intake/snappy.ts.

const HASH_BITS = 14;
const BLOCK_BYTES = 65536;
/** Matches begin at least this far from a block's end, so that four bytes can be read. */
const MARGIN = 8;

const places = new Int32Array(1 << HASH_BITS);

/** Room for the encoded form of `length` bytes in the worst case. */
export const snappyBytesMax = (length: number): number => 32 + length + Math.ceil(length / 6);

/** Encodes bytes. */
export function compressSnappy(source: Uint8Array): Uint8Array {
  const out = new Uint8Array(snappyBytesMax(source.length));
  const view = new DataView(source.buffer, source.byteOffset, source.length);
  let at = 0;
  for (let left = source.length; ; left = Math.floor(left / 128)) {
    out[at++] = left < 128 ? left : (left % 128) | 128;
    if (left < 128) break;
  }
  for (let from = 0; from < source.length; from += BLOCK_BYTES) {
    at = encodeBlock(source, view, from, Math.min(from + BLOCK_BYTES, source.length), out, at);
  }
  return out.slice(0, at);
}

function encodeBlock(source: Uint8Array, view: DataView, from: number, to: number, out: Uint8Array, start: number) {
  places.fill(-1);
  let at = start;
  let literalFrom = from;
  let misses = 32; // the longer nothing matches, the larger the steps
  for (let i = from; i + MARGIN <= to; ) {
    const word = view.getInt32(i, true);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
    const place = places[slot];
    places[slot] = i;
    if (place < 0 || view.getInt32(place, true) !== word) {
      i += misses++ >> 5;
      continue;
    }
    let end = i + 4;
    while (end < to && source[end] === source[end - i + place]) end++;
    at = copy(out, literal(out, at, source, literalFrom, i), i - place, end - i);
    literalFrom = end;
    misses = 32;
    i = end;
  }
  return literal(out, at, source, literalFrom, to);
}

function literal(out: Uint8Array, start: number, source: Uint8Array, from: number, to: number): number {
  const n = to - from - 1;
  if (n < 0) return start;
  let at = start;
  if (n < 60) out[at++] = n << 2;
  else if (n < 256) {
    out[at++] = 60 << 2;
    out[at++] = n;
  } else {
    out[at++] = 61 << 2;
    out[at++] = n & 255;
    out[at++] = n >> 8;
  }
  out.set(source.subarray(from, to), at);
  return at + n + 1;
}

/** A copy element holds up to 64 bytes; a short one with a near offset takes two bytes instead of three. */
function copy(out: Uint8Array, start: number, offset: number, length: number): number {
  let at = start;
  let left = length;
  while (left > 0) {
    // What remains must be at least four bytes, or it could not take the short form.
    const n = left <= 64 ? left : left < 68 ? 60 : 64;
    if (n >= 4 && n < 12 && offset < 2048) {
      out[at++] = ((offset >> 8) << 5) | ((n - 4) << 2) | 1;
      out[at++] = offset & 255;
    } else {
      out[at++] = ((n - 1) << 2) | 2;
      out[at++] = offset & 255;
      out[at++] = offset >> 8;
    }
    left -= n;
  }
  return at;
}
