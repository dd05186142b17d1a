// JSON straight into bytes. No text of the answer is ever one JavaScript string. Of a long answer only a piece is held at a time:
// who writes looks at `isFull` now and then and lets the piece be taken.
import type { PointsKernel } from '../kernel/index.ts';
import { NUMBER_BYTES_MAX, writeAscii, writeNumber, writeTime } from './json-number.ts';

const encoder = new TextEncoder();
const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;
const COLON = 58;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const HEX = '0123456789abcdef';
const SHORT_ESCAPES: Readonly<Record<number, number>> = { 8: 98, 9: 116, 10: 110, 12: 102, 13: 114 };

/** The part of a text above which one native conversion beats a loop over its characters. */
const LONG_TEXT = 64;

/** A piece is due to be taken from here on. What is written between two looks comes on top. */
const PIECE_BYTES = 1 << 18;

/** With fewer points, the call and the copies cost more than the kernel saves: bench/json.ts, with this at 1. */
const KERNEL_POINTS_MIN = 4;

function writePoint(bytes: Uint8Array, at: number, timeMs: number, value: number): number {
  bytes[at] = OPEN;
  at = writeTime(bytes, at + 1, timeMs);
  bytes[at] = COMMA;
  bytes[at + 1] = QUOTE;
  at = writeNumber(bytes, at + 2, value);
  bytes[at] = QUOTE;
  bytes[at + 1] = CLOSE;
  return at + 2;
}

/** Room for a text in quotes, whatever it has. */
const textBytesMax = (text: string): number => text.length * 6 + 2;

/** Writes a text in quotes; returns the end. */
function writeText(bytes: Uint8Array, at: number, text: string): number {
  bytes[at++] = QUOTE;
  const { length } = text;
  let plain = 0;
  if (length < LONG_TEXT) {
    for (; plain < length; plain++) {
      const unit = text.charCodeAt(plain);
      if (unit < 32 || unit > 126 || unit === QUOTE || unit === BACKSLASH) break;
      bytes[at++] = unit;
    }
  }
  if (plain < length) at = writeEscaped(bytes, at, plain === 0 ? text : text.slice(plain));
  bytes[at] = QUOTE;
  return at + 1;
}

function writeEscaped(bytes: Uint8Array, at: number, text: string): number {
  for (const byte of encoder.encode(text)) {
    if (byte >= 32 && byte !== QUOTE && byte !== BACKSLASH) {
      bytes[at++] = byte;
      continue;
    }
    bytes[at++] = BACKSLASH;
    if (byte >= 32) bytes[at++] = byte;
    else if (SHORT_ESCAPES[byte]) bytes[at++] = SHORT_ESCAPES[byte];
    else at = writeAscii(bytes, at, `u00${HEX[byte >> 4]}${HEX[byte & 15]}`);
  }
  return at;
}

/** Appends JSON to bytes it owns, which grow as needed. */
export class JsonWriter {
  /** What is written to: [0, length) is taken. */
  #bytes: Uint8Array;
  #length = 0;
  /** Writes samples faster. Absent: they are written here. */
  readonly pointsKernel: PointsKernel | null;

  constructor(capacityBytes = 4096, pointsKernel: PointsKernel | null = null) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes);
    this.pointsKernel = pointsKernel;
  }

  /** Bytes that it holds on to. */
  get capacityBytes(): number {
    return this.#bytes.length;
  }

  /** Whether there is a piece's worth of bytes. */
  get isFull(): boolean {
    return this.#length >= PIECE_BYTES;
  }

  #reserve(count: number): void {
    if (this.#length + count > this.#bytes.length) this.#grow(this.#length + count);
  }

  #grow(least: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(least, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** ASCII that is JSON already. */
  raw(text: string): void {
    this.#reserve(text.length);
    this.#length = writeAscii(this.#bytes, this.#length, text);
  }

  /** Bytes that are JSON already. */
  rawBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A float64 in quotes. */
  quotedNumber(value: number): void {
    this.#reserve(NUMBER_BYTES_MAX + 2);
    this.#bytes[this.#length] = QUOTE;
    const end = writeNumber(this.#bytes, this.#length + 1, value);
    this.#bytes[end] = QUOTE;
    this.#length = end + 1;
  }

  /** Milliseconds as seconds. */
  time(timeMs: number): void {
    this.#reserve(NUMBER_BYTES_MAX);
    this.#length = writeTime(this.#bytes, this.#length, timeMs);
  }

  /** A sample: `[1700000000.123,"1.5"]`. */
  point(timeMs: number, value: number): void {
    this.#reserve(2 * NUMBER_BYTES_MAX + 6);
    this.#length = writePoint(this.#bytes, this.#length, timeMs, value);
  }

  /** Samples [from, to) of columns, with commas between. */
  points(ts: Float64Array, vs: Float64Array, from: number, to: number): void {
    const kernel = this.pointsKernel;
    if (kernel === null || to - from < KERNEL_POINTS_MIN) {
      this.#scriptPoints(ts, vs, from, to);
      return;
    }
    for (let at = from; at < to; at += kernel.pointsMax) {
      if (at > from) this.raw(',');
      this.rawBytes(kernel.points(ts, vs, at, Math.min(to, at + kernel.pointsMax)));
    }
  }

  /** The twin of kernels/json. */
  #scriptPoints(ts: Float64Array, vs: Float64Array, from: number, to: number): void {
    // Where the text of the value before is: many series stay as they are for long.
    let textFrom = 0;
    let textTo = 0;
    for (let i = from; i < to; i++) {
      this.#reserve(2 * NUMBER_BYTES_MAX + 6);
      const bytes = this.#bytes;
      let at = this.#length;
      if (i > from) bytes[at++] = COMMA;
      bytes[at] = OPEN;
      at = writeTime(bytes, at + 1, ts[i]);
      bytes[at] = COMMA;
      bytes[at + 1] = QUOTE;
      at += 2;
      const isRepeated = i > from && vs[i] === vs[i - 1] && vs[i] !== 0;
      const start = at;
      if (isRepeated) for (let k = textFrom; k < textTo; k++) bytes[at++] = bytes[k];
      else at = writeNumber(bytes, at, vs[i]);
      textFrom = start;
      textTo = at;
      bytes[at] = QUOTE;
      bytes[at + 1] = CLOSE;
      this.#length = at + 2;
    }
  }

  /** A text in quotes, escaped. Lone surrogates become U+FFFD, as in UTF-8 encoding. */
  string(text: string): void {
    this.#reserve(textBytesMax(text));
    this.#length = writeText(this.#bytes, this.#length, text);
  }

  /** An array of texts. */
  strings(texts: Iterable<string>): void {
    let separator = '[';
    for (const text of texts) {
      this.raw(separator);
      this.string(text);
      separator = ',';
    }
    this.raw(separator === '[' ? '[]' : ']');
  }

  /** Name, value, name, value ... as an object. */
  pairs(pairs: readonly string[]): void {
    let most = 2;
    for (let i = 0; i < pairs.length; i++) most += textBytesMax(pairs[i]) + 1;
    this.#reserve(most);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = BRACE_OPEN;
    for (let i = 0; i < pairs.length; i += 2) {
      if (i > 0) bytes[at++] = COMMA;
      at = writeText(bytes, at, pairs[i]);
      bytes[at++] = COLON;
      at = writeText(bytes, at, pairs[i + 1]);
    }
    bytes[at++] = BRACE_CLOSE;
    this.#length = at;
  }

  /** What was written since the last time. Valid until the next writing. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return taken;
  }
}
