// Encoder of Prometheus' XOR chunks (Gorilla, tsdb/docs/format/chunks.md): what a streamed remote read answers with. The decoder is
// in prometheus-float-chunks.ts.
//
//   chunk    u16 count, big-endian, then bits: first time (varint), first value (64), second delta (uvarint), second value xor, ...
//   time     delta of deltas: 0 · 10 + 14 bits · 110 + 17 · 1110 + 20 · 1111 + 64
//   value    xor with the one before: 0 · 10 + bits of the window before · 11 + 5 bits leading zeros + 6 bits width + bits
//
// Values are handled as pairs of words: a stale marker must keep its bits.

/** Samples of a chunk; Prometheus cuts its own there. */
export const CHUNK_SAMPLES_MAX = 120;
/** First time and value, and per sample 68 bits of time and 77 of value. */
const CHUNK_BYTES_MAX = 32 + CHUNK_SAMPLES_MAX * 19;

/** Bits, highest first, into a buffer that is large enough. */
class BitWriter {
  readonly bytes = new Uint8Array(CHUNK_BYTES_MAX);
  /** Bits written. */
  length = 0;

  clear(): void {
    this.bytes.fill(0, 0, (this.length + 7) >> 3);
    this.length = 0;
  }

  /** The lower `count` (at most 32) bits of a value. */
  bits(value: number, count: number): void {
    let left = count;
    while (left > 0) {
      const room = 8 - (this.length & 7);
      const take = Math.min(room, left);
      const part = (value >>> (left - take)) & ((1 << take) - 1);
      this.bytes[this.length >> 3] |= part << (room - take);
      this.length += take;
      left -= take;
    }
  }

  /** The lower `count` (at most 64) bits of a value of two words. */
  wide(high: number, low: number, count: number): void {
    if (count > 32) this.bits(high, count - 32);
    this.bits(low, Math.min(count, 32));
  }

  /** Seven bits a byte, as Go's PutUvarint. */
  uvarint(value: number): void {
    let left = value;
    for (; left >= 128; left = Math.floor(left / 128)) this.bits((left % 128) | 128, 8);
    this.bits(left, 8);
  }
}

/** Leading zeros that five bits can say. */
const LEADING_MAX = 31;
const NO_WINDOW = -1;

const clz64 = (high: number, low: number): number => (high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low));
const ctz32 = (word: number): number => 31 - Math.clz32(word & -word);
const ctz64 = (high: number, low: number): number => (low !== 0 ? ctz32(low) : 32 + ctz32(high));

/** Makes chunks, one after another. */
export class XorChunkWriter {
  readonly #out = new BitWriter();
  #leading = NO_WINDOW;
  #trailing = 0;

  /** Encodes samples [from, to), at most CHUNK_SAMPLES_MAX of rising times. `words`: the values as words, low before high. */
  encode(ts: Float64Array, words: Uint32Array, from: number, to: number): Uint8Array {
    const out = this.#out;
    out.clear();
    this.#leading = NO_WINDOW;
    out.bits(to - from, 16);
    const first = ts[from];
    out.uvarint(first >= 0 ? first * 2 : -first * 2 - 1);
    out.wide(words[2 * from + 1], words[2 * from], 64);
    let delta = 0;
    for (let i = from + 1; i < to; i++) {
      const next = ts[i] - ts[i - 1];
      if (i === from + 1) out.uvarint(next);
      else this.#time(next - delta);
      delta = next;
      this.#value(words[2 * i + 1] ^ words[2 * i - 1], words[2 * i] ^ words[2 * i - 2]);
    }
    return out.bytes.slice(0, (out.length + 7) >> 3);
  }

  #time(change: number): void {
    const out = this.#out;
    if (change === 0) out.bits(0, 1);
    else if (fits(change, 14)) out.wide(0, (0b10 << 14) | (change & 0x3fff), 16);
    else if (fits(change, 17)) out.wide(0, (0b110 << 17) | (change & 0x1ffff), 20);
    else if (fits(change, 20)) out.wide(0, (0b1110 << 20) | (change & 0xfffff), 24);
    else {
      out.bits(0b1111, 4);
      out.wide(Math.floor(change / 2 ** 32) | 0, (change % 2 ** 32) | 0, 64);
    }
  }

  #value(high: number, low: number): void {
    const out = this.#out;
    if (high === 0 && low === 0) return out.bits(0, 1);
    const leading = Math.min(clz64(high, low), LEADING_MAX);
    const trailing = ctz64(high, low);
    if (this.#leading !== NO_WINDOW && leading >= this.#leading && trailing >= this.#trailing) {
      out.bits(0b10, 2);
      this.#shifted(high, low);
      return;
    }
    this.#leading = leading;
    this.#trailing = trailing;
    out.bits(0b11, 2);
    out.bits(leading, 5);
    out.bits((64 - leading - trailing) & 63, 6);
    this.#shifted(high, low);
  }

  /** The bits of the window. */
  #shifted(high: number, low: number): void {
    const shift = this.#trailing;
    const width = 64 - this.#leading - shift;
    if (shift >= 32) this.#out.wide(0, high >>> (shift - 32), width);
    else if (shift === 0) this.#out.wide(high, low, width);
    else this.#out.wide(high >>> shift, (low >>> shift) | (high << (32 - shift)), width);
  }
}

const fits = (value: number, bits: number): boolean => value >= 1 - 2 ** (bits - 1) && value <= 2 ** (bits - 1);
