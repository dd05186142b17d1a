// Snappy block format, decoder: the twin of kernels/intake/snappy.ts, where the elements are drawn.

/** Why a body cannot be decoded; the numbers are the intake's codes. */
export type SnappyCode = -1 | -2;

const CORRUPT: SnappyCode = -1;
const TOO_LARGE: SnappyCode = -2;

/** What one element says: a literal of `length` bytes behind it, or a copy. */
interface Element {
  readonly next: number;
  readonly length: number;
  /** 0: a literal. */
  readonly offset: number;
}

/** Decodes; a number is the code of what is wrong. */
export function decodeSnappy(source: Uint8Array, decodedBytesMax: number): Uint8Array | SnappyCode {
  const head = readLength(source);
  if (head === undefined) return CORRUPT;
  if (head.value > Math.min(decodedBytesMax, 0x3fffff00)) return TOO_LARGE;
  const out = new Uint8Array(head.value);
  let at = head.next;
  let to = 0;
  while (at < source.length) {
    const element = readElement(source, at);
    if (element === undefined) return CORRUPT;
    const { length, offset } = element;
    at = element.next;
    if (length > out.length - to || offset > to) return CORRUPT;
    if (offset === 0) {
      if (length > source.length - at) return CORRUPT;
      out.set(source.subarray(at, at + length), to);
      at += length;
    } else for (let i = 0; i < length; i++) out[to + i] = out[to + i - offset];
    to += length;
  }
  return to === out.length ? out : CORRUPT;
}

function readLength(source: Uint8Array): { value: number; next: number } | undefined {
  let value = 0;
  for (let i = 0; i < 5 && i < source.length; i++) {
    value += (source[i] & 127) * 128 ** i;
    if (source[i] < 128) return value > 0xffffffff ? undefined : { value, next: i + 1 };
  }
  return undefined;
}

/** Reads `count` bytes as a number; undefined if the input ends first. */
function readNumber(source: Uint8Array, at: number, count: number): number | undefined {
  if (at + count > source.length) return undefined;
  let value = 0;
  for (let i = count - 1; i >= 0; i--) value = value * 256 + source[at + i];
  return value;
}

function readElement(source: Uint8Array, at: number): Element | undefined {
  const tag = source[at];
  const kind = tag & 3;
  if (kind === 0) {
    const extra = Math.max(0, (tag >> 2) - 59);
    const long = readNumber(source, at + 1, extra);
    if (long === undefined) return undefined;
    return { next: at + 1 + extra, length: (extra === 0 ? tag >> 2 : long) + 1, offset: 0 };
  }
  const bytes = kind === 1 ? 1 : kind === 2 ? 2 : 4;
  const low = readNumber(source, at + 1, bytes);
  if (low === undefined) return undefined;
  const offset = kind === 1 ? (tag >> 5) * 256 + low : low;
  if (offset === 0) return undefined;
  return { next: at + 1 + bytes, length: kind === 1 ? 4 + ((tag >> 2) & 7) : (tag >> 2) + 1, offset };
}
